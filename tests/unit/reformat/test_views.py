"""Cuts through drawn tubes, where the truth is known in millimetres."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from recanal.core.curves import Centerline, Contours, frames
from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError
from recanal.reformat.borders import border_overlays
from recanal.reformat.curved import cross_section, plaque_classes
from recanal.reformat.sampling import Plane, sample_plane, slab_mip
from recanal.reformat.views import lesion_views, sample_mm, straighten, stretch

LUMEN_HU, FAT_HU = 400, -90
RADIUS_MM = 2.0
SECTIONS = {"proximal_reference": 6.0, "proximal_cap": 12.0, "middle": 16.0, "distal_cap": 20.0}


def tube_contours(points: np.ndarray, *, wall_mm: float = 2.5, gap: tuple[float, float] | None = None) -> Contours:
    line = Centerline(points)
    _, normals, binormals = frames(line)
    shape = (len(points), 16)
    lumen = np.full(shape, RADIUS_MM)
    if gap is not None:
        lumen[(line.arc_mm >= gap[0]) & (line.arc_mm <= gap[1])] = 0.0
    return Contours(line, normals, binormals, lumen, np.full(shape, wall_mm), np.ones(shape, dtype=bool))


def straight_points(length_mm: float = 30.0) -> np.ndarray:
    z = np.linspace(0.0, length_mm, 61)
    return np.stack([np.full_like(z, 15.0), np.full_like(z, 12.0), z + 5.0], axis=1)


def draw(affine: Affine, shape: tuple[int, int, int]) -> Volume:
    """A soft-edged tube along z through (15, 12), with a side mark at +x that breaks the symmetry."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3)
    x, y, _ = affine.to_mm(index).T
    far = np.hypot(x - 15.0, y - 12.0)
    hu = FAT_HU + (LUMEN_HU - FAT_HU) * np.clip((RADIUS_MM - far) / 0.5 + 0.5, 0, 1)
    hu[np.hypot(x - 19.0, y - 12.0) < 0.8] = 200
    return Volume(hu.reshape(shape).astype(np.int16), affine)


@pytest.fixture(scope="module")
def tube() -> Volume:
    return draw(Affine.from_spacing((0.5, 0.5, 0.5)), (60, 50, 80))


def flipped(volume: Volume, axis: int) -> Volume:
    matrix = np.array(volume.affine.matrix)
    matrix[:3, 3] += matrix[:3, axis] * (volume.shape[axis] - 1)
    matrix[:3, axis] *= -1
    return Volume(np.flip(volume.hu, axis).copy(), Affine(matrix))


def half_width_mm(row: np.ndarray, pixel_mm: float) -> tuple[float, float]:
    """Distances from the middle to where a row falls through half, on either side."""
    level = (LUMEN_HU + FAT_HU) / 2
    middle = len(row) // 2
    out = []
    for side in (row[middle:], row[middle::-1]):
        k = int(np.argmax(side < level))
        out.append((k - 1 + (side[k - 1] - level) / (side[k - 1] - side[k])) * pixel_mm)
    return out[0], out[1]


def test_sampling_is_linear_and_nan_outside(tube: Volume) -> None:
    ramp = Volume(np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6), Affine.from_spacing((1.0, 2.0, 0.5)))
    got = sample_mm(ramp, [[[1.5, 4.0, 1.25], [3.0, 8.0, 2.5]], [[3.001, 0, 0], [0, 0, -0.001]]])
    assert got.shape == (2, 2)
    assert got[0].tolist() == [1.5 * 30 + 2.0 * 6 + 2.5, 119.0]
    assert np.isnan(got[1]).all()


def test_straight_tube_lies_in_the_middle_with_the_right_width(tube: Volume) -> None:
    view = straighten(tube, tube_contours(straight_points()))
    assert view.row_positions_mm is not None
    assert view.row_positions_mm[[0, -1]].tolist() == [0.0, 30.0]
    assert view.pixel_mm == (pytest.approx(0.2), pytest.approx(0.2))
    assert view.hu.shape[0] == 151
    assert view.hu.shape[1] % 2 == 1
    for row in view.hu[10:-10:20]:
        for half in half_width_mm(row, view.pixel_mm[1]):
            assert half == pytest.approx(RADIUS_MM, abs=0.1)


def test_borders_of_a_straightened_tube_lie_on_its_edges(tube: Volume) -> None:
    contours = tube_contours(straight_points(), gap=(12.0, 20.0))
    view = straighten(tube, contours, caps_mm=(12.0, 20.0))
    middle = view.hu.shape[1] // 2
    walls = [o.row_column for o in view.overlays if o.role == "wall"]
    assert sorted(round(float(w[0, 1] - middle) * 0.2, 6) for w in walls) == [-2.5, 2.5]
    lumens = [o.row_column for o in view.overlays if o.role == "lumen"]
    assert len(lumens) == 4
    rows = np.concatenate([line[:, 0] for line in lumens]) * view.pixel_mm[0]
    assert not np.any((rows > 12.1) & (rows < 19.9))
    caps = {o.role: o.row_column[:, 0] * view.pixel_mm[0] for o in view.overlays if o.role.endswith("cap")}
    assert caps["proximal_cap"] == pytest.approx([12.0, 12.0])
    assert caps["distal_cap"] == pytest.approx([20.0, 20.0])


def test_rotation_turns_the_side_mark_out_of_the_picture(tube: Volume) -> None:
    contours = tube_contours(straight_points())
    views = [straighten(tube, contours, rotation_deg=turn) for turn in (0.0, 90.0)]
    assert [view.name for view in views] == ["straightened_000", "straightened_090"]
    column = round(4.0 / 0.2)
    marks = []
    for view in views:
        middle = view.hu.shape[1] // 2
        marks.append(max(view.hu[40, middle + column], view.hu[40, middle - column]))
    assert sorted(mark > 100 for mark in marks) == [False, True]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flipped_volume_gives_the_same_pictures(tube: Volume, axis: int) -> None:
    contours = tube_contours(straight_points(), gap=(12.0, 20.0))
    for one, other in zip(
        lesion_views(tube, contours, proximal_cap_mm=12.0, distal_cap_mm=20.0, sections=SECTIONS),
        lesion_views(flipped(tube, axis), contours, proximal_cap_mm=12.0, distal_cap_mm=20.0, sections=SECTIONS),
        strict=True,
    ):
        np.testing.assert_allclose(one.hu, other.hu, atol=1e-2)


def test_transposed_axes_give_the_same_picture(tube: Volume) -> None:
    matrix = np.array(tube.affine.matrix)[:, [2, 0, 1, 3]]
    other = Volume(np.ascontiguousarray(tube.hu.transpose(2, 0, 1)), Affine(matrix))
    contours = tube_contours(straight_points())
    np.testing.assert_allclose(stretch(tube, contours).hu, stretch(other, contours).hu, atol=1e-2)


def test_names_and_kinds_of_an_occlusion(tube: Volume) -> None:
    contours = tube_contours(straight_points(), gap=(12.0, 20.0))
    views = lesion_views(tube, contours, proximal_cap_mm=12.0, distal_cap_mm=20.0, sections=SECTIONS)
    names = [view.name for view in views]
    assert names == [
        "axial_proximal_cap",
        "axial_distal_cap",
        *(f"cross_section_{name}" for name in SECTIONS),
        "straightened_000",
        "straightened_090",
        "stretched",
        "mpr",
        "mip",
    ]
    assert {v.kind for v in views} == {"axial", "cross_section", "straightened", "stretched", "mpr", "mip"}
    classes = {v.name: v.classes is not None for v in views}
    assert not classes["cross_section_proximal_reference"]
    assert classes["cross_section_middle"]
    assert classes["straightened_090"]
    assert not classes["mip"]


def test_an_open_vessel_has_no_caps(tube: Volume) -> None:
    views = lesion_views(
        tube, tube_contours(straight_points()), proximal_cap_mm=None, distal_cap_mm=None, sections={"narrowest": 9.0}
    )
    assert [v.name for v in views] == [
        "cross_section_narrowest",
        "straightened_000",
        "straightened_090",
        "stretched",
        "mpr",
        "mip",
    ]
    assert not any(o.role.endswith("cap") for v in views for o in v.overlays)
    assert all(v.classes is None for v in views)


@pytest.mark.parametrize(
    ("caps", "sections"),
    [((None, 20.0), {}), ((20.0, 12.0), {}), ((5.0, 99.0), {}), ((5.0, 9.0), {"middle": 31.0})],
)
def test_positions_off_the_vessel_are_refused(tube: Volume, caps: tuple, sections: dict) -> None:
    with pytest.raises(GeometryError, match="must lie on the vessel"):
        lesion_views(
            tube,
            tube_contours(straight_points()),
            proximal_cap_mm=caps[0],
            distal_cap_mm=caps[1],
            sections=sections,
        )


def test_cross_section_is_centred_and_seen_from_the_proximal_end(tube: Volume) -> None:
    contours = tube_contours(straight_points(), gap=(12.0, 20.0))
    view = cross_section(tube, contours, 16.0, caps_mm=(12.0, 20.0))
    middle = view.hu.shape[0] // 2
    assert half_width_mm(view.hu[middle], 0.1) == pytest.approx((RADIUS_MM, RADIUS_MM), abs=0.1)
    rim = next(o for o in view.overlays if o.role == "wall").row_column
    assert np.hypot(*(rim - middle).T) * 0.1 == pytest.approx(2.5, abs=0.01)
    assert not any(o.role == "lumen" for o in view.overlays)
    assert view.classes is not None
    area = np.count_nonzero(view.classes) * 0.01
    inside = np.pi * 2.5**2
    assert 0.55 * inside < area <= inside * 1.01
    frame_right, frame_down = contours.normals[32], contours.binormals[32]
    assert np.cross(frame_right, frame_down) == pytest.approx([0, 0, 1])


def test_the_wall_that_was_not_seen_is_marked(tube: Volume) -> None:
    contours = tube_contours(straight_points())
    seen = np.ones(contours.wall_seen.shape, dtype=bool)
    seen[20:31, 6:11] = False  # half the rim, around angle 180 degrees, from 10 to 15 mm
    blind = dataclasses.replace(contours, wall_seen=seen)
    assert not any(o.role == "wall_bridged" for o in straighten(tube, contours).overlays)
    view = straighten(tube, blind)
    marked = [o.row_column for o in view.overlays if o.role == "wall_bridged"]
    assert len(marked) == 1
    assert marked[0][[0, -1], 0] * view.pixel_mm[0] == pytest.approx([10.0, 15.0], abs=0.3)
    assert marked[0][:, 1].max() < view.hu.shape[1] // 2
    cut = cross_section(tube, blind, 12.0)
    middle = cut.hu.shape[0] // 2
    runs = [o.row_column - middle for o in cut.overlays if o.role == "wall_bridged"]
    assert len(runs) == 1
    turn = np.rad2deg(np.unwrap(np.arctan2(runs[0][:, 0], runs[0][:, 1]) % (2 * np.pi)))
    assert (turn.min(), turn.max()) == pytest.approx((6 * 22.5 - 11, 10 * 22.5 + 11), abs=4)
    assert any(o.role == "wall" for o in cut.overlays)


def test_a_long_vessel_is_not_stretched_into_a_ribbon() -> None:
    volume = Volume(np.zeros((20, 20, 60), dtype=np.int16), Affine.from_spacing((2.0, 2.0, 5.0)))
    view = stretch(volume, tube_contours(straight_points(250.0)))
    assert view.hu.shape[1] / view.hu.shape[0] == pytest.approx(0.45, abs=0.03)


def test_composition_uses_half_open_bins_and_ignores_what_is_missing() -> None:
    hu = np.float32([[-31, -30, 75.9, 76], [131, 350.9, 351, np.nan]])
    inside = np.ones(hu.shape, dtype=bool)
    assert plaque_classes(hu, inside).tolist() == [[0, 1, 1, 2], [3, 3, 4, 0]]
    inside[0] = False
    assert plaque_classes(hu, inside).tolist() == [[0, 0, 0, 0], [3, 3, 4, 0]]


def test_composition_stops_at_the_caps(tube: Volume) -> None:
    contours = tube_contours(straight_points(), gap=(12.0, 20.0))
    view = straighten(tube, contours, caps_mm=(12.0, 20.0))
    assert view.classes is not None
    assert view.row_positions_mm is not None
    rows = view.row_positions_mm[np.flatnonzero(view.classes.any(axis=1))]
    assert rows.min() == pytest.approx(12.0, abs=0.11)
    assert rows.max() == pytest.approx(20.0, abs=0.11)
    columns = np.flatnonzero(view.classes.any(axis=0)) - view.hu.shape[1] // 2
    assert np.abs(columns).max() * 0.2 <= 2.5


def test_a_slab_is_as_thick_as_it_says() -> None:
    hu = np.full((40, 40, 81), -100, dtype=np.int16)
    hu[10, 10, 40 + 9] = hu[10, 30, 40 - 9] = hu[30, 10, 40 + 11] = hu[30, 30, 40 - 11] = 1000
    volume = Volume(hu, Affine.from_spacing((0.5, 0.5, 0.5)))
    plane = Plane.around((10.0, 10.0, 20.0), (0, 1, 0), (1, 0, 0), size_mm=(16.0, 16.0), pixel_mm=0.5)
    thick = slab_mip(volume, plane, thickness_mm=10.0)
    inner = plane.pixels([[5, 5, 0], [5, 15, 0]]).astype(int)
    outer = plane.pixels([[15, 5, 0], [15, 15, 0]]).astype(int)
    assert thick[tuple(inner.T)].tolist() == [1000, 1000]
    assert thick[tuple(outer.T)].tolist() == [-100, -100]
    thicker = slab_mip(volume, plane, thickness_mm=12.0)
    assert thicker[tuple(outer.T)].min() > 0
    with pytest.raises(GeometryError, match="thicker than 0"):
        slab_mip(volume, plane, thickness_mm=0.0)


def test_slab_thickness_does_not_depend_on_the_voxels() -> None:
    hu = np.full((20, 20, 11), -100, dtype=np.int16)
    hu[:, :, 7] = 500
    volume = Volume(hu, Affine.from_spacing((1.0, 1.0, 3.0)))
    plane = Plane.around((10.0, 10.0, 15.0), (0, 1, 0), (1, 0, 0), size_mm=(4.0, 4.0), pixel_mm=1.0)
    assert slab_mip(volume, plane, thickness_mm=12.0).max() == 500
    assert slab_mip(volume, plane, thickness_mm=5.9).max() < 0


def arc_points(radius_mm: float = 20.0) -> np.ndarray:
    turn = np.linspace(0, np.pi / 2, 200)
    return np.stack([radius_mm * np.cos(turn) + 5, np.full_like(turn, 15.0), radius_mm * np.sin(turn) + 5], axis=1)


def test_a_stretched_picture_keeps_lengths_along_the_vessel() -> None:
    contours = tube_contours(arc_points())
    volume = Volume(np.zeros((70, 60, 70), dtype=np.int16), Affine.from_spacing((0.5, 0.5, 0.5)))
    view = stretch(volume, contours, caps_mm=(8.0, 20.0))
    line = next(o for o in view.overlays if o.role == "centerline").row_column * view.pixel_mm
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    assert steps.sum() == pytest.approx(contours.line.length_mm, rel=1e-3)
    assert steps == pytest.approx(steps.mean(), rel=1e-2)
    bent = np.ptp(line[:, 1])
    assert bent == pytest.approx(20.0 * (1 - np.cos(np.pi / 4)), rel=0.02)
    assert view.row_positions_mm is not None
    assert np.all(np.diff(view.row_positions_mm) > 0)
    cap = next(o for o in view.overlays if o.role == "distal_cap").row_column[0] * view.pixel_mm
    walked = np.concatenate([[0], np.cumsum(steps)])
    assert walked[np.argmin(np.linalg.norm(line - cap, axis=1))] == pytest.approx(20.0, abs=0.15)


def test_the_plane_of_the_vessel_holds_a_flat_curve() -> None:
    contours = tube_contours(arc_points(), gap=(10.0, 20.0))
    volume = Volume(np.zeros((70, 60, 70), dtype=np.int16), Affine.from_spacing((0.5, 0.5, 0.5)))
    views = {v.name: v for v in lesion_views(volume, contours, proximal_cap_mm=10.0, distal_cap_mm=20.0, sections={})}
    line = next(o for o in views["mpr"].overlays if o.role == "centerline").row_column * views["mpr"].pixel_mm
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).sum() == pytest.approx(contours.line.length_mm, rel=0.01)
    caps = {o.role: o.row_column[0, 0] for o in views["mpr"].overlays if o.role.endswith("cap")}
    assert caps["proximal_cap"] < caps["distal_cap"]


def test_the_border_of_a_tube_cut_across_is_a_closed_circle() -> None:
    contours = tube_contours(straight_points())
    plane = Plane.around((15.0, 12.0, 20.2), (0, 1, 0), (1, 0, 0), size_mm=(12.0, 12.0), pixel_mm=0.2)
    overlays = border_overlays(contours, plane)
    assert [o.role for o in overlays] == ["wall", "lumen"]
    for overlay, radius in zip(overlays, (2.5, RADIUS_MM), strict=True):
        line = (overlay.row_column - 30) * 0.2
        assert np.hypot(*line.T) == pytest.approx(radius, abs=0.06)
        assert line[0] == pytest.approx(line[-1])


def test_the_border_of_a_tube_cut_along_is_two_lines_open_at_the_gap() -> None:
    contours = tube_contours(straight_points(), gap=(12.0, 20.0))
    plane = Plane.around((15.0, 12.1, 20.0), (0, 0, 1), (1, 0, 0), size_mm=(40.0, 12.0), pixel_mm=0.2)
    roles = [o.role for o in border_overlays(contours, plane)]
    assert roles.count("wall") == 2
    assert roles.count("lumen") == 4


def test_axial_pictures_show_the_right_side_on_the_left(tube: Volume) -> None:
    contours = tube_contours(straight_points(), gap=(12.0, 20.0))
    view = lesion_views(tube, contours, proximal_cap_mm=12.0, distal_cap_mm=20.0, sections={})[0]
    spot = next(o for o in view.overlays if o.role == "proximal_cap").row_column[0]
    assert spot.tolist() == [125.0, 125.0]
    assert view.hu[125, 125 + 20] > 100  # the mark lies at +x, towards the patient's left
    assert view.hu[125, 125 - 20] < 0
    assert np.isnan(view.hu[0, 0])


def test_a_plane_must_have_orthonormal_axes() -> None:
    with pytest.raises(GeometryError, match="orthonormal"):
        Plane(np.zeros(3), np.array([0.0, 2.0, 0.0]), np.array([1.0, 0.0, 0.0]), 0.5, (3, 3))


def test_a_plane_samples_the_same_as_its_points(tube: Volume) -> None:
    down, right = np.array([0.0, 0.6, 0.8]), np.array([1.0, 0.0, 0.0])
    plane = Plane.around((15.0, 12.0, 18.0), down, right, size_mm=(8.0, 6.0), pixel_mm=0.5)
    rows, columns = plane.shape
    grid = plane.origin_mm + 0.5 * (np.arange(rows)[:, None, None] * down + np.arange(columns)[None, :, None] * right)
    np.testing.assert_allclose(sample_plane(tube, plane), sample_mm(tube, grid), atol=1e-3)
    assert plane.pixels(grid[3, 2]) == pytest.approx(np.array([[3.0, 2.0]]))
