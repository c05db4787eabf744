"""Where a drawn artery leaves a drawn aorta."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial import cKDTree

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.field import GRID_MM, Field
from recanal.anatomy.ostia import find_ostia, open_cost
from recanal.core.volume import Affine
from recanal.imaging.sample import Block

SIZE = (110, 110, 90)
CENTRE_MM, AORTA_MM, BLOOD_HU = np.array([24.0, 33.0]), 12.0, 400.0
HEIGHT_MM = 40.0
EDGE_MM = CENTRE_MM + np.array([AORTA_MM - 0.6, 0.0])  # the axis of a tube that touches the aorta


def field_with(course_mm: np.ndarray) -> Field:
    """An upright aorta and a tube of 1.3 mm radius along a course in fat."""
    x, y, z = np.meshgrid(*(GRID_MM * np.arange(n) for n in SIZE), indexing="ij")
    aorta = np.hypot(x - CENTRE_MM[0], y - CENTRE_MM[1]) < AORTA_MM
    far = cKDTree(course_mm).query(np.stack([x, y, z], axis=-1).reshape(-1, 3))[0].reshape(SIZE)
    tube = np.clip(1.6 - far, 0.0, 1.0).astype(np.float32)
    hu = np.where(aorta | (far < 1.3), BLOOD_HU, -90.0).astype(np.float32)
    soft = (hu > 0).astype(np.float32)
    none = np.zeros(SIZE, dtype=bool)
    block = Block(hu, Affine.from_spacing((GRID_MM, GRID_MM, GRID_MM)))
    return Field(block, tube, tube, np.zeros_like(tube), soft, aorta.copy(), aorta, none, BLOOD_HU)


def through(*corners_mm: tuple[float, float, float]) -> np.ndarray:
    parts = [np.linspace(a, b, 60) for a, b in pairwise(corners_mm)]
    return np.concatenate(parts)


def origins(course_mm: np.ndarray):
    field = field_with(course_mm)
    z = np.arange(0.0, GRID_MM * SIZE[2], 2.0)
    centre = np.stack([np.full(len(z), CENTRE_MM[0]), np.full(len(z), CENTRE_MM[1]), z], axis=1)
    return find_ostia(field, Aorta(centre, np.full(len(z), AORTA_MM), BLOOD_HU), open_cost(field))


def test_an_artery_that_touches_the_aorta_again_leaves_it_where_it_left_first():
    x, y = EDGE_MM
    low = HEIGHT_MM - 24.0
    loop = ((x, y, HEIGHT_MM), (x + 10.0, y, HEIGHT_MM), (x + 10.0, y, low + 6.0), (x, y, low + 6.0), (x, y, low))
    onward = ((x + 24.0, y, low), (x + 24.0, y + 27.0, low), (x + 24.0, y + 27.0, low + 26.0))
    longest = max(origins(through(*loop, *onward)), key=lambda found: found.reach_mm)
    assert longest.reach_mm > 100.0
    assert np.linalg.norm(longest.point_mm - loop[0]) < 2.0


def test_an_artery_along_the_wall_of_the_aorta_leaves_it_where_it_parts_from_it():
    """What keeps to the wall for a few millimetres has not left: its origin is the last of those places."""
    start, part = (*EDGE_MM, HEIGHT_MM), (*EDGE_MM, HEIGHT_MM - 8.0)
    (found, *_) = origins(through(start, part, (EDGE_MM[0] + 28.0, EDGE_MM[1], HEIGHT_MM - 8.0)))
    assert found.point_mm[2] == pytest.approx(HEIGHT_MM - 8.0, abs=3.0)
