"""The crossing plan as a section of the report."""

import pytest

from recanal.core.case import CaseReport, InputInfo, Provenance, Quality, TreeReport
from recanal.core.findings import Fact, Findings, vocabulary
from recanal.core.plan import StrategyAdvice, StrategyStep
from recanal.report.display import Display
from recanal.report.finding_words import finding_label, finding_text
from recanal.report.plan_section import plan_section
from recanal.report.sources import Sources
from recanal.strategy import advise_all
from recanal.strategy.phrases import fact_phrase

LESION = {
    "vessel": "RCA",
    "proximal_cap_shape": "blunt",
    "proximal_cap_ambiguous": False,
    "distal_vessel_diseased": False,
    "length_mm": {"value": 21.0, "low": 18.0, "high": 24.0, "source": "ct"},
    "interventional_collaterals": True,
}


def drawn(strategy):
    case = CaseReport(InputInfo(), Quality(), TreeReport(), (), Findings({}), (), Provenance("0"), strategy=strategy)
    sources = Sources()
    return plan_section(case, Display(case), sources), sources


def words_of(blocks):
    out = []
    for block in blocks:
        out.append(str(block))
        out += words_of(block.get("blocks", []))
    return out


def test_starts_stand_side_by_side_with_reasons_and_trust():
    section, sources = drawn(advise_all(Findings.from_mapping(LESION)))
    first = section.blocks[0]
    assert first["kind"] == "table"
    rows = {row[0]: row[1:] for row in first["rows"]}
    assert rows["Hybrid algorithm (2012) [1]"][0] == "Antegrade dissection and re-entry."
    assert "length 21.0 mm (18.0–24.0; CT)" in rows["Hybrid algorithm (2012) [1]"][1]
    assert rows["Hybrid algorithm (2012) [1]"][3] == "read in part"
    assert rows["EuroCTO Club consensus (2019) [3]"][0] == "gives no start: its rules were not read"
    assert "10.1016/j.jcin.2012.02.006" in {row["doi"] for row in sources.entries()}


def test_disagreement_material_fallback_stop_and_doubt_are_shown():
    section, _ = drawn(advise_all(Findings.from_mapping(LESION)))
    said = " ".join(words_of(section.blocks))
    assert "They disagree: Hybrid algorithm (2012) and Global CTO crossing algorithm (2021)" in said
    assert "Amplatz or right extra-backup shape" in said
    assert "Hybrid algorithm (2012): Length: <20 mm (now 21.0 mm) gives antegrade wire escalation" in said
    assert {"If it fails", "When to stop"} <= {block.get("words") for block in section.blocks}
    assert "a column; the column is not the 2012 paper" not in " ".join(str(block) for block in section.blocks[:-1])


def test_every_rule_stands_in_the_fold():
    plans = advise_all(Findings.from_mapping(LESION))
    section, _ = drawn(plans)
    fold = section.blocks[-1]
    assert fold["kind"] == "fold"
    shown = sum(len(block["rows"]) for block in fold["blocks"] if block["kind"] == "table")
    assert shown == sum(len(plan.trace) for plan in plans)


def test_a_case_without_a_plan_has_no_section():
    assert drawn(())[0] is None


def test_bare_steps_are_shown_as_steps():
    advice = StrategyAdvice("a book", (StrategyStep("Wire it", ("it is short",), "10.1000/x"),))
    section, _ = drawn((advice,))
    assert [block["kind"] for block in section.blocks] == ["heading", "steps"]
    assert section.blocks[1]["rows"] == [{"do": "Wire it", "after": "because it is short [1]"}]


def ct_fact(kind):
    if kind.kind == "bool":
        return Fact(False, "ct", prob=0.07)
    if kind.kind == "choice":
        return Fact(kind.choices[0], "ct", prob=0.8)
    return Fact(0.4487 * kind.high, "ct", 0.37 * kind.high, 0.526 * kind.high)


@pytest.mark.parametrize("kind", [kind for kind in vocabulary().values() if kind.label], ids=lambda kind: kind.name)
def test_the_plan_says_a_fact_as_the_list_of_findings_does(kind):
    fact = ct_fact(kind)
    phrase = fact_phrase(kind.name, fact)
    assert phrase.endswith("CT)")
    assert phrase.lower().startswith(finding_label(kind.name).lower())
    assert phrase.replace("; CT)", ")").endswith(f" {finding_text(kind.name, fact)}")
