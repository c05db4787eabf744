"""A rough path put on the axis, and carried on beyond its ends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from analytic_tube import Drawing, Scene, draw
from recanal.core.curves import Centerline
from recanal.imaging.centring import centred, extended, open_share
from recanal.imaging.sample import Block

LEVELS = (400.0, 400.0)


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    return draw(Scene())


@pytest.fixture(scope="module")
def block(drawing: Drawing) -> Block:
    return Block.around(drawing.volume, drawing.axis_mm, margin_mm=15.0)


def strayed(drawing: Drawing, size_mm: float, *, seed: int = 0) -> np.ndarray:
    """Points along the axis, off it by a slowly changing ``size_mm``."""
    points = np.array([drawing.at(a) for a in np.arange(5, 57.1, 0.6)])
    off = ndimage.gaussian_filter1d(np.random.default_rng(seed).normal(size=points.shape), 5.0, axis=0, mode="nearest")
    off[:, 0] = 0.0
    off *= size_mm / np.linalg.norm(off, axis=1).mean()
    return points + off * np.minimum(1.0, 1.3 / np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-9))


@pytest.mark.parametrize("size_mm", [0.0, 0.5, 0.9])
def test_path_is_put_on_the_axis(drawing: Drawing, block: Block, size_mm: float) -> None:
    line = centred(block, strayed(drawing, size_mm), LEVELS)
    arc, off = drawing.project(line.points_mm)
    shut = (arc > 23) & (arc < 40)
    assert off[~shut].mean() < 0.2
    assert off[shut].mean() < 0.4
    assert off.max() < 0.8


def test_answer_depends_little_on_the_path(drawing: Drawing, block: Block) -> None:
    first, second = (centred(block, strayed(drawing, 0.7, seed=k), LEVELS) for k in (1, 2))
    apart = [second.nearest(point)[1] for point in first.points_mm[4:-4]]
    assert np.mean(apart) < 0.1
    assert max(apart) < 0.4
    assert first.length_mm == pytest.approx(second.length_mm, abs=1.5)


def test_steps_are_even(drawing: Drawing, block: Block) -> None:
    steps = np.diff(centred(block, strayed(drawing, 0.5), LEVELS).arc_mm)
    assert np.ptp(steps) < 0.05


def test_open_vessel_is_followed_as_far_as_asked(drawing: Drawing, block: Block) -> None:
    start = Centerline(np.array([drawing.at(a) for a in np.arange(12, 20.1, 0.5)]))
    longer = extended(block, start, LEVELS, reach_mm=6.0)
    arc, off = drawing.project(longer.points_mm)
    assert 5.0 <= arc[0] <= 6.6
    assert off.mean() < 0.2
    assert np.all(np.diff(longer.arc_mm) > 0)


def test_following_stops_where_the_lumen_stops(drawing: Drawing, block: Block) -> None:
    start = Centerline(np.array([drawing.at(a) for a in np.arange(12, 20.1, 0.5)]))
    arc, _ = drawing.project(extended(block, start, LEVELS, reach_mm=12.0).points_mm)
    assert 21.0 < arc[-1] < 24.0


def test_openness_runs_from_tissue_to_lumen() -> None:
    core = np.array([-90.0, 60.0, 230.0, 400.0, 900.0])
    share = open_share(core, np.full(5, 400.0))
    assert share[[0, 1]] == pytest.approx([0.0, 0.0])
    assert 0.2 < share[2] < 0.8
    assert share[[3, 4]] == pytest.approx([1.0, 1.0])
    fine = open_share(np.linspace(0, 400, 100), np.full(100, 400.0))
    assert np.all(np.diff(fine) >= 0)
