"""The hot steps of the automatic case, each call made by recanal and by the best library on the same data."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import SimpleITK
from benchmarks.steps import as_image
from scipy import ndimage
from scipy.stats import multivariate_normal
from skimage.graph import MCP_Geometric
from skimage.registration import phase_cross_correlation
from skimage.transform import downscale_local_mean

import recanal.anatomy.field
import recanal.pipeline.automatic
from recanal.anatomy.coarse import thinned
from recanal.core.volume import Affine
from recanal.grids.depth import depth_mm
from recanal.grids.geodesic import BLOCKED, reach_from
from recanal.grids.paths import cheapest_path
from recanal.grids.smoothing import smoothed
from recanal.grids.tubes import tubularity
from recanal.imaging.sample import Block, isotropic, isotropic_around, sample, sample_rays
from recanal.quality.steps import CLIP_HU, GRID_MM, SMOOTH_MM, slab_steps
from recanal.stenosis.lumen import (
    LEVEL_SD_SHARE,
    OUTSIDE_HU,
    OUTSIDE_SD_HU,
    RING_SD_HU,
    TISSUE_HU,
    TISSUE_SD_HU,
    profile_misfits,
)


@dataclass
class Part:
    """One step: the library that does the same, its function, and how far results may differ, in ``unit``."""

    name: str
    own: Callable
    peer: str
    other: Callable
    apart: Callable | None = None
    limit: float = 0.0
    unit: str = ""
    calls: int = 0
    own_s: float = 0.0
    peer_s: float = 0.0
    check_s: float = 0.0


def thinned_by_itk(volume, *, step_mm=1.1):
    factors = [max(1, int(step_mm / s + 1e-6)) for s in volume.spacing_mm]
    image = SimpleITK.Cast(SimpleITK.GetImageFromArray(volume.hu), SimpleITK.sitkFloat32)
    return SimpleITK.GetArrayFromImage(SimpleITK.BinShrink(image, factors[::-1]))


def isotropic_by_itk(block, *, step_mm):
    """Each voxel the mean of eight linear samples, as recanal has it."""
    where = block.affine.to_mm(
        np.array(np.meshgrid(*[(0, n - 1) for n in block.hu.shape], indexing="ij")).reshape(3, -1).T
    )
    low = np.ceil(where.min(axis=0) / step_mm) * step_mm
    shape = np.maximum(np.floor((where.max(axis=0) - low) / step_mm).astype(int) + 1, 3)
    fine = SimpleITK.Image([2 * int(n) for n in shape], SimpleITK.sitkFloat32)
    fine.SetSpacing([step_mm / 2] * 3)
    fine.SetOrigin((low - step_mm / 4).tolist())
    image = as_image(block.hu, block.affine)
    found = SimpleITK.Resample(image, fine, SimpleITK.Transform(), SimpleITK.sitkLinear, -1024.0)
    return SimpleITK.GetArrayFromImage(SimpleITK.BinShrink(found, [2, 2, 2])).transpose(2, 1, 0)


def isotropic_around_by_itk(volume, points_mm, *, margin_mm, step_mm):
    return isotropic_by_itk(Block.around(volume, points_mm, margin_mm=margin_mm), step_mm=step_mm)


def smoothed_by_scipy(picture, sigma_vox, *, most_sigmas=4.0):
    return ndimage.gaussian_filter(picture, sigma_vox, truncate=most_sigmas, mode="nearest")


def depth_by_itk(inside, *, step_mm):
    """Counted from the first voxel outside, not from the last one inside."""
    image = SimpleITK.GetImageFromArray(inside.astype(np.uint8))
    image.SetSpacing([step_mm] * 3)
    found = SimpleITK.SignedMaurerDistanceMap(image, insideIsPositive=True, squaredDistance=False, useImageSpacing=True)
    return np.where(inside, SimpleITK.GetArrayFromImage(found) + step_mm, 0.0)


def tubes_by_itk(membership, block, *, radii_mm):
    """Objectness at each scale, and once the dark sheets at the smallest one."""
    image = as_image(membership, Affine(block.affine.matrix))
    best = valley = None
    for radius in radii_mm:
        smooth = SimpleITK.SmoothingRecursiveGaussian(image, radius / np.sqrt(2))
        found = SimpleITK.GetArrayFromImage(SimpleITK.ObjectnessMeasure(smooth, objectDimension=1, brightObject=True))
        best = found if best is None else np.maximum(best, found)
        if valley is None:
            dark = SimpleITK.ObjectnessMeasure(smooth, objectDimension=2, brightObject=False)
            valley = SimpleITK.GetArrayFromImage(dark)
    return best, valley


def reach_by_skimage(cost, starts, labels, *, step_mm, most_cost=np.inf, room=None):
    """Costs to all voxels, kept where the front of recanal would have come; the way back is kept as well."""
    search = MCP_Geometric(np.where(cost >= BLOCKED, -1.0, cost))
    starts = starts[cost.ravel()[starts] < BLOCKED]
    found, _ = search.find_costs([tuple(x) for x in np.stack(np.unravel_index(starts, cost.shape), axis=1)])
    return np.where(found * step_mm <= most_cost, found * step_mm, np.inf)


def path_by_skimage(cost, start, goal):
    search = MCP_Geometric(cost)
    total = float(search.find_costs([start], [goal])[0][goal])
    return search.traceback(goal), total


def sample_by_scipy(block, points_mm):
    points = np.asarray(points_mm, dtype=np.float64)
    index = block.affine.to_index(points.reshape(-1, 3))
    found = ndimage.map_coordinates(block.hu, index.T, order=1, mode="constant", cval=np.nan, output=np.float32)
    return found.reshape(points.shape[:-1])


def rays_by_scipy(block, points_mm, frame, rays, rings_mm):
    angle = np.arange(rays) * (2 * np.pi / rays)
    along = np.cos(angle)[:, None] * frame[0][:, None] + np.sin(angle)[:, None] * frame[1][:, None]
    return sample_by_scipy(block, points_mm[:, None, None] + rings_mm[:, None] * along[:, :, None])


def steps_by_skimage(volume):
    """Displacement of each slice against the one before, from the peak of their phase correlation."""
    size = tuple(max(1, round(GRID_MM / step)) for step in volume.spacing_mm[1:])
    sigma = [SMOOTH_MM / (step * n) for step, n in zip(volume.spacing_mm[1:], size, strict=True)]
    thin = [downscale_local_mean(np.clip(plane, *CLIP_HU).astype(np.float32), size) for plane in volume.hu]
    smooth = [ndimage.gaussian_filter(plane, sigma) for plane in thin]
    return [phase_cross_correlation(a, b, upsample_factor=20)[0] for a, b in pairwise(smooth)]


def misfits_by_scipy(seen, level_hu, discs, typical_hu):
    """Minus twice the log density of each profile under each model."""
    inner, outer = discs[0][:, 0], discs[1]
    out = np.empty((len(seen), *outer.shape[:2]))
    unit = np.eye(seen.shape[1])
    for k, w in np.ndindex(*outer.shape[:2]):
        tissue, beyond = outer[k, w] - inner[k], 1.0 - outer[k, w]
        spread = RING_SD_HU**2 * unit + TISSUE_SD_HU**2 * np.outer(tissue, tissue)
        spread += OUTSIDE_SD_HU**2 * np.outer(beyond, beyond)
        spread += (LEVEL_SD_SHARE * typical_hu) ** 2 * np.outer(inner[k], inner[k])
        off = seen - level_hu[:, None] * inner[k] - TISSUE_HU * tissue - OUTSIDE_HU * beyond
        out[:, k, w] = -2.0 * multivariate_normal(cov=spread).logpdf(off)
    return out - seen.shape[1] * np.log(2 * np.pi)


def reach_apart(own, other):
    """Largest difference of the costs of a way, as a share, where both arrive."""
    both = np.isfinite(own.cost) & np.isfinite(other) & (other > 0)
    return float(np.max(np.abs(own.cost[both] / other[both] - 1.0), initial=0.0))


def most_apart(inner=0):
    """Largest difference of two arrays, ``inner`` voxels off the border."""

    def apart(own, other):
        own = getattr(own, "hu", own)
        cut = (slice(inner, -inner),) * own.ndim if inner else ...
        gap = np.abs(own[cut] - other[cut])
        return float(np.nanmax(gap)) if gap.size else 0.0

    return apart


def depth_apart(own, other):
    """Share by which typical distances differ; the borders of a mask are seen half a voxel apart."""
    deep = other > 3.0
    return float(np.median(np.abs(own[deep] - other[deep]) / other[deep])) if deep.any() else 0.0


def path_apart(own, other):
    return abs(own[1] - other[1]) / max(other[1], 1e-9)


def all_parts():
    """The steps with their libraries."""
    grid, search, lines = "SimpleITK Resample, BinShrink", "scikit-image MCP_Geometric", "SciPy map_coordinates"
    return [
        Part("means of whole voxels", thinned, "SimpleITK BinShrink", thinned_by_itk, most_apart(1), 1.0, "HU"),
        Part("isotropic grid of a block", isotropic, grid, isotropic_by_itk, most_apart(4), 1.0, "HU"),
        Part("isotropic grid of a box", isotropic_around, grid, isotropic_around_by_itk, most_apart(4), 1.0, "HU"),
        Part("smoothing", smoothed, "SciPy gaussian_filter", smoothed_by_scipy, most_apart(), 0.01, "HU"),
        Part("distance maps", depth_mm, "SimpleITK SignedMaurerDistanceMap", depth_by_itk, depth_apart, 0.2, "of it"),
        Part("vessel shape", tubularity, "SimpleITK ObjectnessMeasure", tubes_by_itk),
        Part("ways to all voxels", reach_from, search, reach_by_skimage, reach_apart, 0.01, "of the cost"),
        Part("way between two points", cheapest_path, search, path_by_skimage, path_apart, 0.01, "of the cost"),
        Part("points", sample, lines, sample_by_scipy, most_apart(), 1.0, "HU"),
        Part("sections", sample_rays, lines, rays_by_scipy, most_apart(), 1.0, "HU"),
        Part("displaced slabs", slab_steps, "scikit-image phase_cross_correlation", steps_by_skimage),
        Part("lumen widths", profile_misfits, "SciPy multivariate_normal", misfits_by_scipy, most_apart(), 0.01),
    ]


@contextmanager
def replaced(wrappers):
    """Every module of recanal sees the wrapper of a function in place of it."""
    kept = []
    for module in [m for name, m in list(sys.modules.items()) if name.startswith("recanal")]:
        for key, value in list(vars(module).items()):
            wrapper = wrappers.get(value) if callable(value) and getattr(value, "__hash__", None) else None
            if wrapper is not None:
                kept.append((module, key, value))
                setattr(module, key, wrapper)
    try:
        yield
    finally:
        for module, key, value in kept:
            setattr(module, key, value)


class Inline(ThreadPoolExecutor):
    """Runs each task at once, so that no two steps are timed side by side."""

    def submit(self, task, /, *args, **kwargs):
        done = Future()
        done.set_result(task(*args, **kwargs))
        return done


def doubled(part, running):
    """The function of a step that also runs the library and keeps the times of both; plain inside another step."""

    def run(*args, **kwargs):
        if running:
            return part.own(*args, **kwargs)
        running.append(part)
        try:
            start = time.perf_counter()
            own = part.own(*args, **kwargs)
            middle = time.perf_counter()
            other = part.other(*args, **kwargs)
            end = time.perf_counter()
            gap = part.apart(own, other) if part.apart else 0.0
        finally:
            running.pop()
        if gap > part.limit:
            raise RuntimeError(f"{part.name}: {part.peer} does another task, results differ by {gap:.3g}")
        part.calls += 1
        part.own_s += middle - start
        part.peer_s += end - middle
        part.check_s += time.perf_counter() - end
        return own

    return run


def measured_parts(task):
    """The steps after one run of ``task``, one call at a time."""
    parts, running = all_parts(), []
    wrappers = {part.own: doubled(part, running) for part in parts}
    with replaced(wrappers), side_by_side_refused():
        task()
    return [part for part in parts if part.calls]


@contextmanager
def side_by_side_refused():
    """What the rooms do side by side, they do in turn."""
    modules = (recanal.anatomy.field, recanal.pipeline.automatic)
    for module in modules:
        module.ThreadPoolExecutor = Inline
    try:
        yield
    finally:
        for module in modules:
            module.ThreadPoolExecutor = ThreadPoolExecutor
