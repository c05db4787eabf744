"""The plaque of Xing 2022: a broad population weighted to the quartiles of Table 3 and crude odds ratios of Table 4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from recanal.audit.printed import SpanCell
from recanal.audit.rows import MedianRow, RatioRow
from recanal.errors import OptionError
from recanal.reproduction.errors_of_print import ratio_error
from recanal.reproduction.paper import Paper
from recanal.simulation.maximum_entropy import Margin, Tilted, tilt
from recanal.simulation.plaque import Quartiles, propose_profiles
from recanal.simulation.ratio_counts import counts_of_ratio

__all__ = ["PlaquePool", "plaque_pool"]

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
_OUTCOMES = ((1, 1, 128), (1, 0, 3), (0, 1, 29), (0, 0, 47))
_LESIONS = 207
_PER_CLASS = 7_000
_POOL_SEED = 20_220_601
_ROUNDS = 3
_HALVES = ("Table 3, by crossing", "Table 3, by procedure")
_REACH = 40.0


@dataclass(frozen=True, eq=False)
class PlaquePool:
    """Occlusions with their probability.

    Parameters
    ----------
    columns
        (n,) each; ``dense_calcium_present`` among them.
    crossed, success
        (n,) outcome that an occlusion goes with.
    tilted
        Weights, how far each margin is missed, and the effective number of rows.
    """

    columns: dict[str, Numbers]
    crossed: Flags
    success: Flags
    tilted: Tilted


def plaque_pool(paper: Paper) -> PlaquePool:
    """The population, the same on every call.

    Raises
    ------
    StudyError
        When the margins cannot hold together.
    """
    rng = np.random.default_rng(_POOL_SEED)
    parts, outcomes, priors = [], [], []
    for crossed, success, count in _OUTCOMES:
        lengths, volumes = _outcome_quartiles(paper, crossed, success)
        part = propose_profiles(_PER_CLASS, lengths, volumes, rng)
        size = len(part["length_mm"])
        parts.append(part)
        outcomes.append(np.tile([crossed, success], (size, 1)))
        priors.append(np.full(size, np.log(count / _LESIONS / size)))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["dense_calcium_present"] = (columns["dense_calcium_percent"] > 0).astype(np.float64)
    outcome = np.concatenate(outcomes) == 1
    pool = _Population(columns, outcome[:, 0], outcome[:, 1], np.concatenate(priors))
    return PlaquePool(columns, pool.crossed, pool.success, _weighted(paper, pool))


@dataclass(frozen=True, eq=False)
class _Population:
    columns: dict[str, Numbers]
    crossed: Flags
    success: Flags
    log_prior: Numbers

    @property
    def groups(self) -> tuple[tuple[str, Flags, int], ...]:
        return (
            ("crossed", self.crossed, 131), ("not crossed", ~self.crossed, 76),
            ("success", self.success, 157), ("failure", ~self.success, 50),
        )  # fmt: skip


def _outcome_quartiles(paper: Paper, crossed: int, success: int) -> tuple[Quartiles, Quartiles]:
    """Of the group that an outcome lies in: failed procedures and failed crossings are those with long occlusions."""
    place = 0 if crossed and success else 1
    found = []
    for row in ("Occlusion length, mm", "Total plaque volume, mm 3"):
        cell = _median_row(paper, _HALVES[0], row).cells[place]
        found.append(Quartiles(cell.centre.value, cell.low.value, cell.high.value))
    return found[0], found[1]


def _median_row(paper: Paper, table: str, row: str) -> MedianRow:
    content = paper.rows[table, row].content
    if not isinstance(content, MedianRow):
        raise OptionError(f"{table}, {row}: holds no medians.")
    return content


def _weighted(paper: Paper, pool: _Population) -> Tilted:
    """Fitted to outcomes and quartiles first, then to the score equations of the odds ratios, linearised anew."""
    fixed = [*_outcome_margins(pool), *_quartile_margins(paper, pool), *_calcium_margins(paper, pool)]
    found = tilt(pool.log_prior, fixed)
    for _ in range(_ROUNDS):
        found = tilt(pool.log_prior, [*fixed, *_ratio_margins(paper, pool, found.weights)])
    return found


def _outcome_margins(pool: _Population) -> list[Margin]:
    out = []
    for crossed, success, count in _OUTCOMES:
        feature = (pool.crossed == bool(crossed)) & (pool.success == bool(success))
        out.append(Margin(f"outcome {crossed}{success}", feature.astype(np.float64), count / _LESIONS, 0.001))
    return out


def _quartile_margins(paper: Paper, pool: _Population) -> list[Margin]:
    out = []
    everyone = np.ones(len(pool.crossed), dtype=bool)
    links = {name: link.variable for (table, name), link in paper.links.items() if table == _HALVES[0]}
    for row, column in links.items():
        halves = [_median_row(paper, table, row) for table in _HALVES]
        cells = [halves[0].overall, *halves[0].cells, *halves[1].cells]
        for (words, group, size), cell in zip((("all", everyone, _LESIONS), *pool.groups), cells, strict=True):
            if cell is not None:
                out += _cell_margins(f"{row}, {words}", (pool.columns[column], group, size), cell)
    return out


def _cell_margins(name: str, of: tuple[Numbers, Flags, int], cell: SpanCell) -> list[Margin]:
    """Share below each printed quartile that is above zero."""
    values, group, size = of
    out = []
    for quantile, printed in ((0.5, cell.centre), (0.25, cell.low), (0.75, cell.high)):
        if printed.value > 0:
            below = (group & (values <= printed.value)).astype(np.float64)
            error = np.sqrt(quantile * (1 - quantile) / size) * size / _LESIONS
            out.append(Margin(f"{name}, {quantile}", below, quantile * size / _LESIONS, float(error)))
    return out


def _calcium_margins(paper: Paper, pool: _Population) -> list[Margin]:
    """Occlusions with dense calcium, counted back from the printed odds ratios."""
    out = []
    sides = (("DC volume >0 -> 30min", pool.groups[:2]), ("DC volume >0 -> procedural", pool.groups[2:]))
    for row, ((first, events, n1), (second, others, n0)) in sides:
        cell = _ratio_cell(paper, row)
        ends = (cell.centre.value, cell.low.value, cell.high.value)
        counts = counts_of_ratio(*ends, events_count=n1, others_count=n0)
        for name, group, count, size in ((first, events, counts[0], n1), (second, others, counts[1], n0)):
            feature = group * pool.columns["dense_calcium_present"]
            error = np.sqrt(count * (size - count) / size) / _LESIONS
            out.append(Margin(f"dense calcium, {name}", feature, count / _LESIONS, float(error) / 4))
    return out


def _ratio_cell(paper: Paper, row: str) -> SpanCell:
    content = paper.rows["Table 4/text", row].content
    if not isinstance(content, RatioRow):
        raise OptionError(f"Table 4/text, {row}: holds no odds ratio.")
    return content.cell


def _ratio_margins(paper: Paper, pool: _Population, weights: Numbers) -> list[Margin]:
    out = []
    for (table, row), link in paper.links.items():
        if table == "Table 4/text" and link.part == "unadjusted":
            outcome = pool.crossed if row.endswith("30min") else pool.success
            out.append(_score_equation(row, pool.columns[link.variable], outcome, _ratio_cell(paper, row), weights))
    return out


def _score_equation(name: str, value: Numbers, outcome: Flags, cell: SpanCell, weights: Numbers) -> Margin:
    """Mean of (outcome - probability) times value, 0 where a logistic regression gives the printed odds ratio."""
    slope, error = np.log(cell.centre.value), ratio_error(cell)

    def excess(level: float) -> float:
        return float(weights @ (outcome - expit(level + slope * value)))

    probability = expit(brentq(excess, -_REACH, _REACH) + slope * value)
    spread = weights * probability * (1 - probability)
    centre = float(spread @ value / spread.sum())
    deviation = value - centre
    information = float(spread @ deviation**2)
    return Margin(name, (outcome - probability) * deviation / information, 0.0, error)
