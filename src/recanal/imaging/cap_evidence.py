"""Whether what lies beside a cap looks like lumen or like plaque, weighed over millimetres rather than at one point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.imaging.likeness import unlike_lumen
from recanal.imaging.lumen_level import TISSUE_HU
from recanal.imaging.sections import Sections

__all__ = [
    "SideEvidence",
    "WeighedCap",
    "credible_cap_mm",
    "falls_in_a_step",
    "island_is_open",
    "side_evidence",
    "weighed_cap",
]

PLAQUE_HU = (95.0, 45.0)
OWN_PLAQUE_MM, OWN_PLAQUE_SD_HU, MOST_PLAQUE_HU = 4.0, 20.0, 165.0
OPEN_SD_HU = 10.0
OWN_NOISE_SHARE = 0.6
BRIGHTER_SHARE = 0.6
ELSE_SHARE = 0.1
LOOKS_NATS, LOOKS_INDEPENDENT_MM = (-3.0, 4.0), 2.5
LEAST_ANCHOR = 8
SLOPE_SD_HU_PER_MM = 0.5
INDEPENDENT_MM = 2.0
MOVED_NATS = 3.0
BACK_NATS_PER_MM = 1.0
ISLAND_NATS = 12.0
PLAQUE_MM = (1.5, 6.0)
LEAST_DARKER_HU = 15.0
LEAST_PLAQUE = 4
START_MM = 1.5
OUTSIDE_MM = (0.5, 4.0)
LEAST_STEP_HU = 20.0
STEP_BEFORE_MM, STEP_AFTER_MM = 6.0, 8.0
STEP_NEAR_MM = 1.0
STEP_SHARES = (0.7, 0.7, 0.5)
STEP_QUANTILE = 0.3
CREDIBLE, BLURRED_MM, SPARE_MM = 0.8, 0.6, 0.3
LEAST_CALCIUM_HU, CALCIUM_NATS = 150.0, 1.0
ROUNDS = 6
SETTLED_MM = 0.05


@dataclass(frozen=True, eq=False)
class SideEvidence:
    """What the open vessel at one end tells of the rest.

    Parameters
    ----------
    level_hu
        (n,) the lumen level, carried on from the open end.
    closed_nats
        (n,) logarithm of how many times likelier each section is closed than open; calcium tells nothing of an open
        vessel.
    """

    level_hu: NDArray[np.float64]
    closed_nats: NDArray[np.float64]


@dataclass(frozen=True)
class WeighedCap:
    """A cap that the evidence moved: its arc length, and the plaque next to it where that could be measured."""

    arc_mm: float
    plaque_hu: float | None


def side_evidence(
    sections: Sections,
    wide_hu: NDArray[np.float64],
    clean: NDArray[np.bool_],
    *,
    anchor: NDArray[np.bool_],
    looks: bool = False,
    plaque: NDArray[np.bool_] | None = None,
) -> SideEvidence | None:
    """The evidence from one open end.

    Parameters
    ----------
    wide_hu
        (n,) mean over a disc well inside the lumen, lightly smoothed along the vessel.
    clean
        (n,) sections without calcium.
    anchor
        (n,) sections known to be open.
    looks
        Whether the looks of the sections tell too, beside their contrast.
    plaque
        (n,) sections known to be closed: what they show is then half of what plaque is expected to show.

    Returns
    -------
    SideEvidence or None
        None where fewer than 8 clean sections are known to be open.

    Notes
    -----
    An open section is normally distributed about the line through the known open ones, a closed one about 95 HU with a
    standard deviation of 45 HU; a tenth of either may show anything. Lumen 4 mm and more beyond the caps of phantoms
    lay 13 HU from that line, and 11 HU still after averaging 3 mm: texture of the noise and error of the line, not
    noise of single sections. So 10 HU stand beside a share of the spread of the known sections, and sections count as
    independent every 2 mm only, their looks every 2.5 mm.
    """
    rows = np.flatnonzero(anchor & clean)
    if len(rows) < LEAST_ANCHOR:
        return None
    arc, step = sections.line.arc_mm, sections.step_mm
    level, spread = _line(arc, wide_hu, rows, step)
    sd = float(np.hypot(OPEN_SD_HU, np.sqrt(OWN_NOISE_SHARE) * spread))
    off = (wide_hu - level) / sd
    other = ELSE_SHARE / np.maximum(level + 60.0, 100.0)
    is_open = _density(np.where(off > 0, BRIGHTER_SHARE * off, off), sd) + other
    is_closed = _density((wide_hu - PLAQUE_HU[0]) / PLAQUE_HU[1], PLAQUE_HU[1]) + other
    own = wide_hu[clean & plaque] if plaque is not None else wide_hu[:0]
    middle = float(np.median(own)) if len(own) * step >= OWN_PLAQUE_MM else np.inf
    if middle <= MOST_PLAQUE_HU:
        sd_own = max(1.4826 * float(np.median(np.abs(own - middle))), OWN_PLAQUE_SD_HU)
        is_closed = 0.5 * (is_closed + _density((wide_hu - middle) / sd_own, sd_own) + other)
    nats = np.log(is_closed / is_open) * step / INDEPENDENT_MM
    if looks:
        nats = nats + np.clip(unlike_lumen(sections, wide_hu, rows), *LOOKS_NATS) * step / LOOKS_INDEPENDENT_MM
    plain = clean.copy()
    for shift in (1, 2):
        plain[shift:] &= clean[:-shift]
        plain[:-shift] &= clean[shift:]
    return SideEvidence(level, np.where(plain, nats, np.maximum(nats, 0.0)))


def _density(off: NDArray[np.float64], sd_hu: float) -> NDArray[np.float64]:
    return np.asarray((1.0 - ELSE_SHARE) * np.exp(-0.5 * off**2) / (sd_hu * np.sqrt(2 * np.pi)))


def _line(
    arc: NDArray[np.float64], hu: NDArray[np.float64], rows: NDArray[np.int64], step_mm: float
) -> tuple[NDArray[np.float64], float]:
    """(n,) the robust line through some sections, level beyond them, and its spread; steep slopes are not believed."""
    x, y = arc[rows] - float(np.median(arc[rows])), hu[rows]
    offset, slope, spread = float(np.median(y)), 0.0, 0.0
    design = np.stack([np.ones_like(x), x], axis=1)
    for _ in range(5):
        rest = np.abs(y - offset - slope * x)
        spread = max(1.4826 * float(np.median(rest)), 3.0)
        weight = step_mm / INDEPENDENT_MM / spread**2 / np.maximum(1.0, rest / (1.5 * spread))
        normal = (design * weight[:, None]).T @ design + np.diag([0.0, SLOPE_SD_HU_PER_MM**-2])
        offset, slope = np.linalg.solve(normal, (design * weight[:, None]).T @ y)
    inside = np.clip(arc - float(np.median(arc[rows])), x.min(), x.max())
    return np.asarray(offset + slope * inside), spread


def weighed_cap(
    arc_mm: NDArray[np.float64],
    core_hu: NDArray[np.float64],
    clean: NDArray[np.bool_],
    side: SideEvidence,
    *,
    caps_mm: tuple[float, float],
    limit_mm: float,
) -> WeighedCap | None:
    """The cap where the evidence puts it, when it is strongly against where it is.

    Parameters
    ----------
    core_hu
        (n,) contrast on the axis.
    caps_mm
        The cap in question and the other one of the same gap.
    limit_mm
        A place on the open side, beyond which the cap does not go.

    Returns
    -------
    WeighedCap or None
        None where the cap may stay.

    Notes
    -----
    The cap moves outward over sections that together are e**3 times likelier closed, or inward over such that are so
    much likelier open, and e times with every millimetre, as far as that sum grows; inward only where the contrast does
    not fall by 20 HU at the cap. Of an outward move the local half contrast then decides: the first fall, from the open
    side, through half way between the lumen and the plaque 1.5 to 6 mm inside.
    """
    cap, other = caps_mm
    inward = 1.0 if other > cap else -1.0
    depth = (arc_mm - cap) * inward
    order = np.argsort(depth)
    depth, nats = depth[order], side.closed_nats[order]
    outer = np.flatnonzero((depth <= 0) & (depth > (limit_mm - cap) * inward))[::-1]
    inner = np.flatnonzero((depth >= 0) & (depth < abs(other - cap) / 2))
    out, most_out = _best(nats[outer])
    back, most_back = _best(-nats[inner])
    if most_out <= MOVED_NATS:
        way = float(depth[inner[back]]) if len(inner) else 0.0
        sure = most_back > max(MOVED_NATS, BACK_NATS_PER_MM * way) and not _stands_at_a_step(depth, core_hu[order])
        return WeighedCap(cap + inward * way, None) if sure else None
    edge = cap + inward * float(depth[outer[out]])
    local = (arc_mm[order] - edge) * inward
    return _half_way(local, core_hu[order], side.level_hu[order], clean[order], cap=(edge, inward, other))


def credible_cap_mm(
    arc_mm: NDArray[np.float64],
    wide_hu: NDArray[np.float64],
    side: SideEvidence,
    *,
    caps_mm: tuple[float, float],
    limit_mm: float,
) -> float:
    """The cap, brought to the nearest place that the whole of the evidence leaves credible.

    Parameters
    ----------
    wide_hu
        (n,) mean over a disc well inside the lumen.
    caps_mm
        The cap in question and the other one of the same gap.
    limit_mm
        A place on the open side, beyond which the cap does not go.

    Notes
    -----
    Before the evidence every place from ``limit_mm`` to the middle of the gap is as likely as any other; after it,
    each by the product of how likely it makes the sections on its inner side closed. Credible are the middle eight
    tenths and 0.3 mm more. Blur makes the last sections of the lumen look closed, over 0.6 mm. Where calcium fills the
    disc there is no open lumen.
    """
    cap, other = caps_mm
    inward = 1.0 if other > cap else -1.0
    depth = (arc_mm - limit_mm) * inward
    order = np.argsort(depth)
    order = order[(depth[order] > 0) & (depth[order] < ((cap + other) / 2 - limit_mm) * inward)]
    if len(order) < LEAST_PLAQUE:
        return cap
    dense = wide_hu > side.level_hu + LEAST_CALCIUM_HU
    nats = np.where(dense, np.maximum(side.closed_nats, CALCIUM_NATS), side.closed_nats)[order]
    likely = np.cumsum(nats[::-1])[::-1]
    share = np.cumsum(np.exp(likely - likely.max()))
    tail = (1 - CREDIBLE) / 2
    low, high = np.interp(np.array([tail, 1 - tail]) * share[-1], share, depth[order]) + BLURRED_MM
    return float(limit_mm + inward * np.clip((cap - limit_mm) * inward, low - SPARE_MM, high + SPARE_MM))


def _stands_at_a_step(depth: NDArray[np.float64], core: NDArray[np.float64]) -> bool:
    """Whether the contrast falls at a depth of 0; samples by ascending depth."""
    near, far = OUTSIDE_MM
    outside, inside = (-far < depth) & (depth < -near), (near < depth) & (depth < far)
    return bool(outside.any() and inside.any() and np.median(core[outside]) - np.median(core[inside]) >= LEAST_STEP_HU)


def _best(nats: NDArray[np.float64]) -> tuple[int, float]:
    """Up to which sample the sum is largest, and that sum."""
    if not len(nats):
        return 0, 0.0
    total = np.cumsum(nats)
    return int(np.argmax(total)), float(total.max())


def _half_way(
    depth: NDArray[np.float64],
    core: NDArray[np.float64],
    level: NDArray[np.float64],
    clean: NDArray[np.bool_],
    *,
    cap: tuple[float, float, float],
) -> WeighedCap | None:
    """The first fall through half of the local contrast, from the open side; None where there is no step.

    The samples are given by ascending depth.
    """
    edge, inward, other = cap
    reach = max(min(PLAQUE_MM[1], abs(other - edge) / 2), PLAQUE_MM[0] + 1.5)
    at, found, plaque = 0.0, 0.0, 0.0
    for _ in range(ROUNDS):
        beyond = (depth >= at + PLAQUE_MM[0]) & (depth <= at + reach) & clean & (core < level - LEAST_DARKER_HU)
        if beyond.sum() < LEAST_PLAQUE:
            return WeighedCap(edge, None)
        plaque = float(np.median(core[beyond]))
        above = core - (level + plaque) / 2
        below = np.flatnonzero((above < 0) & (depth >= -START_MM))
        if not len(below) or below[0] == 0:
            return WeighedCap(edge, None)
        k = int(below[0])
        share = float(np.clip(above[k - 1] / max(above[k - 1] - above[k], 1e-6), 0.0, 1.0))
        found = float(depth[k - 1] + share * (depth[k] - depth[k - 1]))
        if abs(found - at) < SETTLED_MM:
            break
        at = found
    outside = (depth <= found - OUTSIDE_MM[0]) & (depth >= found - OUTSIDE_MM[1]) & clean
    if outside.sum() >= LEAST_PLAQUE and float(np.median(core[outside])) - plaque < LEAST_STEP_HU:
        return None
    return WeighedCap(edge + inward * found, plaque)


def falls_in_a_step(
    arc_mm: NDArray[np.float64],
    core_hu: NDArray[np.float64],
    clean: NDArray[np.bool_],
    level_hu: NDArray[np.float64],
    *,
    run: tuple[int, int],
) -> bool:
    """Whether contrast falls at the start of a run by more than half, and beyond it has not come back.

    Parameters
    ----------
    core_hu
        (n,) contrast on the axis.
    clean
        (n,) sections without calcium.
    level_hu
        (n,) the lumen level, carried on from the proximal end.
    run
        First and last sample of a stretch that seems darker.

    Notes
    -----
    In an open vessel contrast falls steadily, and behind a stenosis it comes back. At least 0.7 of the contrast in
    the 6 mm before, at most 0.5 in three tenths of the run, at most 0.7 in the 8 mm after.
    """
    start, end = float(arc_mm[run[0]]), float(arc_mm[run[1]])
    share = (core_hu - TISSUE_HU) / np.maximum(level_hu - TISSUE_HU, 40.0)
    before = clean & (arc_mm > start - STEP_BEFORE_MM) & (arc_mm < start - STEP_NEAR_MM)
    after = clean & (arc_mm > end + STEP_NEAR_MM) & (arc_mm < end + STEP_AFTER_MM)
    inside = clean & (arc_mm >= start) & (arc_mm <= end)
    if min(before.sum(), after.sum(), inside.sum()) < LEAST_PLAQUE:
        return False
    first, last, least = STEP_SHARES
    darker = float(np.quantile(share[inside], STEP_QUANTILE))
    return bool(np.median(share[before]) >= first and np.median(share[after]) <= last and darker <= least)


def island_is_open(sides: tuple[SideEvidence | None, SideEvidence | None], island: slice) -> bool:
    """Whether an opacified stretch between two gaps is lumen for sure: e**12 times likelier than plaque, by either end.

    Parameters
    ----------
    sides
        From the proximal and from the distal end.
    island
        Its samples.

    Notes
    -----
    Two occlusions of one vessel are rare, and bright plaque, or the glow of calcium, is not.
    """
    known = [float(-side.closed_nats[island].sum()) for side in sides if side is not None]
    return not known or max(known) > ISLAND_NATS
