"""What does a DICOM study say?"""

from recanal.dicom.files import InputFile
from recanal.dicom.reading import read_dicom
from recanal.dicom.writing import encode_study

__all__ = ["InputFile", "encode_study", "read_dicom"]
