"""The quality gate on pictures whose faults are known."""

import numpy as np
import pytest
from scipy import ndimage

from analytic_tube import Scene, draw
from recanal.core.case import Quality
from recanal.core.quality import LEVELS
from recanal.core.volume import Affine, Volume
from recanal.grids.edge_blur import edge_blur
from recanal.pipeline import AnalyzeRequest
from recanal.pipeline.analyze import analyze_volume
from recanal.quality.blood import assess
from recanal.quality.coverage import heart_cut, metal_mm3, plain_depth_mm
from recanal.quality.gate import exclusion_flags, grade, graded, graded_in_view
from recanal.quality.steps import slab_steps

SPACING = (0.8, 0.4, 0.4)
SHAPE = (60, 170, 170)


def picture(*, blood_hu=380.0, sigma_mm=0.4, noise_hu=15.0, path_mm=0.0, jump_mm=0.0, seed=0):
    """A ball of blood in a wall of muscle, in fat; blurred, smeared along rows, displaced from slice 30 on."""
    z, y, x = (np.arange(n) * s - 0.5 * n * s for n, s in zip(SHAPE, SPACING, strict=True))
    rows = y[None, :, None] + np.where(np.arange(SHAPE[0]) >= 30, jump_mm, 0.0)[:, None, None]
    gap = np.sqrt((z[:, None, None] / 0.9) ** 2 + rows**2 + x[None, None, :] ** 2)
    lobes = gap - 20.0 - 1.5 * np.cos(3 * np.arctan2(x[None, None, :], rows))

    def edge(level):
        return np.clip(0.5 - (lobes - level) / 0.4, 0, 1)

    hu = -95.0 + 195.0 * edge(9.0) + (blood_hu - 100.0) * edge(0.0)
    hu = ndimage.gaussian_filter(hu, [sigma_mm / s for s in SPACING])
    if path_mm:
        hu = ndimage.uniform_filter1d(hu, round(path_mm / SPACING[2]), axis=2)
    hu += np.random.default_rng(seed).normal(0, noise_hu, SHAPE)
    return Volume(np.rint(hu).astype(np.int16), Affine(matrix_of(SPACING)), {"slice_thickness_mm": 0.8})


def matrix_of(spacing):
    matrix = np.zeros((4, 4))
    matrix[2, 0], matrix[1, 1], matrix[0, 2], matrix[3, 3] = *spacing, 1.0
    return matrix


@pytest.mark.parametrize("sigma_mm", [0.35, 0.5, 0.7])
def test_the_width_of_an_edge_follows_the_blur(sigma_mm):
    blur = edge_blur(picture(sigma_mm=sigma_mm), blood_hu=380.0)
    # the ramp of the drawing, the voxels and surfaces that lie oblique to the slice widen it; nothing narrows it
    assert sigma_mm <= blur.sharp_sigma_mm <= 1.25 * np.hypot(sigma_mm, 0.2)
    assert blur.smear_mm < 1.3
    assert blur.profile_count > 500


@pytest.mark.parametrize("path_mm", [2.0, 3.2, 4.0])
def test_a_path_of_motion_is_measured(path_mm):
    blur = edge_blur(picture(path_mm=path_mm), blood_hu=380.0)
    assert blur.smear_mm == pytest.approx(path_mm, rel=0.3)


def test_without_blood_there_is_no_edge_to_measure():
    assert edge_blur(picture(blood_hu=100.0), blood_hu=380.0) is None


@pytest.mark.parametrize("jump_mm", [0.8, 2.0, 4.0])
def test_a_jump_between_slices_is_found_where_it_is(jump_mm):
    found = slab_steps(picture(jump_mm=jump_mm))
    assert found.slice_index == (30,)
    assert found.largest_mm == pytest.approx(jump_mm, rel=0.25)


def test_smooth_anatomy_has_no_jump():
    assert slab_steps(picture(noise_hu=30.0)).largest_mm == 0
    assert slab_steps(Volume(picture().hu[:5], Affine(matrix_of(SPACING)), {})).slice_index == ()


def test_metal_is_what_is_brighter_than_any_calcium():
    volume = picture()
    hu = volume.hu.copy()
    hu[5, 5:10, 5:15] = 1900
    assert metal_mm3(Volume(hu.copy(), volume.affine, {})) == 0
    hu[5, 5:10, 5:15] = 2500
    assert metal_mm3(Volume(hu, volume.affine, {})) == pytest.approx(50 * 0.8 * 0.16)


def test_a_heart_cut_by_the_edges_of_the_volume_is_noticed():
    volume = picture()
    assert heart_cut(volume, blood_hu=380.0) == ()
    below = Volume(np.ascontiguousarray(volume.hu[30:]), volume.affine, {})
    assert heart_cut(below, blood_hu=380.0) == ("lower end",)
    aside = Volume(np.ascontiguousarray(volume.hu[:, :, 85:]), volume.affine, {})
    assert heart_cut(aside, blood_hu=380.0) == ("sides",)
    turned = volume.affine.matrix.copy()
    turned[:3, 0] *= -1
    assert heart_cut(Volume(below.hu, Affine(turned), {}), blood_hu=380.0) == ("upper end",)


def test_a_chamber_without_contrast_is_deeper_than_a_wall():
    assert plain_depth_mm(picture()) < 8
    assert plain_depth_mm(picture(blood_hu=110.0)) > 15


FAULTS = {
    "noise": ({"noise_hu": 62.0}, "noise of"),
    "motion": ({"path_mm": 4.0}, "smeared over"),
    "slabs": ({"jump_mm": 4.0}, "slabs displaced by"),
    "contrast": ({"blood_hu": 165.0}, "HU in the blood"),
}


@pytest.mark.parametrize("part", sorted(FAULTS))
def test_each_fault_alone_makes_a_picture_unusable_and_says_so(part):
    options, words = FAULTS[part]
    volume = picture(**options)
    found = grade(volume, assess(volume))
    assert found.level == "not usable"
    assert found.parts[part] == "not usable"
    assert any(words in reason and reason.startswith("not usable") for reason in found.reasons)


def test_thick_slices_are_not_usable():
    volume = picture()
    thick = Volume(volume.hu, volume.affine, {"slice_thickness_mm": 3.0})
    assert grade(thick, assess(thick)).parts["slices"] == "not usable"


def test_no_contrast_at_all_is_not_usable():
    volume = picture(blood_hu=100.0)
    found = grade(volume, assess(volume))
    assert found.level == "not usable"
    assert "not usable: no contrast in the heart" in found.reasons


def test_a_good_picture_stays_usable_and_its_numbers_stay_as_they_were():
    volume = picture()
    before = assess(volume)
    after = graded(volume, before, whole_heart=True)
    assert after.usable
    assert after.grade.level in LEVELS[:2]
    assert (after.noise_hu, after.aorta_hu, after.contrast_to_noise) == (
        before.noise_hu,
        before.aorta_hu,
        before.contrast_to_noise,
    )
    assert after.flags == before.flags


def test_a_cut_heart_matters_where_the_whole_heart_is_asked_for():
    volume = picture()
    upper = Volume(np.ascontiguousarray(volume.hu[30:]), volume.affine, volume.meta)
    quality = assess(upper)
    assert grade(upper, quality).level != "adequate"
    asked = graded(upper, quality, whole_heart=True)
    assert asked.grade.parts["coverage"] == "adequate"
    assert any("cut at: lower end" in flag for flag in asked.flags)
    assert asked.usable


def test_a_grade_never_makes_a_refused_picture_usable():
    volume = picture()
    assert not graded(volume, Quality(noise_hu=15.0, aorta_hu=380.0, contrast_to_noise=30.0, usable=False)).usable


def test_the_exclusions_of_the_study_are_told():
    assert exclusion_flags(Quality()) == ()
    told = exclusion_flags(Quality(usable=False), reference_diameter_mm=2.0, in_stent=False)
    assert told == ("excluded in Xing 2022: poor picture",)


@pytest.mark.parametrize(("scale", "usable"), [(1.0, None), (2.2, False)])
def test_a_box_around_a_vessel_is_not_graded_and_a_whole_chest_is(scale, usable):
    small = picture(jump_mm=1.9)
    seen = Volume(small.hu, Affine(matrix_of(np.multiply(SPACING, scale))), small.meta)
    before = assess(seen)
    after = graded_in_view(seen, before)
    if usable is None:
        assert after is before
    else:
        assert after.grade.step_mm > 2.75
        assert not after.usable
        assert any("slabs displaced" in reason for reason in after.reasons)


def test_a_case_measured_between_points_is_graded_too(monkeypatch):
    drawing = draw(Scene())
    proximal, distal = (tuple(map(float, seed)) for seed in drawing.seeds())
    request = AnalyzeRequest(None, None, proximal, distal, vessel="RCA")
    assert analyze_volume(drawing.volume, request=request)[0].quality.grade is None
    monkeypatch.setattr("recanal.quality.coverage.HEART_VIEW_MM", 10.0)
    assert analyze_volume(drawing.volume, request=request)[0].quality.grade.level in LEVELS
