"""The words of the evidence page on the arteries of a real abdominal CT."""

from __future__ import annotations

__all__ = ["CHANGED", "PAGE"]

PAGE = """# Arteries of a real abdominal CT

{f.stamp}

One contrast CT of the abdomen (3D-IRCADb-01, 512 x 512 x 119 voxels of 0.743 x 0.743 x 1.6 mm, portal-venous phase),
with the arteries and bones drawn by experts. The licence allows research that is not commercial; the picture is not
part of this repository, and the figure below shows lines only. `recanal.abdomen.tree.grow_from_aorta` was
given one point inside the aorta and nothing else.

| quantity | asked | reached | |
|---|---|---|---|
{table}

Without the aorta: {j.axis.branch_share:.1%} of {j.axis.branch_mm:.0f} mm found,
{j.thin.branch_outside_share:.1%} of the found branches outside.
Within 2.5 mm instead of one voxel: {j.axis.near_share:.1%} found. Inside bone:
{j.thin.bone_share:.1%} of the found tree. Lengths: true {j.axis.true_mm:.0f} mm, found {j.thin.tree_mm:.0f} mm,
{f.branches} branches. Time: {f.seconds:.0f} s on two processor cores, compiled before.

With the voxels of the thinned mask as truth instead: {j.thin.found_share:.1%} found,
{j.thin.filled_share:.1%} with the cavity inside the mask filled first. The next section says why this is not the truth.

![True centreline in blue where found and orange where missed, found lines in grey, red where they lie outside the
mask](figures/abdomen.png)

## Which centreline is the true one

Thinning a mask of voxels gives lines of voxels: they zigzag, they lean to one side of a wide vessel, and they lead each
branch through the aorta ({f.dropped_mm:.0f} mm here). The same two methods were therefore run on three drawn trees: an
aorta of 9 to 11 mm radius with 14 curved branches of 1.0 to 3.6 mm, on the grid of this CT, with a rough surface. Their
axes are known. Lone branches are those more than 6 mm from any other.

| centreline | lone branches, > 1 voxel off | inner half of the aorta, > 1 voxel off | true lone axes covered |
|---|---|---|---|
{truths}

So the centred line is the one that the table at the top uses, and both figures are given. It covers the axes as the
thinned one does; what neither covers are thin ends that the rough surface cuts off the mask.

## Where the missed length lies

| where | missed |
|---|---|
| branches with no found line within 2.5 mm | {j.axis.far_missed_mm:.0f} mm |
| branches with a found line within 2.5 mm, but not within one voxel | {j.axis.near_missed_mm:.0f} mm |
| aorta | {j.axis.aorta_missed_mm:.0f} mm |

## What of it can be seen

Contrast: the mean over 5 mm of the line (smoothed by 0.7 mm; the noise left is about 11 HU) less the upper quartile of
24 directions, 1.0 to 2.4 mm beyond the vessel. The last column: lines moved sideways by 5 mm, outside the mask.

| contrast | true branches | of them found | of lines beside them |
|---|---|---|---|
{f.contrast}

Where few of the lines beside have such a contrast and the vessel is missed all the same, the search is at fault and not
the picture.

{changed}## How it is judged

- Truth: the mask with its cavities filled is thinned (scikit-image), ends that reach less than a voxel beyond the
  surface of the vessel that they leave are dropped, and every point is moved to the centroid of the mask's section
  across the line. In the aorta it is the middle of the largest discs inside the mask of each slice. It shares no code
  with what is judged.
- Asked for: where the vessel, twice the distance to the nearest voxel outside, is at least 2 mm wide.
- Found: some point of the tree lies within one voxel of it along each axis of the picture.
- Outside: more than one voxel outside the mask, as a share of the length of the tree.

## What this does not show

- It is one case, and the constants of this entry were chosen on it. No second real CT with an arterial truth was at
  hand, so these shares say what the method can do on this picture, not what it will do on the next.
- In the portal-venous phase veins are as bright as arteries. What is wide or clearly brighter than the aorta is kept
  out, and so is what a dip in contrast parts from the artery that it touches; a thin vein without such a dip is not
  told from a branch.
- The expert's mask ends on many arteries before they fade. A true artery beyond that end counts as outside here. By
  eye, though not a radiologist's, most of what lies outside is of this kind: thin branches to gut, pancreas and kidney.
- The arteries inside the liver, in the mask, hardly stand out from the liver in this phase; most are missed.
"""

CHANGED = """## The same picture, changed

Each line of the tree found in the changed picture was taken back to the original one and judged there.
Noise: 10 HU more, standard deviation, independent from voxel to voxel. Turned: 10 degrees about the long axis of the
body, and interpolated. Moved: by 0.4, 0.4 and 0.8 mm against the grid, and interpolated. Coarser: voxels 1.3 times as
long along each axis.

| picture | found, within 1 voxel | found, within 2.5 mm | outside |
|---|---|---|---|
{rows}

Found {found}, outside {outside}. This shows how far the result hangs on one grid and one noise, not how it will do on
another patient.

"""
