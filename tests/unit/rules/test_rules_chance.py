"""Probabilities in words: one rule for every page and screen."""

from __future__ import annotations

import pytest

from recanal.cli.score_tables import share_text
from recanal.core.findings import Fact
from recanal.report.finding_words import likely_text
from recanal.rules.chance import SURE_SHARE, chance_text
from recanal.strategy.phrases import fact_phrase


@pytest.mark.parametrize("share", [0.001, 0.0049, 0.0051, 0.012, 0.25, 0.985, 0.993, 0.9949])
def test_terminal_report_and_plan_say_a_probability_alike(share):
    said = chance_text(share)
    assert share_text(share) == said
    assert likely_text(share) == f" ({said} likely)"
    assert fact_phrase("ostial", Fact(False, "ct", prob=1 - share)) == f"ostial: no ({said} likely; CT)"


def test_nothing_measured_is_certain():
    assert [chance_text(share) for share in (0.0, 0.5, SURE_SHARE, 1.0)] == [
        "under 1 %",
        "50 %",
        "over 99 %",
        "over 99 %",
    ]
