"""The coarse way between two seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from analytic_tube import Drawing, Scene, draw
from recanal.errors import SeedError
from recanal.imaging.route import CostMap, cost_map, find_route, region, seed_level_hu
from recanal.imaging.sample import Block


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    return draw(Scene(slab_mm=10.6, vein_mm=4.5))


@pytest.fixture(scope="module")
def coarse(drawing: Drawing) -> Block:
    return region(drawing.volume, np.stack(drawing.seeds()))


@pytest.fixture(scope="module")
def costs(coarse: Block) -> CostMap:
    return cost_map(coarse, (400.0, 400.0))


def cost_at(costs: CostMap, points_mm: np.ndarray) -> np.ndarray:
    return ndimage.map_coordinates(costs.cost, costs.block.affine.to_index(points_mm).T, order=1)


def test_region_is_isotropic_and_holds_the_vessel(drawing: Drawing, coarse: Block) -> None:
    a, b, c = coarse.affine.spacing_mm
    assert a == pytest.approx(b) == pytest.approx(c)
    index = coarse.affine.to_index(drawing.axis_mm)
    between = (drawing.arc_mm > 5) & (drawing.arc_mm < 57)
    assert np.all((index[between] >= 0) & (index[between] <= np.array(coarse.hu.shape) - 1))


@pytest.mark.parametrize(("arc_mm", "name"), [(5.0, "proximal"), (57.0, "distal")])
def test_level_at_a_seed_is_that_of_the_lumen(drawing: Drawing, coarse: Block, arc_mm: float, name: str) -> None:
    assert seed_level_hu(coarse, drawing.at(arc_mm), name=name) == pytest.approx(400.0, abs=40.0)


def test_level_survives_a_seed_beside_the_axis(drawing: Drawing, coarse: Block) -> None:
    level = seed_level_hu(coarse, drawing.at(10.0) + np.array([0.0, 1.0, 0.0]), name="proximal")
    assert level == pytest.approx(400.0, abs=40.0)


def test_seed_in_the_occlusion_is_refused(drawing: Drawing, coarse: Block) -> None:
    with pytest.raises(SeedError, match=r"The distal seed is not in contrast-filled lumen .* HU\)\. Place it where"):
        seed_level_hu(coarse, drawing.at(31.0), name="distal")


def test_the_vessel_is_cheap_open_or_shut_and_fat_is_dear(drawing: Drawing, costs: CostMap) -> None:
    open_mm = np.array([drawing.at(a) for a in np.arange(7, 21, 1.0)])
    shut_mm = np.array([drawing.at(a) for a in np.arange(26, 38, 1.0)])
    fat_mm = open_mm + np.array([0.0, -4.5, 3.0])
    assert np.median(cost_at(costs, open_mm)) < 3
    assert np.median(cost_at(costs, shut_mm)) < 4
    assert np.median(cost_at(costs, fat_mm)) > 5 * np.median(cost_at(costs, shut_mm))
    assert costs.cost.min() > 0


def test_route_follows_the_tube_through_the_occlusion(drawing: Drawing, costs: CostMap) -> None:
    seeds = np.stack(drawing.seeds())
    route = find_route(costs, seeds)
    _, off = drawing.project(route.points_mm)
    assert off.max() < 1.5
    assert off.mean() < 0.7
    assert np.linalg.norm(route.points_mm[[0, -1]] - seeds, axis=1).max() < 1.7
    assert len(route.cost_per_mm) == len(route.points_mm)


def test_seeds_are_moved_towards_the_axis(drawing: Drawing, costs: CostMap) -> None:
    seeds = np.stack(drawing.seeds()) + np.array([[0.0, 1.0, -0.8], [0.0, -1.0, 0.6]])
    _, before = drawing.project(seeds)
    _, after = drawing.project(find_route(costs, seeds).points_mm[[0, -1]])
    assert np.all(after < before)


def test_one_place_is_not_two_seeds(drawing: Drawing, costs: CostMap) -> None:
    seed = drawing.at(10.0)
    with pytest.raises(SeedError, match=r"same place\. Give one point on each side of the occlusion"):
        find_route(costs, np.stack([seed, seed]))
