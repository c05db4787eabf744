"""One thin track, judged: is it a candidate, and what does it look like?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.collaterals.tracks import Track
from recanal.core.case import Point
from recanal.core.curves import Centerline, arc_mm
from recanal.core.volume import Volume
from recanal.imaging.sample import Block, sample
from recanal.imaging.sections import RING_MM, cut_sections, smooth_line

__all__ = ["Candidate", "LeftHeart", "calibre_mm", "candidate_of"]

LEAST_LENGTH_MM = 8.0
LONGEST_MM = 120.0
STEP_MM = 0.5
SPREAD_MM = 0.45
AROUND_MM = (2.2, 3.0)
FAT_HU = -20.0
MUSCLE_HU = 40.0
LEAST_CONTRAST_HU = 45.0
LEAST_SHARE = 0.35
LEAST_STRENGTH = 0.12
WEAKEST_SHARE = 0.10
CALIBRE_MM = (0.6, 2.5)
SEPTAL_FAT_SHARE = 0.12
ATRIAL_MM = -38.0
THREAD_MM = 0.4
WIDEST_MM = 1.3

Floats = NDArray[np.float64]
LeftHeart = tuple[Floats, Floats]
"""Centre of the left ventricle (3,), and the unit vector from its base to its apex (3,)."""


@dataclass(frozen=True)
class Candidate:
    """A connection that CT shows.

    Parameters
    ----------
    donor, donor_segment
        The artery and the course that it leaves.
    course
        ``"septal"``, ``"epicardial"`` or ``"atrial"``.
    length_mm, calibre_mm, tortuosity_ratio
        Between the two lumens: arc length, mean lumen diameter, arc over chord.
    werner_cc
        Grade of Werner's connections that such a calibre would have, as seen on CT alone.
    contrast_share
        Median contrast of the track over that of the donor.
    points_mm
        From donor to bed.
    mark
        Always "seen on CT, not proof of flow".
    """

    donor: str
    donor_segment: str
    course: str
    length_mm: float
    calibre_mm: float
    tortuosity_ratio: float
    werner_cc: int
    contrast_share: float
    points_mm: tuple[Point, ...]
    mark: str = "seen on CT, not proof of flow"


def calibre_mm(shown_share: Floats, sigma_mm: float = SPREAD_MM) -> Floats:
    """Lumen diameters from how much of the contrast of a wide artery a thin one shows on its axis.

    Parameters
    ----------
    shown_share
        (n,) share, 0 to 1.
    sigma_mm
        Width of the blur.

    Notes
    -----
    A disc of radius r blurred by a Gaussian shows 1 - exp(-r^2 / 2 sigma^2) of its contrast at its centre.

    Examples
    --------
    >>> import numpy as np
    >>> calibre_mm(1 - np.exp(-np.array([0.5, 2.0]))) / 0.45
    array([2., 4.])
    """
    share = np.clip(shown_share, 0.0, 0.995)
    return np.asarray(2 * sigma_mm * np.sqrt(-2.0 * np.log(1.0 - share)))


def candidate_of(
    volume: Volume,
    track: Track,
    donor: tuple[str, str],
    *,
    ends: tuple[Floats, Floats],
    heart: LeftHeart | None,
) -> Candidate | None:
    """The candidate that a track is, or None where it is not tube-like enough all along.

    Parameters
    ----------
    volume
        The CT angiogram.
    track
        From the donor to the bed.
    donor
        Vessel and course of the donor.
    ends
        (n, 3) axes of the donors and of the bed; what lies in their lumens is not part of the connection.
    heart
        Frame of the left ventricle, or None.
    """
    apart = np.minimum(*(cKDTree(points).query(track.points_mm)[0] for points in ends))
    own = track.points_mm[apart > 1.8]
    if len(own) < 8 or float(np.median(track.strength_share)) < LEAST_STRENGTH:
        return None
    if not LEAST_LENGTH_MM < float(arc_mm(own)[-1]) < LONGEST_MM:
        return None
    line = smooth_line(own, step_mm=STEP_MM, sigma_mm=0.8)
    block = Block.around(volume, np.concatenate([line.points_mm, own]), margin_mm=4.0)
    sections = cut_sections(block, line, reach_mm=3.2, rays=16)
    core = ndimage.gaussian_filter1d(sections.core_hu(0.3), 1.0, mode="nearest")
    ring = (sections.radii_mm >= AROUND_MM[0]) & (sections.radii_mm <= AROUND_MM[1])
    around = np.median(sections.hu[:, :, ring], axis=(1, 2))
    level = _level_hu(volume, ends)
    tissue = np.clip(around, -100.0, 130.0)
    share = np.clip((core - 60.0) / max(level - 60.0, 80.0), 0.02, 0.99)
    if float(np.median(core - tissue)) < LEAST_CONTRAST_HU or float(np.median(core)) < MUSCLE_HU + LEAST_CONTRAST_HU:
        return None
    if float(np.median(share)) < LEAST_SHARE or float(np.percentile(share, 8)) < WEAKEST_SHARE:
        return None
    half = _half_radius(sections.hu, 0.5 * (core + tissue))
    if float(np.median(half)) > WIDEST_MM:
        return None
    fat = float((sections.hu[:, :, ring] < FAT_HU).mean())
    calibre = float(np.mean(np.minimum(calibre_mm(share), 2 * half + RING_MM)))
    if not CALIBRE_MM[0] <= calibre <= CALIBRE_MM[1]:
        return None
    chord = float(np.linalg.norm(line.points_mm[-1] - line.points_mm[0]))
    return Candidate(
        donor=donor[0],
        donor_segment=donor[1],
        course=_course(line, fat, heart),
        length_mm=line.length_mm,
        calibre_mm=calibre,
        tortuosity_ratio=line.length_mm / max(chord, 1e-6),
        werner_cc=2 if calibre >= THREAD_MM else 1,
        contrast_share=float(np.median(share)),
        points_mm=tuple((float(x), float(y), float(z)) for x, y, z in line.points_mm[::2]),
    )


def _half_radius(hu: NDArray[np.float32], level_hu: Floats) -> Floats:
    """(n,) where the middle of the rays falls below a level: a vein beside an artery is too wide."""
    middle = np.median(hu, axis=1)
    below = middle < level_hu[:, None]
    return np.asarray(np.where(below.any(axis=1), below.argmax(axis=1), middle.shape[1]) * RING_MM)


def _level_hu(volume: Volume, ends: tuple[Floats, Floats]) -> float:
    """Contrast of the arteries at both ends."""
    points = np.concatenate([end[:: max(1, len(end) // 200)] for end in ends])
    hu = sample(Block.around(volume, points, margin_mm=2.0), points)
    return float(np.nanpercentile(hu, 85))


def _course(line: Centerline, fat_share: float, heart: LeftHeart | None) -> str:
    if heart is not None and float(np.median((line.points_mm - heart[0]) @ heart[1])) < ATRIAL_MM:
        return "atrial"
    return "septal" if fat_share < SEPTAL_FAT_SHARE else "epicardial"
