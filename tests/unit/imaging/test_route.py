"""The coarse way between two seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from analytic_tube import Drawing, Scene, draw
from recanal.core.volume import Affine
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


STEP_MM = 0.6
LENGTH = 120
CLOSED = slice(35, 85)


def two_tubes(*, vein_hu: float | None, island: slice | None = None) -> CostMap:
    """An artery along the first axis, shut over 30 mm, and, 5 mm beside it, a vein that is the better tube."""
    hu = np.full((LENGTH, 25, 9), -90.0, dtype=np.float32)
    cost = np.full(hu.shape, 15.0, dtype=np.float32)
    artery, vein = (slice(None), slice(5, 8), slice(3, 6)), (CLOSED, slice(14, 17), slice(3, 6))
    hu[artery], cost[artery] = 400.0, 1.0
    hu[CLOSED, 5:8, 3:6], cost[CLOSED, 5:8, 3:6] = 80.0, 3.0
    if vein_hu is not None:
        hu[vein], cost[vein] = vein_hu, 1.0
        for crossing in (slice(35, 38), slice(82, 85)):
            hu[crossing, 8:14, 3:6], cost[crossing, 8:14, 3:6] = 40.0, 3.0
    if island is not None:
        hu[island, 5:8, 3:6], cost[island, 5:8, 3:6] = 300.0, 1.0
    matrix = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    return CostMap(Block(hu, Affine(matrix)), cost)


SEEDS_MM = np.array([[4.0, 6.0, 4.0], [110.0, 6.0, 4.0]]) * STEP_MM


@pytest.mark.parametrize("vein_hu", [200.0, 260.0])
def test_the_way_through_a_vein_is_given_up_for_the_plaque(vein_hu: float) -> None:
    route = find_route(two_tubes(vein_hu=vein_hu), SEEDS_MM)
    assert np.abs(route.points_mm[:, 1] - 6.0 * STEP_MM).max() < 1.5


def test_the_vein_would_have_been_cheaper() -> None:
    """Too dark for blood, the same tube keeps the path: the detour above was a choice."""
    route = find_route(two_tubes(vein_hu=150.0), SEEDS_MM)
    assert np.abs(route.points_mm[:, 1] - 15.0 * STEP_MM).min() < 1.0


def test_an_open_stretch_between_two_occlusions_is_kept() -> None:
    plain, open_between = find_route(two_tubes(vein_hu=None), SEEDS_MM), two_tubes(vein_hu=None, island=slice(50, 70))
    route = find_route(open_between, SEEDS_MM)
    assert np.abs(route.points_mm[:, 1] - 6.0 * STEP_MM).max() < 1.5
    assert route.total_cost < plain.total_cost
