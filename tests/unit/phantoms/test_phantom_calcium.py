"""The calcium-score scan of a phantom and its truth."""

from dataclasses import replace

import numpy as np
import pytest
from skimage.measure import label, regionprops

from recanal.phantoms import PhantomOptions, calcium_scan, decoys, make_phantom
from recanal.phantoms.build import make_design
from recanal.phantoms.calcium_scan import CALIBRATION_MG_PER_HU_MM3
from recanal.phantoms.deposits import ARTERIES, Deposit, draw_stent, paint_deposits
from recanal.phantoms.scanner import Grid

SMALL = PhantomOptions(
    vessel="RCA", occlusion_length_mm=14.0, calcium="nodules", kvp=100, margin_mm=12.0, calcium_elsewhere=True
)
SEED = 214


@pytest.fixture(scope="module")
def scan():
    return calcium_scan(SMALL, SEED)


def test_slices_are_three_millimetres_at_120_kv(scan):
    assert scan.volume.spacing_mm[0] == pytest.approx(3.0)
    assert scan.volume.meta["kvp"] == 120
    assert scan.volume.meta["slice_thickness_mm"] == 3.0
    assert scan.volume.meta["contrast"] is False
    assert scan.truth.slice_mm == pytest.approx(3.0)
    noise = (scan.volume.hu - scan.clean)[scan.clean > -900]
    assert noise.std() == pytest.approx(20.0, rel=0.05)


def test_the_truth_agrees_with_an_independent_count_of_the_clean_picture(scan):
    pixel = scan.volume.spacing_mm[1] * scan.volume.spacing_mm[2]
    for number, artery in enumerate(ARTERIES, start=1):
        score = volume = mass = 0.0
        for plane, marks in zip(scan.clean, scan.labels, strict=True):
            groups = label((marks == number) & (plane >= 130), connectivity=2)
            for region in regionprops(groups, intensity_image=plane):
                area = region.num_pixels * pixel
                if area >= 1.0:
                    peak = region.intensity_max
                    score += area * (1 if peak < 200 else 2 if peak < 300 else 3 if peak < 400 else 4)
                    volume += area * 3.0
                    mass += CALIBRATION_MG_PER_HU_MM3 * region.intensity_mean * area * 3.0
        truth = scan.truth.arteries[artery]
        assert (truth.agatston, truth.volume_mm3) == pytest.approx((score, volume), rel=1e-6)
        assert truth.mass_mg == pytest.approx(mass, rel=1e-4)
    assert scan.truth.arteries["RCA"].agatston > 10
    total = sum(item.agatston for item in scan.truth.arteries.values())
    assert scan.truth.total.agatston == pytest.approx(total)


def test_the_calcium_of_the_lesion_is_that_of_the_angiogram_at_120_kv(scan):
    truth = make_phantom(replace(SMALL, calcium_elsewhere=False), seed=SEED).truth
    alone = calcium_scan(replace(SMALL, calcium_elsewhere=False), SEED).truth.arteries["RCA"]
    assert alone.volume_designed_mm3 == pytest.approx(truth.calcium.volume_designed_mm3, rel=0.1)
    assert scan.truth.arteries["RCA"].volume_designed_mm3 >= alone.volume_designed_mm3


def test_without_calcium_the_truth_is_nought_and_the_labels_are_empty():
    plain = calcium_scan(replace(SMALL, calcium="none", calcium_elsewhere=False), SEED)
    assert plain.truth.total.agatston == 0
    assert plain.truth.total.volume_designed_mm3 == 0
    assert not plain.labels.any()
    assert plain.truth.elsewhere_mm3 == {}


def test_the_decoy_is_the_scan(scan):
    _, score, _ = decoys(SMALL, SEED)
    assert np.array_equal(score.hu, scan.volume.hu)


def test_deposits_lie_on_their_arteries_and_off_the_lesion():
    design = make_design(replace(SMALL, tree="whole", dominance="co"), seed=219)
    owners = {deposit.owner for deposit in design.deposits}
    assert owners & set(ARTERIES)
    assert "aorta" in owners
    target, place = design.arteries[0], design.place
    inside = target.points_mm[(target.arc_mm > place.start_mm - 4) & (target.arc_mm < place.end_mm + 4)]
    for deposit in design.deposits:
        if deposit.owner in ARTERIES:
            gaps = [np.linalg.norm(a.points_mm - deposit.points_mm[0], axis=1).min() for a in design.arteries]
            assert min(gaps) < 4.5
        if deposit.owner == target.name:
            assert np.linalg.norm(inside[:, None] - deposit.points_mm[None], axis=2).min() > 2.0
        if deposit.owner == "aorta":
            great = np.minimum(
                design.heart.solids["aorta"](deposit.points_mm), design.heart.solids["descending"](deposit.points_mm)
            )
            assert np.abs(great).max() < 1.0


def test_a_painted_deposit_holds_its_volume():
    grid = Grid(np.zeros(3), np.array([0.4, 0.4, 0.4]), (50, 50, 50), np.zeros(0), np.zeros((1, 3)))
    deposit = Deposit("LAD", np.array([[10.0, 10, 6], [10, 10, 10], [10, 11, 14]]), 0.9, 1.0)
    picture = np.zeros(grid.shape, np.float32)
    paint_deposits(picture, grid, [deposit], sigmas_mm=(0.5, 0.4, 0.4), scale=1.0)
    assert picture.sum() * 0.4**3 == pytest.approx(deposit.volume_mm3, rel=0.05)


def test_a_stent_winds_along_the_inner_wall():
    design = make_design(SMALL, seed=220)
    artery = design.arteries[0]
    for wire in draw_stent(artery, (20.0, 32.0)):
        gap = np.linalg.norm(wire.points_mm[:, None] - artery.points_mm[None], axis=2)
        assert np.abs(gap.min(axis=1) - artery.lumen_mm[gap.argmin(axis=1)]).max() < 0.3
    stented = make_design(replace(SMALL, stent="lesion"), seed=220)
    assert {d.owner for d in stented.deposits} >= {"stent"}
    assert make_design(replace(SMALL, calcium_elsewhere=False), seed=220).deposits == ()
