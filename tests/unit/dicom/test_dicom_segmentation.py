"""DICOM segmentations written by highdicom, and by hand where it would not write them, read back."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes
from pydicom.uid import JPEGLSLossless, RLELossless

from dicom_builder import slice_dataset, write_stack
from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError, OptionError, ReadError
from recanal.interop import load_study
from recanal.interop.segmentation_file import is_dicom_file, read_segmentation_file
from recanal.segmenters.stored import MaskFile

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    highdicom = pytest.importorskip("highdicom", reason="highdicom writes the segmentations")

DEPTH, ROWS, COLUMNS = 9, 48, 40
TURN = (0.36, 0.48, -0.8, -0.8, 0.6, 0.0)  # two unit vectors at a right angle, oblique to every axis
FRAME = "1.2.826.0.1.3680043.8.498.8"
OTHER_FRAME = "1.2.826.0.1.3680043.8.498.77"


def source(*, oblique=False):
    """Headers of a CT series, 0.5 mm apart, pixels 0.4 mm between rows and 0.3 mm between columns."""
    turn = TURN if oblique else (1, 0, 0, 0, 1, 0)
    normal = np.cross(turn[:3], turn[3:])
    return [
        slice_dataset(
            k,
            ImageOrientationPatient=list(turn),
            ImagePositionPatient=[round(float(v), 6) for v in np.array([10.0, 20.0, -5.0]) + 0.5 * k * normal],
            PixelSpacing=[0.4, 0.3],
            PatientBirthDate="",
            PatientSex="",
            StudyDate="",
            StudyTime="",
            AccessionNumber="",
            ReferringPhysicianName="",
            StudyID="",
        )
        for k in range(DEPTH)
    ]


def two_segments():
    """(slices, rows, columns, 2): two that overlap, with empty slices at both ends and between."""
    mask = np.zeros((DEPTH, ROWS, COLUMNS, 2), dtype=bool)
    mask[1:4, 5:12, 7:20, 0] = True
    mask[6, 5:9, 7:11, 0] = True
    mask[3:8, 10:17, 15:31, 1] = True
    mask[2, 20, 30, 1] = True
    return mask


def about(number, label):
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=codes.SCT.CoronaryArtery,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
    )


def segmentation(pixels, kind, *, images=None, labels=("LAD", "RCA"), **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return highdicom.seg.Segmentation(
            source_images=source() if images is None else images,
            pixel_array=pixels,
            segmentation_type=kind,
            segment_descriptions=[about(n, label) for n, label in enumerate(labels, start=1)],
            series_instance_uid="1.2.826.0.1.3680043.8.498.500",
            series_number=500,
            sop_instance_uid="1.2.826.0.1.3680043.8.498.500.1",
            instance_number=1,
            manufacturer="Maker",
            manufacturer_model_name="Model",
            software_versions="1",
            device_serial_number="1",
            **more,
        )


def saved(seg, folder, name="seg.dcm"):
    path = Path(folder) / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seg.save_as(path)
    return path


def points_of(mask):
    return {tuple(np.round(p, 3)) for p in mask}


def true_points_mm(inside, images):
    """LPS points of the voxels of a mask, straight from the plane equation of the source slices (PS3.3 C.7.6.2.1.1)."""
    found = []
    for k, row, column in np.argwhere(inside):
        head = images[k]
        turn = np.array(head.ImageOrientationPatient, dtype=float)
        rows_mm, columns_mm = (float(v) for v in head.PixelSpacing)
        origin = np.array(head.ImagePositionPatient, dtype=float)
        found.append(origin + turn[:3] * columns_mm * column + turn[3:] * rows_mm * row)
    return points_of(found)


def read_points_mm(found):
    return points_of(found.affine.to_mm(np.argwhere(found.inside)))


def shuffled(seg):
    """The same object with its frames in another order."""
    frames = list(seg.PerFrameFunctionalGroupsSequence)
    order = np.random.default_rng(4).permutation(len(frames))
    assert (order != np.arange(len(frames))).any()
    size = ROWS * COLUMNS
    bits = np.unpackbits(np.frombuffer(seg.PixelData, np.uint8), bitorder="little")[: len(frames) * size]
    moved = bits.reshape(len(frames), size)[order].ravel()
    packed = np.packbits(moved, bitorder="little").tobytes()
    seg.PixelData = packed + b"\0" * (len(packed) % 2)
    seg.PerFrameFunctionalGroupsSequence = [frames[k] for k in order]
    return seg


@pytest.mark.parametrize("oblique", [False, True])
@pytest.mark.parametrize("mixed", [False, True])
def test_binary_segments_lie_where_they_were_drawn(tmp_path, oblique, mixed):
    images, mask = source(oblique=oblique), two_segments()
    seg = segmentation(mask, "BINARY", images=images, omit_empty_frames=True)
    assert int(seg.NumberOfFrames) == 10  # empty ones were left out
    path = saved(shuffled(seg) if mixed else seg, tmp_path)
    for number in (1, 2):
        found = read_segmentation_file(path, wanted=(number,))
        assert read_points_mm(found) == true_points_mm(mask[..., number - 1], images)
        assert found.affine.spacing_mm == pytest.approx((0.5, 0.4, 0.3), abs=1e-6)
    both = read_segmentation_file(path, wanted=(1, 2))
    assert read_points_mm(both) == true_points_mm(mask.any(axis=-1), images)
    assert both.segments == {1: "LAD", 2: "RCA"}
    assert both.frame_of_reference_uid == FRAME
    assert both.series_uids == (images[0].SeriesInstanceUID,)


def test_frames_of_odd_size_are_cut_from_the_bits_at_the_right_place(tmp_path):
    images = source()
    for image in images:
        image.Rows, image.Columns = 7, 9
        image.PixelData = bytes(2 * 63 + 1)
    mask = np.random.default_rng(2).random((DEPTH, 7, 9, 1)) < 0.5
    path = saved(segmentation(mask, "BINARY", images=images, labels=("LAD",)), tmp_path)
    assert read_points_mm(read_segmentation_file(path, wanted=())) == true_points_mm(mask[..., 0], images)


@pytest.mark.parametrize("syntax", [None, RLELossless])
def test_a_fractional_segment_holds_what_is_half_full(tmp_path, syntax):
    part = np.zeros((DEPTH, ROWS, COLUMNS, 1))
    part[3:6, 8:20, 8:20, 0] = 0.8
    part[4, 10:14, 10:14, 0] = 0.25
    part[5, 8, 8, 0] = 0.5
    more = {} if syntax is None else {"transfer_syntax_uid": syntax}
    seg = segmentation(part, "FRACTIONAL", labels=("RCA",), max_fractional_value=100, **more)
    found = read_segmentation_file(saved(seg, tmp_path), wanted=())
    assert found.kind == "FRACTIONAL"
    assert read_points_mm(found) == true_points_mm(part[..., 0] >= 0.5, source())


def test_a_label_map_gives_the_labels_asked_for(tmp_path):
    labels = np.zeros((DEPTH, ROWS, COLUMNS), dtype=np.uint8)
    labels[2:5, 4:9, 4:9], labels[4:7, 20:30, 20:30] = 1, 2
    path = saved(segmentation(labels, "LABELMAP"), tmp_path)
    assert read_points_mm(read_segmentation_file(path, wanted=(2,))) == true_points_mm(labels == 2, source())
    assert read_points_mm(read_segmentation_file(path, wanted=(1, 2))) == true_points_mm(labels > 0, source())


def test_a_segmentation_of_one_slice_takes_its_thickness(tmp_path):
    mask = np.zeros((DEPTH, ROWS, COLUMNS, 1), dtype=bool)
    mask[4, 5:9, 6:12] = True
    path = saved(segmentation(mask, "BINARY", labels=("LAD",)), tmp_path)
    found = read_segmentation_file(path, wanted=())
    assert found.inside.shape[0] == 1
    assert read_points_mm(found) == true_points_mm(mask[..., 0], source())


def test_a_segment_is_chosen_and_never_guessed(tmp_path):
    path = saved(segmentation(two_segments(), "BINARY"), tmp_path)
    with pytest.raises(OptionError, match=r"has 2 segments \(1 'LAD', 2 'RCA'\), and which are coronary arteries"):
        read_segmentation_file(path, wanted=())
    with pytest.raises(OptionError, match=r"has no segment 3; it has 1 'LAD', 2 'RCA'"):
        read_segmentation_file(path, wanted=(1, 3))


def test_the_name_of_the_patient_is_taken_out_of_a_label(tmp_path):
    path = saved(segmentation(two_segments(), "BINARY", labels=("Doefamily LAD", "RCA")), tmp_path)
    with pytest.raises(OptionError) as caught:
        read_segmentation_file(path, wanted=())
    assert "oefamily" not in str(caught.value)
    assert "[removed] LAD" in str(caught.value)


def changed(path, change):
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return path


def aside(dataset):
    dataset.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0].ImagePositionPatient[0] += 2


def between(dataset):
    dataset.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0].ImagePositionPatient[2] += 0.2


def cut_off(dataset):
    dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 4 * 2]


def nameless(dataset):
    del dataset.PerFrameFunctionalGroupsSequence[2].SegmentIdentificationSequence


def placeless(dataset):
    del dataset.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence


def fewer(dataset):
    del dataset.PerFrameFunctionalGroupsSequence[-1]


def flat(dataset):
    dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 1, 0, 0]


def text(dataset):
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"


def surface(dataset):
    dataset.SegmentationType = "SURFACE"


@pytest.mark.parametrize(
    ("change", "rule", "message"),
    [
        (aside, "geometry", "do not lie behind one another: 2.00 mm aside"),
        (between, "geometry", "not whole steps of 0.5 mm apart"),
        (cut_off, "truncated", "ends before its pixels do"),
        (nameless, "functional-groups", "does not say which segment it shows"),
        (placeless, "geometry", "no usable place, orientation or pixel spacing"),
        (fewer, "frames", "10 frames are declared and 9 described"),
        (flat, "geometry", "not two unit vectors at a right angle"),
        (text, "not-seg", "This is no DICOM segmentation"),
        (surface, "not-seg", "of type 'SURFACE'"),
    ],
)
def test_a_damaged_segmentation_is_refused_with_its_rule(tmp_path, change, rule, message):
    path = changed(saved(segmentation(two_segments(), "BINARY"), tmp_path), change)
    with pytest.raises(ReadError, match=message) as caught:
        read_segmentation_file(path, wanted=(1,))
    assert caught.value.rule == rule
    assert caught.value.file == "seg.dcm"


def test_a_ct_image_and_a_missing_file_are_refused(tmp_path):
    folder = write_stack(tmp_path / "ct")
    with pytest.raises(ReadError, match="This is no DICOM segmentation"):
        read_segmentation_file(next(folder.iterdir()), wanted=())
    with pytest.raises(ReadError, match="no such file"):
        read_segmentation_file(tmp_path / "none.dcm", wanted=())
    assert not is_dicom_file(tmp_path / "none.dcm")


def test_another_compression_is_refused(tmp_path):
    part = np.zeros((DEPTH, ROWS, COLUMNS, 1))
    part[3] = 1.0
    seg = segmentation(part, "FRACTIONAL", labels=("RCA",), transfer_syntax_uid=JPEGLSLossless)
    with pytest.raises(ReadError, match="uncompressed little-endian and RLE"):
        read_segmentation_file(saved(seg, tmp_path), wanted=())


@pytest.fixture
def study(tmp_path):
    """The volume of the series that the segmentations are drawn on."""
    images = source()
    heads = {
        name: [getattr(image, name) for image in images]
        for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    }
    folder = write_stack(
        tmp_path / "ct", depth=DEPTH, change=lambda k: {name: list(values[k]) for name, values in heads.items()}
    )
    return load_study(folder).volume


def quiet(_):
    pass


def test_the_segmenter_lays_a_segmentation_on_the_volume_voxel_for_voxel(tmp_path, study):
    mask = two_segments()
    path = saved(shuffled(segmentation(mask, "BINARY")), tmp_path, "seg")  # no suffix: known by its mark
    segmenter = MaskFile(f"{path}#2,vessel")
    found = segmenter.segment(study, progress=quiet)
    assert (found.inside == mask[..., 1]).all()
    assert found.covers == "vessel"
    assert found.flags == ()
    assert segmenter.details["format"] == "DICOM SEG, binary"
    assert segmenter.details["segments"] == "2 RCA"


def test_a_segmentation_of_another_frame_of_reference_is_refused(tmp_path, study):
    images = source()
    for image in images:
        image.FrameOfReferenceUID = OTHER_FRAME
    path = saved(segmentation(two_segments(), "BINARY", images=images), tmp_path)
    with pytest.raises(GeometryError, match="lies in another frame of reference than the series"):
        MaskFile(f"{path}#1").segment(study, progress=quiet)


def test_what_cannot_be_checked_of_the_place_is_said(tmp_path, study):
    images = source()
    for image in images:
        image.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.2"
    path = saved(segmentation(two_segments(), "BINARY", images=images), tmp_path)
    (flag,) = MaskFile(f"{path}#1").segment(study, progress=quiet).flags
    assert flag == "the segmentation was drawn on another series of the same frame of reference"
    bare = Volume(study.hu, Affine(study.affine.matrix), {})
    (flag,) = MaskFile(f"{path}#1").segment(bare, progress=quiet).flags
    assert flag == "the study names no frame of reference: that the segmentation belongs to it was not checked"


def test_an_empty_segment_is_refused(tmp_path, study):
    mask = two_segments()
    mask[..., 0] = False
    path = saved(segmentation(mask, "BINARY", omit_empty_frames=False), tmp_path)
    with pytest.raises(GeometryError, match="no voxel of the segments is set"):
        MaskFile(f"{path}#1").segment(study, progress=quiet)
