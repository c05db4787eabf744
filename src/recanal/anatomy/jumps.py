"""Where a way leaves one vessel and enters its neighbour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.imaging.sample import Block
from recanal.imaging.sections import RING_MM, cut_sections, smooth_line

__all__ = ["Jump", "Profile", "find_jumps", "profile_of"]

STEP_MM = 0.25
REACH_MM = 2.6
TRACK_MM = 0.7
AROUND_MM = 2.0
AROUND_QUANTILE = 0.3
SMOOTH = (0.3, 1.0, 0.25)
SIDE_MM = (1.0, 6.0)
FLOOR_HU = -60.0
FAT_HU = -90.0
LIMITS = ((0.62, 130.0, 100.0), (0.72, 80.0, 115.0))
LEAST_LUMEN_HU = 125.0
WIDTH_SHARE = 0.75
MOST_WIDTH_MM = 3.2
LED_MM = 40.0
LATELY_MM = 20.0
TISSUE_HU = 60.0
STEADY = 1.25
CLOSED = ((0.2, 0.62, 1.4), (0.2, 0.2, 1.25), (0.6, 0.3, 1.2))
CALCIUM_HU = 150.0
NECK_HU, STRAND_HU = 100.0, 60.0
NECK_MM = (2.5, 9.0)
NECK_SHARE = 0.7
NECK_SIDE = 12


@dataclass(frozen=True, eq=False)
class Profile:
    """What lies on a way.

    Parameters
    ----------
    line
        The way, smoothed, every 0.25 mm.
    hu
        (n,) brightest place of the smoothed section within 0.7 mm of it.
    radius_mm
        (n,) half width of the section at half of its own height over fat.
    around_hu
        (n,) level that most of the section stands above, 2 to 2.6 mm away from the way.
    """

    line: Centerline
    hu: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    around_hu: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jump:
    """A place where a way crosses the walls of two neighbours.

    Parameters
    ----------
    point_mm
        (3,) its darkest place.
    hu, side_hu
        The level there, and the lower one of those to either side.
    alike_share
        How much of the contrast of the brighter side the other one has.
    """

    point_mm: NDArray[np.float64]
    hu: float
    side_hu: float
    alike_share: float


def profile_of(volume: Volume, points_mm: NDArray[np.float64]) -> Profile:
    """The profile of a polyline (n, 3)."""
    line = smooth_line(points_mm, step_mm=STEP_MM, sigma_mm=0.6)
    block = Block.around(volume, line.points_mm, margin_mm=3.0)
    sections = cut_sections(block, line, reach_mm=REACH_MM, rays=12)
    sigma = (SMOOTH[0] / STEP_MM, SMOOTH[1], SMOOTH[2] / RING_MM)
    smooth = ndimage.gaussian_filter(sections.hu, sigma, mode=("nearest", "wrap", "nearest"))
    rings = round(TRACK_MM / RING_MM) + 1
    peak = smooth[:, :, :rings].max(axis=(1, 2)).astype(np.float64)
    filled = (smooth > (0.5 * (peak + FAT_HU))[:, None, None]).mean(axis=1)
    ring = (np.arange(filled.shape[1]) + 0.25) * RING_MM
    area = 2 * np.pi * (filled * ring).sum(axis=1) * RING_MM
    around = np.quantile(smooth[:, :, round(AROUND_MM / RING_MM) :], AROUND_QUANTILE, axis=(1, 2))
    return Profile(line, peak, np.sqrt(area / np.pi), around)


def find_jumps(profile: Profile) -> list[Jump]:
    """Short dips of the profile between two brighter stretches.

    Notes
    -----
    Two vessels that touch are parted by two walls: over less than 3 mm the level falls towards that of fat. Inside one
    vessel it stays up, and an occlusion is longer.
    """
    hu, out = profile.hu, []
    near, far = round(SIDE_MM[0] / STEP_MM), round(SIDE_MM[1] / STEP_MM)
    lowest = (ndimage.minimum_filter1d(hu, 5) == hu) & (hu < LIMITS[0][1])
    label, _ = ndimage.label(lowest)
    dips = np.array([np.flatnonzero(label == k)[0] for k in range(1, label.max() + 1)], dtype=np.int64)
    for k in dips:
        before, after = hu[max(0, k - far + 4) : max(0, k - near + 1)], hu[k + near + 1 : k + far]
        if len(before) < 1 or len(after) < 6:
            continue
        sides = float(before.max()), float(np.median(after))
        side, share = min(sides), (hu[k] - FLOOR_HU) / max(min(sides) - FLOOR_HU, 1.0)
        deep = any(share < most and hu[k] < dark and side > lit for most, dark, lit in LIMITS)
        if not deep or max(sides) < LEAST_LUMEN_HU:
            continue
        if _in_plaque(profile, int(k)):
            continue
        low = hu[max(0, k - far) : k + far] < FLOOR_HU + WIDTH_SHARE * (side - FLOOR_HU)
        if low.sum() * STEP_MM <= MOST_WIDTH_MM:
            alike = (side - FLOOR_HU) / (max(sides) - FLOOR_HU)
            out.append(Jump(profile.line.points_mm[k], float(hu[k]), side, alike))
    return out + _necks(profile)


def _necks(profile: Profile) -> list[Jump]:
    """Longer dips in which what is left is far narrower than the vessel before: a strand of tissue in fat.

    An occluded artery keeps its width.
    """
    hu, radius, out = profile.hu, ndimage.median_filter(profile.radius_mm, 5, mode="nearest"), []
    label, count = ndimage.label(hu < NECK_HU)
    for run in (np.flatnonzero(label == k) for k in range(1, count + 1)):
        first, last = int(run[0]), int(run[-1])
        before, after = hu[max(0, first - NECK_SIDE) : first], hu[last + 1 : last + 1 + 2 * NECK_SIDE]
        if len(before) < NECK_SIDE // 2 or len(after) < NECK_SIDE or not NECK_MM[0] <= len(run) * STEP_MM <= NECK_MM[1]:
            continue
        side = min(float(before.max()), float(np.median(after)))
        wide = float(np.median(radius[max(0, first - NECK_SIDE) : first]))
        k = first + int(np.argmin(radius[run]))
        lit = side > LEAST_LUMEN_HU and float(np.median(hu[run])) < STRAND_HU
        if lit and radius[k] < NECK_SHARE * wide and not _in_plaque(profile, k):
            out.append(Jump(profile.line.points_mm[k], float(hu[k]), side, 0.0))
    return out


def _in_plaque(profile: Profile, k: int) -> bool:
    """Whether a dip lies in a closed stretch: wide, and lately far below the lumen that leads there, or calcium.

    The darker what came before, the narrower a vessel may be. Nor do vessels part where calcium begins right beyond the
    dip: no neighbour is that bright.
    """
    led = profile.hu[max(0, k - round(LED_MM / STEP_MM)) : k + 1]
    calcium_hu = float(np.percentile(led, 75)) + CALCIUM_HU
    lumen = float(np.percentile(led[led < calcium_hu], 80))
    around = float(np.median(profile.radius_mm[max(0, k - 20) : k + 20]))
    if profile.radius_mm[k] >= STEADY * around:
        return False
    lately = profile.hu[max(0, k - round(LATELY_MM / STEP_MM)) : max(1, k - round(SIDE_MM[0] / STEP_MM))]
    dark = (np.where(lately < calcium_hu, lately, TISSUE_HU) - TISSUE_HU) / max(lumen - TISSUE_HU, 1.0)
    beyond = profile.hu[k + round(SIDE_MM[0] / STEP_MM) + 1 : k + round(SIDE_MM[1] / STEP_MM)]
    if len(beyond) and float(np.median(beyond)) > calcium_hu and around > CLOSED[0][2]:
        return True
    return any(float(np.quantile(dark, part)) < share and around > least for part, share, least in CLOSED)
