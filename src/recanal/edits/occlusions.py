"""Caps set, occlusions merged and split, and places named on an axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recanal.edits.actions import Place
from recanal.edits.draft import Draft, noted, with_gaps
from recanal.errors import EditError
from recanal.imaging.caps import Gap
from recanal.imaging.lumen_level import TISSUE_HU
from recanal.imaging.vessel import SECTION_STEP_MM, Vessel

__all__ = ["SNAP_MM", "cap_set", "merged", "place_mm", "split"]

SNAP_MM = 5.0
LEAST_ISLAND_MM = 5.0
LEAST_OPEN_MM = 0.5
LEAST_TOLD_MM = 2.0
MOST_RESIDUAL = 0.48


def place_mm(draft: Draft, place: Place, *, field: str, gap: Gap | None = None) -> float:
    """Arc length of a place on the axis.

    Parameters
    ----------
    draft, place
        The axis and the place on it.
    field
        Name of the field, for the message.
    gap
        The occlusion from whose proximal cap ``position_mm`` counts.

    Raises
    ------
    EditError
        When a point lies more than 5 mm from the axis, or an arc length beyond its end.
    """
    line = draft.line
    if place.point_mm is not None:
        arc, far = line.nearest(place.point_mm)
        if far > SNAP_MM:
            raise EditError(
                f"{field}.point_mm: lies {far:.1f} mm from the axis; at most {SNAP_MM:.0f} mm are snapped.",
                hint="Give an LPS point at the vessel, or move the axis first.",
            )
        return arc
    if place.position_mm is not None:
        if gap is None:
            raise EditError(
                f"{field}.position_mm: counts from a proximal cap, and there is no occlusion.", hint="Use arc_mm."
            )
        name, arc = "position_mm", gap.start_mm + place.position_mm
    else:
        name, arc = "arc_mm", float(place.arc_mm or 0.0)
    if not 0.0 <= arc <= line.length_mm:
        raise EditError(
            f"{field}.{name}: arc length {arc:.1f} mm lies beyond the axis, which is {line.length_mm:.1f} mm long.",
            hint="Give a place on the axis, or add points to it first.",
        )
    return arc


def cap_set(draft: Draft, number: int, cap: str, position_mm: float) -> Draft:
    """The draft with one cap of one occlusion at an arc length; ``number`` counts the occlusions of the axis from 0."""
    gap = draft.gaps[number]
    moved = replace(gap, start_mm=position_mm) if cap == "proximal" else replace(gap, end_mm=position_mm)
    opened = (gap.start_mm, position_mm) if cap == "proximal" else (position_mm, gap.end_mm)
    draft = _told_where_dark(draft, *opened)
    return _with(draft, number, (moved,), count=1)


def merged(draft: Draft, number: int) -> Draft:
    """The draft with an occlusion and the next one taken as one."""
    first, second = draft.gaps[number], draft.gaps[number + 1]
    whole = replace(first, end_mm=second.end_mm, plaque_end_hu=second.plaque_end_hu)
    return _with(draft, number, (whole,), count=2)


def split(draft: Draft, number: int, start_mm: float, end_mm: float) -> Draft:
    """The draft with an occlusion opened between two arc lengths.

    Raises
    ------
    EditError
        When the open stretch is not inside the occlusion.
    """
    gap = draft.gaps[number]
    if not gap.start_mm < start_mm < end_mm < gap.end_mm or end_mm - start_mm < LEAST_OPEN_MM:
        raise EditError(
            f"from, to: the open stretch {start_mm:.1f} to {end_mm:.1f} mm must lie inside the occlusion, which "
            f"reaches from {gap.start_mm:.1f} to {gap.end_mm:.1f} mm of the axis.",
            hint=f"Give from before to, at least {LEAST_OPEN_MM} mm apart.",
        )

    def plaque_hu(at: float) -> float:
        ends = [gap.start_mm, gap.end_mm]
        return float(np.interp(at, ends, [gap.plaque_start_hu, gap.plaque_end_hu]))

    first = replace(gap, end_mm=start_mm, plaque_end_hu=plaque_hu(start_mm))
    second = replace(gap, start_mm=end_mm, plaque_start_hu=plaque_hu(end_mm))
    if end_mm - start_mm < LEAST_ISLAND_MM:
        draft = noted(
            draft,
            f"the open stretch is {end_mm - start_mm:.1f} mm long; by definition two occlusions are separate where "
            f"{LEAST_ISLAND_MM:.0f} mm or more between them are open",
        )
    return _with(_told_where_dark(draft, start_mm, end_mm), number, (first, second), count=1)


def _told_where_dark(draft: Draft, low_mm: float, high_mm: float) -> Draft:
    """The draft with a note where the reader calls a stretch open in which CT shows hardly any contrast."""
    if high_mm - low_mm < LEAST_TOLD_MM:
        return draft
    left = _residual(draft.vessel, Gap(low_mm, high_mm, 0.0, 0.0, 1.0))
    if left > MOST_RESIDUAL:
        return draft
    return noted(
        draft,
        f"CT shows no open lumen all the way from {low_mm:.1f} to {high_mm:.1f} mm of the axis, which the reader calls "
        f"open: contrast falls to {100 * max(left, 0.0):.0f} % of that of the open lumen; what is measured next to it "
        "rests on the reader",
    )


def _with(draft: Draft, number: int, new: tuple[Gap, ...], *, count: int) -> Draft:
    new = tuple(replace(gap, residual_share=_residual(draft.vessel, gap)) for gap in new)
    gaps = (*draft.gaps[:number], *new, *draft.gaps[number + count :])
    return with_gaps(draft, gaps, held=True)


def _residual(vessel: Vessel, gap: Gap) -> float:
    """Contrast left in the emptiest 2 mm, as a share of the lumen-to-tissue contrast."""
    arc, lumen = vessel.line.arc_mm, vessel.lumen
    inside = (arc >= gap.start_mm) & (arc <= gap.end_mm)
    share = ((lumen.core_hu - TISSUE_HU) / np.maximum(lumen.level_hu - TISSUE_HU, 40.0))[inside]
    if not len(share):
        return gap.residual_share
    window = max(1, min(round(2.0 / SECTION_STEP_MM), len(share)))
    return float(np.convolve(share, np.full(window, 1.0 / window), mode="valid").min())
