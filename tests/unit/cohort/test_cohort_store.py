"""The store on both databases: what goes in comes out, and nothing is lost, doubled or silently changed."""

import signal
import subprocess
import sys
import threading
from datetime import date

import polars as pl
import pytest
from conftest_cohort import AUTHOR, WHY, put, rejected
from evidence.postgres_server import new_database

from recanal.cohort import (
    Author,
    ImportOptions,
    create_store,
    flat_frame,
    instances,
    open_store,
    table_frames,
    verify_store,
    withdraw_rows,
)
from recanal.errors import CohortError
from recanal.variables import extended, load_dictionary, parse_dictionary
from recanal.variables.dictionary import as_plain

FLAT = (
    "patient_id,sex,age_years,consented_on,lesion_id,vessel,ct_length_mm,technical_success\n"
    "P1,male,50.25,2020-02-29,L1,RCA,22.5,1\n"
    "P1,male,50.25,2020-02-29,L2,LAD,,0\n"
    "P2,female,,,L3,LCX,30,\n"
)


def test_rows_come_back_as_they_went_in(store):
    result = put(store, FLAT)
    assert result.added == {"patient": 2, "lesion": 3, "ct": 2, "procedure": 2}
    patient = store.frame("patient")
    assert patient.select("patient_id", "sex", "age_years", "consented_on").rows() == [
        ("P1", "male", 50.25, date(2020, 2, 29)),
        ("P2", "female", None, None),
    ]
    assert store.frame("ct")["ct_length_mm"].to_list() == [22.5, 30.0]
    assert store.counts() == {**dict.fromkeys(store.dictionary.names, 0), **result.added}


def test_a_second_import_of_the_same_rows_changes_nothing(store):
    put(store, FLAT)
    again = put(store, FLAT)
    assert again.unchanged == {"patient": 2, "lesion": 3, "ct": 2, "procedure": 2}
    assert not again.written
    assert len(store.audit()) == 5


def test_all_or_nothing(store):
    bad = put(store, FLAT.replace("L3,LCX", "L3,XYZ"))
    assert rejected(bad) == [(4, "vessel", "choice")]
    assert not bad.written
    assert sum(store.counts().values()) == 0


def test_the_good_rows_alone_where_that_was_asked_for(store):
    result = put(store, FLAT.replace("L3,LCX", "L3,XYZ"), how=ImportOptions(accept_partial=True))
    assert result.added == {"patient": 1, "lesion": 2, "ct": 1, "procedure": 2}
    assert rejected(result) == [(4, "vessel", "choice")]


def test_other_values_for_a_known_key_are_refused_or_become_a_version(store):
    put(store, "patient_id,age_years,sex\nP1,50,male\nP2,60,male\n")
    changed = "patient_id,age_years,sex\nP1,51,\nP2,60,\n"
    assert rejected(put(store, changed)) == [(2, "patient_id", "exists")]
    with pytest.raises(CohortError, match="A change needs a reason"):
        put(store, changed, how=ImportOptions(update=True), author=Author("tester"))
    result = put(store, changed, how=ImportOptions(update=True))
    assert (result.changed, result.unchanged) == ({"patient": 1}, {"patient": 1})
    assert store.frame("patient", columns=["age_years", "sex"]).rows() == [(51.0, "male"), (60.0, "male")]
    entry = store.audit()[-1]
    assert (entry["who"], entry["detail"]["reason"], entry["rows_count"]) == ("tester", "test", 1)
    with store.writing(AUTHOR) as writer:
        history = writer.connection.exec_driver_sql(
            "SELECT version, age_years FROM patient_rows WHERE patient_id = 'P1' ORDER BY version"
        ).all()
    assert [tuple(row) for row in history] == [(1, 50.0), (2, 51.0)]


def test_an_empty_cell_clears_only_where_that_was_asked_for(store):
    put(store, "patient_id,age_years,sex\nP1,50,male\n")
    blank = "patient_id,age_years\nP1,\n"
    assert put(store, blank, how=ImportOptions(update=True)).unchanged == {"patient": 1}
    put(store, blank, how=ImportOptions(update=True, blanks_overwrite=True))
    assert store.frame("patient", columns=["age_years", "sex"]).rows() == [(None, "male")]


def test_parents_must_exist(store):
    lesion = "lesion_id,patient_id,vessel\nL1,P1,RCA\n"
    assert rejected(put(store, lesion, table="lesion")) == [(2, "patient_id", "parent")]
    assert rejected(put(store, lesion)) == [(2, "patient_id", "parent")]
    result = put(store, lesion, how=ImportOptions(create_parents=True))
    assert result.added == {"patient": 1, "lesion": 1}
    assert rejected(put(store, "ct_id,lesion_id,ct_length_mm\nC1,L9,5\n")) == [(2, "lesion_id", "parent")]


def test_a_row_stays_with_its_parent(store):
    put(store, FLAT)
    moved = put(store, "lesion_id,patient_id\nL1,P2\n", table="lesion", how=ImportOptions(update=True))
    assert rejected(moved) == [(2, "patient_id", "moved")]


def test_follow_up_events(store):
    put(store, FLAT)
    events = (
        "event_id,patient_id,lesion_id,event,event_on,death_cause,adjudication\n"
        "E1,P1,L1,target_vessel_revascularisation,2020-09-01,,confirmed\n"
        "E2,P1,,death,2021-01-31,cardiac,confirmed\n"
        "E3,P2,,last_contact,2021-03-01,,\n"
    )
    assert put(store, events).added == {"follow_up": 3}
    assert rejected(put(store, events.replace("E3", "E4").replace("2021-03-01", ""))) == [(4, "event_on", "required")]
    stranger = "event_id,patient_id,lesion_id,event,event_on\nE5,P2,L1,amputation,2021-01-01\n"
    assert rejected(put(store, stranger, table="follow_up")) == [(2, "lesion_id", "kin")]


def test_withdrawn_rows_leave_views_and_stay_in_history(store):
    put(store, FLAT)
    with pytest.raises(CohortError, match="2 rows of lesion hang on them"):
        withdraw_rows(store, "patient", ["P1"], author=WHY)
    assert withdraw_rows(store, "patient", ["P1"], author=WHY, children=True) == 6
    assert store.frame("lesion")["lesion_id"].to_list() == ["L3"]
    assert store.first_rows("lesion").height == 3
    assert rejected(put(store, "patient_id,age_years\nP1,50\n")) == [(2, "patient_id", "withdrawn")]
    with pytest.raises(CohortError, match="1 of the keys are not in the table"):
        withdraw_rows(store, "patient", ["P1"], author=WHY)
    with pytest.raises(CohortError, match="needs a reason"):
        withdraw_rows(store, "patient", ["P2"], author=Author("tester"))


def test_instances_never_move(store):
    put(store, FLAT)
    before = instances(store)["lesion"].sort("lesion_id").rows()
    assert before == [("L1", "P1", 1), ("L2", "P1", 2), ("L3", "P2", 1)]
    withdraw_rows(store, "lesion", ["L1"], author=WHY, children=True)
    put(store, "patient_id,lesion_id,vessel\nP1,L0,LM\n")
    after = dict(instances(store)["lesion"].select("lesion_id", "instance").rows())
    assert after == {"L1": 1, "L2": 2, "L3": 1, "L0": 3}
    assert set(dict(instances(store)["ct"].select("ct_id", "instance").rows()).values()) == {1}


def test_the_flat_table(store):
    put(store, FLAT)
    flat = flat_frame(store, derived=True)
    assert flat["lesion_id"].to_list() == ["L1", "L2", "L3"]
    assert flat["sex"].to_list() == ["male", "male", "female"]
    assert flat["ct_length_at_least_20_mm"].to_list() == [1, None, 1]
    assert "weight_kg" not in flat.columns
    put(store, "ct_id,lesion_id,ct_reader,ct_length_mm\nR2,L1,R2,23\n")
    with pytest.raises(CohortError, match="ct has more than one row for 1 of the lesions"):
        flat_frame(store)
    assert "ct_length_mm" not in flat_frame(store, ["patient", "procedure"]).columns


def test_only_tables_with_rows_are_given(store):
    put(store, FLAT)
    assert list(table_frames(store)) == ["patient", "lesion", "ct", "procedure"]
    assert list(table_frames(store, ["operator"])) == ["operator"]


def test_rows_may_not_be_changed_or_removed_behind_the_store(store):
    put(store, FLAT)
    for statement in (
        "UPDATE patient_rows SET age_years = 1",
        "DELETE FROM patient_rows",
        "UPDATE audit SET who = 'other'",
        "DELETE FROM audit_leaves",
        "DELETE FROM dictionary",
    ):
        with pytest.raises(CohortError, match="refuses to change or remove"), store.writing(AUTHOR) as writer:
            writer.connection.exec_driver_sql(statement)


def test_the_database_itself_refuses_an_orphan_and_a_double(store):
    rows = pl.DataFrame({"lesion_id": ["L1"], "patient_id": ["P1"], "version": [1], "withdrawn": [0]})
    with pytest.raises(CohortError, match="a parent that the store does not hold"), store.writing(AUTHOR) as writer:
        writer.append("lesion", rows, action="import")
    put(store, FLAT)
    with pytest.raises(CohortError, match="Another writer stored"), store.writing(AUTHOR) as writer:
        writer.append("lesion", rows, action="import")
    assert store.counts()["lesion"] == 3


def test_a_failed_transaction_leaves_nothing(store):
    rows = pl.DataFrame({"patient_id": ["P1"], "version": [1], "withdrawn": [0]})

    def write_and_fail():
        with store.writing(AUTHOR) as writer:
            writer.append("patient", rows, action="import")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_and_fail()
    assert store.counts()["patient"] == 0
    assert len(store.audit()) == 1


DIES = """
import sys, time
import polars as pl
from recanal.cohort import Author, open_store
store = open_store(sys.argv[1])
with store.writing(Author("dying")) as writer:
    keys = [f"B{number:06d}" for number in range(20000)]
    rows = pl.DataFrame({"patient_id": keys, "version": [1] * 20000, "withdrawn": [0] * 20000})
    writer.append("patient", rows, action="import")
    print("written", flush=True)
    time.sleep(60)
"""


def test_a_process_killed_before_its_end_leaves_nothing(store, where):
    put(store, FLAT)
    with subprocess.Popen([sys.executable, "-c", DIES, where], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "written\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert store.counts()["patient"] == 2
    assert verify_store(store).sound
    assert put(store, "patient_id,age_years\nB000001,50\n").added == {"patient": 1}


def test_writers_at_the_same_time_are_all_heard(where):
    create_store(where, AUTHOR).close()
    failures = []

    def write(number):
        try:
            opened = open_store(where)
            for part in range(3):
                put(opened, f"patient_id,age_years\nP{number}-{part},50\n")
            opened.close()
        except CohortError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    opened = open_store(where)
    assert failures == []
    assert opened.counts()["patient"] == 12
    assert [entry["number"] for entry in opened.audit()] == list(range(1, 14))
    opened.close()


def test_a_writer_who_waits_too_long_is_told(where):
    first, second = create_store(where, AUTHOR), open_store(where, timeout_s=0.2)
    with (
        first.writing(AUTHOR),
        pytest.raises(CohortError, match="Another program is writing to the store"),
        second.writing(AUTHOR),
    ):
        pass
    first.close()
    second.close()


def test_a_new_variable_arrives_with_an_upgrade(where, tmp_path):
    whole = load_dictionary()
    plain = as_plain(whole)
    for table in plain["tables"]:
        table["variables"] = [v for v in table["variables"] if v["name"] not in ("centre", "crossing_min", "ct_on")]
    old = create_store(where, AUTHOR, dictionary=parse_dictionary(plain))
    put(old, "patient_id,age_years,lesion_id,vessel,fluoroscopy_min\nP1,50,L1,RCA,12\n")
    old.close()
    new = create_store(where, WHY)
    put(new, "patient_id,centre\nP2,Rome\n")
    assert new.frame("patient", columns=["centre", "age_years"]).rows() == [(None, 50.0), ("Rome", None)]
    assert new.frame("ct", columns=["ct_on"]).schema == {"ct_on": pl.Date}
    assert [entry["action"] for entry in new.audit()] == ["init", "import", "import", "import", "upgrade", "import"]
    assert open_store(where).dictionary == whole
    with pytest.raises(CohortError, match="is in the store; the dictionary lacks it"):
        create_store(where, AUTHOR, dictionary=parse_dictionary(plain))
    file = tmp_path / "more.toml"
    file.write_text('[[variables]]\ntable = "ct"\nname = "own"\nkind = "bool"\nlabel = "A"\ntiming = "before"\n')
    more = create_store(where, WHY, dictionary=extended(whole, file))
    put(more, "lesion_id,own\nL1,1\n", how=ImportOptions(create_parents=False))
    assert more.frame("ct", columns=["own"]).rows() == [(1,)]
    for opened in (new, more):
        opened.close()


def test_making_a_store_twice_changes_nothing(where):
    create_store(where, AUTHOR).close()
    again = create_store(where, AUTHOR)
    assert len(again.audit()) == 1
    again.close()


def test_a_store_of_a_newer_recanal_is_refused(where):
    opened = create_store(where, AUTHOR)
    with opened.writing(AUTHOR) as writer:
        writer.connection.exec_driver_sql(
            "INSERT INTO dictionary (schema_version, number, content) VALUES (99, 99, '{}')"
        )
    opened.close()
    with pytest.raises(CohortError, match="schema 99; this recanal knows 1"):
        open_store(where)


def test_a_user_who_may_only_read_and_insert_can_import(postgres):
    where = new_database(postgres)
    owner = create_store(where, AUTHOR)
    role = f"writer_{where.rsplit('/', 1)[1]}"
    with owner.writing(AUTHOR) as writer:
        writer.connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        writer.connection.exec_driver_sql(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role}")
    opened = open_store(where.replace("tester@", f"{role}@"))
    assert put(opened, FLAT).added["lesion"] == 3
    with pytest.raises(CohortError, match="The database refused"), opened.writing(AUTHOR) as writer:
        writer.connection.exec_driver_sql("ALTER TABLE patient_rows DISABLE TRIGGER ALL")
    assert owner.counts()["lesion"] == 3


def test_odd_texts_and_numbers_come_back_to_the_letter(store):
    texts = ['a "b", c', "NULL", "\\N", "=1+1", "μ ü 中", "x;y\tz", None]
    numbers = [70.1, 59.949999999999996, 100 / 3, 50.0, 1e2, 77.7, None]
    quoted = ['""' if text is None else '"' + text.replace('"', '""') + '"' for text in texts]
    cells = ["" if number is None else repr(number) for number in numbers]
    rows = [f"P{place},{text},{cell}" for place, (text, cell) in enumerate(zip(quoted, cells, strict=True))]
    result = put(store, "patient_id,centre,weight_kg\n" + "\n".join(rows) + "\n")
    assert rejected(result) == []
    frame = store.frame("patient", columns=["centre", "weight_kg"])
    assert frame.rows() == list(zip(texts, numbers, strict=True))
    assert verify_store(store).sound


LANGUAGES = ("LOCALE_PROVIDER icu ICU_LOCALE 'en-US' TEMPLATE template0", "LOCALE 'en_US.UTF-8' TEMPLATE template0")


def database_in_english(server):
    """A database that sorts as English dictionaries do, where the server can; else as it does."""
    import pg8000.dbapi

    for language in LANGUAGES:
        try:
            return new_database(server, language)
        except pg8000.dbapi.DatabaseError:
            continue
    return new_database(server)


def test_rows_come_in_one_order_whatever_the_language_of_the_server(postgres, file_store):
    other = create_store(database_in_english(postgres), AUTHOR)
    keys = ["a1", "B1", "A-1", "A1", "Z9", "b1", "A_1", "A10", "A2"]
    text = "patient_id,age_years\n" + "".join(f"{key},50\n" for key in keys)
    for store in (file_store, other):
        put(store, text)
        assert store.frame("patient", columns=["patient_id"])["patient_id"].to_list() == sorted(keys)
    other.close()


def test_places_that_are_no_store(tmp_path):
    with pytest.raises(CohortError, match=r"There is no store 'x\.db'"):
        open_store(str(tmp_path / "x.db"))
    (tmp_path / "text.db").write_text("hello " * 1000)
    with pytest.raises(CohortError, match=r"^'text\.db' is not a store, or it is damaged"):
        open_store(str(tmp_path / "text.db"))
    with pytest.raises(CohortError, match=r"^'text\.db' is no store, and is left as it is\. Name another file\.$"):
        create_store(str(tmp_path / "text.db"), AUTHOR)
    assert (tmp_path / "text.db").read_text() == "hello " * 1000
    with pytest.raises(CohortError, match="cannot live in mysql"):
        open_store("mysql://me@host/db")
    with pytest.raises(CohortError, match="cannot be made"):
        create_store(str(tmp_path / "text.db" / "x.db"), AUTHOR)


def test_a_foreign_database_is_left_alone(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "own.db") as connection:
        connection.execute("CREATE TABLE patients (name TEXT)")
    connection.close()
    with pytest.raises(CohortError, match=r"^'own\.db' holds something else"):
        create_store(str(tmp_path / "own.db"), AUTHOR)


def test_a_new_file_is_for_its_owner_alone(tmp_path):
    create_store(str(tmp_path / "a.db"), AUTHOR).close()
    assert (tmp_path / "a.db").stat().st_mode & 0o077 == 0
