"""The collateral connection of a phantom."""

import contextlib

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from recanal.errors import OptionError
from recanal.phantoms import PhantomOptions, make_phantom
from recanal.phantoms.build import make_design
from recanal.phantoms.geometry import arc_lengths

WHOLE = PhantomOptions(tree="whole", vessel="RCA", dominance="right", distal_filling="good", noise_hu=15.0)


def made(kind, seed, **more):
    options = {**{name: getattr(WHOLE, name) for name in WHOLE.__dataclass_fields__}, "collateral": kind, **more}
    return make_design(PhantomOptions(**options), seed=seed)


@pytest.mark.parametrize(("kind", "seed"), [("epicardial", 943), ("septal", 932)])
def test_a_connection_joins_a_donor_to_the_vessel_beyond_and_touches_nothing_between(kind, seed):
    design = made(kind, seed)
    line, known = design.connection, {a.name: a for a in design.arteries}
    donor, taker = known[line.donor], known[line.recipient]
    assert np.linalg.norm(donor.points_mm - line.points_mm[0], axis=1).min() < 0.3
    gap = np.linalg.norm(taker.points_mm - line.points_mm[-1], axis=1)
    assert gap.min() < 0.3
    if taker is design.arteries[0]:
        assert taker.arc_mm[gap.argmin()] > design.place.end_mm + 11.0
    inner = line.points_mm[40:-40]
    for artery in design.arteries:
        reach = np.linalg.norm(inner[:, None] - artery.points_mm[None, ::4], axis=2).min()
        assert reach > artery.lumen_mm.min() + 0.3
    height = design.heart.epicardium(inner)
    assert height.min() > 0.3 if kind == "epicardial" else np.median(height) < -2.0


def test_the_picture_shows_the_connection_where_the_truth_says():
    options = PhantomOptions(
        tree="whole", vessel="RCA", dominance="right", distal_filling="good", collateral="epicardial", pixel_mm=0.45,
        slice_mm=0.6, margin_mm=40.0, collateral_diameter_mm=1.6,
    )  # fmt: skip
    phantom = make_phantom(options, seed=943)
    truth = phantom.truth
    index = phantom.volume.affine.to_index(truth.connection.points_mm)
    inside = ((index > 2) & (index < np.array(phantom.volume.shape) - 3)).all(axis=1)
    seen = map_coordinates(phantom.clean, index[inside].T, order=1)
    assert inside.sum() > 40
    assert np.median(seen) > 100
    assert truth.connection.parent != truth.vessel
    assert truth.to_dict()["connection_recipient"] == truth.connection_recipient
    assert arc_lengths(truth.connection.points_mm)[-1] > 14.0


def test_without_one_the_truth_has_none():
    assert make_phantom(PhantomOptions(margin_mm=8.0), seed=3).truth.connection is None


def test_a_heart_without_room_is_refused_with_advice():
    with pytest.raises(OptionError, match="no room for a connection") as caught:
        made("epicardial", 939, vessel="LAD")
    assert "another seed" in caught.value.hint


def test_what_contradicts_a_connection_is_refused():
    with pytest.raises(OptionError, match="collateral needs an occlusion"):
        PhantomOptions(collateral="septal", distal_filling="none")
    with pytest.raises(OptionError, match="collateral needs an occlusion"):
        PhantomOptions(collateral="septal", occlusion=False)


def test_a_tree_that_is_not_whole_gives_a_connection_or_is_refused():
    drawn = []
    for seed in range(20):
        with contextlib.suppress(OptionError):
            drawn.append(make_design(PhantomOptions(collateral="epicardial"), seed=seed).connection)
    assert len(drawn) > 3
    assert None not in drawn
