"""The parts of a plan, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recanal.protocol.place import Place

__all__ = [
    "AGGREGATES",
    "ALLOWED_TESTS",
    "CORRELATIONS",
    "RULE_SETS",
    "TYPES",
    "AgreementPlan",
    "Analysis",
    "BaselinePlan",
    "CalibrationPlan",
    "DataPlan",
    "EndpointPlan",
    "FollowUpPlan",
    "LearningPlan",
    "Outcome",
    "Plan",
    "RegressionPlan",
    "RocPlan",
    "RowPlan",
    "SampleSizePlan",
    "ScoresPlan",
    "StrataPlan",
    "TrialPlan",
    "VariablePlan",
]

TYPES = ("continuous", "binary", "categorical", "ordinal")
RULE_SETS = ("recommended", "spss")
AGGREGATES = ("any", "all", "largest", "least", "mean")
CORRELATIONS = ("HC1", "CR2")
ALLOWED_TESTS = (
    *("student", "welch", "mann_whitney", "anova", "welch_anova", "kruskal_wallis"),
    *("pearson", "yates", "n_minus_one", "likelihood_ratio", "fisher", "none"),
)


@dataclass(frozen=True)
class VariablePlan:
    """A variable: type, words and when it becomes known.

    ``levels`` maps codes to names, in order; empty where the data say them. ``timing`` is before, during or after the
    procedure, empty where it is not known.
    """

    name: str
    type: str
    label: str
    levels: Mapping[str, str]
    timing: str
    origin: str


@dataclass(frozen=True)
class EndpointPlan:
    """A time to an event, made from the follow-up events of a cohort store: columns NAME_days and NAME_status."""

    name: str
    events: tuple[str, ...]
    competing: tuple[str, ...]
    start: str
    place: Place = field(compare=False)


@dataclass(frozen=True)
class DataPlan:
    """Where the rows are, and which columns tell patients and lesions apart.

    ``tables`` are those of a cohort store that are joined to its lesions, empty for all; ``endpoints`` are made of it.
    """

    source: str
    kind: str
    patient: str
    lesion: str
    encoding: str
    separator: str
    decimal: str
    missing: tuple[str, ...]
    tables: tuple[str, ...]
    endpoints: tuple[EndpointPlan, ...]
    place: Place = field(compare=False)


@dataclass(frozen=True)
class Outcome:
    """A column and the level that counts as the event."""

    column: str
    event: str


@dataclass(frozen=True)
class Analysis:
    """What all analyses share: a name for files, a title and its place in the plan."""

    id: str
    title: str
    place: Place = field(compare=False)


@dataclass(frozen=True)
class RowPlan:
    """A row of a baseline table; ``show`` is mean, median, levels or empty for the rule set to choose."""

    name: str
    show: str


@dataclass(frozen=True)
class BaselinePlan(Analysis):
    """A table of variables by group."""

    by: str
    rows: tuple[RowPlan, ...]
    level: str
    patient_rule: str
    aggregate: Mapping[str, str]
    rules: str
    tests: Mapping[str, str]
    decimals: int
    overall: bool
    differences: bool


@dataclass(frozen=True)
class RegressionPlan(Analysis):
    """Odds ratios: each predictor alone, and adjusted."""

    outcome: Outcome
    predictors: tuple[str, ...]
    adjust: tuple[str, ...]
    together: bool
    method: str
    interval: str
    cluster: str
    references: Mapping[str, str]
    few_events: bool
    decimals: int


@dataclass(frozen=True)
class RocPlan(Analysis):
    """Areas under the curve, tests between them, and a cut-off."""

    outcome: Outcome
    scores: tuple[str, ...]
    lower: tuple[str, ...]
    reference: str
    cutoff: bool
    resamples: int


@dataclass(frozen=True)
class ScoresPlan(Analysis):
    """Scores side by side: discrimination with tests, calibration, and rates by stratum."""

    outcome: Outcome
    scores: tuple[str, ...]
    reference: str
    hosmer_lemeshow: bool
    cuts: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class CalibrationPlan(Analysis):
    """Predicted probabilities against what happened."""

    outcome: Outcome
    predicted: str
    groups: int
    hosmer_lemeshow: bool


@dataclass(frozen=True)
class AgreementPlan(Analysis):
    """Agreement of raters or methods."""

    kind: str
    columns: tuple[str, ...]
    pairs: tuple[tuple[str, ...], ...]
    form: str
    weights: str


@dataclass(frozen=True)
class StrataPlan(Analysis):
    """Rates of an outcome by stratum of a score."""

    outcome: Outcome
    score: str
    cut_value: tuple[float, ...]


@dataclass(frozen=True)
class LearningPlan(Analysis):
    """Success over the cases of each operator, in their order."""

    outcome: Outcome
    operator: str
    order: str
    window: int


@dataclass(frozen=True)
class FollowUpPlan(Analysis):
    """Time to an event, with or without events that compete with it."""

    time: str
    unit: str
    status: str
    event: str
    competing: Mapping[str, str]
    by: str
    predictors: tuple[str, ...]
    horizon_value: tuple[float, ...]
    few_events: bool
    landmark_value: float | None


@dataclass(frozen=True)
class TrialPlan(Analysis):
    """Two arms compared: risk difference, adjusted and by stratum, and other measures."""

    arm: str
    treated: str
    outcome: Outcome
    measures: tuple[str, ...]
    adjust: tuple[str, ...]
    stratum: str
    cut_value: float | None


@dataclass(frozen=True)
class SampleSizePlan(Analysis):
    """Patients that a trial of two shares needs."""

    control_share: float
    treated_share: float
    power_share: float
    alpha_share: float
    dropout_share: float


@dataclass(frozen=True)
class Plan:
    """A plan.

    Parameters
    ----------
    title
        Of the study.
    data
        Where the rows come from.
    variables
        What the plan itself says of variables, by name.
    analyses
        In the order of the plan.
    rules
        Rule set that chooses summaries and tests.
    seed
        Of everything random.
    level
        Coverage of intervals.
    words
        What the authors say of design, setting and the like, for the checklist.
    text
        The plan as read.
    place
        The top of the file.
    """

    title: str
    data: DataPlan
    variables: Mapping[str, VariablePlan]
    analyses: tuple[Analysis, ...]
    rules: str
    seed: int
    level: float
    words: Mapping[str, str]
    text: str
    place: Place = field(compare=False)
