"""The walls between vessels that touch, found on ways that crossed them and closed to the next search."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recanal.abdomen.limits import dips, stands_out
from recanal.abdomen.maps import Maps
from recanal.abdomen.traced import STEP_MM, Traced
from recanal.grids.depth import depth_mm
from recanal.imaging.sample import Block

__all__ = ["Walls"]

HEAD_MM = 5.0
HEAD_BALL_MM = 6.0
HEAD_AWAY_MM = 4.0
WALL_MM = 2.0
WALL_BALL_MM = 1.6
WALL_AWAY_MM = 2.0
LUMEN_MM = 2.5
ENTRY_MM = 3.0


@dataclass(frozen=True, eq=False)
class Walls:
    """Where ways left the arteries through a wall.

    Parameters
    ----------
    heads
        Points where something that touches the aorta was entered from it.
    crossed
        Points in the walls that were crossed, or in the mouths of vessels wider than the one they touch.
    """

    heads: list[NDArray[np.float64]] = field(default_factory=list)
    crossed: list[NDArray[np.float64]] = field(default_factory=list)

    def false_head(self, traced: Traced, maps: Maps) -> bool:
        """Whether a way left the aorta into something that touches it and does not stand out; it is noted then."""
        if stands_out(traced, maps.noise_hu):
            return False
        self.heads.append(traced.line.points_mm[: round(HEAD_MM / STEP_MM)])
        return True

    def mouth(self, traced: Traced) -> None:
        """Note the mouth of a vessel that is wider than the one it touches."""
        far = np.linalg.norm(traced.line.points_mm - traced.line.points_mm[0], axis=1)
        at = np.flatnonzero(far > LUMEN_MM)[: round(ENTRY_MM / STEP_MM)]
        self.crossed.append(traced.line.points_mm[at])

    def dip(self, traced: Traced, samples: int, maps: Maps) -> None:
        """Note the first wall that a way crosses, where it is kept up to there or not at all."""
        at = dips(traced, maps.noise_hu, maps.field.blood_hu)
        if len(at) and (not samples or samples >= at[0]):
            self.crossed.append(traced.line.points_mm[at[at < at[0] + round(WALL_MM / STEP_MM)]])

    def closed(self, block: Block, kept: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
        """(a, b, c) voxels around all that was noted, away from the lines that are kept."""
        heads = _ball(block, self.heads, HEAD_BALL_MM) & ~_ball(block, kept, HEAD_AWAY_MM)
        return heads | (_ball(block, self.crossed, WALL_BALL_MM) & ~_ball(block, kept, WALL_AWAY_MM))


def _ball(block: Block, lines: list[NDArray[np.float64]], reach_mm: float) -> NDArray[np.bool_]:
    """(a, b, c) voxels within a distance of points, on an even grid."""
    free = np.ones(block.hu.shape, dtype=bool)
    if not lines:
        return ~free
    index = np.rint(block.affine.to_index(np.concatenate(lines))).astype(int)
    free[tuple(np.clip(index, 0, np.array(free.shape) - 1).T)] = False
    return np.asarray(depth_mm(free, step_mm=block.affine.spacing_mm[0]) <= reach_mm)
