"""The canonical form of rows and entries, against hashlib and json alone."""

import hashlib
import json
from datetime import date

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recanal.cohort.hashing import CHUNK_ROWS, LEAF_BYTES, chunks_hash, entry_hash, leaf, leaves, split_chunks

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8"))
ROWS = st.lists(
    st.tuples(st.none() | FLOATS, st.none() | TEXTS, st.none() | st.integers(-(2**62), 2**62), st.none() | st.dates()),
    min_size=1,
    max_size=6,
)


def by_json(row):
    number, text, whole, day = row
    plain = [None if number is None else number + 0.0, text, whole, None if day is None else day.isoformat()]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()).digest()


@given(ROWS)
def test_leaves_are_the_hashes_of_plain_json(rows):
    schema = {"a": pl.Float64, "b": pl.String, "c": pl.Int64, "d": pl.Date}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    assert leaves(frame) == b"".join(by_json(row) for row in rows)
    assert [leaf(row) for row in rows] == [by_json(row) for row in rows]


def test_odd_floats_and_letters():
    values = [1e-5, 9.999e-5, 1e16, 1.5e300, -0.0, 0.1 + 0.2, 5e-324]
    frame = pl.DataFrame({"a": values, "b": ['"', "\\", "\n", "é", "\u2028", "", "x"]})
    assert leaves(frame) == b"".join(leaf(row) for row in frame.rows())


def test_types_are_told_apart():
    assert len({leaf([value]) for value in (1, 1.0, "1", None, "")}) == 5


def test_a_bool_and_a_date_have_one_form():
    assert leaf([True]) == leaf([1])
    assert leaf([date(2020, 1, 2)]) == leaf(["2020-01-02"])


def test_chunks():
    data = bytes(LEAF_BYTES) * (CHUNK_ROWS + 1)
    chunks = split_chunks(data)
    assert [len(chunk) for chunk in chunks] == [CHUNK_ROWS * LEAF_BYTES, LEAF_BYTES]
    whole = hashlib.sha256(b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)).hexdigest()
    assert chunks_hash(chunks) == whole
    assert chunks_hash([]) == hashlib.sha256(b"").hexdigest()


def test_an_entry_without_its_own_hash():
    entry = {"number": 1, "who": "é", "hash": "x", "at_utc": "t"}
    text = '{"at_utc":"t","number":1,"who":"é"}'
    assert entry_hash(entry) == hashlib.sha256(text.encode()).hexdigest()


def test_no_rows_have_no_leaves():
    assert leaves(pl.DataFrame({"a": []}, schema={"a": pl.Int64})) == b""
