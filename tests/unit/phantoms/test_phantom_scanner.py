"""The picture a scanner would make: sharpness, noise, grid."""

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.special import erf

from recanal.phantoms.geometry import arc_lengths, resample
from recanal.phantoms.heart import Layer
from recanal.phantoms.options import PhantomOptions, resolve_options
from recanal.phantoms.render import VesselPainter, paint_layers
from recanal.phantoms.scanner import (
    Grid,
    add_noise,
    blur_motion,
    build_grid,
    crop_grid,
    psf_sigmas,
)
from recanal.phantoms.shapes import Box


def small_grid(shape=(40, 60, 60), spacing=(0.5, 0.4, 0.4)):
    return Grid(np.zeros(3), np.array(spacing), shape, np.zeros(0), np.zeros((1, 3)))


def edge_sigma(position, values):
    def edge(x, low, high, where, sigma):
        return low + (high - low) * 0.5 * (1 + erf((x - where) / (sigma * np.sqrt(2))))

    start = (values[0], values[-1], position.mean(), 0.4)
    return abs(curve_fit(edge, position, values, p0=start)[0][3])


def block_picture(options, offset=0.0):
    grid = small_grid()
    box = Box(np.array([30.13, 30.07, 30.21]) + offset, np.array([18.0, 18.0, 20.0]), 0.1)
    picture = paint_layers(grid, [Layer("block", box, 400.0)], 1, sigmas_mm=psf_sigmas(options))
    return grid, picture


@pytest.mark.parametrize(("psf", "thickness"), [(0.32, 0.9), (0.45, 1.2), (0.4, 3.0)])
@pytest.mark.parametrize("offset", [0.0, 0.1, 0.25])
def test_edges_of_organs_have_the_asked_width_wherever_the_grid_lies(psf, thickness, offset):
    options = resolve_options(PhantomOptions(psf_sigma_mm=psf, thickness_mm=thickness), 1)
    grid, picture = block_picture(options, offset)
    along_x = edge_sigma(grid.axis_mm(2)[20:40], picture[36, 50, 20:40].astype(float))
    along_z = edge_sigma(grid.axis_mm(0)[8:38], picture[8:38, 50, 50].astype(float))
    assert along_x == pytest.approx(psf, rel=0.05)
    assert along_z == pytest.approx(thickness / 2.3548, rel=0.06)


@pytest.mark.parametrize("offset", [0.0, 0.13, 0.2])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_thin_vessel_has_the_asked_width_wherever_the_grid_lies(axis, offset):
    options = resolve_options(PhantomOptions(psf_sigma_mm=0.36, thickness_mm=0.7), 1)
    grid = small_grid((50, 50, 50))
    ends = np.full((2, 3), 10.0 + offset)
    ends[:, 2 - (axis + 1) % 3] = (2.0, 18.0)
    line, radius = resample(np.linspace(*ends, 10), 0.25), 0.15
    picture = np.zeros(grid.shape, dtype=np.float32)
    painter = VesselPainter(grid, picture, {"tube": (line, 0.6)})
    painter.tube("tube", np.full(len(line), radius), 1000.0)
    painter.add_to(picture, psf_sigmas(options))
    middle = [25, 25, 25]
    middle[axis] = slice(None)
    others = [k for k in range(3) if k not in (axis, (axis + 1) % 3)]
    profile = picture.sum(axis=others[0])
    profile = np.take(profile, 25, axis=0 if (axis + 1) % 3 < axis else 1) if profile.ndim == 2 else profile
    position = grid.axis_mm(axis)
    mean = (profile * position).sum() / profile.sum()
    sigma = np.sqrt((profile * (position - mean) ** 2).sum() / profile.sum())
    assert mean == pytest.approx(10.0 + offset, abs=0.02)
    assert sigma**2 == pytest.approx(psf_sigmas(options)[axis] ** 2 + radius**2 / 4, rel=0.05)


@pytest.mark.parametrize("shift_mm", [-12.8, -6.1, 6.1, 12.8])
def test_a_displaced_slab_shows_what_lies_beside_the_grid(shift_mm):
    still = small_grid()
    shifts = np.array([[0.0, 0.0, 0.0], [shift_mm, shift_mm, 0.0]])
    grid = Grid(still.origin_mm, still.spacing_mm, still.shape, np.array([10.0]), shifts)
    everywhere = Layer("block", Box(np.zeros(3), np.full(3, 99.0), 0.1), 400.0)
    picture = paint_layers(grid, [everywhere], 1, sigmas_mm=psf_sigmas(resolve_options(PhantomOptions(), 1)))
    np.testing.assert_allclose(picture, 400.0)


def test_motion_widens_edges_along_its_path_alone():
    options = resolve_options(PhantomOptions(psf_sigma_mm=0.35, motion_mm=2.0), 1)
    grid, picture = block_picture(options)
    blur_motion(picture, 0.4, options, 0.0)
    across = edge_sigma(grid.axis_mm(2)[20:40], picture[36, 50, 20:40].astype(float))
    down = edge_sigma(grid.axis_mm(1)[20:40], picture[36, 20:40, 50].astype(float))
    assert across > 1.4 * down
    assert down == pytest.approx(0.35, rel=0.08)


@pytest.mark.parametrize("noise_hu", [12.0, 34.0])
def test_noise_has_the_asked_strength_and_is_correlated_in_plane(noise_hu):
    options = resolve_options(PhantomOptions(noise_hu=noise_hu, noise_peak_per_mm=0.22), 2)
    flat = np.full((30, 140, 150), 50.0, dtype=np.float32)
    noise = add_noise(flat, 0.4, options, np.random.default_rng(1)).astype(float) - 50
    assert noise.std() == pytest.approx(noise_hu, rel=0.02)
    assert abs(noise.mean()) < 0.1 * noise_hu / np.sqrt(30)
    neighbours = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
    assert 0.5 < neighbours < 0.95


def test_the_noise_spectrum_peaks_where_asked():
    options = resolve_options(PhantomOptions(noise_hu=25.0, noise_peak_per_mm=0.25), 2)
    noise = add_noise(np.zeros((40, 128, 128), np.float32), 0.4, options, np.random.default_rng(4)).astype(float)
    power = (np.abs(np.fft.fft2(noise)) ** 2).mean(axis=0)
    frequency = np.hypot(np.fft.fftfreq(128, 0.4)[:, None], np.fft.fftfreq(128, 0.4)[None, :])
    edges = np.arange(0.01, 0.6, 0.03)
    rings = [power[(frequency >= a) & (frequency < a + 0.03)].mean() for a in edges]
    assert edges[int(np.argmax(rings))] + 0.015 == pytest.approx(0.25, abs=0.05)


def test_a_painted_tube_holds_its_analytic_volume():
    grid = small_grid((60, 60, 60))
    line = resample(np.array([[3.0, 5.0, 4.0], [11.0, 12.0, 14.0], [20.0, 18.0, 25.0]]), 0.25)
    length, radius = arc_lengths(line)[-1], 0.83
    picture = np.zeros(grid.shape, dtype=np.float32)
    painter = VesselPainter(grid, picture, {"tube": (line, 1.4)})
    painter.tube("tube", np.full(len(line), radius), 1.0)
    painter.add_to(picture, (0.3, 0.36, 0.36))
    analytic = np.pi * radius**2 * length + 4 / 3 * np.pi * radius**3
    assert picture.sum() * np.prod(grid.spacing_mm) == pytest.approx(analytic, rel=0.005)


def test_a_crop_is_made_of_voxels_of_the_whole_scan():
    options = resolve_options(PhantomOptions(), 3)
    whole = build_grid(options, np.array([10.0, 20.0, -150.0]), np.random.default_rng(0))
    points = np.array([[5.0, 15.0, -140.0], [9.0, 31.0, -150.0]])
    part = crop_grid(whole, points, 12.0)
    offset = whole.index_of(part.origin_mm[None, ::-1])[0]
    assert np.allclose(offset, np.rint(offset), atol=1e-9)
    assert np.all(part.shape <= np.array(whole.shape))
    assert np.all(part.index_of(points) > 10)
    corner = part.affine.to_mm([[2, 3, 4]])[0]
    expected = part.origin_mm[::-1] + np.array([4, 3, 2]) * part.spacing_mm[::-1]
    assert np.allclose(corner, expected)


def test_table_steps_move_the_anatomy_slab_by_slab_and_only_when_asked():
    centre = np.array([0.0, 0.0, -100.0])
    steps = {}
    for asked in (False, True):
        options = resolve_options(PhantomOptions(misregistration=asked), 3)
        grid = build_grid(options, centre, np.random.default_rng(0))
        heights = np.stack([np.zeros(200), np.zeros(200), np.linspace(-160, -40, 200)], axis=1)
        moved = grid.scanned(heights) - heights
        assert np.all(moved[:, 2] == 0)
        steps[asked] = np.linalg.norm(np.diff(moved, axis=0), axis=1)
    assert steps[False].max() == 0
    assert 1 <= (steps[True] > 0.05).sum() <= 4
