"""A plate of calcium that lights the whole section hides an occlusion no longer, and makes none."""

import numpy as np
import pytest

from analytic_tube import Scene

PLATE = tuple((float(arc), 0.75, 0.0, 0.75) for arc in np.arange(26.0, 34.01, 0.5))


def test_an_occlusion_in_the_glow_of_a_plate_is_found(traced):
    drawing, vessel = traced(Scene(gaps_mm=((25.0, 35.0),), nodules=PLATE, lumen_diameter_mm=2.4, noise_hu=20.0))
    (gap,) = vessel.gaps
    assert gap.behind_calcium
    caps = [drawing.project(vessel.line.at([arc]))[0][0] for arc in (gap.start_mm, gap.end_mm)]
    assert caps == pytest.approx([25.0, 35.0], abs=2.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_open_vessel_beside_the_same_plate_stays_open(traced, seed):
    _, vessel = traced(Scene(gaps_mm=(), nodules=PLATE, lumen_diameter_mm=2.4, noise_hu=20.0, seed=seed))
    assert vessel.gaps == ()


def at_the_cap(cap_mm: float, offset_mm: float, radius_mm: float) -> Scene:
    """An occlusion with a plate of calcium from 36 to 41 mm."""
    plate = tuple((float(arc), offset_mm, 0.0, radius_mm) for arc in np.arange(36.0, 41.01, 0.5))
    return Scene(gaps_mm=((25.0, cap_mm),), nodules=plate, lumen_diameter_mm=3.0, noise_hu=20.0)


@pytest.mark.parametrize(("offset_mm", "radius_mm"), [(0.6, 0.6), (0.75, 0.6), (0.9, 0.6), (0.75, 0.75)])
def test_a_cap_in_the_glow_of_a_plate_is_put_where_the_lumen_begins(traced, offset_mm, radius_mm):
    drawing, vessel = traced(at_the_cap(40.0, offset_mm, radius_mm))
    assert drawing.project(vessel.line.at([vessel.gaps[-1].end_mm]))[0][0] == pytest.approx(40.0, abs=1.2)


@pytest.mark.parametrize(("offset_mm", "radius_mm"), [(0.9, 0.6), (1.2, 0.6), (1.2, 0.75)])
def test_the_same_plate_beside_an_open_lumen_moves_no_cap(traced, offset_mm, radius_mm):
    drawing, vessel = traced(at_the_cap(35.0, offset_mm, radius_mm))
    assert drawing.project(vessel.line.at([vessel.gaps[-1].end_mm]))[0][0] == pytest.approx(35.0, abs=1.2)


@pytest.mark.parametrize(
    ("arc_mm", "offset_mm", "radius_mm"), [(33.5, 0.3, 0.75), (34.0, 0.3, 0.75), (34.0, 0.6, 0.75), (34.5, 0.8, 0.75)]
)
def test_a_nodule_in_the_plaque_next_to_a_cap_is_not_taken_for_lumen(traced, arc_mm, offset_mm, radius_mm):
    nodule = (arc_mm, offset_mm, 0.0, radius_mm)
    drawing, vessel = traced(Scene(gaps_mm=((25.0, 35.0),), nodules=(nodule,), lumen_diameter_mm=3.0, noise_hu=20.0))
    (gap,) = vessel.gaps
    caps = [drawing.project(vessel.line.at([arc]))[0][0] for arc in (gap.start_mm, gap.end_mm)]
    assert caps == pytest.approx([25.0, 35.0], abs=0.5)
