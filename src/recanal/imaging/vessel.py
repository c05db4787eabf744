"""One vessel from seed to seed: axis, gaps, borders, and how far to trust the bridge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.errors import ApartError, SeedError
from recanal.imaging.behind_calcium import gaps_behind_calcium
from recanal.imaging.borders import Borders, find_borders
from recanal.imaging.bridge import Bridge, judged
from recanal.imaging.caps import Gap, find_gaps
from recanal.imaging.centring import centred, extended
from recanal.imaging.lumen_level import LumenLevel, lumen_level
from recanal.imaging.route import cost_map, find_route, region, seed_level_hu
from recanal.imaging.sample import Block
from recanal.imaging.sections import Sections, cut_sections
from recanal.imaging.upright import (
    posture,
    turned_block,
    turned_borders,
    turned_bridge,
    turned_sections,
    turned_volume,
)

__all__ = ["SECTION_STEP_MM", "Vessel", "trace_vessel"]

SECTION_STEP_MM = 0.25
REACH_MM = 5.0
BEYOND_MM = 10.0
AORTA_RADIUS_MM = 3.8
LEAST_CONTRAST_HU = 10.0
NEXT_TO_CAP_MM = 8.0
LOST_MM = 2.0
LEAST_BETWEEN_MM, MOST_BETWEEN_MM = 2.0, 200.0


@dataclass(frozen=True, eq=False)
class Vessel:
    """What the picture shows along one vessel.

    Parameters
    ----------
    block
        The voxels around it.
    sections
        Cross-sections every 0.25 mm, from some millimetres before the proximal seed to some beyond the distal one.
    seed_mm
        Arc lengths of the two seeds on the line of the sections.
    lumen, gaps, borders
        Contrast along the vessel, its occlusions and its contours.
    bridges
        One judgement per gap.
    """

    block: Block
    sections: Sections
    seed_mm: tuple[float, float]
    lumen: LumenLevel
    gaps: tuple[Gap, ...]
    borders: Borders
    bridges: tuple[Bridge, ...]

    @property
    def line(self) -> Centerline:
        """The axis."""
        return self.sections.line


def _checked(volume: Volume, proximal_mm: ArrayLike, distal_mm: ArrayLike) -> NDArray[np.float64]:
    seeds = []
    for name, point in (("proximal", proximal_mm), ("distal", distal_mm)):
        seed = np.asarray(point, dtype=np.float64)
        if seed.shape != (3,) or not np.isfinite(seed).all():
            raise SeedError(
                f"The {name} seed must be three finite numbers, got {point!r}.", hint="Give X,Y,Z in LPS mm."
            )
        if not volume.contains_mm(seed)[0]:
            corners = volume.affine.to_mm(np.array([[0, 0, 0], np.asarray(volume.shape) - 1]))
            low, high = corners.min(axis=0).round(1).tolist(), corners.max(axis=0).round(1).tolist()
            raise SeedError(
                f"The {name} seed {seed.round(1).tolist()} lies outside the volume, which spans {low} to {high} mm.",
                hint="Seeds are LPS millimetres; RAS coordinates need their first two signs changed.",
            )
        seeds.append(seed)
    apart_mm = float(np.linalg.norm(seeds[0] - seeds[1]))
    _far_enough(apart_mm)
    if apart_mm > MOST_BETWEEN_MM:
        raise SeedError(
            f"The two seeds are {apart_mm:.0f} mm apart; no coronary artery reaches farther than "
            f"{MOST_BETWEEN_MM:.0f} mm.",
            hint="Check the seeds, and the spacing of the series.",
        )
    return np.stack(seeds)


def _far_enough(apart_mm: float, where: str = "") -> None:
    """Refuse seeds with hardly any vessel between them, in space or, as ``where`` says, along its axis."""
    if apart_mm < LEAST_BETWEEN_MM:
        raise SeedError(
            f"The two seeds are less than {LEAST_BETWEEN_MM:.0f} mm apart{where}: {max(apart_mm, 0.0):.2f} mm.",
            hint="Give one point on each side of the occlusion.",
        )


def trace_vessel(
    volume: Volume,
    proximal_mm: ArrayLike,
    distal_mm: ArrayLike,
    *,
    along_mm: NDArray[np.float64] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Vessel:
    """The vessel between a point in the open lumen on each side of an occlusion.

    Parameters
    ----------
    volume
        The CT angiogram.
    proximal_mm, distal_mm
        (3,) LPS points in the open lumen.
    along_mm
        (n, 3) a way between them to put on the axis of the vessel; the cheapest when None.
    progress
        Called with a word before each step.

    Raises
    ------
    SeedError
        When a seed lies outside the volume, in air, in tissue without contrast, when the two seeds are less than
        2 mm apart, in space or along the axis, more than 200 mm apart, or are not in the same vessel.

    Notes
    -----
    The search works along the axes of the volume, so that it does not hang on how the patient lay in the scanner.
    """
    seeds = _checked(volume, proximal_mm, distal_mm)
    turn = posture(volume.affine)
    if turn is None:
        return _traced(volume, seeds, along_mm, progress)
    way = None if along_mm is None else along_mm @ turn
    vessel = _traced(turned_volume(volume, turn.T), seeds @ turn, way, progress)
    sections = turned_sections(vessel.sections, turn)
    return replace(
        vessel,
        block=turned_block(vessel.block, turn),
        sections=sections,
        borders=turned_borders(vessel.borders, turn, sections.line),
        bridges=tuple(turned_bridge(bridge, turn) for bridge in vessel.bridges),
    )


def _traced(
    volume: Volume,
    seeds: NDArray[np.float64],
    along_mm: NDArray[np.float64] | None,
    progress: Callable[[str], None],
) -> Vessel:
    """The vessel between two seeds (2, 3), in a volume whose axes lie along those of the room."""
    progress("finding the way")
    coarse = region(volume, seeds)
    levels = (
        seed_level_hu(coarse, seeds[0], name="proximal"),
        seed_level_hu(coarse, seeds[1], name="distal"),
    )
    costs = cost_map(coarse, levels)
    way_mm = find_route(costs, seeds).points_mm if along_mm is None else along_mm
    progress("centring")
    block = Block.around(volume, way_mm, margin_mm=BEYOND_MM + REACH_MM)
    line = centred(block, way_mm, levels)
    seed_points = line.points_mm[[0, -1]]
    line = extended(block, line, levels, reach_mm=BEYOND_MM).resample(SECTION_STEP_MM)
    progress("drawing lumen and wall")
    sections = cut_sections(block, line, reach_mm=REACH_MM)
    lumen = lumen_level(sections, levels)
    seed_arc = (line.nearest(seed_points[0])[0], line.nearest(seed_points[1])[0])
    _far_enough(seed_arc[1] - seed_arc[0], " along the axis of the vessel")
    gaps = find_gaps(sections, lumen, open_mm=seed_arc)
    _same_vessel(sections, lumen, seed_arc)
    _above_plaque(line.arc_mm, lumen, gaps)
    borders = find_borders(sections, lumen, gaps)
    seen = gaps_behind_calcium(block, sections, lumen, gaps, borders, open_mm=seed_arc)
    gaps, borders = seen, borders if seen == gaps else find_borders(sections, lumen, seen)
    bridges = tuple(judged(costs, line, gap, core_hu=lumen.core_hu, seen=borders.contours.wall_seen) for gap in gaps)
    return Vessel(block, sections, seed_arc, lumen, gaps, borders, bridges)


def _above_plaque(arc_mm: NDArray[np.float64], lumen: LumenLevel, gaps: tuple[Gap, ...]) -> None:
    """Refuse seeds where the vessel next to the occlusion is no brighter than the plaque in that half of it."""
    if not gaps:
        return
    first, last = gaps[0], gaps[-1]
    middles = (first.start_mm + first.end_mm) / 2, (last.start_mm + last.end_mm) / 2
    halves = (first.start_mm, middles[0]), (middles[1], last.end_mm)
    usual = [float(np.median(lumen.core_hu[(arc_mm >= low) & (arc_mm <= high)])) for low, high in halves]
    before = (arc_mm < first.start_mm) & (arc_mm > first.start_mm - NEXT_TO_CAP_MM)
    after = (arc_mm > last.end_mm) & (arc_mm < last.end_mm + NEXT_TO_CAP_MM)
    for name, side, plaque in (
        ("proximal", before, min(first.plaque_start_hu, usual[0])),
        ("distal", after, min(last.plaque_end_hu, usual[1])),
    ):
        level = float(np.median(lumen.level_hu[side])) if side.any() else np.inf
        if level - plaque < LEAST_CONTRAST_HU:
            raise SeedError(
                f"The {name} seed is not in open lumen: {level:.0f} HU there, {plaque:.0f} HU in the plaque.",
                hint="Move it away from the occlusion, to where the vessel is filled with contrast.",
            )


def _same_vessel(sections: Sections, lumen: LumenLevel, seed_arc: tuple[float, float]) -> None:
    """Refuse a line that runs through a great vessel, a chamber or the lung."""
    arc = sections.line.arc_mm
    inside = (arc > seed_arc[0] + 1.0) & (arc < seed_arc[1] - 1.0)
    ring = round(AORTA_RADIUS_MM / 0.1)
    around = np.quantile(sections.hu[:, :, :ring].min(axis=2), 0.25, axis=1)
    filled = inside & (around > 0.6 * lumen.level_hu) & (lumen.core_hu > 0.6 * lumen.level_hu)
    if (ndimage.uniform_filter1d(filled.astype(float), max(1, round(2.0 / SECTION_STEP_MM)))[inside] > 0.9).any():
        raise ApartError(
            "The seeds lie in different vessels: the way between them runs through a chamber or a great vessel.",
            hint="Place both seeds in the same artery, one on each side of its occlusion.",
        )
    lost = inside & (ndimage.uniform_filter1d(lumen.core_hu, max(1, round(1.5 / SECTION_STEP_MM))) < -40.0)
    if lost.sum() * SECTION_STEP_MM > LOST_MM:
        raise SeedError(
            "No vessel joins the two seeds: the best way between them leaves the vessel and crosses fat or lung.",
            hint="Are both seeds in the same artery? For a very long or invisible stretch, measure it in two parts.",
        )
