"""Every occlusion of a study, found without a click."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.anatomy.from_segmentation import unnamed_segments
from recanal.anatomy.plausible import unlike_coronaries
from recanal.anatomy.tree import CoronaryTree, TreeSearch
from recanal.closures.beyond import is_thin_beyond, is_wider_beyond
from recanal.closures.narrowings import (
    CALCIUM_SHARE,
    darkest_share,
    degree,
    is_filled,
    is_flat,
    is_stepped,
    is_threaded,
    total_prob,
)
from recanal.closures.refills import find_refills
from recanal.closures.suspects import Suspect, chosen, find_suspects
from recanal.collaterals.supply import Supply
from recanal.core.case import Lesion, Quality, SegmentReport, TreeReport
from recanal.core.findings import Findings
from recanal.core.volume import Volume
from recanal.errors import ApartError, SeedError
from recanal.imaging.caps import Gap
from recanal.measure.findings import lesion_findings
from recanal.pipeline.beyond import led_beyond, segments_of
from recanal.pipeline.doubts import cap_doubts, doubts_of, named_doubts, off_steps
from recanal.pipeline.edges import unseen_arteries
from recanal.pipeline.followed import FOLLOWED, along_the_tree, goes_back, led_farther
from recanal.pipeline.run_outs import OSTIAL_MM, is_new, with_run_outs, without_lost_ways
from recanal.pipeline.seeded import SeededResult, measure_seeded
from recanal.pipeline.supply import connections_of, graded_arteries, supplies_of, with_occlusions
from recanal.pipeline.unsearched import unsearched
from recanal.quality.blood import assess
from recanal.quality.gate import graded
from recanal.quality.steps import SlabSteps, slab_steps
from recanal.stenosis.grading import VesselGrade
from recanal.stenosis.off_lumen import is_dark

__all__ = ["AutomaticResult", "measure_automatic"]

LEAST_LENGTH_MM = 2.5
LEAST_CONFIDENCE, LEAST_DOUBTED_CONFIDENCE, DOUBTFUL_CONFIDENCE = 0.1, 0.3, 0.5
LEAST_TOTAL_PROB, MOST_DARKEST_SHARE = 0.3, 0.32
CALCIUM_HU, LEAST_HIDDEN_MM = 130.0, 2.0
LEAST_CLEAR_MM = 5.0
LEAST_PROXIMAL_SHARE = 0.7
LEAST_EXPLAINED = 0.5
LEAST_SEEN_MM, SEEN_AT_MM = 6.0, 4.0
SAME_WAY_MM, SAME_WAY_CONFIDENCE = 1.5, 0.1


@dataclass(frozen=True, eq=False)
class AutomaticResult:
    """What automatic mode gives.

    Parameters
    ----------
    anatomy
        The tree with its names.
    parts
        One measured vessel for each place where an occlusion was found between two open ends.
    lesions
        All occlusions, numbered L1, L2, ...; those of the parts first.
    findings, findings_of
        The facts of the longest occlusion, and its id; None where there is no occlusion.
    quality
        Of the picture and of what was found on it.
    tree
        The segments.
    stenosis, collaterals
        The degree of stenosis of each artery, and the arteries that may fill the vessel beyond each occlusion.
    """

    anatomy: CoronaryTree
    parts: tuple[SeededResult, ...]
    lesions: tuple[Lesion, ...]
    findings: Findings
    findings_of: str | None
    quality: Quality
    tree: TreeReport
    stenosis: tuple[VesselGrade, ...] = ()
    collaterals: tuple[Supply, ...] = ()


def measure_automatic(
    volume: Volume,
    *,
    vessel: str | None = None,
    flags: tuple[str, ...] = (),
    tree: CoronaryTree | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> AutomaticResult:
    """Find the coronary tree, look for stretches without contrast, and measure each as seeded mode does.

    Parameters
    ----------
    volume
        The CT angiogram of a whole heart.
    vessel
        Look in this artery alone: ``"RCA"``, ``"LM"``, ``"LAD"`` or ``"LCX"``.
    flags
        What reading the files already found.
    tree
        The coronary tree, where a segmentation gave it; found in the volume when None.
    progress
        Called with a few words before each step.
    """
    progress("judging the picture")
    anatomy, search, (quality, steps) = _searched(volume, tree, flags, progress)
    candidates = _candidates(volume, anatomy)
    suspects, left_out = chosen(candidates, vessel)
    parts, empty, doubts, hidden = _measured(volume, anatomy, suspects, progress)
    parts, stepped = off_steps(parts, volume, steps)
    anatomy, parts = led_beyond(search, anatomy, parts)
    del search
    parts, lost = without_lost_ways(parts, least_confidence=LEAST_CONFIDENCE)
    numbered = _numbered(parts)
    lesions = with_run_outs(numbered, empty, lost)
    doubts += [said for part in numbered for said in named_doubts(part, doubts_of(part, volume, automatic=True))]
    notes = [said for part in numbered for said in named_doubts(part, cap_doubts(part))]
    if tree is None:
        shaky = sum(_is_doubtful(lesion) for lesion in lesions)
        doubts = [*unlike_coronaries(anatomy, occlusions=len(lesions), doubtful=shaky), *doubts]
    doubts = [*unseen_arteries(volume, anatomy, lesions, vessel=vessel), *doubts]
    progress("grading the other arteries")
    grades, supplies = _others(volume, anatomy, tuple(numbered), lesions, steps)
    notes += [*_notes(lesions, candidates, vessel), *left_out, *hidden, *stepped, *_perhaps_shut(grades)]
    longest = max(lesions, key=_length, default=None)
    return AutomaticResult(
        anatomy=anatomy,
        parts=tuple(numbered),
        lesions=lesions,
        findings=_facts(longest, lesions),
        findings_of=None if longest is None else longest.id,
        quality=_judged(quality, [*anatomy.doubts, *doubts], [*anatomy.flags, *notes]),
        tree=_tree_report(anatomy, tuple(numbered)),
        stenosis=grades,
        collaterals=supplies,
    )


def _candidates(volume: Volume, anatomy: CoronaryTree) -> list[Suspect]:
    """The stretches to be measured: those to vessels that the tree did not reach first."""
    found = find_suspects(anatomy)
    return [*find_refills(volume, anatomy, [one for one in found if not one.calcified]), *found]


def _searched(
    volume: Volume, tree: CoronaryTree | None, flags: tuple[str, ...], progress: Callable[[str], None]
) -> tuple[CoronaryTree, TreeSearch | None, tuple[Quality, SlabSteps]]:
    """The tree of a volume, the maps that it grew on (none for a given one), and the graded quality of the picture."""
    with ThreadPoolExecutor(1) as pool:
        judging = pool.submit(_judged_picture, volume, flags)
        known = tree or unsearched(volume)
        if known is not None:
            return known, None, judging.result()
        search = TreeSearch(volume, progress=progress)
        return search.tree(), search, judging.result()


def _others(
    volume: Volume,
    anatomy: CoronaryTree,
    parts: tuple[SeededResult, ...],
    lesions: tuple[Lesion, ...],
    steps: SlabSteps,
) -> tuple[tuple[VesselGrade, ...], tuple[Supply, ...]]:
    """The other arteries graded, and what may fill the vessel beyond each occlusion."""
    with ThreadPoolExecutor(1) as pool:
        searching = pool.submit(connections_of, volume, anatomy, parts)
        grades = graded_arteries(volume, anatomy, parts, steps)
        return with_occlusions(grades, lesions), supplies_of(lesions, grades, searching.result())


def _judged_picture(volume: Volume, flags: tuple[str, ...]) -> tuple[Quality, SlabSteps]:
    """The graded quality of the picture, and where its slabs do not meet."""
    steps = slab_steps(volume)
    return graded(volume, assess(volume, reader_flags=flags), whole_heart=True, steps=steps), steps


def _numbered(parts: list[SeededResult]) -> list[SeededResult]:
    """The parts with their lesions named L1, L2, ... across all of them."""
    out: list[SeededResult] = []
    count = 0
    for part in parts:
        lesions = tuple(replace(lesion, id=f"L{count + k + 1}") for k, lesion in enumerate(part.lesions))
        count += len(lesions)
        out.append(replace(part, lesions=lesions))
    return out


def _length(lesion: Lesion) -> float:
    return 0.0 if lesion.length_mm is None else lesion.length_mm.value


def _facts(longest: Lesion | None, lesions: tuple[Lesion, ...]) -> Findings:
    if longest is None:
        return Findings({})
    return lesion_findings(longest, occlusions=tuple(x for x in lesions if x.vessel == longest.vessel))


def _measured(
    volume: Volume, anatomy: CoronaryTree, suspects: list[Suspect], progress: Callable[[str], None]
) -> tuple[list[SeededResult], list[Suspect], list[str], list[str]]:
    """The suspects that the measurement confirms, those beyond which nothing fills, and what it could not settle.

    That comes in two lists: what speaks against the whole result, and what the reader is to look at.
    """
    parts: list[SeededResult] = []
    hidden: list[str] = []
    doubts: list[str] = []
    known: list[NDArray[np.float64]] = []
    open_mm: list[NDArray[np.float64]] = []
    aside: list[SeededResult] = []
    empty = [suspect for suspect in suspects if suspect.runs_out]
    for suspect in (suspect for suspect in suspects if not suspect.runs_out):
        where = "an artery without a name" if suspect.vessel is None else f"the {suspect.vessel}"
        progress(f"measuring {where}")
        result = _explained(volume, suspect)
        lost = isinstance(result, SeedError) or _leads_elsewhere(result, suspect)
        part = None if lost else _confirmed(result, suspect, anatomy, known)  # type: ignore[arg-type]
        if suspect.apart and part is None and not lost:
            aside.append(result)  # type: ignore[arg-type]
        if part is not None and (farther := led_farther(part, aside)) is not None:
            part = _confirmed(farther, suspect, anatomy, known) or part
        if part is not None:
            known += [np.asarray(lesion.proximal_cap_mm) for lesion in part.lesions]
            parts.append(part)
        elif not lost and (said := _unsure(result, suspect)):
            hidden.append(f"a stretch without contrast in {where} {said}")
        elif suspect.otherwise is not None and not _is_narrowed(result):
            empty.append(suspect.otherwise)
        elif suspect.shut is not None and (isinstance(result, ApartError) or _is_calcium(result)):
            empty.append(suspect.shut)
        elif isinstance(result, SeedError) and not (suspect.apart or suspect.calcified):
            doubts.append(f"a stretch without contrast in {where} could not be measured: {result.message}")
        elif not suspect.apart and (said := _hidden(result, suspect)):
            hidden.append(f"calcium hides the lumen of {where} {said}: is it open?")
        open_mm += _narrow_starts(result)
    return parts, [one for one in empty if is_new(np.asarray(one.cap_mm), open_mm)], doubts, hidden


def _narrow_starts(result: SeededResult | SeedError) -> list[NDArray[np.float64]]:
    """Where narrow lumens begin, if nothing else was found: the vessel fills beyond them."""
    if isinstance(result, SeedError) or not _is_narrowed(result):
        return []
    sure = [lesion for lesion in result.lesions if (lesion.bridge_confidence or 0.0) >= DOUBTFUL_CONFIDENCE]
    return [np.asarray(lesion.proximal_cap_mm) for lesion in sure if lesion.proximal_cap_mm is not None]


def _leads_elsewhere(result: SeededResult, suspect: Suspect) -> bool:
    """Whether what lies beyond a closed stretch is calcium, or something beside the artery before it."""
    return (suspect.shut is not None and _is_calcium(result)) or goes_back(suspect, result)


def _hidden(result: SeededResult | SeedError, suspect: Suspect) -> str:
    """Over how much of an open, or narrow, vessel calcium alone is seen on the axis, in words; empty where little."""
    if isinstance(result, SeedError) or (result.vessel.gaps and not _is_narrowed(result)):
        return ""
    size_mm = _calcium_mm(result)
    return f"over {size_mm:.0f} mm, {suspect.start_mm:.0f} mm from the aorta" if size_mm >= LEAST_HIDDEN_MM else ""


def _calcium_mm(result: SeededResult) -> float:
    """Length of the longest stretch of the axis between the points that is brighter than blood."""
    lumen, arc = result.vessel.lumen, result.vessel.line.arc_mm
    inside = (arc > result.vessel.seed_mm[0]) & (arc < result.vessel.seed_mm[1])
    label, _ = ndimage.label(inside & (lumen.core_hu > lumen.level_hu + CALCIUM_HU))
    return float(np.bincount(label.ravel())[1:].max(initial=0) * np.diff(arc).mean())


def _is_narrowed(result: SeededResult | SeedError) -> bool:
    """Whether the measurement found no more than narrow lumens."""
    if isinstance(result, SeedError) or not result.vessel.gaps:
        return False
    return all(_is_narrowing(result, k) for k in range(len(result.vessel.gaps)))


def _is_narrowing(result: SeededResult, k: int) -> bool:
    """Whether a stretch keeps much of the contrast: in its emptiest place, or along a thread through all of it."""
    vessel, gap, size = result.vessel, result.vessel.gaps[k], result.lesions[k].reference
    known = None if size is None else size.proximal_diameter_mm or size.distal_diameter_mm
    if is_stepped(vessel, gap):
        return False
    lit = MOST_DARKEST_SHARE < darkest_share(vessel, gap) < CALCIUM_SHARE
    lit = lit and total_prob(gap.residual_share) < LEAST_TOTAL_PROB
    lit = lit and not (is_filled(vessel, gap, diameter_mm=known) or is_flat(vessel, gap, diameter_mm=known))
    return lit or is_threaded(vessel, gap, diameter_mm=known)


def _is_calcium(result: SeededResult | SeedError) -> bool:
    """Whether what was taken for the vessel beyond is far brighter than the blood before: calcium, and no lumen."""
    if isinstance(result, SeedError) or not result.vessel.gaps:
        return False
    level = result.vessel.lumen.level_hu
    return float(level[0]) < LEAST_PROXIMAL_SHARE * float(level[-1])


def _explained(volume: Volume, suspect: Suspect) -> SeededResult | SeedError:
    """The vessel through a suspect; through the first of its closed stretches where that explains more of them."""
    result = _traced(volume, suspect)
    if not isinstance(result, SeedError):
        result = along_the_tree(volume, suspect, result)
    if suspect.shorter is None or _closed_mm(result) >= LEAST_EXPLAINED * (suspect.end_mm - suspect.start_mm):
        return result
    return max(result, _traced(volume, suspect.shorter), key=_closed_mm)


def _closed_mm(result: SeededResult | SeedError) -> float:
    """From the first to the last cap of what was measured; 0 where nothing was."""
    gaps = () if isinstance(result, SeedError) else result.vessel.gaps
    return gaps[-1].end_mm - gaps[0].start_mm if gaps else 0.0


def _traced(volume: Volume, suspect: Suspect) -> SeededResult | SeedError:
    """The vessel between the points of a suspect, or farther ones where these give none; else what stood against it.

    Points within 5 mm of a cap may lie in bright plaque: then farther ones are tried too, and those stand that lie
    farthest from what is found between them.
    """
    refused: SeedError | None = None
    best: SeededResult | None = None
    for proximal_mm, distal_mm in ((suspect.proximal_mm, suspect.distal_mm), *suspect.farther_mm):
        try:
            result = measure_seeded(volume, proximal_mm, distal_mm, name=suspect.vessel)  # type: ignore[arg-type]
        except SeedError as error:
            refused = refused or error
            continue
        if best is None or (result.vessel.gaps and _clear_mm(result) > _clear_mm(best)):
            best = result
        if _clear_mm(best) >= LEAST_CLEAR_MM:
            return best
    return best or refused or SeedError("no point of open lumen was found")


def _clear_mm(result: SeededResult) -> float:
    """How far both points lie outside the occlusions that were found between them; without end where none was found."""
    gaps, seeds = result.vessel.gaps, result.vessel.seed_mm
    return min(gaps[0].start_mm - seeds[0], seeds[1] - gaps[-1].end_mm) if gaps else math.inf


def _confirmed(
    result: SeededResult, suspect: Suspect, anatomy: CoronaryTree, known: list[NDArray[np.float64]]
) -> SeededResult | None:
    """The measured vessel with those of its occlusions that count and are new; None where there is none."""
    kept = [
        k
        for k, (lesion, gap) in enumerate(zip(result.lesions, result.vessel.gaps, strict=False))
        if _is_sure(lesion, gap, suspect)
        and not (_is_narrowing(result, k) or is_thin_beyond(lesion) or is_wider_beyond(lesion))
        and lesion.proximal_cap_mm is not None
        and is_new(np.asarray(lesion.proximal_cap_mm), known)
    ]
    if not kept:
        return None
    vessel = result.vessel
    lesions = tuple(_told(result.lesions[k], vessel.gaps[k], suspect, anatomy, result) for k in kept)
    vessel = replace(vessel, gaps=tuple(vessel.gaps[k] for k in kept), bridges=tuple(vessel.bridges[k] for k in kept))
    return replace(result, vessel=vessel, lesions=lesions)


def _is_sure(lesion: Lesion, gap: Gap, suspect: Suspect) -> bool:
    """Whether a stretch is long enough, and the way through it sure enough, the more so where it is short."""
    doubted = suspect.apart or _length(lesion) < LEAST_SEEN_MM
    least = LEAST_DOUBTED_CONFIDENCE if doubted else LEAST_CONFIDENCE
    sure = (lesion.bridge_confidence or 0.0) >= least or _is_where_seen(lesion, gap, suspect)
    return sure and _length(lesion) >= (LEAST_SEEN_MM if suspect.apart else LEAST_LENGTH_MM)


def _unsure(result: SeededResult | SeedError, suspect: Suspect) -> str:
    """Why a stretch that is no narrow lumen counts as no occlusion, in words; empty where there is no such reason."""
    if isinstance(result, SeedError) or _is_narrowed(result):
        return ""
    if any(is_thin_beyond(lesion) for lesion in result.lesions):
        return "leads to a vessel too thin to tell: is it closed?"
    if any(is_wider_beyond(lesion) for lesion in result.lesions):
        return "leads to something wider than the artery: is it closed?"
    short = any(_length(lesion) < LEAST_SEEN_MM for lesion in result.lesions if lesion.kind == "occlusion")
    return "is short, and the way through it doubtful: is it closed?" if short and suspect.otherwise is None else ""


def _is_where_seen(lesion: Lesion, gap: Gap, suspect: Suspect) -> bool:
    """Whether a long occlusion begins where the tree of itself lost the contrast: there the way alone is in doubt.

    Where calcium fills it from side to side, contrast is not lost but hidden.
    """
    if suspect.apart or suspect.calcified or gap.residual_share > CALCIUM_SHARE:
        return False
    if lesion.proximal_cap_mm is None or _length(lesion) < LEAST_SEEN_MM:
        return False
    return float(np.linalg.norm(np.subtract(lesion.proximal_cap_mm, suspect.cap_mm))) < SEEN_AT_MM


def _told(lesion: Lesion, gap: Gap, suspect: Suspect, anatomy: CoronaryTree, result: SeededResult) -> Lesion:
    """The lesion with its segments, and with how likely it is to be total."""
    axis = result.vessel.line.points_between(gap.start_mm, gap.end_mm)
    confidence, apart_mm = lesion.bridge_confidence, float(cKDTree(suspect.path.points_mm).query(axis)[0].max())
    flags = (*lesion.flags, degree(gap))
    same_way = not suspect.apart and apart_mm < SAME_WAY_MM and FOLLOWED not in flags
    if same_way and confidence is not None and confidence < SAME_WAY_CONFIDENCE:
        confidence = SAME_WAY_CONFIDENCE
        flags += (f"the coronary tree, grown on other maps, leads the same way within {apart_mm:.1f} mm",)
    return replace(
        lesion,
        segments=segments_of(axis, anatomy),
        ostial=suspect.start_mm <= OSTIAL_MM,
        bridge_confidence=confidence,
        flags=flags,
    )


def _judged(quality: Quality, reasons: list[str], notes: list[str]) -> Quality:
    return replace(
        quality,
        usable=quality.usable and not reasons,
        flags=(*quality.flags, *reasons, *notes),
        reasons=(*quality.reasons, *reasons),
    )


def _notes(lesions: tuple[Lesion, ...], candidates: list[Suspect], vessel: str | None) -> list[str]:
    """What the reader is to know of all lesions together, and of what was not looked at."""
    notes = []
    shapeless = [lesion.id for lesion in lesions if _is_shapeless(lesion)]
    if shapeless:
        notes.append(
            f"{', '.join(shapeless)}: low confidence, and no vessel shape on part of the way: is it an artery?"
        )
    if vessel is not None:
        others = [one for one in candidates if one.vessel != vessel and not one.calcified]
        names = dict.fromkeys(one.vessel or "an artery without a name" for one in others)
        notes.append(f"only the {vessel} was searched, as asked: the other vessels were not looked at")
        notes += [f"a stretch without contrast was seen in another vessel and not measured: {name}" for name in names]
    if len(lesions) > 1:
        notes.append("several occlusions: findings and scores speak of the longest")
    return notes


def _perhaps_shut(grades: tuple[VesselGrade, ...]) -> list[str]:
    """What the reader is to look at: stretches without contrast that were neither graded nor found to be occlusions."""
    shut = [one.segment for grade in grades for one in grade.stenoses if not one.judged and is_dark(one.flags)]
    return [f"no contrast on the axis of {', '.join(shut)}, not judged: is it an occlusion?"] if shut else []


def _is_doubtful(lesion: Lesion) -> bool:
    """Whether the way through is doubtful, or nothing fills beyond."""
    return lesion.bridge_confidence is None or lesion.bridge_confidence < DOUBTFUL_CONFIDENCE


def _is_shapeless(lesion: Lesion) -> bool:
    confidence = lesion.bridge_confidence
    low = confidence is not None and confidence < DOUBTFUL_CONFIDENCE
    return low and any("no vessel shape" in flag for flag in lesion.flags)


def _tree_report(anatomy: CoronaryTree, parts: tuple[SeededResult, ...]) -> TreeReport:
    """The segments; the radius is 0 inside an occlusion."""
    closed = [part.vessel.line.points_between(gap.start_mm, gap.end_mm) for part in parts for gap in part.vessel.gaps]
    tree = cKDTree(np.concatenate(closed)) if closed else None
    segments = []
    named = anatomy.vessel_tree().segments
    known: list[float | None] = [item.confidence for item in anatomy.named]
    for item, sure in zip(named or unnamed_segments(anatomy), known or [None] * len(anatomy.branches), strict=True):
        radius = item.radius_mm
        if tree is not None:
            radius = np.where(tree.query(item.line.points_mm)[0] < 1.0, 0.0, radius)
        points = tuple((float(x), float(y), float(z)) for x, y, z in item.line.points_mm)
        radii = tuple(float(r) for r in radius)
        segments.append(SegmentReport(item.name, item.scct, item.vessel, points, radii, sure))
    mains = anatomy.mains
    return TreeReport(
        anatomy.dominance,
        tuple(segments),
        None if mains is None or mains.dominance is None else mains.dominance_confidence,
    )
