"""Files that an import must not pass over, misread or stumble upon."""

import openpyxl
import polars as pl
import pytest

from recanal.errors import CohortError
from recanal.variables import ReadOptions, check_source, load_dictionary
from recanal.variables.read_options import read_column_rules

BOOK = load_dictionary()


def _folder(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text)
    return tmp_path


def test_a_file_that_no_table_is_named_after_is_not_passed_over(tmp_path):
    folder = _folder(tmp_path, patient__csv="patient_id\nP1\n", lesions__csv="lesion_id,patient_id\nL1,P1\n")
    with pytest.raises(CohortError, match="no table is called 'lesions'") as caught:
        check_source(folder, BOOK, ReadOptions())
    assert "lesion" in caught.value.hint
    (folder / "lesions.csv").rename(folder / "lesion.csv")
    (folder / "readme.md").write_text("not data")
    assert set(check_source(folder, BOOK, ReadOptions()).tables) == {"patient", "lesion"}


def test_two_files_of_one_table_are_not_guessed_between(tmp_path):
    folder = _folder(tmp_path, patient__csv="patient_id\nP1\n")
    pl.DataFrame({"patient_id": ["P2"]}).write_parquet(folder / "patient.parquet")
    with pytest.raises(CohortError, match="two files hold the table patient"):
        check_source(folder, BOOK, ReadOptions())


def test_a_folder_with_one_file_of_another_name_is_told_to_name_it(tmp_path):
    folder = _folder(tmp_path, cohort__csv="patient_id\nP1\n")
    with pytest.raises(CohortError) as caught:
        check_source(folder, BOOK, ReadOptions())
    assert caught.value.hint == "Name cohort.csv itself."


def test_lines_that_end_in_a_carriage_return_alone_are_lines(tmp_path):
    file = tmp_path / "patient.csv"
    file.write_bytes(b"patient_id,sex\rP1,male\rP2,female\r")
    assert check_source(file, BOOK, ReadOptions()).rows_count == 2


@pytest.mark.parametrize("text", ["columns = 3", '[columns]\n"Nr" = 5'])
def test_column_rules_of_another_kind_are_refused(tmp_path, text):
    file = tmp_path / "columns.toml"
    file.write_text(text)
    with pytest.raises(CohortError):
        read_column_rules(file, BOOK)


def test_a_truth_value_of_a_workbook_is_no_number(tmp_path):
    file = tmp_path / "patient.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "patient"
    for row in (["patient_id", "age_years", "diabetes"], ["P1", True, True], ["P2", 60, False]):
        book.active.append(row)
    book.save(file)
    found = check_source(file, BOOK, ReadOptions())
    assert found.rejections.select("row", "column", "rule").rows() == [(2, "age_years", "number")]
    assert found.tables["patient"].filter(pl.col("patient_id") == "P2")["diabetes"].to_list() == [0]
