"""The page of the worked examples is the one that the audit writes."""

from __future__ import annotations

import re
from pathlib import Path

from evidence.audit_papers import audit_page

PAGE = Path(__file__).parents[2] / "docs" / "audit_papers.md"


def test_the_page_is_up_to_date_and_lists_every_row():
    text = PAGE.read_text(encoding="utf-8")
    assert text == audit_page(), "run `python -m evidence.audit_papers`"
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)]
    assert numbers == list(range(1, 233))
    for line in ("41 P values | 38 reproduced", "56 statistics | 48 reproduced", "28 P values | 28 reproduced"):
        assert line in text
    assert "5 P values | 5 reproduced" in text
    assert "0.904 (0.812 to 0.996), DeLong" in text
