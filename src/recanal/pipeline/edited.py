"""A case after a reader's corrections: everything downstream again, beside what was there before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from recanal.core.case import CaseReport, Lesion, Quality, as_json, case_json
from recanal.core.findings import Findings
from recanal.core.volume import Volume
from recanal.edits.actions import Edit, Redraw, RenameSegment, RenameVessel
from recanal.edits.apply import redrawn
from recanal.edits.draft import begun
from recanal.edits.reading import parse_edits
from recanal.edits.replay import Corrected, replayed
from recanal.errors import EditError, shown_text
from recanal.imaging.vessel import Vessel
from recanal.interop.edits_file import read_edits_file
from recanal.measure.findings import lesion_findings
from recanal.measure.lesion import measure_lesions, open_vessel
from recanal.pipeline.angles import find_views, with_projections
from recanal.pipeline.changes import BEFORE, changed_numbers, lesion_pairs
from recanal.pipeline.doubts import cap_doubts, doubts_of, named_doubts
from recanal.pipeline.edited_tree import SEGMENT_NUMBERS, corrected_tree, in_segments
from recanal.pipeline.seeded import SeededResult
from recanal.pipeline.typed import disagreements
from recanal.scores import evaluate_all
from recanal.strategy import advise_all

__all__ = ["EditList", "check_series", "corrected_case", "naming_file", "read_edits", "remeasured"]

VESSELS = ("LM", "LAD", "LCX", "RCA")
SEVERAL = "several occlusions: findings and scores speak of the longest"


@dataclass(frozen=True)
class EditList:
    """The corrections of a file.

    Parameters
    ----------
    edits
        In order.
    series_uid
        The series they were made on, where the file says so.
    sha256
        Of the file.
    """

    edits: tuple[Edit, ...] = ()
    series_uid: str | None = None
    sha256: str = ""


def read_edits(path: Path | None) -> EditList:
    """The corrections of a file; none without a file.

    Raises
    ------
    ReadError
        When the file cannot be read.
    EditError
        When a correction is not well formed.
    """
    if path is None:
        return EditList()
    table, sha256 = read_edits_file(path)
    with naming_file(path):
        edits = parse_edits(table)
        for edit in edits:
            _check_name(edit)
        uid = table.get("series_uid")
        if uid is not None and not isinstance(uid, str):
            raise EditError(f"series_uid: must be a text, got {type(uid).__name__}.", hint="Leave it out, or copy it.")
    return EditList(edits, uid, sha256)


@contextmanager
def naming_file(path: Path | None) -> Iterator[None]:
    """Errors of corrections begin with the name of their file."""
    try:
        yield
    except EditError as error:
        name = "" if path is None else f"{ascii(path.name)[1:-1]}: "
        raise EditError(f"{name}{error.message}", hint=error.hint) from error


def check_series(todo: EditList, series_uid: str | None) -> None:
    """Refuse corrections that were made on another series than the one read, also an empty list of them.

    Parameters
    ----------
    todo
        The corrections.
    series_uid
        Of the series that was read; None where the file has none: nothing is refused then, and a flag says so.

    Raises
    ------
    EditError
        When the two differ.
    """
    if todo.series_uid is not None and series_uid not in (None, todo.series_uid):
        raise EditError(
            "series_uid: the corrections were made on another series than the one read.",
            hint="Choose the series with --series, or leave series_uid out.",
        )


def _check_name(edit: Edit) -> None:
    action, where = edit.action, f"edits[{edit.index}] ({edit.do}): name"
    if isinstance(action, RenameVessel) and action.name not in VESSELS:
        raise EditError(
            f"{where}: no vessel is named {shown_text(action.name)}.", hint=f"Use one of {', '.join(VESSELS)}."
        )
    if isinstance(action, RenameSegment) and action.name not in SEGMENT_NUMBERS:
        raise EditError(
            f"{where}: no segment is named {shown_text(action.name)}.",
            hint=f"Use one of {', '.join(SEGMENT_NUMBERS)}.",
        )


def corrected_case(
    case: CaseReport,
    parts: tuple[SeededResult, ...],
    todo: EditList,
    *,
    volume: Volume,
    typed: Findings,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[CaseReport, tuple[SeededResult, ...]]:
    """The case and its measured vessels after the corrections; as they were where there is none.

    Parameters
    ----------
    case, parts
        What the analysis found.
    todo
        The corrections.
    volume
        The CT angiogram.
    typed
        Findings that a person entered.
    progress
        Called with a few words before each step.

    Returns
    -------
    case, parts
        The case holds ``edits``, the ``changes`` of every number, and the parts of the case ``before`` them.

    Raises
    ------
    EditError
        When a correction cannot be made, with its index; nothing is changed then.
    """
    check_series(todo, case.input.series_uid)
    if not todo.edits:
        return case, parts
    progress("replaying the corrections")
    started = time.perf_counter()
    names = [part.lesions[0].vessel if part.lesions else None for part in parts]
    done = replayed([part.vessel for part in parts], todo.edits, volume, names=names)
    tree = corrected_tree(case.tree, parts, done, todo.edits)
    progress("measuring again")
    new = _numbered([_part(old, done, k, volume) for k, old in enumerate(parts)])
    new = tuple(replace(part, lesions=in_segments(part.lesions, case.tree, tree)) for part in new)
    after = _case(case, parts, new, replace(case, tree=tree), volume=volume, typed=typed)
    after = replace(
        after, quality=replace(after.quality, flags=(*after.quality.flags, *_marks(todo, case.input.series_uid)))
    )
    before, now = case_json(case), case_json(after)
    parameters = {**case.provenance.parameters, "edits_count": len(todo.edits), "edits_sha256": todo.sha256}
    return replace(
        after,
        provenance=replace(case.provenance, parameters=parameters),
        timings_s={**case.timings_s, "edits": time.perf_counter() - started},
        edits=done.records,
        changes=changed_numbers(before, now),
        before={name: before[name] for name in BEFORE},
    ), new


def remeasured(vessel: Vessel, action: Redraw, *, lesion: int = 0, name: str | None = None) -> tuple[Vessel, Lesion]:
    """A vessel with one contour redrawn, and one of its lesions measured again: what a reader waits for.

    Parameters
    ----------
    vessel
        With an occlusion.
    action
        The contour.
    lesion
        Which of its occlusions, from 0.
    name
        Of the vessel.
    """
    corrected = redrawn(begun(vessel, name=name), action, index=0)[0].vessel
    one = replace(corrected, gaps=(corrected.gaps[lesion],), bridges=(vessel.bridges[lesion],))
    return corrected, replace(measure_lesions(one, name=name)[0], id=f"L{lesion + 1}")


def _marks(todo: EditList, series_uid: str | None) -> list[str]:
    """What the reader of a corrected case is to know."""
    count, who = len(todo.edits), ", ".join(dict.fromkeys(edit.who for edit in todo.edits))
    marks = [f"{count} correction{'s' if count > 1 else ''} by {who}: the report lists every number before and after"]
    if todo.series_uid is not None and series_uid is None:
        marks.append("the corrections name their series and the input does not: whether they belong was not checked")
    return marks


def _part(old: SeededResult, done: Corrected, which: int, volume: Volume) -> SeededResult:
    """One vessel measured again; as it was where nothing of it changed."""
    vessel, name = done.vessels[which], done.names[which]
    if vessel is old.vessel:
        return replace(old, lesions=tuple(replace(lesion, vessel=name) for lesion in old.lesions))
    lesions = measure_lesions(vessel, name=name) if vessel.gaps else (open_vessel(vessel, name=name),)
    views = find_views(volume, vessel)
    lesions = _told(old, with_projections(lesions, views))
    return replace(old, vessel=vessel, lesions=lesions, views=views)


def _told(old: SeededResult, lesions: tuple[Lesion, ...]) -> tuple[Lesion, ...]:
    """The lesions with what the analysis had said of them beside the measurement."""
    plain = measure_lesions(old.vessel) if old.vessel.gaps else (open_vessel(old.vessel),)
    pairs = lesion_pairs([as_json(x) for x in old.lesions], [as_json(x) for x in lesions])
    out = []
    for k, lesion in enumerate(lesions):
        origin = pairs.get(k)
        if origin is None:
            out.append(replace(lesion, segments=old.lesions[0].segments))
            continue
        known = old.lesions[origin]
        said = plain[origin].flags if origin < len(plain) else ()
        more = tuple(flag for flag in known.flags if flag not in said)
        more = more if lesion.kind == known.kind else ()
        out.append(
            replace(
                lesion,
                segments=known.segments,
                ostial=known.ostial,
                in_stent=known.in_stent,
                flags=(*lesion.flags, *more),
            )
        )
    return tuple(out)


def _numbered(parts: Sequence[SeededResult]) -> tuple[SeededResult, ...]:
    out: list[SeededResult] = []
    count = 0
    for part in parts:
        lesions = tuple(replace(lesion, id=f"L{count + k + 1}") for k, lesion in enumerate(part.lesions))
        count += len(lesions)
        longest = max(lesions, key=_length)
        out.append(replace(part, lesions=lesions, findings=lesion_findings(longest, occlusions=lesions)))
    return tuple(out)


def _length(lesion: Lesion) -> float:
    return 0.0 if lesion.length_mm is None else lesion.length_mm.value


def _case(
    case: CaseReport,
    old: tuple[SeededResult, ...],
    new: tuple[SeededResult, ...],
    named: CaseReport,
    *,
    volume: Volume,
    typed: Findings,
) -> CaseReport:
    """The case with lesions, findings, scores and plans of the corrected vessels."""
    measured = {lesion.id for part in old for lesion in part.lesions}
    lesions = [lesion for part in new for lesion in part.lesions]
    rest = [lesion for lesion in case.lesions if lesion.id not in measured]
    lesions += [replace(lesion, id=f"L{len(lesions) + k + 1}") for k, lesion in enumerate(rest)]
    longest = max(lesions, key=_length)
    same = [lesion for lesion in lesions if lesion.vessel == longest.vessel]
    found = lesion_findings(longest, occlusions=same)
    findings = found.merged(typed)
    occlusion = any(lesion.kind == "occlusion" for lesion in lesions)
    said = disagreements(found, typed)
    lesions = [replace(x, flags=(*x.flags, *said)) if x.id == longest.id and said else x for x in lesions]
    return replace(
        named,
        quality=_quality(case, old, new, volume=volume, several=len(lesions) > 1),
        lesions=tuple(lesions),
        findings=findings,
        scores=evaluate_all(findings) if occlusion else (),
        strategy=advise_all(findings, territory="coronary") if occlusion else (),
        findings_of=longest.id if occlusion else None,
    )


def _quality(
    case: CaseReport,
    old: tuple[SeededResult, ...],
    new: tuple[SeededResult, ...],
    *,
    volume: Volume,
    several: bool,
) -> Quality:
    """The quality with the doubts of the corrected vessels in place of those of the earlier ones."""
    many = len(old) > 1 or case.provenance.parameters.get("mode") == "automatic"

    def doubts(parts: tuple[SeededResult, ...]) -> list[str]:
        said = [(part, doubts_of(part, volume, automatic=many)) for part in parts]
        return [text for part, found in said for text in (named_doubts(part, found) if many else found)]

    def caps(parts: tuple[SeededResult, ...]) -> list[str]:
        return [text for part in parts if many for text in named_doubts(part, cap_doubts(part))]

    was, now = doubts(old), doubts(new)
    kept = tuple(flag for flag in case.quality.flags if flag not in (*was, *caps(old), SEVERAL))
    healed = bool(was) and not now and not many and all(part.quality.usable for part in old)
    usable = (case.quality.usable or healed) and not now
    sigma = case.quality.psf_sigma_mm
    if len(new) == 1 and sigma is not None:
        sigma = new[0].vessel.borders.sigma_mm
    failed = (*(reason for reason in case.quality.reasons if reason not in was), *now) or case.quality.reasons
    return replace(
        case.quality,
        usable=usable,
        flags=(*kept, *now, *caps(new), *([SEVERAL] if several else [])),
        psf_sigma_mm=sigma,
        reasons=() if usable else failed,
    )
