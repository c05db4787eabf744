"""A tree from a mask or from centrelines, on vessels drawn from formulas."""

import re

import numpy as np
import pytest
from scipy.spatial import cKDTree

from analytic_tube import Scene, draw
from recanal.anatomy.aorta import Aorta
from recanal.anatomy.from_segmentation import tree_of_segmentation, unnamed_segments
from recanal.anatomy.joining import joined_lines, joined_pieces
from recanal.anatomy.mask_lines import pieces_of, solid_of, traced
from recanal.anatomy.segmentation import VesselLines, VesselMask
from recanal.closures.suspects import find_suspects
from recanal.core.curves import Centerline
from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError
from recanal.pipeline import measure_automatic

GAP_MM = (23.0, 40.0)


def places(volume):
    return volume.affine.to_mm(np.argwhere(np.ones(volume.shape, dtype=bool)))


def tube(volume, axis_mm, radius_mm):
    far, _ = cKDTree(axis_mm).query(places(volume))
    return (far <= radius_mm).reshape(volume.shape)


@pytest.fixture(scope="module")
def occluded():
    drawing = draw(Scene(gaps_mm=(GAP_MM,)))
    far, near = cKDTree(drawing.axis_mm).query(places(drawing.volume))
    arc = drawing.arc_mm[near]
    vessel = far <= drawing.scene.lumen_diameter_mm / 2
    lumen = vessel & ~((arc > GAP_MM[0]) & (arc < GAP_MM[1]))
    shape = drawing.volume.shape
    return drawing, VesselMask(lumen.reshape(shape)), VesselMask(vessel.reshape(shape), covers="vessel")


def test_the_axis_and_the_radius_of_a_mask_are_those_it_was_drawn_with(occluded):
    drawing, _, vessel = occluded
    solid = solid_of(vessel.inside, drawing.volume.affine)
    pieces, short = pieces_of(solid)
    assert (len(pieces), short) == (1, 0)
    lines = traced(solid, pieces[0], pieces[0].ends[0])
    assert [line.parent for line in lines] == [-1]
    arc, off = drawing.project(lines[0].line.points_mm)
    assert np.mean(off) < 0.1
    assert np.max(off[5:-5]) < 0.3
    assert abs(np.ptp(arc) - drawing.arc_mm[-1]) < 3.0
    assert np.median(lines[0].radius_mm) == pytest.approx(1.4, abs=0.08)


def test_a_mask_that_stops_at_the_occlusion_is_joined_across_it_and_measured(occluded):
    drawing, lumen, _ = occluded
    tree = tree_of_segmentation(drawing.volume, lumen)
    assert [branch.parent for branch in tree.branches] == [-1, 0]
    assert any(re.fullmatch(r"a piece of the mask was joined to the tree across 1[678] mm", x) for x in tree.flags)
    (suspect,) = find_suspects(tree)
    arc, off = drawing.project(np.array([suspect.proximal_mm, suspect.distal_mm]))
    assert arc[0] < GAP_MM[0] < GAP_MM[1] < arc[1]
    assert off.max() < 0.3
    result = measure_automatic(drawing.volume, tree=tree)
    assert [lesion.length_mm.value for lesion in result.lesions] == [pytest.approx(17.0, abs=0.8)]
    assert [segment.name for segment in result.tree.segments] == ["branch 1", "branch 2"]
    bridge = tree.branches[1]
    assert (bridge.lumen_mm == 0.0).sum() * 0.5 == pytest.approx(17.0, abs=3.0)


def test_a_mask_of_the_whole_vessel_and_its_axis_give_the_same_occlusion(occluded):
    drawing, _, vessel = occluded
    axis = VesselLines((Centerline(drawing.axis_mm[::20]),), (None,))
    for found in (vessel, axis):
        tree = tree_of_segmentation(drawing.volume, found)
        assert len(tree.branches) == 1
        (lesion,) = measure_automatic(drawing.volume, tree=tree).lesions
        assert lesion.length_mm.value == pytest.approx(17.0, abs=0.8)
        arc, _ = drawing.project(np.array([lesion.proximal_cap_mm, lesion.distal_cap_mm]))
        assert arc == pytest.approx(GAP_MM, abs=0.8)


def test_without_an_aorta_the_result_is_not_to_be_trusted(occluded):
    drawing, lumen, _ = occluded
    tree = tree_of_segmentation(drawing.volume, lumen)
    assert "the ascending aorta was not found: the segments have no names" in tree.doubts
    assert "no aorta is in view: upstream was taken to be the widest free end" in tree.doubts
    assert not measure_automatic(drawing.volume, tree=tree).quality.usable
    assert [segment.vessel for segment in unnamed_segments(tree)] == [None, None]


def fork(volume):
    """A trunk of radius 1.6 mm along x that gives a branch of radius 1.0 mm; truth as two curves."""
    t = np.linspace(0.0, 1.0, 600)
    trunk = np.stack([6 + 50 * t, np.full_like(t, 20.0), np.full_like(t, 17.0)], axis=1)
    branch = np.stack([26 + 18 * t, 20 + 14 * t, np.full_like(t, 17.0)], axis=1)
    return (trunk, branch), tube(volume, trunk, 1.6) | tube(volume, branch, 1.0)


@pytest.mark.parametrize("spacing_mm", [(0.5, 0.4, 0.4), (0.7, 0.45, 0.45)])
def test_a_fork_gives_a_trunk_and_a_branch_that_leaves_it_where_it_was_drawn(spacing_mm):
    shape = tuple(int(n / s) for n, s in zip((66, 40, 34), spacing_mm, strict=True))
    volume = Volume(np.zeros(shape, dtype=np.int16), Affine.from_spacing(spacing_mm))
    (trunk, branch), inside = fork(volume)
    joined = joined_pieces(volume, VesselMask(inside), aorta_at((-8.0, 20.0, 17.0)))
    assert [item.parent for item in joined.items] == [-1, 0]
    assert joined.doubts == ()
    first, second = joined.items
    assert first.line.points_mm[0] == pytest.approx(trunk[0], abs=1.5)
    assert cKDTree(trunk).query(first.line.points_mm)[0].mean() < 0.15
    assert first.line.at([second.parent_mm])[0] == pytest.approx(branch[0], abs=2.0)
    assert second.line.points_mm[-1] == pytest.approx(branch[-1], abs=1.5)
    assert np.median(first.radius_mm) == pytest.approx(1.6, abs=0.12)
    assert np.median(second.radius_mm) == pytest.approx(1.0, abs=0.12)


def aorta_at(centre_mm, radius_mm=12.0):
    z = np.arange(-10.0, 30.0, 2.0)
    centre = np.stack([np.full_like(z, centre_mm[0]), np.full_like(z, centre_mm[1]), centre_mm[2] + z], axis=1)
    return Aorta(centre, np.full(len(z), radius_mm), 400.0)


def test_the_tree_begins_at_the_aorta_whichever_end_is_wider():
    volume = Volume(np.zeros((130, 100, 84), dtype=np.int16), Affine.from_spacing((0.5, 0.4, 0.4)))
    (trunk, _), inside = fork(volume)
    joined = joined_pieces(volume, VesselMask(inside), aorta_at((69.0, 20.0, 17.0)))
    assert joined.items[0].line.points_mm[0] == pytest.approx(trunk[-1], abs=1.5)
    far = joined_pieces(volume, VesselMask(inside), aorta_at((90.0, 20.0, 17.0)))
    assert far.doubts[0].startswith("the segmentation ends 2")


def test_a_bed_beyond_an_occlusion_is_joined_through_plaque_and_not_to_a_nearer_neighbour(occluded):
    drawing, lumen, _ = occluded
    distal = drawing.at(48.0)
    t = np.linspace(0.0, 1.0, 600)[:, None]
    decoy = np.array([6.0, 33.0, 28.0]) * (1 - t) + (distal + np.array([0.0, 5.0, 5.0])) * t
    inside = tube(drawing.volume, decoy, 1.3)
    volume = Volume(np.where(inside, np.int16(400), drawing.volume.hu), drawing.volume.affine)
    bed = drawing.axis_mm[drawing.arc_mm > GAP_MM[1]]
    assert cKDTree(decoy).query(bed)[0].min() < 8.0 < GAP_MM[1] - GAP_MM[0]
    joined = joined_pieces(volume, VesselMask(lumen.inside | inside), aorta_at((-15.0, 27.0, 17.0), 20.0))
    assert joined.doubts == ()
    (bridged,) = [item for item in joined.items if item.bridged.any()]
    trunk = joined.items[bridged.parent]
    assert drawing.project(trunk.line.points_mm)[1].mean() < 0.2
    assert drawing.project(bridged.line.points_mm)[1].mean() < 0.5


def test_a_piece_with_nothing_but_fat_before_it_is_doubted():
    shape = (150, 60, 60)
    empty = Volume(np.full(shape, -90, dtype=np.int16), Affine.from_spacing((0.5, 0.5, 0.5)))
    t = np.linspace(0.0, 1.0, 300)[:, None]
    one = np.array([8.0, 15.0, 15.0]) + t * [20.0, 0.0, 0.0]
    other = np.array([45.0, 15.0, 15.0]) + t * [20.0, 0.0, 0.0]
    inside = tube(empty, one, 1.5) | tube(empty, other, 1.5)
    volume = Volume(np.where(inside, np.int16(400), empty.hu), empty.affine)
    joined = joined_pieces(volume, VesselMask(inside), aorta_at((-8.0, 15.0, 15.0)))
    assert [item.parent for item in joined.items] == [-1, 0]
    (doubt,) = joined.doubts
    assert re.fullmatch(r"a piece of 2\d mm is joined across 1[4-8] mm in which no vessel is seen", doubt)


def test_what_is_too_wide_too_short_or_too_far_away_is_told():
    volume = Volume(np.zeros((400, 100, 84), dtype=np.int16), Affine.from_spacing((0.5, 0.4, 0.4)))
    t = np.linspace(0.0, 1.0, 600)[:, None]
    trunk = np.array([10.0, 10.0, 10.0]) + t * np.array([40.0, 0.0, 0.0])
    distant = np.array([150.0, 10.0, 10.0]) + t * np.array([30.0, 0.0, 0.0])
    ball, crumb = np.array([[25.0, 28.0, 20.0]]), np.array([[70.0, 30.0, 20.0]])
    inside = tube(volume, trunk, 1.5) | tube(volume, distant, 1.5) | tube(volume, ball, 7.0) | tube(volume, crumb, 0.8)
    joined = joined_pieces(volume, VesselMask(inside), None)
    assert [item.parent for item in joined.items] == [-1, -1]
    assert any("wider than 10 mm" in flag for flag in joined.flags)
    assert "1 pieces of the mask shorter than 4 mm were left out" in joined.flags
    assert any("joined to no other" in doubt for doubt in joined.doubts)


def test_lines_that_follow_and_leave_each_other_become_one_tree():
    volume = Volume(np.zeros((140, 100, 84), dtype=np.int16), Affine.from_spacing((0.5, 0.4, 0.4)))

    def line(*points):
        return Centerline(np.array(points, dtype=float)).resample(0.5)

    main, one, two = line((5, 20, 20), (15, 20, 20)), line((15, 20, 20), (60, 20, 20)), line((15, 20, 20), (40, 35, 20))
    side = line((40, 20.5, 20), (50, 8, 20))
    radii = tuple(np.full(len(x.points_mm), 1.5) for x in (one, two, side, main))
    joined = joined_lines(volume, VesselLines((one, two, side, main), radii), None)
    starts = [tuple(np.round(item.line.points_mm[0], 1)) for item in joined.items]
    assert starts[0] == (5.0, 20.0, 20.0)
    above = {tuple(np.round(x.line.points_mm[-1])): x for x in joined.items}
    assert joined.items[above[60, 20, 20].parent] is joined.items[0]
    assert joined.items[above[40, 35, 20].parent] is joined.items[0]
    assert above[60, 20, 20].parent_mm == pytest.approx(10.0)
    leaves = above[50, 8, 20]
    assert joined.items[leaves.parent] is above[60, 20, 20]
    assert leaves.parent_mm == pytest.approx(25.0, abs=0.6)


def test_a_segmentation_of_another_place_is_refused(occluded):
    drawing, lumen, _ = occluded
    with pytest.raises(GeometryError, match=r"does not lie on opacified vessels: .* HU"):
        tree_of_segmentation(drawing.volume, VesselMask(np.roll(lumen.inside, 24, axis=1)))
    mirrored = Centerline(drawing.axis_mm[::20] * (-1.0, -1.0, 1.0))
    with pytest.raises(GeometryError, match=r"100 % of the points of the centrelines lie outside"):
        tree_of_segmentation(drawing.volume, VesselLines((mirrored,), (None,)))
    with pytest.raises(GeometryError, match="The segmentation is empty"):
        tree_of_segmentation(drawing.volume, VesselMask(np.zeros(drawing.volume.shape, dtype=bool)))
    with pytest.raises(GeometryError, match=r"The mask has \(4, 4, 4\) voxels"):
        tree_of_segmentation(drawing.volume, VesselMask(np.ones((4, 4, 4), dtype=bool)))


def test_masks_and_lines_that_cannot_be_are_refused_at_birth():
    with pytest.raises(GeometryError, match="got uint8 of shape"):
        VesselMask(np.zeros((2, 2, 2), dtype=np.uint8))
    with pytest.raises(GeometryError, match="covers lumen or vessel, got 'wall'"):
        VesselMask(np.zeros((2, 2, 2), dtype=bool), covers="wall")
    line = Centerline([[0, 0, 0], [1, 0, 0]])
    with pytest.raises(GeometryError, match="1 lines and 0 lists"):
        VesselLines((line,), ())
    with pytest.raises(GeometryError, match="one per point"):
        VesselLines((line,), (np.array([1.0]),))
