"""Pulmonary vessels: a thicket of thin bright tubes in the lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.phantoms.geometry import Floats, resample, smoothed, unit
from recanal.phantoms.heart import Heart, in_lung
from recanal.phantoms.render import VesselPainter
from recanal.phantoms.scanner import Grid

__all__ = ["PulmonaryBlood", "paint_lung_vessels"]

_COUNT = 90
_STEP_MM = 1.0


@dataclass(frozen=True)
class PulmonaryBlood:
    """How bright the blood is, and how far a point of it is spread along (slice, row, column)."""

    hu: float
    sigmas_mm: tuple[float, float, float]


def _strand(heart: Heart, side: int, rng: np.random.Generator) -> tuple[Floats, Floats] | None:
    """One vessel from the hilum outwards, cut to the stretch inside the lung."""
    here = heart.origin_mm + np.array([side * 34.0 - 6.0, 26.0, 26.0]) + rng.normal(0, 9, 3)
    heading = unit(np.array([side * 1.0, 0.0, -0.15]) + rng.normal(0, 0.75, 3))
    path = [here]
    for _ in range(int(rng.uniform(50, 115))):
        heading = unit(heading + rng.normal(0, 0.09, 3))
        here = here + heading * _STEP_MM
        path.append(here)
    points = resample(smoothed(np.stack(path), 3.0), _STEP_MM)
    first = float(rng.uniform(0.9, 3.2))
    radius = np.linspace(first, 0.4, len(points))
    keep = np.flatnonzero(in_lung(heart, points))
    if len(keep) < 12:
        return None
    runs = np.split(keep, np.flatnonzero(np.diff(keep) > 1) + 1)
    best = max(runs, key=len)
    return (points[best], radius[best]) if len(best) >= 12 else None


def paint_lung_vessels(
    picture: NDArray[np.float32], grid: Grid, heart: Heart, *, blood: PulmonaryBlood, rng: np.random.Generator
) -> None:
    """Draw pulmonary arteries and veins into the picture, one sample per voxel."""
    drawn = [_strand(heart, 1 if n % 2 else -1, rng) for n in range(_COUNT)]
    strands = [strand for strand in drawn if strand is not None]
    levels = blood.hu * rng.uniform(0.5, 0.95, len(strands))
    tubes = {str(n): (points, float(radius.max()) + 0.5) for n, (points, radius) in enumerate(strands)}
    painter = VesselPainter(grid, picture, tubes, fine=1)
    for n, hu in enumerate(levels):
        painter.tube(str(n), strands[n][1], float(hu))
    painter.add_to(picture, blood.sigmas_mm)
