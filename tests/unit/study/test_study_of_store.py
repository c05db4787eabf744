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


TIMES = """\
[endpoints.revascularised]
events = ["target_vessel_revascularisation"]
competing = ["death"]
[[follow_up]]
id = "f"
time = "revascularised_days"
status = "revascularised_status"
competing = { 2 = "Death" }
horizons = [365]
"""


def with_events(folder):
    """Procedures on the first of January; every third patient has an event on day 100, one dies on day 50."""
    rows = "lesion_id,procedure_on\n" + "".join(f"L{number},2020-01-01\n" for number in range(12))
    events = [f"E{n},P{n},{'target_vessel_revascularisation' if n % 3 == 0 else 'last_contact'}" for n in range(11)]
    dates = ["2020-04-10" if number % 3 == 0 else "2021-06-01" for number in range(11)]
    told = [f"{event},{date}\n" for event, date in zip(events, dates, strict=True)]
    text = "event_id,patient_id,event,event_on\n" + "".join(told) + "E99,P11,death,2020-02-20\n"
    for name, content in (("more.csv", rows), ("events.csv", text)):
        (folder / name).write_text(content)
        done = CliRunner().invoke(main, ["cohort", "import", str(folder / "cohort.db"), str(folder / name)])
        assert done.exit_code == 0, done.output


def test_times_to_an_event_come_from_the_events_of_the_store(tmp_path):
    fill(tmp_path)
    with_events(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN.split("[[tables]]")[0] + TIMES, encoding="utf-8")
    result = run_study(tmp_path / "plan.toml")
    group = json.loads(json.dumps(result.record))["analyses"]["f"]["groups"][0]
    assert (group["n"], group["events"]) == (12, {"Revascularised": 4, "Death": 1})
    # one of twelve dies on day 50; on day 100 four of the eleven left have the event: 11/12 x 4/11
    assert group["at"][0]["share"] == pytest.approx(4 / 12)
    facts = dict(result.report.facts)
    assert facts["endpoint revascularised"].startswith("4 events, 1 competing, 7 censored, 0 lesions without a time")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            TIMES.replace("target_vessel_", ""),
            "line 6, endpoints.revascularised: There is no event 'revascularisation'",
        ),
        (TIMES.replace("[endpoints.revascularised]", "[endpoints.Re-do]"), "is no name for columns"),
        (TIMES.replace('competing = ["death"]', 'since = "birth"'), "since: there is no such key"),
    ],
)
def test_an_endpoint_that_cannot_be_is_named(tmp_path, text, said):
    fill(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN.split("[[tables]]")[0] + text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        run_study(tmp_path / "plan.toml")
    assert said in str(caught.value)


def test_a_file_brings_its_own_times(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN.replace('cohort = "cohort.db"', 'file = "a.csv"') + TIMES)
    with pytest.raises(StudyError, match="times are made from a cohort store; a file has them as columns"):
        run_study(tmp_path / "plan.toml")


def test_several_samples_of_a_patient_are_left_out_by_name(tmp_path):
    fill(tmp_path)
    (tmp_path / "labs.csv").write_text("laboratory_id,patient_id,hba1c_percent\nS1,P1,6\nS2,P1,7\n")
    done = CliRunner().invoke(main, ["cohort", "import", str(tmp_path / "cohort.db"), str(tmp_path / "labs.csv")])
    assert done.exit_code == 0, done.output
    with pytest.raises(StudyError, match="laboratory has more than one row for 1 of the patients"):
        run_study(tmp_path / "plan.toml")
    text = PLAN.replace('lesion = "lesion_id"', 'lesion = "lesion_id"\ntables = ["patient"]')
    (tmp_path / "plan.toml").write_text(text)
    assert run_study(tmp_path / "plan.toml").record["analyses"]["t"]["n"] == 12
