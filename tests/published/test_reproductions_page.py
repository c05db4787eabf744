"""What the page on reproductions claims of two papers."""

import re
from pathlib import Path

import pytest

from recanal.reproduction.paper import PAPERS, read_paper

PAGE = Path(__file__).parents[2] / "docs" / "evidence" / "reproductions.md"


@pytest.mark.parametrize("name", PAPERS)
def test_at_least_97_percent_of_printed_numbers_lie_within_one_published_standard_error(name):
    paper = read_paper(name)
    part = PAGE.read_text(encoding="utf-8").split(f"## {paper.title}\n")[1].split("\n## ")[0]
    within, judged = (int(number) for number in re.search(r"\*\*(\d+) of (\d+) printed numbers", part).groups())
    first = part.split("| table | judged")[0]
    kinds = re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \| [\d.]+ \|$", first, flags=re.MULTILINE)
    assert [sum(int(row[place]) for row in kinds) for place in (0, 1)] == [judged, within]
    assert within / judged >= 0.97
    outside = part.split("### More than one standard error apart")[1].split("###")[0]
    assert len(re.findall(r"^\|.*\| [+-][\d.]+ \|$", outside, flags=re.MULTILINE)) == judged - within
    assert f"### Misprints, judged against the corrected number ({len(paper.corrections)})" in part
