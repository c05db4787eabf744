"""Text files: encodings, separators, rows that do not fit, formulas."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recanal.errors import CohortError
from recanal.variables import ReadOptions, load_dictionary, read_csv
from recanal.variables.reading import plain_formula_text, read_source, safe_formula_text


def read(data, **options):
    raw = read_csv(data, ReadOptions(**options))
    return raw.frame.to_dict(as_series=False), raw.rows.to_list()


def test_rows_are_numbered_as_a_spreadsheet_does():
    assert read(b"a,b\n1,2\n3,\n") == ({"a": ["1", "3"], "b": ["2", None]}, [2, 3])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "latin-1"])
def test_encodings(encoding):
    data = "a,b\nZürich,é\n".encode(encoding)
    said = "utf-8" if encoding == "utf-8-sig" else encoding
    assert read(data, encoding=said)[0] == {"a": ["Zürich"], "b": ["é"]}


@pytest.mark.parametrize(("sign", "said"), [(",", ""), (";", ""), ("\t", ""), ("|", ""), (":", ":")])
def test_separators(sign, said):
    assert read(f"a{sign}b\n1{sign}2\n".encode(), separator=said)[0] == {"a": ["1"], "b": ["2"]}


def test_line_ends_and_quotes():
    assert read(b'a,b\r\n"x, y","line 1\nline 2"\r\n"say ""no""",2\r\n')[0] == {
        "a": ["x, y", 'say "no"'],
        "b": ["line 1\nline 2", "2"],
    }


def test_empty_lines_at_the_end_are_passed_over():
    assert read(b"a,b\n1,2\n\n\n")[0] == read(b"a,b\r\n1,2\r\n\r\n")[0] == {"a": ["1"], "b": ["2"]}


REFUSED = [
    (b"a,b\n1,\xe9\n", {}, "line 2 is not UTF-8 text"),
    ("a,b\n1,é\n".encode(), {"encoding": "cp1252"}, "the text is UTF-8; cp1252 would garble it"),
    ("a,b\n1,2\n".encode("utf-16"), {}, "line 1 is not UTF-8 text. It begins as UTF-16 does: use --encoding utf-16."),
    (b"\xfe\xff" + "a,b\n1,2\n".encode("utf-16-be"), {}, "use --encoding utf-16"),
    ("a,b\n1,2\n".encode("utf-16-le"), {}, "NUL"),
    (b"a;b,c\n1;2,3\n", {}, "either may separate"),
    (b"a,a\n1,2\n", {}, "the column 'a' stands twice"),
    (b"a,,b\n1,2,3\n", {}, "column 2 has no name"),
    (b"a,b\n1,2\n3\n", {}, "row 3 has 1 fields, the header has 2"),
    (b"a,b\n1,2,3\n4\n", {}, "row 2 has 3 fields"),
    (b"a,b\n1,2\n\n3,4\n", {}, "row 3 is an empty line. Take it out of the file."),
    (b"a,b\r\n1,2\r\n  \r\n3,4\r\n", {}, "row 3 is an empty line"),
    (b'a,b\n"1,2\n', {}, "row 2 has 1 fields|well-formed"),
    (b"", {}, "no column names"),
    (b"\n1,2\n", {}, "no column names"),
]


@pytest.mark.parametrize(("data", "options", "told"), REFUSED)
def test_what_is_ambiguous_or_broken_is_refused(data, options, told):
    with pytest.raises(CohortError, match=told):
        read_csv(data, ReadOptions(**options))


def test_a_file_without_rows_is_a_table_without_rows():
    assert read(b"a,b\n")[1] == []


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1, max_size=8))
def test_shielding_loses_nothing_and_leaves_no_formula(texts):
    series = pl.Series(texts)
    safe = safe_formula_text(series)
    assert plain_formula_text(safe).to_list() == texts
    assert all(text[0] not in "=+-@\t\r\n|%" for text in safe)


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "\t=1", "=HYPERLINK(1)", "'=1", "''", "%0", "|x"]
)
def test_known_injections_are_shielded(text):
    assert safe_formula_text(pl.Series([text]))[0] == "'" + text


def test_a_single_quote_that_shields_nothing_stays():
    assert plain_formula_text(pl.Series(["'s Hertogenbosch"]))[0] == "'s Hertogenbosch"


def test_files_that_are_not_there_or_not_known(tmp_path):
    book = load_dictionary()
    with pytest.raises(CohortError, match=r"x\.csv: there is no such file"):
        read_source(tmp_path / "x.csv", book, ReadOptions())
    (tmp_path / "x.pdf").write_bytes(b"1")
    with pytest.raises(CohortError, match=r"\.pdf is not a kind of file"):
        read_source(tmp_path / "x.pdf", book, ReadOptions())
    with pytest.raises(CohortError, match="holds no file of a table"):
        read_source(tmp_path, book, ReadOptions())
    for name in ("a.xlsx", "a.parquet", "a.sav", "a.dta"):
        (tmp_path / name).write_bytes(b"not a file of this kind")
        with pytest.raises(CohortError, match=r"not a"):
            read_source(tmp_path / name, book, ReadOptions())
