"""What happened to the patients we saw?"""

from recanal.cohort.cases import attach_case, check_case, read_attached
from recanal.cohort.endpoints import Endpoint, EndpointTimes, endpoint_times
from recanal.cohort.exporting import flat_frame, instances, table_frames
from recanal.cohort.importing import ImportOptions, ImportResult, import_rows, import_source
from recanal.cohort.lesion_findings import lesion_findings
from recanal.cohort.redcap_api import RedcapProject
from recanal.cohort.redcap_transfer import check_redcap, import_redcap, redcap_csv
from recanal.cohort.store import Author, Store, Writer, create_store, open_store
from recanal.cohort.verify import Finding, Verification, verify_store
from recanal.cohort.withdrawing import withdraw_rows

__all__ = [
    "Author",
    "Endpoint",
    "EndpointTimes",
    "Finding",
    "ImportOptions",
    "ImportResult",
    "RedcapProject",
    "Store",
    "Verification",
    "Writer",
    "attach_case",
    "check_case",
    "check_redcap",
    "create_store",
    "endpoint_times",
    "flat_frame",
    "import_redcap",
    "import_rows",
    "import_source",
    "instances",
    "lesion_findings",
    "open_store",
    "read_attached",
    "redcap_csv",
    "table_frames",
    "verify_store",
    "withdraw_rows",
]
