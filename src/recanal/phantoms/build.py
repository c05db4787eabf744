"""From options and a seed to a CT angiogram with its truth."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.case import PHANTOM_MAKER
from recanal.core.volume import Volume
from recanal.errors import OptionError
from recanal.phantoms.connections import Connection, build_connection
from recanal.phantoms.deposits import Deposit, draw_deposits, draw_stent, paint_deposits
from recanal.phantoms.geometry import Floats
from recanal.phantoms.heart import Heart, build_heart, layers_of
from recanal.phantoms.lesion import Lesion, build_lesion
from recanal.phantoms.lungs import PulmonaryBlood, paint_lung_vessels
from recanal.phantoms.options import CALCIUM_SCALE, PhantomOptions, resolve_options, stream
from recanal.phantoms.render import Look, VesselPainter, paint_layers, paint_vessels
from recanal.phantoms.scanner import (
    Grid,
    add_noise,
    blur_motion,
    build_grid,
    crop_grid,
    psf_sigmas,
)
from recanal.phantoms.segments import Naming
from recanal.phantoms.survey import Scene
from recanal.phantoms.testimony import Drawn, testify
from recanal.phantoms.tree import Artery, Placement, build_arteries
from recanal.phantoms.truth import Phantom
from recanal.phantoms.veins import Vein, build_veins
from recanal.phantoms.whole_tree import build_whole_tree

__all__ = [
    "Design",
    "add_lesion_calcium",
    "describe",
    "make_design",
    "make_phantom",
    "render",
    "smear",
    "without_calcium",
]

_log = logging.getLogger(__name__)
Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class Design:
    """All that is drawn, before any voxel exists."""

    options: PhantomOptions
    seed: int
    heart: Heart
    arteries: list[Artery]
    veins: list[Vein]
    lesion: Lesion
    grid: Grid
    left_main_mm: float
    deposits: tuple[Deposit, ...] = ()
    connection: Connection | None = None
    contrast: bool = True

    @property
    def naming(self) -> Naming:
        """What the names of the segments rest on."""
        return Naming(self.heart, self.arteries, str(self.options.dominance), self.left_main_mm)

    @property
    def place(self) -> Placement:
        """Where the lesion lies."""
        return self.lesion.place


def make_design(options: PhantomOptions, *, seed: int) -> Design:
    """The anatomy, the lesion and the voxel grid of a phantom."""
    full = resolve_options(options, seed)
    heart = build_heart(stream(seed, 3))
    build_tree = build_whole_tree if full.tree == "whole" else build_arteries
    arteries, place, left_main_mm = build_tree(heart, full, stream(seed, 4))
    lesion = build_lesion(full, arteries[0], place, stream(seed, 5))
    veins = build_veins(heart, arteries, lesion, stream(seed, 6))
    grid = build_grid(full, heart.place(14, 0, 0), stream(seed, 7))
    if full.extent == "crop":
        arc = arteries[0].arc_mm
        near = (arc >= place.start_mm - 1.0) & (arc <= place.end_mm + 1.0)
        grid = crop_grid(grid, arteries[0].points_mm[near], full.margin_mm)
    deposits = _deposits(full, heart, arteries, (place, left_main_mm), seed)
    design = Design(full, seed, heart, arteries, veins, lesion, grid, left_main_mm, deposits)
    return replace(design, connection=_connection(design))


def _connection(design: Design) -> Connection | None:
    options = design.options
    if options.collateral == "none":
        return None
    found = build_connection(
        design.heart,
        (design.arteries, design.veins),
        design.lesion,
        kind=options.collateral,
        diameter_mm=options.collateral_diameter_mm,
        rng=stream(design.seed, 31),
    )
    if found is None:
        raise OptionError(
            f"seed {design.seed} has no room for a connection ({options.collateral}) to the {design.place.vessel}.",
            hint="Try another seed, another vessel or the other kind, with a whole tree.",
        )
    return found


def _deposits(
    options: PhantomOptions, heart: Heart, arteries: list[Artery], stops: tuple[Placement, float], seed: int
) -> tuple[Deposit, ...]:
    """Calcium outside the lesion and stents, where they are asked for."""
    found: list[Deposit] = []
    if options.calcium_elsewhere:
        found += draw_deposits(heart, arteries, stops, stream(seed, 22))
    if options.stent == "lesion":
        found += draw_stent(arteries[0], (stops[0].start_mm - 4.0, stops[0].end_mm + 4.0))
    if options.stent == "elsewhere":
        rng = stream(seed, 23)
        mains = [a for a in arteries[1:] if a.name in ("RCA", "LAD", "LCX")]
        artery = mains[int(rng.integers(len(mains)))]
        first = float(rng.uniform(20.0, 45.0))
        found += draw_stent(artery, (first, first + float(rng.uniform(12.0, 28.0))))
    return tuple(found)


def _branch_hu(design: Design) -> dict[str, Floats]:
    """Attenuation along every artery but the target."""
    lesion, levels = design.lesion, {}
    first, drop = float(lesion.lumen_hu[0]), float(lesion.lumen_hu[0] - lesion.lumen_hu[4])
    for artery in design.arteries[1:]:
        if artery.parent == lesion.place.vessel:
            start = float(np.interp(artery.start_mm, lesion.arc_mm, lesion.lumen_hu))
        else:
            start = first - drop * artery.start_mm
        levels[artery.name] = np.maximum(start - min(drop, 0.004 * first) * artery.arc_mm, min(0.5 * first, start))
    return levels


def _tubes(design: Design) -> dict[str, tuple[Floats, float]]:
    """The axis of every vessel, and how far from it paint can reach."""
    target, lesion = design.arteries[0], design.lesion
    tubes = {a.name: (a.points_mm, float(a.lumen_mm.max() + a.wall_mm) + 0.4) for a in design.arteries[1:]}
    tubes |= {v.name: (v.points_mm, float(v.radius_mm.max()) + 0.4) for v in design.veins}
    if design.connection is not None:
        line = design.connection
        tubes["connection"] = (line.points_mm, float(line.radius_mm.max()) + 0.4)
    return tubes | {target.name: (target.points_mm, float(lesion.outer_mm.max()) * 1.1 + 0.4)}


def _lesion_box(design: Design, reach_mm: float = 14.0) -> tuple[slice, slice, slice]:
    place, grid, target = design.place, design.grid, design.arteries[0]
    near = (target.arc_mm >= place.start_mm - 15) & (target.arc_mm <= place.end_mm + 15)
    index = grid.index_of(grid.scanned(target.points_mm[near]))
    low = np.clip(np.floor(index.min(axis=0) - reach_mm / 2 / grid.spacing_mm), 0, None).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0) + reach_mm / 2 / grid.spacing_mm).astype(int), grid.shape)
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _part(grid: Grid, box: tuple[slice, slice, slice]) -> Grid:
    low = np.array([edge.start for edge in box])
    shape = (box[0].stop - box[0].start, box[1].stop - box[1].start, box[2].stop - box[2].start)
    return Grid(grid.origin_mm + low * grid.spacing_mm, grid.spacing_mm, shape, grid.slab_start_mm, grid.slab_shift_mm)


def without_calcium(design: Design, progress: Progress | None = None) -> tuple[NDArray[np.float32], VesselPainter]:
    """The noise-free picture before any calcium, and the painter that adds that of the lesion."""
    grid, lesion = design.grid, design.lesion
    blood_hu = float(lesion.lumen_hu[0]) * (1.03 if design.contrast else 1.0)
    layers = layers_of(design.heart, blood_hu, stream(design.seed, 8), contrast=design.contrast)
    sigmas = psf_sigmas(design.options)
    picture = paint_layers(grid, layers, design.seed, sigmas_mm=sigmas, progress=progress)
    if progress is not None:
        progress(0.6, "vessels")
    painter = VesselPainter(grid, picture, _tubes(design))
    look = Look(_branch_hu(design), design.heart.solids["aorta"], blood_hu)
    paint_vessels(painter, design.arteries, design.veins, lesion, look)
    if design.connection is not None:
        painter.tube("connection", design.connection.radius_mm, design.connection.hu)
    blood = PulmonaryBlood(blood_hu, sigmas)
    paint_lung_vessels(picture, grid, design.heart, blood=blood, rng=stream(design.seed, 13))
    painter.add_to(picture, sigmas)
    return picture, painter


def add_lesion_calcium(design: Design, painter: VesselPainter, picture: NDArray[np.float32]) -> None:
    """Add the calcium of the lesion to a picture, in place."""
    if design.lesion.calcium:
        painter.target(design.arteries[0].name, design.lesion, ("calcium",))
        painter.add_to(picture, psf_sigmas(design.options))


def smear(design: Design, *pictures: NDArray[np.float32]) -> None:
    """Blur pictures by the motion of the heart, in place."""
    angle = float(stream(design.seed, 9).uniform(0, np.pi))
    for part in pictures:
        blur_motion(part, float(design.grid.spacing_mm[1]), design.options, angle)


def render(design: Design, progress: Progress | None = None) -> tuple[NDArray[np.float32], Scene]:
    """The noise-free picture, and the part around the lesion with and without calcium."""
    grid, options = design.grid, design.options
    picture, painter = without_calcium(design, progress)
    box = _lesion_box(design)
    without = picture[box].copy()
    add_lesion_calcium(design, painter, picture)
    scale = CALCIUM_SCALE[int(options.kvp or 120)]
    paint_deposits(picture, grid, design.deposits, sigmas_mm=psf_sigmas(options), scale=scale)
    if progress is not None:
        progress(0.8, "motion")
    smear(design, picture, without)
    return picture, Scene.of(_part(grid, box), picture[box], without)


def describe(options: PhantomOptions, series: str) -> dict[str, Any]:
    """The facts about a series that go into ``Volume.meta``."""
    return {
        "series_description": series,
        "modality": "CT",
        "manufacturer": PHANTOM_MAKER,
        "image_type": ("ORIGINAL", "PRIMARY", "AXIAL"),
        "kvp": options.kvp,
        "kernel": "B26f",
        "slice_thickness_mm": options.thickness_mm,
        "phase_percent": 75.0,
        "contrast": True,
    }


def make_phantom(options: PhantomOptions, *, seed: int, progress: Progress | None = None) -> Phantom:
    """A coronary CT angiogram with a known truth; the same options and seed give the same phantom.

    Parameters
    ----------
    options
        What to draw; None fields are drawn from the seed.
    seed
        A whole number >= 0.
    progress
        Called with a share in [0, 1] and a word.

    Raises
    ------
    OptionError
        When the seed is not a whole number >= 0.
    """
    design = make_design(options, seed=seed)
    clean, scene = render(design, progress)
    drawn = Drawn(design.options, design.naming, design.veins, design.lesion, design.grid, design.connection)
    truth = testify(design.seed, drawn, scene)
    if progress is not None:
        progress(0.85, "noise")
    noise_seed = seed if design.options.noise_seed is None else design.options.noise_seed
    hu = add_noise(clean, float(design.grid.spacing_mm[1]), design.options, stream(noise_seed, 10))
    clean.setflags(write=False)
    volume = Volume(hu, design.grid.affine, describe(design.options, "Coronary CTA 0.6 B26f 75 %"))
    _log.debug("phantom of seed %d: %s voxels", seed, hu.shape)
    return Phantom(volume, clean, truth)
