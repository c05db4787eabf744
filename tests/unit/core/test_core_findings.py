"""The vocabulary of findings, and what it refuses."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from recanal.core.findings import Fact, Findings, vocabulary
from recanal.errors import FindingsError

HUGE = 10**5000
REFUSALS: list[tuple[str, Any, str]] = [
    ("lenght_mm", 20, "no such finding. `recanal findings` lists the names."),
    ("lenght_mm", None, "no such finding."),
    ("length_mm", "20", "must be a number, got '20'."),
    ("length_mm", True, "must be a number, got true."),
    ("length_mm", [20], "must be a number, got a list."),
    ("length_mm", -0.1, "must lie in [0, 600], got -0.1."),
    ("length_mm", float("nan"), "must lie in [0, 600], got nan."),
    ("length_mm", float("inf"), "must lie in [0, 600], got inf."),
    ("length_mm", 10**400, "must lie in [0, 600], got "),
    ("length_mm", HUGE, "must lie in [0, 600], got a number of thousands of digits."),
    ("length_mm", -HUGE, "must lie in [0, 600], got "),
    ("length_mm", {"value": 20, "low": 10, "high": HUGE}, "must lie in [0, 600], got "),
    ("length_mm", {"value": 20, "low": 22, "high": 30}, "the value 20 must lie between low 22 and high 30."),
    ("length_mm", {"value": 20, "low": 18}, "give both low and high, or neither."),
    ("length_mm", {"value": 20, "high": 22}, "give both low and high, or neither."),
    ("length_mm", {"value": 20, "low": "18", "high": 22}, "must be a number, got '18'."),
    ("length_mm", {"value": 20, "unit": "cm"}, "unknown key 'unit'. Use "),
    ("length_mm", {"value": 20, "source": "mri"}, "source must be one of ct, angiogram, typed, got 'mri'."),
    ("in_stent", 1, "must be true or false, got 1."),
    ("in_stent", HUGE, "must be true or false, got "),
    ("in_stent", {"value": True, "prob": 1.2}, "prob must lie between 0 and 1, got 1.2."),
    ("in_stent", {"value": True, "prob": True}, "prob must lie between 0 and 1, got true."),
    ("in_stent", {"value": True, "prob": HUGE}, "prob must lie between 0 and 1, got "),
    ("in_stent", {"value": True, "low": False, "high": True}, "only a number has low and high. Give prob instead."),
    ("vessel", "rca", "must be one of LM, LAD, LCX, RCA"),
    ("vessel", HUGE, "must be one of LM, LAD, LCX, RCA"),
    ("vessel", {"value": "LAD", "low": "LAD", "high": "LAD"}, "only a number has low and high."),
    ("vessel", {"value": "LAD", "low": 1}, "only a number has low and high."),
]


def refusal(name: str, value: Any, **options: str) -> str:
    with pytest.raises(FindingsError) as caught:
        Findings.from_mapping({name: value}, **options)
    return str(caught.value)


@pytest.mark.parametrize(("name", "value", "message"), REFUSALS, ids=[f"{row[0]}: {row[2]}" for row in REFUSALS])
def test_refusal_names_the_field(name: str, value: Any, message: str) -> None:
    text = refusal(name, value)
    assert text.startswith(f"{name}: {message}")
    assert len(text) < 300


def test_unknown_default_source_is_refused() -> None:
    assert refusal("length_mm", 20, source="guess") == (
        "length_mm: source must be one of ct, angiogram, typed, got 'guess'."
    )


def test_absent_is_not_zero() -> None:
    facts = Findings.from_mapping({"length_mm": 0, "in_stent": None, "vessel": {"value": None}})
    assert list(facts) == ["length_mm"]
    assert facts.value("length_mm") == 0.0
    assert facts.value("in_stent") is None
    assert "in_stent" not in facts


def test_a_fact_keeps_its_interval_source_and_reader() -> None:
    entry = {"value": 20, "low": 18, "high": 23, "source": "ct", "confirmed_by": "reader 2"}
    facts = Findings.from_mapping({"length_mm": entry, "in_stent": {"value": True, "prob": 0.8}}, source="angiogram")
    assert facts.facts["length_mm"] == Fact(20.0, "ct", 18.0, 23.0, None, "reader 2")
    assert facts.facts["in_stent"] == Fact(True, "angiogram", prob=0.8)
    assert facts.as_dict()["length_mm"] == entry
    assert facts.as_dict()["in_stent"] == {"value": True, "source": "angiogram", "confirmed_by": None, "prob": 0.8}


def test_limits_of_the_range_are_allowed() -> None:
    facts = Findings.from_mapping({"length_mm": 600, "bend_max_deg": {"value": 0, "low": 0, "high": 0}})
    assert (facts.value("length_mm"), facts.value("bend_max_deg")) == (600.0, 0.0)


def test_merging_puts_the_other_on_top_and_changes_neither() -> None:
    first = Findings.from_mapping({"length_mm": 20, "vessel": "RCA"}, source="ct")
    second = Findings.from_mapping({"length_mm": 25})
    merged = first.merged(second)
    assert (merged.value("length_mm"), merged.value("vessel")) == (25.0, "RCA")
    assert merged.facts["length_mm"].source == "typed"
    assert first.value("length_mm") == 20.0
    assert second.value("vessel") is None


def test_facts_are_frozen() -> None:
    fact = Fact(20.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fact.value = 21.0  # type: ignore[misc]


@pytest.mark.parametrize("name", sorted(vocabulary()))
def test_vocabulary_rows_are_well_formed(name: str) -> None:
    kind = vocabulary()[name]
    assert kind.kind in {"bool", "number", "choice"}
    assert (kind.kind == "choice") == bool(kind.choices)
    assert len(set(kind.choices)) == len(kind.choices)
    assert kind.low < kind.high
    assert kind.note
