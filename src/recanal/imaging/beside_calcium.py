"""Where the cap of an occlusion lies next to calcium, told by what is seen beside the calcium."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["DARK_SHARE", "LEAST_LEFT_MM", "Beside", "cap_beside_calcium", "mean_share"]

DARK_SHARE = 0.35
LEAST_MOVE_MM = 0.4
LUMEN_TO_DARK, DARK_TO_LUMEN = (0.6, 0.45, 0.35), (-0.45, -0.45, -0.6)
LEAST_SEEN_MM, LEAST_DARK_MM, FALL_MM, LEAST_LEFT_MM = 1.5, 1.0, 1.5, 2.0
LEAST_CALCIUM, SOME_CALCIUM = 0.5, 0.1
PLAQUE_MM, MOST_PLAQUE, MOST_UNSEEN = (1.0, 8.0), 0.6, 0.3
HIDDEN_SHARE, BEGINS_MM = 0.5, 0.75
INWARD_MM, LIT_SHARE, WITHIN_MM = (1.0, 5.0), 0.9, 3.0


class Beside(NamedTuple):
    """What the sections of a vessel show beside calcium, its glow taken off.

    Parameters
    ----------
    share
        (n,) contrast of the brightest tenth, as a share of the lumen's; NaN where calcium takes most of the section.
    calcium
        (n,) where calcium stands.
    bright_plaque
        The same share of the brightest plaque.
    """

    share: NDArray[np.float64]
    calcium: NDArray[np.bool_]
    bright_plaque: float


def cap_beside_calcium(
    arc_mm: NDArray[np.float64], beside: Beside, cap_mm: float, *, outer_mm: float, other_mm: float
) -> float:
    """Where a proximal cap lies: farther out, as far as it is dark; or farther in, past a lumen that is plain to see.

    Parameters
    ----------
    arc_mm, beside
        (n,) ascending, and what the sections there show.
    cap_mm
        Where the cap seems to lie.
    outer_mm
        Where it is seen in the picture without glow.
    other_mm
        The other end of the occlusion.

    Notes
    -----
    Beside calcium darkness ends, or begins, in a step: there the cap lies, and where calcium hides the whole lumen next
    to it, half way through that. Where there is no such step the picture without glow decides: outward over what is
    hardly brighter than the plaque 1 to 8 mm inside, inward over 1 to 5 mm of plain lumen.
    """
    out_mm = _dark_outside_mm(arc_mm, beside, cap_mm, outer_mm=outer_mm, other_mm=other_mm)
    if out_mm:
        return cap_mm - out_mm
    return cap_mm + _lit_inside_mm(arc_mm, beside, cap_mm, outer_mm=outer_mm, other_mm=other_mm)


def _dark_outside_mm(
    arc_mm: NDArray[np.float64], beside: Beside, cap_mm: float, *, outer_mm: float, other_mm: float
) -> float:
    """How far it is dark before a cap. Of calcium that hides the whole lumen, half is taken to lie in the occlusion."""
    share, calcium, _ = beside
    out, hidden = np.flatnonzero(arc_mm < cap_mm)[::-1], np.isnan(share) & calcium
    level = np.where(hidden, 0.0, -share)[out]
    stepped_mm = _step(
        cap_mm - arc_mm[out],
        level,
        calcium[out],
        bands=DARK_TO_LUMEN,
        least_mm=LEAST_DARK_MM,
        least_calcium=SOME_CALCIUM,
    )
    half_mm = (cap_mm + other_mm) / 2 + PLAQUE_MM[0]
    inner = (arc_mm > cap_mm + PLAQUE_MM[0]) & (arc_mm < min(cap_mm + PLAQUE_MM[1], half_mm)) & ~np.isnan(share)
    plaque = min(max(float(np.median(share[inner])), 0.0), MOST_PLAQUE) if inner.any() else 0.0
    moved = (arc_mm > outer_mm) & (arc_mm < cap_mm)
    seen_mm = cap_mm - outer_mm
    if (
        seen_mm < LEAST_MOVE_MM
        or float(np.isnan(share[moved]).mean()) > MOST_UNSEEN
        or mean_share(share, arc_mm, outer_mm, cap_mm) >= plaque + DARK_SHARE * (1.0 - plaque)
    ):
        seen_mm = 0.0
    if not stepped_mm:
        return seen_mm
    hidden_mm = _run_mm(arc_mm, hidden, cap_mm - stepped_mm)
    return max(stepped_mm - HIDDEN_SHARE * hidden_mm, min(seen_mm, stepped_mm))


def _lit_inside_mm(
    arc_mm: NDArray[np.float64], beside: Beside, cap_mm: float, *, outer_mm: float, other_mm: float
) -> float:
    """How far there is lumen, brighter than the brightest plaque, after a cap; beside calcium or before it."""
    share, calcium, bright_plaque = beside
    inside = np.flatnonzero((arc_mm > cap_mm) & (arc_mm < other_mm - LEAST_LEFT_MM))
    stepped_mm = _step(
        arc_mm[inside] - cap_mm,
        share[inside],
        calcium[inside],
        bands=(max(LUMEN_TO_DARK[0], bright_plaque), *LUMEN_TO_DARK[1:]),
        least_mm=LEAST_SEEN_MM,
        least_calcium=LEAST_CALCIUM,
    )
    if stepped_mm or not INWARD_MM[0] <= outer_mm - cap_mm <= INWARD_MM[1] or outer_mm > other_mm - LEAST_LEFT_MM:
        return stepped_mm
    lit = max(LIT_SHARE, bright_plaque)
    within = calcium[(arc_mm > outer_mm) & (arc_mm < outer_mm + WITHIN_MM)].any()
    return outer_mm - cap_mm if within and mean_share(share, arc_mm, cap_mm, outer_mm) > lit else 0.0


def _run_mm(arc_mm: NDArray[np.float64], mask: NDArray[np.bool_], start_mm: float) -> float:
    """Length of the run of a mask that begins within 0.75 mm after some place; 0 where none does."""
    first = np.flatnonzero(mask & (arc_mm >= start_mm) & (arc_mm < start_mm + BEGINS_MM))
    if not len(first):
        return 0.0
    ends = np.flatnonzero(~mask[first[0] :])
    last = first[0] + ends[0] if len(ends) else len(mask) - 1
    return float(arc_mm[last] - arc_mm[first[0]])


def _step(
    away_mm: NDArray[np.float64],
    share: NDArray[np.float64],
    calcium: NDArray[np.bool_],
    *,
    bands: tuple[float, float, float],
    least_mm: float,
    least_calcium: float,
) -> float:
    """How far a level goes on beside calcium, without a break, before it falls in a step; 0 where it does not.

    ``bands`` are the least of that level, where the step is, and how far it falls at least; ``least_calcium`` is the
    share of the sections beside which calcium must be seen.
    """
    ended = np.flatnonzero(~(share >= bands[0]))
    if not len(ended) or away_mm[ended[0]] < least_mm or calcium[: ended[0]].mean() < least_calcium:
        return 0.0
    fall = (away_mm >= away_mm[ended[0]]) & (away_mm < away_mm[ended[0]] + FALL_MM)
    if np.isnan(share[fall]).any() or share[fall].min() > bands[2]:
        return 0.0
    return float(away_mm[fall][np.argmax(share[fall] <= bands[1])])


def mean_share(share: NDArray[np.float64], arc_mm: NDArray[np.float64], low_mm: float, high_mm: float) -> float:
    """Mean over a stretch; 1 where it is known nowhere.

    Parameters
    ----------
    share, arc_mm
        (n,) shares, NaN where unknown, and where they were taken.
    low_mm, high_mm
        The stretch.
    """
    inside = (arc_mm > low_mm) & (arc_mm < high_mm) & ~np.isnan(share)
    return float(share[inside].mean()) if inside.any() else 1.0
