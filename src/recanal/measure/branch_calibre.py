"""How wide a side branch is just outside the vessel that it leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.grids.edge_model import blurred_disc
from recanal.imaging.borders import WALL_HU, Borders
from recanal.imaging.centring import centred
from recanal.imaging.sections import RING_MM, cut_sections
from recanal.imaging.vessel import Vessel
from recanal.measure.branches import SHELL_MM, Branch, Pass

__all__ = ["tube_radius_mm", "with_calibre"]

AHEAD_MM = (-0.5, 3.0)
STEP_MM = 0.25
ROUNDS = 4
BEYOND_WALL_MM = (0.5, 2.0)
LEAST_SECTIONS = 3
LEAST_SHARE = 0.35
RADII_MM = tuple(np.arange(0.35, 2.5, 0.05))
REACH_MM = 2.0
BRIGHT_SHARE = 0.25
OUTSIDE_HU = (-150.0, 80.0)
SHOWN_SHARE = 0.925


def with_calibre(vessel: Vessel, branch: Branch) -> Branch:
    """The branch with the diameter of its lumen where it leaves, measured across its own axis.

    The branch as it came where it cannot be followed.

    Notes
    -----
    The axis is centred on the contrast for 3 mm. Its sections 0.5 to 2 mm outside the wall of the vessel are averaged
    and compared with blurred tubes (:func:`tube_radius_mm`). The radius so found was 0.925 of that in the first two
    millimetres of the branches of phantoms, for they become narrower, and is divided by that.
    """
    line = vessel.line
    near, far = (_place(vessel, one) for one in branch.way)
    ahead = (far - near) / max(float(np.linalg.norm(far - near)), 1e-6)
    steps = np.arange(AHEAD_MM[0], AHEAD_MM[1] + STEP_MM / 2, STEP_MM)
    level = float(np.interp(branch.way[0][0], line.arc_mm, vessel.lumen.level_hu))
    course = centred(vessel.block, near + steps[:, None] * ahead, (level, level), rounds=ROUNDS)
    sections = cut_sections(vessel.block, course, reach_mm=REACH_MM)
    beyond = cKDTree(line.points_mm).query(course.points_mm)[0] - (branch.way[0][2] - SHELL_MM)
    lit = sections.core_hu(RING_MM) > WALL_HU + LEAST_SHARE * (level - WALL_HU)
    rows = lit & (beyond > BEYOND_WALL_MM[0]) & (beyond < BEYOND_WALL_MM[1])
    if rows.sum() < LEAST_SECTIONS:
        return branch
    radius = tube_radius_mm(sections.hu[rows].mean(axis=0), level, vessel.borders)
    return replace(branch, diameter_mm=2 * radius / SHOWN_SHARE)


def _place(vessel: Vessel, one: Pass) -> NDArray[np.float64]:
    """(3,) the point at an arc length, an angle and a distance from the axis."""
    arc_mm, angle_rad, away_mm = one
    row = int(np.argmin(np.abs(vessel.line.arc_mm - arc_mm)))
    across = np.cos(angle_rad) * vessel.sections.normals[row] + np.sin(angle_rad) * vessel.sections.binormals[row]
    return np.asarray(vessel.line.at([arc_mm])[0] + away_mm * across)


def tube_radius_mm(hu: NDArray[np.floating], level_hu: float, borders: Borders) -> float:
    """Lumen radius of the blurred tube that shows most nearly what a section shows.

    Parameters
    ----------
    hu
        (m, r) rays; ring i lies ``i * RING_MM`` from the axis.
    level_hu
        Of the lumen, unblurred.
    borders
        Point spread and wall thickness.

    Notes
    -----
    The brightest quarter of each ring is left out, for it may belong to another vessel. What surrounds the tube is
    fitted for every radius.
    """
    count = round(BRIGHT_SHARE * len(hu))
    shown = np.sort(hu, axis=0)[: len(hu) - count].mean(axis=0)
    rings, radii = np.arange(hu.shape[1]) * RING_MM, np.array(RADII_MM)[:, None]
    inner = blurred_disc(rings, radii, borders.sigma_mm)
    free = 1.0 - blurred_disc(rings, radii + borders.wall_mm, borders.sigma_mm)
    weight = rings + RING_MM / 2
    left = shown - WALL_HU * (1.0 - free) - (level_hu - WALL_HU) * inner
    outside = (weight * free * left).sum(axis=1) / np.maximum((weight * free**2).sum(axis=1), 1e-6)
    cost = (weight * (left - np.clip(outside, *OUTSIDE_HU)[:, None] * free) ** 2).sum(axis=1)
    return float(RADII_MM[int(cost.argmin())])
