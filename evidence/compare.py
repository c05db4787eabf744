"""One phantom, measured and set beside its truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.case import COMPONENTS, Interval, Lesion
from recanal.core.curves import Centerline
from recanal.errors import RecanalError
from recanal.imaging.bridge import LOW_CONFIDENCE
from recanal.phantoms import Phantom
from recanal.pipeline import SeededResult, measure_seeded

__all__ = ["compare", "measured"]


def measured(phantom: Phantom, *, shift_mm: tuple[float, float] = (0.0, 0.0)) -> SeededResult | str:
    """The seeded result with the seeds moved along the vessel, or the error it ended with."""
    truth = phantom.truth
    axis = Centerline(truth.target.points_mm)
    seeds = []
    for seed, move in zip((truth.proximal_seed_mm, truth.distal_seed_mm), shift_mm, strict=True):
        seeds.append(axis.at([axis.nearest(np.asarray(seed))[0] + move])[0])
    try:
        return measure_seeded(phantom.volume, seeds[0], seeds[1], name=truth.vessel)
    except RecanalError as error:
        return str(error)


def compare(phantom: Phantom, result: SeededResult | str) -> dict[str, Any]:
    """A flat row: truth (``_true``), measurement, error, interval hit (``_in``) for every quantity."""
    truth, options = phantom.truth, phantom.truth.options
    row: dict[str, Any] = {
        "vessel": options.vessel,
        "noise_hu": options.noise_hu,
        "lumen_hu": options.lumen_hu,
        "pixel_mm": options.pixel_mm,
        "slice_mm": options.slice_mm,
        "kvp": options.kvp,
        "calcium": options.calcium,
        "filling": options.distal_filling,
        "occluded_true": bool(options.occlusion),
    }
    if isinstance(result, str):
        return row | {"error": result}
    occlusions = [lesion for lesion in result.lesions if lesion.kind == "occlusion"]
    row["occluded"] = bool(occlusions)
    row["lesions"] = len(occlusions)
    if not occlusions or truth.length_mm is None or truth.distal_cap_mm is None:
        return row | _centreline(phantom, result)
    lesion = max(occlusions, key=lambda found: found.length_mm.value if found.length_mm else 0.0)
    numbers = _numbers(phantom, lesion) | _facts(phantom, lesion)
    return row | _centreline(phantom, result) | _caps(phantom, lesion) | numbers


def _on_truth(axis: Centerline, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Arc length on the true axis, and distance to it, of each point."""
    pairs = np.array([axis.nearest(point) for point in points_mm])
    return pairs[:, 0], pairs[:, 1]


def _centreline(phantom: Phantom, result: SeededResult) -> dict[str, Any]:
    truth = phantom.truth
    axis = Centerline(truth.target.points_mm)
    line, seeds = result.vessel.line, result.vessel.seed_mm
    rows = np.flatnonzero((line.arc_mm >= seeds[0]) & (line.arc_mm <= seeds[1]))
    where, off = _on_truth(axis, line.points_mm[rows])
    lumen = np.interp(where, axis.arc_mm, truth.target.lumen_radius_mm)
    wide = 2 * np.interp(where, axis.arc_mm, truth.target.lumen_radius_mm)
    found = 2 * np.sqrt(result.vessel.borders.contours.lumen_area_mm2[rows] / np.pi)
    inside = np.zeros(len(rows), dtype=bool)
    clear = np.ones(len(rows), dtype=bool)
    if truth.proximal_arc_mm is not None and truth.distal_arc_mm is not None:
        inside = (where > truth.proximal_arc_mm) & (where < truth.distal_arc_mm)
        clear = (where < truth.proximal_arc_mm - 2.0) | (where > truth.distal_arc_mm + 2.0)
    even = clear & (lumen >= 0.75) & (found > 0)
    confidence = min((b.confidence for b in result.vessel.bridges), default=1.0)
    return {
        "centre_open_mm": float(off[~inside].mean()) if (~inside).any() else None,
        "centre_gap_mm": float(off[inside].mean()) if inside.any() else None,
        "centre_gap_max_mm": float(off[inside].max()) if inside.any() else None,
        "confidence": confidence,
        "flagged": confidence < LOW_CONFIDENCE,
        "diameter_bias_mm": float((found - wide)[even].mean()) if even.sum() > 8 else None,
        "diameter_true_mm": float(wide[even].mean()) if even.sum() > 8 else None,
        "psf_sigma_mm": result.vessel.borders.sigma_mm,
    }


def _caps(phantom: Phantom, lesion: Lesion) -> dict[str, Any]:
    truth = phantom.truth
    axis = Centerline(truth.target.points_mm)
    out = {}
    for name, true_mm, found_mm in (
        ("proximal_cap", truth.proximal_cap_mm, lesion.proximal_cap_mm),
        ("distal_cap", truth.distal_cap_mm, lesion.distal_cap_mm),
    ):
        out[f"{name}_error_mm"] = axis.nearest(np.asarray(found_mm))[0] - axis.nearest(np.asarray(true_mm))[0]
    return out


def _numbers(phantom: Phantom, lesion: Lesion) -> dict[str, Any]:
    truth = phantom.truth
    out: dict[str, Any] = {}

    def put(name: str, true: float | None, found: Interval | None) -> None:
        if true is None or found is None:
            return
        out[f"{name}_true"], out[name], out[f"{name}_error"] = true, found.value, found.value - true
        out[f"{name}_in"] = bool(found.low <= true <= found.high)

    put("length_mm", truth.length_mm, lesion.length_mm)
    put("bend_deg", truth.bend_max_deg, lesion.bend_max_deg)
    if lesion.plaque is not None and truth.imaged is not None:
        put("plaque_mm3", truth.imaged.total_mm3, lesion.plaque.volume_mm3)
        for name in COMPONENTS:
            part = lesion.plaque.components[name]
            share = 100.0 * truth.imaged.volume_mm3[name] / truth.imaged.total_mm3
            put(f"{name}_percent", share, part.fraction_percent)
            put(f"{name}_mm3", truth.imaged.volume_mm3[name], part.volume_mm3)
    if lesion.calcification is not None and truth.calcium is not None:
        put("calcium_ratio", truth.calcium.cross_section_max_ratio, lesion.calcification.cross_section_max_ratio)
        put("calcium_arc_deg", truth.calcium.arc_max_deg, lesion.calcification.arc_max_deg)
    return out


def _facts(phantom: Phantom, lesion: Lesion) -> dict[str, Any]:
    truth = phantom.truth
    cap, calcium, reference = lesion.proximal_cap, lesion.calcification, lesion.reference
    out: dict[str, Any] = {}
    if cap is not None:
        out |= {"shape_true": truth.proximal_cap_shape, "shape": cap.shape}
        out |= {"branch_true": bool(truth.side_branch), "branch": cap.side_branch}
    if lesion.distal_cap is not None:
        out |= {"distal_shape_true": truth.distal_cap_shape, "distal_shape": lesion.distal_cap.shape}
    if calcium is not None and truth.calcium is not None:
        out |= {"severe_true": truth.calcium.severe, "severe": calcium.severe}
        out |= {"whole_true": truth.calcium.whole_lumen, "whole": calcium.whole_lumen}
        out |= {"any_true": truth.calcium.any, "any": calcium.any}
    if reference is not None:
        for name, true, found in (
            ("reference_proximal", truth.reference_proximal_mm, reference.proximal_diameter_mm),
            ("reference_distal", truth.reference_distal_mm, reference.distal_diameter_mm),
        ):
            if true is not None and found is not None:
                out[f"{name}_error"] = found - true
    return out
