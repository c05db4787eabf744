"""The J-CTO items of Xing 2022, on angiogram and CT, with crossing and success: the table of 2 to the power 11."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.audit.rows import LevelsRow
from recanal.errors import OptionError, StudyError
from recanal.reproduction.paper import Paper, cell_shares
from recanal.simulation.maximum_entropy import Margin, tilt

__all__ = ["ITEMS", "ItemTable", "item_table", "level_shares"]

ITEMS = {
    "blunt_stump": ("Table 2", "Blunt stump"),
    "bending": ("Table 2", "Bending >45°"),
    "length_over_20": ("Table 2", "Length >20 mm"),
    "calcification": ("Table 2", "Any calcification"),
    "prior_attempt": ("Table 1", "Prior failed attempt"),
    "ct_blunt_stump": ("Table S2", "Proximal blunt stump"),
    "ct_bending": ("Table S2", "Bending >45°"),
    "ct_length_20": ("Table S2", "Lesion length >=20 mm"),
    "ct_calcification": ("Table S2", "Any calcification"),
}
"""Column of each item and the row that prints it."""

_J_CTO = ("blunt_stump", "bending", "length_over_20", "calcification", "prior_attempt")
_CT_J_CTO = ("ct_blunt_stump", "ct_bending", "ct_length_20", "ct_calcification", "prior_attempt")
_AGREEMENT_LOG_ODDS = 1.6
_CROSSED_COUNT, _FAILED_COUNT = 131, 76


@dataclass(frozen=True, eq=False)
class ItemTable:
    """Every combination of the items with crossing and success, and its probability.

    Parameters
    ----------
    columns
        0 or 1 in each cell, by name; ``crossed`` and ``success`` among them, ``j_cto`` and ``ct_j_cto`` are sums.
    probabilities
        (cells,) sum to 1.
    """

    columns: dict[str, NDArray[np.int64]]
    probabilities: NDArray[np.float64]

    def drawn(self, chosen: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Cells among those that are chosen."""
        places = np.flatnonzero(chosen)
        share = self.probabilities[places]
        return places[rng.choice(len(places), size=count, p=share / share.sum())]


def item_table(paper: Paper) -> ItemTable:
    """The table whose margins are those of Tables 1, 2, S1 and S2.

    Raises
    ------
    StudyError
        When the margins cannot hold together.
    """
    names = (*ITEMS, "crossed", "success")
    cells = np.array(list(itertools.product((0, 1), repeat=len(names))), dtype=np.int64)
    columns = {name: cells[:, place] for place, name in enumerate(names)}
    columns["j_cto"] = np.sum([columns[name] for name in _J_CTO], axis=0)
    columns["ct_j_cto"] = np.sum([columns[name] for name in _CT_J_CTO], axis=0)
    agree = sum((columns[name] == columns[other]) for name, other in zip(_J_CTO[:4], _CT_J_CTO[:4], strict=True))
    prior = _AGREEMENT_LOG_ODDS * np.asarray(agree, dtype=np.float64)
    found = tilt(prior, _margins(paper, columns))
    return ItemTable(columns, found.weights)


def level_shares(paper: Paper, table: str, row: str) -> tuple[tuple[float, ...], ...]:
    """Share of each level, by group.

    Raises
    ------
    OptionError
        When the row holds no levels.
    """
    content = paper.rows[table, row].content
    if not isinstance(content, LevelsRow):
        raise OptionError(f"{table}, {row}: is no row of levels.")
    sizes = tuple(group.size_count for group in content.groups)
    by_level = [cell_shares(level.cells, sizes) for level in content.levels]
    return tuple(zip(*by_level, strict=True))


def _margins(paper: Paper, columns: dict[str, NDArray[np.int64]]) -> list[Margin]:
    total = _CROSSED_COUNT + _FAILED_COUNT
    crossed, success = columns["crossed"] == 1, columns["success"] == 1
    groups = ((crossed, _CROSSED_COUNT / total, "crossed"), (~crossed, _FAILED_COUNT / total, "not crossed"))
    out = [_share("crossed", crossed, crossed | ~crossed, 1.0, _CROSSED_COUNT / total)]
    rows = {name: paper.count_shares(*place) for name, place in ITEMS.items()}
    rows["success"] = paper.count_shares("Table 2", "Procedural success")
    for name, shares in rows.items():
        for (group, size, words), share in zip(groups, shares, strict=True):
            out.append(_share(f"{name}, {words}", columns[name] == 1, group, size, share))
    scores = [("j_cto", "Table 2", "J-CTO 0/1/2/>=3 vs 30-min crossing")]
    scores += [("ct_j_cto", "Table S2", "CTA-JCTO 0/1/2/>=3 vs 30-min crossing")]
    for name, table, row in scores:
        for (group, size, words), levels in zip(groups, level_shares(paper, table, row), strict=True):
            for value, share in enumerate(levels[:-1]):
                out.append(_share(f"{name} {value}, {words}", columns[name] == value, group, size, share))
    share_of = level_shares(paper, "Table S1", "J-CTO 0/1/2/>=3 vs procedural success")[0]
    for value, share in enumerate(share_of[:-1]):
        out.append(_share(f"j_cto {value}, success", columns["j_cto"] == value, success, 157 / total, share))
    return out


def _share(name: str, feature: NDArray[np.bool_], group: NDArray[np.bool_], group_share: float, share: float) -> Margin:
    if not 0 <= share <= 1:
        raise StudyError(f"Margin '{name}' is a share of {share:.3f}.", hint="Is a count larger than its group?")
    total = _CROSSED_COUNT + _FAILED_COUNT
    count = group_share * total
    rounded = (share * count + 0.5) / (count + 1)
    error = group_share * np.sqrt(rounded * (1 - rounded) / count)
    return Margin(name, (feature & group).astype(np.float64), group_share * share, float(error))
