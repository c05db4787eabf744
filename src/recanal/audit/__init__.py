"""Can these printed numbers be true?"""

from recanal.audit.examples import example_names, read_example
from recanal.audit.findings import PROBLEMS, AuditReport, Finding, RowReport, RuleFit, Verdict
from recanal.audit.pages import audit_csv, audit_html, audit_record
from recanal.audit.reading import read_tables, read_tables_text, template_text
from recanal.audit.rows import Document
from recanal.audit.run import audit_document

__all__ = [
    "PROBLEMS",
    "AuditReport",
    "Document",
    "Finding",
    "RowReport",
    "RuleFit",
    "Verdict",
    "audit_csv",
    "audit_document",
    "audit_html",
    "audit_record",
    "example_names",
    "read_example",
    "read_tables",
    "read_tables_text",
    "template_text",
]
