"""The command audit, and what it writes."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from recanal.audit import audit_csv, audit_document, audit_html, audit_record, read_tables_text
from recanal.cli import main

TABLES = """
title = "A & B <1>"
doi = "10.1/x"
[[tables]]
name = "T"
groups = { a = 131, b = 76 }
rows = [
    { name = "=SUM(A1)", kind = "count", cells = ["24 (18.3)", "24 (31.6)"], p = "0.029" },
    { name = "<b>", kind = "count", cells = ["24", "24"], p = "0.200", note = "a note" },
]
"""


def run(*arguments):
    return CliRunner().invoke(main, ["audit", *arguments])


@pytest.fixture
def tables(tmp_path):
    path = tmp_path / "tables.toml"
    path.write_text(TABLES, encoding="utf-8")
    return path


def report():
    return audit_document(read_tables_text(TABLES, "toml"))


def test_text_shows_what_is_wrong(tables):
    shown = run(str(tables))
    assert shown.exit_code == 0
    assert "2 rows: 1 not reproduced, 1 reproduced." in shown.output
    assert "T, <b>\n  not reproduced [test] No named test gives P 0.200" in shown.output
    assert "=SUM" not in shown.output
    assert "=SUM" in run(str(tables), "--all").output


def test_json(tables):
    record = json.loads(run(str(tables), "--json").output)
    assert record == json.loads(json.dumps(audit_record(report())))
    assert record["verdicts"]["not reproduced"] == 1
    assert record["rows"][0]["findings"][0]["recomputed"] == "Pearson"
    assert record["rows"][0]["findings"][0]["values"]["Pearson P"] == pytest.approx(0.02935, abs=1e-5)


def test_out_writes_csv_and_html(tables, tmp_path):
    assert run(str(tables), "--out", str(tmp_path / "made")).exit_code == 0
    assert {path.name for path in (tmp_path / "made").iterdir()} == {"audit.csv", "audit.html"}
    assert (tmp_path / "made" / "audit.csv").read_text(encoding="utf-8") == audit_csv(report())


def test_csv_holds_every_finding_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(audit_csv(report()))))
    assert len(rows) == sum(len(row.findings) for row in report().rows)
    assert rows[0]["row"] == "'=SUM(A1)"


def test_html_is_well_formed_and_escaped():
    class Balance(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.headings = [], []

        def handle_starttag(self, tag, attributes):
            if tag not in ("meta",):
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

        def handle_data(self, data):
            if self.open and self.open[-1] == "h1":
                self.headings.append(data)

    page = audit_html(report())
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert "".join(parser.headings) == "A & B <1>"
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_templates_audit_without_an_error(tmp_path):
    for kind in ("toml", "csv"):
        path = tmp_path / f"made.{kind}"
        path.write_text(run("--template", kind).output, encoding="utf-8")
        assert run(str(path)).exit_code == 0


def test_a_worked_example():
    shown = run("--example", "xing_2022")
    assert shown.exit_code == 0
    assert "doi 10.21037/qims-21-1050" in shown.output
    assert "Two-group counts: the rule 'spss" in shown.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name one file"),
        (["a.csv", "--example", "xing_2022"], "Name one file"),
        (["--example", "none"], "Examples: xiao_2021, xing_2022"),
        (["none.csv"], "'none.csv' cannot be read"),
        (["none.pdf"], "neither .toml nor .csv"),
    ],
)
def test_errors_are_one_line_and_status_2(arguments, words):
    shown = run(*arguments)
    assert shown.exit_code == 2
    assert words in shown.output
    assert len(shown.output.strip().splitlines()) == 1


def test_an_output_folder_that_cannot_be(tables, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    shown = run(str(tables), "--out", str(blocked / "deep"))
    assert shown.exit_code == 2
    assert "--out" in shown.output
