"""How far the axis through an occlusion is trusted."""

from __future__ import annotations

import numpy as np
import pytest

from analytic_tube import Drawing, Scene, draw
from recanal.core.curves import Centerline
from recanal.imaging.bridge import LOW_CONFIDENCE, Bridge, judged
from recanal.imaging.caps import Gap
from recanal.imaging.route import CostMap, cost_map, region
from recanal.imaging.sample import sample

GAP = Gap(23.0, 40.0, 70.0, 70.0, 0.0)


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    return draw(Scene())


@pytest.fixture(scope="module")
def costs(drawing: Drawing) -> CostMap:
    return cost_map(region(drawing.volume, np.stack(drawing.seeds())), (400.0, 400.0))


def judge(costs: CostMap, points_mm: np.ndarray, *, seen: float = 1.0) -> Bridge:
    """The judgement of a line, of which a share of the wall was seen."""
    line = Centerline(points_mm).resample(0.25)
    core_hu = np.nan_to_num(sample(costs.block, line.points_mm), nan=-90.0).astype(np.float64)
    rays = np.arange(48) < 48 * seen
    return judged(costs, line, GAP, core_hu=core_hu, seen=np.tile(rays, (len(line.points_mm), 1)))


def test_the_true_axis_in_fat_is_trusted(drawing: Drawing, costs: CostMap) -> None:
    bridge = judge(costs, drawing.axis_mm)
    assert bridge.confidence > 0.8
    assert bridge.reasons == ()


def test_a_straight_line_through_fat_is_not(drawing: Drawing, costs: CostMap) -> None:
    off = np.clip(1 - np.abs(drawing.arc_mm - 31.5) / 9.0, 0, 1)[:, None] * np.array([0.0, 4.0, -3.0])
    bridge = judge(costs, drawing.axis_mm + off)
    assert bridge.confidence < LOW_CONFIDENCE
    assert any("runs through fat" in reason for reason in bridge.reasons)
    assert any("no vessel shape" in reason for reason in bridge.reasons)


def test_a_hidden_wall_lowers_the_trust(drawing: Drawing, costs: CostMap) -> None:
    half, none = judge(costs, drawing.axis_mm, seen=0.5), judge(costs, drawing.axis_mm, seen=0.0)
    assert half.confidence > none.confidence
    assert none.confidence < LOW_CONFIDENCE
    assert any("hidden on 100 % of its circumference" in reason for reason in none.reasons)


def test_a_second_way_is_found_where_there_is_one(drawing: Drawing, costs: CostMap) -> None:
    alone = judge(costs, drawing.axis_mm)
    twin = draw(Scene(gaps_mm=((23.0, 40.0),), ring_mm=5.0))
    beside = judge(cost_map(region(twin.volume, np.stack(twin.seeds())), (400.0, 400.0)), twin.axis_mm)
    assert beside.rival_ratio < 0.7 * alone.rival_ratio
    assert beside.confidence <= alone.confidence + 1e-6
    off = twin.project(beside.rival_mm)[1]
    assert off.max() > 2.0
    assert np.linalg.norm(beside.rival_mm[0] - twin.at(22.0)) < 2.0
    assert np.linalg.norm(beside.rival_mm[-1] - twin.at(41.0)) < 2.0


@pytest.mark.parametrize(("level_hu", "trusted"), [(80.0, True), (260.0, False), (700.0, True)])
def test_a_way_as_bright_as_blood_is_not_trusted(
    drawing: Drawing, costs: CostMap, level_hu: float, trusted: bool
) -> None:
    line = Centerline(drawing.axis_mm).resample(0.25)
    core_hu = np.where((line.arc_mm > 22.0) & (line.arc_mm < 41.0), level_hu, 400.0)
    bridge = judged(costs, line, GAP, core_hu=core_hu, seen=np.ones((len(line.points_mm), 48), dtype=bool))
    assert (bridge.confidence > 0.8) is trusted
    assert any("as bright as blood" in reason for reason in bridge.reasons) is not trusted


@pytest.mark.parametrize("seen", [0.0, 0.5, 1.0])
def test_confidence_is_a_share(drawing: Drawing, costs: CostMap, seen: float) -> None:
    assert 0.0 <= judge(costs, drawing.axis_mm, seen=seen).confidence <= 1.0
