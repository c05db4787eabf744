"""The commands: what a data manager types and reads."""

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from redcap_server import TOKEN, Project, serving

from recanal.cli import main
from recanal.variables import load_dictionary, redcap_dictionary_csv

ROWS = "patient_id,sex,age_years,lesion_id,vessel,ct_length_mm\nP1,male,50.5,L1,RCA,22.5\nP1,male,50.5,L2,LAD,\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder; (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, env=None):
        result = CliRunner().invoke(main, ["cohort", *arguments], env=env, catch_exceptions=False)
        return result.exit_code, result.stdout, result.stderr

    return call


@pytest.fixture
def filled(run, tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    assert run("init", "a.db")[0] == 0
    assert run("import", "a.db", "rows.csv", "--by", "dm")[0] == 0
    return run


def test_from_init_to_verify(run, tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    assert run("init", "a.db") == (0, "The store is ready: 8 tables, 202 variables.\n", "")
    status, out, _ = run("import", "a.db", "rows.csv", "--by", "dm", "--reason", "first data")
    assert status == 0
    assert out == (
        "2 rows read.\npatient: 1 added, 0 changed, 0 unchanged\n"
        "lesion: 2 added, 0 changed, 0 unchanged\nct: 1 added, 0 changed, 0 unchanged\n"
    )
    status, out, _ = run("verify", "a.db")
    assert status == 0
    assert out.startswith("4 audit entries and 4 rows checked.\nEverything is as it was written.\nhead ")
    head = out.split()[-1]
    assert run("verify", "a.db", "--head", head)[0] == 0
    assert run("verify", "a.db", "--head", "0" * 64)[0] == 2
    log = run("log", "a.db")[1].splitlines()
    assert log[1].split("  ")[2:] == ["dm", "import", "patient 1 rows", "first data"]


def test_a_wrong_choice_is_told_with_the_right_ones(run, tmp_path):
    (tmp_path / "bad.csv").write_text("patient_id,sex,lesion_id,vessel,exclusions\nP1,9,L1,RCX,flu\n")
    out = run("check", "bad.csv")[1]
    assert "sex 9: must be one of female, male [choice]" in out
    assert "vessel RCX: must be one of LM, LAD, LCX, RCA, graft, aortoiliac, femoropopliteal, infrapopliteal [" in out
    assert "exclusions flu: " in out
    assert "; `;` parts several [choice]" in out
    assert out.count("parts several") == 1
    assert "sex 9: must be one of 1 (female), 2 (male) [choice]" in run("check", "bad.csv", "--codes")[1]


def test_rejected_rows_are_told_and_nothing_is_stored(filled, tmp_path):
    (tmp_path / "bad.csv").write_text("patient_id,sex,age_years\nP5,man,500\nSmith John,male,50\n")
    status, out, err = filled("import", "a.db", "bad.csv", "--rejected", "rejected.csv")
    assert status == 2
    assert err == "recanal: Nothing was imported: rows were rejected. Correct them, or use --accept-partial.\n"
    assert "row 2, sex man: must be one of female, male [choice]" in out
    assert "row 2, age_years 500: lies outside the range of the dictionary [range]" in out
    assert "Smith" not in out + err + (tmp_path / "rejected.csv").read_text()
    assert (tmp_path / "rejected.csv").read_text().splitlines()[0] == "row,column,rule,value"
    assert json.loads(filled("verify", "a.db", "--json")[1])["rows"] == 4


def test_the_list_of_rejected_cells_holds_no_formula(run, tmp_path):
    (tmp_path / "bad.csv").write_text('patient_id,sex\nP1,"=1+1"\nP2,@x\n')
    run("check", "bad.csv", "--rejected", "rejected.csv")
    assert (tmp_path / "rejected.csv").read_text().splitlines()[1:] == ["2,sex,choice,'=1+1", "3,sex,choice,'@x"]


def test_check_stores_nothing(run, tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    assert run("check", "rows.csv") == (0, "2 rows read: patient 1, lesion 2, ct 1.\n", "")
    (tmp_path / "bad.csv").write_text("patient_id,age_years\nP1,old\n")
    status, out, err = run("check", "bad.csv", "--json")
    assert status == 2
    assert json.loads(out)["rejections"] == [{"row": 2, "column": "age_years", "rule": "number", "value": "old"}]
    assert err == "recanal: 1 of 1 rows would be rejected.\n"


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "parquet", "sav", "dta"])
def test_an_export_fills_another_store_with_the_same_rows(filled, fmt):
    assert filled("export", "a.db", "--out", "out", "--format", fmt)[0] == 0
    assert filled("init", "b.db")[0] == 0
    assert filled("import", "b.db", "out/cohort.xlsx" if fmt == "xlsx" else "out")[0] == 0
    filled("export", "a.db", "--out", "one")
    filled("export", "b.db", "--out", "two")
    for name in ("patient.csv", "lesion.csv", "ct.csv"):
        assert Path("one", name).read_text() == Path("two", name).read_text()


def test_a_german_text_file(filled, tmp_path):
    text = "Nr;Alter;Geschl.;Größe;Krea\nP7;61,5;m;1,80;1,0\n"
    (tmp_path / "de.csv").write_bytes(text.encode("cp1252"))
    (tmp_path / "columns.toml").write_text(
        '[columns]\nNr = "patient_id"\nAlter = "age_years"\n'
        '"Geschl." = { name = "sex", values = { m = "male", w = "female" } }\n'
        '"Größe" = { name = "height_cm", unit = "m" }\nKrea = { name = "creatinine_umol_l", unit = "mg/dL" }\n',
        encoding="utf-8",
    )
    assert "line 1 is not UTF-8" in filled("import", "a.db", "de.csv")[2]
    options = ["--encoding", "cp1252", "--decimal", ",", "--columns", "columns.toml"]
    assert filled("import", "a.db", "de.csv", *options)[0] == 0
    filled("export", "a.db", "--out", "out", "--tables", "patient,laboratory")
    assert "P7,," in (tmp_path / "out" / "patient.csv").read_text()
    assert ",180.0," in (tmp_path / "out" / "patient.csv").read_text()
    assert (tmp_path / "out" / "laboratory.csv").read_text().splitlines()[1].startswith("P7,P7,,,88.4,")


def test_a_flat_export_with_derived_variables(filled, tmp_path):
    assert "--derived needs --flat" in filled("export", "a.db", "--out", "out", "--derived")[2]
    assert filled("export", "a.db", "--out", "out", "--flat", "--derived")[1] == "flat: 2 rows\n"
    header, first, second = (tmp_path / "out" / "flat.csv").read_text().splitlines()
    assert header.endswith("age_at_least_75") or "ct_length_at_least_20_mm" in header
    assert first.startswith("L1,P1,")
    assert second.startswith("L2,P1,")


def test_the_codebook_in_three_formats(run, tmp_path):
    assert "| age_years | Age | number | a | 0 to 120 |" in run("codebook")[1]
    assert run("codebook", "--format", "html", "--out", "book.html")[0] == 0
    assert "<code>age_years</code>" in (tmp_path / "book.html").read_text()
    assert run("codebook", "--format", "csv")[1].splitlines()[0].startswith("table,name,label,kind")


def test_a_form(run, tmp_path):
    assert run("form", "--out", "form.xlsx", "--tables", "patient,lesion")[0] == 0
    assert openpyxl.load_workbook(tmp_path / "form.xlsx").sheetnames == ["patient", "lesion"]


def test_extension_and_upgrade(run, tmp_path):
    (tmp_path / "more.toml").write_text(
        '[[variables]]\ntable = "lesion"\nname = "own_grade"\nkind = "whole"\nlow = 0\nhigh = 3\n'
        'label = "Own grade"\ntiming = "before"\n'
    )
    run("init", "a.db")
    assert run("init", "a.db", "--extend", "more.toml")[1] == "The store is ready: 8 tables, 203 variables.\n"
    assert "own_grade" in run("codebook", "--store", "a.db")[1]


def test_an_earlier_export_is_replaced_whole_and_nothing_else(filled, tmp_path):
    out = tmp_path / "out"
    assert filled("export", "a.db", "--out", "out", "--flat")[0] == 0
    (out / "notes.txt").write_text("mine")
    assert filled("export", "a.db", "--out", "out")[0] == 0
    assert {path.name for path in out.iterdir()} >= {"notes.txt", "lesion.csv", "export.json"}
    assert not (out / "flat.csv").exists()
    assert set(json.loads((out / "export.json").read_text())["files"]) == {path.name for path in out.glob("*.csv")}
    assert filled("export", "a.db", "--out", "out", "--flat")[0] == 0
    assert {path.name for path in out.iterdir()} == {"notes.txt", "flat.csv", "export.json"}


def test_an_export_touches_no_file_of_another_origin(filled, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "lesion.csv").write_text("mine")
    assert "lesion.csv in the folder is no file of an earlier export" in filled("export", "a.db", "--out", "out")[2]
    assert [path.name for path in out.iterdir()] == ["lesion.csv"]
    assert filled("export", "a.db", "--out", "out", "--flat")[0] == 0
    (out / "flat.csv").write_text("changed")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    status, _, err = filled("export", "a.db", "--out", "out", "--flat")
    assert (status, "flat.csv in the folder was changed since it was exported" in err) == (2, True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"schema": "recanal.export/1", "files": {"../a.csv": ""}}', "[]"])
def test_a_foreign_record_of_an_export_is_refused(filled, tmp_path, text):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "export.json").write_text(text)
    status, _, err = filled("export", "a.db", "--out", "out")
    assert (status, "is no record of an export" in err) == (2, True)
    assert (tmp_path / "out" / "export.json").read_text() == text


def test_a_case_is_attached(filled, tmp_path):
    case = {"schema": "recanal.case/1", "lesions": [{"id": "L1", "bend_max_deg": 41.0}]}
    (tmp_path / "case.json").write_text(json.dumps(case))
    status, out, _ = filled("attach", "a.db", "L2", "case.json")
    assert (status, out[:14]) == (0, "CT reading L2-")
    assert "no such lesion" in filled("attach", "a.db", "L9", "case.json")[2]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "[" * 100_000, '{"schema": "recanal.case/1"}'])
def test_a_file_that_is_no_case_is_named(filled, tmp_path, text):
    (tmp_path / "lesions.csv").write_text(text)
    status, out, err = filled("attach", "a.db", "L2", "lesions.csv")
    assert (status, out) == (2, "")
    assert err.startswith("recanal: 'lesions.csv' is no case.json. ")


def test_a_case_of_another_vessel_is_attached_only_for_a_reason(filled, tmp_path):
    case = {"schema": "recanal.case/1", "lesions": [{"id": "L1", "vessel": "LCX", "bend_max_deg": 41.0}]}
    (tmp_path / "case.json").write_text(json.dumps(case))
    status, out, err = filled("attach", "a.db", "L2", "case.json")
    assert (status, out) == (2, "")
    assert err.startswith("recanal: The case is not attached: it is of the LCX, the lesion of the LAD. ")
    assert filled("attach", "a.db", "L2", "case.json", "--despite", "renamed in May")[0] == 0
    assert "despite that it is of the LCX, the lesion of the LAD: renamed in May" in filled("log", "a.db")[1]


def test_rows_are_withdrawn(filled, tmp_path):
    (tmp_path / "keys.txt").write_text("P1\n")
    assert "needs a reason" in filled("withdraw", "a.db", "patient", "keys.txt")[2]
    why = ("--reason", "consent withdrawn")
    assert "hang on them" in filled("withdraw", "a.db", "patient", "keys.txt", *why)[2]
    assert filled("withdraw", "a.db", "patient", "keys.txt", "--children", *why)[1] == "4 rows withdrawn.\n"


def test_tampering_is_told_without_and_with_the_key(filled):
    import sqlite3

    with sqlite3.connect("a.db") as connection:
        connection.execute("DROP TRIGGER lesion_rows_no_update")
        connection.execute("UPDATE lesion_rows SET vessel = 'LCX' WHERE lesion_id = 'L2'")
    connection.close()
    status, out, err = filled("verify", "a.db")
    assert status == 2
    assert "lesion: batch 3, row 2: a row was changed\n" in out
    assert "the guard lesion_rows_no_update is missing" in out
    assert err == "recanal: The store is not as it was written.\n"
    assert "lesion: batch 3, row 2: a row was changed (L2)\n" in filled("verify", "a.db", "--show-keys")[1]


def test_redcap_by_files(filled, tmp_path):
    assert filled("redcap", "dictionary", "--out", "dictionary.csv")[0] == 0
    assert (tmp_path / "dictionary.csv").read_text().startswith("Variable / Field Name,Form Name,")
    assert filled("redcap", "export", "a.db", "--out", "records.csv")[0] == 0
    filled("init", "b.db")
    status, out, _ = filled("redcap", "import", "b.db", "records.csv", "--json")
    assert status == 0
    assert json.loads(out)["added"] == {"patient": 1, "lesion": 2, "ct": 1}


def test_redcap_by_its_interface(filled, tmp_path):
    with serving(Project(redcap_dictionary_csv(load_dictionary()))) as url:
        assert "A token is missing" in filled("redcap", "push", "a.db", "--url", url)[2]
        env = {"RECANAL_REDCAP_TOKEN": TOKEN}
        assert filled("redcap", "push", "a.db", "--url", url, env=env)[1] == "REDCap took 1 records.\n"
        (tmp_path / "token.txt").write_text(TOKEN + "\n")
        filled("init", "b.db")
        status, out, _ = filled("redcap", "pull", "b.db", "--url", url, "--token-file", "token.txt", "-q")
    assert status == 0
    assert "lesion: 2 added" in out


REFUSED = [
    (("import", "none.db", "x.csv"), "There is no store 'none.db'"),
    (("verify", "rows.csv"), "'rows.csv' is not a store, or it is damaged."),
    (("init", "rows.csv"), "'rows.csv' is no store, and is left as it is. Name another file."),
    (("import", "a.db", "x.csv"), "x.csv: there is no such file"),
    (("import", "a.db", "rows.csv", "--dates", "ydm"), "dates must be one of"),
    (("import", "a.db", "rows.csv", "--table", "lesion"), "belongs to the table patient, not to lesion"),
    (("export", "a.db", "--out", "o", "--format", "ods"), "format must be one of"),
    (("export", "a.db", "--out", "o", "--tables", "nurse"), "nurse: no such table"),
    (("import", "a.db", "rows.csv", "--update"), "A change needs a reason"),
    (("init", "mysql://me@host/db"), "cannot live in mysql"),
]


@pytest.mark.parametrize(("arguments", "told"), REFUSED)
def test_wrong_use_is_one_line_and_status_2(filled, arguments, told):
    status, _, err = filled(*arguments)
    assert status == 2
    assert told in err
    assert err.count("\n") == 1


def test_every_command_has_help_with_an_example(run):
    for group in ((), ("redcap",)):
        _, out, _ = run(*group, "--help")
        assert "Example:" in out
    for name in ["init", "import", "check", "export", "codebook", "form", "attach", "withdraw", "verify", "log"]:
        assert "Example:" in run(name, "--help")[1]
    for name in ["dictionary", "import", "export", "pull", "push"]:
        assert "Example:" in run("redcap", name, "--help")[1]


def test_a_missing_package_is_told(run, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "polars" else real(name, *a))
    status, _, err = run("codebook")
    assert status == 2
    assert err == "recanal: cohort needs polars. In recanal's folder: .venv/bin/pip install -e '.[cohort]'\n"
