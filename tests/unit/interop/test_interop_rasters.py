"""NIfTI, NRRD and MHA: the same anatomy lands at the same place in LPS."""

from __future__ import annotations

import gzip
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from recanal.errors import ReadError
from recanal.interop import load_study
from recanal.interop.label_map import read_label_map

nib = pytest.importorskip("nibabel", reason="nibabel writes the NIfTI files of these tests")
nrrd = pytest.importorskip("nrrd", reason="pynrrd writes the NRRD files of these tests")
sitk = pytest.importorskip("SimpleITK", reason="SimpleITK writes the MHA files of these tests")

DATA = Path(__file__).parents[3].parent / "shared" / "data"
SHAPE = (7, 6, 5)
MARK = (4, 1, 2)
RAS = np.array([[-0.5, 0, 0, 30.0], [0, 0, 0.7, -20.0], [0, 0.6, 0, 10.0], [0, 0, 0, 1.0]])
MARK_LPS = np.diag([-1, -1, 1]) @ (RAS @ [*MARK, 1])[:3]


def grid(dtype=np.int16) -> np.ndarray:
    """Air with a bright mark, indexed (i, j, k)."""
    values = np.full(SHAPE, -1000, dtype=np.float64)
    values[1:6, 1:5, 1:4] = 40
    values[MARK] = 700
    return values.astype(dtype)


def check_mark(path) -> None:
    volume = load_study(path).volume
    assert volume.shape == SHAPE[::-1]
    assert volume.hu.flags.c_contiguous
    index = np.argwhere(volume.hu == volume.hu.max())
    assert len(index) == 1
    np.testing.assert_allclose(volume.affine.to_mm(index)[0], MARK_LPS, atol=1e-4)
    np.testing.assert_allclose(volume.hu, grid().T, atol=0.5)


def refusal(path) -> ReadError:
    with pytest.raises(ReadError) as caught:
        load_study(path)
    assert caught.value.file == Path(path).name
    assert "\n" not in str(caught.value)
    return caught.value


def save_nifti(path, values, affine=RAS, kind=nib.Nifti1Image, **header):
    image = kind(values, affine)
    for name, value in header.items():
        image.header[name] = value
    nib.save(image, path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.int32, np.float64])
def test_nifti(tmp_path, suffix, kind, dtype):
    path = save_nifti(tmp_path / f"a{suffix}", grid(dtype), kind=kind)
    check_mark(path)
    expected = np.int16 if np.issubdtype(dtype, np.integer) else np.float32
    assert load_study(path).volume.hu.dtype == expected
    assert load_study(path).info.format == "NIfTI"


def test_nifti_scaled_to_hounsfield(tmp_path):
    image = nib.Nifti1Image((grid() + 1024).astype(np.uint16), RAS)
    nib.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = np.array([1.0, -1024.0], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    check_mark(tmp_path / "a.nii")


def test_nifti_big_endian(tmp_path):
    image = nib.Nifti1Image(grid(), RAS, nib.Nifti1Header(endianness=">"))
    nib.save(image, tmp_path / "a.nii")
    check_mark(tmp_path / "a.nii")


def test_nifti_by_qform_alone(tmp_path):
    image = nib.Nifti1Image(grid(), None)
    image.set_qform(RAS, code=1)
    image.set_sform(None, code=0)
    nib.save(image, tmp_path / "a.nii")
    check_mark(tmp_path / "a.nii")


def test_nifti_without_orientation_is_refused(tmp_path):
    image = nib.Nifti1Image(grid(), None)
    image.set_qform(None, code=0)
    image.set_sform(None, code=0)
    nib.save(image, tmp_path / "a.nii")
    assert refusal(tmp_path / "a.nii").rule == "orientation"


def test_nifti_in_metres(tmp_path):
    image = nib.Nifti1Image(grid(), np.diag([1e-3, 1e-3, 1e-3, 1]) @ RAS)
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "a.nii")
    check_mark(tmp_path / "a.nii")


def test_nifti_with_a_fourth_axis(tmp_path):
    check_mark(save_nifti(tmp_path / "one.nii", grid()[..., None]))
    assert refusal(save_nifti(tmp_path / "two.nii", np.stack([grid(), grid()], -1))).rule == "dimensions"


def test_nifti_in_colour_is_refused(tmp_path):
    rgb = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert refusal(save_nifti(tmp_path / "a.nii", rgb)).rule == "pixel-type"


@pytest.mark.parametrize("values", [grid() + 1100, np.minimum(grid(), -900), (grid() > 0).astype(np.int16)])
def test_values_that_are_no_hounsfield_units(tmp_path, values):
    assert refusal(save_nifti(tmp_path / "a.nii", values)).rule == "not-hounsfield"


def test_values_that_are_not_finite(tmp_path):
    values = grid(np.float32)
    values[0, 0, 0] = np.nan
    assert refusal(save_nifti(tmp_path / "a.nii", values)).rule == "not-finite"


@pytest.mark.parametrize("step", [0.0, 1e-5, 50.0])
def test_spacings_that_cannot_be(tmp_path, step):
    path = save_nifti(tmp_path / "a.nii", grid())
    raw = bytearray(path.read_bytes())
    raw[280:296] = np.array([-step, 0, 0, 30], "<f4").tobytes()
    path.write_bytes(raw)
    assert refusal(path).rule == "spacing"


def test_axes_that_do_not_span_space(tmp_path):
    path = save_nifti(tmp_path / "a.nii", grid())
    raw = bytearray(path.read_bytes())
    raw[280:328] = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1e-9, 0]], "<f4").tobytes()
    path.write_bytes(raw)
    assert refusal(path).rule == "geometry"


def test_a_truncated_nifti(tmp_path):
    path = save_nifti(tmp_path / "a.nii", grid())
    path.write_bytes(path.read_bytes()[:-10])
    assert refusal(path).rule == "truncated"


def test_a_damaged_gzip(tmp_path):
    path = save_nifti(
        tmp_path / "a.nii.gz", np.random.default_rng(0).integers(-1000, 900, (40, 40, 40)).astype(np.int16)
    )
    raw = bytearray(path.read_bytes())
    raw[40_000:40_200] = bytes(200)
    path.write_bytes(raw)
    assert refusal(path).rule == "packing"


def test_a_nifti_that_claims_too_much_is_refused_before_memory_is_taken(tmp_path):
    path = save_nifti(tmp_path / "a.nii", grid())
    raw = bytearray(path.read_bytes())
    raw[42:48] = np.array([8000, 8000, 8000], "<i2").tobytes()
    path.write_bytes(raw)
    tracemalloc.start()
    assert refusal(path).rule == "volume-too-large"
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_a_gzip_bomb_is_not_inflated(tmp_path):
    path = save_nifti(tmp_path / "a.nii", grid())
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(path.read_bytes() + bytes(100 * 2**20)))
    tracemalloc.start()
    check_mark(tmp_path / "b.nii.gz")
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()


SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "LPS": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "RAS": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "LAS": (1, -1, 1),
}


def save_nrrd(path, values=None, space="left-posterior-superior", **fields):
    lps = np.diag([-1, -1, 1, 1]) @ RAS
    flip = np.diag(SPACES.get(space, (1, 1, 1)))
    header = {"space": space, "space directions": (flip @ lps[:3, :3]).T, "space origin": flip @ lps[:3, 3]}
    header |= fields
    nrrd.write(str(path), grid() if values is None else values, {k: v for k, v in header.items() if v is not None})
    return path


@pytest.mark.parametrize("space", sorted(SPACES))
@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_nrrd_spaces(tmp_path, space, encoding):
    path = save_nrrd(tmp_path / "a.nrrd", space=space, encoding=encoding)
    check_mark(path)
    assert load_study(path).info.format == "NRRD"


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.float64])
def test_nrrd_types(tmp_path, dtype):
    check_mark(save_nrrd(tmp_path / "a.nrrd", grid(dtype)))


def test_nrrd_without_directions_or_space(tmp_path):
    fields = {"space directions": None, "space origin": None, "space": None, "spacings": [1.0, 1.0, 1.0]}
    nrrd.write(str(tmp_path / "a.nrrd"), grid(), {k: v for k, v in fields.items() if v is not None})
    assert refusal(tmp_path / "a.nrrd").rule == "orientation"
    path = save_nrrd(tmp_path / "b.nrrd", space="scanner-xyz")
    assert refusal(path).rule == "orientation"


def test_nrrd_with_data_elsewhere_is_not_followed(tmp_path):
    path = save_nrrd(tmp_path / "a.nrrd", encoding="raw")
    raw = path.read_bytes()
    head, _, _ = raw.partition(b"\n\n")
    path.write_bytes(head + b"\ndata file: ../../etc/passwd\n\n")
    assert refusal(path).rule == "detached-data"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"encoding: raw", b"encoding: hex", "encoding"),
        (b"type: int16", b"type: block", "pixel-type"),
        (b"type: short", b"type: block", "pixel-type"),
        (b"sizes: 7 6 5", b"sizes: 7 6 x", "header"),
        (b"sizes: 7 6 5", b"sizes: 9 9 9", "truncated"),
        (b"dimension: 3", b"dimension: 2", "header"),
    ],
)
def test_nrrd_headers_that_are_not_read(tmp_path, old, new, rule):
    path = save_nrrd(tmp_path / "a.nrrd", encoding="raw")
    raw = path.read_bytes()
    if old not in raw:
        assert b"type: short" in raw or b"type: int16" in raw
        return
    path.write_bytes(raw.replace(old, new))
    assert refusal(path).rule == rule


def save_mha(path, values=None, compress=False):
    image = sitk.GetImageFromArray((grid() if values is None else values).T)
    lps = np.diag([-1, -1, 1, 1]) @ RAS
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing([float(s) for s in steps])
    image.SetDirection([float(v) for v in (lps[:3, :3] / steps).ravel()])
    image.SetOrigin([float(v) for v in lps[:3, 3]])
    sitk.WriteImage(image, str(path), compress)
    return path


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.int32])
def test_mha(tmp_path, compress, dtype):
    path = save_mha(tmp_path / "a.mha", grid(dtype), compress)
    check_mark(path)
    assert load_study(path).info.format == "MHA"


def test_mha_agrees_with_itk_for_an_oblique_volume(tmp_path):
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1.0]]) @ np.array(
        [[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]]
    )
    image = sitk.GetImageFromArray(grid().T)
    image.SetSpacing([0.4, 0.5, 0.6])
    image.SetOrigin([1.0, 2.0, 3.0])
    image.SetDirection([float(v) for v in turn.ravel()])
    sitk.WriteImage(image, str(tmp_path / "a.mha"))
    volume = load_study(tmp_path / "a.mha").volume
    expected = image.TransformIndexToPhysicalPoint([int(i) for i in MARK])
    np.testing.assert_allclose(volume.affine.to_mm([MARK[::-1]])[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"ElementDataFile = LOCAL", b"ElementDataFile = /etc/passwd", "detached-data"),
        (b"MET_SHORT", b"MET_OTHER", "pixel-type"),
        (b"DimSize = 7 6 5", b"DimSize = 7 6 nan", "number-finite"),
        (b"DimSize = 7 6 5", b"DimSize = 7 6 five", "header"),
        (b"DimSize = 7 6 5", b"DimSize = 7 6 50", "truncated"),
        (b"NDims = 3", b"NDims 3", "header"),
        (b"TransformMatrix = ", b"TransformMatrix = 1 ", "orientation"),
        (b"TransformMatrix = ", b"Nothing = ", "orientation"),
    ],
)
def test_mha_headers_that_are_not_read(tmp_path, old, new, rule):
    path = save_mha(tmp_path / "a.mha")
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new, 1))
    assert refusal(path).rule == rule


def test_formats_are_told_by_content_not_by_name(tmp_path):
    path = save_mha(tmp_path / "a.mha")
    shutil.copy(path, tmp_path / "b.nii.gz")
    check_mark(tmp_path / "b.nii.gz")


def test_a_folder_with_one_volume_file(tmp_path):
    save_nrrd(tmp_path / "a.nrrd")
    (tmp_path / "notes.txt").write_text("notes")
    check_mark(tmp_path)
    save_mha(tmp_path / "b.mha")
    with pytest.raises(ReadError) as caught:
        load_study(tmp_path)
    assert caught.value.rule == "no-dicom"


def test_series_cannot_be_chosen_in_a_volume_file(tmp_path):
    with pytest.raises(ReadError) as caught:
        load_study(save_nrrd(tmp_path / "a.nrrd"), series_uid="1.2")
    assert caught.value.rule == "series-absent"


@pytest.mark.skipif(not (DATA / "ct_abdomen").is_dir(), reason="the real NIfTI CT is not here")
def test_a_real_nifti():
    path = DATA / "ct_abdomen" / "ct.nii.gz"
    volume = load_study(path).volume
    image = nib.load(path)
    assert volume.shape == image.shape[::-1]
    index = np.array([60, 200, 300])
    ras = image.affine @ [*index[::-1], 1]
    np.testing.assert_allclose(volume.affine.to_mm([index])[0], [-ras[0], -ras[1], ras[2]], atol=1e-4)
    assert volume.hu[60, 200, 300] == int(image.dataobj[300, 200, 60])


# contradictions and cuts


def both_forms(path, sform, qform):
    image = nib.Nifti1Image(grid(), None)
    image.set_sform(sform, code=1)
    image.set_qform(qform, code=1)
    nib.save(image, path)
    return path


@pytest.mark.parametrize(
    ("change", "word"),
    [(np.diag([-1.0, 1, 1, 1]), "left and right"), (np.diag([1.0, 1, 2, 1]), "voxel size")],
)
def test_sform_and_qform_that_contradict_each_other(tmp_path, change, word):
    error = refusal(both_forms(tmp_path / "a.nii", RAS, RAS @ change))
    assert error.rule == "orientation"
    assert word in error.message


def test_sform_and_qform_that_merely_place_the_picture_differently(tmp_path):
    moved = RAS.copy()
    moved[2, 3] += 5
    check_mark(both_forms(tmp_path / "a.nii", RAS, moved))
    assert load_study(tmp_path / "a.nii").flags == ("qform-differs-from-sform",)
    check_mark(both_forms(tmp_path / "b.nii", RAS, RAS))
    assert load_study(tmp_path / "b.nii").flags == ()


def test_a_qform_that_is_not_finite(tmp_path):
    path = both_forms(tmp_path / "a.nii", RAS, RAS)
    raw = bytearray(path.read_bytes())
    raw[256:268] = np.full(3, np.nan, "<f4").tobytes()
    path.write_bytes(raw)
    assert refusal(path).rule == "geometry"


def test_a_qform_of_infinite_voxels(tmp_path):
    path = both_forms(tmp_path / "a.nii", RAS, RAS)
    raw = bytearray(path.read_bytes())
    raw[80:92] = np.full(3, np.inf, "<f4").tobytes()
    path.write_bytes(raw)
    assert refusal(path).rule == "geometry"


@pytest.mark.parametrize("cut", [1, 4, 8, 12])
def test_a_packed_file_without_its_whole_check_sum_is_cut_off(tmp_path, cut):
    for path in (
        save_nifti(tmp_path / "a.nii.gz", grid()),
        save_nrrd(tmp_path / "a.nrrd", encoding="gzip"),
        save_mha(tmp_path / "a.mha", compress=True),
    ):
        path.write_bytes(path.read_bytes()[:-cut])
        assert refusal(path).rule == "truncated"


def test_gzip_in_several_members_is_named_as_such(tmp_path):
    raw = save_nifti(tmp_path / "a.nii", grid()).read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(raw[:700]) + gzip.compress(raw[700:]))
    error = refusal(tmp_path / "b.nii.gz")
    assert error.rule == "packing"
    assert "several" in error.message


@pytest.mark.parametrize("compress", [False, True])
def test_a_grid_longer_than_its_file_takes_no_memory(tmp_path, compress):
    path = save_mha(tmp_path / "a.mha", compress=compress)
    path.write_bytes(path.read_bytes().replace(b"DimSize = 7 6 5", b"DimSize = 1200 1300 1300", 1))
    tracemalloc.start()
    assert refusal(path).rule == "truncated"
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()


@pytest.mark.parametrize(("slope", "rule"), [(np.inf, "slope"), (-np.inf, "slope"), (np.nan, None)])
def test_a_nifti_slope_without_end_is_refused_and_none_at_all_is_not(tmp_path, slope, rule):
    path = save_nifti(tmp_path / "a.nii", grid())
    raw = bytearray(path.read_bytes())
    raw[112:116] = np.float32(slope).tobytes()  # scl_slope
    path.write_bytes(raw)
    if rule is None:
        check_mark(path)
    else:
        assert refusal(path).rule == rule


@pytest.mark.parametrize("sizes", [b"99999999999999999999 6 5", b"inf nan 5", b"-7 -6 5"])
def test_nrrd_sizes_that_cannot_be(tmp_path, sizes):
    path = save_nrrd(tmp_path / "a.nrrd")
    raw = path.read_bytes()
    assert b"sizes: 7 6 5" in raw
    path.write_bytes(raw.replace(b"sizes: 7 6 5", b"sizes: " + sizes, 1))
    assert refusal(path).rule in ("header", "image-size")


def test_nrrd_in_another_unit_is_refused(tmp_path):
    path = save_nrrd(tmp_path / "a.nrrd")
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"encoding:", b'space units: "mm" "mm" "mm"\nencoding:', 1))
    check_mark(path)
    path.write_bytes(raw.replace(b"encoding:", b'space units: "cm" "cm" "cm"\nencoding:', 1))
    assert refusal(path).rule == "spacing-unit"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"DimSize = 7 6 5", b"DimSize = 7.9 6 5", "image-size"),
        (b"DimSize = 7 6 5", b"DimSize = 1e300 6 5", "image-size"),
        (b"DimSize = 7 6 5", b"DimSize = 8000 8000 8000", "volume-too-large"),
        (b"NDims = 3", b"NDims = 4", "header"),
        (b"ElementType", b"DimSize = 3 3 3\nElementType", "header"),
        (b"ElementSpacing = ", b"ElementSpacing = -", "spacing"),
    ],
)
def test_mha_headers_that_contradict_themselves(tmp_path, old, new, rule):
    path = save_mha(tmp_path / "a.mha")
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new, 1))
    assert refusal(path).rule == rule


def skewed(angle_deg: float) -> np.ndarray:
    """The grid with its third axis turned by an angle towards the second."""
    affine, turn = RAS.copy(), np.radians(angle_deg)
    affine[:3, 2] = 0.7 * np.array([0, np.cos(turn), np.sin(turn)])
    affine[:3, 1] = [0, 0, 0.6]
    return affine


def save_skewed(path: Path, angle_deg: float) -> Path:
    """A file of each kind with one axis off its right angle."""
    affine = skewed(angle_deg)
    if path.suffix == ".nii":
        image = nib.Nifti1Image(grid(), None)
        image.set_sform(affine, code=1)
        nib.save(image, path)
    elif path.suffix == ".nrrd":
        save_nrrd(path, **{"space directions": affine[:3, :3].T})
    else:
        lps = np.diag([-1, -1, 1]) @ affine[:3, :3]
        axes = " ".join(f"{v:.6f}" for v in (lps / np.linalg.norm(lps, axis=0)).T.ravel())
        raw = save_mha(path).read_bytes()
        line = next(line for line in raw.split(b"\n") if line.startswith(b"TransformMatrix"))
        path.write_bytes(raw.replace(line, f"TransformMatrix = {axes}".encode()))
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
def test_axes_off_their_right_angles_are_refused(tmp_path, suffix):
    error = refusal(save_skewed(tmp_path / f"a{suffix}", 42.0))
    assert error.rule == "orientation"
    assert error.message == "The axes of the grid are not at right angles: two of them are 42.0 degrees off."
    assert "right angles" in error.hint
    load_study(save_skewed(tmp_path / f"b{suffix}", 0.3))  # the rounding of a header


def test_a_label_map_off_its_right_angles_is_refused(tmp_path):
    for name, angle_deg in (("a.nii", 42.0), ("b.nii", 0.3)):
        image = nib.Nifti1Image((grid() > 100).astype(np.uint8), None)
        image.set_sform(skewed(angle_deg), code=1)
        nib.save(image, tmp_path / name)
    with pytest.raises(ReadError, match=r"not at right angles: two of them are 42\.0 degrees off") as caught:
        read_label_map(tmp_path / "a.nii", most_label=1)
    assert (caught.value.rule, caught.value.file) == ("orientation", "a.nii")
    assert read_label_map(tmp_path / "b.nii", most_label=1)[0].sum() == 1
