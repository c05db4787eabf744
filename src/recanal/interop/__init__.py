"""How do others write it?"""

from recanal.interop.atomic import ResultFolder, write_atomic, write_json_atomic, write_text_atomic
from recanal.interop.findings_file import read_findings_file
from recanal.interop.nifti_writer import nifti_bytes
from recanal.interop.study import LoadedStudy, input_sha256, load_study
from recanal.interop.study_writer import write_dicom_study
from recanal.interop.vtp import write_centerlines_vtp

__all__ = [
    "LoadedStudy",
    "ResultFolder",
    "input_sha256",
    "load_study",
    "nifti_bytes",
    "read_findings_file",
    "write_atomic",
    "write_centerlines_vtp",
    "write_dicom_study",
    "write_json_atomic",
    "write_text_atomic",
]
