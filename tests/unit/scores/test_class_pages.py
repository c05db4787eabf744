"""The pages of the classifications and of the findings in the manual."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from recanal.core.findings import vocabulary
from recanal.scores import class_sheet_ids, load_class_sheet, load_sheet, tally_ids

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def pages():
    sys.path.insert(0, str(DOCS))
    try:
        spec = importlib.util.spec_from_file_location("class_pages", DOCS / "class_pages.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(DOCS))
    return module


@pytest.mark.parametrize("sheet_id", class_sheet_ids())
def test_a_page_shows_trust_classes_and_criteria(pages, sheet_id):
    sheet = load_class_sheet(sheet_id)
    text = pages.class_page(sheet)
    assert f"Trust: {sheet.trust}" in text
    assert (f"https://doi.org/{sheet.doi}" if sheet.doi else "DOI not known") in text
    for axis in sheet.axes:
        for row in axis.classes:
            assert f"| {pages.plain(row.name)} | {pages.plain(row.meaning)} |" in text


def test_the_look_up_of_the_stage_is_printed(pages):
    text = pages.class_page(load_class_sheet("glass"))
    assert "| 0 | none | I | I | II | III |" in text
    assert "| 3 | II | II | II | III | III |" in text
    assert pages.class_page(load_class_sheet("wifi")).count("| 3 | 4 | 4 | 4 | 4 |") == 3


def test_every_finding_is_in_the_table_with_its_readers(pages):
    text = pages.findings_page()
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert set(rows) == set(vocabulary())
    assert "[WIfI](wifi.md)" in rows["toe_pressure_mmhg"]
    assert "[J-CTO](../sheets/j_cto.md)" in rows["length_mm"]
    assert "whole number, 0 to 3" in rows["timi_flow_grade"]


def test_the_manual_names_every_classification_with_its_trust():
    text = (DOCS / "classifications.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| \[`(\w+)`\]\(classes/\w+\.md\) \| [^|]+ \| ([^|]+) \|", text, re.MULTILINE))
    shipped = {name: load_class_sheet(name).trust for name in class_sheet_ids()}
    assert table == shipped | {name: load_sheet(name).trust for name in tally_ids()}
    assert set(re.findall(r"^classes/(\w+)$", text, re.MULTILINE)) == set(table)


def test_stale_pages_are_deleted(pages, tmp_path):
    (tmp_path / "gone.md").write_text("x", encoding="utf-8")
    pages.write_class_pages(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {*class_sheet_ids(), *tally_ids(), "findings"}
