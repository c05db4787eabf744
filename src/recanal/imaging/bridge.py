"""How far to trust the axis drawn through an occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Centerline
from recanal.grids.paths import cheapest_path
from recanal.imaging.caps import Gap
from recanal.imaging.route import CostMap

__all__ = ["LOW_CONFIDENCE", "Bridge", "judged"]

LOW_CONFIDENCE = 0.85
REASON_BELOW = 0.8
DETOUR_MM = 2.5
OUT_OF_TUBE = 4.0
IN_FAT_HU = -40.0
BLOOD_HU = (195.0, 350.0)
LEAST_BLOOD_MM = 10.0


@dataclass(frozen=True, eq=False)
class Bridge:
    """A judgement of the axis inside one gap.

    Parameters
    ----------
    confidence
        0 to 1; below ``LOW_CONFIDENCE`` the axis needs a reader's eye.
    reasons
        What lowered it.
    rival_ratio
        Cost of the best other way over the cost of this one; infinite when there is none.
    rival_mm
        (n, 3) that other way, empty when there is none.
    """

    confidence: float
    reasons: tuple[str, ...]
    rival_ratio: float
    rival_mm: NDArray[np.float64]


def _rival(costs: CostMap, line: Centerline, gap: Gap) -> tuple[float, NDArray[np.float64]]:
    """The best way from cap to cap that avoids the middle of this one, and its relative cost."""
    length = gap.end_mm - gap.start_mm
    ends = line.at([gap.start_mm - 1.0, gap.end_mm + 1.0])
    index = np.clip(np.round(costs.block.affine.to_index(ends)).astype(int), 0, np.array(costs.cost.shape) - 1)
    start, goal = tuple(index[0].tolist()), tuple(index[1].tolist())
    own = line.at(np.arange(gap.start_mm, gap.end_mm, 0.3))
    own_cost = ndimage.map_coordinates(costs.cost, costs.block.affine.to_index(own).T, order=1, mode="nearest")
    base = float(np.minimum(own_cost, 13.0).mean()) * length
    blocked = costs.cost.copy()
    middle = line.at(np.arange(gap.start_mm + 0.25 * length, gap.end_mm - 0.25 * length + 0.01, 0.5))
    centre = np.round(costs.block.affine.to_index(middle)).astype(int)
    reach = int(np.ceil(DETOUR_MM / costs.block.affine.spacing_mm[0]))
    offsets = np.argwhere(np.ones((2 * reach + 1,) * 3)) - reach
    ball = offsets[(offsets**2).sum(axis=1) <= reach**2]
    where = np.clip((centre[:, None, :] + ball[None]).reshape(-1, 3), 0, np.array(costs.cost.shape) - 1)
    blocked[tuple(where.T)] = 200.0
    path, total = cheapest_path(blocked, start, goal)
    if total * costs.block.affine.spacing_mm[0] > 100.0 * length:
        return np.inf, np.empty((0, 3))
    return total * costs.block.affine.spacing_mm[0] / max(base, 1e-6), costs.block.affine.to_mm(path)


def judged(
    costs: CostMap, line: Centerline, gap: Gap, *, core_hu: NDArray[np.float64], seen: NDArray[np.bool_]
) -> Bridge:
    """The confidence in the axis inside one gap, with its reasons.

    Parameters
    ----------
    core_hu, seen
        (n,) level near the axis and (n, m) visibility of the outer wall, per point of ``line``.
    """
    arc = line.arc_mm
    inside = (arc >= gap.start_mm) & (arc <= gap.end_mm)
    points = costs.block.affine.to_index(line.points_mm[inside]).T
    cost = ndimage.map_coordinates(costs.cost, points, order=1, mode="nearest")
    off_tube = float((cost > OUT_OF_TUBE).mean())
    spacing = line.length_mm / (len(arc) - 1)
    level = ndimage.uniform_filter1d(core_hu, max(1, round(2.0 / spacing)), mode="nearest")
    in_fat = float((level[inside] < IN_FAT_HU).mean())
    unseen = float(1.0 - seen[inside].mean())
    ratio, rival = _rival(costs, line, gap)
    blood = float(((level[inside] > BLOOD_HU[0]) & (level[inside] < BLOOD_HU[1])).mean())
    blood *= gap.end_mm - gap.start_mm > LEAST_BLOOD_MM
    factors = {
        f"{100 * blood:.0f} % of the way is as bright as blood, like a vein or another artery": 1
        / (1 + np.exp((blood - 0.75) / 0.03)),
        f"{100 * off_tube:.0f} % of the way shows no vessel shape": np.exp(-((off_tube / 0.35) ** 2)),
        f"{100 * in_fat:.0f} % of the way runs through fat": np.exp(-in_fat / 0.08),
        f"the outer wall is hidden on {100 * unseen:.0f} % of its circumference": 1
        / (1 + np.exp((unseen - 0.75) / 0.06)),
        f"another way costs only {ratio:.2f} times as much": 1 / (1 + np.exp(-(ratio - 1.25) / 0.12)),
    }
    confidence = float(np.prod([float(v) for v in factors.values()]))
    least = max(REASON_BELOW, float(min(factors.values()))) if confidence < LOW_CONFIDENCE else REASON_BELOW
    reasons = tuple(text for text, value in factors.items() if value <= least)
    return Bridge(confidence, reasons, float(ratio), rival)
