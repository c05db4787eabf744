"""Writes docs/audit_papers.md, the audit of two publications: ``python -m evidence.audit_papers``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from recanal.audit import PROBLEMS, AuditReport, RowReport, Verdict, audit_document, read_example
from recanal.audit.findings import Finding
from recanal.interop import write_text_atomic

__all__ = ["audit_page", "write_audit_page"]

# Tables whose rows are shown only where something is wrong with them.
ASIDE = (
    *("Table 3, by crossing", "Table 3, by procedure", "Table 4, adjusted, no P printed"),
    *("Table 3", "Table 4", "Table 5"),
)
HEAD = """# Two publications audited

```{note}
Written by `python -m evidence.audit_papers`, and by `make evidence`; no number is typed by hand. The printed tables
lie in the package: `recanal audit --example xing_2022` and `recanal audit --example xiao_2021`.
```

The worked example of [the audit](audit.md): every statistic, P value, odds ratio and percentage below is taken as
printed and recomputed from the numbers printed beside it. A verdict says whether printed numbers agree with each
other. It does not say which of them is wrong, why, or that a conclusion falls.
"""


def audit_page() -> str:
    """The whole page."""
    reports = [audit_document(read_example(name)) for name in ("xing_2022", "xiao_2021")]
    listed = [(report, _listed(report)) for report in reports]
    parts = [HEAD, _figures(reports), _rules(reports[0])]
    number = 1
    total = sum(len(rows) for _, rows in listed)
    parts.append(f"## All {total} rows\n")
    for report, rows in listed:
        parts.append(_rows_table(report, rows, number))
        number += len(rows)
    parts.append("## What else was found\n\nRows of other tables, and further findings on the rows above.\n")
    parts += [_others_table(report, rows) for report, rows in listed]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def write_audit_page(path: Path) -> None:
    """Write the page."""
    write_text_atomic(path, audit_page())


def _listed(report: AuditReport) -> list[RowReport]:
    return [row for row in report.rows if row.table not in ASIDE]


def _figures(reports: Iterable[AuditReport]) -> str:
    first, second = reports
    strata = {row.name: row.main.values for report in (first, second) for row in report.rows if row.kind == "Strata"}
    lines = [
        "## Figures\n",
        "| what | printed | recomputed |",
        "|---|---|---|",
        f"| counts of Xing 2022, Tables 1, 2, S1, S2 | {_share(first, ('Count', 'Levels'), 'P values')} |",
        f"| odds ratios of Xing 2022, Table 4 | {_share(first, ('Ratio',), 'P values', ('Table 4/text',))} |",
        f"| counts of Xiao 2021, Tables 6, 7 | {_share(second, ('Count', 'Levels'), 'statistics')} |",
        f"| Hosmer-Lemeshow of Xiao 2021, section 3.4 | {_share(second, ('ChiSquare',), 'P values', ('text 3.4',))} |",
    ]
    for name, printed, label in (
        ("AUC Operator-CTO 4 strata -> technical failure", "0.901, whole score", "AUC of Operator-CTO, four strata"),
        ("AUC ICA J-CTO -> failed 30-min crossing (Table 2)", "none", "AUC of J-CTO, failed crossing in 30 min"),
        ("AUC ICA J-CTO -> procedural failure (Table S1)", "none", "AUC of J-CTO, procedural failure"),
        ("AUC CTA-JCTO -> failed 30-min crossing (Table S2)", "none", "AUC of CT J-CTO, failed crossing in 30 min"),
    ):
        found = strata[name]
        interval = f"{found['AUC']:.3f} ({found['AUC low']:.3f} to {found['AUC high']:.3f})"
        lines.append(f"| {label} | {printed} | {interval}, DeLong |")
    return "\n".join(lines)


def _share(report: AuditReport, kinds: tuple[str, ...], word: str, tables: tuple[str, ...] = ()) -> str:
    rows = [
        row
        for row in report.rows
        if row.kind in kinds and row.main.check == "test" and not row.what_if and (not tables or row.table in tables)
    ]
    good = sum(row.main.verdict is Verdict.REPRODUCED for row in rows)
    return f"{len(rows)} {word} | {good} reproduced"


def _rules(report: AuditReport) -> str:
    lines = [
        "## Which rule chose the tests of Xing 2022\n",
        "P values of two-group counts that each rule gives, all tables together.\n",
        "| rule | reproduced |",
        "|---|---|",
        *(f"| {rule.rule} | {rule.reproduced_count} of {rule.total_count} |" for rule in report.rules),
    ]
    return "\n".join(lines)


def _rows_table(report: AuditReport, rows: list[RowReport], first: int) -> str:
    counts = ", ".join(f"{_count(rows, verdict)} {verdict}" for verdict in Verdict if _count(rows, verdict))
    lines = [
        f"### {report.title}\n",
        f"doi [{report.doi}](https://doi.org/{report.doi}). {len(rows)} rows: {counts}.",
    ]
    table = ""
    for number, row in enumerate(rows, start=first):
        if row.table != table:
            table = row.table
            lines += [f"\n#### {table[:1].upper()}{table[1:]}\n", "| no. | row | printed | verdict | explanation |"]
            lines.append("|---|---|---|---|---|")
        name = f"{row.name} (supposition)" if row.what_if else row.name
        cells = (name, row.main.printed, str(row.main.verdict), _explained(row, row.main))
        lines.append(f"| {number} | {' | '.join(_cell(text) for text in cells)} |")
    return "\n".join(lines)


def _others_table(report: AuditReport, rows: list[RowReport]) -> str:
    main = {id(row.main) for row in rows}
    found = [
        (row, one) for row in report.rows for one in row.findings if one.verdict in PROBLEMS and id(one) not in main
    ]
    lines = [
        f"### {report.title}: {len(found)} further findings\n",
        "| table | row | check | verdict | explanation |",
        "|---|---|---|---|---|",
    ]
    for row, finding in found:
        note = finding is row.main
        cells = (row.table, row.name, finding.check, str(finding.verdict), _explained(row, finding, note=note))
        lines.append(f"| {' | '.join(_cell(text) for text in cells)} |")
    return "\n".join(lines)


def _explained(row: RowReport, finding: Finding, *, note: bool = True) -> str:
    return f"{finding.message} {row.note}".strip() if note else finding.message


def _count(rows: Iterable[RowReport], verdict: Verdict) -> int:
    return sum(row.main.verdict is verdict for row in rows)


def _cell(text: str) -> str:
    for plain, safe in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("[", "\\["), ("*", "\\*"), ("$", "\\$")):
        text = text.replace(plain, safe)
    return text


if __name__ == "__main__":
    write_audit_page(Path("docs/audit_papers.md"))
