"""Scenes built from shapes, and foreshortening computed another way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from recanal.angiography.scene import Scene
from recanal.core.volume import Affine

Floats = NDArray[np.float64]
Shape = Callable[[Floats, Floats, Floats], NDArray[np.bool_]]


def projected_percent(points_mm: Floats, rao_lao_deg: float, cra_cau_deg: float) -> float:
    """Foreshortening by dropping every point onto the detector plane, sample by sample."""
    p, s = np.radians(rao_lao_deg), np.radians(cra_cau_deg)
    beam = np.array([np.sin(p) * np.cos(s), -np.cos(p) * np.cos(s), np.sin(s)])
    flat = points_mm - np.outer(points_mm @ beam, beam)
    walked = [float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum()) for curve in (flat, points_mm)]
    return 100.0 * (1.0 - walked[0] / walked[1])


@pytest.fixture(scope="session")
def projected() -> Callable[[Floats, float, float], float]:
    return projected_percent


def build_scene(shapes: dict[int, Shape], *, half_mm: float = 100.0) -> Scene:
    """A cube of 1 mm cells around the origin with a code wherever a shape says so."""
    count = round(2 * half_mm) + 1
    affine = Affine.from_spacing((1.0, 1.0, 1.0), (-half_mm, -half_mm, -half_mm))
    axis = np.arange(count) - half_mm
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)
    codes = np.zeros((count, count, count), dtype=np.uint8)
    for code, shape in shapes.items():
        codes |= np.where(shape(x, y, z), np.uint8(code), np.uint8(0))
    return Scene(np.zeros(codes.shape, dtype=np.float32), codes, affine, 7)


@pytest.fixture(scope="session")
def scene_of() -> Callable[[dict[int, Shape]], Scene]:
    return build_scene


@pytest.fixture(scope="session")
def empty_scene() -> Scene:
    return build_scene({}, half_mm=10.0)
