"""One logistic model of a plan: complete rows, a budget of parameters, and errors by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recanal.errors import InputError
from recanal.fitting.design import Design, design_matrix
from recanal.protocol.columns import StudyData
from recanal.protocol.place import Place
from recanal.protocol.plan import RegressionPlan
from recanal.stats.clustered import cluster_robust
from recanal.stats.logistic import LogisticFit, fit_logistic
from recanal.study.outcome import Context, code_path

__all__ = [
    "LEAST_EVENTS_PER_PARAMETER",
    "Model",
    "budget_warning",
    "complete_rows",
    "fit_model",
    "model_frame",
    "refuse_copy",
]

LEAST_EVENTS_PER_PARAMETER = 10


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted model and how it came about.

    Parameters
    ----------
    fit
        The fit, with robust errors where rows lie in patients.
    design
        Its matrix.
    missing_count
        Rows left out for a missing value.
    cluster, interval
        Kind of robust errors, empty where there are none; else kind of the intervals.
    warnings
        What a reader must know.
    """

    fit: LogisticFit
    design: Design
    missing_count: int
    cluster: str
    interval: str
    warnings: tuple[str, ...]

    @property
    def record(self) -> dict[str, Any]:
        """The numbers for ``results.json``."""
        fit = self.fit
        return {
            "method": fit.method,
            "n": fit.rows_count,
            "events": fit.events_count,
            "missing": self.missing_count,
            "clusters": fit.cluster_count,
            "interval": self.interval if not self.cluster else self.cluster,
            "coefficients": fit.coefficients,
            "log_likelihood": fit.log_likelihood,
            "auc": fit.auc,
            "r2_nagelkerke": fit.r2_share,
            "events_per_parameter": fit.events_per_parameter_ratio,
            "separation": fit.separation,
            "warnings": list(self.warnings),
            "code": code_path(cluster_robust if self.cluster else fit_logistic),
        }

    def columns(self, name: str) -> tuple[str, ...]:
        """Columns of the design that belong to a variable."""
        return tuple(self.design.names[place] for place in self.design.terms[name])

    def reference(self, name: str, data: StudyData) -> str:
        """Name of the level that a categorical variable is compared with."""
        return _words(data, name).get(self.design.references[name], self.design.references[name])

    def level_words(self, name: str, column: str, data: StudyData) -> str:
        """Name of the level that a column stands for."""
        level = column.partition("=")[2]
        return _words(data, name).get(level, level)


def fit_model(names: Sequence[str], plan: RegressionPlan, data: StudyData, context: Context) -> Model:
    """A logistic model of the plan's outcome on some variables.

    Raises
    ------
    StudyError
        When there are fewer than ten events, or others, per parameter and the plan does not allow it; or when the
        model cannot be fitted. The message names line and key.
    """
    events = data.events(plan.outcome.column, plan.outcome.event)
    keep = complete_rows(data, names) & ~np.isnan(events)
    try:
        design = design_matrix(model_frame(data, names, keep), list(names), references=_references(plan, names, data))
    except InputError as error:
        raise plan.place.error("predictors", error.message, hint=error.hint) from error
    for name in names:
        refuse_copy(name, data, events, plan.place, "adjust" if name in plan.adjust else "predictors")
    event = events[keep]
    warnings = budget_warning(event, len(design.names) - 1, plan.place, allowed=plan.few_events)
    clusters = _clusters(plan, data, keep)
    try:
        fit = fit_logistic(
            design, event, method=plan.method, profile=plan.interval == "profile" and clusters is None,
            level=context.level, outcome=plan.outcome.column,
        )  # fmt: skip
        cluster = ""
        if clusters is not None and fit.method == "ml":
            fit, cluster = cluster_robust(fit, design, event, clusters, kind=plan.cluster), plan.cluster
        elif clusters is not None:
            fit = fit_logistic(design, event, method=plan.method, level=context.level, outcome=plan.outcome.column)
    except InputError as error:
        raise plan.place.error("predictors", error.message, hint=error.hint) from error
    interval = plan.interval if clusters is None else "profile"
    return Model(fit, design, int((~keep).sum()), cluster, interval, (*warnings, *_fit_warnings(fit, clusters, data)))


def complete_rows(data: StudyData, names: Sequence[str]) -> NDArray[np.bool_]:
    """Rows in which all of the variables are known."""
    return np.array(data.frame[list(names)].notna().all(axis=1).to_numpy(), dtype=bool)


def model_frame(data: StudyData, names: Sequence[str], keep: NDArray[np.bool_]) -> pd.DataFrame:
    """The variables of a model in the rows that are used, categories without levels that do not occur."""
    frame = data.frame.loc[keep, list(names)].reset_index(drop=True)
    for name in names:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].cat.remove_unused_categories()
    return frame


def budget_warning(
    event: NDArray[np.float64], parameters: int, place: Place, *, allowed: bool, key: str = "predictors"
) -> tuple[str, ...]:
    """A warning where there are few events per parameter.

    Raises
    ------
    StudyError
        When there are fewer than ten and the plan does not allow it, or the outcome has one class.

    Notes
    -----
    Peduzzi P, et al. J Clin Epidemiol 1996;49:1373-1379. Ten is a rule of thumb and not enough for a prediction model
    (Riley RD, et al. Stat Med 2019;38:1276-1296).
    """
    events = int(event.sum())
    fewer = min(events, len(event) - events)
    if not fewer:
        raise place.error(
            "outcome", f"has one class: {events} events in {len(event)} rows.", hint="Is the event level right?"
        )
    if fewer >= LEAST_EVENTS_PER_PARAMETER * parameters:
        return ()
    rarer = "events" if events <= len(event) - events else "cases without the event"
    text = (
        f"{parameters} parameters for {fewer} {rarer}: {fewer / parameters:.1f} each, fewer than "
        f"{LEAST_EVENTS_PER_PARAMETER}."
    )
    if not allowed:
        hint = "Fewer predictors, fixed before the outcome is seen; or few_events = true, and the report says so."
        raise place.error(key, text, hint=hint)
    return (f"{text} The plan allows it; estimates may be biased and intervals too narrow.",)


def refuse_copy(name: str, data: StudyData, event: NDArray[np.float64], place: Place, key: str) -> None:
    """Nothing, unless a variable of two levels says the same as the outcome in every row: then it is the outcome.

    Parameters
    ----------
    name, data
        The variable.
    event
        (n,) 1, 0 or NaN for each row.
    place, key
        Where the plan names it.

    Raises
    ------
    StudyError
        When ten or more events, and as many others, are told apart without a mistake.
    """
    column = data.frame[name]
    value = data.codes(name)[0] if isinstance(column.dtype, pd.CategoricalDtype) else column.to_numpy(dtype=np.float64)
    known = column.notna().to_numpy() & ~np.isnan(event)
    first, second = np.unique(value[known & (event == 1)]), np.unique(value[known & (event == 0)])
    fewer = min(int((known & (event == one)).sum()) for one in (0, 1))
    if len(first) == len(second) == 1 and first[0] != second[0] and fewer >= LEAST_EVENTS_PER_PARAMETER:
        raise place.error(
            key,
            f"'{name}' says the same as the outcome in all {int(known.sum())} rows: it is the outcome by another name.",
            hint="Take it out of the list.",
        )


def _references(plan: RegressionPlan, names: Sequence[str], data: StudyData) -> dict[str, str]:
    out = {}
    for name, level in plan.references.items():
        if name not in (*plan.predictors, *plan.adjust):
            raise plan.place.inside("references").error(name, "is not a variable of this model.")
        if name in names:
            codes = {words: code for code, words in _words(data, name).items()}
            out[name] = codes.get(level, level)
    return out


def _words(data: StudyData, name: str) -> Mapping[str, str]:
    return data.variables[name].levels


def _clusters(plan: RegressionPlan, data: StudyData, keep: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Patients of the rows in use; None where no patient has more than one, or the plan does not ask."""
    if plan.cluster == "none" or data.patient is None:
        return None
    used = data.patient[keep]
    return used if len(np.unique(used)) < len(used) else None


def _fit_warnings(fit: LogisticFit, clusters: NDArray[np.intp] | None, data: StudyData) -> tuple[str, ...]:
    warnings = []
    if fit.separation is not None and fit.separation.kind != "none":
        columns = ", ".join(name for name in fit.separation.columns if name != "(intercept)") or "the intercept"
        warnings.append(f"Events are separated by {columns}; Firth's penalty was used.")
    if clusters is not None and not fit.method.startswith("ml,"):
        warnings.append("Penalised errors do not allow for several lesions of one patient.")
    return tuple(warnings)
