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
