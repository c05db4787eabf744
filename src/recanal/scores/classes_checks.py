"""Whether a sheet of classes is sound as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from string import Formatter

from recanal.core.findings import vocabulary
from recanal.errors import SheetError
from recanal.scores.classes import (
    NOT_CLASSIFIED,
    AgreeRule,
    Axis,
    Cells,
    ClassSheet,
    CriteriaRule,
    Derived,
)

__all__ = ["check_class_sheet"]

_PAIR = 2


def check_class_sheet(sheet: ClassSheet) -> None:
    """Refuse a sheet of classes whose parts do not fit together.

    Raises
    ------
    SheetError
        Naming the sheet and the field: repeated names, criteria or cells that give no class of their axis, classes
        that nothing gives, tables of the wrong shape, axes that are used before they are judged.
    """
    if not sheet.id.isidentifier() or not sheet.id.islower():
        raise _error(sheet, "id", f"must be lower case letters, digits and underscores, got {sheet.id!r}")
    _check_repeats(sheet, "axes", (axis.name for axis in sheet.axes))
    judged: list[Axis] = []
    for axis in sheet.axes:
        _check_repeats(sheet, f"axes[{axis.name}].classes", (row.name for row in axis.classes))
        _check_axis(sheet, axis, judged)
        judged.append(axis)
    names = {axis.name for axis in sheet.axes}
    if sheet.result not in names:
        raise _error(sheet, "result", f"no such axis: {sheet.result!r}")
    for _, field, _, _ in Formatter().parse(sheet.text):
        if field is not None and field not in names:
            raise _error(sheet, "text", f"no such axis: {field!r}")
    for vessel in sheet.vessels:
        if vessel not in vocabulary()["vessel"].choices:
            raise _error(sheet, "vessels", f"no such vessel: {vessel!r}")
    for row in sheet.derived:
        _check_derived(sheet, row)


def _check_axis(sheet: ClassSheet, axis: Axis, judged: list[Axis]) -> None:
    field = f"axes[{axis.name}]"
    rule = axis.rule
    if isinstance(rule, CriteriaRule):
        _check_given(sheet, axis, [name for criterion in rule.criteria for name in criterion.gives])
        return
    known = {other.name: other for other in judged}
    for name in rule.of:
        if name not in known:
            raise _error(sheet, field, f"uses the axis {name!r}, which is not judged before it")
    sources = [known[name] for name in rule.of]
    if isinstance(rule, AgreeRule):
        for source in sources:
            if [row.name for row in source.classes] != [row.name for row in axis.classes]:
                raise _error(sheet, field, f"the axis {source.name!r} has other classes")
        return
    _check_shape(sheet, f"{field}.lookup.cells", rule.cells, [len(source.classes) for source in sources])
    _check_given(sheet, axis, list(_flat(rule.cells)))


def _check_given(sheet: ClassSheet, axis: Axis, given: list[str]) -> None:
    names = [row.name for row in axis.classes]
    for name in given:
        if name not in names:
            raise _error(sheet, f"axes[{axis.name}]", f"no such class: {name!r}")
    for name in names:
        if name not in given:
            raise _error(sheet, f"axes[{axis.name}].classes", f"nothing gives the class {name!r}")
    if NOT_CLASSIFIED in names:
        raise _error(sheet, f"axes[{axis.name}].classes", f"{NOT_CLASSIFIED!r} is what no criterion means")


def _check_shape(sheet: ClassSheet, field: str, cells: Cells, sizes: list[int]) -> None:
    if not sizes:
        if not isinstance(cells, str):
            raise _error(sheet, field, "the table is deeper than the axes it is looked up from")
        return
    if isinstance(cells, str) or len(cells) != sizes[0]:
        raise _error(sheet, field, f"a row must hold {sizes[0]} cells")
    for inner in cells:
        _check_shape(sheet, field, inner, sizes[1:])


def _check_derived(sheet: ClassSheet, row: Derived) -> None:
    if row.finding not in vocabulary():
        raise _error(sheet, "derived", f"no such finding: {row.finding!r}")
    if len(row.of) not in (1, _PAIR) or any(vocabulary()[name].kind != "number" for name in (*row.of, row.finding)):
        raise _error(sheet, "derived", "a number follows from one number, or from two as their ratio")


def _check_repeats(sheet: ClassSheet, field: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _error(sheet, field, f"{name!r} is given twice")
        seen.add(name)


def _flat(cells: Cells) -> Iterable[str]:
    if isinstance(cells, str):
        yield cells
    else:
        for inner in cells:
            yield from _flat(inner)


def _error(sheet: ClassSheet, field: str, what: str) -> SheetError:
    return SheetError(f"{sheet.id}: {field}: {what}.", hint="The form is described in docs/classifications.md.")
