"""The C-arm views of every occlusion of a case, and their pictures."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recanal.angiography.picture import simulate
from recanal.angiography.plan import ViewPlan, occlusion_curve, plan_views
from recanal.angiography.scene import Scene, read_scene, without_target
from recanal.core.case import Lesion
from recanal.core.projection import SimulatedAngiogram
from recanal.core.volume import Volume
from recanal.imaging.vessel import Vessel

__all__ = ["LesionViews", "find_views", "simulated", "with_projections"]

CLEAR_MM = 1.5


@dataclass(frozen=True, eq=False)
class LesionViews:
    """The two views of one occlusion, and what they were found in.

    Parameters
    ----------
    curve_mm
        (n, 3) axis of the occlusion.
    plan
        The views.
    scene, others
        The surroundings with, and without, the occluded vessel.
    search_s
        Time of the search alone.
    """

    curve_mm: NDArray[np.float64]
    plan: ViewPlan
    scene: Scene
    others: Scene
    search_s: float


def find_views(volume: Volume, vessel: Vessel) -> tuple[LesionViews, ...]:
    """The views of each gap of a traced vessel, in order; none for an open vessel.

    Notes
    -----
    The vessel itself, with 1.5 mm beyond its largest wall radius in each section, does not count as covering.
    """
    if not vessel.gaps:
        return ()
    curves = [occlusion_curve(vessel.line, gap.start_mm, gap.end_mm) for gap in vessel.gaps]
    scene = read_scene(volume, np.concatenate(curves), blood_hu=float(np.median(vessel.lumen.level_hu)))
    keep_out = vessel.borders.contours.wall_radius_mm.max(axis=1) + CLEAR_MM
    others = without_target(scene, vessel.line.points_mm, keep_out)
    found = []
    for curve in curves:
        started = time.perf_counter()
        plan = plan_views(curve, others, volume=volume)
        found.append(LesionViews(curve, plan, scene, others, time.perf_counter() - started))
    return tuple(found)


def with_projections(lesions: tuple[Lesion, ...], views: tuple[LesionViews, ...]) -> tuple[Lesion, ...]:
    """The lesions with their projections; an open vessel has none."""
    if not views:
        return lesions
    return tuple(replace(lesion, projections=v.plan.views) for lesion, v in zip(lesions, views, strict=True))


def simulated(views: LesionViews, vessel: Vessel) -> tuple[SimulatedAngiogram, ...]:
    """The picture of each view."""
    return tuple(
        simulate(view, views.curve_mm, vessel.borders.contours, scene=views.scene, others=views.others)
        for view in views.plan.views
    )
