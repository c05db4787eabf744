"""Rows read by columns are the rows read one by one, on both databases."""

import importlib.util
import sqlite3
from contextlib import closing
from datetime import date

import pytest
from conftest_cohort import AUTHOR, WHY, put

from recanal.cohort import ImportOptions, columns, flat_frame, withdraw_rows
from recanal.cohort.columns import frames_by_columns
from recanal.cohort.engines import reading
from recanal.cohort.store import present_rows
from recanal.errors import CohortError

# the first rows are empty where later ones are not: types must not be taken from them
LESIONS = (
    "patient_id,sex,age_years,consented_on,lesion_id,vessel,duration_months,ct_length_mm,technical_success\n"
    "P2,female,,,L3,LCX,,,\n"
    "P1,male,50.25,2020-02-29,L1,RCA,2,22.5,1\n"
    "P1,male,50.25,2020-02-29,L2,LAD,0,,0\n"
    "P3,,71,,L-4,LAD,12.125,9,1\n"
)


@pytest.fixture
def changed(store):
    """A store in which one row has two versions and one was withdrawn."""
    put(store, LESIONS)
    put(store, "patient_id,age_years\nP1,51\n", how=ImportOptions(update=True), author=WHY)
    withdraw_rows(store, "patient", ["P3"], author=WHY, children=True)
    return store


def _wanted(store, names=None):
    return [(store.dictionary.table(name), store.dictionary.table(name).names) for name in names or ("patient", "ct")]


def test_columns_hold_the_present_rows(changed):
    patients = frames_by_columns(changed.engine, _wanted(changed))["patient"]
    assert patients.select("patient_id", "sex", "age_years", "consented_on").rows() == [
        ("P1", "male", 51.0, date(2020, 2, 29)),
        ("P2", "female", None, None),
    ]


def test_columns_are_what_the_views_show(changed):
    names = changed.dictionary.names
    found = frames_by_columns(changed.engine, _wanted(changed, names))
    with reading(changed.engine) as connection:
        for name in names:
            one_by_one = present_rows(connection, changed.dictionary.table(name), None)
            assert found[name].equals(one_by_one), name
            assert found[name].schema == one_by_one.schema, name


def test_rows_written_between_the_starts_of_the_processes_are_read_whole(changed, monkeypatch):
    """Two processes share the tables; the second is made to start after another import."""
    answers, shares = columns._answers, []

    def late(kind, where, share):
        shares.append([table.name for table, _ in share])
        found = answers(kind, where, share)
        if len(shares) == 1:
            put(changed, "patient_id,sex,lesion_id,vessel,ct_length_mm\nP9,male,L9,RCA,30\n")
        return found

    monkeypatch.setattr(columns, "ThreadPoolExecutor", _OneAfterTheOther)
    monkeypatch.setattr(columns, "_answers", late)
    found = frames_by_columns(changed.engine, _wanted(changed))
    assert [len(share) for share in shares] == [1, 1, 2]
    assert found["patient"]["patient_id"].to_list() == ["P1", "P2", "P9"]
    assert found["ct"]["ct_length_mm"].to_list() == [22.5, 30.0]


class _OneAfterTheOther:
    def __init__(self, count):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    map = staticmethod(map)


def test_some_columns_come_in_the_order_asked_for(changed):
    table = changed.dictionary.table("lesion")
    found = frames_by_columns(changed.engine, [(table, ("duration_months", "patient_id"))])["lesion"]
    assert found.rows() == [(2.0, "P1"), (0.0, "P1"), (None, "P2")]


@pytest.mark.parametrize("value", ["'long'", "2.5"])
def test_a_value_of_another_type_is_left_to_the_rows(file_store, value):
    put(file_store, LESIONS)
    column = "age_years" if value == "'long'" else "diabetes"
    with closing(sqlite3.connect(file_store.engine.url.database)) as raw:
        raw.execute("DROP TRIGGER patient_rows_no_update")
        raw.execute(f"UPDATE patient_rows SET {column} = {value} WHERE patient_id = 'P3'")
        raw.commit()
    assert frames_by_columns(file_store.engine, _wanted(file_store)) is None


def test_without_the_driver_or_the_file_there_are_no_columns(file_store, monkeypatch):
    assert frames_by_columns(file_store.engine, _wanted(file_store)) is not None
    file_store.engine.dispose()
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        assert frames_by_columns(file_store.engine, _wanted(file_store)) is None
    with closing(sqlite3.connect(file_store.engine.url.database)) as raw:
        raw.execute("DROP VIEW patient")
        raw.execute("ALTER TABLE patient_rows RENAME TO elsewhere")
    assert frames_by_columns(file_store.engine, _wanted(file_store)) is None


def test_many_rows_are_read_by_columns_and_few_by_rows(changed, monkeypatch):
    wanted = {"patient": ("patient_id", "age_years"), "lesion": ("lesion_id",)}
    few = changed.frames(wanted)
    monkeypatch.setattr("recanal.cohort.store._MANY_ROWS", 1)
    asked = []

    def by_columns(engine, homes):
        asked.append([table.name for table, _ in homes])
        return frames_by_columns(engine, homes)

    monkeypatch.setattr("recanal.cohort.store.frames_by_columns", by_columns)
    many = changed.frames(wanted)
    assert asked == [["patient", "lesion"]]
    assert many["patient"].rows() == few["patient"].rows() == [("P1", 51.0), ("P2", None)]
    assert many["lesion"].rows() == few["lesion"].rows() == [("L1",), ("L2",), ("L3",)]


def test_a_flat_frame_of_some_columns(changed):
    frame = flat_frame(changed, derived=True, columns=["ct_length_mm", "age_years"])
    keys = {"lesion_id", "patient_id", "ct_id", "procedure_id", "operator_id"}
    assert set(frame.columns) == {*keys, "age_years", "ct_length_mm"}
    assert frame["ct_length_mm"].to_list() == [22.5, None, None]
    whole = flat_frame(changed, derived=True)
    assert whole.select(frame.columns).equals(frame)


def test_derived_columns_come_without_their_inputs(file_store):
    put(file_store, "patient_id,weight_kg,height_cm,lesion_id,vessel\nP1,81,180,L1,LAD\n")
    frame = flat_frame(file_store, derived=True, columns=["bmi_computed_kg_m2"])
    assert frame["bmi_computed_kg_m2"].to_list() == [pytest.approx(25.0)]  # 81 / 1.8^2
    assert not {"weight_kg", "height_cm"} & set(frame.columns)


def test_two_laboratory_rows_of_a_patient_with_two_lesions_are_refused(file_store):
    put(file_store, "patient_id,sex,lesion_id,vessel\nP1,male,L1,LAD\nP1,male,L2,RCA\n")
    assert put(file_store, "laboratory_id,patient_id,creatinine_umol_l\nA,P1,80\nB,P1,90\n").written
    with pytest.raises(CohortError, match="laboratory has more than one row for 1 of the patients"):
        flat_frame(file_store)


def test_tables_with_present_rows(changed):
    assert set(changed.filled()) == {"patient", "lesion", "ct", "procedure"}
    withdraw_rows(changed, "procedure", ["L1", "L2"], author=AUTHOR)
    assert "procedure" not in changed.filled()
