"""Rule files that are not well formed, the page made from them, and the command."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from recanal.cli.plan import plan as command
from recanal.errors import SheetError
from recanal.strategy import algorithm_ids, load_algorithm, parse_algorithm
from recanal.strategy.page import rules_page

ROOT = Path(__file__).resolve().parents[3]
GOOD = """
id = "mine"
name = "Mine"
citation = "A book"
territory = "coronary"
trust = "not verified"
trust_note = "made up for a test"

[[rules]]
name = "wire"
role = "start"
strategy = "wire"
options = ["antegrade_wire"]
do = "Wire."
text = "Short."
source = "A book"
trust = "not verified"
test = { finding = "length_mm", op = "<", value = 20.0 }
"""
LESION = {
    "proximal_cap_shape": "blunt",
    "proximal_cap_ambiguous": False,
    "distal_vessel_diseased": False,
    "length_mm": 26.0,
}


def test_a_file_of_ones_own_is_read():
    algorithm = parse_algorithm(GOOD)
    assert [rule.name for rule in algorithm.starts()] == ["wire"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "mine"', "id = ", "not a TOML file"),
        ('role = "start"', 'role = "begin"', r"mine: rules\[wire\].role: must be one of prepare"),
        ('strategy = "wire"\n', "", r"rules\[wire\].strategy: missing"),
        ('options = ["antegrade_wire"]\n', "", "must name at least one technique"),
        ('"antegrade_wire"', '"antegrade"', "options: must be of antegrade_wire"),
        ('finding = "length_mm"', 'finding = "length_cm"', "no such finding: 'length_cm'"),
        ('op = "<"', 'op = "is"', "a number is compared with"),
        ('trust = "not verified"\ntest', 'trust = "sure"\ntest', r"trust: must be one of read in the source"),
        ('do = "Wire."', 'do = "Wire."\nbecaus = "x"', "becaus: unknown field"),
        (
            'role = "start"\nstrategy = "wire"\noptions = ["antegrade_wire"]',
            'role = "stop"\nafter = ["knife"]',
            "'wire' follows 'knife', which no start names",
        ),
        ('territory = "coronary"', 'territory = "coronary"\nkind = "material"', "'wire' is not material"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(old, new, message):
    assert old in GOOD
    with pytest.raises(SheetError, match=message) as caught:
        parse_algorithm(GOOD.replace(old, new, 1))
    assert "docs/plan.md" in caught.value.hint or "TOML" in caught.value.message


def test_a_rule_given_twice_is_refused():
    twice = GOOD + GOOD[GOOD.index("[[rules]]") :]
    with pytest.raises(SheetError, match="'wire' is given twice"):
        parse_algorithm(twice)


def test_the_page_of_the_manual_follows_the_files():
    page = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
    rules = rules_page(load_algorithm(name) for name in algorithm_ids())
    assert page.partition("## Every rule\n\n")[2].strip() == rules.strip(), "run scripts/plan_page.py"


def run(*arguments, values=None):
    text = None if values is None else json.dumps(values)
    return CliRunner().invoke(command, list(arguments), input=text)


def test_the_command_prints_starts_reasons_and_disagreements():
    result = run("--findings", "-", values=LESION | {"interventional_collaterals": True})
    assert result.exit_code == 0
    assert "hybrid_2012        antegrade dissection reentry" in result.output
    assert "eurocto_2019       gives no start: its rules were not read" in result.output
    assert "They disagree: hybrid_2012 and global_2021" in result.output
    assert "length 26 mm (entered)" in result.output
    assert "not an instruction" in result.output


def test_the_command_prints_json():
    result = run("--findings", "-", "--json", values=LESION)
    shown = json.loads(result.output)
    assert {"plans", "disagreements"} == set(shown)
    plan = shown["plans"][0]
    assert plan["algorithm"] == "hybrid_2012"
    assert plan["start"] == "antegrade_dissection_reentry"
    assert {"do", "because", "source"} <= set(plan["steps"][0])
    assert shown["disagreements"] == [["hybrid_2012", "global_2021"]]


def test_one_algorithm_with_its_rules():
    result = run("--findings", "-", "--algorithm", "hybrid_2012", "--rules", values={"length_mm": 26.0})
    assert result.exit_code == 0
    assert "[does not hold] antegrade_wire_escalation: length 26 mm (entered)" in result.output
    assert "[open] retrograde: not known: " in result.output
    assert "Asia Pacific" not in result.output


def test_the_list_says_how_far_each_was_read():
    result = run("--list")
    assert result.exit_code == 0
    for name in algorithm_ids():
        assert f"{name}: " in result.output
    assert "not verified: only the abstract was read" in result.output
    assert "ct_hybrid_2021: CT-based hybrid algorithm (not shipped)" in result.output
    assert "The algorithm stands in a figure that was not read." in result.output
    shown = json.loads(run("--list", "--json").output)
    assert [row["id"] for row in shown] == list(algorithm_ids())
    start = next(rule for rule in shown[0]["rules"] if rule["name"] == "antegrade_wire_escalation")
    assert list(start["test"]["all"][0]["not"]) == ["first"]


def test_a_case_of_recanal_is_planned(tmp_path):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"schema": "recanal.case/1", "findings": LESION}), encoding="utf-8")
    result = CliRunner().invoke(command, ["--findings", str(path), "--algorithm", "hybrid_2012", "--json"])
    assert json.loads(result.stdout)["plans"][0]["start"] == "antegrade_dissection_reentry"
    assert result.stderr == "The findings of a case (recanal.case/1) are used.\n"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"length_cm": 2}, "length_cm"),
        ({"length_mm": "20"}, "length_mm"),
        ({"length_mm": -1}, "length_mm"),
        ({"length_mm": float("nan")}, "length_mm"),
        ({"proximal_cap_shape": "round"}, "proximal_cap_shape"),
        ({"calcification_severe": True, "calcification_any": False}, "calcification_any"),
    ],
)
def test_bad_findings_are_refused_and_nothing_is_planned(values, field):
    result = run("--findings", "-", values=values)
    assert result.exit_code == 2
    assert field in result.output
    assert "Where each algorithm starts" not in result.output


@pytest.mark.parametrize(("arguments", "message"), [((), "--findings is missing"), (("--algorithm", "x"), "missing")])
def test_the_command_needs_findings(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_help_has_an_example():
    result = run("--help")
    assert "Example:" in result.output
    assert "recanal plan --findings lesion.json" in result.output
