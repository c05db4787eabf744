"""The reference diameter is that of a lumen that was seen."""

import numpy as np
import pytest

from recanal.measure.references import reference_diameter_mm

ARC = np.arange(0.0, 20.0, 0.25)


def area(diameter_mm):
    return np.full(len(ARC), np.pi * diameter_mm**2 / 4)


def reference(area_mm2):
    return reference_diameter_mm(ARC, area_mm2, cap_mm=10.0, away=1, skip_mm=1.0)


@pytest.mark.parametrize("diameter_mm", [0.8, 2.5])
def test_the_mean_diameter_of_five_millimetres(diameter_mm):
    assert reference(area(diameter_mm)) == pytest.approx(diameter_mm)


def test_the_smallest_contour_that_can_be_drawn_is_no_lumen():
    assert reference(area(0.6)) is None


def test_what_lies_in_the_dark_does_not_pull_it_down():
    mixed = np.where(ARC < 13.0, area(0.6), area(2.5))
    assert reference(mixed) == pytest.approx(2.5)
