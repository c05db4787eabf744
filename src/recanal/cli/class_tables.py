"""Classifications as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recanal.cli.score_tables import is_spread, shares_text
from recanal.core.score import ClassAxis, ClassResult
from recanal.scores import ClassSheet, LeftOut, Sheet
from recanal.scores.classes import AgreeRule, Axis, CriteriaRule, LookupRule

__all__ = ["class_result_text", "class_sheet_text", "class_sheets_text", "left_out_text"]

_WIDTH = 110


def class_result_text(result: ClassResult) -> str:
    """A classification's result: class, axes with the criterion that held, what is missing, trust and warnings."""
    table = _table("axis", "class", "because", "source")
    for axis in result.axes:
        cells = (axis.title, _class(axis), axis.because or axis.meaning or "-", ", ".join(axis.sources) or "-")
        table.add_row(*(escape(cell) for cell in cells))
    head = [f"{result.name}: {result.class_text}", f"classifies: {result.endpoint}"]
    if result.class_name is None:
        head.append(f"still possible: {', '.join(result.classes_possible)}")
    meaning = next(axis.meaning for axis in result.axes if axis.name == result.axis)
    if meaning:
        head.append(f"meaning: {meaning}")
    if is_spread(result.class_probabilities):
        head.append(f"with the measured intervals: {shares_text(result.class_probabilities)}")
    tail = [f"missing: {', '.join(result.missing)}"] if result.missing else []
    tail += [f"trust: {result.trust}", f"source: {result.citation}, {_doi(result.doi)}"]
    tail += [f"warning: {warning}" for warning in result.warnings]
    return "\n".join([*head, "", _drawn(table), "", *tail, ""])


def class_sheets_text(sheets: Iterable[ClassSheet], tallies: Iterable[Sheet]) -> str:
    """One line per classification."""
    table = _table("sheet", "name", "classes", "what it classifies", "trust")
    for sheet in sheets:
        classes = ", ".join(row.name for row in sheet.axis(sheet.result).classes)
        table.add_row(*(escape(cell) for cell in (sheet.id, sheet.name, classes, sheet.endpoint, sheet.trust)))
    for tally in tallies:
        low, high = tally.points_range
        cells = (tally.id, tally.name, f"{low:g} to {high:g} points", tally.endpoint, tally.trust)
        table.add_row(*(escape(cell) for cell in cells))
    return "\n".join(["Classifications, which describe and predict nothing by themselves.", "", _drawn(table), ""])


def class_sheet_text(sheet: ClassSheet) -> str:
    """A whole classification."""
    parts = [
        f"{sheet.name} ({sheet.id})",
        f"{sheet.citation}, {_doi(sheet.doi)}",
        f"classifies: {sheet.endpoint}",
        f"for: {', '.join(sheet.vessels) or sheet.territory}; read on: {sheet.modality}",
        f"trust: {sheet.trust} - {sheet.trust_note}",
    ]
    for axis in sheet.axes:
        parts += ["", *_axis_lines(axis)]
    parts += ["", *(f"caveat: {caveat}" for caveat in sheet.caveats)] if sheet.caveats else []
    parts += ["", *(f"read at: {source}" for source in sheet.sources)] if sheet.sources else []
    return "\n".join(parts)


def left_out_text(rows: Sequence[LeftOut]) -> str:
    """The classifications that a list leaves out, grouped by the reason."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row.why, []).append(row.sheet)
    return "\n".join(f"left out ({why}): {', '.join(names)}" for why, names in groups.items())


def _axis_lines(axis: Axis) -> list[str]:
    classes = _table("class", "definition")
    for row in axis.classes:
        classes.add_row(escape(row.name), escape(row.meaning))
    head = f"{axis.title} [{axis.name}] ({axis.source}; {axis.trust})"
    if isinstance(axis.rule, CriteriaRule):
        criteria = _table("gives", "the first of these that holds")
        for criterion in axis.rule.criteria:
            criteria.add_row(escape(" or ".join(criterion.gives)), escape(criterion.says))
        void = [f"void: {axis.rule.otherwise}"] if axis.rule.void is not None else []
        return [head, _drawn(classes), "", _drawn(criteria), *void]
    if isinstance(axis.rule, AgreeRule):
        return [head, _drawn(classes), "", f"the class on which {', '.join(axis.rule.of)} agree, as far as known"]
    return [head, _drawn(classes), "", *_lookup_lines(axis.rule)]


def _lookup_lines(rule: LookupRule) -> list[str]:
    lines = [f"looked up from {', '.join(rule.of)}; one row for each class of the last but one:"]

    def walk(cells: object, depth: int) -> None:
        if isinstance(cells, tuple) and all(isinstance(cell, str) for cell in cells):
            lines.append("  " + "  ".join(cells))
        elif isinstance(cells, tuple):
            for place, inner in enumerate(cells):
                if depth < len(rule.of) - 2:
                    lines.append(f" {rule.of[depth]} {place}")
                walk(inner, depth + 1)

    walk(rule.cells, 0)
    return lines


def _class(axis: ClassAxis) -> str:
    return axis.class_name if axis.class_name is not None else f"? ({', '.join(axis.classes_possible)})"


def _doi(doi: str) -> str:
    return f"doi {doi}" if doi else "doi not known"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=position == 0)
    return table


def _drawn(table: Table) -> str:
    console = Console(width=_WIDTH, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
