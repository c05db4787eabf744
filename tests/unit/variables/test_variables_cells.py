"""Cells: text into values, and what is rejected."""

from datetime import date

import polars as pl
import pytest

from recanal.errors import CohortError
from recanal.variables import ColumnRule, ReadOptions, load_dictionary, read_column_rules
from recanal.variables.cells import parse_column
from recanal.variables.rejections import shown_value

BOOK = load_dictionary()


def parse(name, texts, rule=None, **options):
    series = pl.Series(name, texts, dtype=pl.String)
    rows = pl.Series(range(2, len(texts) + 2), dtype=pl.Int64)
    values, lost = parse_column(series, BOOK.variable(name), rows, ReadOptions(**options), rule)
    return values.to_list(), [(row, rule_name, value) for row, _, rule_name, value in lost.iter_rows()]


GOOD = [
    ("age_years", ["50", " 61.5 ", "", None, "1e1", ".5"], {}, [50.0, 61.5, None, None, 10.0, 0.5]),
    ("age_years", ["50,5", "6"], {"decimal": ","}, [50.5, 6.0]),
    ("nyha_class", ["3", "2.0", ""], {}, [3, 2, None]),
    ("diabetes", ["1", "0", "yes", "No", "TRUE", "false", ""], {}, [1, 0, 1, 0, 1, 0, None]),
    ("sex", ["male", "Female"], {}, ["male", "female"]),
    ("sex", ["1", "2", "1.0"], {"codes": True}, ["female", "male", "female"]),
    ("vessel", ["rca", "LAD", "graft"], {}, ["RCA", "LAD", "graft"]),
    ("trial_arm", ["CT before the procedure"], {}, ["ct_guided"]),
    ("exclusions", ["infection; Bleeding tendency", "infection"], {}, ["bleeding_tendency;infection", "infection"]),
    ("consented_on", ["2020-02-29", "2020-3-4"], {}, [date(2020, 2, 29), date(2020, 3, 4)]),
    ("consented_on", ["31.12.2020", "3/4/2020"], {"dates": "dmy"}, [date(2020, 12, 31), date(2020, 4, 3)]),
    ("consented_on", ["12-31-2020", "3/4/2020"], {"dates": "mdy"}, [date(2020, 12, 31), date(2020, 3, 4)]),
    ("lesion_id", ["L-1", "P1:2"], {}, ["L-1", "P1:2"]),
    ("centre", [" Rome ", "=1+1"], {}, ["Rome", "=1+1"]),
    ("age_years", ["NA", "999", "5"], {"missing": ("NA", "999")}, [None, None, 5.0]),
]


@pytest.mark.parametrize(("name", "texts", "options", "expected"), GOOD)
def test_values(name, texts, options, expected):
    assert parse(name, texts, **options) == (expected, [])


BAD = [
    ("age_years", "12 years", {}, "number", "(8 characters)"),
    ("age_years", "Smith, John", {}, "number", "(11 characters)"),
    ("age_years", "1950-03-02", {}, "number", "(a date)"),
    ("age_years", "50,5", {}, "decimal", "50,5"),
    ("age_years", "50.5", {"decimal": ","}, "decimal", "50.5"),
    ("age_years", "1.234,5", {"decimal": ","}, "number", "1.234,5"),
    ("age_years", "NaN", {}, "number", "NaN"),
    ("age_years", "inf", {}, "number", "inf"),
    ("age_years", "-1", {}, "range", "-1"),
    ("age_years", "121", {}, "range", "121"),
    ("nyha_class", "2.5", {}, "whole", "2.5"),
    ("nyha_class", "5", {}, "range", "5"),
    ("diabetes", "2", {}, "bool", "2"),
    ("diabetes", "perhaps", {}, "bool", "perhaps"),
    ("sex", "1", {}, "choice", "1"),
    ("sex", "3", {"codes": True}, "choice", "3"),
    ("sex", "male", {"codes": True}, "choice", "male"),
    ("exclusions", "infection;flu", {}, "choice", "infection;flu"),
    ("consented_on", "03/04/2020", {}, "date", "03/04/2020"),
    ("consented_on", "2020-02-30", {}, "date", "2020-02-30"),
    ("consented_on", "1.2.20", {"dates": "dmy"}, "date", "1.2.20"),
    ("consented_on", "13/13/2020", {"dates": "mdy"}, "date", "13/13/2020"),
    ("consented_on", "1850-01-01", {}, "date", "1850-01-01"),
    ("lesion_id", "Smith, John", {}, "id", "(not shown)"),
    ("lesion_id", "=1+1", {}, "id", "(not shown)"),
    ("centre", "a\x07b", {}, "text", "(not shown)"),
]


@pytest.mark.parametrize(("name", "text", "options", "rule", "shown"), BAD)
def test_rejections(name, text, options, rule, shown):
    assert parse(name, ["", text], **options) == ([None, None], [(3, rule, shown)])


def test_units_are_converted_and_checked_after():
    rule = ColumnRule("creatinine_umol_l", 88.4)
    values, lost = parse("creatinine_umol_l", ["1.0", "90"], rule)
    assert values == [88.4, None]
    assert lost == [(3, "range", "90")]


def test_foreign_words_are_translated():
    assert parse("sex", ["M", "F"], ColumnRule("sex", values={"M": "male", "F": "female"})) == (["male", "female"], [])


def test_a_pseudonym_or_free_text_is_never_shown():
    for name in ("patient_id", "ct_reader", "centre"):
        assert shown_value(BOOK.variable(name), "anything") == "(not shown)"


def test_column_rules_from_a_file(tmp_path):
    file = tmp_path / "columns.toml"
    file.write_text(
        '[columns]\n"Age (y)" = "age_years"\n"Note" = ""\n'
        '"Crea" = { name = "creatinine_umol_l", unit = "mg/dL" }\n'
        '"Sex" = { name = "sex", values = { M = "male" } }\n',
        encoding="utf-8",
    )
    rules = read_column_rules(file, BOOK)
    assert rules["Age (y)"] == ColumnRule("age_years")
    assert rules["Note"].name == ""
    assert rules["Crea"].factor == 88.4
    assert rules["Sex"].values == {"M": "male"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"A" = "agee"', "agee: no such variable"),
        ('"A" = { name = "age_years", unit = "weeks" }', "no conversion from 'weeks'"),
        ('"A" = { name = "sex", values = { M = "man" } }', "'man' is no choice of sex"),
        ('"A" = { name = "sex", word = 1 }', "has name, unit and values"),
    ],
)
def test_a_bad_column_rule_is_refused(tmp_path, line, told):
    file = tmp_path / "columns.toml"
    file.write_text(f"[columns]\n{line}\n", encoding="utf-8")
    with pytest.raises(CohortError, match=told):
        read_column_rules(file, BOOK)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"decimal": ";"}, "decimal must be"),
        ({"dates": "ydm"}, "dates must be one of"),
        ({"separator": ",,"}, "one character"),
        ({"encoding": "utf-99"}, "is not known"),
    ],
)
def test_options_are_checked(options, told):
    with pytest.raises(CohortError, match=told):
        ReadOptions(**options)
