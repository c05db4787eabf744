"""A drawn case: a curved artery with an occlusion, its contours, and what would be said about it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from recanal.core.case import (
    Calcification,
    CaseReport,
    DistalCap,
    DistalVessel,
    InputInfo,
    Interval,
    Lesion,
    Plaque,
    PlaqueComponent,
    Profile,
    Provenance,
    ProximalCap,
    Quality,
    Reference,
    RejectedSeries,
    StrategyAdvice,
    StrategyStep,
    TreeReport,
)
from recanal.core.curves import Centerline, Contours, frames
from recanal.core.findings import Findings
from recanal.core.projection import Projection
from recanal.core.reformat import Reformat
from recanal.core.score import ScoreItem, ScoreResult
from recanal.core.volume import Affine, Volume
from recanal.reformat.views import lesion_views

PROXIMAL_MM, DISTAL_MM = 27.3, 46.1
LUMEN_MM, WALL_MM = 1.5, 2.1


def _curve() -> Centerline:
    t = np.linspace(0, 1, 400)
    turn = np.deg2rad(-80 + 150 * t)
    points = np.stack([24 * np.cos(turn) - 8, 6 * np.sin(2.6 * t), 28 * np.sin(turn)], axis=1)
    return Centerline(points).resample(0.4)


def draw_contours() -> Contours:
    line = _curve()
    _, normals, binormals = frames(line)
    s = line.arc_mm[:, None]
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)[None]
    taper = 1 - 0.18 * s / s.max()
    wall = taper * WALL_MM * (1 + 0.06 * np.cos(2 * angle))
    open_here = (s < PROXIMAL_MM) | (s > DISTAL_MM)
    lumen = np.where(open_here, taper * LUMEN_MM * (1 + 0.05 * np.sin(angle)), 0.0)
    seen = ~((s > 36) & (s < 43) & (angle > 2.0) & (angle < 4.5))
    return Contours(line, normals, binormals, lumen, wall, np.broadcast_to(seen, wall.shape))


def draw_volume(contours: Contours) -> Volume:
    step, shape = 0.5, (150, 110, 160)
    affine = Affine.from_spacing((step, step, step), (-35.0, -26.0, -40.0))
    rng = np.random.default_rng(7)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).reshape(-1, 3)
    mm = affine.to_mm(index)
    hu = np.where(mm[:, 0] + 0.3 * mm[:, 1] < 0, 115.0, -90.0)
    hu[np.linalg.norm(mm - [-20, 2, 26], axis=1) < 11] = 410.0
    far, near = cKDTree(contours.line.points_mm).query(mm, distance_upper_bound=6.0)
    close = np.isfinite(far)
    near = np.minimum(near, len(contours.line.points_mm) - 1)
    s = contours.line.arc_mm[near]
    hu[close & (far < 5.0)] = -95.0
    wall = contours.wall_radius_mm.mean(1)[near]
    lumen = contours.lumen_radius_mm.mean(1)[near]
    hu[close & (far < wall)] = 70.0
    hu[close & (far < lumen)] = 380.0
    inside = close & (far < wall) & (s > PROXIMAL_MM) & (s < DISTAL_MM)
    hu[inside] = np.select([s[inside] < 31, s[inside] < 35, s[inside] < 41], [60.0, 100.0, 180.0], 40.0)
    v = ((mm - contours.line.points_mm[near]) * contours.binormals[near]).sum(1)
    hu[inside & (v > 0.3) & (s > 34) & (s < 40)] = 900.0
    grid = gaussian_filter(hu.reshape(shape), 0.8) + rng.normal(0, 18, shape)
    return Volume(grid.astype(np.int16), affine)


@pytest.fixture(scope="session")
def contours() -> Contours:
    return draw_contours()


@pytest.fixture(scope="session")
def volume(contours: Contours) -> Volume:
    return draw_volume(contours)


SECTIONS = {
    "proximal_reference": PROXIMAL_MM - 3,
    "proximal_cap": PROXIMAL_MM,
    "most_calcified": 37.2,
    "middle": (PROXIMAL_MM + DISTAL_MM) / 2,
    "distal_cap": DISTAL_MM,
    "distal_reference": DISTAL_MM + 3,
}


def _plaque() -> Plaque:
    parts = {}
    rows = [("necrotic_core", 92.417), ("fibrofatty", 43.18), ("fibrous", 71.9049), ("dense_calcium", 31.0)]
    for name, mm3 in rows:
        share = 100 * mm3 / 240.0
        parts[name] = PlaqueComponent(
            Interval(mm3, 0.93 * mm3, 1.08 * mm3), Interval(share, share - 2.2, share + 2.6), share * 0.97
        )
    return Plaque(Interval(240.0, 228.13, 251.02), parts, 1.5, (-30.0, 76.0, 131.0, 351.0), "fixed")


def _profile(contours: Contours) -> Profile:
    s = contours.line.arc_mm
    vessel, lumen = contours.wall_area_mm2, contours.lumen_area_mm2
    inside = (s >= PROXIMAL_MM) & (s <= DISTAL_MM)
    calcium = np.where(inside, vessel * 0.45 * np.exp(-((s - 37) ** 2) / 5), 0)
    rest = np.where(inside, vessel - calcium, 0)
    wave = 0.5 + 0.4 * np.sin(s / 3)
    return Profile(
        tuple(s - PROXIMAL_MM),
        tuple(lumen),
        tuple(vessel),
        tuple(np.where(inside, 200 * np.exp(-((s - 37) ** 2) / 5), 0)),
        tuple(rest * wave * 0.7),
        tuple(rest * 0.25),
        tuple(rest * (0.75 - 0.7 * wave)),
        tuple(calcium),
    )


def _lesion(contours: Contours) -> Lesion:
    return Lesion(
        id="L1",
        kind="occlusion",
        vessel="RCA",
        segments=(1, 2),
        in_stent=None,
        proximal_cap_mm=(1.0, 2.0, 3.0),
        distal_cap_mm=(4.0, 5.0, 6.0),
        ostial=False,
        length_mm=Interval(18.8123, 17.2044, 19.1),
        chord_mm=17.4,
        proximal_cap=ProximalCap("blunt", True, 1.24, 96.4, 0.86),
        distal_cap=DistalCap("tapered", False),
        bend_max_deg=Interval(41.3, 36.0, 47.2, 7.5),
        reference=Reference(3.06, 2.41),
        calcification=Calcification(
            True,
            Interval(0.56, 0.49, 0.61),
            True,
            False,
            Interval(220.0, 198.0, 241.0),
            Interval(31.0, 27.2, 35.9),
        ),
        plaque=_plaque(),
        distal_vessel=DistalVessel(True, 2.1, False),
        profile=_profile(contours),
        projections=(
            Projection(-30.0, 20.0, 2.0, 3.0, "RAO 30 / CRA 20"),
            Projection(45.0, -5.0, 4.1, 0.0, "LAO 45 / CAU 5", angle_to_first_deg=79.0),
        ),
        bridge_confidence=0.83,
        wall_bridged_percent=38.0,
        flags=("Outer wall bridged over 38 % of the occlusion: no fat around it",),
    )


def _score(sheet: str, name: str, endpoint: str, **changes: object) -> ScoreResult:
    base: dict[str, object] = {
        "points": 2,
        "points_min": 2,
        "points_max": 2,
        "missing": (),
        "stratum": "difficult",
        "printed_rate": 0.42,
        "stratum_probabilities": {"intermediate": 0.21, "difficult": 0.79},
        "items": (),
        "trust": "read in the source",
        "doi": "10.1016/j.jcin.2010.09.024",
        "citation": "Morino Y, et al. JACC Cardiovasc Interv 2011;4:213",
        "variant": "CT",
    }
    return ScoreResult(sheet=sheet, name=name, endpoint=endpoint, **(base | changes))  # type: ignore[arg-type]


def _item(name: str, points: float | None, source: str | None, finding: str) -> ScoreItem:
    return ScoreItem(name, points, None if points is None else points > 0, None, source, findings=(finding,))


def _scores() -> tuple[ScoreResult, ...]:
    crossing = "guidewire crossing <= 30 min"
    return (
        _score(
            "j_cto_ct",
            "J-CTO (CT)",
            crossing,
            points=None,
            points_max=3,
            missing=("prior_failed_attempt",),
            stratum=None,
            stratum_min="difficult",
            stratum_max="very difficult",
            printed_rate=None,
            modality="ct",
            items=(
                _item("blunt_stump", 1, "ct", "proximal_cap_shape"),
                _item("length_ge_20", 0, "typed", "length_mm"),
                _item("bending_gt_45", 1, "ct", "bend_max_deg"),
                _item("prior_failed_attempt", None, None, "prior_failed_attempt"),
            ),
        ),
        _score(
            "ct_rector",
            "CT-RECTOR",
            crossing,
            doi="10.1016/j.jcmg.2014.09.024",
            citation="Opolski MP, et al. JACC Cardiovasc Imaging 2015;8:257",
            printed_rate_text="44.3 % (31/70) guidewire crossing <= 30 min (derivation, Opolski 2015, "
            "10.1016/j.jcmg.2014.09.024; not verified)",
            trust="not verified",
            warnings=("Sheet not verified: the publication was not read.",),
        ),
        _score(
            "kcct",
            "KCCT",
            crossing,
            points=4,
            points_min=4,
            points_max=4,
            doi="10.1016/j.jcmg.2017.01.021",
            citation="Yu CW, et al. JACC Cardiovasc Imaging 2017",
            trust="read in part",
        ),
        _score(
            "progress_cto",
            "PROGRESS-CTO",
            "technical success",
            points=None,
            points_min=0,
            points_max=3,
            missing=("proximal_cap_ambiguous", "interventional_collaterals", "proximal_tortuosity"),
            stratum=None,
            stratum_min="0",
            stratum_max="3",
            printed_rate=None,
            stratum_probabilities={},
            doi="10.1016/j.jcin.2015.09.022",
            citation="Christopoulos G, et al. JACC Cardiovasc Interv 2016;9:1",
            variant="angiographic",
        ),
        _score(
            "castle",
            "EuroCTO CASTLE",
            "technical failure",
            points=None,
            points_min=1,
            points_max=4,
            missing=("age_years", "prior_cabg", "proximal_tortuosity"),
            stratum=None,
            stratum_min="0-1",
            stratum_max="4",
            printed_rate=None,
            stratum_probabilities={},
            doi="10.1016/j.jcin.2018.11.020",
            citation="Szijgyarto Z, et al. JACC Cardiovasc Interv 2019;12:335",
        ),
        _score(
            "recharge",
            "RECHARGE",
            "technical success",
            points=3,
            points_min=3,
            points_max=3,
            printed_rate=0.772,
            stratum="3",
            stratum_probabilities={"2": 0.3, "3": 0.7},
            doi="10.1016/j.jcin.2017.03.020",
            citation="Maeremans J, et al. J Am Coll Cardiol 2016",
            warnings=(
                "In-stent state not assessed: the case may lie outside the derivation population.",
                "CT-derived values used in an angiographic score: blunt stump.",
            ),
            modality="angiogram",
        ),
        _score(
            "progress_mace",
            "PROGRESS MACE",
            "in-hospital MACE",
            points=None,
            points_min=0,
            points_max=7,
            missing=("age_years", "sex"),
            stratum=None,
            stratum_min="0 to 1",
            stratum_max="6 to 7",
            printed_rate=None,
            stratum_probabilities={},
            variant=None,
            predicts="complication",
            doi="10.4244/EIJ-D-22-00593",
            items=(_item("age", None, None, "age_years"), _item("female", None, None, "sex")),
        ),
    )


def draw_case(contours: Contours) -> CaseReport:
    return CaseReport(
        input=InputInfo(
            series_uid="1.2.826.0.1.3680043.8.498.1234",
            description="CorCTA 75 % 0.5 Bv40",
            manufacturer="ACME",
            kvp=120.0,
            phase_percent=75.0,
            spacing_mm=(0.4, 0.4, 0.5),
            size=(512, 512, 300),
            why_chosen=("thinnest slices (0.5 mm)", "contrast in the aorta (402 HU)", "diastolic phase (75 %)"),
            rejected=(
                RejectedSeries("1.2.826.1", "no contrast: the aorta is at 41 HU", "CaScore 3.0"),
                RejectedSeries("1.2.826.2", "slices of 3.0 mm are too thick", "CorCTA 75 % 3.0"),
                RejectedSeries("1.2.826.3", "IM000044: [not-ct] The series holds no CT slices.", "Topogram"),
            ),
            kernel="Bv40",
            format="dicom",
        ),
        quality=Quality(22.13, 402.4, 15.18, True, ("Step artefact near the crux",), 0.41),
        tree=TreeReport("right"),
        lesions=(_lesion(contours),),
        findings=Findings.from_mapping(
            {
                "length_mm": {"value": 18.8123, "low": 17.2044, "high": 19.1, "source": "ct"},
                "rentrop_grade": {"value": 2, "source": "angiogram", "confirmed_by": "reader 1"},
                "prior_mi": True,
                "lvef_percent": 52.0,
            }
        ),
        scores=_scores(),
        provenance=Provenance(
            "0.1.0",
            "cpu",
            {"wall_step_mm": 0.5},
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "200 re-measurements under perturbed seeds, contours and noise",
            "2026-01-01T00:00:00Z",
        ),
        strategy=(
            StrategyAdvice(
                "Global crossing algorithm (2021)",
                (
                    StrategyStep(
                        "Antegrade wire escalation first",
                        ("proximal cap is not ambiguous", "length 18.8 mm is under 20 mm"),
                        "10.1016/j.jacc.2021.05.055",
                    ),
                    StrategyStep(
                        "Then antegrade dissection and re-entry",
                        ("distal vessel opacified, 2.1 mm",),
                        "10.1016/j.jacc.2021.05.055",
                    ),
                ),
            ),
        ),
    )


@pytest.fixture(scope="session")
def case(contours: Contours) -> CaseReport:
    return draw_case(contours)


@pytest.fixture(scope="session")
def views(volume: Volume, contours: Contours) -> tuple[Reformat, ...]:
    """Cuts made with the room next door: a test may cross floors, the package may not."""
    return lesion_views(volume, contours, proximal_cap_mm=PROXIMAL_MM, distal_cap_mm=DISTAL_MM, sections=SECTIONS)
