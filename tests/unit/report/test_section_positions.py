"""Where along a vessel the cross-sections of the report lie."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from recanal.core.case import Calcification, Interval, Lesion
from recanal.pipeline.views import section_positions


@pytest.mark.parametrize("most_calcified_mm", [0.5, 16.8, 26.0])
def test_the_sections_stand_in_the_order_along_the_vessel(most_calcified_mm):
    ratio = Interval(0.56, 0.49, 0.61, most_calcified_mm)
    calcium = Calcification(True, ratio, True, False, Interval(220.0, 198.0, 241.0), Interval(31.0, 27.2, 35.9))
    lesion = Lesion(id="L1", kind="occlusion", vessel="RCA", calcification=calcium)
    vessel = SimpleNamespace(line=SimpleNamespace(length_mm=70.0))
    places = section_positions(vessel, lesion, SimpleNamespace(start_mm=20.0, end_mm=46.5))
    assert list(places.values()) == sorted(places.values())
    assert places["most_calcified"] == 20.0 + most_calcified_mm
    assert (places["proximal_cap"], places["distal_cap"]) == (20.0, 46.5)
