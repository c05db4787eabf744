"""From a study on disk to a result folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recanal import __version__
from recanal.anatomy.tree import CoronaryTree
from recanal.collaterals.section import collaterals_section
from recanal.core.case import CaseReport, InputInfo, Lesion, Provenance, Quality, case_json
from recanal.core.findings import Findings
from recanal.core.reformat import Reformat
from recanal.core.volume import Volume
from recanal.errors import OptionError
from recanal.interop import (
    LoadedStudy,
    ResultFolder,
    load_study,
    write_centerlines_vtp,
    write_json_atomic,
)
from recanal.interop.atomic import write_atomic
from recanal.measure.intervals import METHOD
from recanal.pipeline.angles import find_views, simulated, with_projections
from recanal.pipeline.automatic import AutomaticResult, measure_automatic
from recanal.pipeline.doubts import doubts_of, perhaps_exchanged
from recanal.pipeline.edited import check_series, corrected_case, naming_file, read_edits
from recanal.pipeline.seeded import SeededResult, measure_seeded
from recanal.pipeline.supply import regraded
from recanal.pipeline.typed import disagreements, typed_findings
from recanal.pipeline.views import artery_figures, section_positions
from recanal.quality.gate import graded_in_view
from recanal.quality.header import header_flags
from recanal.reformat.views import lesion_views
from recanal.report.angle_picture import angle_figures
from recanal.report.figures import render_figures
from recanal.report.page import render_html
from recanal.report.pdf import render_pdf
from recanal.scores import evaluate_all
from recanal.segmenters.plug_ins import make_segmenter, segmented_tree
from recanal.stenosis.section import stenosis_section
from recanal.strategy import advise_all

__all__ = ["AnalyzeRequest", "analyze_automatic", "analyze_study", "analyze_volume"]

OTHER_VESSELS = (stenosis_section, collaterals_section)
VESSELS = ("LM", "LAD", "LCX", "RCA")
Seed = tuple[float, float, float]


@dataclass(frozen=True)
class AnalyzeRequest:
    """What ``recanal analyze`` was asked to do.

    Parameters
    ----------
    input, out
        The study, and the folder for the result.
    proximal_mm, distal_mm
        LPS points in the open lumen on each side of the occlusion; both None finds all occlusions without them.
    series_uid
        The series to read; the best one when None.
    vessel
        Name of the seeded vessel, or the one to look in; None for any.
    clinical
        TOML or JSON file of typed findings, or None.
    territory
        ``"coronary"``, or None for coronary.
    edits
        JSON file of a reader's corrections, or None.
    segmenter
        ``NAME`` or ``NAME=ARGUMENT`` of the segmenter that finds the vessels; recanal's own search when None.
    """

    input: Path
    out: Path
    proximal_mm: Seed | None
    distal_mm: Seed | None
    series_uid: str | None = None
    vessel: str | None = None
    clinical: Path | None = None
    territory: str | None = None
    edits: Path | None = None
    segmenter: str | None = None


def analyze_study(request: AnalyzeRequest, *, progress: Callable[[str], None] = lambda _: None) -> CaseReport:
    """Read a study, measure its occlusions, score the longest, and write the result folder.

    Parameters
    ----------
    request
        What to do.
    progress
        Called with a few words before each step.

    Returns
    -------
    CaseReport
        What ``case.json`` holds. The folder holds ``case.json``, ``report.html``, ``report.pdf``, ``figures/*.png``
        and ``centerlines.vtp``; it appears whole or not at all.

    Raises
    ------
    InputError
        When the study, the seeds, the typed findings or the corrections cannot be used; nothing is written then.
    """
    _checked(request)
    typed = typed_findings(request.clinical)
    edits = read_edits(request.edits)
    progress("reading the study")
    started = time.perf_counter()
    study = load_study(request.input, series_uid=request.series_uid)
    read_s = time.perf_counter() - started
    with naming_file(request.edits):
        check_series(edits, study.info.series_uid)
    case, parts, anatomy = _analysed(study, request, typed, progress)
    with naming_file(request.edits):
        case, parts = corrected_case(case, parts, edits, volume=study.volume, typed=typed, progress=progress)
    if edits.edits and anatomy is not None:
        progress("grading the other arteries again")
        case = regraded(case, parts, anatomy, study.volume)
    timings = {"read": read_s, **case.timings_s}
    provenance = replace(case.provenance, input_sha256=study.input_sha256)
    case = replace(case, timings_s=timings, provenance=provenance)
    return _written(case, study, parts, request, anatomy=anatomy, progress=progress)


def _analysed(
    study: LoadedStudy, request: AnalyzeRequest, typed: Findings | None, progress: Callable[[str], None]
) -> tuple[CaseReport, tuple[SeededResult, ...], CoronaryTree | None]:
    """The case, the vessels that were measured for it, and the tree where one was found."""
    if request.proximal_mm is None:
        case, found = analyze_automatic(
            study.volume, request=request, typed=typed, info=study.info, flags=study.flags, progress=progress
        )
        return case, found.parts, found.anatomy
    case, result = analyze_volume(
        study.volume, request=request, typed=typed, info=study.info, flags=study.flags, progress=progress
    )
    return case, (result,), None


def _checked(request: AnalyzeRequest) -> None:
    if (request.proximal_mm is None) != (request.distal_mm is None):
        raise OptionError("One seed was given, and two are needed.", hint="Give both seeds, or none.")
    if request.territory not in (None, "coronary"):
        raise OptionError(f"Territory {request.territory!r} is not available in this version.", hint="Use coronary.")
    if request.segmenter is not None and request.proximal_mm is not None:
        raise OptionError("With seeds no segmenter is used.", hint="Leave the seeds or the segmenter away.")
    if request.segmenter is not None:
        make_segmenter(request.segmenter)  # what it lacks is said before a study is read
    if request.vessel is not None and request.vessel not in VESSELS:
        raise OptionError(f"No vessel named {request.vessel!r}.", hint=f"Use one of {', '.join(VESSELS)}.")


def _seeds(request: AnalyzeRequest) -> tuple[Seed, Seed]:
    if request.proximal_mm is None or request.distal_mm is None:
        raise OptionError("No seeds were given.", hint="analyze_automatic finds occlusions without them.")
    return request.proximal_mm, request.distal_mm


def analyze_volume(
    volume: Volume,
    *,
    request: AnalyzeRequest,
    typed: Findings | None = None,
    info: InputInfo | None = None,
    flags: tuple[str, ...] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[CaseReport, SeededResult]:
    """The case and its geometry between two seeds in a volume in memory; nothing is read or written."""
    _checked(request)
    started = time.perf_counter()
    result = measure_seeded(
        volume,
        *_seeds(request),
        name=request.vessel,
        flags=flags,
        progress=progress,
    )
    measure_s = time.perf_counter() - started
    progress("choosing the views")
    result = _viewed_and_graded(result, volume)
    views_s = time.perf_counter() - started - measure_s
    progress("scoring")
    findings = result.findings.merged(typed or Findings({}))
    occlusion = any(lesion.kind == "occlusion" for lesion in result.lesions)
    case = CaseReport(
        input=info or InputInfo(spacing_mm=volume.spacing_mm, size=volume.shape),
        quality=_quality(result, volume),
        tree=result.tree,
        lesions=_told(result, typed or Findings({})),
        findings=findings,
        scores=evaluate_all(findings) if occlusion else (),
        strategy=advise_all(findings, territory="coronary") if occlusion else (),
        provenance=_provenance(request),
        timings_s={"measure": measure_s, "views": views_s},
        findings_of=result.findings_of if occlusion else None,
    )
    return case, result


def analyze_automatic(
    volume: Volume,
    *,
    request: AnalyzeRequest,
    typed: Findings | None = None,
    info: InputInfo | None = None,
    flags: tuple[str, ...] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[CaseReport, AutomaticResult]:
    """The case and its geometry from a volume in memory, without seeds; nothing is read or written."""
    _checked(request)
    started = time.perf_counter()
    segmented = None
    if request.segmenter is not None:
        segmented = segmented_tree(volume, make_segmenter(request.segmenter), progress=progress)
    tree = None if segmented is None else segmented.tree
    result = measure_automatic(volume, vessel=request.vessel, flags=flags, tree=tree, progress=progress)
    measure_s = time.perf_counter() - started
    progress("choosing the views")
    result = _with_views(result, volume)
    views_s = time.perf_counter() - started - measure_s
    progress("scoring")
    findings = result.findings.merged(typed or Findings({}))
    case = CaseReport(
        input=info or InputInfo(spacing_mm=volume.spacing_mm, size=volume.shape),
        quality=replace(result.quality, flags=(*result.quality.flags, *header_flags(volume))),
        tree=result.tree,
        lesions=_told(result, typed or Findings({})),
        findings=findings,
        scores=evaluate_all(findings) if result.lesions else (),
        strategy=advise_all(findings, territory="coronary") if result.lesions else (),
        provenance=_provenance(request, segmenter=None if segmented is None else segmented.record),
        timings_s={"measure": measure_s, "views": views_s},
        findings_of=result.findings_of,
        stenosis=result.stenosis,
        collaterals=result.collaterals,
    )
    return case, result


def _viewed_and_graded(result: SeededResult, volume: Volume) -> SeededResult:
    """The result with the views of its lesions, and the picture judged meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        judging = pool.submit(graded_in_view, volume, result.quality)
        views = find_views(volume, result.vessel)
        quality = judging.result()
    return replace(result, lesions=with_projections(result.lesions, views), views=views, quality=quality)


def _with_views(result: AutomaticResult, volume: Volume) -> AutomaticResult:
    parts = []
    for part in result.parts:
        views = find_views(volume, part.vessel)
        parts.append(replace(part, lesions=with_projections(part.lesions, views), views=views))
    measured = tuple(lesion for part in parts for lesion in part.lesions)
    return replace(result, parts=tuple(parts), lesions=(*measured, *result.lesions[len(measured) :]))


def _told(result: SeededResult | AutomaticResult, typed: Findings) -> tuple[Lesion, ...]:
    """The lesions; the one that the findings speak of says where a typed one differs from CT."""
    said = disagreements(result.findings, typed)
    about = result.findings_of
    return tuple(replace(x, flags=(*x.flags, *said)) if x.id == about and said else x for x in result.lesions)


def _quality(result: SeededResult, volume: Volume) -> Quality:
    doubts = doubts_of(result, volume)
    flags = (*result.quality.flags, *doubts, *perhaps_exchanged(result), *header_flags(volume))
    if len(result.lesions) > 1:
        flags = (*flags, "several occlusions: findings and scores speak of the longest")
    usable = result.quality.usable and not doubts
    return replace(
        result.quality,
        usable=usable,
        flags=flags,
        psf_sigma_mm=result.vessel.borders.sigma_mm,
        reasons=(*result.quality.reasons, *doubts),
    )


def _provenance(request: AnalyzeRequest, *, segmenter: dict[str, Any] | None = None) -> Provenance:
    parameters: dict[str, Any] = {
        "mode": "automatic" if request.proximal_mm is None else "seeded",
        "proximal_mm": request.proximal_mm,
        "distal_mm": request.distal_mm,
        "vessel": request.vessel,
        "series": request.series_uid,
        "composition_scheme": "fixed",
    }
    if segmenter is not None:
        parameters["segmenter"] = segmenter
    if request.clinical is not None:
        parameters["clinical_sha256"] = hashlib.sha256(request.clinical.read_bytes()).hexdigest()
    return Provenance(
        version=__version__,
        backend="cpu",
        parameters=parameters,
        interval_method=METHOD,
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _written(
    case: CaseReport,
    study: LoadedStudy,
    parts: tuple[SeededResult, ...],
    request: AnalyzeRequest,
    *,
    anatomy: CoronaryTree | None,
    progress: Callable[[str], None],
) -> CaseReport:
    """The case with its timings, after its files have appeared."""
    progress("cutting the pictures")
    started = time.perf_counter()
    figures = render_figures(case, _views(study.volume, parts, case))
    for part in parts:
        figures |= _angle_figures(part)
    if anatomy is not None and not parts:
        figures |= artery_figures(study.volume, anatomy, case)
    case = replace(case, timings_s={**case.timings_s, "figures": time.perf_counter() - started})
    progress("writing the report")
    page, document = render_html(case, figures, OTHER_VESSELS), render_pdf(case, figures, OTHER_VESSELS)
    with ResultFolder(request.out, seal="case.json", replaces=("figures/L*_*.png", "figures/artery_*.png")) as folder:
        for name, data in figures.items():
            write_atomic(folder.path(name), data)
        segments = case.tree.segments
        lines = write_centerlines_vtp(
            [s.points_mm for s in segments], [s.radius_mm for s in segments], names=[s.name for s in segments]
        )
        write_atomic(folder.path("centerlines.vtp"), lines)
        write_atomic(folder.path("report.html"), page.encode("utf-8"))
        write_atomic(folder.path("report.pdf"), document)
        write_json_atomic(folder.path("case.json"), case_json(case))
    return case


def _angle_figures(part: SeededResult) -> dict[str, bytes]:
    figures: dict[str, bytes] = {}
    for lesion, found in zip(part.lesions, part.views, strict=False):
        figures |= angle_figures(lesion.id, simulated(found, part.vessel), found.plan.angle_map)
    return figures


def _views(volume: Volume, parts: tuple[SeededResult, ...], case: CaseReport) -> dict[str, tuple[Reformat, ...]]:
    views = {}
    told = {lesion.id: lesion for lesion in case.lesions}
    for part in parts:
        for k, measured in enumerate(part.lesions):
            lesion = told[measured.id]
            gap = part.vessel.gaps[k] if lesion.kind == "occlusion" else None
            views[lesion.id] = lesion_views(
                volume,
                part.vessel.borders.contours,
                proximal_cap_mm=None if gap is None else gap.start_mm,
                distal_cap_mm=None if gap is None else gap.end_mm,
                sections=section_positions(part.vessel, lesion, gap),
            )
    return views
