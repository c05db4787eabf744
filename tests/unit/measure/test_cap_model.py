"""The funnel in which a lumen ends: drawn in three dimensions, blurred there, and fitted from its sections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Centerline, frames
from recanal.imaging.lumen_level import LumenLevel
from recanal.imaging.sections import RING_MM, Sections
from recanal.measure.cap_model import EndPicture, fit_funnel
from recanal.measure.cap_shape import OpenEnd, taper

VOXEL_MM = 0.15
SIGMA_MM = 0.42
RADIUS_MM = 1.5
WALL_MM = 1.95
LUMEN_HU, PLAQUE_HU, FAT_HU = 360.0, 90.0, -90.0
ARC = np.arange(-12.0, 10.001, 0.25)


def drawn(
    length_mm: float, *, noise_hu: float = 0.0, seed: int = 0, calcium: bool = False, spot_hu: float | None = None
) -> NDArray[np.float32]:
    """(n, m, r) sections of a vessel along x whose lumen ends in a cone (flat when 0), half of it beyond x = 0."""
    along = np.arange(-15.0, 13.0, VOXEL_MM)
    across = np.arange(-3.0, 3.0 + VOXEL_MM / 2, VOXEL_MM)
    x, y, z = np.meshgrid(along, across, across, indexing="ij")
    depth = 0.5 * length_mm - x
    size = RADIUS_MM * np.clip(depth / length_mm if length_mm else (depth > 0), 0.0, 1.0)
    distance = np.hypot(y, z)
    hu = np.where(distance < WALL_MM, PLAQUE_HU, FAT_HU)
    hu = np.where(distance < size, LUMEN_HU, hu)
    if calcium:
        hu = np.where((x - 2.0) ** 2 + (y - 0.9) ** 2 + z**2 < 0.7**2, 1000.0, hu)
    if spot_hu is not None:
        hu = np.where((x + 0.4) ** 2 + (y - 0.7) ** 2 + z**2 < 0.75**2, spot_hu, hu)
    seen = ndimage.gaussian_filter(hu, SIGMA_MM / VOXEL_MM)
    white = np.random.default_rng(seed).standard_normal(seen.shape)
    smooth = ndimage.gaussian_filter(white, 0.5 / VOXEL_MM)
    seen = seen + noise_hu * smooth / smooth.std()
    angle, rings = np.arange(48) * (2 * np.pi / 48), np.arange(31) * RING_MM
    at = np.stack(
        np.broadcast_arrays(
            (ARC[:, None, None] - along[0]) / VOXEL_MM,
            (rings * np.cos(angle)[:, None] - across[0]) / VOXEL_MM,
            (rings * np.sin(angle)[:, None] - across[0]) / VOXEL_MM,
        )
    )
    return ndimage.map_coordinates(seen, at, order=1, mode="nearest").astype(np.float32)


def picture(hu: NDArray[np.float32]) -> EndPicture:
    rows = (ARC >= -6) & (ARC <= 3)
    return EndPicture(
        position_mm=ARC[rows],
        hu=hu[rows, :, : round(RADIUS_MM / RING_MM) + 1].mean(axis=1).astype(np.float64),
        seen=np.ones(rows.sum(), dtype=bool),
        level_share=np.ones(rows.sum()),
        wall_mm=np.full(rows.sum(), WALL_MM),
        radius_mm=RADIUS_MM,
        sigma_mm=SIGMA_MM,
        along_sigma_mm=SIGMA_MM,
    )


@pytest.mark.parametrize("length_mm", [3.0, 4.0, 5.0, 7.0])
def test_length_of_a_cone_blurred_in_three_dimensions(length_mm: float) -> None:
    fit = fit_funnel(picture(drawn(length_mm)))
    assert fit is not None
    assert fit.length_mm == pytest.approx(length_mm, abs=0.5)
    assert fit.blunt_prob < 0.05


def test_a_flat_end_is_blunt() -> None:
    fit = fit_funnel(picture(drawn(0.0)))
    assert fit is not None
    assert fit.length_mm < 1.0
    assert fit.blunt_prob > 0.95


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("length_mm", [0.0, 4.5])
def test_kinds_are_told_apart_under_correlated_noise(length_mm: float, seed: int) -> None:
    fit = fit_funnel(picture(drawn(length_mm, noise_hu=25.0, seed=seed)))
    assert fit is not None
    assert (fit.blunt_prob > 0.5) == (length_mm < 2.0)


def test_a_cone_at_the_limit_is_left_open() -> None:
    near, far = (fit_funnel(picture(drawn(length, noise_hu=20.0))) for length in (2.0, 6.0))
    assert near is not None
    assert far is not None
    assert near.blunt_prob > far.blunt_prob
    assert near.length_mm < 3.5


def test_what_is_known_of_such_ends_beforehand_shifts_the_odds_and_no_more() -> None:
    unsure = picture(drawn(2.0, noise_hu=20.0))
    even, rarely = (fit_funnel(unsure, blunt_share=share) for share in (0.5, 0.21))
    assert even.length_mm == rarely.length_mm
    odds = [fit.blunt_prob / (1 - fit.blunt_prob) for fit in (rarely, even)]
    assert odds[0] / odds[1] == pytest.approx(0.21 / 0.79, rel=1e-6)


def test_levels_of_the_picture_do_not_matter() -> None:
    one = picture(drawn(4.0))
    other = replace(one, hu=0.5 * one.hu + 120.0)
    first, second = fit_funnel(one), fit_funnel(other)
    assert first is not None
    assert second is not None
    assert first.length_mm == pytest.approx(second.length_mm, abs=0.02)


def test_no_lumen_no_funnel() -> None:
    flat = picture(drawn(4.0))
    assert fit_funnel(replace(flat, hu=np.full_like(flat.hu, 70.0))) is None


def shape(hu: NDArray[np.float32], *, reverse: bool = False, branch_angle_rad: float | None = None):
    """The taper of drawn sections; ``reverse`` turns the vessel round, so that the open part lies beyond the cap."""
    part = hu[::-1] if reverse else hu
    line = Centerline(np.stack([ARC - ARC[0], 0 * ARC, 0 * ARC], axis=1))
    _, normals, binormals = frames(line)
    cap = float(ARC[-1]) if reverse else float(-ARC[0])
    return taper(
        Sections(line, normals, binormals, np.ascontiguousarray(part)),
        LumenLevel(np.full(len(ARC), LUMEN_HU), np.full(len(ARC), LUMEN_HU), 5.0),
        end=OpenEnd(cap, 1 if reverse else -1, RADIUS_MM, branch_angle_rad),
        sigma_mm=SIGMA_MM,
        wall_mm=np.full(len(ARC), WALL_MM),
    )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length_mm", [0.0, 5.0])
def test_either_side_of_an_occlusion_is_judged_alike(length_mm: float, reverse: bool) -> None:
    found = shape(drawn(length_mm), reverse=reverse)
    assert found is not None
    assert not found.hidden
    assert (found.blunt_prob > 0.9) == (length_mm == 0.0)
    assert (found.blunt_prob < 0.1) == (length_mm == 5.0)


def test_an_unsure_distal_end_is_taken_for_a_tapered_one() -> None:
    """As 79 % of distal caps are; of proximal ones half."""
    odds = []
    for reverse in (False, True):
        found = shape(drawn(2.0, noise_hu=20.0), reverse=reverse)
        odds.append(found.blunt_prob / (1 - found.blunt_prob))
    assert odds[1] / odds[0] == pytest.approx(0.21 / 0.79, rel=0.2)


def test_calcium_beyond_the_cap_does_not_lengthen_the_funnel() -> None:
    plain, hard = shape(drawn(0.0)), shape(drawn(0.0, calcium=True))
    assert plain is not None
    assert hard is not None
    assert hard.length_mm == pytest.approx(plain.length_mm, abs=0.6)
    assert hard.blunt_prob > 0.5


def test_a_branch_at_a_funnel_does_not_make_it_blunt() -> None:
    hu = drawn(5.0, noise_hu=20.0)
    beside = np.abs((np.arange(48) - 47 + 24) % 48 - 24) <= 6
    hu[np.ix_((ARC > -3.0) & (ARC < 0.5), beside)] = LUMEN_HU
    blind, told = shape(hu), shape(hu, branch_angle_rad=2 * np.pi * 47 / 48)
    assert blind is not None
    assert told is not None
    assert told.blunt_prob < 0.05
    assert told.length_mm > blind.length_mm


def test_too_little_open_vessel_gives_no_shape() -> None:
    line = Centerline(np.stack([ARC - ARC[0], 0 * ARC, 0 * ARC], axis=1))
    _, normals, binormals = frames(line)
    level = np.full(len(ARC), LUMEN_HU)
    found = taper(
        Sections(line, normals, binormals, drawn(0.0)),
        LumenLevel(level, level, 5.0),
        end=OpenEnd(2.0, -1, RADIUS_MM),
        sigma_mm=SIGMA_MM,
        wall_mm=np.full(len(ARC), WALL_MM),
    )
    assert found is None


def test_a_spot_of_calcium_little_brighter_than_the_lumen_hides_the_cap() -> None:
    found = shape(drawn(0.0, noise_hu=15.0, spot_hu=620.0))
    assert found is not None
    assert found.hidden


@pytest.mark.parametrize("seed", range(4))
def test_noise_alone_hides_no_cap(seed: int) -> None:
    found = shape(drawn(0.0, noise_hu=25.0, seed=seed))
    assert found is not None
    assert not found.hidden


@pytest.mark.parametrize("seed", range(10, 16))
def test_a_dim_noisy_funnel_is_still_told_from_a_flat_end(seed: int) -> None:
    """Contrast of 270 HU under noise that is alike over most of a millimetre, as in a poor scan."""
    flat, cone = (fit_funnel(picture(drawn(length, noise_hu=50.0, seed=seed))) for length in (0.0, 5.0))
    assert flat is not None
    assert cone is not None
    assert flat.blunt_prob > cone.blunt_prob
