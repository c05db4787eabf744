"""The page of each sheet in the manual."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from recanal.scores import Sheet, load_sheet, sheet_ids

SOURCE = Path(__file__).parents[3] / "docs" / "sheet_pages.py"
SHEETS = [sheet for sheet in map(load_sheet, sheet_ids()) if isinstance(sheet, Sheet)]


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("sheet_pages", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.id)
def test_a_page_shows_trust_items_and_every_stratum(pages, sheet):
    text = pages.sheet_page(sheet)
    assert f"Trust: {sheet.trust}" in text
    assert (f"https://doi.org/{sheet.doi}" if sheet.doi else "DOI not known") in text
    for item in sheet.items:
        assert f"| `{item.name}`" in text
    for stratum in sheet.strata:
        assert text.count(f"\n| {pages.plain(stratum.name)} |") == 1 + len(sheet.rates)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.id)
def test_no_column_holds_rates_of_two_endpoints(pages, sheet):
    heads = [line for line in pages.sheet_page(sheet).split("\n") if line.startswith("| stratum |") and "n/N" in line]
    assert [head.split(" | ")[1] for head in heads] == [pages.plain(rates.endpoint) for rates in sheet.rates]


def test_rates_that_were_not_read_are_unknown(pages):
    text = pages.sheet_page(load_sheet("castle"))
    assert "| 3 | unknown |  |  |" in text
    assert "| \\>=4 | 35.0 % | not printed |  |" in text
    assert "| extremely difficult | 25.0 % | 1/4 | 4.6 to 69.9 % |" in pages.sheet_page(load_sheet("operator_cto"))
    assert "Unknown: no rate per total was printed" in pages.sheet_page(load_sheet("recharge"))


def test_markup_is_escaped(pages):
    assert pages.plain(">= 2 [bends] | a_b") == r"\>= 2 \[bends\] \| a\_b"


def test_pages_of_sheets_that_are_gone_are_deleted(pages, tmp_path):
    (tmp_path / "gone.md").write_text("x", encoding="utf-8")
    pages.write_sheet_pages(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {sheet.id for sheet in SHEETS}
