"""Checks of sums: the mean of a score beside its items, totals of several tables, rows that must add up."""

from __future__ import annotations

from recanal.audit.findings import Finding, Verdict, number_text
from recanal.audit.printed import Printed
from recanal.audit.rows import ColumnSumRow, ScoreItem, ScoreRow, TotalsRow

__all__ = ["check_column_sums", "check_score", "check_totals"]


def check_score(content: ScoreRow) -> list[Finding]:
    """The mean of a score is the sum of what its items give, over the cases."""
    total = content.total_count
    found = []
    for item in content.items:
        if item.count is not None and item.count > total:
            text = f"{item.name}: {item.count} in {total} cases can only be if a case can have it more than once."
            found.append(Finding("item", Verdict.NOT_CHECKED, text, str(item.count)))
    return [*_mean_of_items(content), *found]


def _mean_of_items(content: ScoreRow) -> list[Finding]:
    known = [(item.count, item.points) for item in content.items if item.count is not None and item.points is not None]
    added = sum(count * points for count, points in known)
    total = content.total_count
    unknown = [item for item in content.items if item.count is None or item.points is None]
    values = {"points": added, "mean": added / total}
    told = f"{number_text(added)}/{total} = {added / total:.3f}"
    if content.mean is None:
        text = f"No mean is printed; the items give {told}."
        return [Finding("score", Verdict.NOT_CHECKED, text, "", told, values)]
    if unknown:
        return [_solved(unknown[0], content.mean, total, added)]
    gap = added - content.mean.value * total
    values["points too many"] = gap
    exact, near = content.mean.agrees(added / total), content.mean.nearly(added / total)
    verdict = Verdict.REPRODUCED if near else Verdict.INCONSISTENT
    how = "" if exact else f"; {abs(gap):.1f} points too {'many' if gap > 0 else 'few'}"
    last = ", one unit in the last digit" if near and not exact else ""
    text = f"The items give {told}, {content.mean.text} is printed{how}{last}."
    return [Finding("score", verdict, text, content.mean.text, told, values)]


def check_totals(content: TotalsRow) -> list[Finding]:
    """Sums of the same cases in several tables."""
    sums = {name: sum(counts) for name, counts in content.parts}
    told = ", ".join(f"{name} {total}" for name, total in sums.items())
    equal = len(set(sums.values())) == 1
    text = f"The same cases add up {'alike' if equal else 'differently'}: {told}."
    values = {name: float(total) for name, total in sums.items()}
    verdict = Verdict.REPRODUCED if equal else Verdict.INCONSISTENT
    return [Finding("total", verdict, text, "equal", told, values)]


def check_column_sums(content: ColumnSumRow) -> list[Finding]:
    """Rows that must add up to another, group by group."""
    added = [sum(column) for column in zip(*content.parts, strict=True)]
    wrong = [place for place, (one, other) in enumerate(zip(added, content.sums, strict=True), start=1) if one != other]
    told = ", ".join(map(str, added))
    printed = ", ".join(map(str, content.sums))
    values = {f"sum {place}": float(total) for place, total in enumerate(added, start=1)}
    if not wrong:
        text = f"The rows add up to {told}, as printed."
        return [Finding("total", Verdict.REPRODUCED, text, printed, told, values)]
    text = f"The rows add up to {told}, {printed} is printed; group {', '.join(map(str, wrong))} differs."
    return [Finding("total", Verdict.INCONSISTENT, text, printed, told, values)]


def _solved(item: ScoreItem, mean: Printed, total: int, added: float) -> Finding:
    """The one number that is not printed, from the mean and the other items."""
    ends = sorted(end * total - added for end in (mean.low, mean.high))
    centre = mean.value * total - added
    factor = item.count if item.points is None else item.points
    if not factor:
        return Finding("score", Verdict.NOT_CHECKED, f"{item.name}: nothing follows from it.", mean.text)
    low, high = sorted(end / factor for end in ends)
    value = centre / factor
    what = "points each" if item.points is None else "cases"
    values = {"solved": value, "points": added}
    told = f"{item.name}: the mean {mean.text} leaves {value:.2f} {what} ({low:.2f} to {high:.2f} by rounding)"
    if item.points is not None and high < 0:
        text = f"{told}; a count is 0 or more."
        return Finding("score", Verdict.IMPOSSIBLE, text, mean.text, f"{value:.2f}", values)
    if item.expected_points is None:
        whole = item.points is not None and int(high // 1) < low
        if whole:
            return Finding(
                "score", Verdict.INCONSISTENT, f"{told}, no whole number.", mean.text, f"{value:.2f}", values
            )
        return Finding("score", Verdict.NOT_CHECKED, f"{told}; no count is printed.", mean.text, f"{value:.2f}", values)
    fits = low - 1e-9 <= item.expected_points <= high + 1e-9
    text = f"{told}; {number_text(item.expected_points)} is expected."
    verdict = Verdict.REPRODUCED if fits else Verdict.INCONSISTENT
    return Finding("score", verdict, text, number_text(item.expected_points), f"{value:.2f}", values)
