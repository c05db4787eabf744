"""Every combination of items of the coronary sheets, against tables typed here from the publications."""

from __future__ import annotations

import itertools
import math

import pytest

from recanal.core.findings import Findings
from recanal.scores import evaluate, load_sheet

# item -> [(facts, points)], the first entry is the one that gives no points
STUMP = [({"proximal_cap_shape": "tapered"}, 0), ({"proximal_cap_shape": "blunt"}, 1)]
STUMP_2 = [({"proximal_cap_shape": "tapered"}, 0), ({"proximal_cap_shape": "blunt"}, 2)]
STUMP_OR_NONE = [*STUMP, ({"proximal_cap_shape": "absent"}, 1)]
ANY = [
    ({"calcification_any": False}, 0),
    ({"calcification_any": True}, 1),
    ({"calcification_grade": "none"}, 0),
    ({"calcification_grade": "mild"}, 1),
]
ANY_CT = [({"calcification_any": False}, 0), ({"calcification_any": True}, 1), ({"calcification_severe": True}, 1)]


def severe(points):
    return [
        ({"calcification_grade": "moderate"}, 0),
        ({"calcification_grade": "severe"}, points),
        ({"calcification_severe": True}, points),
        ({"calcification_any": False}, 0),
    ]


MODERATE = [
    ({"calcification_grade": "mild"}, 0),
    ({"calcification_grade": "moderate"}, 1),
    ({"calcification_grade": "severe"}, 1),
    ({"calcification_severe": True}, 1),
]


def truth(name, points=1):
    return [({name: False}, 0), ({name: True}, points)]


def at_least(name, cut, points=1):
    return [({name: cut - 0.1}, 0), ({name: cut}, points)]


def more_than(name, cut, points=1):
    return [({name: cut}, 0), ({name: cut + 0.1}, points)]


LENGTH = at_least("length_mm", 20)
RENTROP = [({"rentrop_grade": 2}, 0), ({"rentrop_grade": 1}, 1), ({"rentrop_grade": 0}, 1)]
DISTAL = [
    ({"distal_vessel_diseased": False, "distal_diameter_mm": 2.0}, 0),
    ({"distal_vessel_diseased": True}, 1),
    ({"distal_diameter_mm": 1.9}, 1),
]
TARGET_CABG = [
    ({"target_vessel_prior_cabg": False}, 0),
    ({"target_vessel_prior_cabg": True}, 1),
    ({"prior_cabg": False}, 0),
]
ANY_CABG = [({"prior_cabg": False}, 0), ({"prior_cabg": True}, 1), ({"target_vessel_prior_cabg": True}, 1)]
AGE_65 = at_least("age_years", 65)


def female(points):
    return [({"sex": "male"}, 0), ({"sex": "female"}, points)]


def strategy(re_entry, retrograde):
    return [
        ({"crossing_strategy": "antegrade_wiring"}, 0),
        ({"crossing_strategy": "dissection_reentry"}, re_entry),
        ({"crossing_strategy": "retrograde"}, retrograde),
    ]


TABLES = {
    ("progress_cto", None): {
        "proximal_cap_ambiguity": [
            ({"proximal_cap_ambiguous": False}, 0),
            ({"proximal_cap_ambiguous": True}, 1),
            ({"proximal_cap_shape": "ambiguous"}, 1),
            ({"proximal_cap_shape": "tapered"}, 0),
        ],
        "no_interventional_collaterals": [
            ({"interventional_collaterals": True}, 0),
            ({"interventional_collaterals": False}, 1),
        ],
        "moderate_severe_tortuosity": [
            ({"proximal_tortuosity": "none"}, 0),
            ({"proximal_tortuosity": "moderate"}, 1),
            ({"proximal_tortuosity": "severe"}, 1),
        ],
        "circumflex_cto": [
            ({"vessel": "RCA"}, 0),
            ({"vessel": "LCX"}, 1),
            ({"vessel": "LAD"}, 0),
            ({"vessel": "LM"}, 0),
        ],
    },
    ("recharge", None): {
        "blunt_stump": STUMP,
        "calcification": ANY,
        "tortuosity_ge_45": at_least("bend_max_deg", 45),
        "length_ge_20": LENGTH,
        "diseased_distal_landing_zone": DISTAL,
        "prior_cabg_target_vessel": TARGET_CABG,
    },
    ("recharge_ct", None): {
        "blunt_stump": STUMP,
        "calcification": ANY_CT,
        "tortuosity_ge_45": at_least("bend_max_deg", 45),
        "length_ge_20": LENGTH,
        "diseased_distal_landing_zone": DISTAL,
        "prior_cabg_target_vessel": TARGET_CABG,
    },
    ("cl_score", None): {
        "previous_cabg": [(facts, 1.5 * points) for facts, points in ANY_CABG],
        "previous_mi": truth("prior_mi"),
        "severe_calcification": severe(2),
        "length_ge_20": at_least("length_mm", 20, 1.5),
        "non_lad_location": [({"vessel": "LAD"}, 0), ({"vessel": "RCA"}, 1), ({"vessel": "LCX"}, 1)],
        "blunt_stump": STUMP,
    },
    ("ora", None): {
        "ostial_location": truth("ostial"),
        "collateral_rentrop_lt_2": [(facts, 2 * points) for facts, points in RENTROP],
        "age_ge_75": at_least("age_years", 75),
    },
    ("castle", None): {
        "cabg_history": ANY_CABG,
        "age_ge_70": at_least("age_years", 70),
        "stump_blunt_or_invisible": STUMP_OR_NONE,
        "tortuosity_severe_or_unseen": [
            ({"proximal_tortuosity": "moderate"}, 0),
            ({"proximal_tortuosity": "severe"}, 1),
            ({"proximal_tortuosity_unseen": True}, 1),
        ],
        "length_ge_20": LENGTH,
        "severe_calcification": severe(1),
    },
    ("w_cto", "lesion_bend"): {
        "blunt_stump": STUMP_2,
        "length_gt_20": more_than("length_mm", 20, 1.5),
        "calcification": ANY,
        "tortuosity": more_than("bend_max_deg", 45),
        "rentrop_lt_2": RENTROP,
    },
    ("w_cto", "proximal"): {
        "blunt_stump": STUMP_2,
        "length_gt_20": more_than("length_mm", 20, 1.5),
        "calcification": ANY,
        "tortuosity": [
            ({"proximal_tortuosity": "none"}, 0),
            ({"proximal_tortuosity": "moderate"}, 1),
            ({"proximal_tortuosity": "severe"}, 1),
        ],
        "rentrop_lt_2": RENTROP,
    },
    ("b_cto", None): {
        "age": [({"age_years": 59.9}, 0), ({"age_years": 60}, 1), ({"age_years": 74.9}, 1), ({"age_years": 75}, 2)],
        "female": female(2),
        "rca": [({"vessel": "LAD"}, 0), ({"vessel": "RCA"}, 2)],
        "blunt_stump": STUMP_2,
        "bending_gt_45": more_than("bend_max_deg", 45, 2),
        "length_ge_20": LENGTH,
    },
    ("progress_mace", None): {
        "age_ge_65": AGE_65,
        "female": female(2),
        "moderate_severe_calcification": MODERATE,
        "blunt_stump": STUMP,
        "crossing_strategy": strategy(1, 2),
    },
    ("progress_mortality", None): {
        "age_ge_65": AGE_65,
        "lvef_le_45": [({"lvef_percent": 45.1}, 0), ({"lvef_percent": 45}, 1)],
        "moderate_severe_calcification": MODERATE,
        "crossing_strategy": strategy(1, 1),
    },
    ("progress_pericardiocentesis", None): {
        "age_ge_65": AGE_65,
        "female": female(1),
        "moderate_severe_calcification": MODERATE,
        "crossing_strategy": strategy(1, 2),
    },
    ("progress_perforation", None): {
        "age_ge_65": AGE_65,
        "moderate_severe_calcification": MODERATE,
        "blunt_or_no_stump": STUMP_OR_NONE,
        "crossing_strategy": strategy(1, 2),
    },
    ("progress_acute_mi", None): {
        "prior_cabg": ANY_CABG,
        "atrial_fibrillation": truth("atrial_fibrillation"),
        "blunt_stump": STUMP,
    },
    ("open_clean", None): {
        "prior_cabg": ANY_CABG,
        "occlusion_length": [
            ({"length_mm": 19.9}, 0),
            ({"length_mm": 20}, 1),
            ({"length_mm": 59.9}, 1),
            ({"length_mm": 60}, 2),
        ],
        "ef_lt_50": [({"lvef_percent": 50}, 0), ({"lvef_percent": 49.9}, 1)],
        "age": [({"age_years": 49.9}, 0), ({"age_years": 50}, 1), ({"age_years": 69.9}, 1), ({"age_years": 70}, 2)],
        "severe_calcification": severe(1),
    },
}
OPERATOR = {
    "prior_target_vessel_cabg": TARGET_CABG[:2],
    "blunt_occlusion": STUMP,
    "calcification": ANY[:2],
    "curvature": truth("intralesional_curvature"),
    "length_ge_20": LENGTH,
    "distal_disease": DISTAL[:2],
    "rentrop_lt_2": RENTROP[:2],
    "in_stent_occlusion": truth("in_stent"),
    "ostial_occlusion": truth("ostial"),
    "operator_annual_volume_ge_60": at_least("operator_annual_cto_volume", 60, -1),
    "operator_years_ge_5": at_least("operator_cto_years", 5, -1),
    "operator_last_year_success_ge_90": at_least("operator_last_year_success_percent", 90, -2),
}
RANGES = {
    "progress_cto": (0, 4),
    "recharge": (0, 6),
    "recharge_ct": (0, 6),
    "cl_score": (0, 8),
    "ora": (0, 4),
    "operator_cto": (-4, 9),
    "castle": (0, 6),
    "w_cto": (0, 6.5),
    "b_cto": (0, 11),
    "progress_mace": (0, 7),
    "progress_mortality": (0, 4),
    "progress_pericardiocentesis": (0, 5),
    "progress_perforation": (0, 5),
    "progress_acute_mi": (0, 3),
    "open_clean": (0, 7),
}


def four(points):
    return ("easy", "intermediate", "difficult", "very difficult")[min(points, 3)]


def mace(points):
    return "0-1" if points <= 1 else "6-7" if points >= 6 else f"{points:g}"


def cl(points):
    if points <= 1:
        return "high probability"
    return "intermediate" if points < 3 else "low" if points < 5 else "very low"


def operator(points):
    return "simple" if points <= 2 else {3: "medium", 4: "difficult"}.get(points, "extremely difficult")


def busan(points):
    return (
        "easy" if points <= 1 else "intermediate" if points <= 3 else "difficult" if points <= 5 else "very difficult"
    )


STRATA = {
    "cl_score": cl,
    "ora": lambda points: four(int(points)),
    "operator_cto": operator,
    "castle": lambda points: "0-1" if points <= 1 else ">=4" if points >= 4 else f"{points:g}",
    "w_cto": lambda points: "low" if points <= 2 else "intermediate" if points <= 4 else "high",
    "b_cto": busan,
    "progress_mace": mace,
    "open_clean": mace,
}
NEEDED_TO_RULE_OUT = {"diseased_distal_landing_zone": 2, "distal_disease": 2}


def check(sheet, variant, rows):
    """One combination: rows of (facts, points) with (None, choices) for an unknown item."""
    facts = {}
    for given, _ in rows:
        facts |= given or {}
    result = evaluate(sheet, Findings.from_mapping(facts), variant=variant)
    low = math.fsum(points if given is not None else min(points) for given, points in rows)
    high = math.fsum(points if given is not None else max(points) for given, points in rows)
    assert (result.points_min, result.points_max) == (low, high), facts
    assert result.points == (low if low == high else None)
    assert [item.points for item in result.items] == [points if given is not None else None for given, points in rows]
    assert [item.met for item in result.items] == [points != 0 if given is not None else None for given, points in rows]
    stratum_of = STRATA.get(sheet, lambda points: None)
    assert (result.stratum_min, result.stratum_max) == (stratum_of(low), stratum_of(high))
    same = stratum_of(low) == stratum_of(high)
    assert result.stratum == (stratum_of(low) if same else None)
    return result


def consistent(rows):
    """Leave out combinations in which two items read one finding differently."""
    seen = {}
    for given, _ in rows:
        for name, value in (given or {}).items():
            if seen.setdefault(name, value) != value:
                return False
    return True


@pytest.mark.parametrize(("sheet", "variant"), TABLES)
def test_every_combination_of_the_published_items(sheet, variant):
    table = TABLES[sheet, variant]
    assert [item.name for item in load_sheet(sheet).items] == list(table)
    combinations = [rows for rows in itertools.product(*table.values()) if consistent(rows)]
    assert len(combinations) >= 2 ** len(table)
    totals = {check(sheet, variant, rows).points for rows in combinations}
    assert (min(totals), max(totals)) == RANGES[sheet]


@pytest.mark.parametrize(("sheet", "variant"), TABLES)
def test_every_combination_with_unknown_items(sheet, variant):
    choices = [
        [levels[0], levels[1], (None, {points for _, points in levels})] for levels in TABLES[sheet, variant].values()
    ]
    for rows in itertools.product(*choices):
        result = check(sheet, variant, rows)
        unknown = [given is None for given, _ in rows]
        assert bool(result.missing) is any(unknown)
        if any(unknown):
            assert result.stratum_probabilities == {}


def test_all_4096_combinations_of_operator_cto():
    assert [item.name for item in load_sheet("operator_cto").items] == list(OPERATOR)
    totals = set()
    for rows in itertools.product(*OPERATOR.values()):
        totals.add(check("operator_cto", None, rows).points)
    assert (min(totals), max(totals)) == RANGES["operator_cto"]


def test_operator_cto_with_one_or_two_items_unknown():
    names = list(OPERATOR)
    for missing in itertools.chain(itertools.combinations(names, 1), itertools.combinations(names, 2)):
        for level in (0, 1):
            rows = [
                (None, {points for _, points in levels}) if name in missing else levels[level]
                for name, levels in OPERATOR.items()
            ]
            check("operator_cto", None, rows)


@pytest.mark.parametrize(
    ("item", "facts", "points"),
    [
        ("calcification", {"calcification_grade": "mild"}, 1),
        ("blunt_occlusion", {"proximal_cap_shape": "absent"}, 1),
        ("blunt_occlusion", {"proximal_cap_shape": "ambiguous"}, None),
        ("curvature", {"bend_max_deg": 90.1}, 1),
        ("curvature", {"bend_max_deg": 90.0}, None),
        ("curvature", {"bend_max_deg": 70.1}, None),
        ("curvature", {"bend_max_deg": 70.0}, 0),
        ("curvature", {"bend_max_deg": 80.0, "intralesional_curvature": True}, 1),
        ("distal_disease", {"distal_diameter_mm": 1.99}, 1),
        ("distal_disease", {"distal_diameter_mm": 2.0}, None),
        ("distal_disease", {"distal_vessel_diseased": False}, None),
        ("rentrop_lt_2", {"rentrop_grade": 0}, 1),
        ("rentrop_lt_2", {"rentrop_grade": 3}, 0),
        ("prior_target_vessel_cabg", {"prior_cabg": True}, None),
        ("prior_target_vessel_cabg", {"prior_cabg": False}, 0),
    ],
)
def test_operator_cto_item_by_item(item, facts, points):
    found = {row.name: row.points for row in evaluate("operator_cto", Findings.from_mapping(facts)).items}
    assert found[item] == points


@pytest.mark.parametrize(
    ("sheet", "item", "facts"),
    [
        *[
            (sheet, item, {"proximal_cap_shape": shape})
            for sheet, item in [
                ("recharge", "blunt_stump"),
                ("cl_score", "blunt_stump"),
                ("w_cto", "blunt_stump"),
                ("b_cto", "blunt_stump"),
                ("progress_mace", "blunt_stump"),
                ("progress_acute_mi", "blunt_stump"),
            ]
            for shape in ("ambiguous", "absent")
        ],
        ("castle", "stump_blunt_or_invisible", {"proximal_cap_shape": "ambiguous"}),
        ("castle", "tortuosity_severe_or_unseen", {"proximal_tortuosity_unseen": False}),
        ("castle", "severe_calcification", {"calcification_any": True}),
        ("progress_perforation", "blunt_or_no_stump", {"proximal_cap_shape": "ambiguous"}),
        ("progress_cto", "proximal_cap_ambiguity", {"proximal_cap_shape": "blunt"}),
        ("progress_cto", "circumflex_cto", {"vessel": "graft"}),
        ("cl_score", "non_lad_location", {"vessel": "graft"}),
        ("cl_score", "previous_cabg", {"target_vessel_prior_cabg": False}),
        ("progress_mace", "moderate_severe_calcification", {"calcification_any": True}),
        ("progress_mace", "moderate_severe_calcification", {"calcification_severe": False}),
    ],
)
def test_what_leaves_an_item_open(sheet, item, facts):
    assert {row.name: row.met for row in evaluate(sheet, Findings.from_mapping(facts)).items}[item] is None


def test_cl_counts_any_bypass_and_recharge_that_of_the_target_vessel():
    elsewhere = Findings.from_mapping({"prior_cabg": True, "target_vessel_prior_cabg": False})
    items = {row.name: row.points for name in ("cl_score", "recharge") for row in evaluate(name, elsewhere).items}
    assert (items["previous_cabg"], items["prior_cabg_target_vessel"]) == (1.5, 0)


def test_45_degrees_count_in_recharge_and_not_in_j_cto():
    bend = Findings.from_mapping({"bend_max_deg": 45})
    found = {row.name: row.met for name in ("recharge", "j_cto") for row in evaluate(name, bend).items}
    assert (found["tortuosity_ge_45"], found["bending_gt_45"]) == (True, False)


WARNED = [(sheet, {"duration_months": 2.9}, "3 months") for sheet in (*RANGES, "j_cto")] + [
    (sheet, {"vessel": "graft"}, "graft") for sheet in RANGES
]
WARNED += [(sheet, {"in_stent": True}, "In-stent") for sheet in RANGES if sheet != "operator_cto"]
WARNED += [
    (sheet, {"crossing_strategy": word}, "Retrograde")
    for sheet in ("j_cto", "j_cto_ct", "cl_score", "w_cto")
    for word in ("retrograde", "dissection_reentry")
]
WARNED += [
    ("cl_score", {"prior_failed_attempt": True}, "first attempts"),
    ("operator_cto", {"prior_cabg": True}, "1 of the 130 patients"),
    ("operator_cto", {"vessel": "LM"}, "1 of the 144 lesions"),
    ("progress_pericardiocentesis", {"prior_cabg": True}, "excluded"),
]


@pytest.mark.parametrize(("sheet", "facts", "words"), WARNED)
def test_warnings_outside_the_derivation_population(sheet, facts, words):
    before = evaluate(sheet, Findings({})).warnings
    after = [warning for warning in evaluate(sheet, Findings.from_mapping(facts)).warnings if warning not in before]
    assert any(words in warning for warning in after)


@pytest.mark.parametrize("sheet", RANGES)
def test_no_warning_without_a_reason(sheet):
    facts = {"in_stent": False, "vessel": "RCA", "duration_months": 3, "crossing_strategy": "antegrade_wiring"}
    facts |= {"prior_cabg": False, "prior_failed_attempt": False}
    assert evaluate(sheet, Findings.from_mapping(facts)).warnings == evaluate(sheet, Findings({})).warnings


@pytest.mark.parametrize("sheet", RANGES)
def test_a_reader_sees_no_raw_identifiers(sheet):
    made = load_sheet(sheet)
    facts = Findings.from_mapping({name: True for name in ("ostial", "in_stent", "prior_mi")}, source="ct")
    for variant in [row.name for row in made.variants] or [None]:
        texts = evaluate(sheet, facts, variant=variant).warnings
        assert not [text for text in texts for item in made.items if "_" in item.name and item.name in text]
    for item in made.items:
        for rule in (item.rule, *(rule for _, rule in item.variants)):
            assert "_" not in rule.label
