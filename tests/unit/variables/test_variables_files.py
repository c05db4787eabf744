"""Excel, Parquet, SPSS and Stata: what is written is read back, and foreign files are understood or refused."""

from datetime import date, datetime

import openpyxl
import polars as pl
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recanal.errors import CohortError
from recanal.variables import (
    FORMATS,
    ReadOptions,
    WriteOptions,
    check_source,
    csv_bytes,
    entry_form,
    frame_schema,
    load_dictionary,
    write_frames,
)
from recanal.variables.splitting import ROW

BOOK = load_dictionary()
PATIENT = BOOK.table("patient")
FINE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12)
NUMBERS = st.floats(0, 120, allow_nan=False)


def patients(rows):
    """A frame of the table patient from (age, sex, diabetes, NYHA class, date, exclusions, centre)."""
    names = ("age_years", "sex", "diabetes", "nyha_class", "consented_on", "exclusions", "centre")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    columns["patient_id"] = [f"P{place}" for place in range(len(rows))]
    schema = frame_schema(PATIENT)
    whole = {name: columns.get(name, [None] * len(rows)) for name in schema}
    return pl.DataFrame(whole, schema=schema)


ROW_VALUES = st.tuples(
    st.none() | NUMBERS,
    st.none() | st.sampled_from(["female", "male"]),
    st.none() | st.sampled_from([0, 1]),
    st.none() | st.integers(1, 4),
    st.none() | st.dates(date(1900, 1, 1), date(2100, 12, 31)),
    st.none() | st.sampled_from(["infection", "bleeding_tendency;infection"]),
    st.none() | FINE,
)


def back(frame, fmt, folder, write=None, read=None):
    write_frames({"patient": frame}, folder, fmt, BOOK, write or WriteOptions())
    source = folder / "cohort.xlsx" if fmt == "xlsx" else folder
    checked = check_source(source, BOOK, read or ReadOptions())
    assert checked.rejections.height == 0, checked.rejections
    return checked.tables["patient"].drop(ROW).select(frame.columns)


@pytest.mark.parametrize("fmt", FORMATS)
@given(st.lists(ROW_VALUES, min_size=1, max_size=5))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_format_gives_back_the_same_rows(tmp_path_factory, fmt, rows):
    frame = patients(rows)
    assert back(frame, fmt, tmp_path_factory.mktemp(fmt)).equals(frame)


HARD = [
    (50.123456789012344, "male", 1, 3, date(2020, 2, 29), "infection", '=HYPERLINK("x"), é "q"'),
    (0.1 + 0.2, "female", 0, None, None, None, "-1+2"),
    (None, None, None, None, date(1900, 1, 1), None, "'quoted"),
]


@pytest.mark.parametrize("fmt", FORMATS)
def test_hard_values_survive(tmp_path, fmt):
    frame = patients(HARD)
    assert back(frame, fmt, tmp_path).equals(frame)


def test_a_text_file_in_another_style(tmp_path):
    frame = patients(HARD)
    style = {"encoding": "cp1252", "separator": ";", "decimal": ",", "dates": "dmy"}
    assert back(frame, "csv", tmp_path, WriteOptions(**style), ReadOptions(**style)).equals(frame)
    line = (tmp_path / "patient.csv").read_bytes().decode("cp1252").splitlines()[1]
    assert "50,123456789012344" in line
    assert "29-02-2020" in line


def test_choices_as_codes(tmp_path):
    frame = patients([(50.0, "female", 1, 2, None, None, None)])
    text = csv_bytes(frame, BOOK, WriteOptions(codes=True)).decode()
    assert text.splitlines()[1].split(",")[list(frame.columns).index("sex")] == "1"
    assert back(frame, "csv", tmp_path, WriteOptions(codes=True), ReadOptions(codes=True)).equals(frame)


def test_a_letter_that_the_encoding_lacks_is_refused():
    frame = patients([(None, None, None, None, None, None, "北京")])
    with pytest.raises(CohortError, match="cannot be written as cp1252"):
        csv_bytes(frame, BOOK, WriteOptions(encoding="cp1252"))


def test_text_is_no_formula_in_a_workbook(tmp_path):
    write_frames({"patient": patients(HARD)}, tmp_path, "xlsx", BOOK, WriteOptions())
    sheet = openpyxl.load_workbook(tmp_path / "cohort.xlsx")["patient"]
    column = [cell.value for cell in sheet[1]].index("centre") + 1
    cell = sheet.cell(row=2, column=column)
    assert (cell.value, cell.data_type) == ('=HYPERLINK("x"), é "q"', "s")
    assert cell.quotePrefix


def workbook(file, rows, name="Sheet1"):
    book = openpyxl.Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file


def test_a_foreign_workbook(tmp_path):
    file = workbook(
        tmp_path / "a.xlsx",
        [
            ["patient_id", "age_years", "consented_on", "diabetes", "nyha_class"],
            ["P1", 50.5, datetime(2020, 3, 4), True, 2],
            [None, None, None, None, None],
            ["P2", "61,5", "04.03.2020", "no", 3.0],
        ],
    )
    checked = check_source(file, BOOK, ReadOptions(decimal=",", dates="dmy"))
    assert checked.rejections.height == 0
    frame = checked.tables["patient"]
    assert frame["age_years"].to_list() == [50.5, 61.5]
    assert frame["consented_on"].to_list() == [date(2020, 3, 4)] * 2
    assert frame["diabetes"].to_list() == [1, 0]
    assert frame[ROW].to_list() == [2, 4]


def test_a_formula_without_a_result_is_rejected(tmp_path):
    file = workbook(tmp_path / "a.xlsx", [["patient_id", "age_years", "consented_on"], ["P1", "=1+49", "12:30"]])
    lost = check_source(file, BOOK, ReadOptions()).rejections
    assert lost.select("row", "column", "rule").rows() == [(2, "age_years", "formula"), (2, "consented_on", "date")]


def test_a_time_of_day_is_no_date(tmp_path):
    file = workbook(tmp_path / "a.xlsx", [["patient_id", "consented_on"], ["P1", datetime(2020, 3, 4, 12, 30)]])
    assert check_source(file, BOOK, ReadOptions()).rejections["rule"].to_list() == ["date"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["patient_id", None, "sex"], ["P1", 1, "male"]], "column 2 has no name"),
        ([["patient_id", "patient_id"], ["P1", 1]], "stands twice"),
        ([["patient_id"], ["P1", "more"]], "row 2 has a value beyond the last named column"),
        ([[]], "the sheet is empty"),
    ],
)
def test_a_broken_sheet_is_refused(tmp_path, rows, told):
    with pytest.raises(CohortError, match=told):
        check_source(workbook(tmp_path / "a.xlsx", rows), BOOK, ReadOptions())


def test_a_sheet_by_name(tmp_path):
    file = workbook(tmp_path / "a.xlsx", [["patient_id", "age_years"], ["P1", 50]], name="May")
    assert check_source(file, BOOK, ReadOptions(sheet="May")).tables["patient"].height == 1
    with pytest.raises(CohortError, match="no sheet 'June'"):
        check_source(file, BOOK, ReadOptions(sheet="June"))


def test_labels_of_a_foreign_spss_file_win_over_its_codes(tmp_path):
    frame = pl.DataFrame({"patient_id": ["P1", "P2"], "sex": [1.0, 2.0], "diabetes": [2.0, 1.0]})
    labels = {"sex": {1: "Male", 2: "Female"}, "diabetes": {1: "No", 2: "Yes"}}
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"), variable_value_labels=labels)
    table = check_source(tmp_path / "a.sav", BOOK, ReadOptions()).tables["patient"]
    assert table["sex"].to_list() == ["male", "female"]
    assert table["diabetes"].to_list() == [1, 0]


def test_a_code_without_a_label_or_with_an_unknown_one_is_rejected(tmp_path):
    frame = pl.DataFrame({"patient_id": ["P1", "P2", "P3"], "sex": [1.0, 2.0, 3.0]})
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"), variable_value_labels={"sex": {1: "male", 2: "2"}})
    for codes in (False, True):
        lost = check_source(tmp_path / "a.sav", BOOK, ReadOptions(codes=codes)).rejections
        assert lost.select("row", "rule").rows() == [(3, "unlabelled"), (4, "unlabelled")]


def test_stata_gets_short_names_and_they_are_read_back(tmp_path):
    frame = pl.DataFrame({"operator_id": ["O1"], "operator_last_year_success_percent": [92.5]})
    write_frames({"operator": frame}, tmp_path, "dta", BOOK, WriteOptions())
    assert (
        "operator_success_percent"
        in pyreadstat.read_dta(str(tmp_path / "operator.dta"), output_format="polars")[0].columns
    )
    table = check_source(tmp_path / "operator.dta", BOOK, ReadOptions()).tables["operator"]
    assert table["operator_last_year_success_percent"].to_list() == [92.5]


def test_labels_travel_with_spss_files(tmp_path):
    write_frames({"patient": patients(HARD)}, tmp_path, "sav", BOOK, WriteOptions())
    meta = pyreadstat.read_sav(str(tmp_path / "patient.sav"), output_format="polars")[1]
    assert meta.column_names_to_labels["age_years"] == "Age [a]"
    assert meta.variable_value_labels["sex"] == {1.0: "female", 2.0: "male"}
    assert meta.variable_value_labels["diabetes"] == {0.0: "no", 1.0: "yes"}


def test_a_parquet_list_is_refused(tmp_path):
    pl.DataFrame({"patient_id": ["P1"], "sex": [["male"]]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(CohortError, match="not single values"):
        check_source(tmp_path / "a.parquet", BOOK, ReadOptions())


def test_the_entry_form_refuses_what_the_dictionary_refuses(tmp_path):
    entry_form(BOOK, ["patient", "lesion"], tmp_path / "form.xlsx")
    book = openpyxl.load_workbook(tmp_path / "form.xlsx")
    assert book.sheetnames == ["patient", "lesion"]
    sheet = book["patient"]
    assert [cell.value for cell in sheet[1]] == list(PATIENT.names)
    letters = {cell.value: cell.column_letter for cell in sheet[1]}
    rules = {str(rule.sqref).split("2:")[0]: rule for rule in sheet.data_validations.dataValidation}
    age, sex = rules[letters["age_years"]], rules[letters["sex"]]
    assert (age.type, age.formula1, age.formula2) == ("decimal", "0", "120")
    assert (sex.type, sex.formula1) == ("list", '"female,male"')
    assert "Age" in sheet[f"{letters['age_years']}1"].comment.text


def test_an_entry_form_can_be_imported(tmp_path):
    entry_form(BOOK, ["patient"], tmp_path / "form.xlsx")
    book = openpyxl.load_workbook(tmp_path / "form.xlsx")
    book["patient"]["A2"] = "P1"
    book.save(tmp_path / "filled.xlsx")
    checked = check_source(tmp_path / "filled.xlsx", BOOK, ReadOptions())
    assert checked.tables["patient"]["patient_id"].to_list() == ["P1"]


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(CohortError, match="format must be one of"):
        write_frames({}, tmp_path, "ods", BOOK, WriteOptions())
