"""Which named test of a table of counts gives the printed statistic and P value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recanal.audit.chi_square_checks import negative_finding
from recanal.audit.degrees import degrees_text, fitting_degrees
from recanal.audit.findings import Finding, Verdict, number_text, p_text
from recanal.audit.groupings import contiguous_merges, merge_text, merged
from recanal.audit.printed import Printed, PrintedP
from recanal.audit.rows import Group, Merge
from recanal.errors import OptionError
from recanal.stats.contingency import (
    CountTest,
    expected_counts,
    fisher_exact_test,
    fisher_freeman_halton_statistic,
    fisher_freeman_halton_test,
    likelihood_ratio_test,
    n_minus_one_test,
    pearson_test,
    yates_test,
)

__all__ = ["Candidate", "candidates", "count_test_findings", "statistic_bounds"]

_MOST_PATHS = 5 * 10**6  # about a second
_MOST_NAMES = 3
Table = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A test on a grouping.

    Parameters
    ----------
    test
        The test and its numbers.
    grouping
        The columns in words; empty for those printed.
    place
        0 for the printed columns, 1 for a merge that the file declares, 2 for one that was searched.
    """

    test: CountTest
    grouping: str
    place: int

    @property
    def label(self) -> str:
        """Name of the test and grouping."""
        return f"{self.test.name} on {self.grouping}" if self.grouping else self.test.name


def candidates(
    table: Table, groups: Sequence[Group], merges: Sequence[Merge] = (), *, search: bool = True
) -> list[Candidate]:
    """Every named test on the printed columns, on declared merges and on merges of neighbours.

    Two by two: Pearson, Yates, likelihood ratio, Fisher. Larger: Pearson, likelihood ratio,
    Fisher-Freeman-Halton.
    """
    names = [group.name for group in groups]
    found = [Candidate(test, "", 0) for test in _tests(table, exact=_exact)]
    declared = list(merges)
    searched = [merge for merge in contiguous_merges(len(names)) if merge not in declared] if search else []
    for place, group_merges in ((1, declared), (2, searched)):
        for merge in group_merges:
            text = merge_text(merge, names)
            exact = _exact if place == 1 else _exact_statistic
            found += [Candidate(test, text, place) for test in _tests(merged(table, merge), exact=exact)]
    return found


def count_test_findings(
    tried: Sequence[Candidate], table: Table, *, statistic: Printed | None, p: PrintedP | None
) -> list[Finding]:
    """The findings on a printed statistic and P value, the main one first."""
    values = _values(tried, table)
    if statistic is not None:
        main, chosen = _statistic_finding(tried, table, statistic, p, values)
        return [main, *([] if p is None else [_p_beside_statistic(tried, chosen, statistic, p)])]
    if p is None:
        return [Finding("test", Verdict.NOT_CHECKED, f"No P value is printed. {_told(tried)}", "", "", values)]
    fitting = [one for one in tried if one.place < 2 and _gives_p(one, p)]
    fitting = fitting or [one for one in _by_other_names(table) if _gives_p(one, p)]
    told = _told(tried)
    if not fitting:
        text = f"No named test gives P {p.text}{_left_out(tried)}: {told}"
        return [Finding("test", Verdict.NOT_REPRODUCED, text, p.text, told, values)]
    place = min(one.place for one in fitting)
    names = [one.label for one in fitting if one.place == place]
    text = f"P {p.text} is that of {_listed(names)}. {told}"
    return [Finding("test", Verdict.REPRODUCED, text, p.text, " + ".join(names), values)]


def statistic_bounds(table: Table) -> dict[str, float]:
    """The most that each statistic can reach in a table of this shape with these margins.

    Pearson: N (min(r, c) - 1), Cramer H. Mathematical Methods of Statistics. Princeton 1946, section 21.9. Likelihood
    ratio: 2 N times the smaller entropy of the margins. Fisher-Freeman-Halton: from the least probable table.
    """
    rows, columns, total = table.sum(axis=1), table.sum(axis=0), float(table.sum())
    entropy = min(float(special.entr(margin / total).sum()) for margin in (rows, columns))
    factorials = [special.gammaln(margin + 1).sum() for margin in (rows, columns)]
    log_prob = float(sum(factorials) - special.gammaln(total + 1) - min(factorials))
    r, c = table.shape
    log_scale = (
        (r - 1) * (c - 1) / 2 * math.log(2 * math.pi)
        - (r * c - 1) / 2 * math.log(total)
        + float((c - 1) / 2 * np.log(rows).sum() + (r - 1) / 2 * np.log(columns).sum())
    )
    return {
        "Pearson": total * (min(table.shape) - 1),
        "likelihood ratio": 2 * total * entropy,
        "Fisher-Freeman-Halton": -2 * (log_scale + log_prob),
    }


def _tests(table: Table, *, exact: Callable[[Table], CountTest]) -> list[CountTest]:
    if table.ndim != 2 or min(table.shape) < 2:
        return []
    small = (pearson_test, yates_test, likelihood_ratio_test, fisher_exact_test)
    large = (pearson_test, likelihood_ratio_test, exact)
    try:
        return [test(table) for test in (small if table.shape == (2, 2) else large)]
    except OptionError:
        return []


def _by_other_names(table: Table) -> list[Candidate]:
    """Tests of a 2 x 2 table to look at where none of the usual gives what is printed.

    The N-1 chi-square, which MedCalc prints; z of two proportions, pooled, whose square is Pearson's chi-square.
    """
    if table.shape != (2, 2):
        return []
    try:
        plain = pearson_test(table)
        sign = math.copysign(1.0, float(table[0, 0] * table[1, 1] - table[0, 1] * table[1, 0]))
        z = sign * math.sqrt(plain.statistic or 0.0)
        tests = [n_minus_one_test(table), CountTest("z of two proportions", z, None, plain.p_value)]
    except OptionError:
        return []
    return [Candidate(test, "", 0) for test in tests]


def _left_out(tried: Sequence[Candidate]) -> str:
    """Says that an exact P value was not computed, where it was too much work."""
    missing = any(one.place < 2 and one.test.p_value is None for one in tried)
    return "; no exact Fisher-Freeman-Halton P was computed (work limit), and it might be that" if missing else ""


def _exact(table: Table) -> CountTest:
    return fisher_freeman_halton_test(table, most_paths=_MOST_PATHS)


def _exact_statistic(table: Table) -> CountTest:
    """The statistic without its P value; for the many merges that are searched, the chi-square approximation."""
    statistic = fisher_freeman_halton_statistic(table)
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    return CountTest("Fisher-Freeman-Halton", statistic, None, float(special.chdtrc(df, max(statistic, 0.0))))


def _statistic_finding(
    tried: Sequence[Candidate],
    table: Table,
    statistic: Printed,
    p: PrintedP | None,
    values: dict[str, float],
) -> tuple[Finding, Candidate | None]:
    fitting = [one for one in tried if _fits(one, statistic, p)]
    fitting = fitting or [one for one in _by_other_names(table) if _fits_either_sign(one, statistic)]
    fitting.sort(key=lambda one: _closeness(one, statistic, p))
    told = _told(tried)
    if fitting:
        best = fitting[0]
        text = f"{statistic.text} is {best.label}{_nearly(best, statistic)}{_caution(best, tried)}. {told}"
        return Finding("test", Verdict.REPRODUCED, text, statistic.text, best.label, values), best
    if statistic.high < 0:
        return negative_finding(statistic), None
    bounds = statistic_bounds(table)
    if statistic.low > max(bounds.values()):
        most = ", ".join(f"{name} {number_text(bound)}" for name, bound in bounds.items())
        text = f"{statistic.text} is more than any statistic of this table can reach ({most}). {told}"
        return Finding("test", Verdict.IMPOSSIBLE, text, statistic.text, told, values), None
    beyond = ""
    if statistic.low > bounds["Pearson"]:
        beyond = f" It exceeds {number_text(bounds['Pearson'])}, the most that Pearson's chi-square can reach here."
    text = f"No named test gives {statistic.text} ({len(tried)} tried).{beyond} {told}"
    return Finding("test", Verdict.NOT_REPRODUCED, text, statistic.text, told, values), None


def _fits(one: Candidate, statistic: Printed, p: PrintedP | None) -> bool:
    """Whether a candidate gives the statistic; a searched grouping must give the P value too, against chance."""
    if one.test.statistic is None or not statistic.nearly(one.test.statistic):
        return False
    return one.place < 2 or (p is not None and statistic.agrees(one.test.statistic) and _gives_p(one, p))


def _fits_either_sign(one: Candidate, statistic: Printed) -> bool:
    """Whether a further test gives the statistic; the sign of z hangs on the order of the groups."""
    value = one.test.statistic or 0.0
    signs = (1, -1) if one.test.df is None else (1,)
    return any(statistic.agrees(sign * value) for sign in signs)


def _closeness(one: Candidate, statistic: Printed, p: PrintedP | None) -> tuple[bool, bool, bool, int]:
    exact = statistic.agrees(one.test.statistic or 0.0)
    return (one.place == 2, not exact, p is not None and not _gives_p(one, p), one.place)


def _gives_p(one: Candidate, p: PrintedP) -> bool:
    return one.test.p_value is not None and p.admits(one.test.p_value)


def _nearly(one: Candidate, statistic: Printed) -> str:
    value = one.test.statistic or 0.0
    return "" if statistic.agrees(value) else f", to one unit in the last digit ({value:.4f})"


def _caution(one: Candidate, tried: Sequence[Candidate]) -> str:
    if one.place == 0:
        return ""
    if one.place == 1:
        return ", not of the printed columns"
    return f", found among {len(tried)} tries, so possibly by chance"


def _p_beside_statistic(
    tried: Sequence[Candidate], chosen: Candidate | None, statistic: Printed, p: PrintedP
) -> Finding:
    """The P value beside a statistic; where the counts give the statistic, they give the P value, unrounded."""
    if chosen is not None and _gives_p(chosen, p):
        text = f"P {p.text} belongs to that test."
        return Finding("p", Verdict.REPRODUCED, text, p.text, p_text(chosen.test.p_value or 0.0))
    others = [one.label for one in tried if one.place < 2 and _gives_p(one, p)]
    named = _listed(others)
    dfs = fitting_degrees(statistic, p, most_df=_most_df(tried))
    if chosen is not None:
        return _p_of_another(chosen, named, dfs, statistic, p)
    if others and dfs:
        text = f"P {p.text} goes with {statistic.text} (df {degrees_text(dfs)}), and is that of {named}."
        return Finding("p", Verdict.REPRODUCED, text, p.text, named)
    if others:
        text = f"P {p.text} does not belong to {statistic.text}; it is that of {named}."
        return Finding("p", Verdict.INCONSISTENT, text, p.text, named)
    if dfs:
        text = f"P {p.text} goes with {statistic.text} at df {degrees_text(dfs)}, not with these counts."
        return Finding("p", Verdict.NOT_REPRODUCED, text, p.text)
    text = (
        f"P {p.text} belongs neither to {statistic.text} with any df nor to a test of these counts{_left_out(tried)}."
    )
    return Finding("p", Verdict.INCONSISTENT, text, p.text)


def _p_of_another(chosen: Candidate, named: str, dfs: range, statistic: Printed, p: PrintedP) -> Finding:
    """A P value that is not that of the test which gives the statistic."""
    own = chosen.test.p_value
    if named and own is not None and chosen.test.df in dfs:
        text = (
            f"P {p.text} goes with {statistic.text}, rounded as it is, at df {chosen.test.df}; the counts give "
            f"{_apart(own, p)}. It is that of {named}."
        )
        return Finding("p", Verdict.NOT_REPRODUCED, text, p.text, p_text(own))
    if named:
        text = f"P {p.text} does not belong to {statistic.text}; it is that of {named}."
        return Finding("p", Verdict.INCONSISTENT, text, p.text, named)
    if own is None:
        text = f"No exact P of {chosen.label} was computed (work limit)."
        return Finding("p", Verdict.NOT_CHECKED, text, p.text)
    counted = f"the counts give {_apart(own, p)}"
    if p.number.nearly(own):
        text = f"P {p.text} is one unit in the last digit from that of the test; {counted}."
        return Finding("p", Verdict.NOT_REPRODUCED, text, p.text, p_text(own))
    if dfs:
        text = f"P {p.text} goes with {statistic.text}, rounded as it is, at df {degrees_text(dfs)}; {counted}."
        return Finding("p", Verdict.NOT_REPRODUCED, text, p.text, p_text(own))
    text = f"P {p.text} belongs neither to {statistic.text} with any df nor to a test of these counts; {counted}."
    return Finding("p", Verdict.INCONSISTENT, text, p.text, p_text(own))


def _apart(own: float, p: PrintedP) -> str:
    """A P value in words, with the digits that tell it from the printed one."""
    text = p_text(own)
    return f"{own:.6f}" if p.admits(float(text)) else text


def _most_df(tried: Sequence[Candidate]) -> int:
    """The most degrees of freedom worth a thought: those of the largest table tried, 12 at least."""
    return max([12, *(one.test.df for one in tried if one.test.df is not None)])


def _told(tried: Sequence[Candidate]) -> str:
    """The tests on the printed columns, and on each declared merge, with their numbers."""
    groupings: dict[str, list[str]] = {}
    for one in (candidate for candidate in tried if candidate.place < 2):
        number = "" if one.test.statistic is None else f" {one.test.statistic:.2f}"
        df = "" if one.test.df is None else f" (df {one.test.df})"
        p = "" if one.test.p_value is None else f", P {p_text(one.test.p_value)}"
        groupings.setdefault(one.grouping, []).append(f"{one.test.name}{number}{df}{p}")
    texts = [f"On {name}: {'; '.join(tests)}." if name else f"{'; '.join(tests)}." for name, tests in groupings.items()]
    return " ".join(texts) or "The counts allow no test."


def _values(tried: Sequence[Candidate], table: Table) -> dict[str, float]:
    values: dict[str, float] = {}
    if min(table.shape) >= 2 and table.sum(axis=0).all() and table.sum(axis=1).all():
        values["smallest expected count"] = float(expected_counts(table).min())
    for one in (candidate for candidate in tried if candidate.place < 2):
        if one.test.statistic is not None:
            values[f"{one.label} statistic"] = one.test.statistic
        if one.test.p_value is not None:
            values[f"{one.label} P"] = one.test.p_value
    return values


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMES + 1:
        return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
