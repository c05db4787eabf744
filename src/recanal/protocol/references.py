"""Which columns a plan uses, where it names them, and what each is used as."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from recanal.protocol.place import Place
from recanal.protocol.plan import (
    AgreementPlan,
    Analysis,
    BaselinePlan,
    CalibrationPlan,
    FollowUpPlan,
    LearningPlan,
    Plan,
    RegressionPlan,
    RocPlan,
    ScoresPlan,
    StrataPlan,
    TrialPlan,
)

__all__ = ["Use", "uses"]


@dataclass(frozen=True)
class Use:
    """A column named at a place of a plan.

    ``role`` is the type that its use implies where the plan gives none: continuous, categorical, order, or empty where
    the plan has to say.
    """

    name: str
    role: str
    key: str
    place: Place = field(compare=False)


def uses(plan: Plan) -> tuple[Use, ...]:
    """Every column that the analyses name, in the order of the plan."""
    return tuple(use for one in plan.analyses for use in _uses(one))


def _uses(one: Analysis) -> Iterator[Use]:
    for kind, names in _NAMERS.items():
        if isinstance(one, kind):
            yield from (Use(name, role, key, one.place) for name, role, key in names(one) if name)


_Named = Iterator[tuple[str, str, str]]


def _baseline(one: BaselinePlan) -> _Named:
    yield one.by, "categorical", "by"
    yield from ((row.name, "", "rows") for row in one.rows)


def _regression(one: RegressionPlan) -> _Named:
    yield one.outcome.column, "categorical", "outcome"
    yield from ((name, "", "predictors") for name in one.predictors)
    yield from ((name, "", "adjust") for name in one.adjust)


def _roc(one: RocPlan | ScoresPlan) -> _Named:
    yield one.outcome.column, "categorical", "outcome"
    yield from ((name, "continuous", "scores") for name in one.scores)


def _calibration(one: CalibrationPlan) -> _Named:
    yield one.outcome.column, "categorical", "outcome"
    yield one.predicted, "continuous", "predicted"


def _agreement(one: AgreementPlan) -> _Named:
    role = "continuous" if one.kind in ("icc", "bland_altman") else "categorical"
    yield from ((name, role, "pairs") for pair in one.pairs for name in pair)


def _strata(one: StrataPlan) -> _Named:
    yield one.outcome.column, "categorical", "outcome"
    yield one.score, "continuous", "score"


def _learning(one: LearningPlan) -> _Named:
    yield one.outcome.column, "categorical", "outcome"
    yield one.operator, "categorical", "operator"
    yield one.order, "order", "order"


def _follow_up(one: FollowUpPlan) -> _Named:
    yield one.time, "continuous", "time"
    yield one.status, "categorical", "status"
    yield one.by, "categorical", "by"
    yield from ((name, "", "predictors") for name in one.predictors)


def _trial(one: TrialPlan) -> _Named:
    yield one.arm, "categorical", "arm"
    yield one.outcome.column, "categorical", "outcome"
    yield from ((name, "continuous", "measures") for name in one.measures)
    yield from ((name, "", "adjust") for name in one.adjust)
    yield one.stratum, "continuous" if one.cut_value is not None else "categorical", "stratum"


_NAMERS: Mapping[type[Analysis], Callable[..., _Named]] = {
    BaselinePlan: _baseline,
    RegressionPlan: _regression,
    RocPlan: _roc,
    ScoresPlan: _roc,
    CalibrationPlan: _calibration,
    AgreementPlan: _agreement,
    StrataPlan: _strata,
    LearningPlan: _learning,
    FollowUpPlan: _follow_up,
    TrialPlan: _trial,
}
