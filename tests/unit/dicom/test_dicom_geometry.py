"""Places, gaps, copies, tilt and phases: handled, or refused with one line."""

from __future__ import annotations

import numpy as np
import pytest

from dicom_builder import DEPTH, dicom_bytes, enhanced_dataset, slice_dataset, true_hu, truth, write_stack
from recanal.errors import ReadError
from recanal.interop import load_study


def refusal(path, **options) -> ReadError:
    with pytest.raises(ReadError) as caught:
        load_study(path, **options)
    assert "\n" not in str(caught.value)
    return caught.value


def at(*place):
    return {"ImagePositionPatient": list(place)}


@pytest.mark.parametrize("sign", [1, -1])
def test_slices_may_run_either_way(tmp_path, sign):
    study = load_study(write_stack(tmp_path, change=lambda k: at(0, 0, sign * 0.5 * k)))
    first = 0 if sign > 0 else DEPTH - 1
    np.testing.assert_array_equal(study.volume.hu[0], true_hu(first))
    np.testing.assert_allclose(study.volume.affine.to_mm([[0, 0, 0]])[0], [0, 0, min(0, sign * 0.5 * (DEPTH - 1))])


def test_reversed_and_oblique_orientations_are_kept_in_the_affine(tmp_path):
    across, down = np.array([-0.8, 0.6, 0.0]), np.array([0.0, 0.0, -1.0])
    normal = np.cross(across, down)

    def change(k):
        return {"ImageOrientationPatient": [*across, *down], "ImagePositionPatient": list(5 + 0.7 * k * normal)}

    volume = load_study(write_stack(tmp_path, change=change)).volume
    np.testing.assert_array_equal(volume.hu, truth())
    np.testing.assert_allclose(volume.affine.to_mm([[3, 8, 13]])[0], 5 + 2.1 * normal + 0.4 * (8 * down + 13 * across))


def test_one_missing_slice_is_interpolated_and_flagged(tmp_path):
    write_stack(tmp_path, depth=8)
    (tmp_path / "IM004").unlink()
    study = load_study(tmp_path)
    assert study.flags == ("missing-slices-interpolated:1",)
    assert study.volume.shape[0] == 8
    np.testing.assert_array_equal(study.volume.hu, truth(8))


def test_two_missing_slices_in_a_row_are_refused(tmp_path):
    write_stack(tmp_path, depth=9)
    (tmp_path / "IM004").unlink()
    (tmp_path / "IM005").unlink()
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("missing-slices", "IM003")


def test_small_irregularities_pass_and_large_ones_do_not(tmp_path):
    wobble = [0.0, 0.01, -0.01, 0.01, 0.0, 0.0]
    load_study(write_stack(tmp_path / "small", change=lambda k: at(0, 0, 0.5 * k + wobble[k])))
    shifted = [0.0, 0.0, 0.1, 0.0, 0.0, 0.0]
    error = refusal(write_stack(tmp_path / "large", change=lambda k: at(0, 0, 0.5 * k + shifted[k])))
    assert error.rule == "irregular-gap"
    assert error.file == "IM004"


def test_spacing_that_changes_along_the_series_is_refused(tmp_path):
    places = [0, 0.5, 1.0, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert refusal(write_stack(tmp_path, depth=8, change=lambda k: at(0, 0, places[k]))).rule in (
        "missing-slices",
        "irregular-gap",
    )


def test_slices_shifted_in_their_plane_are_refused(tmp_path):
    error = refusal(write_stack(tmp_path, change=lambda k: at(3.0 if k == 2 else 0, 0, 0.5 * k)))
    assert error.rule == "slice-drift"


def test_copies_of_a_file_are_dropped(tmp_path):
    write_stack(tmp_path)
    (tmp_path / "copy").write_bytes((tmp_path / "IM002").read_bytes())
    study = load_study(tmp_path)
    assert study.flags == ("copies-dropped:1",)
    np.testing.assert_array_equal(study.volume.hu, truth())


def test_equal_images_at_one_place_are_dropped(tmp_path):
    write_stack(tmp_path)
    (tmp_path / "twin").write_bytes(dicom_bytes(slice_dataset(2, SOPInstanceUID="1.2.3.4", SeriesDescription="Twin")))
    study = load_study(tmp_path)
    assert study.flags == ("duplicates-dropped:1",)
    np.testing.assert_array_equal(study.volume.hu, truth())


def test_one_uid_on_two_images_is_refused(tmp_path):
    write_stack(tmp_path)
    other = slice_dataset(3, PixelData=(true_hu(0) + 1030).astype("<u2").tobytes())
    (tmp_path / "zz").write_bytes(dicom_bytes(other))
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("duplicate-uid", "zz")


def two_phases(folder, first, second, **common):
    """Two phases of one series at the same places, with differing pixels."""

    def make(number, extra):
        def change(k):
            pixels = (true_hu(k) + 1024 + 100 * number).astype("<u2").tobytes()
            uid = f"1.2.3.{number}.{k + 1}"
            return {"SOPInstanceUID": uid, "SeriesDescription": "Cor", "PixelData": pixels, **common, **extra}

        return change

    write_stack(folder, change=make(0, first), prefix="A")
    return write_stack(folder, change=make(1, second), prefix="B")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"NominalPercentageOfCardiacPhase": 75.0}, {"NominalPercentageOfCardiacPhase": 55.0}),
        ({"TriggerTime": "700", "NominalInterval": "1000"}, {"TriggerTime": "550", "NominalInterval": "1000"}),
        ({"ImageComments": "75 %"}, {"ImageComments": "55 %"}),
        ({"SeriesDescription": "Cor 75%"}, {"SeriesDescription": "Cor 55%"}),
    ],
)
def test_phases_of_one_series_are_told_apart_and_the_better_one_chosen(tmp_path, first, second):
    study = load_study(two_phases(tmp_path, first, second))
    assert "phases-in-one-series:2" in study.flags
    np.testing.assert_array_equal(study.volume.hu, truth())
    assert study.volume.meta["phase_percent"] in (70.0, 75.0)
    assert len(study.info.rejected) == 1
    assert "55 %" in study.info.rejected[0].why


@pytest.mark.parametrize("key", ["TemporalPositionIdentifier", "AcquisitionNumber", "TemporalPositionIndex"])
def test_phases_without_percent_are_not_mixed(tmp_path, key):
    study = load_study(two_phases(tmp_path, {key: 1}, {key: 2}))
    same = [np.array_equal(study.volume.hu, truth() + offset) for offset in (0, 100)]
    below = [np.array_equal(study.volume.hu, np.where(truth() + o < -1024, -1024, truth() + o)) for o in (0, 100)]
    assert any(same) or any(below)


def test_phases_without_any_key_are_refused(tmp_path):
    error = refusal(two_phases(tmp_path, {}, {}))
    assert error.rule == "phases-not-separable"
    assert error.file


def test_a_key_that_leaves_a_phase_incomplete_is_not_used(tmp_path):
    two_phases(tmp_path, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2})
    for k in (1, 2, 3):
        (tmp_path / f"B00{k}").unlink()
    assert refusal(tmp_path).rule == "phases-not-separable"


def test_the_blending_of_a_reconstruction_is_no_phase(tmp_path):
    text = {"SeriesDescription": "CTA ASiR-V 40% BestDiast 78 %"}
    assert load_study(write_stack(tmp_path, change=lambda k: text)).volume.meta["phase_percent"] == 78.0


def test_a_phase_from_trigger_times_that_jitter(tmp_path):
    def change(k):
        return {"TriggerTime": str(740 + 5 * k), "NominalInterval": "1000", "SeriesDescription": "Cor"}

    assert load_study(write_stack(tmp_path, change=change)).volume.meta["phase_percent"] == pytest.approx(75.5, abs=0.6)


def test_enhanced_phases_come_from_the_functional_groups(tmp_path):
    from pydicom import Dataset
    from pydicom.sequence import Sequence

    ds = enhanced_dataset(order=(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5), depth=12, SeriesDescription="Cor")
    for number, frame in enumerate(ds.PerFrameFunctionalGroupsSequence):
        heart = Dataset()
        heart.NominalPercentageOfCardiacPhase = 40.0 if number < 6 else 75.0
        frame.CardiacSynchronizationSequence = Sequence([heart])
    (tmp_path / "one").write_bytes(dicom_bytes(ds))
    study = load_study(tmp_path)
    assert study.volume.meta["phase_percent"] == 75.0
    np.testing.assert_array_equal(study.volume.hu, truth())


@pytest.mark.parametrize("tilt_deg", [12.0, -20.0])
def test_gantry_tilt_is_straightened(tmp_path, tilt_deg):
    """A rod along z stays a rod along z in patient space, though the slices lean."""
    lean = np.deg2rad(tilt_deg)
    depth, step, pixel = 12, 1.0, 0.5
    down = np.array([0, np.cos(lean), np.sin(lean)])
    rows, columns = np.mgrid[:64, :40]

    def change(k):
        origin = np.array([0.0, -16.0, step * k])
        y = origin[1] + rows * pixel * down[1]
        x = columns * pixel
        rod = np.exp(-((x - 10) ** 2 + y**2) / (2 * 2.0**2)) * 800
        return {
            "Rows": 64,
            "PixelData": np.rint(rod + 1024).astype("<u2").tobytes(),
            "ImagePositionPatient": [round(float(v), 6) for v in origin],
            "ImageOrientationPatient": [1, 0, 0, *[round(float(v), 9) for v in down]],
            "PixelSpacing": [pixel, pixel],
        }

    study = load_study(write_stack(tmp_path, depth=depth, change=change))
    assert study.flags == (f"gantry-tilt-corrected:{abs(tilt_deg):.1f}deg",)
    axes = study.volume.affine.matrix[:3, :3]
    unit = axes / np.linalg.norm(axes, axis=0)
    np.testing.assert_allclose(unit.T @ unit, np.eye(3), atol=1e-4)
    for k in range(1, depth - 1):
        weight = np.clip(study.volume.hu[k].astype(float) - 200, 0, None)
        centre = [np.average(i, weights=weight) for i in np.indices(weight.shape)]
        place = study.volume.affine.to_mm([[k, *centre]])[0]
        np.testing.assert_allclose(place[:2], [10.0, 0.0], atol=0.06)
    assert study.volume.hu.max() == pytest.approx(800, abs=8)


def test_a_localizer_in_the_series_is_left_out(tmp_path):
    write_stack(tmp_path)
    scout = slice_dataset(
        0,
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
        SOPInstanceUID="1.2.3.77",
    )
    (tmp_path / "scout").write_bytes(dicom_bytes(scout))
    study = load_study(tmp_path)
    assert study.flags == ("localizer-left-out:1",)
    np.testing.assert_array_equal(study.volume.hu, truth())


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"ImageOrientationPatient": [0, 1, 0, -1, 0, 0]}, "mixed-orientation"),
        ({"PixelSpacing": [0.41, 0.41]}, "mixed-spacing"),
        ({"Rows": 20, "Columns": 20, "PixelData": bytes(800)}, "mixed-matrix"),
        ({"FrameOfReferenceUID": "1.2.3"}, "two-frames-of-reference"),
        ({"PatientID": "PID7789"}, "two-patients"),
        ({"PatientName": "OTHER^NAME"}, "two-patients"),
    ],
)
def test_one_odd_slice_spoils_the_series(tmp_path, changes, rule):
    error = refusal(write_stack(tmp_path, change=lambda k: changes if k == 4 else {}))
    assert error.rule == rule
    assert error.file == "IM002"


def test_one_patient_spelt_two_ways_is_one_patient(tmp_path):
    load_study(write_stack(tmp_path, change=lambda k: {"PatientName": "DoeFamily^Johnathan^^"} if k == 4 else {}))


@pytest.mark.parametrize("depth", [1, 3])
def test_too_few_slices(tmp_path, depth):
    error = refusal(write_stack(tmp_path, depth=depth))
    assert error.rule == "too-few-slices"


@pytest.mark.parametrize(
    "orientation", [[1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [2, 0, 0, 0, 1, 0], [1, 0, 0, 0.5, 0.5, 0]]
)
def test_orientations_that_are_none(tmp_path, orientation):
    assert (
        refusal(write_stack(tmp_path, change=lambda k: {"ImageOrientationPatient": orientation})).rule == "orientation"
    )


def test_slices_closer_than_any_scanner_makes(tmp_path):
    assert refusal(write_stack(tmp_path, change=lambda k: at(0, 0, 0.02 * k))).rule == "slice-spacing"
