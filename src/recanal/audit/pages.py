"""An audit as CSV, as one HTML page and as plain values for JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from html import escape
from typing import Any

from recanal.audit.findings import PROBLEMS, AuditReport, Finding, RowReport, Verdict

__all__ = ["audit_csv", "audit_html", "audit_record"]

_COLUMNS = ("table", "row", "kind", "supposition", "check", "verdict", "printed", "recomputed", "explanation", "note")
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fff}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #ddd}
td.v,td.t{white-space:nowrap}td.v{font-weight:600}
table.short{width:auto}
.impossible{color:#a40000}.inconsistent{color:#8a4b00}.not-reproduced{color:#6b5900}
.cannot-be-checked{color:#555}.reproduced{color:#17612b}
p.note{color:#555}small{color:#555}
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}
"""


def audit_csv(report: AuditReport) -> str:
    """One line per finding; a text that a spreadsheet would run as a formula starts with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in report.rows:
        for finding in row.findings:
            cells = (
                *(row.table, row.name, row.kind, "yes" if row.what_if else "no", finding.check, str(finding.verdict)),
                *(finding.printed, finding.recomputed, finding.message, row.note),
            )
            writer.writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def audit_html(report: AuditReport) -> str:
    """One self-contained page: counts by verdict, rows with something wrong, then all rows."""
    title = escape(report.title or "Audit of printed tables")
    doi = f'<p>doi <a href="https://doi.org/{escape(report.doi)}">{escape(report.doi)}</a></p>' if report.doi else ""
    wrong = [row for row in report.rows if row.worst in PROBLEMS]
    counts = "".join(
        f'<tr><td class="v {_class(verdict)}">{verdict}</td><td>{report.count(verdict)}</td></tr>'
        for verdict in Verdict
    )
    rules = "".join(
        f"<tr><td>{escape(rule.rule)}</td><td>{rule.reproduced_count} of {rule.total_count}</td></tr>"
        for rule in report.rules
    )
    rule_table = f'<h2>Which rule chose the tests</h2><table class="short">{rules}</table>' if rules else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1>{doi}<p>Each of the {len(report.rows)} rows under the gravest verdict on it.</p>"
        f'<table class="short">{counts}</table>'
        f"{rule_table}"
        f"<h2>Rows with something wrong</h2>{_table(wrong, problems=True)}<h2>All rows</h2>{_table(report.rows)}"
        '<p class="note">An audit compares printed numbers with each other. It does not say who is right, nor why.</p>'
        "</body></html>\n"
    )


def audit_record(report: AuditReport) -> dict[str, Any]:
    """The audit as plain values: rows in order, each with its findings; a number that is not finite is None."""
    return {
        "title": report.title,
        "doi": report.doi,
        "row_count": len(report.rows),
        "verdicts": {str(verdict): report.count(verdict) for verdict in Verdict},
        "rules": [
            {"rule": rule.rule, "reproduced": rule.reproduced_count, "total": rule.total_count} for rule in report.rules
        ],
        "rows": [_row_record(row) for row in report.rows],
    }


def _row_record(row: RowReport) -> dict[str, Any]:
    return {
        "table": row.table,
        "row": row.name,
        "kind": row.kind,
        "verdict": str(row.worst),
        "supposition": row.what_if,
        "note": row.note,
        "findings": [
            {
                "check": finding.check,
                "verdict": str(finding.verdict),
                "printed": finding.printed,
                "recomputed": finding.recomputed,
                "message": finding.message,
                "values": {name: value if math.isfinite(value) else None for name, value in finding.values.items()},
            }
            for finding in row.findings
        ],
    }


def _table(rows: Iterable[RowReport], *, problems: bool = False) -> str:
    lines = []
    for row in rows:
        shown = [one for one in row.findings if not problems or one.verdict in PROBLEMS]
        for place, finding in enumerate(shown):
            supposed = " <small>(supposition)</small>" if row.what_if else ""
            where = (
                f'<td class="t">{escape(row.table)}</td><td>{escape(row.name)}{supposed}</td>'
                if place == 0
                else "<td></td><td></td>"
            )
            lines.append(f"<tr>{where}{_cells(finding, row.note if place == 0 else '')}</tr>")
    head = "<tr><th>table</th><th>row</th><th>check</th><th>verdict</th><th>printed</th><th>explanation</th></tr>"
    return f"<table>{head}{''.join(lines)}</table>" if lines else "<p>None.</p>"


def _cells(finding: Finding, note: str) -> str:
    remark = f" <small>{escape(note)}</small>" if note else ""
    return (
        f'<td>{escape(finding.check)}</td><td class="v {_class(finding.verdict)}">{finding.verdict}</td>'
        f"<td>{escape(finding.printed)}</td><td>{escape(finding.message)}{remark}</td>"
    )


def _class(verdict: Verdict) -> str:
    return str(verdict).replace(" ", "-")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "@", "\t") or (cell[:1] == "-" and not _number(cell)) else cell


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
