"""Every class, cut-off and cell of the shipped classifications, against tables typed from the publications."""

from __future__ import annotations

import itertools

import pytest

from recanal.core.findings import Findings
from recanal.scores import class_sheet_ids, classify, evaluate, load_class_sheet, load_sheet, tally_ids

NOT = "not classified"


def classes(sheet, **facts):
    """The classes left open."""
    return classify(sheet, Findings.from_mapping(facts)).classes_possible


def one(sheet, **facts):
    return classify(sheet, Findings.from_mapping(facts)).class_name


def axis(sheet, name, **facts):
    rows = {row.name: row for row in classify(sheet, Findings.from_mapping(facts)).axes}
    return rows[name].class_name


# --- WIfI: Mills 2014, the risk of amputation as VL, L, M, H; rows W 0-3, columns fI 0-3 ---------------------------

WIFI = {
    0: ("VL VL L M", "VL VL L M", "L L M H", "M M H H"),
    1: ("VL L M H", "VL L M H", "M M H H", "H H H H"),
    2: ("L L M H", "L M H H", "M H H H", "H H H H"),
    3: ("L M M H", "M M H H", "H H H H", "H H H H"),
}
WIFI_STAGE = {"VL": "1", "L": "2", "M": "3", "H": "4"}


@pytest.mark.parametrize(("ischaemia", "wound", "infection"), list(itertools.product(range(4), repeat=3)))
def test_wifi_stage(ischaemia, wound, infection):
    stage = WIFI_STAGE[WIFI[ischaemia][wound].split()[infection]]
    facts = {
        "wifi_ischaemia_grade": ischaemia,
        "wifi_wound_grade": wound,
        "wifi_foot_infection_grade": infection,
    }
    result = classify("wifi", Findings.from_mapping(facts))
    assert result.class_name == stage
    assert result.class_text.startswith(f"W{wound} I{ischaemia} fI{infection}, stage {stage} ")
    assert result.missing == ()


def test_wifi_stage_is_no_function_of_the_sum():
    stages = {}
    for i, w, f in itertools.product(range(4), repeat=3):
        stages.setdefault(i + w + f, set()).add(WIFI_STAGE[WIFI[i][w].split()[f]])
    assert any(len(found) > 1 for found in stages.values())


@pytest.mark.parametrize(
    ("finding", "value", "grade"),
    [
        ("abi_ratio", 0.80, "0"),
        ("abi_ratio", 0.79, "1"),
        ("abi_ratio", 0.60, "1"),
        ("abi_ratio", 0.59, "2"),
        ("abi_ratio", 0.40, "2"),
        ("abi_ratio", 0.39, "3"),
        ("abi_ratio", 1.40, "0"),
        ("ankle_pressure_mmhg", 101, "0"),
        ("ankle_pressure_mmhg", 100, "1"),
        ("ankle_pressure_mmhg", 71, "1"),
        ("ankle_pressure_mmhg", 69, "2"),
        ("ankle_pressure_mmhg", 50, "2"),
        ("ankle_pressure_mmhg", 49, "3"),
        *((name, value, grade) for name in ("toe_pressure_mmhg", "tcpo2_mmhg") for value, grade in (
            (60, "0"), (59, "1"), (40, "1"), (39, "2"), (30, "2"), (29, "3"), (0, "3"))),
    ],
)  # fmt: skip
def test_wifi_ischaemia_grade(finding, value, grade):
    assert axis("wifi", "ischaemia", **{finding: value}) == grade


def test_wifi_shows_what_the_publication_leaves_open():
    result = classify("wifi", Findings.from_mapping({"ankle_pressure_mmhg": 70}))
    assert {row.name: row.classes_possible for row in result.axes}["ischaemia"] == ("1", "2")
    assert any("printed for both grades" in warning for warning in result.warnings)
    assert axis("wifi", "ischaemia", ankle_pressure_mmhg=70, toe_pressure_mmhg=35) == "2"


def test_wifi_shows_measurements_that_disagree_and_chooses_none():
    facts = {"abi_ratio": 0.9, "toe_pressure_mmhg": 25, "wifi_wound_grade": 0, "wifi_foot_infection_grade": 0}
    result = classify("wifi", Findings.from_mapping(facts))
    rows = {row.name: row for row in result.axes}
    assert (rows["from_abi"].class_name, rows["from_toe"].class_name) == ("0", "3")
    assert (rows["ischaemia"].class_name, rows["ischaemia"].classes_possible) == (None, ("0", "3"))
    assert (result.class_name, result.classes_possible) == (None, ("1", "2"))
    assert any("toe pressure gives 3; ankle-brachial index gives 0" in warning for warning in result.warnings)
    given = classify("wifi", Findings.from_mapping({"wifi_ischaemia_grade": 1, "toe_pressure_mmhg": 70}))
    assert {row.name: row.classes_possible for row in given.axes}["ischaemia"] == ("0", "1")


def test_wifi_takes_no_grade_from_stiff_arteries():
    assert axis("wifi", "ischaemia", abi_ratio=1.5) is None
    assert axis("wifi", "ischaemia", abi_ratio=1.5, toe_pressure_mmhg=25) == "3"
    result = classify("wifi", Findings.from_mapping({"abi_ratio": 1.5}))
    assert any("cannot be compressed" in warning for warning in result.warnings)
    assert result.missing[:2] == ("toe_pressure_mmhg", "tcpo2_mmhg")
    assert not {"abi_ratio", "ankle_pressure_mmhg"} & set(result.missing)


@pytest.mark.parametrize(
    "stiff",
    [{"abi_ratio": 1.41, "ankle_pressure_mmhg": 200}, {"ankle_pressure_mmhg": 200, "brachial_pressure_mmhg": 140}],
)
def test_wifi_takes_no_grade_from_the_pressure_of_a_stiff_artery(stiff):
    """An ABI above 1.40, given or as the ratio of the pressures, voids the ankle pressure as well."""
    facts = {**stiff, "wifi_wound_grade": 1, "wifi_foot_infection_grade": 0}
    result = classify("wifi", Findings.from_mapping(facts))
    assert (result.class_name, result.missing) == (None, ("toe_pressure_mmhg", "tcpo2_mmhg"))
    assert result.class_text == "W1 I? fI0, stage ?"
    assert any("so the ankle pressure gives no grade" in warning for warning in result.warnings)
    assert axis("wifi", "ischaemia", **stiff, toe_pressure_mmhg=35) == "2"
    assert axis("wifi", "ischaemia", ankle_pressure_mmhg=195, brachial_pressure_mmhg=140) == "0"


# --- GLASS: Conte 2019; rows FP 0-4, columns IP 0-4 -----------------------------------------------------------------

GLASS = ("NA I I II III", "I I II II III", "I II II II III", "II II II III III", "III III III III III")
FP = [
    {"femoropopliteal_disease_significant": False},
    {"sfa_disease_length_mm": 99},
    {"sfa_disease_length_mm": 100},
    {"sfa_disease_length_mm": 201},
    {"popliteal_occlusion": True, "popliteal_disease_length_mm": 20},
]
FP_NONE = {
    "sfa_occlusion_length_mm": 0, "sfa_occlusion_flush": False, "sfa_occlusions_multiple": False,
    "popliteal_disease_length_mm": 0, "popliteal_trifurcation_diseased": False, "popliteal_occlusion": False,
    "femoropopliteal_calcification_severe": False,
}  # fmt: skip
IP = [
    {"tibial_disease_significant": False},
    {"tibial_disease_extent": "up_to_third", "tibial_total_length_mm": 29},
    {"tibial_disease_extent": "up_to_third", "tibial_total_length_mm": 30},
    {"tibial_disease_extent": "up_to_two_thirds", "tibial_total_length_mm": 150},
    {"tibial_disease_extent": "over_two_thirds"},
]
IP_NONE = {
    "tibial_occlusion_extent": "none", "tibial_occlusion_length_mm": 0, "tibial_origin_occluded": False,
    "tibioperoneal_trunk_occlusion": False, "infrapopliteal_calcification_severe": False,
}  # fmt: skip


@pytest.mark.parametrize(("fp", "ip"), list(itertools.product(range(5), repeat=2)))
def test_glass_stage(fp, ip):
    facts = {**FP_NONE, **FP[fp], **IP_NONE, **IP[ip], "target_crosses_ankle": False}
    result = classify("glass", Findings.from_mapping(facts))
    stage = GLASS[fp].split()[ip].replace("NA", "none")
    assert result.class_name == stage
    assert f"(FP {fp}, IP {ip}, P2)" in result.class_text
    assert result.missing == ()


@pytest.mark.parametrize(
    ("facts", "grade"),
    [
        ({"sfa_disease_length_mm": 200}, "2"),
        ({"sfa_disease_length_mm": 60, "sfa_occlusion_length_mm": 49}, "1"),
        ({"sfa_disease_length_mm": 60, "sfa_occlusion_length_mm": 50}, "2"),
        ({"sfa_disease_length_mm": 60, "sfa_occlusion_length_mm": 30, "sfa_occlusions_multiple": True}, "2"),
        ({"sfa_disease_length_mm": 60, "sfa_occlusion_length_mm": 30, "sfa_occlusion_flush": True}, "3"),
        ({"sfa_disease_length_mm": 150, "sfa_occlusion_length_mm": 99}, "2"),
        ({"sfa_disease_length_mm": 150, "sfa_occlusion_length_mm": 100}, "3"),
        ({"sfa_disease_length_mm": 210, "sfa_occlusion_length_mm": 200}, "3"),
        ({"sfa_disease_length_mm": 210, "sfa_occlusion_length_mm": 201}, "4"),
        ({"sfa_disease_length_mm": 210, "sfa_occlusion_length_mm": 200, "sfa_occlusion_flush": True}, None),
        ({"sfa_disease_length_mm": 10, "popliteal_disease_length_mm": 19}, "2"),
        ({"sfa_disease_length_mm": 10, "popliteal_disease_length_mm": 20}, "3"),
        ({"sfa_disease_length_mm": 10, "popliteal_disease_length_mm": 50}, "3"),
        ({"sfa_disease_length_mm": 10, "popliteal_disease_length_mm": 51}, "4"),
        ({"sfa_disease_length_mm": 10, "popliteal_trifurcation_diseased": True}, "4"),
        ({"sfa_disease_length_mm": 0}, "0"),
    ],
)
def test_glass_femoropopliteal_grade(facts, grade):
    assert axis("glass", "fp_grade", **{**FP_NONE, **facts}) == grade


@pytest.mark.parametrize(
    ("facts", "grade"),
    [
        ({"tibial_disease_extent": "up_to_third", "tibial_total_length_mm": 29,
          "tibial_occlusion_extent": "up_to_third", "tibial_occlusion_length_mm": 29}, "2"),
        ({"tibial_disease_extent": "up_to_third", "tibial_occlusion_extent": "up_to_third",
          "tibial_occlusion_length_mm": 30}, "3"),
        ({"tibial_disease_extent": "up_to_third", "tibial_occlusion_extent": "up_to_third",
          "tibial_occlusion_length_mm": 10, "tibial_origin_occluded": True}, "3"),
        ({"tibial_disease_extent": "up_to_two_thirds", "tibial_occlusion_extent": "over_third",
          "tibial_occlusion_length_mm": 160}, "4"),
        ({"tibial_disease_extent": "up_to_third", "tibioperoneal_trunk_occlusion": True}, "4"),
        ({"tibial_disease_extent": "none"}, "0"),
    ],
)  # fmt: skip
def test_glass_infrapopliteal_grade(facts, grade):
    assert axis("glass", "ip_grade", **{**IP_NONE, **facts}) == grade


@pytest.mark.parametrize("grade", range(5))
def test_glass_severe_calcification_adds_one_and_stops_at_four(grade):
    facts = {**FP_NONE, **FP[grade], "femoropopliteal_calcification_severe": True}
    assert axis("glass", "fp_grade", **facts) == str(min(grade + 1, 4))
    facts = {**IP_NONE, **IP[grade], "infrapopliteal_calcification_severe": True}
    assert axis("glass", "ip_grade", **facts) == str(min(grade + 1, 4))


@pytest.mark.parametrize(
    ("facts", "modifier"),
    [
        ({"target_crosses_ankle": True, "pedal_arch": "intact"}, "P0"),
        ({"target_crosses_ankle": True, "pedal_arch": "absent_or_severely_diseased"}, "P1"),
        ({"target_crosses_ankle": False}, "P2"),
        ({"target_crosses_ankle": True}, None),
    ],
)
def test_glass_inframalleolar_modifier(facts, modifier):
    assert axis("glass", "inframalleolar", **facts) == modifier


def test_glass_does_not_ask_for_what_cannot_matter():
    result = classify("glass", Findings.from_mapping({"popliteal_occlusion": True, "target_crosses_ankle": False}))
    assert (result.class_name, result.missing) == ("III", ())
    known = {**FP_NONE, **FP[2]}
    assert classes("glass", **known) == ("I", "II", "III")


# --- TASC II, femoropopliteal: PMC3036472, Table 2 -------------------------------------------------------------------

TASC_FP = {
    "lesions_multiple": False, "femoropopliteal_location": "sfa", "popliteal_infrageniculate": False,
    "proximal_trifurcation_occluded": False, "tibial_runoff_continuous": True, "calcification_severe": False,
    "recurrent_after_two_interventions": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "types"),
    [
        ({"lesion_kind": "stenosis", "lesion_length_mm": 100}, "A"),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 101}, "B"),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 150}, "B"),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 151}, NOT),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 50}, "A"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 51}, "B"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 150}, "B"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 151}, NOT),
        ({"lesion_kind": "occlusion", "length_mm": 50}, "A"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 50, "calcification_severe": True}, "B"),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 50, "calcification_severe": True}, "A"),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 20, "femoropopliteal_location": "popliteal"}, "B"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 40, "femoropopliteal_location": "popliteal"}, "A"),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 20, "tibial_runoff_continuous": False}, "B"),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 20, "recurrent_after_two_interventions": True}, "C"),
        (
            {"lesion_kind": "occlusion", "lesion_length_mm": 120, "femoropopliteal_location": "sfa_popliteal",
             "popliteal_infrageniculate": True}, NOT,
        ),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 201, "femoropopliteal_location": "sfa_popliteal"}, "D"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 200, "femoropopliteal_location": "sfa_popliteal"}, NOT),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 201, "femoropopliteal_location": "sfa_popliteal"}, NOT),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 201, "femoropopliteal_location": "sfa"}, NOT),
        (
            {"lesion_kind": "occlusion", "lesion_length_mm": 40, "femoropopliteal_location": "popliteal",
             "proximal_trifurcation_occluded": True}, "D",
        ),
        ({"lesion_kind": "stenosis", "lesions_multiple": True, "lesion_length_mm": 50,
          "lesions_total_length_mm": 149}, "B"),
        ({"lesion_kind": "stenosis", "lesions_multiple": True, "lesion_length_mm": 51,
          "lesions_total_length_mm": 149}, NOT),
        ({"lesion_kind": "occlusion", "lesions_multiple": True, "lesion_length_mm": 50,
          "lesions_total_length_mm": 151}, "C"),
        ({"lesion_kind": "occlusion", "lesions_multiple": True, "lesion_length_mm": 50,
          "lesions_total_length_mm": 150}, "BC"),
        ({"lesion_kind": "occlusion", "lesions_multiple": True, "lesion_length_mm": 80,
          "lesions_total_length_mm": 150}, "C"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 50, "femoropopliteal_location": "cfa"}, "AD"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 51, "femoropopliteal_location": "cfa"}, "BD"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 50, "femoropopliteal_location": "cfa",
          "calcification_severe": True}, "BD"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 30, "femoropopliteal_location": "cfa",
          "lesions_multiple": True, "lesions_total_length_mm": 90}, "BD"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 30, "femoropopliteal_location": "cfa",
          "lesions_multiple": True, "lesions_total_length_mm": 151}, "CD"),
        ({"lesion_kind": "occlusion", "lesion_length_mm": 151, "femoropopliteal_location": "cfa"}, "D"),
        ({"lesion_kind": "stenosis", "lesion_length_mm": 50, "femoropopliteal_location": "cfa"}, "A"),
    ],
)  # fmt: skip
def test_tasc2_femoropopliteal(facts, types):
    expected = (types,) if types == NOT else tuple(types)
    assert classes("tasc2_femoropopliteal", **{**TASC_FP, **facts}) == expected


def test_tasc_i_cut_offs_are_not_used():
    """TASC I called a stenosis of 3 to 10 cm type B and one above 5 cm type C."""
    for length_mm in (29, 31, 49, 51, 99):
        assert one("tasc2_femoropopliteal", **TASC_FP, lesion_kind="stenosis", lesion_length_mm=length_mm) == "A"


# --- TASC II, aortoiliac --------------------------------------------------------------------------------------------

TASC_AI = {
    "cia_stenosis": "none", "cia_occlusion": "none", "eia_stenosis": "none", "eia_occlusion": "none",
    "aorta_lesion": "none", "aortoiliac_diffuse": "none", "iliac_stenosis_needs_open_surgery": False,
}  # fmt: skip
EIA = {"eia_stenosis_multiple": False, "eia_stenosis_into_cfa": False}


@pytest.mark.parametrize(
    ("facts", "types"),
    [
        ({"cia_stenosis": "unilateral"}, "A"),
        ({"cia_stenosis": "bilateral"}, "A"),
        ({**EIA, "eia_stenosis": "unilateral", "eia_stenosis_length_mm": 29}, "A"),
        ({**EIA, "eia_stenosis": "bilateral", "eia_stenosis_length_mm": 29}, "A"),
        ({**EIA, "eia_stenosis": "unilateral", "eia_stenosis_length_mm": 30}, "AB"),
        ({**EIA, "eia_stenosis": "unilateral", "eia_stenosis_length_mm": 31}, "B"),
        ({**EIA, "eia_stenosis": "unilateral", "eia_stenosis_length_mm": 100}, "B"),
        ({**EIA, "eia_stenosis": "unilateral", "eia_stenosis_length_mm": 101}, NOT),
        ({**EIA, "eia_stenosis": "unilateral", "eia_stenosis_length_mm": 30, "eia_stenosis_multiple": True}, "B"),
        ({**EIA, "eia_stenosis": "unilateral", "eia_stenosis_length_mm": 29, "eia_stenosis_multiple": True}, NOT),
        ({**EIA, "eia_stenosis": "bilateral", "eia_stenosis_length_mm": 31}, "C"),
        ({**EIA, "eia_stenosis": "bilateral", "eia_stenosis_length_mm": 100}, "C"),
        ({**EIA, "eia_stenosis": "bilateral", "eia_stenosis_length_mm": 30}, "AC"),
        ({**EIA, "eia_stenosis": "bilateral", "eia_stenosis_length_mm": 101}, NOT),
        ({**EIA, "eia_stenosis": "unilateral", "eia_stenosis_length_mm": 20, "eia_stenosis_into_cfa": True}, "C"),
        ({"aorta_lesion": "stenosis", "aorta_stenosis_length_mm": 30}, "B"),
        ({"aorta_lesion": "stenosis", "aorta_stenosis_length_mm": 31}, NOT),
        ({"cia_occlusion": "unilateral"}, "B"),
        ({"cia_occlusion": "bilateral"}, "C"),
        ({"eia_occlusion": "unilateral", "eia_occlusion_to_branches": False,
          "eia_occlusion_heavily_calcified": False}, "B"),
        ({"eia_occlusion": "unilateral", "eia_occlusion_to_branches": True}, "C"),
        ({"eia_occlusion": "unilateral", "eia_occlusion_to_branches": False,
          "eia_occlusion_heavily_calcified": True}, "C"),
        ({"eia_occlusion": "bilateral"}, "D"),
        ({"cia_occlusion": "unilateral", "eia_occlusion": "unilateral", "iliac_occlusions_same_side": True}, "D"),
        ({"cia_occlusion": "bilateral", "eia_occlusion": "unilateral"}, "D"),
        ({"aorta_lesion": "occlusion"}, "D"),
        ({"aortoiliac_diffuse": "aorta_and_both_iliacs"}, "D"),
        ({"aortoiliac_diffuse": "unilateral_cia_eia_cfa"}, "D"),
        ({"cia_stenosis": "unilateral", "iliac_stenosis_needs_open_surgery": True}, "D"),
        ({}, NOT),
    ],
)  # fmt: skip
def test_tasc2_aortoiliac(facts, types):
    expected = (types,) if types == NOT else tuple(types)
    assert classes("tasc2_aortoiliac", **{**TASC_AI, **facts}) == expected


# --- TASC 2015, infrapopliteal --------------------------------------------------------------------------------------


def tasc_infrapopliteal(stenoses, occlusions, longest_mm, total_mm, dense, collaterals):
    """The descriptions of Jaff 2015 as sets of criteria, worst first."""
    if occlusions == "multiple" and (total_mm > 100 or dense or not collaterals):
        return "D"
    if occlusions != "multiple" and (stenoses == "multiple" or occlusions == "single") and total_mm > 100:
        return "C"
    if occlusions == "single" and stenoses == "none" and longest_mm <= 30:
        return "B"
    if occlusions == "none" and stenoses == "multiple" and (longest_mm <= 50 or total_mm <= 100):
        return "B"
    if occlusions == "none" and stenoses == "single" and longest_mm <= 50:
        return "A"
    return NOT


def test_tasc_infrapopliteal_over_all_combinations():
    counts = ("none", "single", "multiple")
    lengths = [(30, 30), (31, 31), (50, 50), (51, 51), (50, 100), (51, 100), (50, 101), (60, 101), (101, 101)]
    seen = set()
    for row in itertools.product(counts, counts, lengths, (True, False), (True, False)):
        stenoses, occlusions, (longest_mm, total_mm), dense, collaterals = row
        single = sorted((stenoses, occlusions)) == ["none", "single"]
        if stenoses == occlusions == "none" or (single and longest_mm != total_mm):
            continue  # refused: no lesion has no length, and one lesion is as long as all
        expected = tasc_infrapopliteal(stenoses, occlusions, longest_mm, total_mm, dense, collaterals)
        seen.add(expected)
        found = one(
            "tasc_infrapopliteal_2015",
            tibial_stenoses=stenoses,
            tibial_occlusions=occlusions,
            tibial_longest_lesion_mm=longest_mm,
            tibial_total_length_mm=total_mm,
            tibial_calcification_dense=dense,
            tibial_collaterals_visible=collaterals,
        )
        assert found == expected, row
    assert seen == {"A", "B", "C", "D", NOT}


# --- calcium and caps -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sides", "length_mm", "grade"),
    [
        ("none", 0, "0"),
        ("unilateral", 49.9, "1"),
        ("unilateral", 50, "2"),
        ("bilateral", 49.9, "3"),
        ("bilateral", 50, "4"),
    ],
)
def test_pacss(sides, length_mm, grade):
    assert one("pacss", calcium_sides=sides, calcium_length_mm=length_mm) == grade


@pytest.mark.parametrize(
    ("arc_deg", "ratio", "word", "warned"),
    [
        (179, 0.49, "focal", False),
        (179, 0.51, "mild", False),
        (180, 0.49, "moderate", False),
        (181, 0.49, "moderate", False),
        (181, 0.51, "severe", False),
        (180, 0.51, "severe", True),
        (181, 0.5, "severe", True),
        (180, 0.5, "severe", True),
        (179, 0.5, "mild", True),
        (0, 0.0, NOT, False),
    ],
)
def test_parc_calcification(arc_deg, ratio, word, warned):
    facts = Findings.from_mapping({"calcium_arc_max_deg": arc_deg, "calcium_length_ratio": ratio})
    result = classify("parc", facts)
    assert result.class_name == word
    assert any("xactly" in warning and "taken as" in warning for warning in result.warnings) is warned


@pytest.mark.parametrize(
    ("name", "finding", "rows"),
    [
        ("stenosis", "stenosis_percent", [(0, "mild"), (49, "mild"), (49.9, "mild"), (50, "moderate"),
                                          (69, "moderate"), (69.5, "moderate"), (70, "severe"), (99, "severe"),
                                          (99.5, "severe"), (100, "occluded")]),
        ("length", "lesion_length_mm", [(10, "focal"), (10.1, "short"), (49.9, "short"), (50, "intermediate"),
                                        (149.9, "intermediate"), (150, "long")]),
    ],
)  # fmt: skip
def test_parc_words(name, finding, rows):
    assert [axis("parc", name, **{finding: value}) for value, _ in rows] == [word for _, word in rows]


@pytest.mark.parametrize(
    ("arc_deg", "length_mm", "grades"),
    [
        (1, 29, ("1a",)), (89, 30, ("1b",)), (91, 29, ("2a",)), (179, 30, ("2b",)), (181, 29, ("3a",)),
        (269, 30, ("3b",)), (271, 29, ("4a",)), (360, 30, ("4b",)), (90, 10, ("1a", "2a")),
        (180, 30, ("2b", "3b")), (270, 10, ("3a", "4a")), (0, 0, (NOT,)),
    ],
)  # fmt: skip
def test_fanelli(arc_deg, length_mm, grades):
    assert classes("fanelli_360", calcium_arc_max_deg=arc_deg, calcium_length_mm=length_mm) == grades


@pytest.mark.parametrize(
    ("proximal", "distal", "kind"),
    [
        ("concave", "concave", "I"),
        ("concave", "convex", "II"),
        ("convex", "concave", "III"),
        ("convex", "convex", "IV"),
        ("convex", None, None),
    ],
)
def test_ctop(proximal, distal, kind):
    assert one("ctop", proximal_cap_contour=proximal, distal_cap_contour=distal) == kind


# --- symptoms, pressures, flow --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "rutherford", "fontaine"),
    [
        ({"limb_symptoms": "none"}, ("0",), ("I",)),
        ({"limb_symptoms": "claudication", "claudication_severity": "mild", "claudication_distance_m": 201},
         ("1",), ("IIa",)),
        ({"limb_symptoms": "claudication", "claudication_severity": "moderate", "claudication_distance_m": 199},
         ("2",), ("IIb",)),
        ({"limb_symptoms": "claudication", "claudication_severity": "severe", "claudication_distance_m": 200},
         ("3",), ("IIa", "IIb")),
        ({"limb_symptoms": "claudication"}, ("1", "2", "3"), ("IIa", "IIb")),
        ({"limb_symptoms": "rest_pain"}, ("4",), ("III",)),
        ({"limb_symptoms": "tissue_loss", "tissue_loss_extent": "minor"}, ("5",), ("IV",)),
        ({"limb_symptoms": "tissue_loss", "tissue_loss_extent": "major"}, ("6",), ("IV",)),
        ({"limb_symptoms": "tissue_loss"}, ("5", "6"), ("IV",)),
    ],
)  # fmt: skip
def test_symptoms(facts, rutherford, fontaine):
    assert (classes("rutherford", **facts), classes("fontaine", **facts)) == (rutherford, fontaine)


@pytest.mark.parametrize(
    ("abi_ratio", "word"),
    [
        (1.41, "noncompressible"), (1.40, "normal"), (1.00, "normal"), (0.99, "borderline"), (0.91, "borderline"),
        (0.90, "abnormal"), (0.50, "abnormal"), (0.49, "severe"),
    ],
)  # fmt: skip
def test_abi(abi_ratio, word):
    assert one("abi", abi_ratio=abi_ratio) == word


@pytest.mark.parametrize("grade", range(4))
def test_rentrop_and_timi(grade):
    assert one("rentrop", rentrop_grade=grade) == one("timi", timi_flow_grade=grade) == str(grade)


@pytest.mark.parametrize("grade", range(3))
def test_werner(grade):
    assert one("werner_cc", werner_cc=grade) == f"CC{grade}"


# --- CAD-RADS 2.0 ---------------------------------------------------------------------------------------------------

CAD = {"lm_stenosis_percent": 0, "coronary_vessels_ge70_count": 0, "coronary_cta_nondiagnostic": False}


@pytest.mark.parametrize(
    ("facts", "category"),
    [
        ({"coronary_stenosis_max_percent": 0, "segment_involvement_score": 0}, "0"),
        ({"coronary_stenosis_max_percent": 0}, None),
        ({"coronary_stenosis_max_percent": 0, "calcium_agatston_total": 0}, None),
        ({"coronary_stenosis_max_percent": 0, "segment_involvement_score": 5}, "1"),
        ({"coronary_stenosis_max_percent": 0, "calcium_agatston_total": 1}, "1"),
        ({"coronary_stenosis_max_percent": 0, "high_risk_plaque": True}, "1"),
        ({"coronary_stenosis_max_percent": 1}, "1"),
        ({"coronary_stenosis_max_percent": 24}, "1"),
        ({"coronary_stenosis_max_percent": 25}, "2"),
        ({"coronary_stenosis_max_percent": 49}, "2"),
        ({"coronary_stenosis_max_percent": 50}, "3"),
        ({"coronary_stenosis_max_percent": 69}, "3"),
        ({"coronary_stenosis_max_percent": 70, "coronary_vessels_ge70_count": 1}, "4A"),
        ({"coronary_stenosis_max_percent": 99, "coronary_vessels_ge70_count": 2}, "4A"),
        ({"coronary_stenosis_max_percent": 99, "coronary_vessels_ge70_count": 3}, "4B"),
        ({"coronary_stenosis_max_percent": 50, "lm_stenosis_percent": 50}, "4B"),
        ({"coronary_stenosis_max_percent": 50, "lm_stenosis_percent": 49}, "3"),
        ({"coronary_stenosis_max_percent": 100, "coronary_vessels_ge70_count": 3}, "5"),
        ({"coronary_stenosis_max_percent": 30, "coronary_cta_nondiagnostic": True}, "N"),
        ({"coronary_stenosis_max_percent": 60, "coronary_cta_nondiagnostic": True}, "3"),
    ],
)
def test_cad_rads_category(facts, category):
    assert one("cad_rads_2", **{**CAD, **facts}) == category


def test_cad_rads_0_needs_to_know_that_there_is_no_plaque():
    result = classify("cad_rads_2", Findings.from_mapping({**CAD, "coronary_stenosis_max_percent": 0}))
    assert result.classes_possible == ("0", "1")
    assert "segment_involvement_score" in result.missing
    known = {"segment_involvement_score": 5, "coronary_cta_nondiagnostic": False, "coronary_stenosis_max_percent": 0}
    assert classify("cad_rads_2", Findings.from_mapping(known)).class_text == "CAD-RADS 1/P3"


def test_cad_rads_doubts_a_bypass_without_a_graft():
    result = classify("cad_rads_2", Findings.from_mapping({"prior_cabg": True, "coronary_graft": False}))
    assert result.warnings[-1] == "A bypass operation is stated, but no graft: check the modifier G."


@pytest.mark.parametrize(
    ("facts", "grade"),
    [
        *(({"calcium_agatston_total": value}, grade) for value, grade in (
            (1, "P1"), (100, "P1"), (101, "P2"), (300, "P2"), (301, "P3"), (999, "P3"), (1000, "P4"))),
        *(({"segment_involvement_score": value}, grade) for value, grade in (
            (1, "P1"), (2, "P1"), (3, "P2"), (4, "P2"), (5, "P3"), (7, "P3"), (8, "P4"))),
        ({"calcium_agatston_total": 150, "segment_involvement_score": 4}, "P2"),
        ({"calcium_agatston_total": 150, "segment_involvement_score": 6}, None),
        ({"calcium_agatston_total": 0, "segment_involvement_score": 2}, "P1"),
    ],
)  # fmt: skip
def test_cad_rads_plaque(facts, grade):
    assert axis("cad_rads_2", "plaque", **facts) == grade


def test_cad_rads_is_written_with_its_modifiers():
    facts = {
        **CAD, "coronary_stenosis_max_percent": 80, "coronary_vessels_ge70_count": 1, "calcium_agatston_total": 200,
        "coronary_cta_nondiagnostic": True, "high_risk_plaque": True, "ct_ischaemia": "positive",
        "coronary_stent": True, "coronary_graft": True, "coronary_exception": True,
    }  # fmt: skip
    result = classify("cad_rads_2", Findings.from_mapping(facts))
    assert (result.class_text, result.missing) == ("CAD-RADS 4A/P2/N/HRP/I+/S/G/E", ())
    none = {"high_risk_plaque": False, "ct_ischaemia": "not_done", "coronary_stent": False, "coronary_graft": False}
    plain = {**CAD, "coronary_stenosis_max_percent": 30, **none, "coronary_exception": False}
    assert classify("cad_rads_2", Findings.from_mapping(plain)).class_text == "CAD-RADS 2"
    for word, text in (("negative", "/I-"), ("borderline", "/I+/-")):
        shown = classify("cad_rads_2", Findings.from_mapping({**plain, "ct_ischaemia": word}))
        assert shown.class_text == f"CAD-RADS 2{text}"


# --- points: JENALI, SYNTAX of one occlusion ------------------------------------------------------------------------

ARTERIES = ("anterior_tibial", "posterior_tibial", "peroneal")
NINE = [f"{artery}_{part}_patent" for artery in ARTERIES for part in ("proximal", "mid", "distal")]


@pytest.mark.parametrize("patent", range(512))
def test_jenali_counts_patent_segments(patent):
    facts = {name: bool(patent >> place & 1) for place, name in enumerate(NINE)}
    assert evaluate("jenali", Findings.from_mapping(facts)).points == patent.bit_count()


def test_jenali_arithmetic_of_the_abstract():
    assert 846 / 94 == 9 == len(load_sheet("jenali").items)
    assert [round(count / 94, 1) for count in (648, 723)] == [6.9, 7.7]


# Sianos 2005: segment, weight in right dominance, weight in left dominance; - where there is no such segment
SYNTAX = """
1 1 0 | 2 1 0 | 3 1 0 | 4 1 - | 5 5 6 | 6 3.5 3.5 | 7 2.5 2.5 | 8 1 1 | 9 1 1 | 9a 1 1 | 10 0.5 0.5 | 10a 0.5 0.5
| 11 1.5 2.5 | 12 1 1 | 12a 1 1 | 12b 1 1 | 13 0.5 1.5 | 14 0.5 1 | 14a 0.5 1 | 14b 0.5 1 | 15 - 1
| 16 0.5 - | 16a 0.5 - | 16b 0.5 - | 16c 0.5 -
"""
SYNTAX_ROWS = [cell.split() for cell in SYNTAX.replace("\n", " ").split("|")]
SYNTAX_NONE = {
    "duration_months": 2, "proximal_cap_shape": "tapered", "bridging_collaterals": False,
    "syntax_segments_not_visible_count": 0, "occlusion_side_branches": "none",
    "trifurcation_diseased_segments_count": 0, "lesion_bifurcation": "none", "bifurcation_angle_below_70": False,
    "aorto_ostial": False, "severe_tortuosity_syntax": False, "length_mm": 20, "heavy_calcification_syntax": False,
    "thrombus": False, "diffuse_small_segments_count": 0,
}  # fmt: skip


def syntax(**facts):
    return evaluate("syntax_cto", Findings.from_mapping({**SYNTAX_NONE, **facts}))


@pytest.mark.parametrize(("segment", "right", "left"), SYNTAX_ROWS)
def test_syntax_weights_times_five(segment, right, left):
    for dominance, weight in (("right", right), ("left", left)):
        if weight != "-":
            found = syntax(syntax_first_segment=segment, coronary_dominance=dominance)
            assert found.points == 5 * float(weight)
    known = {5 * float(weight) for weight in (right, left) if weight != "-"}
    open_result = syntax(syntax_first_segment=segment)
    assert (open_result.points_min, open_result.points_max) == (min(known), max(known))


def test_syntax_worked_example():
    """Proximal LAD occlusion, mid and distal LAD not visible: 3.5 x 5 + 2 = 19.5."""
    facts = {"syntax_first_segment": "6", "coronary_dominance": "right", "syntax_segments_not_visible_count": 2}
    assert syntax(**facts).points == 19.5


@pytest.mark.parametrize(
    ("facts", "points"),
    [
        ({"duration_months": 3}, 1),
        ({"duration_months": None, "duration_unknown": True}, 1),
        ({"proximal_cap_shape": "blunt"}, 1),
        ({"bridging_collaterals": True}, 1),
        ({"syntax_segments_not_visible_count": 3}, 3),
        ({"occlusion_side_branches": "small_only"}, 1),
        ({"occlusion_side_branches": "both_sizes"}, 1),
        ({"occlusion_side_branches": "large_only"}, 0),
        ({"trifurcation_diseased_segments_count": 1}, 3),
        ({"trifurcation_diseased_segments_count": 4}, 6),
        ({"lesion_bifurcation": "type_abc"}, 1),
        ({"lesion_bifurcation": "type_defg"}, 2),
        ({"lesion_bifurcation": "type_defg", "bifurcation_angle_below_70": True}, 3),
        ({"aorto_ostial": True}, 1),
        ({"severe_tortuosity_syntax": True}, 2),
        ({"length_mm": 20.1}, 1),
        ({"heavy_calcification_syntax": True}, 2),
        ({"thrombus": True}, 1),
        ({"diffuse_small_segments_count": 4}, 4),
    ],
)
def test_syntax_adders(facts, points):
    known = {"syntax_first_segment": "8", "coronary_dominance": "left"}
    assert syntax(**known, **facts).points == 5 + points


# --- all of them ----------------------------------------------------------------------------------------------------

TRUST = {
    "abi": "not verified",
    "cad_rads_2": "read in part",
    "ctop": "read in part",
    "fanelli_360": "not verified",
    "fontaine": "read in part",
    "glass": "read in part",
    "pacss": "read in part",
    "parc": "read in the source",
    "rentrop": "read in part",
    "rutherford": "read in part",
    "tasc2_aortoiliac": "read in part",
    "tasc2_femoropopliteal": "read in part",
    "tasc_infrapopliteal_2015": "not verified",
    "timi": "read in part",
    "werner_cc": "read in part",
    "wifi": "read in part",
}


def test_shipped_classifications():
    assert set(class_sheet_ids()) == set(TRUST)
    assert tally_ids() == ("jenali", "syntax_cto")


@pytest.mark.parametrize(("sheet_id", "trust"), list(TRUST.items()))
def test_trust_is_stated_and_nothing_is_known_from_nothing(sheet_id, trust):
    sheet, result = load_class_sheet(sheet_id), classify(sheet_id, Findings({}))
    assert (sheet.trust, result.trust) == (trust, trust)
    assert (result.class_name, result.class_probabilities) == (None, {})
    assert {row.name for row in sheet.axis(sheet.result).classes} <= set(result.classes_possible)
    assert result.missing
    noted = [warning for warning in result.warnings if warning.startswith("Sheet ")]
    assert bool(noted) is (trust != "read in the source")


# --- reasons --------------------------------------------------------------------------------------------------------


def test_the_reason_is_the_criterion_that_holds():
    """The one that holds, not those before it that are refuted or open and give the same type."""
    facts = {"cia_occlusion": "bilateral", "eia_occlusion": "unilateral", "aorta_lesion": "none"}
    result = classify("tasc2_aortoiliac", Findings.from_mapping(facts))
    assert result.class_name == "D"
    assert result.axes[0].because == "Occlusion of the common and the external iliac artery of one side."


def test_an_unclassified_lesion_quotes_the_gap_of_the_table():
    facts = {
        "lesion_kind": "occlusion", "lesions_multiple": False, "lesion_length_mm": 180,
        "femoropopliteal_location": "sfa", "recurrent_after_two_interventions": False, "tibial_runoff_continuous": True,
        "proximal_trifurcation_occluded": False, "calcification_severe": False, "popliteal_infrageniculate": False,
    }  # fmt: skip
    result = classify("tasc2_femoropopliteal", Findings.from_mapping(facts))
    assert result.class_name == NOT
    assert any(
        "no place for a single lesion of more than 15 cm, which many read as type C" in w for w in result.warnings
    )
