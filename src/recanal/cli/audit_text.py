"""An audit as text for a terminal."""

from __future__ import annotations

from recanal.audit import PROBLEMS, AuditReport, RowReport, Verdict

__all__ = ["audit_text"]


def audit_text(report: AuditReport, *, show_all: bool = False) -> str:
    """Counts by verdict, the rule that chose the tests, and the rows with something wrong, or all of them."""
    head = [report.title or "Audit of printed tables"]
    if report.doi:
        head.append(f"doi {report.doi}")
    counts = ", ".join(f"{report.count(verdict)} {verdict}" for verdict in Verdict if report.count(verdict))
    head.append(f"{len(report.rows)} rows: {counts}.")
    if report.rules:
        best = report.rules[0]
        head.append(
            f"Two-group counts: the rule '{best.rule}' gives {best.reproduced_count} of {best.total_count} P values."
        )
    rows = [row for row in report.rows if show_all or row.worst in PROBLEMS]
    tail = ["Nothing is wrong."] if not rows else []
    return "\n".join([*head, "", *(line for row in rows for line in _row(row, show_all=show_all)), *tail])


def _row(row: RowReport, *, show_all: bool) -> list[str]:
    where = ", ".join(part for part in (row.table, row.name) if part)
    shown = [finding for finding in row.findings if show_all or finding.verdict in PROBLEMS]
    lines = [f"{where}{' (supposition)' if row.what_if else ''}"]
    lines += [f"  {finding.verdict} [{finding.check}] {finding.message}" for finding in shown]
    if row.note:
        lines.append(f"  note: {row.note}")
    return [*lines, ""]
