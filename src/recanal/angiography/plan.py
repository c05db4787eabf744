"""The views of one occlusion, from the CT and the vessel axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.angiography.beams import angle_between_deg, detector_direction
from recanal.angiography.foreshortening import foreshortening_percent, thirds_percent
from recanal.angiography.scene import BONE, HEART, VESSEL, Scene
from recanal.angiography.search import CArmRange, ObjectiveWeights, SearchResult, best_pair
from recanal.angiography.shadows import shadow_shares
from recanal.core.curves import Centerline
from recanal.core.projection import AngleMap, Projection, view_name
from recanal.core.volume import Volume
from recanal.errors import GeometryError

__all__ = ["ViewPlan", "describe_view", "occlusion_curve", "plan_views"]

CURVE_STEP_MM = 0.5
BEAM_STEP_MM = 1.0
BEAMS = (16, 24)


@dataclass(frozen=True, eq=False)
class ViewPlan:
    """Two views, and what they were chosen from."""

    views: tuple[Projection, Projection]
    angle_map: AngleMap


def occlusion_curve(line: Centerline, start_mm: float, end_mm: float) -> NDArray[np.float64]:
    """(n, 3) points of the axis between two arc lengths, every 0.5 mm or a little less, ends kept.

    Raises
    ------
    GeometryError
        When the stretch is empty or leaves the axis.
    """
    if not 0.0 <= start_mm < end_mm <= line.length_mm + 1e-6:
        raise GeometryError(
            f"An occlusion from {start_mm:g} to {end_mm:g} mm does not lie on an axis of {line.length_mm:g} mm.",
            hint="Give arc lengths of the two caps, the proximal one first.",
        )
    count = max(2, int(np.ceil((end_mm - start_mm) / CURVE_STEP_MM)) + 1)
    return line.at(np.linspace(start_mm, end_mm, count))


def plan_views(
    curve_mm: NDArray[np.float64],
    scene: Scene,
    *,
    volume: Volume | None = None,
    reach: CArmRange | None = None,
    weights: ObjectiveWeights | None = None,
) -> ViewPlan:
    """The two best views of an occlusion.

    Parameters
    ----------
    curve_mm
        (n, 3) axis of the occlusion, proximal to distal.
    scene
        What may lie in the way, without the vessel itself.
    volume
        The CT, to say how far it reaches behind the occlusion; not said when None.
    reach, weights
        Range of the C-arm and the objective; the defaults when None.

    Notes
    -----
    See :func:`recanal.angiography.search.best_pair` for the search, and the definition page for the objective.
    """
    weights = weights or ObjectiveWeights()
    points = _beam_points(curve_mm)
    found = best_pair(
        reach or CArmRange(),
        lambda directions: foreshortening_percent(curve_mm, directions),
        lambda directions: shadow_shares(scene, points, directions),
        weights=weights,
    )
    angles = [_angles(found, place) for place in (found.first, found.second)]
    first = describe_view(curve_mm, scene, angles[0], weights=weights, volume=volume)
    second = describe_view(curve_mm, scene, angles[1], weights=weights, volume=volume, first_deg=angles[0])
    grid = AngleMap(found.rao_lao_deg, found.cra_cau_deg, found.foreshortening_percent, found.objective_percent)
    return ViewPlan((first, second), grid)


def describe_view(
    curve_mm: NDArray[np.float64],
    scene: Scene,
    angles_deg: tuple[float, float],
    *,
    weights: ObjectiveWeights | None = None,
    volume: Volume | None = None,
    first_deg: tuple[float, float] | None = None,
) -> Projection:
    """What one view of an occlusion shows.

    Parameters
    ----------
    curve_mm, scene, volume, weights
        As in :func:`plan_views`.
    angles_deg
        Primary and secondary angle of the view.
    first_deg
        Angles of the first view, where this is the second.
    """
    beam = detector_direction(*angles_deg)
    shares = shadow_shares(scene, _beam_points(curve_mm), beam[None])[0]
    parts = [_percent(share, scene.found & code) for share, code in zip(shares, (VESSEL, BONE, HEART), strict=False)]
    shorter = float(foreshortening_percent(curve_mm, beam))
    costs = (weights or ObjectiveWeights()).overlap_weights
    return Projection(
        rao_lao_deg=angles_deg[0],
        cra_cau_deg=angles_deg[1],
        foreshortening_percent=shorter,
        overlap_percent=100.0 * float(shares[3]),
        name=view_name(*angles_deg),
        overlap_vessels_percent=parts[0],
        overlap_bone_percent=parts[1],
        overlap_heart_percent=parts[2],
        foreshortening_thirds_percent=thirds_percent(curve_mm, beam),
        angle_to_first_deg=None if first_deg is None else angle_between_deg(detector_direction(*first_deg), beam),
        seen_behind_mm=None if volume is None else _reach_mm(volume, curve_mm[len(curve_mm) // 2], -beam),
        objective_percent=shorter + 100.0 * float(shares[:3] @ costs),
    )


def _percent(share: float, found: int) -> float | None:
    return 100.0 * float(share) if found else None


def _angles(found: SearchResult, place: tuple[int, int]) -> tuple[float, float]:
    return float(found.rao_lao_deg[place[0]]), float(found.cra_cau_deg[place[1]])


def _beam_points(curve_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middles of 16 to 24 equal pieces of the curve, about 1 mm each."""
    line = Centerline(curve_mm)
    count = int(np.clip(round(line.length_mm / BEAM_STEP_MM), *BEAMS))
    return line.at((np.arange(count) + 0.5) * line.length_mm / count)


def _reach_mm(volume: Volume, point_mm: NDArray[np.float64], direction: NDArray[np.float64]) -> float:
    """How far the CT reaches from a point in a direction."""
    start = volume.affine.to_index(point_mm)[0]
    slope = volume.affine.inverse[:3, :3] @ direction
    edge = np.where(slope > 0, np.asarray(volume.shape) - 1.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        way = np.where(np.abs(slope) > 1e-12, (edge - start) / slope, np.inf)
    return max(0.0, float(way.min()))
