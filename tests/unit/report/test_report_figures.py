"""The pictures: names, true proportions, marks where they belong."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recanal.core.case import CaseReport, Profile
from recanal.core.curves import Contours
from recanal.core.reformat import Overlay, Reformat
from recanal.report.canvas import grey, ruler_step_mm
from recanal.report.figures import render_figures
from recanal.report.orientation import edge_letters, opposite
from recanal.report.palette import CAP_DARK, COMPONENT_COLOURS, LUMEN, OUTSIDE, WALL
from recanal.report.picture import flat_png, section_png
from recanal.report.strip import LEFT_PX, WIDTH_PX, Axis, shared_axis, strip_png

Views = tuple[Reformat, ...]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 40) -> np.ndarray:
    return np.abs(picture - np.array(colour)).max(axis=-1) <= tolerance


def band(*, gap: bool = True) -> Reformat:
    """A straightened picture of a tube of radius 2 mm and wall 3 mm, 60 mm long, caps at 20 and 40 mm."""
    rows, columns, pixel = 301, 81, 0.2
    s = np.arange(rows) * pixel
    u = (np.arange(columns) - 40) * pixel
    hu = np.where(np.abs(u)[None] <= 2.0, 400.0, -90.0) * np.ones((rows, 1))
    inside = (s >= 20) & (s <= 40)
    hu[np.ix_(inside, np.abs(u) <= 3.0)] = 60.0
    classes = np.zeros((rows, columns), dtype=np.uint8)
    classes[np.ix_(inside, np.abs(u) <= 3.0)] = 1
    overlays = [Overlay("wall", np.stack([np.arange(rows), np.full(rows, 40.0 + side)], 1)) for side in (-15, 15)]
    if gap:
        overlays.append(Overlay("proximal_cap", np.array([[100.0, 0.0], [100.0, 80.0]])))
        overlays.append(Overlay("distal_cap", np.array([[200.0, 0.0], [200.0, 80.0]])))
    return Reformat(
        "straightened",
        "straightened_000",
        "",
        hu.astype(np.float32),
        (pixel, pixel),
        tuple(overlays),
        classes if gap else None,
        s,
    )


def test_every_view_and_the_profile_get_a_picture(case: CaseReport, views: Views) -> None:
    figures = render_figures(case, {"L1": views})
    assert set(figures) == {f"figures/L1_{view.name}.png" for view in views} | {"figures/L1_profile.png"}
    for name, png in figures.items():
        assert png.startswith(b"\x89PNG"), name
        assert pixels(png).std() > 5, name


def test_figures_are_the_same_every_time(case: CaseReport, views: Views) -> None:
    assert render_figures(case, {"L1": views}) == render_figures(case, {"L1": views})


def test_without_views_only_the_graph_is_drawn(case: CaseReport) -> None:
    assert list(render_figures(case, {})) == ["figures/L1_profile.png"]
    bare = dataclasses.replace(case, lesions=(dataclasses.replace(case.lesions[0], profile=Profile()),))
    assert render_figures(bare, {}) == {}


def test_graph_and_straightened_pictures_share_one_axis(case: CaseReport, views: Views) -> None:
    figures = render_figures(case, {"L1": views})
    strips = [pixels(figures[f"figures/L1_{name}.png"]) for name in ("straightened_000", "straightened_090", "profile")]
    assert {strip.shape[1] for strip in strips} == {WIDTH_PX}
    axis = shared_axis(views)
    assert axis is not None
    graph = near(strips[2], CAP_DARK, 30).sum(axis=0)
    for cap in axis.caps_mm:
        column = axis.x_px(cap)
        around = slice(round(column) - 6, round(column) + 7)
        assert abs(int(np.argmax(graph[around])) - 6) <= 2


def test_the_axis_starts_at_the_proximal_cap() -> None:
    axis = shared_axis([band()])
    assert axis is not None
    assert axis.caps_mm == pytest.approx((0.0, 20.0))
    assert (axis.start_mm + axis.end_mm, axis.zero_mm) == pytest.approx((20.0, 20.0))
    assert axis.start_mm < -20.1
    assert axis.wall_mm == pytest.approx(3.0)
    open_axis = shared_axis([band(gap=False)])
    assert open_axis is not None
    assert open_axis.caps_mm == ()
    assert open_axis.zero_mm == 0.0
    assert shared_axis([]) is None


def test_a_strip_keeps_true_proportions_and_places() -> None:
    axis = shared_axis([band()])
    assert axis is not None
    picture = pixels(strip_png(band(), axis))
    red = near(picture, COMPONENT_COLOURS["necrotic_core"])
    columns = np.flatnonzero(red.sum(axis=0) > 20)
    assert columns.min() == pytest.approx(axis.x_px(0.0), abs=6)
    assert columns.max() == pytest.approx(axis.x_px(20.0), abs=6)
    x = round(axis.x_px(10.0))
    tall = np.flatnonzero(red[:, x])
    assert np.ptp(tall) / axis.px_per_mm == pytest.approx(6.0, abs=0.35)
    x = round(axis.x_px(-10.0))
    bright = picture[:, x].mean(axis=1) > 120
    upper = np.flatnonzero(bright[38:238])
    assert np.ptp(upper) / axis.px_per_mm == pytest.approx(4.0, abs=0.4)


def test_a_strip_is_drawn_for_a_vessel_of_any_length() -> None:
    short, view = Axis(0.0, 4.0, 0.0, ()), band(gap=False)
    cut = dataclasses.replace(view, hu=view.hu[:20], row_positions_mm=np.arange(20) * 0.2, overlays=())
    assert pixels(strip_png(cut, short)).shape[1] == WIDTH_PX
    long = np.arange(301) * 1.0
    axis = shared_axis([dataclasses.replace(view, row_positions_mm=long, pixel_mm=(1.0, 0.2))])
    assert axis is not None
    assert pixels(strip_png(dataclasses.replace(view, row_positions_mm=long, pixel_mm=(1.0, 0.2)), axis)).shape[0] < 300


def test_flat_pictures_have_square_millimetres() -> None:
    hu = np.full((100, 60), -90, dtype=np.float32)
    spot = Overlay("proximal_cap", np.array([[50.0, 30.0]]))
    picture = pixels(flat_png(Reformat("mip", "mip", "", hu, (0.5, 0.25), (spot,))))
    assert picture.shape[0] / picture.shape[1] == pytest.approx(50 / 15, rel=0.01)


def test_what_lies_outside_the_volume_is_not_black() -> None:
    hu = np.full((20, 20), -90, dtype=np.float32)
    hu[:, :10] = np.nan
    picture = np.asarray(grey(hu, (40, 40)))
    assert tuple(picture[20, 5]) == OUTSIDE
    assert len(set(picture[20, 35].tolist())) == 1


def test_fat_plaque_lumen_and_calcium_have_four_greys() -> None:
    hu = np.float32([[-90, 90, 380, 900]])
    levels = np.asarray(grey(hu.repeat(4, 0), (4, 4)))[0, :, 0].astype(int)
    assert np.diff(levels).min() > 40
    assert levels[0] > 20


def test_components_differ_in_lightness_and_not_in_hue_alone() -> None:
    luminance = sorted(
        float(np.array([0.2126, 0.7152, 0.0722]) @ (np.array(colour) / 255.0) ** 2.2)
        for colour in COMPONENT_COLOURS.values()
    )
    lightness = 116 * np.cbrt(luminance) - 16
    assert np.diff(lightness).min() > 12


def test_a_section_shows_the_bare_image_above_and_the_borders_below() -> None:
    angle = np.linspace(0, 2 * np.pi, 60)
    ring = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    hu = np.full((101, 101), -90, dtype=np.float32)
    classes = np.zeros((101, 101), dtype=np.uint8)
    classes[45:56, 45:56] = 4
    overlays = (Overlay("wall", 50 + 30 * ring), Overlay("lumen", 50 + 18 * ring))
    view = Reformat("cross_section", "cross_section_middle", "", hu, (0.1, 0.1), overlays, classes)
    picture = pixels(section_png(view))
    upper, lower = picture[:300], picture[-300:]
    assert not near(upper, WALL).any()
    wall = np.argwhere(near(lower, WALL, 25))
    assert np.hypot(*(wall - 149.5).T) / 300 * 10.1 == pytest.approx(3.0, abs=0.12)
    assert near(lower, LUMEN, 25).any()
    assert tuple(lower[150, 150]) == COMPONENT_COLOURS["dense_calcium"]


def section(**changes: Any) -> Reformat:
    hu = np.full((101, 101), -90, dtype=np.float32)
    view = Reformat("cross_section", "cross_section_middle", "", hu, (0.1, 0.1), position_mm=33.5)
    return dataclasses.replace(view, **changes)


def test_a_section_says_where_it_lies_along_the_strip() -> None:
    axis = Axis(-20.0, 40.0, 20.0, (0.0, 20.0))
    placed, bare = pixels(section_png(section(), axis)), pixels(section_png(section()))
    band_px = len(placed) - len(bare) - 8
    assert 20 <= band_px <= 50
    assert (placed[-len(bare) :] == bare).all()
    assert (placed[:band_px].max(axis=-1) < 100).any()
    elsewhere = pixels(section_png(section(position_mm=34.5), axis))
    assert (elsewhere[:band_px] != placed[:band_px]).any()
    zeros = [pixels(section_png(section(position_mm=mm), axis)) for mm in (19.999, 20.0)]  # never "-0.0"
    assert (zeros[0] == zeros[1]).all()
    assert not near(placed[:band_px], CAP_DARK, 10).any()
    cap = pixels(section_png(section(name="cross_section_proximal_cap", position_mm=20.0), axis))
    assert near(cap[:band_px], CAP_DARK, 10).any()


def test_the_edges_of_a_section_are_lettered_where_the_directions_are_known() -> None:
    bare = pixels(section_png(section()))
    lettered = pixels(section_png(section(right_direction=(1.0, 0.0, 0.0), down_direction=(0.0, 1.0, 0.0))))
    changed = (lettered != bare).any(axis=-1)
    assert not changed[308:].any()
    rows, columns = np.nonzero(changed[:300])
    right, left, top = columns > 250, columns < 50, rows < 50
    assert min(right.sum(), left.sum(), top.sum()) > 20
    assert (right | left | top).all()
    turned = pixels(section_png(section(right_direction=(-1.0, 0.0, 0.0), down_direction=(0.0, 1.0, 0.0))))
    assert (turned != lettered).any()


def test_edges_are_named_by_the_axis_they_point_along() -> None:
    named = {
        (1.0, 0.0, 0.0): "L",
        (-1.0, 0.0, 0.0): "R",
        (0.0, 1.0, 0.0): "P",
        (0.0, -1.0, 0.0): "A",
        (0.0, 0.0, 1.0): "H",
        (0.0, 0.0, -1.0): "F",
        (0.5, -0.8, 0.3): "AL",
        (-0.39, 0.0, 0.92): "H",
    }
    assert {way: edge_letters(way) for way in named} == named
    assert opposite("AL") == "PR"


def test_the_cuts_of_the_next_room_carry_place_and_directions(views: Views, contours: Contours) -> None:
    """An axial cut has the patient's left on the right and the back below; a section lies across the vessel."""
    flat = {view.name: view for view in views}
    axial = flat["axial_proximal_cap"]
    assert (axial.right_direction, axial.down_direction) == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    cap = flat["cross_section_proximal_cap"]
    assert cap.position_mm == pytest.approx(27.3)
    tangent = np.diff(contours.line.at([26.8, 27.8]), axis=0)[0]
    # right and down span the picture, and seen from the proximal end the vessel runs into it
    assert cap.right_direction is not None
    assert cap.down_direction is not None
    inward = np.cross(cap.right_direction, cap.down_direction)
    assert float(inward @ tangent) / np.linalg.norm(tangent) > 0.99
    assert flat["stretched"].right_direction is None


def test_the_unit_stands_clear_of_the_first_number() -> None:
    axis = Axis(-20.0, 45.0, 0.0, (0.0, 20.0))
    strip = pixels(strip_png(dataclasses.replace(band(), row_positions_mm=np.arange(301) * 0.2), axis))
    ink = np.flatnonzero((strip[-28:, : LEFT_PX + 40].max(axis=-1) < 120).any(axis=0))
    assert axis.ticks_mm(axis.step_mm)[0] == axis.start_mm
    assert np.diff(ink).max() > 20


def test_an_open_vessel_has_no_components_in_its_legend(case: CaseReport) -> None:
    zero = (0.0,) * 20
    profile = Profile(tuple(map(float, range(20))), (4.0,) * 20, (9.0,) * 20, zero, zero, zero, zero, zero)
    lesion = dataclasses.replace(case.lesions[0], kind="none", profile=profile)
    figures = render_figures(dataclasses.replace(case, lesions=(lesion,)), {})
    picture = pixels(figures["figures/L1_profile.png"])
    assert near(picture, LUMEN, 20).any()
    assert not near(picture, COMPONENT_COLOURS["necrotic_core"], 20).any()
    assert not near(picture, COMPONENT_COLOURS["fibrous"], 20).any()


def test_the_wall_that_was_not_seen_is_dashed() -> None:
    line = np.stack([np.full(60, 25.0), np.linspace(10, 90, 60)], axis=1)
    hu = np.full((101, 101), -90, dtype=np.float32)
    whole = Reformat("cross_section", "cross_section_middle", "", hu, (0.1, 0.1), (Overlay("wall", line),))
    dashed = dataclasses.replace(whole, overlays=(*whole.overlays, Overlay("wall_bridged", line)))
    plain, broken = (near(pixels(section_png(view))[-300:], WALL, 30).sum() for view in (whole, dashed))
    assert 0.2 * plain < broken < 0.75 * plain


def test_rulers_use_round_steps() -> None:
    assert [ruler_step_mm(span) for span in (6, 14, 70, 320)] == [1.0, 2.0, 10.0, 50.0]


def test_profile_with_gaps_is_drawn(case: CaseReport) -> None:
    profile = Profile((0.0, 1.0, 2.0), (1.0, float("nan"), 2.0), (5.0, 5.0, 5.0))
    lesion = dataclasses.replace(case.lesions[0], profile=profile)
    figures = render_figures(dataclasses.replace(case, lesions=(lesion,)), {})
    picture = pixels(figures["figures/L1_profile.png"])
    assert near(picture, WALL, 20).any()
    assert near(picture, LUMEN, 20).any()
    assert not near(picture, COMPONENT_COLOURS["necrotic_core"], 20).any()


def test_a_short_vessel_has_blank_ends() -> None:
    axis = shared_axis([band()])
    assert axis is not None
    picture = pixels(strip_png(band(), axis))
    assert near(picture[26:220, LEFT_PX - 6 : LEFT_PX + 20], (255, 255, 255), 60).all()
