"""One vessel while it is being corrected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.edits.axis import checked
from recanal.edits.contours import Drawn, overlaid
from recanal.errors import EditError
from recanal.imaging.borders import Borders, find_borders
from recanal.imaging.bridge import judged
from recanal.imaging.caps import Gap, find_gaps
from recanal.imaging.lumen_level import lumen_level
from recanal.imaging.route import CostMap, cost_map, region
from recanal.imaging.sample import Block
from recanal.imaging.sections import cut_sections
from recanal.imaging.vessel import BEYOND_MM, REACH_MM, Vessel

__all__ = ["Draft", "begun", "costs_of", "finished", "noted", "on_axis", "shut_of", "with_drawn", "with_gaps"]

FAR_CAP_MM = 3.0


@dataclass(frozen=True, eq=False)
class Draft:
    """A vessel with what the reader fixed.

    Parameters
    ----------
    vessel
        As it stands, drawn contours included; its bridges belong to ``judged_gaps`` on ``judged_line``.
    found
        The borders without drawn contours.
    held
        Whether the reader set, merged or split occlusions: they then stay in place when the axis changes.
    drawn, waypoints
        What the reader drew.
    name
        Of the vessel, or None.
    notes
        What the corrections so far led to.
    """

    vessel: Vessel
    found: Borders
    held: bool = False
    drawn: tuple[Drawn, ...] = ()
    waypoints: tuple[NDArray[np.float64], ...] = ()
    name: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> Centerline:
        """The axis."""
        return self.vessel.line

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The occlusions."""
        return self.vessel.gaps


def begun(vessel: Vessel, *, name: str | None = None) -> Draft:
    """A draft of a vessel that nobody has corrected."""
    return Draft(vessel, vessel.borders, name=name)


def noted(draft: Draft, *notes: str) -> Draft:
    """The draft with more notes."""
    return replace(draft, notes=(*draft.notes, *notes))


def shut_of(vessel: Vessel) -> NDArray[np.bool_]:
    """(n,) sections inside an occlusion."""
    arc = vessel.line.arc_mm
    shut = np.zeros(len(arc), dtype=bool)
    for gap in vessel.gaps:
        shut |= (arc > gap.start_mm) & (arc < gap.end_mm)
    return shut


def with_drawn(draft: Draft, drawn: tuple[Drawn, ...]) -> Draft:
    """The draft with these drawn contours laid over the found borders."""
    borders, notes = overlaid(draft.found, shut_of(draft.vessel), drawn)
    return noted(replace(draft, vessel=replace(draft.vessel, borders=borders), drawn=drawn), *notes)


def with_gaps(draft: Draft, gaps: tuple[Gap, ...], *, held: bool) -> Draft:
    """The draft with these occlusions; borders are found again and drawn contours laid over them.

    Raises
    ------
    EditError
        When occlusions overlap, leave the axis, or leave no open vessel before the first or beyond the last.
    """
    _apart(draft.line, gaps)
    vessel = draft.vessel
    found = find_borders(vessel.sections, vessel.lumen, gaps)
    vessel = replace(vessel, gaps=gaps, borders=found)
    return with_drawn(replace(draft, vessel=vessel, found=found, held=held), draft.drawn)


def _apart(line: Centerline, gaps: tuple[Gap, ...]) -> None:
    last = 0.0
    for number, gap in enumerate(gaps, start=1):
        if gap.end_mm - gap.start_mm < 1.0:
            raise EditError(
                f"occlusion {number} would reach from {gap.start_mm:.1f} to {gap.end_mm:.1f} mm of the axis.",
                hint="The proximal cap lies at least 1 mm before the distal one.",
            )
        if gap.start_mm - last < 1.0:
            where = "the end of the axis" if number == 1 else f"occlusion {number - 1}"
            raise EditError(
                f"occlusion {number} would begin {gap.start_mm - last:.1f} mm beyond {where}.",
                hint="Leave at least 1 mm of open vessel, or merge the two lesions.",
            )
        last = gap.end_mm
    if gaps and line.length_mm - last < 1.0:
        raise EditError(
            f"occlusion {len(gaps)} would end {line.length_mm - last:.1f} mm before the end of the axis.",
            hint="Leave at least 1 mm of open vessel.",
        )


def on_axis(draft: Draft, line: Centerline, volume: Volume) -> Draft:
    """The draft on another axis: sections, contrast, occlusions and borders are found again.

    Occlusions that the reader set stay where they were in space.

    Raises
    ------
    EditError
        When the axis leaves the volume, turns back, or an occlusion does not lie on it.
    """
    line = checked(line)
    if not volume.contains_mm(line.points_mm).all():
        raise EditError("the axis would leave the volume.", hint="Points are LPS millimetres of this series.")
    old = draft.vessel
    block = Block.around(volume, line.points_mm, margin_mm=BEYOND_MM + REACH_MM)
    sections = cut_sections(block, line, reach_mm=REACH_MM)
    lumen = lumen_level(sections, (float(old.lumen.level_hu[0]), float(old.lumen.level_hu[-1])))
    seeds = old.line.at(old.seed_mm)
    seed_mm = (line.nearest(seeds[0])[0], line.nearest(seeds[1])[0])
    notes: tuple[str, ...] = ()
    if draft.held:
        gaps, notes = _carried(old, line)
    else:
        gaps = find_gaps(sections, lumen, open_mm=seed_mm)
        if len(gaps) != len(old.gaps):
            notes = (f"on the new axis {len(gaps)} occlusions are found, {len(old.gaps)} before",)
    vessel = replace(old, block=block, sections=sections, seed_mm=seed_mm, lumen=lumen)
    return with_gaps(noted(replace(draft, vessel=vessel), *notes), gaps, held=draft.held)


def _carried(old: Vessel, line: Centerline) -> tuple[tuple[Gap, ...], tuple[str, ...]]:
    """The occlusions at the places of the new axis nearest to where they were."""
    gaps, notes = [], []
    for number, gap in enumerate(old.gaps, start=1):
        caps = old.line.at([gap.start_mm, gap.end_mm])
        (start, far_start), (end, far_end) = line.nearest(caps[0]), line.nearest(caps[1])
        gaps.append(replace(gap, start_mm=start, end_mm=end))
        far = max(far_start, far_end)
        if far > FAR_CAP_MM:
            notes.append(f"a cap of occlusion {number} lay {far:.1f} mm from the new axis: check it")
    return tuple(gaps), tuple(notes)


def costs_of(vessel: Vessel, volume: Volume) -> CostMap:
    """The costs of the way in the surroundings of a vessel, as the tracing has them."""
    seeds = vessel.line.at(vessel.seed_mm)
    return cost_map(region(volume, seeds), (float(vessel.lumen.level_hu[0]), float(vessel.lumen.level_hu[-1])))


def finished(draft: Draft, before: Vessel, costs: Callable[[], CostMap]) -> Vessel:
    """The corrected vessel with a judgement of each bridge.

    Parameters
    ----------
    draft
        After the last correction.
    before
        The vessel before the first: the judgement of an occlusion that did not change is kept.
    costs
        Gives the costs of the way, where they are needed.
    """
    vessel = draft.vessel
    if vessel is before:
        return before
    same_axis = vessel.line is before.line
    bridges = []
    for gap in vessel.gaps:
        if same_axis and gap in before.gaps:
            bridges.append(before.bridges[before.gaps.index(gap)])
        else:
            seen = vessel.borders.contours.wall_seen
            bridges.append(judged(costs(), vessel.line, gap, core_hu=vessel.lumen.core_hu, seen=seen))
    return replace(vessel, bridges=tuple(bridges))
