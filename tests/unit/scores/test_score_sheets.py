"""What a sheet may say, and how a faulty one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from recanal.core.findings import Findings
from recanal.errors import OptionError, SheetError
from recanal.scores import Sheet, evaluate, evaluate_all, load_sheet, load_sheet_file, not_shipped, sheet_ids

HEAD = """
id = "made_up"
name = "Made up"
citation = "Nobody 2026"
doi = "10.1000/made.up"
endpoint = "technical success"
trust = "not verified"
trust_note = "invented for a test"
modality = "angiogram"
territory = "coronary"
derivation = "none"
range = {range}
"""
ABOUT = 'definition = "as tested"\nsource = "none"\ntrust = "not verified"\n'


def item(name, points, test):
    return f'[[items]]\nname = "{name}"\npoints = {points}\n{ABOUT}test = {test}\n'


def strata(*rows):
    return "".join(f'[[strata]]\nname = "{name}"\n{span}\n' for name, span in rows)


def sheet(points_range, *parts):
    return load_sheet_file((HEAD.format(range=points_range) + "".join(parts)).encode())


def total(made, **facts):
    return evaluate(made, Findings.from_mapping(facts)).points


# --- forms that later scores need -------------------------------------------------------------

CL_LIKE = [
    item("previous_cabg", 1.5, '{ finding = "prior_cabg", op = "is", value = true }'),
    item("previous_mi", 1, '{ finding = "prior_mi", op = "is", value = true }'),
    item("severe_calcification", 2, '{ finding = "calcification_severe", op = "is", value = true }'),
    item("length_ge_20", 1.5, '{ finding = "length_mm", op = ">=", value = 20 }'),
    item("non_lad", 1, '{ finding = "vessel", op = "not in", value = ["LAD"] }'),
    item("blunt", 1, '{ finding = "proximal_cap_shape", op = "is", value = "blunt" }'),
]
CL_STRATA = strata(
    ("high", "min = 0\nmax = 1"),
    ("medium", "above = 1\nbelow = 3"),
    ("low", "min = 3\nbelow = 5"),
    ("least", "min = 5"),
)
NO = {
    "prior_mi": False,
    "calcification_severe": False,
    "length_mm": 5,
    "vessel": "LAD",
    "proximal_cap_shape": "tapered",
}


def test_half_points_and_half_open_strata():
    made = sheet([0, 8], *CL_LIKE, CL_STRATA)
    for change, points, stratum in [
        ({}, 0, "high"),
        ({"vessel": "RCA"}, 1, "high"),
        ({"length_mm": 25}, 1.5, "medium"),
        ({"vessel": "LCX", "length_mm": 25}, 2.5, "medium"),
        ({"calcification_severe": True, "prior_mi": True}, 3, "low"),
        ({"calcification_severe": True, "prior_mi": True, "length_mm": 25}, 4.5, "low"),
        ({"calcification_severe": True, "length_mm": 25, "prior_cabg": True}, 5, "least"),
    ]:
        result = evaluate(made, Findings.from_mapping({"prior_cabg": False, **NO, **change}))
        assert (result.points, result.stratum) == (points, stratum), change


def test_negative_items_give_bounds_on_both_sides():
    made = sheet(
        [-3, 1],
        item("blunt", 1, '{ finding = "proximal_cap_shape", op = "is", value = "blunt" }'),
        item("volume", -1, '{ finding = "operator_annual_cto_volume", op = ">=", value = 60 }'),
        item("success", -2, '{ finding = "operator_last_year_success_percent", op = ">=", value = 90 }'),
        strata(("simple", "max = -1"), ("other", "min = 0")),
    )
    result = evaluate(made, Findings.from_mapping({"proximal_cap_shape": "blunt"}))
    assert (result.points, result.points_min, result.points_max) == (None, -2, 1)
    assert (result.stratum, result.stratum_min, result.stratum_max) == (None, "simple", "other")
    facts = {"proximal_cap_shape": "blunt", "operator_annual_cto_volume": 60}
    assert total(made, **facts, operator_last_year_success_percent=90) == -2
    assert total(made, **facts, operator_last_year_success_percent=89.9) == 0


LEVELS = f"""
[[items]]
name = "age"
{ABOUT}
levels = [
  {{ points = 2, test = {{ finding = "age_years", op = ">=", value = 75 }} }},
  {{ points = 1, test = {{ finding = "age_years", op = ">=", value = 60 }} }},
]
[[items]]
name = "strategy"
{ABOUT}
levels = [
  {{ points = 1, test = {{ finding = "crossing_strategy", op = "is", value = "dissection_reentry" }} }},
  {{ points = 2, test = {{ finding = "crossing_strategy", op = "is", value = "retrograde" }} }},
]
"""


def test_levels():
    made = sheet([0, 4], LEVELS)
    for age, strategy, points in [
        (59.9, "antegrade_wiring", 0),
        (60, "antegrade_wiring", 1),
        (74.9, "dissection_reentry", 2),
        (75, "retrograde", 4),
    ]:
        assert total(made, age_years=age, crossing_strategy=strategy) == points
    result = evaluate(made, Findings.from_mapping({"age_years": 80}))
    assert (result.points_min, result.points_max, result.missing) == (2, 4, ("crossing_strategy",))
    assert result.items[0].points_if_met == 2


def test_levels_with_an_interval():
    made = sheet([0, 4], LEVELS, strata(*((str(k), f"min = {k}\nmax = {k}") for k in range(5))))
    facts = {"age_years": {"value": 70, "low": 60, "high": 75, "source": "typed"}, "crossing_strategy": "retrograde"}
    result = evaluate(made, Findings.from_mapping(facts))
    assert [round(share, 6) for share in result.stratum_probabilities.values()] == [0, 0, 0.025, 0.95, 0.025]


def test_any_all_and_not_follow_kleene():
    heavy = '{ finding = "calcification_severe", op = "is", value = true }'
    stent = '{ finding = "in_stent", op = "is", value = true }'
    for form, answers in {
        f"{{ any = [{heavy}, {stent}] }}": {(True, None): 1, (None, True): 1, (False, None): None, (False, False): 0},
        f"{{ all = [{heavy}, {stent}] }}": {(False, None): 0, (None, False): 0, (True, None): None, (True, True): 1},
        f"{{ not = {heavy} }}": {(True, None): 0, (False, None): 1, (None, None): None},
    }.items():
        made = sheet([0, 1], item("x", 1, form))
        for (severe, in_stent), points in answers.items():
            facts = {"calcification_severe": severe, "in_stent": in_stent}
            assert total(made, **facts) == points, (form, severe, in_stent)


def test_missing_leaves_out_what_no_longer_matters():
    made = sheet(
        [0, 1],
        item(
            "x",
            1,
            '{ any = [{ finding = "calcification_severe", op = "is", value = true }, '
            '{ finding = "in_stent", op = "is", value = true }] }',
        ),
    )
    assert evaluate(made, Findings.from_mapping({"calcification_severe": True})).missing == ()
    assert evaluate(made, Findings.from_mapping({"calcification_severe": False})).missing == ("in_stent",)


# --- refusals ---------------------------------------------------------------------------------

GOOD = item("long", 1, '{ finding = "length_mm", op = ">=", value = 20 }')
TWO = strata(("no", "min = 0\nmax = 0"), ("yes", "min = 1\nmax = 1"))


def refused(text):
    with pytest.raises(SheetError) as caught:
        load_sheet_file(text.encode())
    return str(caught.value)


UNIT_HEAD = HEAD.format(range="[0, 1]")


def whole(head=UNIT_HEAD, items=GOOD, rest=TWO):
    return head + items + rest


def test_the_sheet_that_the_refusals_start_from_is_sound():
    assert load_sheet_file(whole().encode()).points_range == (0, 1)


@pytest.mark.parametrize("field", ["endpoint", "trust", "citation", "modality", "territory", "name"])
def test_missing_fields_are_named(field):
    head = "\n".join(row for row in UNIT_HEAD.split("\n") if not row.startswith(f"{field} ="))
    assert refused(whole(head=head)).startswith(f"made_up: {field}: missing.")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('finding = "length_mm"', 'finding = "length_cm"', "made_up: items[long].test.finding: no such finding"),
        ('op = ">="', 'op = "=>"', "made_up: items[long].test.op: must be one of"),
        ('op = ">="', 'op = "is"', "made_up: items[long].test.op: a number is compared"),
        ("value = 20", 'value = "20"', "made_up: items[long].test.value: must be a finite number"),
        ("value = 20", "value = nan", "made_up: items[long].test.value: must be a finite number"),
        ("value = 20", f"value = {10**400}", "made_up: items[long].test.value: must be a finite number"),
        ("value = 20", "value = -1", "made_up: items[long].test.value: outside the range of length_mm"),
        ("points = 1", "points = 2", "made_up: range: the items' points reach from 0 to 2, the sheet says [0.0, 1.0]"),
        ("points = 1", "", "made_up: items[long].points: missing"),
        ("points = 1", "point = 1\npoints = 1", "made_up: items[long].point: unknown field"),
        ('source = "none"', "", "made_up: items[long].source: missing"),
        ('definition = "as tested"', 'definition = ""', "made_up: items[long].definition: must be a text"),
        ("range = [0, 1]", "range = [0]", "made_up: range: must be two numbers"),
        ("range = [0, 1]", 'range = [0, "1"]', "made_up: range.1: must be a finite number"),
        ('doi = "10.1000/made.up"', 'doi = "see paper"', "made_up: doi: must be a DOI"),
        ('trust = "not verified"\ntrust_note', 'trust = "sure"\ntrust_note', "made_up: trust: must be one of"),
        ('id = "made_up"', 'id = "Made Up"', "Made Up: id: must be lower case"),
        ("min = 1\nmax = 1", "min = 2\nmax = 2", "made_up: strata: a total of 1 lies in no stratum"),
        ("min = 1\nmax = 1", "min = 0\nmax = 1", "made_up: strata: a total of 0 lies in several strata (no, yes)"),
        ("min = 1\nmax = 1", "min = 1\nabove = 1", "made_up: strata[yes].above: give min or above"),
        ('name = "yes"', 'name = "no"', "made_up: strata: 'no' is given twice"),
        ("range = [0, 1]", "range = [0, 1]\ncolour = 1", "made_up: colour: unknown field"),
    ],
)
def test_faults_are_named(old, new, message):
    text = whole()
    assert old in text
    assert message in refused(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ('{ finding = "vessel", op = "is", value = "LADD" }', "test.value: vessel has no choice 'LADD'"),
        ('{ finding = "vessel", op = "in", value = [] }', "test.value: must name at least one choice"),
        ('{ finding = "in_stent", op = "is", value = 1 }', "test.value: must be true or false"),
        ('{ finding = "in_stent", op = "in", value = true }', "test.op: in_stent is true or false"),
        ('{ finding = "in_stent", op = ">", value = 0 }', "test.op: in_stent is not a number"),
        ("{ any = [] }", "test.any: must not be empty"),
        ('{ any = [{ finding = "x", op = "is", value = true }] }', "test.any[0].finding: no such finding: 'x'"),
        ("{ not = 3 }", "test.not: must be a table"),
        ('{ finding = "in_stent", op = "is", value = true, decides = "maybe" }', "test.decides: must be one of"),
    ],
)
def test_faulty_tests_are_named(test, message):
    assert f"made_up: items[long].{message}" in refused(whole(items=item("long", 1, test)))


def test_a_doi_that_is_not_known_is_left_out():
    head = "\n".join(row for row in UNIT_HEAD.split("\n") if not row.startswith("doi ="))
    made = load_sheet_file(whole(head=head).encode())
    assert made.doi == ""
    assert evaluate(made, Findings({})).doi == ""


def test_what_a_sheet_predicts():
    assert load_sheet_file(whole().encode()).predicts == "success"
    failing = whole(head=UNIT_HEAD + 'predicts = "failure"\n')
    assert evaluate(load_sheet_file(failing.encode()), Findings({})).predicts == "failure"
    assert "made_up: predicts: must be one of" in refused(whole(head=UNIT_HEAD + 'predicts = "luck"\n'))


def test_labels_stand_for_names():
    plain, named = load_sheet_file(whole().encode()), whole(items=GOOD.replace("points", 'label = "20 mm +"\npoints'))
    assert plain.items[0].rule.label == "long"
    assert load_sheet_file(named.encode()).items[0].rule.label == "20 mm +"


def test_faulty_rates_are_named():
    rate = '[[rates]]\ncohort = "c"\nendpoint = "technical success"\nsource = "s"\ndoi = "10.1000/x"\n'
    rate += 'trust = "not verified"\n'
    for strata_text, message in [
        ("[rates.strata]\nno = { rate = 1.2 }\n", "rate: must lie in [0, 1], got 1.2"),
        ("[rates.strata]\nno = { events = 5, total = 4 }\n", "events: needs 0 <= events <= total"),
        ("[rates.strata]\nno = { events = 5.0, total = 9 }\n", "events: must be a whole number"),
        ("[rates.strata]\nperhaps = { rate = 0.5 }\n", "rates: no such stratum: 'perhaps'"),
        ('variants = ["x"]\n[rates.strata]\nno = { rate = 0.5 }\n', "rates: no such variant: 'x'"),
    ]:
        assert message in refused(whole() + rate + strata_text)
    twice = (rate + "primary = true\n[rates.strata]\nno = { rate = 0.5 }\n") * 2
    assert "more than one primary set" in refused(whole() + twice)
    other = rate.replace("technical success", "death") + "primary = true\n[rates.strata]\nno = { rate = 0.5 }\n"
    assert "made_up: rates: the primary rates count 'death', the sheet 'technical success'" in refused(whole() + other)


def test_variants_must_exist():
    rule = f'points = 1\n{ABOUT}test = {{ finding = "length_mm", op = ">", value = 20 }}\n'
    assert "no such variant: 'b'" in refused(whole(items=GOOD + f"[items.variants.b]\n{rule}"))
    declared = 'default_variant = "z"\n[[variants]]\nname = "a"\nnote = "-"\n'
    assert "default_variant: no such variant: 'z'" in refused(whole(head=UNIT_HEAD + declared))


def test_text_that_is_no_sheet():
    for text in ("id = ", "id = " + "9" * 5000, "id = " + "[" * 100_000):
        assert "not a TOML file" in refused(text)
    with pytest.raises(SheetError, match="not UTF-8"):
        load_sheet_file(b"id = '\xff'")
    with pytest.raises(SheetError, match="at most 1000000 bytes"):
        load_sheet_file(b"#" * 1_000_001)
    with pytest.raises(SheetError, match=r"nowhere\.toml: cannot be read"):
        load_sheet_file("nowhere.toml")


def test_a_sheet_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(whole(), encoding="utf-8")
    assert load_sheet_file(path) == load_sheet_file(whole().encode())


# --- the shipped sheets -----------------------------------------------------------------------


TRUSTED = {
    "b_cto": "read in part",
    "castle": "read in part",
    "cl_score": "read in part",
    "ct_rector": "not verified",
    "j_cto": "read in part",
    "j_cto_ct": "read in part",
    "kcct": "read in part",
    "open_clean": "read in part",
    "operator_cto": "read in the source",
    "ora": "read in part",
    "progress_acute_mi": "not verified",
    "progress_cto": "read in part",
    "progress_mace": "read in part",
    "progress_mortality": "read in part",
    "progress_perforation": "read in part",
    "progress_pericardiocentesis": "read in part",
    "recharge": "read in part",
    "recharge_ct": "read in part",
    "w_cto": "read in part",
}


def test_shipped_sheets():
    assert {name for name in sheet_ids() if isinstance(load_sheet(name), Sheet)} == set(TRUSTED)
    assert {load_sheet(name).id for name in sheet_ids()} == set(sheet_ids())


@pytest.mark.parametrize(("name", "trust"), TRUSTED.items())
def test_trust_says_what_was_read(name, trust):
    result = evaluate(name, Findings({}))
    assert (load_sheet(name).trust, result.trust) == (trust, trust)
    if trust == "read in the source":
        assert not [warning for warning in result.warnings if warning.startswith("Sheet ")]
    else:
        assert result.warnings[0].startswith(f"Sheet {trust}: ")


@pytest.mark.parametrize("name", TRUSTED)
def test_every_shipped_sheet_says_where_it_is_from(name):
    made = load_sheet(name)
    assert made.doi or "DOI is not known" in made.trust_note
    assert made.c_statistics or name in ("b_cto", "w_cto")
    assert len(made.derivation) > 10
    for item in made.items:
        for rule in (item.rule, *(rule for _, rule in item.variants)):
            assert rule.definition
            assert rule.source


def test_what_the_shipped_sheets_predict():
    kinds = {name: load_sheet(name).predicts for name in TRUSTED}
    assert {name for name, kind in kinds.items() if kind == "failure"} == {"castle", "ora"}
    assert {name for name, kind in kinds.items() if kind == "complication"} == {
        *(name for name in TRUSTED if name.startswith("progress_") and name != "progress_cto"),
        "open_clean",
    }


def test_a_sheet_is_not_trusted_more_than_its_items():
    order = ("not verified", "read in part", "read in the source")
    for name in TRUSTED:
        made = load_sheet(name)
        least = min(order.index(row.rule.trust) for row in made.items)
        most = max(order.index(row.rule.trust) for row in made.items)
        assert order.index(made.trust) <= most
        assert made.trust != "read in the source" or least == 2


def test_unknown_names():
    with pytest.raises(SheetError, match="No score sheet is called 'jcto'"):
        load_sheet("jcto")
    with pytest.raises(
        OptionError, match=r"j_cto_ct has no variant 'li2016'\. Known variants: li2015, fujino2018, any"
    ):
        evaluate("j_cto_ct", Findings({}), variant="li2016")
    with pytest.raises(OptionError, match="ct_rector has no variant 'x'"):
        evaluate("ct_rector", Findings({}), variant="x")


def test_variants_carry_their_own_source():
    results = [evaluate("j_cto_ct", Findings({}), variant=name) for name in (None, "li2015", "fujino2018", "any")]
    assert [result.variant for result in results] == ["li2015", "li2015", "fujino2018", "any"]
    assert [result.doi for result in results] == [
        "10.1016/j.jcct.2015.07.005",
        "10.1016/j.jcct.2015.07.005",
        "10.1016/j.jcmg.2017.01.028",
        "10.1016/j.jcin.2010.09.024",
    ]


def test_warnings_for_cases_outside_the_population():
    def extra(sheet_id, **facts):
        return evaluate(sheet_id, Findings.from_mapping(facts)).warnings[1:]

    assert extra("j_cto", in_stent=False, vessel="RCA") == ()
    assert "In-stent" in extra("j_cto", in_stent=True)[0]
    assert "graft" in extra("j_cto", vessel="graft")[0]
    assert "2.0 mm" in extra("j_cto_ct", distal_diameter_mm=1.9)[0]
    assert extra("j_cto_ct", distal_diameter_mm=2.0) == ()
    assert "3 months" in extra("kcct", duration_months=2)[0]
    assert extra("kcct", duration_months=3) == ()


def test_values_of_the_other_modality_are_reported():
    ct = Findings.from_mapping({"length_mm": 21, "prior_failed_attempt": False}, source="ct")
    angiogram = Findings.from_mapping({"length_mm": 21}, source="angiogram")
    assert evaluate("j_cto", ct).warnings[1] == (
        "CT-derived values used in an angiographic score: length >= 20 mm, earlier failed attempt."
    )
    assert evaluate("j_cto_ct", angiogram).warnings[1] == "Angiographic values used in a CT score: length >= 20 mm."
    assert len(evaluate("j_cto_ct", ct).warnings) == 1
    assert len(evaluate("j_cto", angiogram).warnings) == 1


def test_evaluate_all_keeps_to_the_territory():
    def scored(**facts):
        return [row.sheet for row in evaluate_all(Findings.from_mapping(facts)) if row.sheet in TRUSTED]

    assert scored() == sorted(TRUSTED)
    assert scored(vessel="LAD") == sorted(TRUSTED)
    assert scored(vessel="femoropopliteal") == []
    result = evaluate("j_cto", Findings.from_mapping({"vessel": "femoropopliteal"}))
    assert "A coronary score, but the vessel is femoropopliteal." in result.warnings


def test_scores_that_are_not_shipped():
    entries = not_shipped()
    assert len(entries) == len({entry.name for entry in entries}) == 12
    assert all(len(entry.why) > 20 for entry in entries)
    assert not {entry.name for entry in entries} & {load_sheet(name).name for name in sheet_ids()}


def test_the_example_in_the_docs_is_sound():
    page = (Path(__file__).parents[3] / "docs" / "scores.md").read_text(encoding="utf-8")
    made = load_sheet_file(page.split("```toml\n")[1].split("```")[0].encode())
    assert made.points_range == (-1, 4)
    for sheet_id in TRUSTED:
        names = [f"`{row.name}`" for row in load_sheet(sheet_id).variants]
        row = next(line for line in page.split("\n") if line.startswith(f"| [`{sheet_id}`](sheets/{sheet_id}.md) |"))
        assert load_sheet(sheet_id).trust in row
        assert row.split("|")[4].strip() == ", ".join(names)
    assert [entry.name for entry in not_shipped() if f"| {entry.name} |" not in page] == []
