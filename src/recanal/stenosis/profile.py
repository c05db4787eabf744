"""The lumen along one artery, as far as it can be judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.volume import Volume
from recanal.imaging.sample import Block
from recanal.imaging.sections import RING_MM, Sections, cut_sections
from recanal.stenosis.contrast import contrast_along
from recanal.stenosis.course import Course
from recanal.stenosis.lumen import lumen_width, point_spread_mm, radial_profiles
from recanal.stenosis.reference import healthy_taper

__all__ = ["STEP_MM", "LumenProfile", "Piece", "cut_course", "lumen_profile", "spread_of"]

STEP_MM = 0.5
REACH_MM = 4.0
RAYS = 24
MARGIN_MM = 6.0
LEAST_DIAMETER_MM = 1.5
TIP_MM = 4.0
CAP_MM = 4.0
LEAST_PIECE_MM = 14.0
CALCIUM_HU = 130.0
CALCIUM_RAYS = 2
CALCIUM_BEYOND_MM = 0.6
SPREAD_SECTIONS = 60
USUAL_SPREAD_MM = 0.42

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Piece:
    """One open stretch of an artery.

    Parameters
    ----------
    rows
        (n,) indices of its sections on the course.
    radius_mm, radius_sd_mm, healthy_mm
        (n,) lumen radius, its standard deviation, and the radius of the robust taper.
    """

    rows: NDArray[np.int64]
    radius_mm: Floats
    radius_sd_mm: Floats
    healthy_mm: Floats


@dataclass(frozen=True, eq=False)
class LumenProfile:
    """An artery with its open pieces.

    Parameters
    ----------
    course, sections
        The artery, and its cross-sections every 0.5 mm.
    level_hu
        (n,) contrast of an open lumen.
    calcified
        (n,) whether calcium lies in or next to the lumen.
    pieces
        The stretches of at least 1.5 mm diameter between aorta or parent, occlusions and tip.
    """

    course: Course
    sections: Sections
    level_hu: Floats
    calcified: Flags
    pieces: tuple[Piece, ...]


def cut_course(volume: Volume, course: Course) -> Sections:
    """The cross-sections of an artery."""
    line = course.line.resample(STEP_MM)
    block = Block.around(volume, line.points_mm, margin_mm=MARGIN_MM)
    return cut_sections(block, line, reach_mm=REACH_MM, rays=RAYS)


def _open_parts(course: Course, arc_mm: Floats) -> list[Flags]:
    """The sections of each open stretch that is long enough."""
    use = (arc_mm >= course.start_mm) & (arc_mm <= course.line.length_mm - TIP_MM)
    for start, end in course.closed_mm:
        use &= (arc_mm < start - CAP_MM) | (arc_mm > end + CAP_MM)
    label, count = ndimage.label(use)
    parts = [np.asarray(label == k) for k in range(1, count + 1)]
    return [part for part in parts if part.sum() * STEP_MM >= LEAST_PIECE_MM]


def _calcified(sections: Sections, level_hu: Floats, healthy_mm: Floats) -> Flags:
    hu = ndimage.gaussian_filter1d(sections.hu, 1.0, axis=0, mode="nearest")
    rings = np.arange(hu.shape[2]) * RING_MM
    inside = rings[None, :] <= (healthy_mm + CALCIUM_BEYOND_MM)[:, None]
    bright = (hu > (level_hu + CALCIUM_HU)[:, None, None]) & inside[:, None, :]
    return np.asarray(bright.any(axis=2).sum(axis=1) >= CALCIUM_RAYS)


def spread_of(sections: Sections, level_hu: Floats, part: Flags) -> float:
    """Width of the blur, from the wide sections of an open stretch."""
    profile = radial_profiles(sections, level_hu)
    wide = np.flatnonzero(part & (profile[:, round(0.9 / RING_MM)] > 0.5 * (level_hu + 70.0)))
    if len(wide) < 8:
        return USUAL_SPREAD_MM
    chosen = wide[np.linspace(0, len(wide) - 1, min(SPREAD_SECTIONS, len(wide))).astype(int)]
    return point_spread_mm(profile[chosen], level_hu[chosen])


def lumen_profile(
    course: Course, sections: Sections, *, origin_hu: float | None = None, sigma_mm: float | None = None
) -> LumenProfile:
    """Lumen radius along an artery, and the radius of a healthy one.

    Parameters
    ----------
    course, sections
        The artery and its sections, from :func:`cut_course`.
    origin_hu
        Contrast where it leaves its parent; None for an artery that leaves the aorta.
    sigma_mm
        Width of the blur; fitted to this artery when None.
    """
    arc = sections.line.arc_mm
    level, calcified = np.full(len(arc), float(origin_hu or 0.0)), np.zeros(len(arc), dtype=bool)
    pieces = []
    for number, part in enumerate(_open_parts(course, arc)):
        contrast = contrast_along(sections, part, origin_hu if number == 0 else None)
        level = np.where(part | (level == 0.0), contrast, level)
        blur = spread_of(sections, contrast, part) if sigma_mm is None else sigma_mm
        rows = np.flatnonzero(part)
        width = lumen_width(radial_profiles(sections, contrast)[rows], contrast[rows], blur)
        healthy = healthy_taper(arc[rows], width.radius_mm, course.forks_mm)
        wide = 2 * healthy >= LEAST_DIAMETER_MM
        end = len(rows) if wide.all() else int(np.argmin(wide))
        rows = rows[:end]
        if end * STEP_MM < LEAST_PIECE_MM:
            continue
        pieces.append(Piece(rows, width.radius_mm[:end], width.sd_mm[:end], healthy[:end]))
        whole = np.interp(np.arange(len(arc)), rows, healthy[:end])
        calcified |= _calcified(sections, contrast, whole) & part
    return LumenProfile(course, sections, level, calcified, tuple(pieces))
