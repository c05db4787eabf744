"""A plan on a cohort store: columns, labels and times come from the data dictionary."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from recanal.cli.main import main
from recanal.errors import StudyError
from recanal.study.run import run_study

PLAN = """\
title = "From the store"
[data]
cohort = "cohort.db"
patient = "patient_id"
lesion = "lesion_id"
[[tables]]
id = "t"
by = "vessel"
rows = ["age_years", "diabetes"]
"""


def fill(folder):
    rows = pd.DataFrame(
        {
            "patient_id": [f"P{number}" for number in range(12)],
            "lesion_id": [f"L{number}" for number in range(12)],
            "age_years": [50 + number for number in range(12)],
            "diabetes": [number % 2 for number in range(12)],
            "vessel": ["lad", "rca"] * 6,
        }
    )
    rows.to_csv(folder / "rows.csv", index=False)
    runner, store = CliRunner(), str(folder / "cohort.db")
    for arguments in (["init", store], ["import", store, str(folder / "rows.csv")]):
        done = runner.invoke(main, ["cohort", *arguments])
        assert done.exit_code == 0, done.output
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return rows


def test_a_store_needs_no_list_of_variables(tmp_path):
    rows = fill(tmp_path)
    result = run_study(tmp_path / "plan.toml")
    numbers = json.loads(json.dumps(result.record))
    row = numbers["analyses"]["t"]["rows"][0]
    groups = {group["name"]: group["n"] for group in numbers["analyses"]["t"]["groups"]}
    assert sorted(groups.values()) == [6, 6]
    assert row["all"]["mean_value"] == pytest.approx(rows.age_years.mean())
    assert numbers["variables"]["age_years"]["type_from"] == "dictionary"
    assert result.report.sections[0].tables[0].rows[0].cells[0].text == "Age, years"
    assert set(numbers["variables"]["vessel"]["levels"].values()) == set(groups)
    assert ("data", "a cohort store") in result.report.facts


def test_an_absent_store_is_named(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    with pytest.raises(StudyError, match=r"line 3, data.cohort: There is no store 'cohort.db'."):
        run_study(tmp_path / "plan.toml")
