"""Corrections replayed one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recanal.core.edits import EditRecord
from recanal.core.volume import Volume
from recanal.edits.actions import AddPoint, Edit, MergeLesions, Place, RenameSegment, RenameVessel, SetCap, Waypoint
from recanal.edits.apply import Site, applied
from recanal.edits.draft import Draft, begun, costs_of, finished, noted
from recanal.errors import EditError, InputError
from recanal.imaging.route import CostMap
from recanal.imaging.vessel import Vessel

__all__ = ["Corrected", "replayed"]


@dataclass(frozen=True, eq=False)
class Corrected:
    """What all corrections led to.

    Parameters
    ----------
    vessels, names
        The vessels in their order, and their names.
    segments
        Old and new name of each renamed segment, in order.
    records
        One for each correction.
    """

    vessels: tuple[Vessel, ...]
    names: tuple[str | None, ...]
    segments: tuple[tuple[str, str], ...]
    records: tuple[EditRecord, ...]


def replayed(
    vessels: Sequence[Vessel], edits: Sequence[Edit], volume: Volume, *, names: Sequence[str | None]
) -> Corrected:
    """The vessels after all corrections, in order.

    Parameters
    ----------
    vessels
        As the analysis found them; their lesions are numbered L1, L2, ... through all of them, an open vessel counting
        as one. After each correction they are numbered anew.
    edits
        From :func:`recanal.edits.reading.parse_edits`.
    volume
        The CT angiogram.
    names
        Of the vessels; None where not known.

    Raises
    ------
    EditError
        When a correction cannot be made; the message gives its index, and nothing is changed.

    Notes
    -----
    The same vessels and corrections give the same result. Undo is leaving out the last correction. A cap set again and
    a vessel named again carry the note which correction, counted from 1, they replace.
    """
    drafts = [begun(vessel, name=name) for vessel, name in zip(vessels, names, strict=True)]
    known: dict[int, CostMap] = {}

    def costs(which: int) -> Callable[[], CostMap]:
        def made() -> CostMap:
            if which not in known:
                known[which] = costs_of(vessels[which], volume)
            return known[which]

        return made

    records: list[EditRecord] = []
    segments: list[tuple[str, str]] = []
    made: dict[_Subject, int] = {}
    for edit in edits:
        where = f"edits[{edit.index}] ({edit.do})"
        try:
            which = _which(drafts, edit)
            site = Site(volume, _first_number(drafts, which), costs(which))
            draft, what = applied(replace(drafts[which], notes=()), edit, site)
        except InputError as error:
            raise EditError(f"{where}: {error.message}", hint=error.hint) from error
        if len(draft.gaps) != len(drafts[which].gaps):
            made = {key: number for key, number in made.items() if (key.do, key.vessel) != ("set_cap", which)}
        subject = _subject(edit, which, site.first)
        if subject is not None:
            draft = noted(draft, f"replaces correction {made[subject]}") if subject in made else draft
            made[subject] = len(records) + 1
        drafts[which] = draft
        if isinstance(edit.action, RenameSegment):
            segments.append((edit.action.segment, edit.action.name))
        records.append(EditRecord(edit.do, edit.who, edit.when, edit.reason, what, edit.given, draft.notes))
    done = tuple(finished(draft, vessels[k], costs(k)) for k, draft in enumerate(drafts))
    return Corrected(done, tuple(draft.name for draft in drafts), tuple(segments), tuple(records))


@dataclass(frozen=True)
class _Subject:
    """What a correction sets that a later one can set again: a cap of an occlusion, or the name of a vessel."""

    do: str
    vessel: int
    cap: str = ""
    occlusion: int = 0


def _subject(edit: Edit, which: int, first: int) -> _Subject | None:
    """The subject of a correction; None where a later one of its kind adds to it."""
    match edit.action:
        case SetCap(cap=cap):
            lesion = _lesion_of(edit)
            return _Subject("set_cap", which, cap, 0 if lesion is None else int(lesion[1:]) - first)
        case RenameVessel():
            return _Subject("rename_vessel", which)
    return None


def _first_number(drafts: Sequence[Draft], which: int) -> int:
    """Number of the first lesion of a vessel."""
    return 1 + sum(max(1, len(draft.gaps)) for draft in drafts[:which])


def _which(drafts: Sequence[Draft], edit: Edit) -> int:
    """The vessel that a correction is meant for: by its lesion, by its name, or the one nearest to its point."""
    if not drafts:
        raise EditError("there is no traced vessel to correct.", hint="Give seeds.")
    lesion = _lesion_of(edit)
    if lesion is not None:
        number = int(lesion[1:])
        for which, draft in enumerate(drafts):
            first = _first_number(drafts, which)
            if first <= number < first + max(1, len(draft.gaps)):
                return which
        last = _first_number(drafts, len(drafts)) - 1
        raise EditError(f"there is no lesion {lesion}.", hint=f"At this step the lesions are L1 to L{last}.")
    if edit.vessel is not None:
        named = [which for which, draft in enumerate(drafts) if draft.name == edit.vessel]
        if len(named) != 1:
            known = ", ".join(sorted({draft.name or "not named" for draft in drafts}))
            said = f"vessel: {edit.vessel!a} names {len(named)} of the traced vessels."
            raise EditError(said, hint=f"Known: {known}; or give lesion.")
        return named[0]
    point = _point_of(edit)
    if len(drafts) == 1 or isinstance(edit.action, RenameSegment):
        return 0
    if point is None:
        raise EditError(f"which of {len(drafts)} vessels is meant is not said.", hint="Give vessel or lesion.")
    return int(np.argmin([draft.line.nearest(point)[1] for draft in drafts]))


def _lesion_of(edit: Edit) -> str | None:
    action = edit.action
    if isinstance(action, MergeLesions):
        return min(action.first, action.second, key=lambda lesion: int(lesion[1:]))
    own = getattr(action, "lesion", None)
    if isinstance(own, str):
        return own
    return next((place.lesion for place in _places(edit) if place.lesion is not None), None)


def _places(edit: Edit) -> list[Place]:
    values = (getattr(edit.action, name, None) for name in ("at", "start", "end"))
    return [value for value in values if isinstance(value, Place)]


def _point_of(edit: Edit) -> tuple[float, float, float] | None:
    if isinstance(edit.action, AddPoint | Waypoint):
        return edit.action.point_mm
    points = [place.point_mm for place in _places(edit) if place.point_mm is not None]
    points += list(getattr(edit.action, "polygon_mm", ())[:1])
    return points[0] if points else None
