"""Occlusions whose other end is not known, beside those that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.closures.course import TISSUE_HU
from recanal.closures.suspects import Suspect
from recanal.core.case import DistalVessel, Lesion, Reference
from recanal.pipeline.seeded import SeededResult

__all__ = ["OSTIAL_MM", "is_new", "with_run_outs", "without_lost_ways"]

OSTIAL_MM = 3.0
SAME_CAP_MM, SAME_STUMP_MM = 3.0, 8.0
ON_WAY_MM = 2.0
FAINT_SHARE = 0.5


def with_run_outs(
    parts: Sequence[SeededResult], empty: Sequence[Suspect], lost: Sequence[Lesion] = ()
) -> tuple[Lesion, ...]:
    """The lesions that were measured, those whose way was lost, and those beyond which nothing fills.

    Parameters
    ----------
    parts
        The measured vessels, their lesions numbered.
    empty
        The vessels that run out. One that lies beyond another of these, or that fades beyond an occlusion beyond which
        the vessel is filled but faintly, is no occlusion of its own; nor is one that a measured vessel passes, open.
    lost
        From :func:`without_lost_ways`.
    """
    lesions = [lesion for part in parts for lesion in part.lesions]
    lesions += [replace(lesion, id=f"L{len(lesions) + k + 1}") for k, lesion in enumerate(lost)]
    known = [np.asarray(lesion.proximal_cap_mm) for lesion in lesions if lesion.proximal_cap_mm is not None]
    for suspect in empty:
        explained = any(_fades(suspect, part) or _is_open(suspect, part) for part in parts)
        explained = explained or any(_is_beyond(suspect, other) for other in empty)
        if not explained and is_new(np.asarray(suspect.cap_mm), known, apart_mm=SAME_STUMP_MM):
            lesions.append(_run_out(suspect, f"L{len(lesions) + 1}"))
            known.append(np.asarray(suspect.cap_mm))
    return tuple(lesions)


def without_lost_ways(
    parts: Sequence[SeededResult], *, least_confidence: float
) -> tuple[list[SeededResult], list[Lesion]]:
    """The measured vessels without the occlusions whose way was lost, and these: what of them is known.

    Where no way through can be trusted, contrast ends at the proximal cap, and how far it is to the other end is not
    known: a length along the wrong way would enter the scores as if it were.

    Parameters
    ----------
    parts
        The measured vessels.
    least_confidence
        Of the way through an occlusion, for it to be measured along it.
    """
    kept, lost = [], []
    for part in parts:
        known = [(lesion.bridge_confidence or 0.0) >= least_confidence for lesion in part.lesions]
        lost += [_capped(lesion) for lesion, sure in zip(part.lesions, known, strict=True) if not sure]
        rest = [k for k, sure in enumerate(known) if sure]
        gaps, bridges = tuple(part.vessel.gaps[k] for k in rest), tuple(part.vessel.bridges[k] for k in rest)
        if rest:
            vessel = replace(part.vessel, gaps=gaps, bridges=bridges)
            kept.append(replace(part, vessel=vessel, lesions=tuple(part.lesions[k] for k in rest)))
    return kept, lost


def _capped(lesion: Lesion) -> Lesion:
    """What is known of an occlusion whose way was lost: where it begins."""
    before = None if lesion.reference is None else lesion.reference.proximal_diameter_mm
    return Lesion(
        id=lesion.id,
        kind="occlusion",
        vessel=lesion.vessel,
        proximal_cap_mm=lesion.proximal_cap_mm,
        ostial=lesion.ostial,
        proximal_cap=lesion.proximal_cap,
        reference=Reference(before, None),
        bridge_confidence=lesion.bridge_confidence,
        flags=(
            f"no way through the occlusion is to be trusted (confidence {lesion.bridge_confidence or 0.0:.2f}): "
            "length, distal cap, plaque and bend are not given; measure it with a point in open lumen on each side",
        ),
    )


def is_new(cap: NDArray[np.float64], known: list[NDArray[np.float64]], *, apart_mm: float = SAME_CAP_MM) -> bool:
    """Whether a cap lies more than some millimetres from all others."""
    return all(float(np.linalg.norm(cap - other)) > apart_mm for other in known)


def _is_beyond(suspect: Suspect, other: Suspect) -> bool:
    """Whether a vessel that runs out lies beyond a place from which on nothing is filled."""
    return other.start_mm < suspect.start_mm and suspect.path.shared_mm(other.path) >= other.start_mm


def _fades(suspect: Suspect, part: SeededResult) -> bool:
    """Whether a vessel runs out beyond an occlusion from which on it is filled less than half as much as before."""
    level = part.vessel.lumen.level_hu
    if float(level[-1]) - TISSUE_HU > FAINT_SHARE * (float(level[0]) - TISSUE_HU):
        return False
    caps = [lesion.distal_cap_mm for lesion in part.lesions if lesion.distal_cap_mm is not None]
    if not caps:
        return False
    away, near = cKDTree(suspect.path.points_mm).query(np.asarray(caps))
    return bool(np.any((away < ON_WAY_MM) & (suspect.path.arc_mm[near] < suspect.start_mm)))


def _is_open(suspect: Suspect, part: SeededResult) -> bool:
    """Whether a vessel runs out where another way was measured as open lumen that leads to an occlusion."""
    arc_mm, away_mm = part.vessel.line.nearest(np.asarray(suspect.cap_mm))
    return away_mm < ON_WAY_MM and part.vessel.seed_mm[0] < arc_mm < part.vessel.gaps[0].start_mm - SAME_CAP_MM


def _run_out(suspect: Suspect, name: str) -> Lesion:
    """An occlusion beyond which nothing is filled."""
    return Lesion(
        id=name,
        kind="occlusion",
        vessel=suspect.vessel,
        proximal_cap_mm=suspect.cap_mm,
        ostial=suspect.start_mm <= OSTIAL_MM,
        distal_vessel=DistalVessel(False, None, None),
        flags=(
            "no contrast is seen beyond the occlusion: length, distal cap, plaque and bend are not measurable",
            f"a vessel without contrast is seen for {suspect.end_mm - suspect.start_mm:.0f} mm beyond the cap",
        ),
    )
