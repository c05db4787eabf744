"""The codebook: every variable of a data dictionary on a page."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator

import polars as pl

from recanal.variables.derive import derived_timing, derived_variables
from recanal.variables.dictionary import Dictionary, Variable
from recanal.variables.row_rules import row_rules

__all__ = ["codebook_frame", "codebook_html", "codebook_markdown"]

_COLUMNS = ("table", "name", "label", "kind", "unit", "range", "choices", "timing", "codes", "source", "note")
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:84rem;padding:0 1rem;color:#1d2327}"
    "table{border-collapse:collapse;width:100%;margin:.6rem 0 2rem;font-size:13px}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid #d7dbe0}"
    "th{position:sticky;top:0;background:#f3f5f7}code{font-size:12.5px}.note{color:#59636e}"
    "@media print{th{position:static}}"
)


def codebook_frame(dictionary: Dictionary) -> pl.DataFrame:
    """One row per variable, the derived ones last, all columns text."""
    rows = [_row(table.name, variable) for table in dictionary for variable in table.variables]
    for derived in derived_variables():
        note = f"{derived.formula}({', '.join(derived.inputs)})"
        codes = f"LOINC {derived.loinc}" if derived.loinc else ""
        timing = derived_timing(derived, dictionary)
        rows.append(
            (
                "derived",
                derived.name,
                derived.label,
                derived.kind,
                derived.unit,
                "",
                "",
                timing,
                codes,
                derived.source,
                note,
            )
        )
    return pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS, pl.String), orient="row")


def codebook_markdown(dictionary: Dictionary) -> str:
    """The codebook as Markdown: a section per table, the rules between columns, the sources."""
    return "\n".join(_markdown(dictionary)) + "\n"


def codebook_html(dictionary: Dictionary) -> str:
    """The codebook as one self-contained HTML page."""
    frame = codebook_frame(dictionary)
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>Codebook</title><style>{_STYLE}</style></head><body><h1>Codebook</h1>",
        f"<p>{frame.height} variables in {len(dictionary.tables)} tables.</p>",
    ]
    for name, label in _sections(dictionary):
        rows = frame.filter(pl.col("table") == name).drop("table")
        head = "".join(f"<th scope='col'>{column}</th>" for column in rows.columns)
        body = "".join("<tr>" + "".join(_cell(c, v) for c, v in row.items()) + "</tr>" for row in rows.to_dicts())
        parts.append(f"<h2 id='{name}'>{html.escape(label)}</h2><table><thead><tr>{head}</tr></thead>{body}</table>")
    rules = "".join(f"<li><code>{html.escape(rule.text)}</code></li>" for rule in row_rules())
    sources = "".join(
        f"<li><code>{s.id}</code> {html.escape(s.citation)}{_doi(s.doi)}</li>" for s in dictionary.sources
    )
    parts.append(f"<h2>Rules within a row</h2><ul>{rules}</ul><h2>Sources</h2><ul>{sources}</ul></body></html>\n")
    return "\n".join(parts)


def _row(table: str, variable: Variable) -> tuple[str, ...]:
    span = ""
    if variable.kind in ("number", "whole"):
        low = f"{variable.low:g}" if math.isfinite(variable.low) else ""
        high = f"{variable.high:g}" if math.isfinite(variable.high) else ""
        span = f"{low} to {high}"
    words = "; ".join(f"{code} = {choice}" for code, choice in zip(variable.codes, variable.choices, strict=True))
    coded = [f"{system} {code}" for system, code in (("LOINC", variable.loinc), ("SNOMED CT", variable.snomed)) if code]
    coded += [f"finding {variable.finding}"] if variable.finding else []
    kind = f"{variable.kind}, required" if variable.required else variable.kind
    sources = "; ".join(source.replace(":", ", ", 1) for source in variable.sources)
    cells = (
        variable.label,
        kind,
        variable.unit,
        span,
        words,
        variable.timing,
        "; ".join(coded),
        sources,
        variable.note,
    )
    return (table, variable.name, *cells)


def _sections(dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    yield from ((table.name, table.label) for table in dictionary)
    yield "derived", "Derived variables"


def _markdown(dictionary: Dictionary) -> Iterator[str]:
    frame = codebook_frame(dictionary)
    yield "# Codebook"
    for name, label in _sections(dictionary):
        rows = frame.filter(pl.col("table") == name).drop("table")
        yield f"\n## {label}\n"
        yield "| " + " | ".join(rows.columns) + " |"
        yield "|" + "---|" * rows.width
        for row in rows.iter_rows():
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield "\n## Rules within a row\n"
    yield from (f"- `{rule.text}`" for rule in row_rules())
    yield "\n## Sources\n"
    yield from (f"- `{s.id}`: {s.citation}" + (f", doi:{s.doi}" if s.doi else "") for s in dictionary.sources)


def _cell(column: str, value: str) -> str:
    text = html.escape(value)
    if column == "name":
        return f"<td><code>{text}</code></td>"
    return f"<td class='note'>{text}</td>" if column in ("note", "source", "codes") else f"<td>{text}</td>"


def _doi(doi: str) -> str:
    return f", doi:{html.escape(doi)}" if doi else ""
