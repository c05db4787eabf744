"""What a sheet of classes may say, how it is judged, and how a faulty one is refused."""

from __future__ import annotations

import itertools
from statistics import NormalDist

import pytest

from recanal.core.findings import Findings, vocabulary
from recanal.errors import FindingsError, SheetError
from recanal.rules.consistency import check_consistent
from recanal.scores import (
    class_sheet_ids,
    classify,
    classify_all,
    evaluate_tallies,
    load_class_sheet,
    load_class_sheet_file,
)

HEAD = """
kind = "classes"
id = "made_up"
name = "Made up"
citation = "Nobody 2026"
endpoint = "nothing"
trust = "not verified"
trust_note = "invented for a test"
modality = "angiogram"
territory = "leg"
result = "{result}"
text = "{text}"
"""
SIZE = """
[[axes]]
name = "size"
title = "size"
source = "none"
trust = "not verified"
classes = [{ name = "s", meaning = "short" }, { name = "l", meaning = "long" }]
[[axes.criteria]]
gives = "s"
says = "< 20 mm"
test = { finding = "length_mm", op = "<", value = 20 }
[[axes.criteria]]
gives = "l"
says = ">= 20 mm"
test = { finding = "length_mm", op = ">=", value = 20 }
"""
HARD = """
[[axes]]
name = "hard"
title = "calcium"
source = "none"
trust = "not verified"
classes = [{ name = "s", meaning = "soft" }, { name = "l", meaning = "lime" }]
[[axes.criteria]]
gives = "l"
says = "severe"
test = { finding = "calcification_severe", op = "is", value = true }
[[axes.criteria]]
gives = "s"
says = "not severe"
test = { finding = "calcification_severe", op = "is", value = false }
"""
TABLE = """
[[axes]]
name = "table"
title = "table"
source = "none"
trust = "not verified"
classes = [{ name = "1", meaning = "one" }, { name = "2", meaning = "two" }]
[axes.lookup]
of = ["size", "hard"]
cells = [["1", "1"], ["1", "2"]]
"""


def sheet(*parts, result="size", text="{size}"):
    return load_class_sheet_file((HEAD.replace("{result}", result).replace("{text}", text) + "".join(parts)).encode())


def judged(made, **facts):
    return classify(made, Findings.from_mapping(facts))


def refused(*parts, **options):
    with pytest.raises(SheetError) as caught:
        sheet(*parts, **options)
    return str(caught.value)


# --- judging --------------------------------------------------------------------------------------------------------


def test_the_first_criterion_that_holds_gives_the_class():
    made = sheet(SIZE)
    assert (judged(made, length_mm=19.9).class_name, judged(made, length_mm=20).class_name) == ("s", "l")
    result = judged(made)
    assert (result.class_name, result.classes_possible, result.missing) == (None, ("s", "l"), ("length_mm",))
    assert result.class_text == "?"


def test_a_cell_is_given_as_soon_as_the_unknown_cannot_change_it():
    made = sheet(SIZE, HARD, TABLE, result="table", text="{table} ({size}, {hard})")
    result = judged(made, length_mm=5)
    assert (result.class_name, result.missing, result.class_text) == ("1", (), "1 (s, ?)")
    result = judged(made, length_mm=25)
    assert (result.classes_possible, result.missing) == (("1", "2"), ("calcification_severe",))
    assert judged(made, length_mm=25, calcification_severe=True).class_name == "2"


def test_what_no_criterion_describes_is_not_classified():
    parts = SIZE.replace('op = "<", value = 20', 'op = "<", value = 10')
    result = judged(sheet(parts), length_mm=15)
    assert result.class_name == "not classified"
    assert "size: No criterion of the publication describes it." in result.warnings
    lookup = sheet(parts, HARD, TABLE, result="table", text="{table}")
    assert judged(lookup, length_mm=15, calcification_severe=True).class_name == "not classified"


def test_an_edge_that_the_publication_leaves_open_stays_open():
    edge = '[[axes.criteria]]\ngives = ["s", "l"]\nsays = "both print 20"\n'
    edge += 'test = { finding = "length_mm", op = "<=", value = 20 }\n'
    start = SIZE.index("[[axes.criteria]]", SIZE.index('says = "< 20 mm"'))
    made = sheet(SIZE[:start] + edge + SIZE[start:])
    result = judged(made, length_mm=20)
    assert (result.class_name, result.classes_possible, result.missing) == (None, ("s", "l"), ())
    assert "size: the publication leaves s or l open. both print 20" in result.warnings
    assert judged(made, length_mm=20.1).class_name == "l"


def test_intervals_give_probabilities_of_classes():
    fact = {"value": 18.0, "low": 15.0, "high": 22.0, "source": "ct"}
    result = judged(sheet(SIZE), length_mm=fact)
    above = 1 - NormalDist(18.0, 4.0 / NormalDist().inv_cdf(0.975)).cdf(20.0)
    assert result.class_name == "s"
    assert result.class_probabilities == pytest.approx({"s": 1 - above, "l": above})
    assert "CT-derived values used in an angiographic classification: length_mm." in result.warnings
    assert judged(sheet(SIZE), length_mm=18).class_probabilities == {}


def test_probabilities_leave_out_what_contradicts_itself():
    """An occlusion is never longer than the disease around it, however wide both intervals are."""
    facts = {
        **REST,
        "femoropopliteal_disease_significant": True,
        "sfa_disease_length_mm": {"value": 190, "low": 170, "high": 230, "source": "ct"},
        "sfa_occlusion_length_mm": {"value": 185, "low": 150, "high": 225, "source": "ct"},
        "sfa_occlusion_flush": False,
        "popliteal_disease_length_mm": {"value": 1, "low": 0, "high": 8, "source": "ct"},
        "popliteal_occlusion": False,
        "tibial_disease_significant": False,
    }
    result = judged("glass", **facts)
    assert result.class_name == "II"
    assert result.class_probabilities["I"] < 1e-4
    assert sum(result.class_probabilities.values()) == pytest.approx(1)
    long_share = 1 - NormalDist(185, 40 / NormalDist().inv_cdf(0.975)).cdf(200)
    assert 0 < result.class_probabilities["III"] < long_share


def test_probabilities_pass_through_a_look_up():
    made = sheet(SIZE, HARD, TABLE, result="table", text="{table}")
    result = judged(made, length_mm=30, calcification_severe={"value": True, "prob": 0.7, "source": "angiogram"})
    assert result.class_probabilities == pytest.approx({"1": 0.3, "2": 0.7})
    assert {row.name: row.sources for row in result.axes} == {
        "size": ("typed",),
        "hard": ("angiogram",),
        "table": ("typed", "angiogram"),
    }


# --- the classes that are possible, against brute force ------------------------------------------------------------

GRIDS = {
    "tasc_infrapopliteal_2015": {
        "tibial_stenoses": ["none", "single", "multiple"],
        "tibial_occlusions": ["none", "single", "multiple"],
        "tibial_longest_lesion_mm": [0, 25, 45, 80, 110],
        "tibial_total_length_mm": [0, 25, 45, 80, 110],
        "tibial_calcification_dense": [True, False],
        "tibial_collaterals_visible": [True, False],
    },
    "glass": {
        "sfa_disease_length_mm": [0, 60, 150, 250],
        "sfa_occlusion_length_mm": [0, 30, 55, 120, 210],
        "sfa_occlusion_flush": [True, False],
        "popliteal_disease_length_mm": [0, 10, 30, 60],
        "popliteal_occlusion": [True, False],
        "femoropopliteal_disease_significant": [True, False],
    },
    "glass_ip": {
        "tibial_disease_extent": ["none", "up_to_third", "up_to_two_thirds", "over_two_thirds"],
        "tibial_total_length_mm": [0, 15, 45, 120],
        "tibial_occlusion_extent": ["none", "up_to_third", "over_third"],
        "tibial_occlusion_length_mm": [0, 15, 45, 120],
        "tibial_origin_occluded": [True, False],
        "tibial_disease_significant": [True, False],
    },
    "cad_rads_2": {
        "coronary_stenosis_max_percent": [0, 10, 30, 60, 80, 100],
        "segment_involvement_score": [0, 1, 6],
        "calcium_agatston_total": [0, 50],
        "high_risk_plaque": [True, False],
        "coronary_cta_nondiagnostic": [True, False],
        "lm_stenosis_percent": [0, 60],
        "coronary_vessels_ge70_count": [0, 1, 3],
    },
    "pacss": {"calcium_sides": ["none", "unilateral", "bilateral"], "calcium_length_mm": [0, 20, 80]},
}


REST = {
    "popliteal_trifurcation_diseased": False,
    "sfa_occlusions_multiple": False,
    "femoropopliteal_calcification_severe": False,
    "infrapopliteal_calcification_severe": False,
    "tibioperoneal_trunk_occlusion": False,
}


def classes_of(made, sheet_id, facts):
    """The classes of the sheet, or for GLASS of one of its grades, the rest of it being known."""
    if not sheet_id.startswith("glass"):
        return judged(made, **facts).classes_possible
    rows = {row.name: row for row in judged(made, **REST, **facts).axes}
    return rows["ip_grade" if sheet_id == "glass_ip" else "fp_grade"].classes_possible


def consistent(facts):
    try:
        check_consistent(Findings.from_mapping(facts))
    except FindingsError:
        return False
    return True


@pytest.mark.parametrize("sheet_id", list(GRIDS))
def test_possible_classes_are_those_of_some_completion(sheet_id):
    """Every known part of the grid, completed in every way that does not contradict itself."""
    grid, made = GRIDS[sheet_id], load_class_sheet(sheet_id.removesuffix("_ip"))
    worlds = [dict(zip(grid, row, strict=True)) for row in itertools.product(*grid.values())]
    given = [(facts, classes_of(made, sheet_id, facts)[0]) for facts in worlds if consistent(facts)]
    subsets = [names for size in (0, 1, 2) for names in itertools.combinations(grid, size)]
    partial = [facts for names in subsets for facts in _parts(grid, names)]
    checked = 0
    for known in partial:
        if not consistent(known):
            continue
        classes = {name for facts, name in given if known.items() <= facts.items()}
        if classes:  # else the known facts rule each other out by way of a third
            checked += 1
            assert set(classes_of(made, sheet_id, known)) == classes, known
    assert checked > len(partial) / 2


def _parts(grid, names):
    return [dict(zip(names, row, strict=True)) for row in itertools.product(*(grid[name] for name in names))]


def test_kind_and_length_settle_a_type_together_though_the_kind_is_unknown():
    """<= 5 cm is type A whether it is a stenosis or an occlusion; three-valued logic alone would keep type B."""
    facts = {
        "lesions_multiple": False, "lesion_length_mm": 40, "femoropopliteal_location": "sfa",
        "proximal_trifurcation_occluded": False, "tibial_runoff_continuous": True, "calcification_severe": False,
        "recurrent_after_two_interventions": False, "popliteal_infrageniculate": False,
    }  # fmt: skip
    result = classify("tasc2_femoropopliteal", Findings.from_mapping(facts))
    assert (result.class_name, result.missing) == ("A", ())
    assert result.axes[0].because == "Single stenosis <= 10 cm. or Single occlusion <= 5 cm."


# --- what follows from other findings ------------------------------------------------------------------------------


def test_abi_follows_from_the_pressures():
    facts = {"ankle_pressure_mmhg": 90, "brachial_pressure_mmhg": 150}
    assert judged("abi", **facts).class_name == "abnormal"
    assert judged("abi", **facts, abi_ratio=0.61).class_name == "abnormal"
    wide = {"ankle_pressure_mmhg": {"value": 134, "low": 120, "high": 145}, "brachial_pressure_mmhg": 150}
    shares = judged("abi", **wide).class_probabilities
    assert 0.3 < shares["abnormal"] < 0.7 < shares["abnormal"] + shares["borderline"] <= 1
    with pytest.raises(FindingsError, match=r"^abi_ratio: is 0.9, but ankle_pressure_mmhg / .* is 0.60"):
        judged("abi", **facts, abi_ratio=0.9)
    with pytest.raises(FindingsError, match=r"abi_ratio: follows from .* must lie in \[0, 3\]"):
        judged("abi", ankle_pressure_mmhg=300, brachial_pressure_mmhg=50)


def test_a_single_occlusion_is_as_long_as_its_lesion():
    facts = {"lesion_kind": "occlusion", "lesions_multiple": False, "length_mm": 180}
    facts["femoropopliteal_location"] = "sfa"
    assert "A" not in judged("tasc2_femoropopliteal", **facts).classes_possible
    assert "A" in judged("tasc2_femoropopliteal", lesions_multiple=False, length_mm=180).classes_possible


# --- lists of all --------------------------------------------------------------------------------------------------


def test_all_keeps_what_fits_the_vessel_and_says_why_not():
    facts = Findings.from_mapping({"vessel": "LAD", "rentrop_grade": 2, "limb_symptoms": "rest_pain"})
    kept, left = classify_all(facts)
    assert [row.sheet for row in kept] == ["rentrop"]
    why = {row.sheet: row.why for row in left}
    assert why["rutherford"] == "for leg arteries, but the vessel is LAD"
    assert why["timi"] == "none of its findings is known"
    assert {row.sheet for row in kept} | set(why) == set(class_sheet_ids())
    tallies, no_tallies = evaluate_tallies(facts)
    assert (tallies, [row.sheet for row in no_tallies]) == ((), ["jenali", "syntax_cto"])


def test_all_without_a_vessel_keeps_what_is_decided():
    kept, left = classify_all(Findings.from_mapping({"limb_symptoms": "claudication", "claudication_severity": "mild"}))
    assert [row.sheet for row in kept] == ["rutherford"]
    assert {row.sheet: row.why for row in left}["fontaine"] == "its class is open, and the vessel is not known"
    narrowed, _ = classify_all(Findings.from_mapping({"vessel": "infrapopliteal", "limb_symptoms": "claudication"}))
    assert [row.sheet for row in narrowed] == ["fontaine", "rutherford"]


def test_a_sheet_for_another_vessel_warns():
    result = judged("tasc2_aortoiliac", vessel="femoropopliteal")
    assert "For the vessel aortoiliac, but the vessel is femoropopliteal." in result.warnings
    assert any(row == "For leg arteries, but the vessel is RCA." for row in judged("glass", vessel="RCA").warnings)


# --- faulty sheets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('gives = "s"', 'gives = "x"', "made_up: axes[size]: no such class: 'x'"),
        ('gives = "s"', 'gives = "l"', "made_up: axes[size].classes: nothing gives the class 's'"),
        ('name = "l"', 'name = "s"', "made_up: axes[size].classes: 's' is given twice"),
        ('finding = "length_mm", op = "<"', 'finding = "lenght_mm", op = "<"', "no such finding: 'lenght_mm'"),
        ('op = "<", value = 20', 'op = "is", value = 20', "a number is compared with >, >=, < or <="),
        ('trust = "not verified"\nclasses', 'trust = "sure"\nclasses', "trust: must be one of"),
        ('title = "size"\n', "", "title: missing"),
        ('title = "size"', 'title = "size"\ncolour = "red"', "colour: unknown field"),
        ('classes = [{ name = "s", meaning = "short" }, ', 'classes = [{ name = "s" }, ', "meaning: missing"),
    ],
)
def test_a_faulty_axis_is_refused(old, new, message):
    assert old in SIZE
    assert message in refused(SIZE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('[["1", "1"], ["1", "2"]]', '[["1", "1"]]', "a row must hold 2 cells"),
        ('[["1", "1"], ["1", "2"]]', '[["1"], ["1", "2"]]', "a row must hold 2 cells"),
        ('[["1", "1"], ["1", "2"]]', '[[["1"], "1"], ["1", "2"]]', "deeper than the axes"),
        ('[["1", "1"], ["1", "2"]]', '[["1", "1"], ["1", "3"]]', "no such class: '3'"),
        ('[["1", "1"], ["1", "2"]]', "[[1, 1], [1, 2]]", "nested lists of class names"),
        ('of = ["size", "hard"]', 'of = ["size", "soft"]', "'soft', which is not judged before it"),
    ],
)
def test_a_faulty_table_is_refused(old, new, message):
    assert message in refused(SIZE, HARD, TABLE.replace(old, new), result="table", text="{table}")


def test_faults_of_the_whole_sheet_are_refused():
    assert "result: no such axis: 'x'" in refused(SIZE, result="x")
    assert "text: no such axis: 'x'" in refused(SIZE, text="{x}")
    assert "axes: 'size' is given twice" in refused(SIZE, SIZE)
    agree = TABLE[: TABLE.index("[axes.lookup]")] + 'agree = ["size", "hard"]\nask = ["length_mm"]\n'
    assert "the axis 'size' has other classes" in refused(SIZE, HARD, agree, result="table", text="{table}")
    derived = '[[derived]]\nfinding = "calcification_severe"\nof = ["length_mm"]\n'
    assert "derived: a number follows from one number" in refused(SIZE, derived)
    with pytest.raises(SheetError, match="kind: missing"):
        load_class_sheet_file((HEAD.replace('kind = "classes"\n', "") + SIZE).encode())
    with pytest.raises(SheetError, match="not a TOML file"):
        load_class_sheet_file(b"id =")
    with pytest.raises(SheetError, match="not UTF-8"):
        load_class_sheet_file(b"\xff")
    with pytest.raises(SheetError, match=r"none\.toml: cannot be read"):
        load_class_sheet_file("none.toml")
    with pytest.raises(SheetError, match="No classification is called 'glas'"):
        load_class_sheet("glas")


def test_a_sheet_from_a_file(tmp_path):
    text = HEAD.replace("{result}", "size").replace("{text}", "{size}") + SIZE
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    assert load_class_sheet_file(path) == load_class_sheet_file(text.encode())


@pytest.mark.parametrize("sheet_id", class_sheet_ids())
def test_every_finding_of_a_shipped_classification_is_in_the_vocabulary_and_one_unknown_word_is_refused(sheet_id):
    made = load_class_sheet(sheet_id)
    assert made.findings
    for name in made.findings:
        kind = vocabulary()[name]
        wrong = {"bool": 1, "choice": "no such word", "number": True}[kind.kind]
        with pytest.raises(FindingsError, match=f"^{name}: "):
            judged(made, **{name: wrong})
