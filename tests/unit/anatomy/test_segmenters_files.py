"""Masks and centrelines that lie in a file."""

import nibabel
import numpy as np
import pytest

from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError, OptionError, ReadError
from recanal.interop import write_centerlines_vtp
from recanal.interop.centerline_file import read_centerlines
from recanal.segmenters.stored import CenterlineFile, MaskFile, on_grid

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def quiet(_):
    pass


@pytest.fixture
def volume():
    matrix = np.array([[0.0, 0.0, 0.4, -20.0], [0.0, 0.4, 0.0, -30.0], [0.5, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 1.0]])
    return Volume(np.zeros((20, 40, 30), dtype=np.int16), Affine(matrix))


def blob(volume):
    inside = np.zeros(volume.shape, dtype=np.uint8)
    inside[4:9, 10:30, 8:11] = 1
    inside[8:15, 28:31, 8:20] = 1
    return inside


def saved(path, values, matrix_lps):
    nibabel.save(nibabel.Nifti1Image(values, RAS @ matrix_lps), path)
    return str(path)


def test_a_mask_on_the_same_grid_comes_back_voxel_for_voxel_in_any_axis_order(volume, tmp_path):
    inside = blob(volume)
    path = saved(tmp_path / "a.nii.gz", inside, volume.affine.matrix)
    found = MaskFile(path).segment(volume, progress=quiet)
    assert (found.inside == inside.astype(bool)).all()
    flip = np.zeros((4, 4))
    flip[[2, 0, 1, 3], [0, 1, 2, 3]] = (-1.0, 1.0, 1.0, 1.0)
    flip[2, 3] = volume.shape[2] - 1
    turned = np.ascontiguousarray(inside.transpose(2, 0, 1)[::-1])
    path = saved(tmp_path / "b.nii.gz", turned, volume.affine.matrix @ flip)
    assert (MaskFile(path).segment(volume, progress=quiet).inside == inside.astype(bool)).all()


def test_a_mask_on_a_finer_grid_is_resampled_to_the_volume(volume, tmp_path):
    inside = blob(volume)
    fine = inside.repeat(3, 0).repeat(3, 1).repeat(3, 2)
    matrix = volume.affine.matrix @ np.diag([1 / 3, 1 / 3, 1 / 3, 1.0])
    matrix[:3, 3] = volume.affine.to_mm([[-1 / 3, -1 / 3, -1 / 3]])[0]
    found = MaskFile(saved(tmp_path / "fine.nii.gz", fine, matrix)).segment(volume, progress=quiet)
    assert (found.inside == inside.astype(bool)).all()


def test_a_mask_that_lies_elsewhere_is_refused_with_how_much_of_it(volume, tmp_path):
    path = saved(tmp_path / "ras.nii.gz", blob(volume), RAS @ volume.affine.matrix)
    with pytest.raises(GeometryError, match=r"The mask lies elsewhere: 100 % of it are outside the volume"):
        MaskFile(path).segment(volume, progress=quiet)
    moved = volume.affine.matrix.copy()
    moved[2, 3] -= 3.25
    with pytest.raises(GeometryError, match=r"elsewhere: \d+ % of it"):
        on_grid(blob(volume).astype(bool), Affine(moved), volume)


def test_labels_are_chosen_and_never_guessed(volume, tmp_path):
    labels = blob(volume)
    labels[9:] *= 3
    path = saved(tmp_path / "labels.nii.gz", labels, volume.affine.matrix)
    with pytest.raises(OptionError, match=r"has 2 labels \(1, 3\), and which are coronary arteries is not known"):
        MaskFile(path).segment(volume, progress=quiet)
    chosen = MaskFile(f"{path}#3,vessel")
    found = chosen.segment(volume, progress=quiet)
    assert (found.inside == (labels == 3)).all()
    assert found.covers == "vessel"
    assert chosen.details["labels"] == "3"
    assert len(chosen.details["sha256"]) == 64
    with pytest.raises(OptionError, match=r"no label 2; it has 1, 3"):
        MaskFile(f"{path}#2").segment(volume, progress=quiet)
    with pytest.raises(OptionError, match="got 'lad'"):
        MaskFile(f"{path}#lad")
    empty = saved(tmp_path / "empty.nii.gz", np.zeros(volume.shape, dtype=np.uint8), volume.affine.matrix)
    with pytest.raises(GeometryError, match="every voxel is 0"):
        MaskFile(empty).segment(volume, progress=quiet)


def test_other_dicom_and_probabilities_are_refused_plainly(volume, tmp_path):
    (tmp_path / "report.dcm").write_bytes(bytes(128) + b"DICM" + bytes(200))
    with pytest.raises(ReadError, match=r"report\.dcm"):
        MaskFile(str(tmp_path / "report.dcm")).segment(volume, progress=quiet)
    path = saved(tmp_path / "p.nii.gz", blob(volume).astype(np.float32) * 0.7, volume.affine.matrix)
    with pytest.raises(ReadError, match="whole numbers"):
        MaskFile(path).segment(volume, progress=quiet)
    with pytest.raises(OptionError, match="mask needs a file"):
        MaskFile(None)


LINES = (
    np.array([[1.0, 2.0, 3.0], [1.5, 2.5, 3.25], [2.0, 3.0, 4.0]]),
    np.array([[5.0, 5.0, 5.0], [6.0, 5.0, 5.0]]),
)
RADII = (np.array([1.5, 1.4, 0.0]), np.array([1.0, 0.75]))


def test_a_vtp_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "lines.vtp"
    path.write_bytes(write_centerlines_vtp(LINES, RADII, names=["pRCA", "mRCA"]))
    found = read_centerlines(path)
    assert len(found) == 2
    for line, points, radius in zip(found, LINES, RADII, strict=True):
        assert line.points_mm == pytest.approx(points)
        assert line.radius_mm == pytest.approx(radius)
    lines = CenterlineFile(str(path)).segment(None, progress=quiet)
    assert lines.radius_mm[0] == pytest.approx(RADII[0])


def test_a_table_of_points_gives_lines_with_and_without_radii(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text("line,x_mm,y_mm,z_mm\na,1,2,3\na,1.5,2.5,3.25\na,1.5,2.5,3.25\nb,5,5,5\nb,6,5,5\n")
    found = read_centerlines(path)
    assert [len(line.points_mm) for line in found] == [2, 2]
    assert found[0].radius_mm is None
    path.write_text("line,x_mm,y_mm,z_mm,radius_mm\r\n1,1,2,3,1.5\r\n1,2,2,3,1.25\r\n")
    assert read_centerlines(path)[0].radius_mm == pytest.approx([1.5, 1.25])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y,z\n1,2,3\n", "The header must be line,x_mm,y_mm,z_mm"),
        ("line,x_mm,y_mm,z_mm\n1,1,2\n", "Row 2 has 3 cells"),
        ("line,x_mm,y_mm,z_mm\n1,1,2,drei\n", "Row 2: a coordinate or radius is no number"),
        ("line,x_mm,y_mm,z_mm\n1,1,2,inf\n", "Row 2: a coordinate or radius is not finite"),
        ("line,x_mm,y_mm,z_mm,radius_mm\n1,1,2,3,-1\n1,2,2,3,1\n", "a radius is negative"),
        ("line,x_mm,y_mm,z_mm\n1,1,2,3\n2,1,2,3\n1,4,5,6\n", "line '1' began before another line"),
        ("line,x_mm,y_mm,z_mm\n1,1,2,3\n", "fewer than two different points"),
        ("line,x_mm,y_mm,z_mm\n", "holds no centreline"),
        ("", "The header must be"),
    ],
)
def test_a_wrong_table_is_refused_with_its_row(tmp_path, text, message):
    path = tmp_path / "lines.csv"
    path.write_text(text)
    with pytest.raises(ReadError, match=message):
        read_centerlines(path)


SPACE = b"76 80 83 0"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (SPACE, b"82 65 83 0", "must be LPS, the file says 'RAS'"),
        (b'Name="SPACE"', b'Name="OTHER"', "The file names no space"),
        (b'format="ascii"', b'format="appended"', "Only ASCII .vtp is read"),
        (b"<PolyData>", b"<PolyDato>", "XML of the .vtp is damaged"),
        (b'<?xml version="1.0"?>', b'<?xml version="1.0"?><!DOCTYPE a>', "declares no entities"),
        (b"0 1 2 3 4<", b"0 1 2 3 9<", "name points that are not there"),
        (b"1.0000 2.0000 3.0000", b"nan 2.0000 3.0000", "not finite"),
        (b"1.0000 2.0000 3.0000", b"a 2.0000 3.0000", "something that is no number"),
    ],
)
def test_a_wrong_vtp_is_refused(tmp_path, old, new, message):
    data = write_centerlines_vtp(LINES, RADII)
    assert old in data
    path = tmp_path / "lines.vtp"
    path.write_bytes(data.replace(old, new, 1) if b"format" not in old else data.replace(old, new))
    with pytest.raises(ReadError, match=message):
        read_centerlines(path)


def test_a_file_of_another_kind_or_none_is_refused(tmp_path):
    with pytest.raises(ReadError, match="no such file"):
        read_centerlines(tmp_path / "none.vtp")
    (tmp_path / "a.vtk").write_text("# vtk DataFile Version 3.0")
    with pytest.raises(ReadError, match=r"read from \.vtp"):
        read_centerlines(tmp_path / "a.vtk")
    with pytest.raises(OptionError, match="centerlines needs a file"):
        CenterlineFile("")
