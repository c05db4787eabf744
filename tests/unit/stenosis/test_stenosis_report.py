"""Stenoses in the report: a row for each, and pictures of the arteries where no occlusion is shown."""

from __future__ import annotations

import numpy as np
import pytest

from analytic_tube import Scene, draw
from recanal.core.case import CaseReport, InputInfo, Interval, Lesion, Provenance, Quality, SegmentReport, TreeReport
from recanal.core.curves import Centerline
from recanal.core.findings import Findings
from recanal.pipeline.supply import with_occlusions
from recanal.report.display import Display
from recanal.report.figures import view_figures
from recanal.report.page import render_html
from recanal.report.sources import Sources
from recanal.stenosis import Course, Stenosis, VesselGrade, grade_courses
from recanal.stenosis.pictures import MOST_SECTIONS, artery_views, picture_places
from recanal.stenosis.section import artery_name, stenosis_section


def narrow(vessel: str, segment: str, position_mm: float, percent: float, *, judged: bool = True) -> Stenosis:
    share = Interval(percent, percent - 10.0, percent + 10.0)
    flags = () if judged else ("not judged: no contrast on the axis",)
    place = (0.0, 0.0, position_mm)
    return Stenosis(vessel, segment, place, position_mm, 9.0, share, share, 1.9, 3.0, "2", False, judged, flags)


def grade(vessel: str, *found: Stenosis) -> VesselGrade:
    return VesselGrade(vessel, 94.0, 3.4, 0.0, "2" if found else "0-1", ("2",) if found else ("0-1",), found)


def case_of(*grades: VesselGrade, lesions: tuple[Lesion, ...] = ()) -> CaseReport:
    line = ((0.0, 0.0, 0.0), (0.0, 0.0, 80.0))
    tree = TreeReport(None, (SegmentReport("pRCA", 1, "RCA", line, (1.5, 1.5)),))
    told = Provenance("0", parameters={"mode": "automatic"})
    return CaseReport(InputInfo(), Quality(), tree, lesions, Findings({}), (), told, stenosis=grades)


def section_of(case: CaseReport):
    section = stenosis_section(case, Display(case), Sources())
    assert section is not None
    return section


LAD = grade(
    "LAD", narrow("LAD", "pLAD", 20.0, 30.0), narrow("LAD", "mLAD", 50.0, 60.0), narrow("LAD", "dLAD", 80.0, 40.0)
)


def test_every_stenosis_has_a_row_and_the_worst_of_an_artery_is_the_first():
    lost = grade("D1", narrow("D1", "D1", 4.0, 70.0, judged=False))
    table = section_of(case_of(LAD, lost)).blocks[0]
    assert [row[:3] for row in table["rows"]] == [
        ["LAD", "60 % (50–70)", "mLAD, 50 mm"],
        ["LAD", "30 % (20–40)", "pLAD, 20 mm"],
        ["LAD", "40 % (30–50)", "dLAD, 80 mm"],
        ["D1", "none of 25 % or more where judged", "–"],
        ["D1", "not judged", "4 mm"],
    ]
    assert [row[4] for row in table["rows"]] == ["2", "–", "–", "2", "–"]


def test_the_line_beside_an_occlusion_says_how_many_more_there_are():
    lesion = Lesion("L1", "occlusion", "RCA", length_mm=Interval(20.0, 18.0, 22.0))
    (line,) = section_of(case_of(LAD, grade("LM"), lesions=(lesion,))).printed
    said = "LAD 60 % (50–70) at mLAD, 50 mm, and 2 more, CAD-RADS 2; none of 25 % or more in LM."
    assert line["words"] == said


def test_the_line_says_where_an_artery_could_not_be_judged():
    lesion = Lesion("L1", "occlusion", "RCA", length_mm=Interval(20.0, 18.0, 22.0))
    lost = grade("LAD", *(narrow("LAD", "pLAD", at, 70.0, judged=False) for at in (4.0, 12.0)))
    (line,) = section_of(case_of(lost, grade("LM"), lesions=(lesion,))).printed
    said = "LAD not judged at pLAD, 4 mm and pLAD, 12 mm, elsewhere none of 25 % or more"
    assert line["words"] == f"{said}; none of 25 % or more in LM."


OCCLUSION = Lesion("L1", "occlusion", "LAD", length_mm=Interval(20.0, 18.0, 22.0), segments=(7,))


def test_an_artery_with_an_occlusion_is_category_5_and_keeps_its_other_stenoses():
    closed, clear, right = with_occlusions((LAD, grade("LCX"), grade("RCA")), (OCCLUSION,))
    assert (closed.category, closed.categories_possible, closed.stenoses) == ("5", ("5",), LAD.stenoses)
    assert (clear.category, right.category) == ("0-1", "0-1")
    section = section_of(case_of(closed, clear, lesions=(OCCLUSION,)))
    assert [row[4] for row in section.blocks[0]["rows"]] == ["5 (occlusion)", "–", "–", "0-1"]
    said = "LAD 60 % (50–70) at mLAD, 50 mm, and 2 more, CAD-RADS 5 (occlusion); none of 25 % or more in LCX."
    assert section.printed[0]["words"] == said
    assert section.title == "Stenosis of the arteries outside occlusions"


def test_an_artery_with_an_occlusion_and_no_other_stenosis_is_category_5():
    (closed,) = with_occlusions((grade("LAD"),), (OCCLUSION,))
    section = section_of(case_of(closed, lesions=(OCCLUSION,)))
    (row,) = section.blocks[0]["rows"]
    assert row[1:5] == ["none of 25 % or more elsewhere", "–", "–", "5 (occlusion)"]
    assert section.printed[0]["words"] == "LAD CAD-RADS 5 (occlusion), elsewhere none of 25 % or more."


def test_an_artery_with_an_occlusion_and_a_stretch_that_was_not_judged_bears_n_as_well():
    lost = grade("LAD", narrow("LAD", "pLAD", 4.0, 70.0, judged=False))
    assert with_occlusions((lost,), (OCCLUSION,))[0].category == "5/N"


@pytest.mark.parametrize(
    ("kind", "segments", "names", "expected"),
    [
        ("occlusion", (), ("LAD", "D1"), ["5", "0-1"]),
        ("occlusion", (7, 9), ("LAD", "D1"), ["5", "0-1"]),
        ("occlusion", (9,), ("LAD", "D1"), ["0-1", "5"]),
        ("occlusion", (9,), ("LAD", "D2"), ["5", "0-1"]),
        ("none", (7,), ("LAD", "D1"), ["0-1", "0-1"]),
    ],
)
def test_the_artery_that_an_occlusion_closes(kind, segments, names, expected):
    lesion = Lesion("L1", kind, "LAD", segments=segments)
    found = with_occlusions(tuple(grade(name) for name in names), (lesion,))
    assert [one.category for one in found] == expected


def test_the_worst_stenoses_are_cut_and_the_left_main_stands_with_the_artery_that_carries_it():
    rows = [narrow("LAD", "mLAD", 20.0 + k, 30.0 + k) for k in range(MOST_SECTIONS + 2)]
    grades = (grade("RCA"), grade("LM", narrow("LM", "LM", 8.0, 80.0)), grade("LAD", *rows))
    places = picture_places(grades)
    assert list(places) == ["RCA", "LAD"]
    assert places["RCA"] == ()
    assert [found.segment for found in places["LAD"]] == ["LM", *["mLAD"] * (MOST_SECTIONS - 1)]
    assert min(found.diameter_percent.value for found in places["LAD"]) == 33.0


def test_two_side_branches_of_one_name_are_not_taken_for_each_other():
    twins = [grade("RCA side branch", narrow("RCA side branch", "RCA side branch", 9.0, 50.0)) for _ in range(2)]
    assert list(picture_places([*twins, grade("D1", narrow("D1", "D1", 9.0, 50.0))])) == ["D1"]


@pytest.fixture(scope="module")
def open_artery():
    """A drawn tube, graded as the right coronary artery, and a stenosis in its middle."""
    drawing = draw(Scene(gaps_mm=()))
    line = Centerline(drawing.axis_mm[::10])
    course = Course("RCA", "RCA", line, start_mm=2.0)
    (graded,) = grade_courses(drawing.volume, (course,))
    middle = narrow("RCA", "RCA", round(line.length_mm / 2), 40.0)
    return drawing.volume, course, grade("RCA", *(graded.stenoses or (middle,)))


def test_an_artery_is_straightened_with_its_lumen_and_cut_at_its_stenosis(open_artery):
    volume, course, graded = open_artery
    strip, *cuts = artery_views(volume, (course,), (graded,))["RCA"]
    assert strip.name == "straightened_000"
    assert [cut.name for cut in cuts] == [f"cross_section_{k}" for k in range(1, len(graded.stenoses) + 1)]
    assert cuts[0].position_mm == pytest.approx(graded.stenoses[0].position_mm)
    for view in (strip, *cuts):
        assert {"wall", "wall_bridged"}.isdisjoint(overlay.role for overlay in view.overlays)
        assert "lumen" in {overlay.role for overlay in view.overlays}
    edge = np.concatenate([o.row_column[:, 1] for o in strip.overlays if o.role == "lumen"])
    half_mm = np.abs(edge - (strip.hu.shape[1] - 1) / 2) * strip.pixel_mm[1]
    assert 0.5 < np.median(half_mm) < 3.0


def test_a_report_without_occlusion_shows_the_arteries(open_artery):
    volume, course, graded = open_artery
    case = case_of(graded)
    figures = view_figures(artery_name("RCA"), artery_views(volume, (course,), (graded,))["RCA"])
    page = render_html(case, figures, (stenosis_section,))
    assert page.count("<img") == len(figures) == 1 + len(graded.stenoses)
    assert "Coronary vessel report: no occlusion found" in page
    assert "Straightened arteries" in page
    assert "curved planar reformation" in page
    assert "plaque components by attenuation" not in page
    assert "whether a wire runs" not in page


def test_without_pictures_nothing_is_said_of_them():
    page = render_html(case_of(LAD), {}, (stenosis_section,))
    assert "Straightened arteries" not in page
    bare = render_html(case_of(), {}, (stenosis_section,))
    assert "References" not in bare
