"""What is each variable of a cohort, and how do files write it?"""

from recanal.variables.checking import (
    CheckedRows,
    Progress,
    check_rows,
    check_source,
    checked_together,
    quiet,
    without_rejected,
)
from recanal.variables.codebook import codebook_frame, codebook_html, codebook_markdown
from recanal.variables.derive import Derived, derived_timing, derived_variables, with_derived
from recanal.variables.dictionary import (
    Dictionary,
    Source,
    Table,
    Variable,
    extended,
    load_dictionary,
    parse_dictionary,
)
from recanal.variables.frames import frame_schema
from recanal.variables.read_options import ColumnRule, ReadOptions, read_column_rules
from recanal.variables.reading import RawTable, read_csv
from recanal.variables.redcap_dictionary import project_fields, redcap_dictionary_csv, redcap_mismatches
from recanal.variables.redcap_records import records_csv, records_tables
from recanal.variables.rejections import RULES
from recanal.variables.writing import FORMATS, WriteOptions, csv_bytes, entry_form, rejections_csv, write_frames

__all__ = [
    "FORMATS",
    "RULES",
    "CheckedRows",
    "ColumnRule",
    "Derived",
    "Dictionary",
    "Progress",
    "RawTable",
    "ReadOptions",
    "Source",
    "Table",
    "Variable",
    "WriteOptions",
    "check_rows",
    "check_source",
    "checked_together",
    "codebook_frame",
    "codebook_html",
    "codebook_markdown",
    "csv_bytes",
    "derived_timing",
    "derived_variables",
    "entry_form",
    "extended",
    "frame_schema",
    "load_dictionary",
    "parse_dictionary",
    "project_fields",
    "quiet",
    "read_column_rules",
    "read_csv",
    "records_csv",
    "records_tables",
    "redcap_dictionary_csv",
    "redcap_mismatches",
    "rejections_csv",
    "with_derived",
    "without_rejected",
    "write_frames",
]
