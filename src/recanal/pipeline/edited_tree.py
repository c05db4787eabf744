"""The tree of a case along corrected axes, with the names that a reader gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from recanal.anatomy.naming import SCCT_NAMES
from recanal.core.case import Lesion, SegmentReport, TreeReport
from recanal.edits.actions import Edit, RenameSegment
from recanal.edits.replay import Corrected
from recanal.errors import EditError
from recanal.imaging.vessel import Vessel
from recanal.pipeline.seeded import SeededResult

__all__ = ["SEGMENT_NUMBERS", "corrected_tree", "in_segments"]

SEGMENT_NUMBERS = {name: number for number, name in SCCT_NAMES.items()}
"""SCCT number of each segment name."""
ALONG_SHARE = 0.9
ALONG_MM = 1.0
END_MM = 0.3


def corrected_tree(
    tree: TreeReport, parts: Sequence[SeededResult], done: Corrected, edits: Sequence[Edit]
) -> TreeReport:
    """The tree along the corrected axes, with the names that the reader gave."""
    segments = list(tree.segments)
    for part, vessel, name in zip(parts, done.vessels, done.names, strict=True):
        was = part.lesions[0].vessel if part.lesions else None
        along = [_share_along(segment, part.vessel) for segment in segments]
        for k, segment in enumerate(segments):
            if along[k] < ALONG_SHARE:
                continue
            if vessel is not part.vessel:
                segment = _laid(segment, part.vessel, vessel)
            if name != was:
                own = segment.name in (was, "seeded vessel")
                segment = replace(segment, vessel=name, name=str(name) if own else segment.name, confidence=None)
            segments[k] = segment
    for edit in edits:
        if isinstance(edit.action, RenameSegment):
            segments = _renamed(segments, edit, edit.action)
    return replace(tree, segments=tuple(segments))


def _share_along(segment: SegmentReport, vessel: Vessel) -> float:
    """Share of a segment's points that lie on an axis."""
    far = cKDTree(vessel.line.points_mm).query(np.asarray(segment.points_mm))[0]
    return float((far < ALONG_MM).mean())


def _laid(segment: SegmentReport, old: Vessel, new: Vessel) -> SegmentReport:
    """A segment that ran along the old axis, along the new one."""
    points = np.asarray(segment.points_mm)
    ends = [old.line.nearest(point)[0] for point in points[[0, -1]]]
    start = 0.0 if ends[0] < END_MM else new.line.nearest(points[0])[0]
    stop = new.line.length_mm if ends[1] > old.line.length_mm - END_MM else new.line.nearest(points[-1])[0]
    arc = new.line.arc_mm
    rows = np.flatnonzero((arc >= start - 1e-6) & (arc <= stop + 1e-6))
    if len(rows) < 2:
        return segment
    radius = np.sqrt(new.borders.contours.lumen_area_mm2[rows] / np.pi)
    laid = tuple((float(x), float(y), float(z)) for x, y, z in new.line.points_mm[rows])
    return replace(segment, points_mm=laid, radius_mm=tuple(float(r) for r in radius))


def in_segments(lesions: tuple[Lesion, ...], old: TreeReport, new: TreeReport) -> tuple[Lesion, ...]:
    """The lesions with the numbers of the renamed segments."""
    pairs = zip(old.segments, new.segments, strict=True)
    known = {was.scct: now.scct for was, now in pairs if was.scct != now.scct and now.scct is not None}
    if not known:
        return lesions
    first = known.pop(None, None)
    out = []
    for lesion in lesions:
        numbers = tuple(dict.fromkeys(known.get(number, number) for number in lesion.segments))
        out.append(replace(lesion, segments=numbers or (() if first is None else (first,))))
    return tuple(out)


def _renamed(segments: list[SegmentReport], edit: Edit, action: RenameSegment) -> list[SegmentReport]:
    hits = [segment.name == action.segment for segment in segments]
    if sum(hits) != 1:
        known = ", ".join(dict.fromkeys(segment.name for segment in segments))
        raise EditError(
            f"edits[{edit.index}] ({edit.do}): segment: {sum(hits)} segments are named {action.segment!a}.",
            hint=f"The segments are {known}.",
        )
    return [
        replace(segment, name=action.name, scct=SEGMENT_NUMBERS[action.name], confidence=None) if hit else segment
        for segment, hit in zip(segments, hits, strict=True)
    ]
