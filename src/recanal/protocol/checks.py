"""Wrong use of a plan, refused before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping

from recanal.protocol.place import Place, shown
from recanal.protocol.plan import (
    Analysis,
    CalibrationPlan,
    FollowUpPlan,
    Plan,
    RegressionPlan,
    RocPlan,
    ScoresPlan,
    StrataPlan,
    TrialPlan,
    VariablePlan,
)

__all__ = ["check_use"]

_WHEN = {"before": 0, "during": 1, "after": 2}


def check_use(plan: Plan, variables: Mapping[str, VariablePlan]) -> dict[str, tuple[str, ...]]:
    """Warnings by analysis: predictors whose time is that of the outcome, or not known.

    Raises
    ------
    StudyError
        When an outcome predicts itself, or a predictor becomes known after the outcome; line and key are named.
    """
    return {one.id: tuple(_warnings(one, variables)) for one in plan.analyses}


def _warnings(one: Analysis, variables: Mapping[str, VariablePlan]) -> list[str]:
    if isinstance(one, RegressionPlan):
        lists = {"predictors": one.predictors, "adjust": one.adjust}
    elif isinstance(one, TrialPlan):
        lists = {"arm": (one.arm,), "adjust": one.adjust, "stratum": (one.stratum,) if one.stratum else ()}
        _of_arm(one)
    elif isinstance(one, RocPlan | ScoresPlan):
        lists = {"scores": one.scores}
    elif isinstance(one, CalibrationPlan):
        lists = {"predicted": (one.predicted,)}
    elif isinstance(one, StrataPlan):
        lists = {"score": (one.score,)}
    elif isinstance(one, FollowUpPlan):
        return _late(one, variables)
    else:
        return []
    outcome = variables[one.outcome.column]
    return [
        warning
        for key, names in lists.items()
        for name in names
        for warning in _predictor(variables[name], outcome, one.place, key)
    ]


def _late(one: FollowUpPlan, variables: Mapping[str, VariablePlan]) -> list[str]:
    for key, names in (("predictors", one.predictors), ("by", (one.by,) if one.by else ())):
        for name in names:
            if name in (one.time, one.status):
                raise one.place.error(
                    key,
                    f"{shown(name)} is the time or the status itself.",
                    hint="Take it out of the list.",
                )
            if variables[name].timing == "after" and one.landmark_value is None:
                raise one.place.error(
                    key,
                    f"{shown(name)} becomes known after the procedure, within the time that it shall predict: whoever "
                    "lives longer has more time to get it.",
                    hint=f"Name landmark, a time in {one.unit} by which it is known; cases with less are left out.",
                )
    late = [variables[name].label for name in one.predictors if variables[name].timing == "after"]
    return [f"{'; '.join(late)}: known after the procedure; taken as known at the landmark."] if late else []


def _of_arm(one: TrialPlan) -> None:
    for key, names in (("adjust", one.adjust), ("stratum", (one.stratum,)), ("measures", one.measures)):
        if one.arm in names:
            raise one.place.error(key, f"{shown(one.arm)} is the arm itself.", hint="Take it out.")
        if key == "measures" and one.outcome.column in names:
            raise one.place.error(key, f"{shown(one.outcome.column)} is the outcome itself.", hint="Take it out.")


def _predictor(variable: VariablePlan, outcome: VariablePlan, place: Place, key: str) -> list[str]:
    if variable.name == outcome.name:
        raise place.error(key, f"{shown(variable.name)} is the outcome itself.", hint="Take it out of the list.")
    if not variable.timing or not outcome.timing:
        return []
    if _WHEN[variable.timing] > _WHEN[outcome.timing]:
        raise place.error(
            key,
            f"{shown(variable.name)} becomes known {variable.timing} the procedure, the outcome "
            f"{shown(outcome.name)} {outcome.timing} it: it cannot predict it.",
            hint="Leave it out, or correct [timing].",
        )
    if variable.timing == outcome.timing and variable.timing != "before":
        return [
            f"{variable.label} and the outcome both become known {variable.timing} the procedure; the plan does not "
            "say which came first."
        ]
    return []
