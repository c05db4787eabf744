"""An occlusion that only the picture without glow shows says so."""

from dataclasses import replace

import numpy as np

from analytic_tube import Scene, draw
from recanal.imaging.vessel import trace_vessel
from recanal.measure.lesion import measure_lesions


def flags_of(scene, **change):
    drawing = draw(scene)
    vessel = trace_vessel(drawing.volume, *drawing.seeds())
    vessel = replace(vessel, gaps=tuple(replace(gap, **change) for gap in vessel.gaps))
    (lesion,) = measure_lesions(vessel)
    return lesion.flags


def test_an_occlusion_in_the_glow_of_a_plate_says_how_it_was_seen():
    plate = tuple((float(arc), 0.75, 0.0, 0.75) for arc in np.arange(26.0, 34.01, 0.5))
    flags = flags_of(Scene(gaps_mm=((25.0, 35.0),), nodules=plate, lumen_diameter_mm=2.4, noise_hu=20.0))
    assert any("glow of calcium is taken off" in flag for flag in flags)


def test_one_that_is_seen_as_it_is_does_not():
    assert not any("glow" in flag for flag in flags_of(Scene()))
