"""What the cohort commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recanal.variables.rejections import RULES

if TYPE_CHECKING:
    import polars as pl

    from recanal.cohort import ImportResult, Verification
    from recanal.variables import CheckedRows, Dictionary

__all__ = [
    "check_record",
    "check_text",
    "import_record",
    "import_text",
    "log_text",
    "rejections_text",
    "verify_record",
    "verify_text",
]

_MOST_SHOWN = 20
_MOST_CHOICES = 10


def import_record(result: ImportResult) -> dict[str, Any]:
    """What an import did, as plain data."""
    return {
        "written": result.written,
        "rows_read": result.rows_count,
        "added": dict(result.added),
        "changed": dict(result.changed),
        "unchanged": dict(result.unchanged),
        "rejections": result.rejections.to_dicts(),
    }


def import_text(result: ImportResult, book: Dictionary, *, codes: bool = False) -> str:
    """What an import did, in lines; the rest as :func:`rejections_text`."""
    lines = [f"{result.rows_count} rows read."]
    for table in result.added:
        counts = (result.added[table], result.changed[table], result.unchanged[table])
        lines.append(f"{table}: {counts[0]} added, {counts[1]} changed, {counts[2]} unchanged")
    return "\n".join([*lines, *rejections_text(result.rejections, book, codes=codes)])


def check_record(checked: CheckedRows) -> dict[str, Any]:
    """What a check found, as plain data."""
    return {
        "rows_read": checked.rows_count,
        "tables": {name: frame.height for name, frame in checked.tables.items()},
        "rejections": checked.rejections.to_dicts(),
    }


def check_text(checked: CheckedRows, book: Dictionary, *, codes: bool = False) -> str:
    """What a check found, in lines; the rest as :func:`rejections_text`."""
    tables = ", ".join(f"{name} {frame.height}" for name, frame in checked.tables.items())
    return "\n".join(
        [f"{checked.rows_count} rows read: {tables}.", *rejections_text(checked.rejections, book, codes=codes)]
    )


def rejections_text(rejections: pl.DataFrame, book: Dictionary, *, codes: bool = False) -> list[str]:
    """Each rejected cell in a line, the first twenty of them.

    Parameters
    ----------
    rejections
        As :data:`recanal.variables.rejections.REJECTION_SCHEMA`.
    book
        The dictionary that the cells were checked against; it gives the choices of a column.
    codes
        Whether the choices were read as code numbers.
    """
    lines = []
    for lost in rejections.head(_MOST_SHOWN).iter_rows(named=True):
        value = f" {lost['value']}" if lost["value"] else ""
        rule = _choices(lost["column"], book, codes=codes) if lost["rule"] == "choice" else RULES[lost["rule"]]
        lines.append(f"row {lost['row']}, {lost['column']}{value}: {rule} [{lost['rule']}]")
    if rejections.height > _MOST_SHOWN:
        lines.append(f"... and {rejections.height - _MOST_SHOWN} more; --rejected FILE writes all of them.")
    return lines


def _overruled(detail: dict[str, Any]) -> str:
    """The objections that the writer of an entry overruled, and why."""
    return f"despite that {', and '.join(detail['objections'])}: {detail['despite']}" if "despite" in detail else ""


def _choices(column: str, book: Dictionary, *, codes: bool) -> str:
    """The rule of a column of choices, with the choices themselves where they are few."""
    variable = book.variable(column)
    words = variable.choices
    if codes:
        words = tuple(f"{code} ({word})" for code, word in zip(variable.codes, variable.choices, strict=True))
    several = "; `;` parts several" if variable.kind == "set" else ""
    if len(words) > _MOST_CHOICES:
        return RULES["choice"] + several
    many = "one or several of" if variable.kind == "set" else "one of"
    return f"must be {many} {', '.join(words)}{several}"


def verify_record(result: Verification, *, show_keys: bool) -> dict[str, Any]:
    """What a verification found, as plain data; pseudonyms only where asked for."""
    findings = []
    for finding in result.findings:
        row: dict[str, Any] = {
            "what": finding.what,
            "table": finding.table,
            "batch": finding.batch,
            "position": finding.position,
        }
        findings.append({**row, "key": finding.key} if show_keys and finding.key else row)
    return {
        "sound": result.sound,
        "entries": result.entries_count,
        "rows": result.rows_count,
        "head": result.head,
        "findings": findings,
    }


def verify_text(record: dict[str, Any]) -> str:
    """What a verification found, in lines."""
    lines = [f"{record['entries']} audit entries and {record['rows']} rows checked."]
    for finding in record["findings"]:
        place = f"{finding['table']}: " if finding["table"] else ""
        if finding["batch"] is not None:
            place += f"batch {finding['batch']}"
            place += f", row {finding['position'] + 1}: " if finding["position"] is not None else ": "
        key = f" ({finding['key']})" if finding.get("key") else ""
        lines.append(f"{place}{finding['what']}{key}")
    if record["sound"]:
        lines.append("Everything is as it was written.")
    return "\n".join([*lines, f"head {record['head']}"])


def log_text(entries: list[dict[str, Any]]) -> str:
    """The audit trail, an entry in a line."""
    lines = []
    for entry in entries:
        rows = f"{entry['table_name']} {entry['rows_count']} rows" if entry["rows_count"] else ""
        reason = "; ".join(part for part in (entry["detail"].get("reason"), _overruled(entry["detail"])) if part)
        shown = [str(entry["number"]), entry["at_utc"], entry["who"], entry["action"], rows, reason]
        lines.append("  ".join(part for part in shown if part))
    return "\n".join(lines)
