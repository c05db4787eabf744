"""The arteries of a real abdominal CT against an expert's mask: ``python -m evidence.abdomen``.

This module knows nothing of how the tree is found: it takes polylines, the mask and the voxel grid.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from evidence.abdomen_drawn import Offset, drawn_tree, offsets
from evidence.abdomen_page import CHANGED, PAGE
from evidence.abdomen_truth import (
    LEAST_MM,
    STEP_MM,
    Axis,
    AxisScore,
    centred_axis,
    contrast_along,
    edges_of,
    score_axis,
)
from evidence.pages import written_by
from recanal.abdomen.tree import AbdominalTree, grow_from_aorta
from recanal.core.volume import Affine, Volume
from recanal.interop import load_study, write_atomic, write_text_atomic
from recanal.interop.label_map import read_label_map

__all__ = ["Skeleton", "TreeScore", "main", "resampled", "score_tree", "skeleton_of"]

DATA = Path("../shared/data/ct_abdomen")
POINT_MM = (203.2, 195.1, 96.0)
AORTA_RADIUS_MM = 5.0
DRAWN = 3
CALM_MM = 0.7
CONTRASTS_HU = (
    (-np.inf, 10.0, "below 10 HU"),
    (10.0, 20.0, "10 to 20 HU"),
    (20.0, 40.0, "20 to 40 HU"),
    (40.0, 80.0, "40 to 80 HU"),
    (80.0, np.inf, "80 HU and more"),
)
ASKED_FOUND, ASKED_OUTSIDE = 0.90, 0.10
INK, MUTED, MISSED, WRONG = "#1f4e79", "#9aa1ab", "#e08a00", "#c8372d"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The centre voxels of a mask.

    Parameters
    ----------
    index
        (n, 3) voxels.
    radius_mm
        (n,) distance to the nearest voxel outside the mask.
    length_mm
        (n,) length that each voxel stands for: half of the skeleton's edges that meet in it.
    """

    index: NDArray[np.int64]
    radius_mm: Floats
    length_mm: Floats


@dataclass(frozen=True)
class TreeScore:
    """Lengths in mm, and shares of them.

    Parameters
    ----------
    true_mm, found_share
        Length of the true centreline of vessels of at least 2 mm diameter, and the share of it that has the found tree
        within one voxel along each axis of the picture.
    filled_share
        As ``found_share``, with the closed cavities of the mask filled before its centreline is drawn.
    near_share
        As ``found_share``, within 2.5 mm.
    aorta_missed_mm, near_missed_mm, far_missed_mm
        What is not found: of the aorta (wider than 10 mm), of the branches within 2.5 mm of the tree, and the rest.
    branch_mm, branch_share
        As the first two, without the aorta.
    tree_mm, outside_share
        Length of the found tree, and the share of it more than one voxel outside the mask.
    branch_outside_share
        The same without the aorta.
    bone_share
        Share of the found tree inside the mask of the bones.
    """

    true_mm: float
    found_share: float
    filled_share: float
    near_share: float
    aorta_missed_mm: float
    near_missed_mm: float
    far_missed_mm: float
    branch_mm: float
    branch_share: float
    tree_mm: float
    outside_share: float
    branch_outside_share: float
    bone_share: float


def skeleton_of(mask: NDArray[np.bool_], affine: Affine) -> Skeleton:
    """Skeleton, radii and lengths of a mask.

    Notes
    -----
    Lee TC, et al. CVGIP 1994;56:462 (scikit-image). The edges are those of the shortest tree over the 26-neighbours.
    """
    low, high = _box(mask)
    cut = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    inner = np.argwhere(skeletonize(cut))
    depth = ndimage.distance_transform_edt(np.pad(cut, 1), sampling=affine.spacing_mm)[1:-1, 1:-1, 1:-1]
    index = inner + low
    pairs, far = edges_of(index, affine.spacing_mm)
    length = np.bincount(pairs.ravel(), 0.5 * np.repeat(far, 2), len(index))
    return Skeleton(index.astype(np.int64), depth[tuple(inner.T)], length)


def _box(mask: NDArray[np.bool_]) -> tuple[list[int], list[int]]:
    """First and last index of the voxels inside, with a rim of two where the picture has one."""
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    low = [max(part.start - 2, 0) for part in found]
    return low, [min(part.stop + 2, size) for part, size in zip(found, mask.shape, strict=True)]


def both_skeletons(mask: NDArray[np.bool_], affine: Affine) -> tuple[Skeleton, Skeleton]:
    """Of a mask, and of the same with its closed cavities filled."""
    whole = ndimage.binary_fill_holes(mask)
    first = skeleton_of(mask, affine)
    return first, first if bool((whole == mask).all()) else skeleton_of(whole, affine)


def score_tree(
    aorta_mm: Floats,
    branches_mm: Sequence[Floats],
    mask: NDArray[np.bool_],
    bone: NDArray[np.bool_],
    affine: Affine,
    *,
    skeletons: tuple[Skeleton, Skeleton] | None = None,
) -> TreeScore:
    """A found tree against an expert's mask."""
    truth, whole = skeletons or both_skeletons(mask, affine)
    wide = 2 * truth.radius_mm >= LEAST_MM
    branch = wide & (truth.radius_mm < AORTA_RADIUS_MM)
    stem, twigs = _even([aorta_mm]), _even(branches_mm)
    line = np.concatenate([stem, twigs])
    voxels, _ = cKDTree(affine.to_index(line)).query(truth.index, p=np.inf)
    far, _ = cKDTree(line).query(affine.to_mm(truth.index))
    whole_voxels, _ = cKDTree(affine.to_index(line)).query(whole.index, p=np.inf)
    missed = truth.length_mm * wide * (voxels > 1.0)
    grown = ndimage.binary_dilation(mask, np.ones((3, 3, 3)))
    outside, twig_outside = (~_inside(grown, affine, points) for points in (line, twigs))
    return TreeScore(
        float(truth.length_mm[wide].sum()),
        _share(voxels <= 1.0, truth.length_mm * wide),
        _share(whole_voxels <= 1.0, whole.length_mm * (2 * whole.radius_mm >= LEAST_MM)),
        _share(far <= 2.5, truth.length_mm * wide),
        float(missed[~branch].sum()),
        float(missed[branch & (far <= 2.5)].sum()),
        float(missed[branch & (far > 2.5)].sum()),
        float(truth.length_mm[branch].sum()),
        _share(voxels <= 1.0, truth.length_mm * branch),
        STEP_MM * len(line),
        float(outside.mean()),
        float(twig_outside.mean()) if len(twigs) else 0.0,
        float(_inside(bone, affine, line).mean()),
    )


def _line_of(tree: AbdominalTree) -> Floats:
    return _even([tree.aorta.centre_mm, *(branch.line.points_mm for branch in tree.branches)])


def _share(good: NDArray[np.bool_], weight: Floats) -> float:
    return float((good * weight).sum() / max(weight.sum(), 1e-9))


def _even(lines: Sequence[Floats]) -> Floats:
    """Points every 0.2 mm along all lines."""
    out = [np.empty((0, 3))]
    for points in lines:
        arc = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
        where = np.arange(0.0, arc[-1], STEP_MM)
        out.append(np.stack([np.interp(where, arc, points[:, k]) for k in range(3)], axis=1))
    return np.concatenate(out)


def _inside(mask: NDArray[np.bool_], affine: Affine, points_mm: Floats) -> NDArray[np.bool_]:
    index = np.rint(affine.to_index(points_mm)).astype(int)
    valid = ((index >= 0) & (index < mask.shape)).all(axis=1)
    out = np.zeros(len(index), dtype=bool)
    out[valid] = mask[tuple(index[valid].T)]
    return out


def draw(tree: AbdominalTree, axis: Axis, mask: NDArray[np.bool_], affine: Affine) -> bytes:
    """PNG: the true centreline and the found lines, from the front and from above; no pixel of the CT."""
    line = _line_of(tree)
    truth = np.concatenate([axis.aorta_mm, axis.branch_mm[2 * axis.radius_mm >= LEAST_MM]])
    voxels, _ = cKDTree(affine.to_index(line)).query(affine.to_index(truth), p=np.inf)
    outside = line[~_inside(ndimage.binary_dilation(mask, np.ones((3, 3, 3))), affine, line)]
    layers = (
        (line, 1.5, MUTED, "found line"),
        (truth[voxels <= 1.0], 3.0, INK, "true centreline, found"),
        (truth[voxels > 1.0], 3.0, MISSED, "true centreline, missed"),
        (outside, 1.5, WRONG, "found line outside the expert's mask"),
    )
    with plt.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(1, 2, figsize=(11.0, 6.0), layout="constrained")
        for ax, (a, b), name in zip(axes, ((0, 2), (0, 1)), ("head", "back"), strict=True):
            for points, size, colour, label in layers:
                ax.scatter(points[:, a], points[:, b], s=size, color=colour, linewidths=0, label=label)
            ax.set_aspect("equal")
            ax.set_xlabel("to the patient's left, mm")
            ax.set_ylabel(f"to the {name}, mm")
        axes[1].invert_yaxis()
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, markerscale=2)
        out = io.BytesIO()
        figure.savefig(out, dpi=110, metadata={"Software": None})
        plt.close(figure)
    return out.getvalue()


@dataclass(frozen=True)
class Judged:
    """A found tree against the centred truth, and against the thinned mask."""

    axis: AxisScore
    thin: TreeScore


@dataclass(frozen=True)
class Facts:
    """What the page tells besides the scores: seconds, branches, the contrast table, offsets of truths, skeleton."""

    seconds: float
    branches: int
    contrast: str
    offsets: tuple[Offset, Offset]
    dropped_mm: float
    stamp: str


def page(judged: Judged, others: dict[str, Judged], facts: Facts) -> str:
    """The evidence page."""
    found, outside = f">= {100 * ASKED_FOUND:.0f} %", f"<= {100 * ASKED_OUTSIDE:.0f} %"
    rows = (
        ("true centreline found, within 1 voxel", judged.axis.found_share, found, ASKED_FOUND),
        ("found tree outside the mask", judged.thin.outside_share, outside, -ASKED_OUTSIDE),
    )
    table = "\n".join(
        f"| {name} | {asked} | {100 * value:.1f} % | {'reached' if _reached(value, bound) else '**short**'} |"
        for name, value, asked, bound in rows
    )
    text = PAGE.format(table=table, changed=_changed(judged, others), truths=_truths(facts), j=judged, f=facts)
    return re.sub(r"(?<=\d)%", " %", text)


def _truths(facts: Facts) -> str:
    """Rows of the table that compares the two centrelines of drawn masks."""
    names = "thinned mask", "centred"
    return "\n".join(
        f"| {name} | {one.branch_share:.1%} | {one.aorta_share:.1%} | {one.covered_share:.1%} |"
        for name, one in zip(names, facts.offsets, strict=True)
    )


def _changed(judged: Judged, others: dict[str, Judged]) -> str:
    """The section on changed pictures, empty where there are none."""
    if not others:
        return ""
    rows = "\n".join(
        f"| {name} | {one.axis.found_share:.1%} | {one.axis.near_share:.1%} | {one.thin.outside_share:.1%} |"
        for name, one in {"as it is": judged, **others}.items()
    )
    shares = [[one.axis.found_share, one.thin.outside_share] for one in (judged, *others.values())]
    (low, less), (high, more) = np.min(shares, axis=0), np.max(shares, axis=0)
    found, outside = f"{100 * low:.0f} to {100 * high:.0f} %", f"{100 * less:.0f} to {100 * more:.0f} %"
    return CHANGED.format(rows=rows, found=found, outside=outside)


def _contrast_rows(volume: Volume, masks: tuple[NDArray[np.bool_], Affine], axis: Axis, line: Floats) -> str:
    """Rows of the table of contrast: length, share found, and share of lines beside the truth."""
    mask, affine = masks
    sigma = [CALM_MM / step for step in volume.affine.spacing_mm]
    calm = ndimage.gaussian_filter(np.asarray(volume.hu, dtype=np.float32), sigma)
    seen = contrast_along((calm, volume.affine), axis, mask=mask, affine=affine)
    asked = 2 * axis.radius_mm >= LEAST_MM
    hit = cKDTree(affine.to_index(line)).query(affine.to_index(axis.branch_mm), p=np.inf)[0] <= 1.0
    rows = []
    for low, high, name in CONTRASTS_HU:
        here = asked & (seen.on_hu >= low) & (seen.on_hu < high)
        beside = float(((seen.beside_hu >= low) & (seen.beside_hu < high)).mean())
        share = f"{hit[here].mean():.0%}" if here.any() else "-"
        rows.append(f"| {name} | {STEP_MM * here.sum():.0f} mm | {share} | {beside:.1%} |")
    return "\n".join(rows)


def _reached(value: float, bound: float) -> bool:
    return value >= bound if bound > 0 else value <= -bound


def resampled(volume: Volume, change: Floats, *, stretch: float = 1.0) -> Volume:
    """A picture whose value at x is that of ``volume`` at ``change`` x, a (4, 4) map in mm; voxels longer by a factor.

    Notes
    -----
    Linear interpolation; for longer voxels after a Gaussian of 0.4 of the new voxel. Outside: air.
    """
    hu = np.asarray(volume.hu, dtype=np.float32)
    if stretch > 1.0:
        hu = ndimage.gaussian_filter(hu, 0.4 * stretch)
    grid = volume.affine.matrix @ np.diag([stretch, stretch, stretch, 1.0])
    to_index = volume.affine.inverse @ change @ grid
    shape = tuple(int(size // stretch) for size in hu.shape)
    out = ndimage.affine_transform(
        hu, to_index[:3, :3], offset=to_index[:3, 3], output_shape=shape, order=1, mode="constant", cval=-1024.0
    )
    return replace(volume, hu=np.rint(out).astype(np.int16), affine=Affine(grid))


def _turned(angle_deg: float) -> Floats:
    """Turn about the long axis of the body through the point in the aorta."""
    angle = np.deg2rad(angle_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    centre = np.array(POINT_MM)
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    return turn


def _moved(shift_mm: tuple[float, float, float]) -> Floats:
    out = np.eye(4)
    out[:3, 3] = shift_mm
    return out


def changed_pictures(volume: Volume) -> Iterator[tuple[str, Volume, Floats]]:
    """Names, pictures, and the map from each to the original, in mm."""
    noise = np.random.default_rng(20).normal(0.0, 10.0, volume.hu.shape)
    yield "10 HU more noise", replace(volume, hu=np.rint(volume.hu + noise).astype(np.int16)), np.eye(4)
    yield "turned by 10 degrees", resampled(volume, _turned(10.0)), _turned(10.0)
    yield "moved by half a voxel", resampled(volume, _moved((0.4, 0.4, 0.8))), _moved((0.4, 0.4, 0.8))
    yield "1.3 times coarser", resampled(volume, np.eye(4), stretch=1.3), np.eye(4)


def _lines_in(picture: Volume, change: Floats) -> tuple[Floats, list[Floats]]:
    """Aorta and branches found in a changed picture, where they lie in the original."""
    back = np.linalg.inv(change)
    tree = grow_from_aorta(picture, back[:3, :3] @ np.array(POINT_MM) + back[:3, 3])
    found = (tree.aorta.centre_mm, *(branch.line.points_mm for branch in tree.branches))
    aorta, *branches = (points @ change[:3, :3].T + change[:3, 3] for points in found)
    return aorta, branches


@dataclass(frozen=True, eq=False)
class Judge:
    """The masks, and both centrelines of the arteries."""

    artery: NDArray[np.bool_]
    bone: NDArray[np.bool_]
    affine: Affine
    skeletons: tuple[Skeleton, Skeleton]
    axis: Axis

    def __call__(self, aorta_mm: Floats, branches_mm: Sequence[Floats]) -> Judged:
        """Scores of a tree."""
        thin = score_tree(aorta_mm, branches_mm, self.artery, self.bone, self.affine, skeletons=self.skeletons)
        return Judged(score_axis(_even([aorta_mm, *branches_mm]), self.axis, self.affine), thin)


def _drawn_offsets() -> tuple[Offset, Offset]:
    """Both centrelines of three drawn trees against their axes."""
    trees = [drawn_tree(seed) for seed in range(DRAWN)]
    thinned = []
    for tree in trees:
        skeleton = skeleton_of(tree.mask, tree.affine)
        thinned.append((tree.affine.to_mm(skeleton.index), skeleton.length_mm))
    return offsets(trees, thinned)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    parser = argparse.ArgumentParser(prog="python -m evidence.abdomen", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with ct, mask_artery and mask_bone")
    parser.add_argument("--out", type=Path, default=Path("docs/evidence"), help="folder for the page")
    parser.add_argument("--only-as-it-is", action="store_true", help="leave the changed pictures out")
    asked = parser.parse_args(arguments)
    if not (asked.data / "ct.nii.gz").is_file():
        print("skipped: the abdominal CT is not part of the repository and is not here")
        return 0
    volume = load_study(asked.data / "ct.nii.gz").volume
    masks = [read_label_map(asked.data / f"mask_{name}.nii.gz", most_label=1) for name in ("artery", "bone")]
    (artery, affine), (bone, _) = masks
    grow_from_aorta(volume, POINT_MM)
    start = time.perf_counter()
    tree = grow_from_aorta(volume, POINT_MM)
    seconds = time.perf_counter() - start
    judge = Judge(artery > 0, bone > 0, affine, both_skeletons(artery > 0, affine), centred_axis(artery > 0, affine))
    judged = judge(tree.aorta.centre_mm, [branch.line.points_mm for branch in tree.branches])
    print(judged, flush=True)
    write_atomic(asked.out / "figures" / "abdomen.png", draw(tree, judge.axis, judge.artery, affine))
    contrast = _contrast_rows(volume, (judge.artery, affine), judge.axis, _line_of(tree))
    stamp, others = written_by("python -m evidence.abdomen"), {}
    facts = Facts(seconds, len(tree.branches), contrast, _drawn_offsets(), judge.axis.dropped_mm, stamp)
    write_text_atomic(asked.out / "abdomen.md", page(judged, others, facts))
    for name, picture, change in () if asked.only_as_it_is else changed_pictures(volume):
        others[name] = judge(*_lines_in(picture, change))
        print(name, others[name], flush=True)
        write_text_atomic(asked.out / "abdomen.md", page(judged, others, facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
