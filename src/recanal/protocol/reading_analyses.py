"""The analyses of a plan from their tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recanal.protocol.fields import Fields
from recanal.protocol.place import shown
from recanal.protocol.plan import (
    AGGREGATES,
    ALLOWED_TESTS,
    CORRELATIONS,
    RULE_SETS,
    AgreementPlan,
    Analysis,
    BaselinePlan,
    CalibrationPlan,
    FollowUpPlan,
    LearningPlan,
    Outcome,
    RegressionPlan,
    RocPlan,
    RowPlan,
    SampleSizePlan,
    ScoresPlan,
    StrataPlan,
    TrialPlan,
)

__all__ = ["BUILDERS", "Defaults", "build"]

_SHOWN = ("mean", "median", "levels")
_RULE = re.compile(r"(any|all) (\S.*)")
_TITLES = {
    "tables": "Characteristics",
    "regressions": "Odds ratios",
    "roc": "Discrimination",
    "scores": "Scores compared",
    "calibration": "Calibration",
    "agreement": "Agreement",
    "strata": "Rates by stratum",
    "learning": "Learning curves",
    "follow_up": "Follow-up",
    "trial": "Comparison of two arms",
    "sample_size": "Sample size",
}
_NAMES = {
    "tables": "table",
    "regressions": "regression",
    "roc": "roc",
    "scores": "scores",
    "calibration": "calibration",
    "agreement": "agreement",
    "strata": "strata",
    "learning": "learning",
    "follow_up": "follow_up",
    "trial": "trial",
    "sample_size": "sample_size",
}


@dataclass(frozen=True)
class Defaults:
    """What the top of the plan sets for every analysis."""

    rules: str
    patient: str


def build(kind: str, fields: Fields, number: int, defaults: Defaults) -> Analysis:
    """One analysis.

    Parameters
    ----------
    kind
        One of :data:`BUILDERS`.
    fields
        Its table.
    number
        Its place among those of its kind, from 1; names it where it has no ``id``.
    defaults
        From the top of the plan.

    Raises
    ------
    StudyError
        Naming line, key, value and what is allowed.
    """
    name = fields.identifier("id", f"{_NAMES[kind]}{number}")
    head = {"id": name, "title": fields.text("title", f"{_TITLES[kind]} ({name})"), "place": fields.place}
    return BUILDERS[kind](fields, head, defaults)


def _only(fields: Fields, *names: str) -> None:
    fields.only("id", "title", *names)


def _outcome(fields: Fields) -> Outcome:
    return Outcome(fields.text("outcome"), fields.scalar("event", "1"))


def _baseline(fields: Fields, head: dict[str, Any], defaults: Defaults) -> BaselinePlan:
    _only(
        *(fields, "by", "rows", "level", "patient_rule", "aggregate", "rules", "tests", "decimals", "overall"),
        "differences",
    )
    level = fields.word("level", ("lesion", "patient"), "lesion")
    rule = fields.text("patient_rule", "same")
    if rule != "same" and not _RULE.fullmatch(rule):
        raise fields.place.error("patient_rule", f"got {shown(rule)}; allowed: 'same', 'any LEVEL', 'all LEVEL'.")
    if level == "patient" and not defaults.patient:
        raise fields.place.error("level", "a table by patient needs [data] patient, the column that tells them apart.")
    for key in ("patient_rule", "aggregate"):
        if level == "lesion" and fields.has(key):
            raise fields.place.error(key, "belongs to a table with level = 'patient'.")
    return BaselinePlan(
        **head,
        by=fields.text("by", ""),
        rows=_rows(fields),
        level=level,
        patient_rule=rule,
        aggregate=fields.pairs("aggregate", AGGREGATES),
        rules=fields.word("rules", RULE_SETS, defaults.rules),
        tests=fields.pairs("tests", ALLOWED_TESTS),
        decimals=fields.whole("decimals", (0, 6), 2),
        overall=fields.flag("overall", default=True),
        differences=fields.flag("differences", default=True),
    )


def _rows(fields: Fields) -> tuple[RowPlan, ...]:
    rows = []
    for text in fields.names("rows"):
        name, _, show = text.partition(":")
        if show and show not in _SHOWN:
            raise fields.place.error("rows", f"got {shown(text)}; allowed after the colon: {', '.join(_SHOWN)}.")
        rows.append(RowPlan(name, show))
    if not rows:
        raise fields.place.error("rows", "is empty.")
    return tuple(rows)


def _regression(fields: Fields, head: dict[str, Any], defaults: Defaults) -> RegressionPlan:
    _only(
        *(fields, "outcome", "event", "predictors", "adjust", "together", "method", "interval", "cluster"),
        *("references", "few_events", "decimals"),
    )
    cluster = fields.word("cluster", (*CORRELATIONS, "none"), "CR2" if defaults.patient else "none")
    if cluster != "none" and not defaults.patient:
        raise fields.place.error("cluster", "needs [data] patient, the column that tells patients apart.")
    adjust, together = fields.names("adjust", ()), fields.flag("together", default=False)
    predictors = fields.names("predictors")
    if not predictors:
        raise fields.place.error("predictors", "is empty.")
    both = [name for name in adjust if name in predictors]
    if both:
        raise fields.place.error("adjust", f"{shown(both[0])} is a predictor as well.", hint="Name it once.")
    return RegressionPlan(
        **head,
        outcome=_outcome(fields),
        predictors=predictors,
        adjust=adjust,
        together=together,
        method=fields.word("method", ("auto", "ml", "firth", "flac"), "auto"),
        interval=fields.word("interval", ("profile", "wald"), "profile"),
        cluster=cluster,
        references=fields.pairs("references"),
        few_events=fields.flag("few_events", default=False),
        decimals=fields.whole("decimals", (0, 6), 3),
    )


def _roc(fields: Fields, head: dict[str, Any], defaults: Defaults) -> RocPlan:
    _only(fields, "outcome", "event", "scores", "lower", "reference", "cutoff", "resamples")
    scores = _scores(fields)
    return RocPlan(
        **head,
        outcome=_outcome(fields),
        scores=scores,
        lower=_among(fields, "lower", scores),
        reference=_reference(fields, scores),
        cutoff=fields.flag("cutoff", default=True),
        resamples=fields.whole("resamples", (200, 100_000), 2000),
    )


def _score_comparison(fields: Fields, head: dict[str, Any], defaults: Defaults) -> ScoresPlan:
    _only(fields, "outcome", "event", "scores", "reference", "hosmer_lemeshow", "cuts")
    scores = _scores(fields)
    cuts = fields.table("cuts")
    cuts.only(*scores)
    return ScoresPlan(
        **head,
        outcome=_outcome(fields),
        scores=scores,
        reference=_reference(fields, scores),
        hosmer_lemeshow=fields.flag("hosmer_lemeshow", default=False),
        cuts={name: cuts.numbers(name) for name in cuts.values},
    )


def _scores(fields: Fields) -> tuple[str, ...]:
    scores = fields.names("scores")
    if not scores:
        raise fields.place.error("scores", "is empty.")
    return scores


def _among(fields: Fields, key: str, names: tuple[str, ...]) -> tuple[str, ...]:
    chosen = fields.names(key, ())
    for name in chosen:
        if name not in names:
            raise fields.place.error(key, f"got {shown(name)}; allowed: {', '.join(names)}.")
    return chosen


def _reference(fields: Fields, scores: tuple[str, ...]) -> str:
    return fields.word("reference", scores) if fields.has("reference") else ""


def _calibration(fields: Fields, head: dict[str, Any], defaults: Defaults) -> CalibrationPlan:
    _only(fields, "outcome", "event", "predicted", "groups", "hosmer_lemeshow")
    return CalibrationPlan(
        **head,
        outcome=_outcome(fields),
        predicted=fields.text("predicted"),
        groups=fields.whole("groups", (3, 50), 10),
        hosmer_lemeshow=fields.flag("hosmer_lemeshow", default=False),
    )


def _agreement(fields: Fields, head: dict[str, Any], defaults: Defaults) -> AgreementPlan:
    _only(fields, "kind", "columns", "pairs", "form", "weights")
    kind = fields.word("kind", ("icc", "bland_altman", "kappa", "fleiss", "gwet"))
    pairs = _pairs(fields)
    if kind in ("bland_altman", "kappa") and any(len(pair) != 2 for pair in pairs):
        raise fields.place.error("columns", f"{kind} takes two columns.")
    forms = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")
    for key, wanted in (("form", "icc"), ("weights", ("kappa", "gwet"))):
        if fields.has(key) and kind not in wanted:
            raise fields.place.error(key, f"does not belong to kind = '{kind}'.")
    return AgreementPlan(
        **head,
        kind=kind,
        columns=pairs[0],
        pairs=pairs,
        form=fields.word("form", forms, "ICC(2,1)"),
        weights=fields.word("weights", ("none", "linear", "quadratic"), "none"),
    )


def _pairs(fields: Fields) -> tuple[tuple[str, ...], ...]:
    """The columns that are compared: one set in ``columns``, or several in ``pairs``."""
    if fields.needs_one(("columns", "pairs")) == "columns":
        sets = [fields.names("columns")]
    else:
        value = fields.values["pairs"]
        good = isinstance(value, list) and value and all(isinstance(one, list) for one in value)
        if not good or not all(isinstance(name, str) for one in value for name in one):
            raise fields.place.error(
                "pairs", f'must be a list such as [["a1", "a2"], ["b1", "b2"]], got {shown(value)}.'
            )
        sets = [tuple(one) for one in value]
    for one in sets:
        if len(set(one)) < 2 or len(set(one)) < len(one):
            raise fields.place.error("columns", f"needs two or more different columns, got {shown(list(one))}.")
    return tuple(sets)


def _strata(fields: Fields, head: dict[str, Any], defaults: Defaults) -> StrataPlan:
    _only(fields, "outcome", "event", "score", "cuts")
    return StrataPlan(
        **head, outcome=_outcome(fields), score=fields.text("score"), cut_value=fields.numbers("cuts", ())
    )


def _learning(fields: Fields, head: dict[str, Any], defaults: Defaults) -> LearningPlan:
    _only(fields, "outcome", "event", "operator", "order", "window")
    return LearningPlan(
        **head,
        outcome=_outcome(fields),
        operator=fields.text("operator"),
        order=fields.text("order"),
        window=fields.whole("window", (5, 10_000), 20),
    )


def _follow_up(fields: Fields, head: dict[str, Any], defaults: Defaults) -> FollowUpPlan:
    _only(
        *(fields, "time", "unit", "status", "event", "competing", "by", "predictors", "horizons", "few_events"),
        "landmark",
    )
    time, status = fields.text("time"), fields.text("status")
    event, competing = fields.scalar("event", "1"), fields.pairs("competing")
    if time == status:
        raise fields.place.error("status", "is the column of times as well.")
    if event in competing:
        raise fields.place.error("competing", f"{shown(event)} is the event itself.")
    if "0" in competing or event == "0":
        raise fields.place.error("competing" if "0" in competing else "event", "0 stands for censored.")
    return FollowUpPlan(
        **head,
        time=time,
        unit=fields.word("unit", ("days", "months", "years"), "days"),
        status=status,
        event=event,
        competing=competing,
        by=fields.text("by", ""),
        predictors=fields.names("predictors", ()),
        horizon_value=fields.numbers("horizons", ()),
        few_events=fields.flag("few_events", default=False),
        landmark_value=fields.number("landmark", (0.0, 1e6)) if fields.has("landmark") else None,
    )


def _trial(fields: Fields, head: dict[str, Any], defaults: Defaults) -> TrialPlan:
    _only(fields, "arm", "treated", "outcome", "event", "measures", "adjust", "stratum", "cut")
    if fields.has("cut") and not fields.has("stratum"):
        raise fields.place.error("cut", "needs stratum, the score that it divides.")
    return TrialPlan(
        **head,
        arm=fields.text("arm"),
        treated=fields.scalar("treated", "1"),
        outcome=_outcome(fields),
        measures=fields.names("measures", ()),
        adjust=fields.names("adjust", ()),
        stratum=fields.text("stratum", ""),
        cut_value=fields.number("cut", (-1e9, 1e9)) if fields.has("cut") else None,
    )


def _sample_size(fields: Fields, head: dict[str, Any], defaults: Defaults) -> SampleSizePlan:
    _only(fields, "control", "treated", "power", "alpha", "dropout")
    control, treated = fields.number("control", (0.0001, 0.9999)), fields.number("treated", (0.0001, 0.9999))
    if control == treated:
        raise fields.place.error("treated", f"equals the control share {control:g}; no sample shows a difference of 0.")
    return SampleSizePlan(
        **head,
        control_share=control,
        treated_share=treated,
        power_share=fields.number("power", (0.5, 0.999), 0.8),
        alpha_share=fields.number("alpha", (0.0001, 0.5), 0.05),
        dropout_share=fields.number("dropout", (0.0, 0.9), 0.0),
    )


BUILDERS: Mapping[str, Callable[[Fields, dict[str, Any], Defaults], Analysis]] = {
    "tables": _baseline,
    "regressions": _regression,
    "roc": _roc,
    "scores": _score_comparison,
    "calibration": _calibration,
    "agreement": _agreement,
    "strata": _strata,
    "learning": _learning,
    "follow_up": _follow_up,
    "trial": _trial,
    "sample_size": _sample_size,
}
