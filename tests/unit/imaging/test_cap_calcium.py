"""A cap under calcium is put inside it, and nothing else is moved."""

import numpy as np
import pytest

from recanal.core.curves import Centerline, frames
from recanal.imaging.cap_calcium import covered_cap_mm, empty_beside_calcium
from recanal.imaging.sections import RING_MM, Sections

ARC = np.arange(0.0, 40.0, 0.25)


def contrast(until_mm, *, calcium=(0.0, 0.0), dip=(0.0, 0.0)):
    above = np.where(until_mm >= ARC, 100.0, -100.0)
    above = np.where((calcium[0] <= ARC) & (calcium[1] >= ARC), 300.0, above)
    return np.where((dip[0] < ARC) & (dip[1] > ARC), -50.0, above)


def dense(first_mm, last_mm):
    return (first_mm <= ARC) & (last_mm >= ARC)


def test_without_calcium_the_cap_stays():
    assert covered_cap_mm(ARC, contrast(20.0), np.zeros(len(ARC), bool), cap_mm=20.1, inward=1) == 20.1


@pytest.mark.parametrize("cap_mm", [18.0, 21.0])
def test_calcium_at_the_lumen_takes_the_cap_in(cap_mm):
    found = covered_cap_mm(ARC, contrast(18.0, calcium=(18.0, 21.0)), dense(18.0, 21.0), cap_mm=cap_mm, inward=1)
    assert found == pytest.approx(18.0 + 0.4 * 3.0)


def test_the_distal_cap_is_the_mirror_image():
    above, hard = contrast(18.0, calcium=(18.0, 21.0)), dense(18.0, 21.0)
    end = float(ARC[-1])
    found = covered_cap_mm(ARC, above[::-1], hard[::-1], cap_mm=end - 21.0, inward=-1)
    assert found == pytest.approx(end - covered_cap_mm(ARC, above, hard, cap_mm=21.0, inward=1))


def test_long_calcium_takes_it_in_by_two_millimetres_at_most():
    found = covered_cap_mm(ARC, contrast(18.0, calcium=(18.0, 30.0)), dense(18.0, 30.0), cap_mm=18.1, inward=1)
    assert found == pytest.approx(20.0)


def test_calcium_behind_a_dark_gap_or_far_from_the_cap_moves_nothing():
    gap = contrast(18.0, calcium=(18.25, 21.0), dip=(16.9, 18.1))
    assert covered_cap_mm(ARC, gap, dense(18.25, 21.0), cap_mm=18.1, inward=1) == 18.1
    assert covered_cap_mm(ARC, contrast(18.0), dense(24.0, 26.0), cap_mm=18.1, inward=1) == 18.1
    assert covered_cap_mm(ARC, contrast(18.0), dense(10.0, 12.0), cap_mm=18.1, inward=1) == 18.1


def half_calcified(*, beside_hu, length_mm):
    """A straight vessel of 400 HU; on one side of a stretch calcium that glows over 0.8 mm, on the other something."""
    line = Centerline(np.stack([ARC, 0 * ARC, 0 * ARC], axis=1))
    _, normals, binormals = frames(line)
    angle, radius = 2 * np.pi * np.arange(48) / 48, RING_MM * np.arange(51)
    away = radius * np.sin(angle)[:, None] + 0.5
    plane = np.where(away < 0, 900.0, beside_hu + (900.0 - beside_hu) * np.clip(1 - away / 0.8, 0, 1))
    plane = np.where(radius > 1.5, -90.0, plane)
    open_plane = np.broadcast_to(np.where(radius > 1.5, -90.0, 400.0), plane.shape)
    inside = np.abs(ARC - 20.0) < length_mm / 2
    hu = np.where(inside[:, None, None], plane, open_plane).astype(np.float32)
    return Sections(line, normals, binormals, hu)


@pytest.mark.parametrize(
    ("beside_hu", "length_mm", "empty"),
    [(90.0, 6.0, True), (400.0, 6.0, False), (250.0, 6.0, False), (90.0, 1.0, False), (-90.0, 1.0, False)],
)
def test_a_vessel_is_empty_where_no_lumen_is_seen_beside_calcium(beside_hu, length_mm, empty):
    sections = half_calcified(beside_hu=beside_hu, length_mm=length_mm)
    level = np.full(len(ARC), 400.0)
    assert empty_beside_calcium(sections, level, (60, 100), radius_mm=1.4, tissue_hu=60.0) is empty


def test_what_is_empty_at_the_end_of_a_run_counts_no_longer_than_it_is():
    sections = half_calcified(beside_hu=90.0, length_mm=6.0)
    level = np.full(len(ARC), 400.0)
    assert not empty_beside_calcium(sections, level, (89, 120), radius_mm=1.4, tissue_hu=60.0)
