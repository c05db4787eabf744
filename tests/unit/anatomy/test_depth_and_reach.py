"""The distance map and the spreading front, against scipy."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from recanal.anatomy.coarse import COARSE_MM, coarse_view, thinned
from recanal.anatomy.field import GRID_MM, Field
from recanal.anatomy.ways import find_ways
from recanal.core.volume import Affine, Volume
from recanal.grids.depth import depth_mm
from recanal.grids.geodesic import BLOCKED, reach_from
from recanal.imaging.sample import Block


def test_depth_is_the_euclidean_distance_within_six_percent():
    rng = np.random.default_rng(3)
    inside = ndimage.binary_opening(ndimage.gaussian_filter(rng.standard_normal((40, 44, 48)), 4) > -0.02)
    inside[[0, -1]], inside[:, [0, -1]], inside[:, :, [0, -1]] = False, False, False
    exact = ndimage.distance_transform_edt(inside) * 1.5
    found = depth_mm(inside, step_mm=1.5)
    assert exact.max() > 8
    deep = exact > 4
    assert np.abs(found[deep] / exact[deep] - 1).max() < 0.08
    assert np.array_equal(found > 0, inside)


def _graph(cost, step_mm):
    """The 26-neighbour graph as a sparse matrix."""
    shape, index = cost.shape, np.arange(cost.size).reshape(cost.shape)
    rows, columns, weights = [], [], []
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            for dk in (-1, 0, 1):
                if (di, dj, dk) <= (0, 0, 0):
                    continue
                here = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip((di, dj, dk), shape, strict=True))
                there = tuple(slice(max(0, d), n - max(0, -d)) for d, n in zip((di, dj, dk), shape, strict=True))
                both = (cost[here] < BLOCKED) & (cost[there] < BLOCKED)
                stride = step_mm * np.sqrt(di * di + dj * dj + dk * dk)
                rows.append(index[here][both])
                columns.append(index[there][both])
                weights.append((0.5 * stride * (cost[here] + cost[there]))[both])
    graph = coo_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), (cost.size,) * 2)
    return graph.tocsr()


def test_reach_is_the_shortest_path_of_the_graph():
    rng = np.random.default_rng(5)
    cost = rng.uniform(1.0, 6.0, (9, 10, 11)).astype(np.float32)
    cost[4, 2:, :] = BLOCKED
    starts = np.array([0, cost.size - 1])
    reach = reach_from(cost, starts, np.array([1, 2], dtype=np.int16), step_mm=0.6)
    exact = dijkstra(_graph(cost, 0.6), directed=False, indices=starts)
    free = cost.ravel() < BLOCKED
    assert np.allclose(reach.cost.ravel()[free], exact.min(axis=0)[free], rtol=1e-4)
    clear = np.abs(exact[0, free] - exact[1, free]) > 1e-3
    assert np.array_equal(reach.label[free][clear], (exact.argmin(axis=0) + 1)[free][clear])


def test_the_way_back_ends_at_a_start_and_its_length_is_told():
    cost = np.ones((5, 5, 30), dtype=np.float32)
    start = np.ravel_multi_index((2, 2, 0), cost.shape)
    tip = np.ravel_multi_index((2, 2, 29), cost.shape)
    reach = reach_from(cost, np.array([start]), np.array([1], dtype=np.int16), step_mm=0.5)
    way = reach.way_to(int(tip))
    assert way[0] == start
    assert way[-1] == tip
    assert reach.length_mm.ravel()[tip] == pytest.approx(14.5)


def test_nothing_passes_what_is_blocked_or_too_dear():
    cost = np.ones((3, 3, 20), dtype=np.float32)
    cost[:, :, 10] = BLOCKED
    reach = reach_from(cost, np.array([0]), np.array([1], dtype=np.int16), step_mm=1.0, most_cost=5.0)
    assert np.isinf(reach.cost[:, :, 6:]).all()
    assert np.isfinite(reach.cost[1, 1, 4])


def test_a_thinned_volume_holds_the_means_of_its_voxels_where_they_lie():
    rng = np.random.default_rng(1)
    hu = rng.integers(-200, 500, (8, 12, 10)).astype(np.int16)
    volume = Volume(hu, Affine.from_spacing((0.5, 0.4, 2.0), (5.0, -3.0, 7.0)))
    thin = thinned(volume, step_mm=1.0)
    expected = hu.reshape(4, 2, 6, 2, 10, 1).mean(axis=(1, 3, 5))
    assert np.allclose(thin.hu, expected, atol=1e-3)
    assert np.allclose(thin.affine.to_mm([[0, 0, 0]])[0], (5.25, -2.8, 7.0))
    assert np.allclose(thin.affine.spacing_mm, (1.0, 0.8, 2.0))


def test_vessels_in_the_lung_belong_to_the_lung():
    hu = np.full((60, 60, 60), -850, dtype=np.int16)
    hu[:, :, :20] = 40
    hu[30:32, 30:32, 25:55] = 300
    view = coarse_view(thinned(Volume(hu, Affine.from_spacing((2.0, 2.0, 2.0)))))
    where = np.round(view.block.affine.to_index([[61.0, 61.0, 80.0], [61.0, 61.0, 12.0]])).astype(int)
    assert view.lung[tuple(where[0])]
    assert not view.lung[tuple(where[1])]
    assert view.block.affine.spacing_mm[0] == COARSE_MM


def test_the_arrays_of_an_earlier_reach_can_be_used_again():
    rng = np.random.default_rng(8)
    cost = rng.uniform(1.0, 6.0, (8, 9, 10)).astype(np.float32)
    starts, labels = np.array([0, 300]), np.array([1, 2], dtype=np.int16)
    room = reach_from(cost, starts, labels, step_mm=0.6)
    cost[3:5] = BLOCKED
    fresh = reach_from(cost, starts[1:], labels[1:], step_mm=0.6)
    again = reach_from(cost, starts[1:], labels[1:], step_mm=0.6, room=room)
    assert np.isinf(fresh.cost).any()
    for name in ("cost", "length_mm", "came", "label"):
        assert np.array_equal(getattr(again, name), getattr(fresh, name)), name


def forked():
    """A field with a tube along the last axis and a branch from its middle on."""
    bright = np.zeros((24, 12, 60), dtype=np.float32)
    bright[4, 6, :] = 1.0
    bright[4:22, 6, 30] = 1.0
    none = np.zeros_like(bright)
    no = np.zeros(bright.shape, dtype=bool)
    block = Block(400 * bright, Affine.from_spacing((GRID_MM,) * 3))
    return Field(block, bright, none, none, np.ones_like(none), no, no, no, 400.0)


def test_ways_lead_from_the_farthest_tips_to_the_start_and_to_each_other():
    field = forked()
    cost = np.where(field.bright > 0, np.float32(1.0), BLOCKED)
    start = np.ravel_multi_index((4, 6, 0), cost.shape)
    reach = reach_from(cost, np.array([start]), np.array([1], dtype=np.int16), step_mm=GRID_MM)
    first, second = find_ways(field, reach)
    assert (first.parent, first.at, first.label) == (-1, 0, 1)
    assert first.voxels[0].tolist() == [4, 6, 0]
    assert first.voxels[-1].tolist() == [4, 6, 59]
    assert len(first.voxels) == 60
    assert second.parent == 0
    assert second.voxels[0].tolist() == first.voxels[second.at].tolist()
    assert second.voxels[-1].tolist() == [21, 6, 30]
    assert len(find_ways(field, reach, most_ways=1)) == 1
    assert find_ways(field, reach, least_mean_share=1.1) == []
