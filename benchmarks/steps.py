"""The hot steps of an analysis, each beside the best library for the same task on the same data."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import SimpleITK
from scipy import ndimage
from skimage.filters import frangi
from skimage.graph import MCP_Geometric

from recanal.angiography.plan import plan_views
from recanal.core.curves import frames
from recanal.core.volume import Affine
from recanal.edits.actions import Place, Redraw
from recanal.grids.paths import cheapest_path
from recanal.grids.tubes import soft_step, tubularity
from recanal.imaging.route import GRID_MM, TISSUE_HU, WALL_RADII_MM, cost_map, seed_level_hu
from recanal.imaging.sample import Block, isotropic
from recanal.imaging.sections import RAYS, RING_MM, cut_sections
from recanal.imaging.vessel import REACH_MM
from recanal.interop import load_study
from recanal.pipeline import AnalyzeRequest, analyze_volume, measure_seeded
from recanal.pipeline.angles import find_views
from recanal.pipeline.edited import remeasured
from recanal.pipeline.views import section_positions
from recanal.reformat.views import lesion_views
from recanal.report.figures import render_figures
from recanal.report.pdf import render_pdf

REPEATS = 3


@dataclass
class Step:
    """One task: our seconds, and those of each library by name."""

    name: str
    own_s: float
    libraries_s: dict = field(default_factory=dict)
    note: str = ""

    @property
    def best(self):
        """Name and seconds of the fastest library, or None."""
        return min(self.libraries_s.items(), key=lambda pair: pair[1]) if self.libraries_s else None


def median_s(task: Callable[[], object]) -> float:
    """Median of three runs, after one that is not counted."""
    task()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def timed(name, own, note="", **libraries):
    """A step with its times."""
    return Step(name, median_s(own), {key.replace("_", " "): median_s(task) for key, task in libraries.items()}, note)


def region_block(volume, seeds):
    """The voxels that ``imaging.route.region`` cuts out around two seeds."""
    apart = float(np.linalg.norm(seeds[1] - seeds[0]))
    return Block.around(volume, seeds, margin_mm=min(18.0 + 0.4 * apart, 45.0))


def as_image(hu, affine):
    """A block as a SimpleITK image: its axes run the other way round."""
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(hu))
    spacing = affine.spacing_mm[::-1]
    direction = affine.matrix[:3, :3][:, ::-1] / spacing
    image.SetSpacing(spacing)
    image.SetOrigin(affine.matrix[:3, 3].tolist())
    image.SetDirection(direction.ravel().tolist())
    return image


def resampling(block):
    """The isotropic grid, each voxel the mean of eight linear samples."""
    own = isotropic(block, step_mm=GRID_MM)
    half = GRID_MM / 2
    fine = SimpleITK.Image([2 * n for n in own.hu.shape], SimpleITK.sitkFloat32)
    fine.SetSpacing([half] * 3)
    fine.SetOrigin((own.affine.matrix[:3, 3] - half / 2).tolist())
    image = as_image(block.hu, block.affine)
    shape = tuple(2 * n for n in own.hu.shape)
    start = Affine.from_spacing((half,) * 3, own.affine.matrix[:3, 3] - half / 2)
    matrix = block.affine.inverse @ start.matrix

    def with_itk():
        found = SimpleITK.Resample(image, fine, SimpleITK.Transform(), SimpleITK.sitkLinear, -1024.0)
        return SimpleITK.GetArrayFromImage(SimpleITK.BinShrink(found, [2, 2, 2])).transpose(2, 1, 0)

    def with_scipy():
        found = ndimage.affine_transform(
            block.hu, matrix[:3, :3], matrix[:3, 3], output_shape=shape, order=1, cval=-1024.0
        )
        a, b, c = own.hu.shape
        return found.reshape(a, 2, b, 2, c, 2).mean(axis=(1, 3, 5))

    inner = (slice(4, -4),) * 3
    for other in (with_itk(), with_scipy()):
        gap = float(np.abs(other[inner] - own.hu[inner]).max())
        if gap > 1.0:
            raise RuntimeError(f"the libraries do another task: voxels differ by {gap:.1f} HU")
    size = " x ".join(map(str, own.hu.shape))
    return timed(
        "isotropic region",
        lambda: isotropic(block, step_mm=GRID_MM),
        f"{size} voxels, mean of 8 linear samples",
        SimpleITK_Resample_and_BinShrink=with_itk,
        SciPy_affine_transform=with_scipy,
    )


def tubes(grid):
    """Tubularity of the tissue map at three scales."""
    tissue = soft_step(grid.hu.copy(), *TISSUE_HU)
    sigmas_mm = [radius / np.sqrt(2) for radius in WALL_RADII_MM]
    image = as_image(tissue, grid.affine)

    def with_itk():
        best = None
        for sigma in sigmas_mm:
            smooth = SimpleITK.SmoothingRecursiveGaussian(image, sigma)
            found = SimpleITK.GetArrayFromImage(
                SimpleITK.ObjectnessMeasure(smooth, objectDimension=1, brightObject=True)
            )
            best = found if best is None else np.maximum(best, found)
        return best

    def with_skimage():
        return frangi(tissue, sigmas=[s / GRID_MM for s in sigmas_mm], black_ridges=False, mode="nearest")

    return timed(
        "tubularity",
        lambda: tubularity(tissue, grid.affine.spacing_mm[0], radii_mm=WALL_RADII_MM),
        "three scales, the same sigmas; recanal skips voxels outside tissue",
        SimpleITK_ObjectnessMeasure=with_itk,
        scikit_image_frangi=with_skimage,
    )


def path(grid, seeds, levels):
    """The cheapest path between the two seeds."""
    cost = cost_map(grid, levels).cost
    ends = [tuple(int(i) for i in np.round(grid.affine.to_index(seed)[0])) for seed in seeds]

    def with_skimage():
        search = MCP_Geometric(cost)
        search.find_costs([ends[0]], [ends[1]])
        return search.traceback(ends[1])

    search = MCP_Geometric(cost)
    other = float(search.find_costs([ends[0]], [ends[1]])[0][ends[1]])
    own = cheapest_path(cost, *ends)[1]
    if abs(own - other) > 0.01 * other:
        raise RuntimeError(f"the library does another task: the path costs {other:.1f} there and {own:.1f} here")
    return timed(
        "cheapest path",
        lambda: cheapest_path(cost, *ends),
        "26 neighbours, stopped at the goal",
        scikit_image_MCP_Geometric=with_skimage,
    )


def sections(result):
    """Polar cross-sections along the vessel."""
    block, line = result.vessel.block, result.vessel.line

    def with_scipy():
        _, normals, binormals = frames(line)
        angle = np.arange(RAYS) * (2 * np.pi / RAYS)
        along = np.cos(angle)[:, None] * normals[:, None] + np.sin(angle)[:, None] * binormals[:, None]
        rings = np.arange(round(REACH_MM / RING_MM) + 1) * RING_MM
        points = line.points_mm[:, None, None] + rings[:, None] * along[:, :, None]
        index = block.affine.to_index(points.reshape(-1, 3))
        return ndimage.map_coordinates(block.hu, index.T, order=1, mode="nearest").reshape(points.shape[:-1])

    return timed(
        "polar sections",
        lambda: cut_sections(block, line, reach_mm=REACH_MM),
        f"{len(line.points_mm)} sections",
        SciPy_map_coordinates=with_scipy,
    )


def contour(result):
    """One contour redrawn by a reader, and its lesion measured again."""
    action = Redraw("wall", (), (2.2,) * RAYS, Place(position_mm=5.0), 1.0)
    return timed(
        "contour redrawn and measured again",
        lambda: remeasured(result.vessel, action),
        "asked: at most 50 ms; all numbers of the lesion",
    )


def angles(volume, result):
    """The two C-arm views of the occlusion: what may lie in the way, and the search."""
    found = find_views(volume, result.vessel)[0]
    width = f"{len(found.curve_mm)} points, {np.isfinite(found.plan.angle_map.objective_percent).sum()} views cast"
    grid = " x ".join(map(str, found.scene.hu.shape))
    return [
        timed("C-arm views: surroundings and search", lambda: find_views(volume, result.vessel), f"{grid} cells"),
        timed("C-arm views: search alone", lambda: plan_views(found.curve_mm, found.others, volume=volume), width),
    ]


def bytes_of(files):
    """The bytes of all files, in one new array."""
    sizes = [file.stat().st_size for file in files]
    out = memoryview(np.empty(sum(sizes), dtype=np.uint8))
    start = 0
    for file, size in zip(files, sizes, strict=True):
        with file.open("rb", buffering=0) as stream:
            stream.readinto(out[start : start + size])
        start += size
    return out


def reading(folder):
    """The whole study from disk; the files are in the cache of the system."""
    files = [item for item in sorted(folder.iterdir()) if item.name.startswith("IM")]

    def with_itk():
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        return reader.Execute()

    return timed(
        f"reading {len(files)} slices",
        lambda: load_study(folder),
        "uncompressed, files in the cache of the system",
        bytes_alone=lambda: bytes_of(files),
        SimpleITK_ImageSeriesReader=with_itk,
    )


def report(volume, seeds):
    """Cutting and rendering the figures, and typesetting the PDF."""
    request = AnalyzeRequest(None, None, tuple(seeds[0].tolist()), tuple(seeds[1].tolist()))
    case, result = analyze_volume(volume, request=request)
    vessel, lesion = result.vessel, case.lesions[0]
    gap = vessel.gaps[0] if vessel.gaps else None
    ends = {"proximal_cap_mm": gap and gap.start_mm, "distal_cap_mm": gap and gap.end_mm}

    def figures():
        where = section_positions(vessel, lesion, gap)
        views = lesion_views(volume, vessel.borders.contours, sections=where, **ends)
        return render_figures(case, {lesion.id: views})

    made = figures()
    start = time.perf_counter()
    render_pdf(case, made)
    first = Step("PDF", time.perf_counter() - start, note="one run: the typesetter remembers what it has set before")
    return [timed("cutting and rendering figures", figures), first]


def all_steps(folder, truth, show):
    """Every step on the study in a folder; ``show`` is called with each."""
    volume = load_study(folder).volume
    seeds = np.array([truth["proximal_seed_mm"], truth["distal_seed_mm"]])
    block = region_block(volume, seeds)
    grid = isotropic(block, step_mm=GRID_MM)
    levels = (
        seed_level_hu(grid, seeds[0], name="proximal"),
        seed_level_hu(grid, seeds[1], name="distal"),
    )
    result = measure_seeded(volume, seeds[0], seeds[1])
    steps = []
    tasks = (
        lambda: [resampling(block)],
        lambda: [tubes(grid)],
        lambda: [path(grid, seeds, levels)],
        lambda: [sections(result)],
        lambda: [timed("whole seeded measurement, warm", lambda: measure_seeded(volume, seeds[0], seeds[1]))],
        lambda: [contour(result)] if result.vessel.gaps else [],
        lambda: angles(volume, result) if result.vessel.gaps else [],
        lambda: [reading(folder)],
        lambda: report(volume, seeds),
    )
    for task in tasks:
        for step in task():
            show(step)
            steps.append(step)
    return steps
