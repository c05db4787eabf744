"""The score of labelled calcium against an independent implementation, and by hand."""

import numpy as np
import pytest
from skimage.measure import label, regionprops

from recanal.calcium.agatston import amount_of, lesions_of, weight_of
from recanal.calcium.score import method_of, score_labels, series_flags
from recanal.calcium.stack import SliceStack
from recanal.core.calcium import ARTERIES
from recanal.core.volume import Affine


def stack_with(hu, spacing=(3.0, 0.5, 0.5), thickness=3.0):
    return SliceStack(np.asarray(hu, dtype=np.int16), Affine.from_spacing(spacing), thickness)


def by_regionprops(hu, labels, spacing):
    """Agatston score and volume per artery, counted by scikit-image."""
    area_mm2, out = spacing[1] * spacing[2], {}
    for number, artery in enumerate(ARTERIES, start=1):
        score = volume = integral = 0.0
        for plane, marks in zip(hu, labels, strict=True):
            for region in regionprops(label((marks == number) & (plane >= 130), connectivity=2), intensity_image=plane):
                area = region.num_pixels * area_mm2
                if area < 1.0:
                    continue
                peak = region.intensity_max
                weight = 1 if peak < 200 else 2 if peak < 300 else 3 if peak < 400 else 4
                score += area * weight * spacing[0] / 3.0
                volume += area * spacing[0]
                integral += region.intensity_mean * area * spacing[0]
        out[artery] = (score, volume, integral)
    return out


@pytest.mark.parametrize("seed", range(12))
def test_random_regions_agree_with_an_independent_count(seed):
    rng = np.random.default_rng(seed)
    spacing = (float(rng.choice([3.0, 1.5, 2.5])), *rng.uniform(0.3, 0.7, 2).tolist())
    hu = rng.choice([40, 129, 130, 199, 200, 299, 300, 399, 400, 900], (6, 40, 50)).astype(np.int16)
    labels = np.where(rng.random((6, 40, 50)) < 0.6, rng.integers(0, 5, (6, 40, 50)), 0).astype(np.uint8)
    lesions = lesions_of(stack_with(hu, spacing), labels, calibration_mg_per_hu_mm3=8e-4)
    wanted = by_regionprops(hu, labels, spacing)
    for artery in ARTERIES:
        found = amount_of([x for x in lesions if x.artery == artery], calibrated=True)
        assert found.agatston == pytest.approx(wanted[artery][0], rel=1e-12, abs=1e-9)
        assert found.volume_mm3 == pytest.approx(wanted[artery][1], rel=1e-12, abs=1e-9)
        assert found.mass_mg == pytest.approx(8e-4 * wanted[artery][2], rel=1e-9, abs=1e-9)


def test_one_lesion_by_hand():
    hu = np.full((4, 10, 10), 40)
    hu[1, 2:4, 2:5] = 150  # 6 pixels of 0.25 mm2, weight 1
    hu[2, 3, 2:7] = 160  # 5 pixels, weight 3 by the one of 320 HU
    hu[2, 3, 4] = 320
    found = lesions_of(stack_with(hu), np.full((4, 10, 10), 2, np.uint8))
    assert len(found) == 1
    (lesion,) = found
    assert lesion.artery == "LAD"
    assert [spot.agatston for spot in lesion.spots] == [1.5, 3.75]
    assert [spot.weight for spot in lesion.spots] == [1, 3]
    assert [spot.slice_index for spot in lesion.spots] == [1, 2]
    assert [spot.z_mm for spot in lesion.spots] != []
    assert lesion.agatston == 5.25
    assert lesion.volume_mm3 == pytest.approx(11 * 0.25 * 3.0)
    assert lesion.peak_hu == 320
    assert lesion.mass_mg is None
    assert lesion.confidence is None


def test_a_spot_below_one_square_millimetre_counts_nothing_and_a_corner_joins():
    hu = np.full((2, 8, 8), 0)
    hu[0, 1, 1:4] = 300  # 0.75 mm2
    assert lesions_of(stack_with(hu), np.ones((2, 8, 8), np.uint8)) == ()
    hu[0, 2, 4] = 300  # touches at a corner: 1 mm2
    (lesion,) = lesions_of(stack_with(hu), np.ones((2, 8, 8), np.uint8))
    assert lesion.agatston == 3.0


def test_what_lies_outside_the_labels_counts_nothing_and_two_arteries_are_two_lesions():
    hu = np.full((2, 6, 12), 0)
    hu[0, 2:4, 1:11] = 250
    labels = np.zeros((2, 6, 12), np.uint8)
    labels[0, 2:4, 1:5], labels[0, 2:4, 5:9] = 1, 3
    found = lesions_of(stack_with(hu), labels)
    assert [(x.artery, x.id, x.agatston) for x in found] == [("LM", "C1", 4.0), ("LCX", "C2", 4.0)]


def test_overlapping_slices_count_each_millimetre_once():
    column = np.full((12, 8, 8), 0)
    column[:, 2:5, 2:5] = 250
    whole = sum(x.agatston for x in lesions_of(stack_with(column[:6]), np.ones((6, 8, 8), np.uint8)))
    halved = stack_with(column, spacing=(1.5, 0.5, 0.5))
    assert sum(x.agatston for x in lesions_of(halved, np.ones((12, 8, 8), np.uint8))) == pytest.approx(whole)
    rule = method_of(halved, mode="mask", artery_rule="", kvp=120.0, calibration_mg_per_hu_mm3=None)
    assert rule.slice_factor == 0.5
    assert "overlap" in rule.slice_rule
    assert "0.500 times" in rule.slice_rule


def test_flags_say_what_makes_it_another_quantity():
    assert series_flags(stack_with(np.zeros((2, 2, 2))), kvp=120.0) == ()
    low = series_flags(stack_with(np.zeros((2, 2, 2)), spacing=(5.0, 1, 1)), kvp=100.0)
    assert "100 kV" in low[0]
    assert "gaps of 2.00 mm" in low[1]
    unknown = series_flags(stack_with(np.zeros((2, 2, 2)), thickness=None), kvp=None)
    assert "tube voltage not known" in unknown[0]
    assert "thickness not known" in unknown[1]


def test_no_calcium_is_a_score_of_nought_and_no_mass_without_a_calibration():
    scored = score_labels(stack_with(np.zeros((3, 5, 5))), np.ones((3, 5, 5), np.uint8))
    nothing = amount_of(scored.lesions, calibrated=False)
    assert (nothing.agatston, nothing.volume_mm3, nothing.mass_mg, nothing.lesion_count) == (0.0, 0.0, None, 0)
    assert amount_of((), calibrated=True).mass_mg == 0.0


@pytest.mark.parametrize(("peak", "weight"), [(130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4)])
def test_weights_of_agatston_1990(peak, weight):
    assert weight_of(peak) == weight
