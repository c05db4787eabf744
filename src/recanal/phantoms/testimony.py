"""Assembling the truth of a phantom from its design and its noise-free picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recanal.phantoms.connections import Connection
from recanal.phantoms.geometry import Floats
from recanal.phantoms.lesion import Lesion
from recanal.phantoms.options import PhantomOptions
from recanal.phantoms.scanner import Grid, psf_sigmas
from recanal.phantoms.segments import Naming, numbered
from recanal.phantoms.survey import Scene, bend_max, calcium_truth, composition, designed_hu, find_caps, tube_cells
from recanal.phantoms.tree import Artery
from recanal.phantoms.truth import CalciumTruth, Composition, Course, PhantomTruth, Point
from recanal.phantoms.veins import Vein

__all__ = ["Drawn", "testify"]

_HIDING_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Drawn:
    """What was drawn, before any voxel existed."""

    options: PhantomOptions
    naming: Naming
    veins: list[Vein]
    lesion: Lesion
    grid: Grid
    connection: Connection | None = None

    @property
    def arteries(self) -> list[Artery]:
        """The target first."""
        return self.naming.arteries


def _point(axis: Floats, arc: Floats, s: float, grid: Grid) -> Point:
    where = grid.scanned(np.array([[np.interp(s, arc, axis[:, k]) for k in range(3)]]))[0]
    return float(where[0]), float(where[1]), float(where[2])


def _courses(drawn: Drawn) -> tuple[Course, tuple[Course, ...], tuple[Course, ...]]:
    lesion, scanned = drawn.lesion, drawn.grid.scanned
    courses = []
    for k, (a, numbers) in enumerate(zip(drawn.arteries, numbered(drawn.naming), strict=True)):
        lumen, outer = (a.lumen_mm, a.lumen_mm + a.wall_mm) if k else (lesion.lumen_mm, lesion.outer_mm)
        courses.append(Course(a.name, scanned(a.points_mm), lumen, outer, a.parent, a.start_mm, numbers))
    vessels = tuple(Course(v.name, scanned(v.points_mm), v.radius_mm, v.radius_mm) for v in drawn.veins)
    return courses[0], tuple(courses[1:]), vessels


def _connection(drawn: Drawn) -> dict[str, Any]:
    """The collateral connection, where one was drawn."""
    line = drawn.connection
    if line is None:
        return {}
    donor = next(a for a in drawn.arteries if a.name == line.donor)
    start = float(donor.arc_mm[np.linalg.norm(donor.points_mm - line.points_mm[0], axis=1).argmin()])
    course = Course(line.kind, drawn.grid.scanned(line.points_mm), line.radius_mm, line.radius_mm, line.donor, start)
    return {"connection": course, "connection_recipient": line.recipient}


def _side_branch(drawn: Drawn, cap_s: float) -> tuple[bool, float | None, float | None]:
    """The branch of at least 1 mm that leaves nearest to the proximal cap, within 3 mm."""
    target = drawn.arteries[0]
    near = [
        (abs(cap_s - a.start_mm), 2 * float(a.lumen_mm[:8].mean()))
        for a in drawn.arteries[1:]
        if a.parent == target.name and abs(cap_s - a.start_mm) <= 3.0 and 2 * float(a.lumen_mm[0]) >= 1.0
    ]
    if not near:
        return False, None, None
    distance, diameter = min(near)
    return True, distance, diameter


def _narrowest(drawn: Drawn) -> tuple[float | None, Point | None]:
    """Largest diameter stenosis of an open vessel against its own taper, and where it is."""
    arteries, lesion, grid = drawn.arteries, drawn.lesion, drawn.grid
    share = lesion.lumen_mm / arteries[0].lumen_mm
    lowest = np.flatnonzero(share <= share.min() + 1e-9)
    middle = int(lowest[len(lowest) // 2])
    if share[middle] > 0.99:
        return 0.0, None
    where = _point(arteries[0].points_mm, lesion.arc_mm, float(lesion.arc_mm[middle]), grid)
    return float(100 * (1 - share[middle])), where


def _reference(lesion: Lesion, span: tuple[float, float]) -> float:
    inside = (lesion.arc_mm >= span[0]) & (lesion.arc_mm <= span[1])
    return 2 * float(lesion.lumen_mm[inside].mean())


@dataclass(frozen=True)
class _Findings:
    """What holds of an occlusion alone."""

    designed: Composition | None = None
    imaged: Composition | None = None
    calcium: CalciumTruth | None = None
    bend: tuple[float | None, float | None] = (None, None)
    cap_hu: float | None = None


def _findings(drawn: Drawn, scene: Scene, span: tuple[float, float]) -> _Findings:
    axis, lesion = drawn.arteries[0].points_mm, drawn.lesion
    as_drawn = tube_cells(axis, lesion, (lesion.place.start_mm, lesion.place.end_mm))
    as_seen = tube_cells(axis, lesion, span)
    beyond = tube_cells(axis, lesion, (span[0], min(span[0] + 5.0, span[1])))
    return _Findings(
        designed=composition(designed_hu(lesion, as_drawn), as_drawn.volume_mm3),
        imaged=composition(scene.at(as_seen.points_mm), as_seen.volume_mm3),
        calcium=calcium_truth(axis, lesion, scene, span),
        bend=bend_max(axis, span),
        cap_hu=float(np.average(scene.at(beyond.points_mm), weights=beyond.volume_mm3)),
    )


def _shape(drawn: Drawn, cap_s: float | None, side: int) -> str:
    """As drawn; ambiguous too where calcium takes a fifth of the open lumen's section at the cap or 1 mm before it."""
    if cap_s is None:
        return drawn.lesion.caps[side].shape
    radius = float(np.interp(cap_s, drawn.arteries[0].arc_mm, drawn.arteries[0].lumen_mm))
    before, across = cap_s - np.linspace(0.0, 1.0, 5) * (1 - 2 * side), np.linspace(-radius, radius, 31)
    s, u, v = np.meshgrid(before, across, across, indexing="ij")
    cover = drawn.lesion.calcium_cover(s.ravel(), u.ravel(), v.ravel(), 0.02)[0].reshape(s.shape)
    share = np.average(cover, axis=(1, 2), weights=np.hypot(u, v) < radius)
    return "ambiguous" if share.max() >= _HIDING_SHARE else drawn.lesion.caps[side].shape


def _cap_truth(drawn: Drawn, caps: tuple[float | None, float | None], opacified: bool) -> dict[str, Any]:
    """Where the caps are, as drawn and as imaged, and their shapes."""
    lesion, grid, axis = drawn.lesion, drawn.grid, drawn.arteries[0].points_mm
    arc, start, end = lesion.arc_mm, lesion.place.start_mm, lesion.place.end_mm
    return {
        "proximal_cap_mm": None if caps[0] is None else _point(axis, arc, caps[0], grid),
        "distal_cap_mm": None if caps[1] is None else _point(axis, arc, caps[1], grid),
        "proximal_cap_designed_mm": _point(axis, arc, start, grid) if lesion.occluded else None,
        "distal_cap_designed_mm": _point(axis, arc, end, grid) if lesion.occluded else None,
        "proximal_arc_mm": caps[0],
        "distal_arc_mm": caps[1],
        "proximal_arc_designed_mm": start,
        "distal_arc_designed_mm": end,
        "length_mm": None if caps[0] is None or caps[1] is None else caps[1] - caps[0],
        "length_designed_mm": end - start if lesion.occluded else None,
        "proximal_cap_shape": _shape(drawn, caps[0], 0) if lesion.occluded else None,
        "distal_cap_shape": _shape(drawn, caps[1], 1) if lesion.occluded else None,
        "distal_opacified": opacified,
    }


def _tree_truth(drawn: Drawn) -> dict[str, Any]:
    """The vessels and their names."""
    naming, (target, others, vessels) = drawn.naming, _courses(drawn)
    return {
        "target": target,
        "arteries": others,
        "veins": vessels,
        "dominance": naming.dominance,
        "left_main_mm": naming.left_main_mm,
    }


def testify(seed: int, drawn: Drawn, scene: Scene) -> PhantomTruth:
    """Everything that is known about a phantom."""
    options, arteries, lesion, grid = drawn.options, drawn.arteries, drawn.lesion, drawn.grid
    axis, arc = arteries[0].points_mm, lesion.arc_mm
    start, end = lesion.place.start_mm, lesion.place.end_mm
    opacified = not (lesion.occluded and options.distal_filling == "none")
    caps = find_caps(axis, lesion, scene, opacified)
    span = (start if caps[0] is None else caps[0], end if caps[1] is None else caps[1])
    found = _findings(drawn, scene, span) if lesion.occluded else _Findings()
    narrowest = _narrowest(drawn) if not lesion.occluded else (None, None)
    branch = _side_branch(drawn, span[0]) if lesion.occluded else (False, None, None)
    narrow = [cap.narrowing_mm for cap in lesion.caps]
    seeds = (span[0] - max(8.0, min(15.0, narrow[0] + 5.0)), end + max(8.0, min(15.0, narrow[1] + 5.0)))
    return PhantomTruth(
        **_cap_truth(drawn, caps, opacified),
        **_tree_truth(drawn),
        **_connection(drawn),
        options=options,
        seed=seed,
        vessel=lesion.place.vessel,
        occluded=lesion.occluded,
        bend_max_deg=found.bend[0],
        bend_chord_max_deg=found.bend[1],
        side_branch=branch[0],
        side_branch_distance_mm=branch[1],
        side_branch_diameter_mm=branch[2],
        designed=found.designed,
        imaged=found.imaged,
        calcium=found.calcium,
        reference_proximal_mm=_reference(lesion, (start - narrow[0] - 5.0, start - narrow[0])),
        reference_distal_mm=_reference(lesion, (end + narrow[1], end + narrow[1] + 5.0)),
        proximal_cap_hu=found.cap_hu,
        proximal_seed_mm=_point(axis, arc, seeds[0], grid),
        distal_seed_mm=_point(axis, arc, seeds[1], grid),
        ostium_mm=_point(axis, arc, 0.0, grid),
        stenosis_percent=narrowest[0],
        stenosis_point_mm=narrowest[1],
        psf_sigma_mm=(psf_sigmas(options)[1], psf_sigmas(options)[0]),
    )
