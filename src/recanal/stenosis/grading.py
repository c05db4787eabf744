"""Degrees of stenosis of every artery, and their CAD-RADS categories."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recanal.core.case import Interval, Point
from recanal.core.findings import Fact, Findings
from recanal.core.volume import Volume
from recanal.scores.classes_evaluation import classify
from recanal.stenosis.course import Course
from recanal.stenosis.off_lumen import drowned, off_lumen
from recanal.stenosis.profile import STEP_MM, LumenProfile, Piece, cut_course, lumen_profile, spread_of
from recanal.stenosis.reference import Narrowing, narrowings

__all__ = [
    "LEAST_PERCENT",
    "Stenosis",
    "VesselGrade",
    "cad_rads_category",
    "closed_grade",
    "grade_courses",
    "lumen_profiles",
    "stenoses_of",
]

LEAST_PERCENT = 25.0
LEAST_JUDGED_MM = 3.0
WINDOW_SECTIONS = 5
FIXED_PERCENT = 8.0
CALCIUM_PERCENT = 21.0
ONE_SIDED_PERCENT = 6.0
STEP_PERCENT = 15.0
STEP_LENGTH_MM = 6.0
WIDTH_SHARE = 0.8
NOISE_REACH_MM = 10.0
ORIGIN_MM = 3.0
ORIGIN_LENGTH_MM = 4.0
AT_ORIGIN = "not judged: a short narrowing in the first millimetres of a branch, where its axis leaves its parent"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stenosis:
    """One narrowing of at least 25 % of the diameter.

    Parameters
    ----------
    vessel, segment
        The artery and the segment in which the lumen is narrowest.
    point_mm
        LPS point there.
    position_mm, length_mm
        Arc length along the artery, and length of the narrowed stretch.
    diameter_percent, area_percent
        Of the diameter and of the area of the interpolated reference, with 95 % intervals.
    diameter_mm, reference_diameter_mm
        Narrowest lumen, mean over 2 mm, and reference.
    category
        CAD-RADS 2.0 category of the value alone.
    calcified
        Whether calcium lies in the narrowed stretch.
    judged
        False where the axis does not lie in the lumen there, or where a short narrowing lies in the first millimetres
        of a branch: the stretch counts for no category and is to be looked at.
    flags
        What makes it uncertain.
    """

    vessel: str
    segment: str
    point_mm: Point
    position_mm: float
    length_mm: float
    diameter_percent: Interval
    area_percent: Interval
    diameter_mm: float
    reference_diameter_mm: float
    category: str
    calcified: bool
    judged: bool = True
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class VesselGrade:
    """What was found along one artery.

    Parameters
    ----------
    vessel
        Such as ``"LM"``, ``"RCA"`` or ``"D1"``.
    judged_mm
        Length that could be judged.
    origin_diameter_mm
        Healthy lumen diameter where it begins.
    calcified_mm
        Length with calcium in or next to the lumen.
    category, categories_possible
        CAD-RADS 2.0 category of this artery, and all that the interval of its worst stenosis leaves open; with N where
        a stenosis could not be judged, or less than 3 mm of the artery; 5 where an occlusion was found in it.
    stenoses
        Those of at least 25 %, proximal first.
    """

    vessel: str
    judged_mm: float
    origin_diameter_mm: float | None
    calcified_mm: float
    category: str
    categories_possible: tuple[str, ...]
    stenoses: tuple[Stenosis, ...]

    @property
    def worst(self) -> Stenosis | None:
        """The stenosis of the largest value among those that could be judged."""
        return max((s for s in self.stenoses if s.judged), key=lambda s: s.diameter_percent.value, default=None)

    @property
    def hardly_judged(self) -> bool:
        """Whether too little of the artery could be judged to say anything of it."""
        return self.judged_mm < LEAST_JUDGED_MM

    @property
    def is_closed(self) -> bool:
        """Whether the category is that of an occlusion: no stenosis that is graded here reaches 100 %."""
        return self.category.startswith("5")


def cad_rads_category(percent: float, *, left_main: bool = False, plaque: bool = False, judged: bool = True) -> str:
    """The CAD-RADS 2.0 category of one artery by its largest diameter stenosis.

    Parameters
    ----------
    percent
        Diameter stenosis.
    left_main
        Whether the artery is the left main.
    plaque
        Whether plaque is seen: below 25 % it separates category 1 from 0.
    judged
        False where a stretch of the artery cannot be judged: then below 50 % the category is N, from there on N is
        added to it.

    Returns
    -------
    str
        ``"0-1"`` below 25 % where no plaque was seen: narrow plaque without stenosis is not looked for.

    Notes
    -----
    The categories are those of the sheet ``cad_rads_2`` (Cury RC, et al. J Cardiovasc Comput Tomogr 2022;16:536-57,
    doi:10.1016/j.jcct.2022.07.002). A category is that of a patient there; here it is read for one artery.

    Examples
    --------
    >>> cad_rads_category(55.0), cad_rads_category(55.0, left_main=True), cad_rads_category(10.0)
    ('3', '4B', '0-1')
    >>> cad_rads_category(10.0, judged=False), cad_rads_category(55.0, judged=False)
    ('N', '3/N')
    """
    if percent < LEAST_PERCENT and not plaque and judged:
        return "0-1"
    facts = {"coronary_stenosis_max_percent": Fact(max(percent, 1.0), "ct")}
    facts["lm_stenosis_percent"] = Fact(percent if left_main else 0.0, "ct")
    facts["coronary_vessels_ge70_count"] = Fact(int(percent >= 70), "ct")
    facts["coronary_cta_nondiagnostic"] = Fact(not judged, "ct")
    named = {axis.name: axis.class_name for axis in classify("cad_rads_2", Findings(facts)).axes}
    return f"{named['category']}{'/N' if named['nondiagnostic'] == 'yes' else ''}"


def closed_grade(grade: VesselGrade) -> VesselGrade:
    """The grade of an artery in which an occlusion was found: category 5, its other stenoses as they were.

    Parameters
    ----------
    grade
        What was found along the open part of the artery.
    """
    judged = all(s.judged for s in grade.stenoses) and not grade.hardly_judged
    category = cad_rads_category(100.0, left_main=grade.vessel == "LM", judged=judged)
    return replace(grade, category=category, categories_possible=(category,))


def _interval(piece: Piece, found: Narrowing, least_mm: float, hard: float) -> Interval:
    """The degree with its 95 % interval; ``hard`` is added for what the model of the lumen does not know."""
    share = least_mm / found.reference_mm
    value = _percent(piece, found)
    sd = float(np.mean(piece.radius_sd_mm[_window(piece, found)])) / found.reference_mm
    spread = 100.0 * math.hypot(sd, share * found.reference_sd_mm / found.reference_mm)
    half = WIDTH_SHARE * math.sqrt(FIXED_PERCENT**2 + (1.96 * spread) ** 2 + hard**2)
    low, high = max(value - half, 0.0), min(value + half, 100.0)
    return Interval(value, low, high)


def _window(piece: Piece, found: Narrowing) -> slice:
    """The five sections within the narrowing whose mean radius is least."""
    part = piece.radius_mm[found.first_index : found.last_index + 1]
    count = min(WINDOW_SECTIONS, len(part))
    mean = np.convolve(part, np.full(count, 1.0 / count), "valid")
    first = found.first_index + int(np.argmin(mean))
    return slice(first, first + count)


def _flags(found: Narrowing, *, calcified: bool, stepped: bool) -> tuple[str, ...]:
    flags = []
    if calcified:
        flags.append("calcium in the narrowed stretch: the lumen behind it is uncertain")
    if stepped:
        flags.append("a displacement between slabs lies in the narrowed stretch: it may be an artefact")
    if found.sides_count == 1:
        flags.append("healthy lumen on one side only: the reference is carried on from there")
    if found.sides_count == 0:
        flags.append("no healthy lumen next to it: the reference is the taper of the whole vessel")
    return tuple(flags)


def stenoses_of(profile: LumenProfile, *, jumps_z_mm: tuple[float, ...] = ()) -> tuple[Stenosis, ...]:
    """The narrowings of one artery of at least 25 %, proximal first.

    Parameters
    ----------
    profile
        From :func:`recanal.stenosis.profile.lumen_profile`.
    jumps_z_mm
        Heights (LPS z) at which slabs of the picture do not meet.
    """
    return tuple(
        _stenosis(profile, piece, found, jumps_z_mm)
        for piece in profile.pieces
        for found in narrowings(profile.sections.line.arc_mm[piece.rows], piece.radius_mm, piece.healthy_mm)
        if _percent(piece, found) >= LEAST_PERCENT
    )


def _percent(piece: Piece, found: Narrowing) -> float:
    return float(np.clip(100.0 * (1.0 - piece.radius_mm[_window(piece, found)].mean() / found.reference_mm), 0.0, 99.0))


def _stenosis(profile: LumenProfile, piece: Piece, found: Narrowing, jumps_z_mm: tuple[float, ...]) -> Stenosis:
    line, course = profile.sections.line, profile.course
    rows = piece.rows[found.first_index : found.last_index + 1]
    window = _window(piece, found)
    least = float(piece.radius_mm[window].mean())
    at = int(piece.rows[(window.start + window.stop - 1) // 2])
    calcified = bool(profile.calcified[rows].any())
    height = line.points_mm[rows, 2]
    length = float(line.arc_mm[rows[-1]] - line.arc_mm[rows[0]])
    stepped = any(height.min() - 1.0 <= z <= height.max() + 1.0 for z in jumps_z_mm) and length <= STEP_LENGTH_MM
    hard = math.hypot(CALCIUM_PERCENT * calcified, ONE_SIDED_PERCENT * (2 - found.sides_count))
    percent = _interval(piece, found, least, math.hypot(hard, STEP_PERCENT * stepped))
    segment = course.segment_at(float(line.arc_mm[at]))
    lost = _lost(profile, rows, window=piece.rows[window], calcified=calcified)
    lost = lost or drowned(profile.sections, profile.level_hu, _wider(piece, found))
    return Stenosis(
        vessel="LM" if segment == "LM" else course.name,
        segment=segment,
        point_mm=(float(line.points_mm[at, 0]), float(line.points_mm[at, 1]), float(line.points_mm[at, 2])),
        position_mm=float(line.arc_mm[at]),
        length_mm=length,
        diameter_percent=percent,
        area_percent=Interval(_area(percent.value), _area(percent.low), _area(percent.high)),
        diameter_mm=2 * least,
        reference_diameter_mm=2 * found.reference_mm,
        category=cad_rads_category(percent.value, left_main=segment == "LM"),
        calcified=calcified,
        judged=not lost,
        flags=(*lost, *_flags(found, calcified=calcified, stepped=stepped)),
    )


def _wider(piece: Piece, found: Narrowing) -> NDArray[np.int64]:
    """The sections of a narrowing and of the 10 mm on either side, as far as they belong to the same piece."""
    reach = round(NOISE_REACH_MM / STEP_MM)
    return piece.rows[max(0, found.first_index - reach) : found.last_index + reach + 1]


def _lost(
    profile: LumenProfile, rows: NDArray[np.int64], *, window: NDArray[np.int64], calcified: bool
) -> tuple[str, ...]:
    """Why a narrowing cannot be judged; empty where it can."""
    arc, course = profile.sections.line.arc_mm[rows], profile.course
    short = arc[-1] - arc[0] <= ORIGIN_LENGTH_MM
    if course.parent is not None and short and arc[0] <= course.start_mm + ORIGIN_MM:
        return (AT_ORIGIN,)
    return () if calcified else off_lumen(profile.sections, profile.level_hu, window)


def _area(diameter_percent: float) -> float:
    """Area stenosis of a round lumen."""
    return 100.0 * (1.0 - (1.0 - diameter_percent / 100.0) ** 2)


def grade_courses(
    volume: Volume, courses: tuple[Course, ...], *, jumps_z_mm: tuple[float, ...] = ()
) -> tuple[VesselGrade, ...]:
    """The degree of stenosis of every artery.

    Parameters
    ----------
    volume
        The CT angiogram.
    courses
        Parents before what leaves them.
    jumps_z_mm
        Heights (LPS z) at which slabs of the picture do not meet.

    Returns
    -------
    tuple of VesselGrade
        In the order of the courses; the left main before the artery that carries it.
    """
    return tuple(grade for profile in lumen_profiles(volume, courses) for grade in _grades(profile, jumps_z_mm))


def lumen_profiles(volume: Volume, courses: tuple[Course, ...]) -> list[LumenProfile]:
    """The lumen along every artery; a branch takes contrast and blur from the arteries before it."""
    profiles: list[LumenProfile] = []
    sigma: float | None = None
    for course in courses:
        sections = cut_course(volume, course)
        origin = None
        if course.parent is not None:
            above = profiles[course.parent]
            origin = float(np.interp(course.parent_mm, above.sections.line.arc_mm, above.level_hu)) or None
        profile = lumen_profile(course, sections, origin_hu=origin, sigma_mm=sigma)
        if sigma is None and profile.pieces:
            part = np.isin(np.arange(len(profile.level_hu)), profile.pieces[0].rows)
            sigma = spread_of(sections, profile.level_hu, part)
        profiles.append(profile)
    return profiles


def _grades(profile: LumenProfile, jumps_z_mm: tuple[float, ...]) -> list[VesselGrade]:
    """One grade, or two where the artery carries the left main."""
    found = stenoses_of(profile, jumps_z_mm=jumps_z_mm)
    arc, course = profile.sections.line.arc_mm, profile.course
    rows = np.concatenate([piece.rows for piece in profile.pieces]) if profile.pieces else np.zeros(0, dtype=np.int64)
    healthy = np.concatenate([piece.healthy_mm for piece in profile.pieces]) if profile.pieces else np.zeros(0)
    in_stem = np.array([course.segment_at(float(arc[row])) == "LM" for row in rows], dtype=bool)
    out = []
    for name, mine in (("LM", in_stem), (course.name, ~in_stem)):
        if not mine.any():
            continue
        own = tuple(s for s in found if s.vessel == name)
        out.append(_grade(name, own, 2 * healthy[mine], profile.calcified[rows[mine]]))
    return out


def _grade(name: str, own: tuple[Stenosis, ...], healthy_mm: Floats, calcified: NDArray[np.bool_]) -> VesselGrade:
    none = Interval(0.0, 0.0, LEAST_PERCENT - 1)
    worst = max((s.diameter_percent for s in own if s.judged), key=lambda p: p.value, default=none)
    plaque = bool(calcified.any()) or worst.value > 0
    asked = (worst.low, worst.value, worst.high)
    stem = name == "LM"
    step = 0.5
    judged_mm = len(healthy_mm) * step
    judged = all(s.judged for s in own) and judged_mm >= LEAST_JUDGED_MM
    named = [cad_rads_category(p, left_main=stem, plaque=plaque, judged=judged) for p in asked]
    return VesselGrade(
        vessel=name,
        judged_mm=judged_mm,
        origin_diameter_mm=float(np.median(healthy_mm[: round(5.0 / step)])),
        calcified_mm=float(calcified.sum()) * step,
        category=named[1],
        categories_possible=tuple(dict.fromkeys(named)),
        stenoses=own,
    )
