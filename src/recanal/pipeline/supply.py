"""The arteries beside the occlusion: how narrow they are, what they may supply, and by which connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from recanal.anatomy.naming import SCCT_NAMES
from recanal.anatomy.tree import CoronaryTree
from recanal.collaterals.connections import Connection, find_connections
from recanal.collaterals.donors import ArteryState
from recanal.collaterals.supply import Supply, supply_of
from recanal.core.case import CaseReport, Lesion, case_json
from recanal.core.volume import Volume
from recanal.pipeline.arteries import courses_of
from recanal.pipeline.beds import beds_of
from recanal.pipeline.changes import OTHERS, changed_others
from recanal.pipeline.seeded import SeededResult
from recanal.quality.steps import SlabSteps, slab_steps
from recanal.stenosis.grading import VesselGrade, closed_grade, grade_courses

__all__ = ["connections_of", "graded_arteries", "regraded", "supplies_of", "with_occlusions"]

MAIN_SEGMENTS = frozenset({1, 2, 3, 5, 6, 7, 8, 11, 13})
"""SCCT numbers of the segments of the main arteries; those of side branches are the others."""


def graded_arteries(
    volume: Volume, anatomy: CoronaryTree, parts: tuple[SeededResult, ...], steps: SlabSteps
) -> tuple[VesselGrade, ...]:
    """The degree of stenosis of every artery of the tree.

    Parameters
    ----------
    volume, anatomy
        The picture and its tree.
    parts
        The measured occlusions, which are left out.
    steps
        Where slabs of the picture do not meet.
    """
    middle = np.asarray(volume.shape) / 2
    places = [volume.affine.to_mm(np.array([[k, middle[1], middle[2]]])) for k in steps.slice_index]
    jumps = tuple(float(place[0, 2]) for place in places)
    return grade_courses(volume, courses_of(anatomy, parts), jumps_z_mm=jumps)


def connections_of(
    volume: Volume, anatomy: CoronaryTree, parts: tuple[SeededResult, ...]
) -> dict[str, tuple[Connection, ...]]:
    """The connections seen on CT to the vessel beyond each measured occlusion, by the id of the lesion.

    Parameters
    ----------
    volume, anatomy
        The picture and its tree.
    parts
        The measured occlusions.
    """
    found: dict[str, tuple[Connection, ...]] = {}
    if anatomy.ascending is None or not anatomy.branches:
        return found
    tree = np.concatenate([branch.line.points_mm for branch in anatomy.branches])
    for part in parts:
        for number, lesion in enumerate(part.lesions):
            if number >= len(part.vessel.gaps):
                continue
            beds = beds_of(anatomy, part, number)
            found[lesion.id] = find_connections(
                volume,
                beds.recipient,
                beds.donors,
                tree_mm=tree,
                shut_mm=beds.avoid_mm,
                blood_hu=anatomy.ascending.hu,
            )
    return found


def supplies_of(
    lesions: tuple[Lesion, ...],
    grades: tuple[VesselGrade, ...],
    connections: Mapping[str, tuple[Connection, ...]] | None = None,
) -> tuple[Supply, ...]:
    """The arteries that may fill the vessel beyond each occlusion.

    Parameters
    ----------
    lesions
        All occlusions; a donor that is occluded itself is said to be.
    grades
        From :func:`graded_arteries`.
    connections
        From :func:`connections_of`; None where they were not searched.
    """
    shut = {lesion.vessel for lesion in lesions if lesion.kind == "occlusion"}
    states = tuple(
        ArteryState(
            vessel=grade.vessel,
            origin_diameter_mm=grade.origin_diameter_mm,
            worst_percent=None if grade.worst is None else grade.worst.diameter_percent,
            calcified_mm=grade.calcified_mm,
            occluded=grade.vessel in shut,
        )
        for grade in grades
        if grade.vessel in ("LM", "RCA", "LAD", "LCX")
    )
    return tuple(
        supply_of(lesion.id, lesion.vessel, states, (connections or {}).get(lesion.id))
        for lesion in lesions
        if lesion.kind == "occlusion" and lesion.vessel is not None
    )


def with_occlusions(grades: tuple[VesselGrade, ...], lesions: tuple[Lesion, ...]) -> tuple[VesselGrade, ...]:
    """The grades, with CAD-RADS category 5 for each artery in which an occlusion was found.

    An occlusion that runs through segments of side branches alone belongs to those of them that are graded.

    Parameters
    ----------
    grades
        From :func:`graded_arteries`.
    lesions
        All lesions of the case; those of other kinds than ``"occlusion"`` change nothing.
    """
    known = {grade.vessel for grade in grades}
    closed = {name for lesion in lesions if lesion.kind == "occlusion" for name in _closed_arteries(lesion, known)}
    return tuple(closed_grade(grade) if grade.vessel in closed else grade for grade in grades)


def _closed_arteries(lesion: Lesion, known: set[str]) -> set[str]:
    """Names of the graded arteries that an occlusion closes."""
    sides = set() if MAIN_SEGMENTS & set(lesion.segments) else {SCCT_NAMES[n] for n in lesion.segments}
    return (sides & known) or ({lesion.vessel} if lesion.vessel else set())


def regraded(case: CaseReport, parts: tuple[SeededResult, ...], anatomy: CoronaryTree, volume: Volume) -> CaseReport:
    """A case with the other arteries graded again, after a reader's corrections of the occlusions.

    Parameters
    ----------
    case, parts
        The corrected case and its measured vessels.
    anatomy
        The tree that was found; its axes stay.
    volume
        The CT angiogram.
    """
    grades = graded_arteries(volume, anatomy, parts, slab_steps(volume))
    supplies = supplies_of(case.lesions, grades, connections_of(volume, anatomy, parts))
    after = replace(case, stenosis=with_occlusions(grades, case.lesions), collaterals=supplies)
    was, now = case_json(case), case_json(after)
    before = None if case.before is None else {**case.before, **{name: was[name] for name in OTHERS}}
    return replace(after, changes=(*case.changes, *changed_others(was, now)), before=before)
