"""Every file of a study, opened again: the same numbers in all of them."""

import csv
import io
import json
import re
import zipfile
from html.parser import HTMLParser

import numpy as np
import pytest
from docx import Document
from study_cohort import HEAD, cohort, pointed, run

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySeries, StudyTable
from recanal.errors import OptionError
from recanal.report.study_figures import study_figure
from recanal.report.study_latex import latex_text, study_table_latex
from recanal.study.files import study_files, write_study
from recanal.study.table_csv import study_table_csv

PLAN = """
[study]
design = "A cohort study <of> made-up lesions & nothing else."
[[tables]]
id = "t"
title = "Lesions by crossing"
by = "crossed"
rows = ["age_years", "stump", "score"]
[[regressions]]
id = "r"
title = "Predictors"
outcome = "crossed"
predictors = ["score", "age_years"]
adjust = ["stump"]
[[strata]]
id = "s"
outcome = "crossed"
score = "score"
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run(tmp_path_factory.mktemp("files"), PLAN)


@pytest.fixture(scope="module")
def files(result):
    return study_files(result)


def texts(result, name):
    table = next(one for section in result.report.sections for one in section.tables if one.id == name)
    return table, [[cell.text for cell in row.cells] for row in table.rows]


class Tables(HTMLParser):
    """Rows of cells of every table, by the id of the table, with the title of each cell."""

    def __init__(self):
        super().__init__()
        self.rows, self.titles, self.table, self.cell = {}, {}, "", None

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "table":
            self.table = found.get("id", "")
            self.rows.setdefault(self.table, [])
        elif tag == "tr":
            self.rows[self.table].append([])
        elif tag in ("td", "th"):
            self.cell = ""
            self.titles[(self.table, len(self.rows[self.table]), len(self.rows[self.table][-1]))] = found.get("title")

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell is not None:
            self.rows[self.table][-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


def test_every_file_is_there(files):
    wanted = {"results.json", "study.docx", "study.html", "study.tex", "methods.txt", "strobe.csv"}
    wanted |= {f"tables/{name}.{kind}" for name in "trs" for kind in ("csv", "tex")}
    wanted |= {f"figures/{name}.{kind}" for name in ("r_forest", "s_rates") for kind in ("svg", "pdf", "png")}
    assert set(files) == wanted


@pytest.mark.parametrize("name", ["t", "r", "s"])
def test_word_html_and_csv_hold_the_same_cells(result, files, name):
    table, rows = texts(result, name)
    page = Tables()
    page.feed(files["study.html"].decode())
    assert page.rows[f"table-{name}"] == [list(table.head), *rows]
    document = Document(io.BytesIO(files["study.docx"]))
    grids = [[[cell.text for cell in row.cells] for row in grid.rows] for grid in document.tables]
    assert [list(table.head), *rows] in grids
    read = list(csv.reader(io.StringIO(files[f"tables/{name}.csv"].decode())))
    assert [[cell.strip() for cell in row[:-1]] for row in read[1:]] == rows


def test_every_cell_of_the_page_points_into_the_json_file(files):
    numbers = json.loads(files["results.json"])
    page = Tables()
    page.feed(files["study.html"].decode())
    sources = [title for title in page.titles.values() if title]
    assert len(sources) > 60
    for source in sources:
        pointed(numbers, source)


def test_odds_ratios_in_the_table_are_those_of_the_json_file(files):
    numbers = json.loads(files["results.json"])
    row = next(csv.DictReader(io.StringIO(files["tables/r.csv"].decode())))
    found = numbers["analyses"]["r"]["predictors"][0]["unadjusted"]["coefficients"][1]
    printed = [float(part) for part in re.findall(r"[\d.]+", row["Unadjusted OR (95% CI)"])]
    assert printed == pytest.approx([found["odds_ratio"], found["low_ratio"], found["high_ratio"]], abs=5.1e-4)


def test_the_json_file_says_where_each_number_comes_from(files):
    numbers = json.loads(files["results.json"])
    assert numbers["schema"] == "recanal-study/1"
    assert set(numbers["facts"]) >= {"recanal", "numpy", "plan_sha256", "data_sha256", "lesions", "patients", "seed"}
    row = numbers["analyses"]["t"]["rows"][0]
    assert row["test"]["code"] == "recanal.stats.continuous.compare_groups"
    assert (row["n"], row["missing"]) == (300, 0)


def test_nothing_of_the_plan_becomes_markup(files):
    page = files["study.html"].decode()
    assert "A cohort study &lt;of&gt; made-up lesions &amp; nothing else." in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_no_patient_is_named(files):
    for name, data in files.items():
        if name.endswith((".json", ".html", ".tex", ".csv", ".txt")):
            assert not re.search(rb"\bP\d{3}\b", data), name


def test_latex_is_balanced_and_escaped(files):
    text = files["study.tex"].decode()
    assert re.findall(r"\\begin\{(\w+)\}", text).count("figure") == 2
    for part in [text, *(files[f"tables/{name}.tex"].decode() for name in "trs")]:
        assert sorted(re.findall(r"\\begin\{(\w+)\}", part)) == sorted(re.findall(r"\\end\{(\w+)\}", part))
        plain = re.sub(r"\\[\\{}%&#_$]", "", part)
        assert plain.count("{") == plain.count("}")
        assert plain.count("$") % 2 == 0
        assert not set(plain) - set(map(chr, range(128)))
    columns = [line.count(" & ") for line in files["tables/t.tex"].decode().splitlines() if line.endswith(r"\\")]
    assert max(columns) == 6
    assert latex_text("a_b & 5% <x>") == r"a\_b \& 5\% \textless{}x\textgreater{}"


def test_word_tables_repeat_their_head_and_figures_are_inside(files):
    with zipfile.ZipFile(io.BytesIO(files["study.docx"])) as archive:
        xml = archive.read("word/document.xml").decode()
        pictures = [name for name in archive.namelist() if name.startswith("word/media/")]
        moments = {info.date_time for info in archive.infolist()}
    assert xml.count("<w:tblHeader/>") == 3
    assert len(pictures) == 2
    assert moments == {(1980, 1, 1, 0, 0, 0)}


def test_the_checklist_says_what_is_left_to_the_authors(result):
    items = {item.number: item for item in result.report.checklist}
    assert len(items) == 26
    assert items["2"].state == "to write"
    assert items["4"].text.startswith("A cohort study")
    assert "Stump 1" in items["12c"].text
    assert f"{cohort().crossed.sum()} of 300" in items["15"].text
    assert "adjusted for Stump" in items["16"].text


def test_equal_runs_give_equal_bytes(result, files, tmp_path):
    again = study_files(run(tmp_path, PLAN))
    assert {name for name in files if files[name] != again[name]} == set()


def test_a_folder_holds_one_study_whole_or_none(result, files, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert write_study(result, out) == tuple(sorted(files))
    (out / "tables" / "old.csv").write_text("old")
    (out / "notes.md").write_text("mine")
    write_study(result, out)
    assert not (out / "tables" / "old.csv").exists()
    assert (out / "notes.md").read_text() == "mine"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    monkeypatch.setattr("recanal.study.files.study_files", lambda result: {"a.txt": b"x", "b.txt": None})
    with pytest.raises(TypeError):
        write_study(result, out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_is_a_file_is_refused(result, tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(OptionError, match="'out' is a file"):
        write_study(result, tmp_path / "out")


def test_formulas_do_not_run_in_a_spreadsheet():
    row = StudyRow((StudyCell("=HYPERLINK(1)"), StudyCell("−1.5"), StudyCell("<0.001")))
    text = study_table_csv(StudyTable("t", "T", ("@a", "b", "c"), (row,)))
    assert text.splitlines() == ["'@a,b,c,source", "'=HYPERLINK(1),−1.5,<0.001,"]


def test_a_table_with_rows_of_two_lengths_is_refused():
    with pytest.raises(OptionError, match="has 2 columns, a row has 1"):
        StudyTable("t", "T", ("a", "b"), (StudyRow((StudyCell("x"),)),))


def test_series_of_two_lengths_are_refused():
    with pytest.raises(OptionError, match="needs one length"):
        StudySeries("a", (1.0, 2.0), (1.0,))


@pytest.mark.parametrize("kind", ["forest", "curves", "strata", "differences"])
def test_every_kind_of_figure_is_drawn_in_every_format(kind):
    labels = ("first", "second")
    series = StudySeries("A", (0.5, 2.0), (0.2, 0.7), (0.1, 0.4), (0.9, float("inf")), labels, ("0.5", "2.0"))
    figure = StudyFigure("f", "F", kind, "across", "up", (series,), shares_up=kind == "strata")
    if kind in ("curves", "strata"):
        series = StudySeries("A", (0.0, 1.0), (0.2, 0.7), (0.1, 0.4), (0.5, 0.9), labels)
        figure = StudyFigure("f", "F", kind, "across", "up", (series, series), shares_up=True)
    drawn = study_figure(figure)
    assert drawn["png"].startswith(b"\x89PNG")
    assert drawn["pdf"].startswith(b"%PDF")
    assert b"<svg" in drawn["svg"][:600]
    assert drawn == study_figure(figure)


def test_levels_are_indented_in_latex():
    rows = (StudyRow((StudyCell("Vessel"),), "heading"), StudyRow((StudyCell("LAD"),), "level"))
    assert r"\quad LAD" in study_table_latex(StudyTable("t", "T", ("Name",), rows))


def test_seeds_of_analyses_differ_by_name_and_repeat():
    from recanal.study.outcome import Context

    draws = [Context(0.95, seed).rng(name).random() for seed, name in ((1, "a"), (1, "b"), (2, "a"), (1, "a"))]
    assert draws[0] == draws[3]
    assert len(set(np.round(draws, 12))) == 3


def test_the_plan_text_is_hashed(result):
    import hashlib

    assert result.record["facts"]["plan_sha256"] == hashlib.sha256((HEAD + PLAN).encode()).hexdigest()
