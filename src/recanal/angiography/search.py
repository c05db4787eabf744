"""The two views of an occlusion that shorten it least, with the least in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recanal.angiography.beams import detector_direction
from recanal.errors import OptionError

__all__ = ["CArmRange", "ObjectiveWeights", "SearchResult", "best_pair"]

COARSE_DEG = 4
REFINED_CELLS = 8
MOST_MORE = 400
MOST_FIRST = 200
TIE_PERCENT = 0.01

Overlaps = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class CArmRange:
    """Angles that the C-arm is asked to reach, in whole degrees; RAO and caudal are negative.

    The default spans the usual working views of coronary angiography. Steeper ones exist, and cannot be reached in
    every patient and room.

    Raises
    ------
    OptionError
        When the range is empty or beyond what DICOM positioner angles can say.
    """

    rao_lao_deg: tuple[float, float] = (-50.0, 60.0)
    cra_cau_deg: tuple[float, float] = (-40.0, 40.0)

    def __post_init__(self) -> None:
        for name, limit in (("rao_lao_deg", 180.0), ("cra_cau_deg", 90.0)):
            low, high = getattr(self, name)
            if not -limit <= low <= high <= limit or np.ceil(low) > np.floor(high):
                raise OptionError(
                    f"{name} must span a whole degree within +-{limit:g}, low before high; got {low} to {high}.",
                    hint="RAO and caudal angles are negative.",
                )

    def grid(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Every whole degree of both angles."""
        low, high = (
            np.ceil([self.rao_lao_deg[0], self.cra_cau_deg[0]]),
            np.floor([self.rao_lao_deg[1], self.cra_cau_deg[1]]),
        )
        return np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1)


@dataclass(frozen=True)
class ObjectiveWeights:
    """What one percent of each overlap costs, in percentage points of foreshortening.

    Parameters
    ----------
    vessels_weight, bone_weight, heart_weight
        For overlap with other opacified vessels, with bone, and with the opacified heart. The chambers and the aorta
        are filled on CT; during a selective injection they are not, so that they count least.
    orthogonality_weight
        For the second view: cost of 100 times the squared cosine of the angle between the two beams.
    """

    vessels_weight: float = 0.5
    bone_weight: float = 0.25
    heart_weight: float = 0.1
    orthogonality_weight: float = 0.5

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value >= 0):
                raise OptionError(f"{name} must be a number >= 0, got {value!r}.")

    @property
    def overlap_weights(self) -> NDArray[np.float64]:
        """(3,) in the order vessels, bone, heart."""
        return np.array([self.vessels_weight, self.bone_weight, self.heart_weight])


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Both views and the grid they were found on.

    Parameters
    ----------
    rao_lao_deg, cra_cau_deg
        (n,) and (m,) whole degrees.
    foreshortening_percent, objective_percent
        (n, m); the objective is NaN where the overlap was not computed.
    first, second
        (row, column) of the two views in the grid.
    """

    rao_lao_deg: NDArray[np.float64]
    cra_cau_deg: NDArray[np.float64]
    foreshortening_percent: NDArray[np.float64]
    objective_percent: NDArray[np.float64]
    first: tuple[int, int]
    second: tuple[int, int]


@dataclass(eq=False)
class _Board:
    """The grid of views, filled in as far as needed."""

    directions: NDArray[np.float64]
    foreshortening_percent: NDArray[np.float64]
    overlaps: Overlaps
    weights: NDArray[np.float64]
    objective_percent: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.objective_percent = np.full(self.foreshortening_percent.shape, np.nan)

    def fill(self, wanted: NDArray[np.bool_]) -> None:
        """Compute the objective where it is wanted and not known."""
        new = wanted & np.isnan(self.objective_percent)
        if new.any():
            shares = self.overlaps(self.directions[new])
            self.objective_percent[new] = self.foreshortening_percent[new] + 100.0 * shares[:, :3] @ self.weights

    def around(self, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The views less than one coarse step away from (k, 2) cells."""
        near = np.zeros(self.objective_percent.shape, dtype=np.bool_)
        for row, column in cells:
            reach = COARSE_DEG - 1
            near[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = True
        return near


def best_pair(
    reach: CArmRange,
    foreshortening: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    overlaps: Overlaps,
    *,
    weights: ObjectiveWeights,
) -> SearchResult:
    """The view with the least objective, and the second view that goes best with it.

    Parameters
    ----------
    reach
        The range of the C-arm.
    foreshortening
        From (..., 3) directions to percent.
    overlaps
        From (k, 3) directions to (k, >= 3) shares of overlap with vessels, bone and heart.
    weights
        What each overlap costs.

    Notes
    -----
    Foreshortening is computed at every whole degree. The objective is computed every four degrees, at every degree
    around the eight best of those, and at every degree where foreshortening, with the least cover seen in any of these
    views, does not exceed the least objective found (the 400 least foreshortened where these are more). First views
    within 0.01 percentage points of the best count as equal, and the one that allows the best second view is taken.
    """
    primary, secondary = reach.grid()
    directions = detector_direction(primary[:, None], secondary[None, :])
    board = _Board(directions, foreshortening(directions), overlaps, weights.overlap_weights)
    every = np.zeros(board.objective_percent.shape, dtype=np.bool_)
    every[np.ix_(_spaced(len(primary)), _spaced(len(secondary)))] = True
    every.flat[int(np.argmin(board.foreshortening_percent))] = True
    board.fill(every)
    board.fill(board.around(_lowest(board.objective_percent, REFINED_CELLS)))
    board.fill(_promising(board))
    first, second = _pair(board, weights.orthogonality_weight)
    return SearchResult(primary, secondary, board.foreshortening_percent, board.objective_percent, first, second)


def _spaced(count: int) -> NDArray[np.int64]:
    """Every fourth index, and the last."""
    return np.unique(np.append(np.arange(0, count, COARSE_DEG), count - 1))


def _lowest(objective: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """(k, 2) cells with the lowest values known."""
    order = np.argsort(np.where(np.isnan(objective), np.inf, objective), axis=None, kind="stable")[:count]
    return np.stack(np.unravel_index(order, objective.shape), axis=1)


def _promising(board: _Board) -> NDArray[np.bool_]:
    """Views not yet known that could still be best, if nothing covers the occlusion less than in the views known."""
    least_cover = float(np.nanmin(board.objective_percent - board.foreshortening_percent))
    bound = float(np.nanmin(board.objective_percent)) + TIE_PERCENT - least_cover
    open_ = np.isnan(board.objective_percent) & (board.foreshortening_percent <= bound)
    if open_.sum() > MOST_MORE:
        limit = np.partition(board.foreshortening_percent[open_], MOST_MORE)[MOST_MORE]
        open_ &= board.foreshortening_percent < limit
    return open_


def _pair(board: _Board, weight: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first view among equals, and its partner."""
    objective = np.where(np.isnan(board.objective_percent), np.inf, board.objective_percent)
    equal = np.argwhere(objective <= objective.min() + TIE_PERCENT)
    equal = equal[np.linspace(0, len(equal) - 1, min(len(equal), MOST_FIRST)).astype(int)]
    known = np.argwhere(np.isfinite(objective))
    cosine = board.directions[tuple(equal.T)] @ board.directions[tuple(known.T)].T
    cost = objective[tuple(known.T)][None, :] + 100.0 * weight * cosine**2
    total = cost.min(axis=1) + objective[tuple(equal.T)]
    first = equal[int(np.argmin(total))]
    beam = board.directions[tuple(first)]

    def partner() -> NDArray[np.float64]:
        return np.asarray(board.objective_percent + 100.0 * weight * (board.directions @ beam) ** 2)

    board.fill(board.around(_lowest(partner(), REFINED_CELLS)))
    second = np.unravel_index(int(np.nanargmin(partner())), objective.shape)
    return (int(first[0]), int(first[1])), (int(second[0]), int(second[1]))
