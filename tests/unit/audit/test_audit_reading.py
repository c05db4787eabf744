"""Tables from TOML and CSV, and what is said about bad ones."""

from __future__ import annotations

import dataclasses

import pytest

from recanal.audit import example_names, read_example, read_tables, read_tables_text, template_text
from recanal.audit.rows import CountRow, LevelsRow, ScoreRow
from recanal.errors import TableError

HEAD = 'title = "t"\n[[tables]]\nname = "T"\ngroups = { a = 10, b = 20 }\n'


def toml(row, head=HEAD):
    return f"{head}rows = [ {{ {row} }} ]\n"


def test_both_templates_say_the_same():
    one, other = (read_tables_text(template_text(kind), kind) for kind in ("toml", "csv"))
    named = {row.name: row for row in one.rows}
    same = [row.name for row in other.rows if dataclasses.replace(named[row.name], table=row.table) == row]
    assert set(same) >= {
        "Male",
        "Age, years",
        "Length, mm",
        "Vessel",
        "Bend",
        "Calcium, %",
        "Hosmer-Lemeshow",
        "Success",
    }


def test_rows_inherit_the_groups_of_their_table():
    row = read_tables_text(toml('name = "x", kind = "count", cells = ["1", "2"], p = "0.5"'), "toml").rows[0]
    assert isinstance(row.content, CountRow)
    assert [(group.name, group.size_count) for group in row.content.groups] == [("a", 10), ("b", 20)]


def test_lines_of_one_row_make_levels():
    lines = ["table,row,kind,level,groups,cells,p"]
    lines += ["T,x,levels,k,a=5 | b=5,1 | 2,0.5", "T,x,levels,l,a=5 | b=5,4 | 3,0.5"]
    row = read_tables_text("\n".join(lines), "csv").rows[0]
    assert isinstance(row.content, LevelsRow)
    assert [level.name for level in row.content.levels] == ["k", "l"]


def test_items_of_a_score_in_csv():
    text = "table,row,kind,cells,value,total\nT,x,score,blunt=76 | calcium=20*2 | age=?,1.35,207"
    content = read_tables_text(text, "csv").rows[0].content
    assert isinstance(content, ScoreRow)
    assert [(item.name, item.count, item.points) for item in content.items] == [
        ("blunt", 76, 1.0),
        ("calcium", 20, 2.0),
        ("age", None, 1.0),
    ]


def test_examples_are_read_by_name():
    assert example_names() == ("xiao_2021", "xing_2022")
    assert read_example("xing_2022").doi == "10.21037/qims-21-1050"
    with pytest.raises(TableError, match="Examples: xiao_2021"):
        read_example("other")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (toml('name = "x", kind = "counts"'), "table 'T', row 'x', kind: no kind 'counts'"),
        (toml('name = "x", kind = "count"'), "row 'x': the field 'cells' is missing"),
        (toml('name = "x", kind = "count", cells = ["1"]'), "cells: 1 cells for 2 groups"),
        (toml('name = "x", kind = "count", cells = [1, 2]'), "cells: must be a list of texts"),
        (toml('name = "x", kind = "count", cells = ["1", "two"]'), "cells: 'two' is not a count"),
        (toml('name = "x", kind = "count", cells = ["1", "2"], p = 0.03'), "p: must be a text in quotes"),
        (toml('name = "x", kind = "count", cells = ["1", "2"], p = "3"'), "p: '3' is not a P value"),
        (toml('name = "x", kind = "count", cells = ["1", "2"], pvalue = "0.3"'), "no field 'pvalue'"),
        (toml('name = "x", kind = "count", cells = ["1", "2"], df = -1'), "df: must be a whole number"),
        (toml('name = "x", kind = "count", cells = ["1", "2"], merges = ["a | c"]'), "no group 'c'"),
        (toml('name = "x", kind = "mean", cells = ["1 ± 2", "2 ± 1"], range = ["5", "1"]'), "the lower first"),
        (toml('name = "x", kind = "ratio", value = "0.9"'), "lower and an upper"),
        (toml('name = "x", kind = "ratio", value = "1 (0.5-2)", level_percent = 0.95'), "from 50"),
        (toml('name = "x", kind = "auc", value = "0.9 (0.8-1.0)", events = 0, others = 3'), "events: must be 1"),
        (toml('name = "x", kind = "strata", events = [1], others = [1, 2]'), "as many strata"),
        (toml('name = "x", kind = "chi2", p = "0.4"'), "'statistic' is missing"),
        (toml('name = "x", kind = "chi2", statistic = "3.1", shape = [2]'), "rows and columns"),
        (toml('name = "x", kind = "percentages", percents = ["120", "3"]'), "from 0 to 100"),
        (toml('name = "x", kind = "totals", parts = { a = [1] }'), "two or more tables"),
        (toml('name = "x", kind = "sums", parts = { a = [1, 2] }, total = [1]'), "as long as"),
        (toml('name = "x", kind = "score", total = 0, items = [{ name = "a", count = 1 }]'), "1 or more"),
        (
            toml(
                'name = "x", kind = "score", total = 5, '
                'items = [{ name = "a", count = "?" }, { name = "b", count = "?" }]'
            ),
            "only one number",
        ),
        (toml('kind = "percent", value = "1/2 (50%)"'), "'name' is missing"),
        (toml('name = "x"', head='[[tables]]\nname = "T"\ngroups = { a = 0 }\n'), "size of 'a'"),
        (toml('name = "x"', head='[[tables]]\nname = "T"\ngroup = 3\n'), "no field 'group'"),
        ("", "'tables' is missing"),
        ("a = ", "not valid TOML"),
        ("a = " + "9" * 5000, "not valid TOML: a number has too many digits."),
    ],
)
def test_bad_toml_names_row_field_value_and_rule(text, words):
    with pytest.raises(TableError) as caught:
        read_tables_text(text, "toml")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("table,row,kind,cell\n", "line 1: no column 'cell'"),
        ("table,row\n", "line 1: the column 'kind' is missing"),
        ("row,row,kind\n", "given twice"),
        ("row,kind\nx,count,3\n", "line 2: 3 cells for 2 columns"),
        ("row,kind\nx,sums\n", "line 2, kind: no kind 'sums'"),
        ("row,kind,groups,cells\nx,count,a=3 | b,1 | 2\n", "line 2, groups: 'b' is not NAME=SIZE"),
        ("row,kind,groups,cells\nx,count,a=3 | b=x,1 | 2\n", "got 'x'"),
        ("row,kind,groups,cells\n\nx,count,a=3 | b=4,1 | 2.5\n", "line 3, cells: '2.5' is not a count"),
        ("row,kind,level,value\nx,percent,k,1/2 (50%)\n", "only rows of kind levels"),
        ("row,kind,cells,total\nx,score,blunt,5\n", "not NAME=COUNT"),
        ("row,kind,cells,total\nx,score,blunt=1*z,5\n", "number of points"),
        ("row,kind,groups,cells,integer\nx,mean,a=3 | b=4,1 ± 1 | 2 ± 1,perhaps\n", "must be yes or no"),
        ("row,kind\n", "holds no row"),
    ],
)
def test_bad_csv_names_line_column_value_and_rule(text, words):
    with pytest.raises(TableError) as caught:
        read_tables_text(text, "csv")
    assert words in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    for name, data, words in (
        ("a.xlsx", b"", "neither .toml nor .csv"),
        ("missing.csv", None, "cannot be read"),
        ("a.csv", b"row\xff", "not UTF-8"),
        ("b.csv", b" " * 5_000_001, "larger than"),
    ):
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(TableError, match=words):
            read_tables(path)
    with pytest.raises(TableError, match="No format"):
        read_tables_text("", "xml")
    with pytest.raises(TableError, match="No template"):
        template_text("xml")
