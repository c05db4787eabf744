"""Tampering of every kind, on both databases, is found and the row is named."""

import json
import sqlite3
from contextlib import closing

import pytest
from conftest_cohort import AUTHOR, put

from recanal.cohort import ImportOptions, create_store, verify_store
from recanal.cohort.cases import attach_case

ROWS = "patient_id,sex,age_years,consented_on\n" + "".join(
    f"P{number:02d},male,{50 + number / 8},2020-01-{number:02d}\n" for number in range(1, 21)
)


def tamper(store, *statements):
    """Change the database as somebody would who may do everything in it."""
    if store.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(store.engine.url.database)) as connection, connection:
            guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in guards:
                connection.execute(f'DROP TRIGGER "{name}"')
            for statement in statements:
                connection.execute(statement)
            for _, sql in guards:
                connection.execute(sql)
        return
    with store.writing(AUTHOR) as writer:
        for statement in ("SET LOCAL session_replication_role = replica", *statements):
            writer.connection.exec_driver_sql(statement)


def found(store, **kwargs):
    result = verify_store(store, **kwargs)
    return [(f.what, f.table, f.batch, f.position, f.key) for f in result.findings]


@pytest.fixture
def filled(store):
    put(store, ROWS)
    put(store, "patient_id,age_years\nP03,90\n", how=ImportOptions(update=True))
    return store


def test_a_sound_store_is_sound(filled):
    result = verify_store(filled)
    assert result.sound
    assert (result.entries_count, result.rows_count) == (3, 21)
    assert verify_store(filled, head=result.head).sound


KINDS = {
    "a value": (
        "UPDATE patient_rows SET age_years = 12 WHERE patient_id = 'P07'",
        ("a row was changed", "patient", 2, 6, "P07"),
    ),
    "a value that was empty": (
        "UPDATE patient_rows SET weight_kg = 80 WHERE patient_id = 'P07'",
        ("a row was changed", "patient", 2, 6, "P07"),
    ),
    "a value made empty": (
        "UPDATE patient_rows SET sex = NULL WHERE patient_id = 'P20'",
        ("a row was changed", "patient", 2, 19, "P20"),
    ),
    "a date": (
        "UPDATE patient_rows SET consented_on = '2020-02-01' WHERE patient_id = 'P01'",
        ("a row was changed", "patient", 2, 0, "P01"),
    ),
    "a key": (
        "UPDATE patient_rows SET patient_id = 'P99' WHERE patient_id = 'P02'",
        ("a row was changed", "patient", 2, 1, "P99"),
    ),
    "a withdrawal": (
        "UPDATE patient_rows SET withdrawn = 1 WHERE patient_id = 'P05'",
        ("a row was changed", "patient", 2, 4, "P05"),
    ),
    "a later version": (
        "UPDATE patient_rows SET age_years = 50 WHERE patient_id = 'P03' AND version = 2",
        ("a row was changed", "patient", 3, 0, "P03"),
    ),
    "a row gone": (
        "DELETE FROM patient_rows WHERE patient_id = 'P11'",
        ("a row is missing", "patient", 2, 10, ""),
    ),
    "a row more in a batch": (
        "INSERT INTO patient_rows (patient_id, version, withdrawn, batch, position) VALUES ('X1', 1, 0, 2, 20)",
        ("a row was added that no batch wrote", "patient", 2, 20, "X1"),
    ),
    "a row more in a batch of its own": (
        "INSERT INTO patient_rows (patient_id, version, withdrawn, batch, position) VALUES ('X1', 1, 0, 1, 0)",
        ("1 rows were added that no batch wrote", "patient", 1, None, ""),
    ),
    "who wrote": (
        "UPDATE audit SET who = 'other' WHERE number = 2",
        ("the audit entry was changed", "audit", 2, None, ""),
    ),
    "an entry gone": (
        "DELETE FROM audit WHERE number = 2",
        ("audit entries 2 to 2 are missing", "audit", 3, None, ""),
    ),
    "the chain": (
        "UPDATE audit SET previous_hash = 'x' WHERE number = 3",
        ("the audit entry does not follow from the one before", "audit", 3, None, ""),
    ),
    "the dictionary": (
        "UPDATE dictionary SET content = REPLACE(content, 'Age', 'Aga')",
        ("the data dictionary was changed", "dictionary", 1, None, ""),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tampering_is_found_and_named(filled, kind):
    statement, expected = KINDS[kind]
    tamper(filled, statement)
    assert expected in found(filled)


def test_changed_hashes_of_a_row_name_the_batch_and_the_row(filled):
    server = filled.engine.dialect.name == "postgresql"
    zeros = "decode(repeat('00', 640), 'hex')" if server else "zeroblob(640)"
    tamper(filled, f"UPDATE audit_leaves SET hashes = {zeros} WHERE batch = 2")
    what = found(filled)
    assert ("the hashes of the batch were changed", "patient", 2, None, "") in what
    assert ("a row was changed", "patient", 2, 0, "P01") in what


def test_the_last_entries_cut_off_are_seen_with_a_noted_hash(filled):
    head = verify_store(filled).head
    tamper(
        filled,
        "DELETE FROM patient_rows WHERE batch = 3",
        "DELETE FROM audit_leaves WHERE batch = 3",
        "DELETE FROM audit WHERE number = 3",
    )
    assert found(filled) == []
    cut = "the noted hash is not in the audit trail: entries were cut off or rewritten"
    assert found(filled, head=head) == [(cut, "audit", None, None, "")]


def test_a_missing_guard_is_seen(filled):
    server = filled.engine.dialect.name == "postgresql"
    with filled.writing(AUTHOR) as writer:
        place = " ON ct_rows" if server else ""
        writer.connection.exec_driver_sql(f"DROP TRIGGER ct_rows_no_update{place}")
    assert [what for what, *_ in found(filled)] == ["the guard ct_rows_no_update is missing or switched off"]


def test_a_guard_that_guards_nothing_is_seen(filled):
    """A trigger of the same name that lets everything pass."""
    with filled.writing(AUTHOR) as writer:
        if filled.engine.dialect.name == "postgresql":
            change = "CREATE OR REPLACE FUNCTION recanal_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            writer.connection.exec_driver_sql(f"{change}$$ BEGIN RETURN NULL; END $$")
            expected = ["the guard function recanal_append_only was changed"]
        else:
            writer.connection.exec_driver_sql("DROP TRIGGER ct_rows_no_update")
            change = "CREATE TRIGGER ct_rows_no_update BEFORE UPDATE ON ct_rows BEGIN SELECT 1; END"
            writer.connection.exec_driver_sql(change)
            expected = ["the guard ct_rows_no_update was changed"]
    assert [what for what, *_ in found(filled)] == expected


@pytest.mark.parametrize("change", ["another value", "a row less", "gone"])
def test_a_changed_view_is_seen(filled, change):
    """Exports and studies read the views: one that shows something else must not pass."""
    names = ", ".join(f'r."{name}"' for name in (*filled.dictionary.table("ct").names, "version", "batch", "position"))
    shown = names.replace('r."ct_length_mm"', 'r."ct_length_mm" + 1 AS "ct_length_mm"')
    newer = 'SELECT 1 FROM "ct_rows" n WHERE n."ct_id" = r."ct_id" AND n."version" > r."version"'
    rest = f'FROM "ct_rows" r WHERE r."withdrawn" = 0 AND NOT EXISTS ({newer})'
    with filled.writing(AUTHOR) as writer:
        writer.connection.exec_driver_sql('DROP VIEW "ct"')
        if change == "another value":
            writer.connection.exec_driver_sql(f'CREATE VIEW "ct" AS SELECT {shown} {rest}')
        elif change == "a row less":
            writer.connection.exec_driver_sql(f'CREATE VIEW "ct" AS SELECT {names} {rest} AND r."position" > 0')
    wanted = "the view ct is missing" if change == "gone" else "the view ct was changed"
    assert [what for what, *_ in found(filled)] == [wanted]


def test_a_missing_guard_of_parents_is_seen(filled):
    """PostgreSQL alone has one: SQLite keeps foreign keys, which cannot be switched off in the file."""
    if filled.engine.dialect.name == "sqlite":
        with filled.writing(AUTHOR) as writer:
            assert len(writer.connection.exec_driver_sql("PRAGMA foreign_key_list(ct_rows)").all()) >= 2
        return
    with filled.writing(AUTHOR) as writer:
        writer.connection.exec_driver_sql("DROP TRIGGER ct_rows_parents ON ct_rows")
    assert [what for what, *_ in found(filled)] == ["the guard ct_rows_parents is missing or switched off"]


def test_a_changed_case_file_is_seen(filled):
    put(filled, "lesion_id,patient_id,vessel\nL1,P01,RCA\n")
    case = json.dumps({"schema": "recanal.case/1", "lesions": [{"id": "L1", "length_mm": 20.0}]})
    attach_case(filled, "L1", case, author=AUTHOR)
    assert verify_store(filled).sound
    tamper(filled, "UPDATE case_files SET content = REPLACE(content, '20.0', '30.0')")
    assert [what.split(" ", 3)[:3] for what, *_ in found(filled)] == [["the", "case", "file"]]
    tamper(filled, "DELETE FROM case_files")
    assert ("1 case files are missing", "case_files", None, None, "") in found(filled)


def test_a_value_of_another_type_is_seen(tmp_path):
    store = create_store(str(tmp_path / "a.db"), AUTHOR)
    put(store, ROWS)
    tamper(store, "UPDATE patient_rows SET age_years = 'fifty' WHERE patient_id = 'P02'")
    assert ("a row was changed", "patient", 2, 1, "P02") in found(store)


def test_the_same_rows_have_the_same_content_hash_in_both_databases(filled, tmp_path):
    other = create_store(str(tmp_path / "other.db"), AUTHOR)
    put(other, ROWS)
    assert other.audit()[1]["content_hash"] == filled.audit()[1]["content_hash"]


def test_progress_is_told(filled):
    told = []
    verify_store(filled, progress=lambda share, step: told.append(share))
    assert told == sorted(told)
    assert all(0 <= share <= 1 for share in told)
