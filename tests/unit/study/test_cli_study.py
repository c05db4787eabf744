"""``recanal study`` at the door."""

import json

import pytest
from click.testing import CliRunner
from study_cohort import HEAD, cohort

from recanal.cli.main import main

TABLE = '[[tables]]\nid = "t"\nby = "crossed"\nrows = ["age_years"]\n'


@pytest.fixture
def plan(tmp_path):
    cohort(80).to_csv(tmp_path / "lesions.csv", index=False)
    path = tmp_path / "plan.toml"
    path.write_text(HEAD + TABLE, encoding="utf-8")
    return path


def call(*arguments):
    return CliRunner().invoke(main, ["study", *map(str, arguments)])


def test_help_has_an_example():
    result = call("--help")
    assert result.exit_code == 0
    assert "recanal study plan.toml --out results" in result.output


def test_the_template_is_printed():
    from recanal.protocol.reading import plan_template

    assert call("--template").output == plan_template()


def test_a_study_is_written(plan, tmp_path):
    result = call(plan, "--out", tmp_path / "results")
    assert result.exit_code == 0, result.output
    assert "1 analyses, 8 files. Begin with study.html." in result.output
    assert json.loads((tmp_path / "results" / "results.json").read_text())["title"] == "A study of made-up lesions"


def test_json_goes_to_the_output_alone(plan):
    result = call(plan, "--json")
    assert json.loads(result.stdout)["analyses"]["t"]["n"] == 80


def test_a_plan_is_checked_without_computing(plan, tmp_path):
    result = call(plan, "--check")
    assert "80 lesions of 68 patients, 2 variables in use." in result.output
    assert "age_years: continuous (plan), 0 missing" in result.output
    assert {path.name for path in tmp_path.iterdir()} == {"lesions.csv", "plan.toml"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[tables]]\nrow = 1\n", "recanal: line 21, tables[1].row: there is no such key. Did you mean 'rows'?"),
        (TABLE.replace("age_years", "age"), "recanal: line 23, tables[1].rows: the data have no column 'age'."),
    ],
)
def test_a_wrong_plan_gives_one_line_and_status_2(plan, text, said):
    plan.write_text(HEAD + text, encoding="utf-8")
    result = call(plan, "--out", plan.parent / "results")
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
    assert not (plan.parent / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "said"), [((), "Name a plan."), (("absent.toml", "--json"), "'absent.toml' cannot be read")]
)
def test_what_is_missing_is_said(arguments, said):
    result = call(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_folder_for_the_results_is_needed(plan):
    assert "--out is missing" in call(plan).stderr


def test_absent_packages_are_named(plan, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "docx" else object())
    result = call(plan, "--check")
    assert result.exit_code == 2
    assert "needs docx, not installed here. In recanal's folder: .venv/bin/pip install -e '.[study]'" in result.stderr
