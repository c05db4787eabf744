"""One variable of a baseline table: described in every group and tested between them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.errors import InputError, StudyError
from recanal.fitting.results import Estimate
from recanal.protocol.columns import StudyData
from recanal.protocol.place import shown
from recanal.protocol.plan import BaselinePlan, RowPlan
from recanal.stats.contingency import (
    CountTest,
    choose_count_test,
    fisher_exact_test,
    fisher_freeman_halton_test,
    likelihood_ratio_test,
    n_minus_one_test,
    pearson_test,
    yates_test,
)
from recanal.stats.continuous import (
    ContinuousChoice,
    Description,
    choose_continuous,
    compare_groups,
    describe,
    standardised_difference,
    standardised_difference_of_counts,
)
from recanal.study.outcome import Context, code_path
from recanal.study.wording import count_text, number_text, quartiles_text

__all__ = ["RowFinding", "RowLine", "describe_row"]

_COUNT_TESTS: Mapping[str, Callable[..., CountTest]] = {
    "pearson": pearson_test,
    "yates": yates_test,
    "n_minus_one": n_minus_one_test,
    "likelihood_ratio": likelihood_ratio_test,
}
_MEAN_TESTS = {("spss", True): "student", ("spss", False): "anova", ("recommended", True): "welch"}


@dataclass(frozen=True)
class RowLine:
    """A line: its words, its cells (all first, then the groups; empty for a heading) and its kind."""

    label: str
    cells: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class RowFinding:
    """A variable: the record of its numbers and the lines that show them."""

    label: str
    record: Mapping[str, Any]
    lines: tuple[RowLine, ...]
    group_count: int


def describe_row(
    row: RowPlan,
    plan: BaselinePlan,
    data: StudyData,
    groups: tuple[NDArray[np.intp], tuple[str, ...]],
    context: Context,
) -> RowFinding:
    """A variable described and tested.

    Parameters
    ----------
    row, plan
        What the plan says.
    data
        Rows, all of them in a group.
    groups
        Group of each row and the names of the groups.
    context
        Coverage of intervals.

    Raises
    ------
    StudyError
        When the way to show it, or a test that the plan names, does not fit the variable.
    """
    variable = data.variables[row.name]
    numeric = variable.type == "continuous" or row.show in ("mean", "median")
    if variable.type == "categorical" and numeric:
        raise plan.place.error("rows", f"{shown(row.name)} is categorical and has no {row.show}.")
    if variable.type == "continuous" and row.show == "levels":
        raise plan.place.error("rows", f"{shown(row.name)} is continuous and has no levels.", hint="Call it ordinal.")
    try:
        found = _continuous(row, plan, data, groups, context) if numeric else _counts(row, plan, data, groups, context)
    except StudyError:
        raise
    except InputError as error:
        raise plan.place.error("rows", f"{shown(row.name)}: {error.message}", hint=error.hint) from error
    return found


def _continuous(
    row: RowPlan,
    plan: BaselinePlan,
    data: StudyData,
    groups: tuple[NDArray[np.intp], tuple[str, ...]],
    context: Context,
) -> RowFinding:
    values, (codes, words) = data.numbers(row.name), groups
    known = ~np.isnan(values)
    parts = {word: values[(codes == place) & known] for place, word in enumerate(words)}
    filled = {word: part for word, part in parts.items() if len(part)}
    choice = _choice(row, plan, filled)
    sizes = {word: int((codes == place).sum()) for place, word in enumerate(words)}
    whole = _described(values[known], len(values), choice.quantile_type)
    each = [_described(part, sizes[word], choice.quantile_type) for word, part in parts.items()]
    record = _head(row, data, choice.summary) | {
        "n": int(known.sum()), "missing": int((~known).sum()), "reason": choice.reason, "all": whole, "groups": each,
        "describe_code": code_path(describe), "test": _continuous_test(row, plan, filled, len(words), choice, context),
        "standardised_difference": _largest(filled, context) if plan.differences else None,
    }  # fmt: skip
    label = data.variables[row.name].label
    cells = tuple(_summary(one, choice.summary, plan.decimals) for one in (whole, *each))
    return RowFinding(label, record, (RowLine(label, cells, "row"),), len(words))


def _head(row: RowPlan, data: StudyData, summary: str) -> dict[str, Any]:
    variable = data.variables[row.name]
    return {"variable": row.name, "label": variable.label, "type": variable.type, "summary": summary}


def _choice(row: RowPlan, plan: BaselinePlan, filled: Mapping[str, NDArray[np.float64]]) -> ContinuousChoice:
    """Summary and test by the rule set, or as the plan asks."""
    quantile_type = "type6" if plan.rules == "spss" else "type7"
    two = len(filled) == 2
    if row.show == "mean":
        test = _MEAN_TESTS.get((plan.rules, two), "welch_anova")
        return ContinuousChoice("mean_sd", test, quantile_type, plan.rules, "the plan asks for the mean")
    if row.show == "median":
        test = "mann_whitney" if two else "kruskal_wallis"
        return ContinuousChoice("median_iqr", test, quantile_type, plan.rules, "the plan asks for the median")
    if not filled:
        return ContinuousChoice("mean_sd", "none", quantile_type, plan.rules, "no value is known")
    if len(filled) > 1:
        return choose_continuous(filled, rules=plan.rules)
    only = next(iter(filled.values()))
    alone = choose_continuous({"": only, " ": only}, rules=plan.rules)
    reason = alone.reason.split("; ", 1)[0].removeprefix(": ")
    return ContinuousChoice(alone.summary, "none", alone.quantile_type, plan.rules, reason)


def _described(known: NDArray[np.float64], size: int, quantile_type: str) -> Description | None:
    if not len(known):
        return None
    found = describe(known, quantile_type=quantile_type)
    values = {name: getattr(found, name) for name in found.__dataclass_fields__} | {"missing_count": size - len(known)}
    return Description(**values)


def _summary(one: Description | None, summary: str, decimals: int) -> str:
    if one is None:
        return "–"
    if summary == "mean_sd":
        spread = number_text(one.sd_value, decimals=decimals)
        return f"{number_text(one.mean_value, decimals=decimals)} ± {spread}"
    return quartiles_text(one.median_value, one.q1_value, one.q3_value, decimals=decimals)


def _continuous_test(
    row: RowPlan,
    plan: BaselinePlan,
    filled: Mapping[str, NDArray[np.float64]],
    group_count: int,
    choice: ContinuousChoice,
    context: Context,
) -> dict[str, Any]:
    asked = plan.tests.get(row.name, "")
    if asked in ("pearson", "yates", "n_minus_one", "likelihood_ratio", "fisher"):
        raise plan.place.inside("tests").error(row.name, f"{shown(asked)} is a test of counts.")
    if asked == "none":
        return {"reason": "the plan asks for no test"}
    if group_count < 2:
        return {"reason": "one group"}
    if len(filled) < group_count:
        return {"reason": "a group without known values"}
    name = asked or choice.test
    try:
        result = compare_groups(filled, test=name, level=context.level)
    except InputError as error:
        if asked:
            raise
        return {"reason": error.message}
    return {
        "name": name, "statistic": result.statistic, "df": result.df, "df_within": result.df_within,
        "p_value": result.p_value, "difference": result.difference, "rule": (asked and "the plan") or choice.reason,
        "code": code_path(compare_groups),
    }  # fmt: skip


def _largest(filled: Mapping[str, NDArray[np.float64]], context: Context) -> dict[str, Any] | None:
    found: list[Estimate] = []
    for first, second in itertools.combinations(filled.values(), 2):
        try:
            found.append(standardised_difference(first, second, level=context.level))
        except InputError:
            continue
    return _difference(found, code_path(standardised_difference))


def _difference(found: list[Estimate], code: str) -> dict[str, Any] | None:
    if not found:
        return None
    best = max(found, key=lambda one: abs(one.value))
    return {"value": best.value, "low": best.low, "high": best.high, "pairs": len(found), "code": code}


def _counts(
    row: RowPlan,
    plan: BaselinePlan,
    data: StudyData,
    groups: tuple[NDArray[np.intp], tuple[str, ...]],
    context: Context,
) -> RowFinding:
    (found, levels, words), (codes, names) = data.codes(row.name), groups
    known = found >= 0
    cells = np.bincount(found[known] * len(names) + codes[known], minlength=len(levels) * len(names))
    table = cells.reshape(len(levels), len(names)).astype(np.int64)
    record = _head(row, data, "counts") | {
        "n": int(known.sum()), "missing": int((~known).sum()), "levels": list(words), "codes": list(levels),
        "all": {"n": int(table.sum()), "counts": table.sum(axis=1)},
        "groups": [{"n": int(part.sum()), "counts": part} for part in table.T],
        "test": _count_test(row, plan, table, names),
        "standardised_difference": _largest_of_counts(table, context) if plan.differences else None,
    }  # fmt: skip
    label = data.variables[row.name].label
    full = np.column_stack([table.sum(axis=1), table])
    totals = full.sum(axis=0)
    texts = [tuple(count_text(int(n), int(t)) for n, t in zip(line, totals, strict=True)) for line in full]
    if data.variables[row.name].type == "binary":
        lines = [RowLine(label, texts[levels.index("1")] if "1" in levels else texts[0], "row")]
    else:
        lines = [RowLine(label, (), "heading")]
        lines += [RowLine(word, text, "level") for word, text in zip(words, texts, strict=True)]
    return RowFinding(label, record, tuple(lines), len(names))


def _count_test(row: RowPlan, plan: BaselinePlan, table: NDArray[np.int64], names: tuple[str, ...]) -> dict[str, Any]:
    asked = plan.tests.get(row.name, "")
    if asked == "none":
        return {"reason": "the plan asks for no test"}
    if len(names) < 2:
        return {"reason": "one group"}
    if not table.sum(axis=0).all():
        return {"reason": "a group without known values"}
    seen = table[table.sum(axis=1) > 0]
    if len(seen) < 2:
        return {"reason": "the variable does not vary"}
    if not asked:
        return _test_record(choose_count_test(seen, rule=plan.rules), choose_count_test)
    function = _COUNT_TESTS.get(asked)
    if asked == "fisher":
        function = fisher_exact_test if seen.shape == (2, 2) else fisher_freeman_halton_test
    if function is None:
        raise plan.place.inside("tests").error(row.name, f"{shown(asked)} is a test of numbers, not of counts.")
    return _test_record(function(seen), function, rule="the plan")


def _test_record(test: CountTest, function: Callable[..., CountTest], rule: str = "") -> dict[str, Any]:
    return {
        "name": test.name, "statistic": test.statistic, "df": test.df, "p_value": test.p_value,
        "rule": rule or test.rule, "code": code_path(function),
    }  # fmt: skip


def _largest_of_counts(table: NDArray[np.int64], context: Context) -> dict[str, Any] | None:
    found = []
    for first, second in itertools.combinations(range(table.shape[1]), 2):
        try:
            found.append(standardised_difference_of_counts(table[:, [first, second]], level=context.level))
        except InputError:
            continue
    return _difference(found, code_path(standardised_difference_of_counts))
