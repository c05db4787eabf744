"""The whole coronary tree, its names, and that the picture of one lesion stays what it was."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from recanal.errors import OptionError
from recanal.phantoms import PhantomOptions, draw_options, make_phantom
from recanal.phantoms.build import make_design
from recanal.phantoms.options import resolve_options
from recanal.phantoms.segments import SCCT_NAMES, numbered, turn_mm

SEEDS = (300, 301, 302, 303, 306)
DOMINANCES = ("right", "left", "co")
# 40 voxels, evenly spread, of seed 211 (margin 8 mm, occlusion of 8 mm), from the program of before the whole tree
FROZEN_HU = [
    *(311, 112, 92, 99, 75, 96, 103, 84, 130, 113, 71, -27, -94, -91, 152, -78, -103, -890, -796, -161),
    *(93, 110, 73, -126, -111, 240, 99, -108, -20, 54, 308, 316, 328, 351, 314, 317, 339, 299, 329, -114),
]


@pytest.fixture(scope="module")
def designs():
    return {
        (seed, dominance): make_design(
            replace(draw_options(seed), tree="whole", dominance=dominance, ramus=seed % 2 == 0), seed=seed
        )
        for seed in SEEDS
        for dominance in DOMINANCES
    }


def named(design):
    return dict(zip([a.name for a in design.arteries], numbered(design.naming), strict=True))


def along(design, number):
    """Points (heart frame: apex, superior, right) of one segment."""
    points = [a.points_mm[n == number] for a, n in zip(design.arteries, numbered(design.naming), strict=True)]
    return (np.concatenate(points) - design.heart.origin_mm) @ design.heart.basis.T


def test_the_picture_of_one_lesion_is_the_same_as_ever():
    phantom = make_phantom(PhantomOptions(margin_mm=8.0, occlusion_length_mm=8.0), seed=211)
    hu = phantom.volume.hu
    assert hu.shape == (41, 55, 44)
    shown = hu.ravel()[np.linspace(0, hu.size - 1, 40).astype(int)].astype(int)
    assert np.abs(shown - FROZEN_HU).max() <= 1
    assert hu.mean() == pytest.approx(49.64636, abs=0.01)


def test_every_tree_has_the_segments_of_its_dominance(designs):
    common = {1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 13}
    own = {"right": {4, 16}, "left": {15, 18}, "co": {4, 18}}
    for (seed, dominance), design in designs.items():
        found = {int(n) for numbers in named(design).values() for n in numbers} - {0}
        assert common | own[dominance] <= found, (seed, dominance)
        assert not found & ({4, 15, 16, 18} - own[dominance]), (seed, dominance)
        assert (17 in found) == (seed % 2 == 0)
    assert set(SCCT_NAMES) == set(range(1, 19))


def test_each_artery_begins_on_the_one_it_leaves(designs):
    for design in designs.values():
        by_name = {a.name: a for a in design.arteries}
        for artery in design.arteries:
            if artery.parent:
                parent = by_name[artery.parent]
                origin = parent.points_mm[min(round(artery.start_mm / 0.25), len(parent.points_mm) - 1)]
                assert np.linalg.norm(artery.points_mm[0] - origin) < 0.5, artery.name
            else:
                assert abs(float(design.heart.solids["aorta"](artery.points_mm[:1])[0])) < 2.5


def test_arteries_keep_apart_beyond_their_origins(designs):
    for design in designs.values():
        for k, artery in enumerate(design.arteries):
            for other in design.arteries[:k]:
                gap, nearest = cKDTree(other.points_mm).query(artery.points_mm[int(12 / 0.25) :])
                if len(gap):
                    free = gap - other.lumen_mm[nearest] - artery.lumen_mm[int(12 / 0.25) :]
                    assert free.min() > 0.3, (artery.name, other.name)


def test_the_posterior_descending_artery_runs_below_in_the_groove_between_the_ventricles(designs):
    for (_, dominance), design in designs.items():
        apex, up, right = along(design, 15 if dominance == "left" else 4)[10:].T
        assert np.all(up < -15)
        assert abs(np.median(right)) < 12
        assert apex[-1] > apex[0] + 30


def test_posterolateral_branches_lie_on_the_left_ventricle_beside_it(designs):
    for (_, dominance), design in designs.items():
        descending = along(design, 15 if dominance == "left" else 4)
        branch = along(design, 16 if dominance == "right" else 18)
        assert np.median(branch[:, 2]) < np.median(descending[:, 2]) - 3


def test_side_branches_run_to_their_own_side(designs):
    for design in designs.values():
        by_name = {a.name: (a.points_mm - design.heart.origin_mm) @ design.heart.basis.T for a in design.arteries}
        for name, points in by_name.items():
            if name.startswith("om") or name in ("acute marginal", "ramus"):
                assert points[-1, 0] > points[0, 0] + 5, name
            if name.startswith("d"):
                lad = by_name["LAD"][40:]
                beside = lad[np.argmin(np.linalg.norm(lad - points[-1], axis=1))]
                assert points[-1, 2] < beside[2] - 3, name


def test_segments_follow_each_other_along_their_artery(designs):
    orders = {"RCA": [1, 2, 3, 4], "LAD": [5, 6, 7, 8], "LCX": [5, 11, 13, 15, 18]}
    for design in designs.values():
        for name, numbers in named(design).items():
            if name in orders:
                runs = [int(n) for n, before in zip(numbers[1:], numbers[:-1], strict=True) if n != before]
                ranks = [orders[name].index(n) for n in (int(numbers[0]), *runs)]
                assert ranks == sorted(set(ranks)), name
            else:
                assert len(set(numbers.tolist())) == 1


def test_the_proximal_lad_ends_at_the_first_large_diagonal_or_septal(designs):
    for design in designs.values():
        lad = next(a for a in design.arteries if a.name == "LAD")
        numbers = named(design)["LAD"]
        end = lad.arc_mm[np.flatnonzero(numbers == 6)[-1]]
        starts = [
            a.start_mm
            for a in design.arteries
            if a.parent == "LAD" and a.name not in ("LCX", "ramus") and 2 * a.lumen_mm[0] >= 1.5 and a.side <= 0
        ]
        assert min(abs(end - start) for start in starts) < 0.5


def test_a_first_diagonal_comes_before_a_second(designs):
    for design in designs.values():
        starts = {int(n[0]): a.start_mm for a, n in zip(design.arteries, numbered(design.naming), strict=True)}
        for first, second in ((9, 10), (12, 14)):
            if second in starts:
                assert starts[first] < starts[second]


def test_a_left_dominant_rca_is_small_and_ends_before_the_crux(designs):
    for (seed, dominance), design in designs.items():
        rca = next(a for a in design.arteries if a.name == "RCA")
        if dominance == "left":
            right = next(a for a in designs[seed, "right"].arteries if a.name == "RCA")
            assert rca.arc_mm[-1] < 0.7 * right.arc_mm[-1]
            assert turn_mm(design.heart, rca) == pytest.approx(rca.arc_mm[-1], abs=0.3)
            if design.place.vessel != "RCA":
                assert 2 * rca.lumen_mm[0] == pytest.approx(2.8, abs=0.1)


def test_dominance_and_ramus_are_drawn_when_asked_and_vary():
    asked = PhantomOptions(dominance=None, ramus=None)
    drawn = [resolve_options(asked, seed) for seed in range(60)]
    assert {o.dominance for o in drawn} == set(DOMINANCES)
    assert {o.ramus for o in drawn} == {True, False}
    assert {o.tree for o in drawn} == {"whole"}
    assert resolve_options(PhantomOptions(), 3).tree == "lesion"
    assert resolve_options(PhantomOptions(ramus=True), 3).tree == "whole"


@pytest.mark.parametrize("name", ["tree", "extent"])
def test_what_is_never_drawn_may_not_be_left_open(name):
    with pytest.raises(OptionError, match=f"{name} must be one of"):
        PhantomOptions(**{name: None})


def test_the_truth_names_every_point():
    options = PhantomOptions(vessel="RCA", occlusion_length_mm=8.0, margin_mm=8.0, dominance="left", calcium="none")
    truth = make_phantom(options, seed=212).truth
    assert truth.dominance == "left"
    for course in (truth.target, *truth.arteries):
        assert len(course.scct) == len(course.points_mm)
    assert all(vein.scct is None for vein in truth.veins)
    told = json.loads(json.dumps(truth.to_dict(), allow_nan=False))
    assert told["segment_names"]["15"] == "L-PDA"
    assert told["target"]["scct"][0] == 1
    assert next(a for a in told["arteries"] if a["name"] == "LCX")["parent"] == "LAD"


def test_steps_of_the_table_grow_as_asked():
    moved = {}
    for step_mm in (0.7, 3.0):
        options = PhantomOptions(misregistration=True, step_mm=step_mm)
        shifts = make_design(options, seed=213).grid.slab_shift_mm
        moved[step_mm] = np.abs(shifts).max()
    assert moved[3.0] == pytest.approx(moved[0.7] * 3.0 / 0.7)
