"""The arteries of a case as pictures: each straightened, and a cross-section at each stenosis."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from recanal.core.curves import Contours, frames
from recanal.core.reformat import Reformat
from recanal.core.volume import Volume
from recanal.reformat.curved import cross_section, straighten
from recanal.stenosis.course import Course
from recanal.stenosis.grading import Stenosis, VesselGrade, lumen_profiles
from recanal.stenosis.profile import LumenProfile

__all__ = ["MOST_SECTIONS", "artery_views", "picture_places"]

MOST_SECTIONS = 6
MAINS = ("RCA", "LAD", "LCX")
RAYS = 24


def picture_places(grades: Sequence[VesselGrade]) -> dict[str, tuple[Stenosis, ...]]:
    """Which arteries are shown, and at which of their stenoses a cross-section is cut.

    The main arteries, and side branches of their own name with one of the worst stenoses. At most six sections, of the
    largest degrees; the left main is shown with the artery that carries it, which follows it.
    """
    names = [grade.vessel for grade in grades]
    shown = ["".join(names[k + 1 : k + 2]) if name == "LM" else name for k, name in enumerate(names)]
    found = [
        (name, stenosis)
        for name, grade in zip(shown, grades, strict=True)
        for stenosis in grade.stenoses
        if stenosis.judged and names.count(name) == 1
    ]
    worst = sorted(found, key=lambda item: -item[1].diameter_percent.value)[:MOST_SECTIONS]
    out: dict[str, list[Stenosis]] = {name: [] for name in names if name in MAINS}
    for name, stenosis in worst:
        out.setdefault(name, []).append(stenosis)
    return {name: tuple(sorted(rows, key=lambda row: row.position_mm)) for name, rows in out.items()}


def artery_views(
    volume: Volume, courses: tuple[Course, ...], grades: Sequence[VesselGrade]
) -> dict[str, tuple[Reformat, ...]]:
    """The pictures by artery: ``straightened_000`` and ``cross_section_1``, ``_2``, ... at its stenoses.

    Parameters
    ----------
    volume
        The CT angiogram.
    courses, grades
        The arteries, and what was found on them.

    Notes
    -----
    The lumen drawn is the one of which the degrees are taken; the outer wall is not measured here.
    """
    places = picture_places(grades)
    out: dict[str, tuple[Reformat, ...]] = {}
    for profile in lumen_profiles(volume, courses):
        name = profile.course.name
        if name in places and name not in out and profile.pieces:
            out[name] = _views(volume, _contours(profile), places[name])
    return out


def _contours(profile: LumenProfile) -> Contours:
    """The round lumens of an artery; no lumen where it was not judged."""
    line = profile.sections.line
    radius = np.zeros(len(line.points_mm))
    for piece in profile.pieces:
        radius[piece.rows] = piece.radius_mm
    _, normals, binormals = frames(line)
    lumen = np.repeat(radius[:, None], RAYS, axis=1)
    return Contours(line, normals, binormals, lumen, lumen, np.ones(lumen.shape, dtype=bool))


def _views(volume: Volume, contours: Contours, places: tuple[Stenosis, ...]) -> tuple[Reformat, ...]:
    views = [straighten(volume, contours)]
    for number, place in enumerate(places, start=1):
        cut = cross_section(volume, contours, min(place.position_mm, contours.line.length_mm))
        views.append(dataclasses.replace(cut, name=f"cross_section_{number}"))
    return tuple(
        dataclasses.replace(view, overlays=tuple(o for o in view.overlays if o.role != "wall")) for view in views
    )
