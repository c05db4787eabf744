"""The cheapest path, against an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.graph import route_through_array

from recanal.grids.paths import cheapest_path


def walked(cost: np.ndarray, path: np.ndarray) -> float:
    """Mean of the two ends of each step times its length."""
    value = cost[tuple(path.T)].astype(np.float64)
    return float((0.5 * (value[1:] + value[:-1]) * np.linalg.norm(np.diff(path, axis=0), axis=1)).sum())


COSTS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(2, 6), st.integers(1, 6), st.integers(1, 5)),
    elements=st.floats(0.0625, 40.0, width=32),
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(COSTS, st.data())
def test_no_cheaper_way_is_known(cost: np.ndarray, data: st.DataObject) -> None:
    start, goal = (tuple(data.draw(st.integers(0, n - 1)) for n in cost.shape) for _ in range(2))
    path, total = cheapest_path(cost, start, goal)
    _, expected = route_through_array(cost.astype(np.float64), start, goal, fully_connected=True, geometric=True)
    assert total == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert walked(cost, path) == pytest.approx(total, rel=1e-4, abs=1e-4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(COSTS, st.data())
def test_a_path_is_connected_and_joins_its_ends(cost: np.ndarray, data: st.DataObject) -> None:
    start, goal = (tuple(data.draw(st.integers(0, n - 1)) for n in cost.shape) for _ in range(2))
    path, _ = cheapest_path(cost, start, goal)
    assert tuple(path[0]) == start
    assert tuple(path[-1]) == goal
    assert np.all(np.abs(np.diff(path, axis=0)).max(axis=1, initial=0) == 1)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(COSTS, st.data())
def test_the_way_back_costs_the_same(cost: np.ndarray, data: st.DataObject) -> None:
    start, goal = (tuple(data.draw(st.integers(0, n - 1)) for n in cost.shape) for _ in range(2))
    there, back = cheapest_path(cost, start, goal)[1], cheapest_path(cost, goal, start)[1]
    assert there == pytest.approx(back, rel=1e-4, abs=1e-4)


def test_a_wall_is_passed_through_its_door() -> None:
    cost = np.ones((21, 21, 5), np.float32)
    cost[10] = 1000.0
    cost[10, 17, 2] = 1.0
    path, total = cheapest_path(cost, (0, 2, 2), (20, 2, 2))
    assert [10, 17, 2] in path.tolist()
    assert total < 100


def test_start_is_goal() -> None:
    path, total = cheapest_path(np.ones((3, 3, 3), np.float32), (1, 1, 1), (1, 1, 1))
    assert path.tolist() == [[1, 1, 1]]
    assert total == 0.0


def test_larger_grid_against_the_same_judge() -> None:
    cost = np.random.default_rng(5).lognormal(0, 1.5, (24, 30, 26)).astype(np.float32)
    _, total = cheapest_path(cost, (0, 0, 0), (23, 29, 25))
    _, expected = route_through_array(
        cost.astype(np.float64), (0, 0, 0), (23, 29, 25), fully_connected=True, geometric=True
    )
    assert total == pytest.approx(expected, rel=1e-5)
