"""The items of the Operator-CTO score of Xiao 2021 with operators and success, each combination and its probability."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from recanal.audit.rows import AucRow, CountRow, LevelsRow, MeanRow
from recanal.errors import OptionError
from recanal.reproduction.errors_of_print import auc_error, mean_error, sd_error, share_error
from recanal.reproduction.paper import Paper, cell_shares
from recanal.simulation.maximum_entropy import Margin, tilt

__all__ = ["GROUP_SIZES", "LESIONS", "STRATUM_SIZES", "ScoreTable", "score_table"]

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
LESIONS = 144
GROUP_SIZES = (5, 6, 13, 75, 45)
STRATUM_SIZES = (103, 24, 13, 4)
_DEDUCTIONS = (0, -1, -1, -2, -4)
_ITEMS = {
    "collateral_below_2": ("Collateral Rentrop<2", "Collateral Rentrop<2"),
    "blunt": ("Blunt occlusion", "Blunt occlusion"),
    "curvature": ('"Calcification" (=curvature, see audit)', '"Calcification" (=curvature) as printed 27'),
    "calcification": ('"Curvature" (=calcification, see audit)', '"Curvature" (=calcification)'),
    "length_20": ("Occlusion length>=20", "Occlusion length>=20"),
    "distal": ("Distal occlusion", "Distal occlusion"),
    "ostial": ("Initial (ostial) occlusion", "Initial (ostial) occlusion"),
    "in_stent": ("In-stent occlusion", "In-stent occlusion"),
    "prior_cabg": ("Previous CABG", "Previous CABG"),
}
_FURTHER = ("circumflex", "prior_attempt", "aged_75")
_SUMS = {
    "operator_cto": dict.fromkeys(_ITEMS, 1),
    "j_cto": dict.fromkeys(("calcification", "blunt", "curvature", "length_20", "prior_attempt"), 1),
    "progress": dict.fromkeys(("blunt", "curvature", "circumflex", "collateral_below_2"), 1),
    "ora": {"ostial": 1, "collateral_below_2": 2, "aged_75": 1},
    "recharge": dict.fromkeys(("blunt", "length_20", "calcification", "curvature", "distal", "prior_cabg"), 1),
}
_PRINTED = {
    "operator_cto": ("Operator-CTO score", "Operator-CTO", "AUC CI Operator-CTO"),
    "j_cto": ("J-CTO score", "J-CTO", "AUC CI J-CTO"),
    "progress": ("PROGRESS-CTO score", "PROGRESS", "AUC CI PROGRESS"),
    "ora": ("ORA score", "ORA", "AUC CI ORA"),
    "recharge": ("Recharge score", "RECHARGE", "AUC CI RECHARGE"),
}
_VESSEL_ROW = "CTO target vessel (LAD/LCX/RCA/LM)"
_CIRCUMFLEX = 1
_OLD_YEARS = 75.0
_ROUNDS = 1


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Every combination of items, operator group and success.

    Parameters
    ----------
    columns
        Value in each cell: items and scores, ``operators`` from 1 to 5, ``stratum`` from 1 to 4, ``technical_success``.
    probabilities
        (cells,) sum to 1.
    """

    columns: dict[str, NDArray[np.int64]]
    probabilities: Numbers

    def joint(self, success_only: bool) -> Numbers:
        """Share of each operator group (rows) and stratum (columns), of the successes alone where that is asked for."""
        out = np.zeros((len(GROUP_SIZES), len(STRATUM_SIZES)))
        kept = self.probabilities * (self.columns["technical_success"] if success_only else 1)
        np.add.at(out, (self.columns["operators"] - 1, self.columns["stratum"] - 1), kept)
        return np.asarray(out / out.sum())


def score_table(paper: Paper) -> ScoreTable:
    """The table whose margins are those of Tables 4, 6 and 7 and of section 3.4.

    Raises
    ------
    StudyError
        When the margins cannot hold together.
    """
    columns = _cells()
    fixed = [*_sizes(columns), *_successes(paper, columns), *_items(paper, columns), *_further(paper, columns)]
    fixed += _moments(paper, columns)
    prior = np.zeros(len(columns["operators"]))
    found = tilt(prior, fixed, most_sigmas=4.0)
    for _ in range(_ROUNDS):
        found = tilt(prior, [*fixed, *_areas(paper, columns, found.weights)], most_sigmas=4.0)
    return ScoreTable(columns, found.weights)


def _cells() -> dict[str, NDArray[np.int64]]:
    """Every combination; a bypass graft only where the paper has its one, in group IV and the difficult stratum."""
    names = (*_ITEMS, *_FURTHER)
    levels = [(0, 1)] * len(names) + [tuple(range(1, len(GROUP_SIZES) + 1)), (0, 1)]
    cells = np.array(list(itertools.product(*levels)), dtype=np.int64)
    columns = {name: cells[:, place] for place, name in enumerate((*names, "operators", "technical_success"))}
    for name, points in _SUMS.items():
        columns[name] = np.sum([number * columns[item] for item, number in points.items()], axis=0)
    columns["operator_cto"] = columns["operator_cto"] + np.array(_DEDUCTIONS)[columns["operators"] - 1]
    columns["stratum"] = np.clip(columns["operator_cto"] - 1, 1, 4)
    possible = (columns["prior_cabg"] == 0) | ((columns["operators"] == 4) & (columns["stratum"] == 3))
    return {name: values[possible] for name, values in columns.items()}


def _sides(columns: dict[str, NDArray[np.int64]]) -> tuple[tuple[str, list[Flags], tuple[int, ...]], ...]:
    strata = [columns["stratum"] == number for number in range(1, 5)]
    groups = [columns["operators"] == number for number in range(1, 6)]
    return ("Table 6", strata, STRATUM_SIZES), ("Table 7", groups, GROUP_SIZES)


def _part(name: str, feature: NDArray[np.generic], group: Flags, size: int, share: float) -> Margin:
    """A share within a group, as a share of all."""
    weight = size / LESIONS
    target = min(max(share, 0.0), 1.0) * weight
    return Margin(name, (feature * group).astype(np.float64), target, share_error(share, size) * weight)


def _sizes(columns: dict[str, NDArray[np.int64]]) -> list[Margin]:
    out = []
    for table, groups, sizes in _sides(columns):
        for number, (group, size) in enumerate(zip(groups, sizes, strict=True)):
            share = size / LESIONS
            error = share_error(share, LESIONS) / 4
            out.append(Margin(f"{table}, group {number + 1}", group.astype(np.float64), share, error))
    return out


def _row_shares(paper: Paper, table: str, row: str) -> tuple[float, ...]:
    content = paper.rows[table, row].content
    if not isinstance(content, CountRow):
        raise OptionError(f"{table}, {row}: is no row of counts.")
    return cell_shares(content.cells, tuple(group.size_count for group in content.groups))


def _successes(paper: Paper, columns: dict[str, NDArray[np.int64]]) -> list[Margin]:
    out = []
    for table, groups, sizes in _sides(columns):
        shares = _row_shares(paper, table, "Technical success")
        for group, size, share in zip(groups, sizes, shares, strict=True):
            out.append(_part(f"{table}, success", columns["technical_success"], group, size, share))
    return out


def _items(paper: Paper, columns: dict[str, NDArray[np.int64]]) -> list[Margin]:
    out = []
    for item, rows in _ITEMS.items():
        for (table, groups, sizes), row in zip(_sides(columns), rows, strict=True):
            for group, size, share in zip(groups, sizes, _row_shares(paper, table, row), strict=True):
                out.append(_part(f"{table}, {row}", columns[item], group, size, share))
    return out


def _further(paper: Paper, columns: dict[str, NDArray[np.int64]]) -> list[Margin]:
    """Circumflex vessels as printed; as many aged 75 or more as normal ages with the printed means hold."""
    out = []
    for table, groups, sizes in _sides(columns):
        vessels, ages = paper.rows[table, _VESSEL_ROW].content, paper.rows[table, "Age"].content
        if not isinstance(vessels, LevelsRow) or not isinstance(ages, MeanRow):
            raise OptionError(f"{table}: vessels and ages are not printed as expected.")
        circumflex = cell_shares(vessels.levels[_CIRCUMFLEX].cells, sizes)
        for number, (group, size) in enumerate(zip(groups, sizes, strict=True)):
            cell = ages.cells[number]
            sd = cell.sd.value if cell.sd else 1.0
            old = float(ndtr((cell.mean.value - _OLD_YEARS) / sd))
            out.append(_part(f"{table}, circumflex", columns["circumflex"], group, size, circumflex[number]))
            out.append(_part(f"{table}, aged 75", columns["aged_75"], group, size, old))
    return out


def _moments(paper: Paper, columns: dict[str, NDArray[np.int64]]) -> list[Margin]:
    """Mean and standard deviation of each score: of all lesions, and of each operator group."""
    out = []
    everyone = [np.ones(len(columns["operators"]), dtype=bool)]
    groups = _sides(columns)[1][1]
    for score, (row, group_row, _) in _PRINTED.items():
        sides = (("Table 4", row, everyone, (LESIONS,)), ("Table 7", group_row, groups, GROUP_SIZES))
        for table, name, flags, sizes in sides:
            content = paper.rows[table, name].content
            if not isinstance(content, MeanRow):
                raise OptionError(f"{table}, {name}: holds no means.")
            for group, size, cell in zip(flags, sizes, content.cells, strict=True):
                sd = cell.sd.value if cell.sd else 1.0
                off = (columns[score] - cell.mean.value) * group
                weight = size / LESIONS
                out.append(Margin(f"{table}, mean of {name}", off, 0.0, mean_error(sd, size) * weight))
                error = 2 * sd * sd_error(sd, size) * weight
                out.append(Margin(f"{table}, spread of {name}", off**2, sd * sd * weight, error))
    return out


def _areas(paper: Paper, columns: dict[str, NDArray[np.int64]], weights: Numbers) -> list[Margin]:
    """Failures by the share of successes that score lower: its mean over failures is the area under the curve."""
    out = []
    success = columns["technical_success"]
    for score, (_, _, row) in _PRINTED.items():
        content = paper.rows["text 3.4", row].content
        if not isinstance(content, AucRow):
            raise OptionError(f"text 3.4, {row}: holds no area.")
        values = columns[score] - columns[score].min()
        spread = np.bincount(values, weights * success)
        below = (np.cumsum(spread) - spread / 2) / spread.sum()
        feature = (1 - success) * (below[values] - content.cell.centre.value)
        failed = content.events_count / LESIONS
        out.append(Margin(row, feature, 0.0, auc_error(content.cell) * failed))
    return out
