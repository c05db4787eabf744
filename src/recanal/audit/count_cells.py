"""Cells of counts: count against denominator, percentage against both, groups against the total."""

from __future__ import annotations

import math
from collections.abc import Sequence

from recanal.audit.findings import Finding, Verdict, number_text
from recanal.audit.printed import CountCell, Printed
from recanal.audit.rows import Group

__all__ = ["cell_findings", "counts_that_fit", "overall_findings", "resolved_count"]


def cell_findings(cell: CountCell, group: Group, *, sizes: frozenset[int] = frozenset()) -> list[Finding]:
    """What is wrong with one cell; a cell in order gives nothing, or its percentage confirmed.

    Parameters
    ----------
    cell
        The cell.
    group
        Its column.
    sizes
        Other group sizes of the publication, to name a denominator that would fit.
    """
    found = []
    total = cell.total if cell.total is not None else group.size_count
    where = f"{group.name}: " if group.name else ""
    if cell.total is not None and group.size_count is not None and cell.total != group.size_count:
        text = f"{where}the denominator {cell.total} is not the group size {group.size_count}."
        found.append(Finding("denominator", Verdict.INCONSISTENT, text, cell.text, str(group.size_count)))
    if cell.count is not None and total is not None and cell.count > total:
        text = f"{where}{cell.count} of {total} cannot be."
        found.append(Finding("denominator", Verdict.IMPOSSIBLE, text, cell.text))
    elif cell.percent is not None:
        found += _percentage(cell, cell.percent, total, where=where, sizes=sizes)
    return found


def overall_findings(
    cells: Sequence[CountCell], groups: Sequence[Group], overall: CountCell | None, *, sizes: frozenset[int]
) -> list[Finding]:
    """Whether the groups add up to the column of all cases."""
    if overall is None:
        return []
    group_sizes = [group.size_count for group in groups]
    total = sum(size for size in group_sizes if size is not None) if None not in group_sizes else None
    found = cell_findings(overall, Group("all", total), sizes=sizes)
    counts = [resolved_count(cell, group) for cell, group in zip(cells, groups, strict=True)]
    if overall.count is not None and None not in counts:
        added = sum(count for count in counts if count is not None)
        verdict = Verdict.REPRODUCED if added == overall.count else Verdict.INCONSISTENT
        text = f"The groups add up to {added}, {overall.count} is printed."
        found.append(Finding("total", verdict, text, overall.text, str(added)))
    return found


def resolved_count(cell: CountCell, group: Group) -> int | None:
    """The count of a cell; from the percentage where only that is printed and one count alone fits."""
    if cell.count is not None:
        return cell.count
    total = cell.total if cell.total is not None else group.size_count
    if total is None or cell.percent is None:
        return None
    fitting = counts_that_fit(cell.percent, total)
    return fitting[0] if len(fitting) == 1 else None


def counts_that_fit(percent: Printed, total: int) -> list[int]:
    """Whole counts whose percentage of a total rounds to what is printed.

    Examples
    --------
    >>> from recanal.audit.printed import parse_number
    >>> counts_that_fit(parse_number("53.8"), 13), counts_that_fit(parse_number("50"), 13)
    ([7], [])
    """
    first, last = math.floor(percent.low * total / 100), math.ceil(percent.high * total / 100)
    tried = range(max(0, first), min(total, last) + 1)
    return [count for count in tried if percent.agrees(100 * count / total)] if total else []


def _percentage(
    cell: CountCell, percent: Printed, total: int | None, *, where: str, sizes: frozenset[int]
) -> list[Finding]:
    printed = f"{percent.text}%"
    if not -percent.unit_value / 2 <= percent.value <= 100 + percent.unit_value / 2:
        text = f"{where}{printed} lies outside 0 to 100%."
        return [Finding("percentage", Verdict.IMPOSSIBLE, text, cell.text)]
    if not total:
        return []
    if cell.count is None:
        if counts_that_fit(percent, total):
            return []
        text = f"{where}no whole number of {total} gives {printed}."
        return [Finding("percentage", Verdict.IMPOSSIBLE, text, cell.text)]
    share = 100 * cell.count / total
    right = f"{share:.{percent.decimals}f}%"
    values = {"percent": share}
    if percent.agrees(share):
        text = f"{where}{cell.count}/{total} is {right}."
        return [Finding("percentage", Verdict.REPRODUCED, text, cell.text, right, values)]
    text = f"{where}{cell.count}/{total} is {right}, {printed} is printed{_hint(cell.count, percent, total, sizes)}."
    return [Finding("percentage", Verdict.INCONSISTENT, text, cell.text, right, values)]


def _hint(count: int, percent: Printed, total: int, sizes: frozenset[int]) -> str:
    """What would give the printed percentage."""
    share = 100 * count / total
    if percent.value <= share < percent.value + percent.unit_value:
        return " (cut off, not rounded)"
    if percent.agrees(10 * share):
        return " (a decimal point was lost)"
    denominators = sorted(size for size in sizes if size and size != total and percent.agrees(100 * count / size))
    if denominators:
        return f"; {count}/{denominators[0]} would be that"
    fitting = counts_that_fit(percent, total)
    if fitting:
        nearest = min(fitting, key=lambda other: abs(other - count))
        return f"; {nearest}/{total} would be that"
    return f"; no whole number of {total} gives {number_text(percent.value)}%"
