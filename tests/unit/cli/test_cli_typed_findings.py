"""Typed findings beside measured ones."""

from __future__ import annotations

import pytest

from recanal.core.findings import Fact, Findings
from recanal.errors import FindingsError
from recanal.pipeline.typed import disagreements, typed_findings

MEASURED = Findings(
    {
        "length_mm": Fact(26.7, "ct", 24.6, 28.8),
        "distal_diameter_mm": Fact(2.0, "ct"),
        "vessel": Fact("RCA", "ct"),
        "calcification_severe": Fact(True, "ct", prob=0.9),
    }
)


def _said(**values):
    return disagreements(MEASURED, Findings.from_mapping(values))


@pytest.mark.parametrize(
    "values",
    [
        {"length_mm": 25.0},
        {"length_mm": {"value": 20.0, "low": 12.0, "high": 25.0}},
        {"distal_diameter_mm": 2.1},
        {"vessel": "RCA", "calcification_severe": True},
        {"prior_failed_attempt": True},
        {},
    ],
)
def test_what_agrees_or_was_not_measured_is_not_mentioned(values):
    assert _said(**values) == ()


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"length_mm": 12.0}, ("Length", "12 mm (entered)", "CT shows 26.7 mm (24.6–28.8)")),
        ({"length_mm": {"value": 12.0, "source": "angiogram"}}, ("12 mm (angiogram)",)),
        ({"distal_diameter_mm": 3.0}, ("3 mm (entered)", "CT shows 2.")),
        ({"vessel": "LAD"}, ("LAD (entered)", "CT shows RCA")),
        ({"calcification_severe": False}, ("no (entered)", "CT shows yes")),
    ],
)
def test_what_differs_is_told_with_both_values(values, parts):
    (sentence,) = _said(**values)
    assert all(part in sentence for part in parts)


def test_an_entered_value_cannot_pass_for_a_measured_one(tmp_path):
    path = tmp_path / "clinical.toml"
    path.write_text('[length_mm]\nvalue = 12\nsource = "ct"\n', encoding="utf-8")
    with pytest.raises(FindingsError, match=r"length_mm: .*confirmed_by"):
        typed_findings(path)
    path.write_text('[length_mm]\nvalue = 12\nsource = "ct"\nconfirmed_by = "reader 1"\n', encoding="utf-8")
    assert typed_findings(path).value("length_mm") == 12


def test_without_a_file_nothing_is_typed():
    assert typed_findings(None).facts == {}
