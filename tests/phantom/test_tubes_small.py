"""Vessels drawn from formulas: what is drawn, how it is judged, and a few of them measured."""

import numpy as np
import pytest
from evidence import tubes
from evidence.tubes_drawn import ENDS, PLACES, draw_tube

from recanal.core.case import Lesion


@pytest.fixture(scope="module")
def plain():
    return draw_tube(20_001)


def sampled_hu(tube, arc_mm):
    index = [np.interp(arc_mm, tube.arc_mm, tube.axis_mm[:, k]) / tube.spacing_mm[k] for k in range(3)]
    near = np.round(index).astype(int)
    return tube.hu[tuple(slice(n - 1, n + 2) for n in near)].mean()


def test_lumen_plaque_and_fat_have_the_attenuation_that_is_told(plain):
    start, stop = plain.caps_mm
    assert sampled_hu(plain, start - 12.0) == pytest.approx(plain.levels_hu[0], rel=0.1)
    assert sampled_hu(plain, stop + 12.0) == pytest.approx(plain.levels_hu[1], rel=0.1)
    assert 0.0 < sampled_hu(plain, (start + stop) / 2) < 165.0
    assert np.percentile(plain.hu, 20) == pytest.approx(-90.0, abs=30.0)


def test_a_seed_draws_the_same_vessel_again(plain):
    assert np.array_equal(draw_tube(20_001).hu, plain.hu)
    assert draw_tube(20_002).hu.shape != plain.hu.shape


@pytest.mark.parametrize("end", ENDS)
def test_calcium_is_put_at_the_end_that_is_asked_for(end):
    tube = draw_tube(20_004, place="beside the open lumen", end=end)
    bright = np.argwhere(tube.hu > max(tube.levels_hu) + 4 * tube.noise_hu) * tube.spacing_mm
    arcs = np.array([tube.arc_at(point) for point in bright])
    away = arcs - tube.caps_mm[1] if end == "distal" else tube.caps_mm[0] - arcs
    assert len(arcs) > 20
    assert -1.5 < np.median(away) < 8.0


def test_caps_farther_out_than_the_truth_are_errors_above_zero(plain):
    start, stop = plain.caps_mm
    points = [tuple(plain.axis_mm[np.abs(plain.arc_mm - s).argmin()]) for s in (start - 1.0, stop - 0.5)]
    lesion = Lesion("L1", "occlusion", None, proximal_cap_mm=points[0], distal_cap_mm=points[1])
    row = tubes.judged(plain, [lesion])
    assert row["proximal_error_mm"] == pytest.approx(1.0, abs=0.06)
    assert row["distal_error_mm"] == pytest.approx(-0.5, abs=0.06)
    assert tubes.judged(plain, [Lesion("L1", "none", None)])["found"] == 0


def test_every_place_of_calcium_is_planned_at_both_ends_and_in_open_vessels():
    tasks = tubes.plan(100)
    assert {(place, end) for _, place, end, occluded in tasks if occluded} == {(p, e) for p in PLACES for e in ENDS}
    assert {place for _, place, _, occluded in tasks if not occluded} == set(PLACES)


def test_a_few_are_measured_and_told_on_a_page(tmp_path):
    assert tubes.main(["--cases", "5", "--first-seed", "20010", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "tubes.md").read_text(encoding="utf-8")
    assert text.count("\n| calcium ") == 4
    assert (tmp_path / "tubes.png").stat().st_size > 10_000
    table = (tmp_path / "tubes_cases.csv").read_text(encoding="utf-8").splitlines()
    head = table[0].split(",")
    closed = [dict(zip(head, line.split(","), strict=True)) for line in table[1:] if "True" in line.split(",")]
    errors = [abs(float(row["length_error_mm"])) for row in closed if row.get("length_error_mm")]
    assert len(errors) >= 3
    assert np.median(errors) < 1.0
