"""The hot steps of the automatic case, each call made by recanal and by the best library on the same data."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import SimpleITK
from benchmarks.steps import as_image
from scipy import ndimage
from skimage.graph import MCP_Geometric

from recanal.anatomy.coarse import depth_mm, thinned
from recanal.anatomy.geodesic import BLOCKED, reach_from
from recanal.core.volume import Affine
from recanal.imaging.paths import cheapest_path
from recanal.imaging.sample import isotropic, sample
from recanal.imaging.tubes import tubularity


@dataclass
class Part:
    """One step: the library that does the same, its function, and how far results may differ."""

    name: str
    own: Callable
    peer: str
    other: Callable
    apart: Callable | None = None
    limit: float = 0.0
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


def reach_by_skimage(cost, starts, labels, *, step_mm, most_cost=np.inf):
    """Costs, and for each voxel the one before."""
    search = MCP_Geometric(np.where(cost >= BLOCKED, -1.0, cost))
    search.find_costs([tuple(x) for x in np.stack(np.unravel_index(starts, cost.shape), axis=1)])
    return search


def path_by_skimage(cost, start, goal):
    search = MCP_Geometric(cost)
    total = float(search.find_costs([start], [goal])[0][goal])
    return search.traceback(goal), total


def sample_by_scipy(block, points_mm):
    points = np.asarray(points_mm, dtype=np.float64)
    index = block.affine.to_index(points.reshape(-1, 3))
    found = ndimage.map_coordinates(block.hu, index.T, order=1, mode="constant", cval=np.nan, output=np.float32)
    return found.reshape(points.shape[:-1])


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
    return [
        Part("means of whole voxels", thinned, "SimpleITK BinShrink", thinned_by_itk, most_apart(1), 1.0),
        Part("isotropic grids", isotropic, "SimpleITK Resample, BinShrink", isotropic_by_itk, most_apart(4), 1.0),
        Part("distance maps", depth_mm, "SimpleITK SignedMaurerDistanceMap", depth_by_itk, depth_apart, 0.2),
        Part("tubularity", tubularity, "SimpleITK ObjectnessMeasure", tubes_by_itk),
        Part("cheapest ways to all voxels", reach_from, "scikit-image MCP_Geometric", reach_by_skimage),
        Part("cheapest path", cheapest_path, "scikit-image MCP_Geometric", path_by_skimage, path_apart, 0.01),
        Part("points and sections", sample, "SciPy map_coordinates", sample_by_scipy, most_apart(), 1.0),
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


def doubled(part, lock):
    """The function of a step that also runs the library and keeps the times of both."""

    def run(*args, **kwargs):
        with lock:
            start = time.perf_counter()
            own = part.own(*args, **kwargs)
            middle = time.perf_counter()
            other = part.other(*args, **kwargs)
            end = time.perf_counter()
            gap = part.apart(own, other) if part.apart else 0.0
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
    parts, lock = all_parts(), threading.RLock()
    with replaced({part.own: doubled(part, lock) for part in parts}):
        task()
    return [part for part in parts if part.calls]
