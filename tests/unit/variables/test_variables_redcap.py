"""REDCap files: the data dictionary, raw codes, repeating instances, checkboxes."""

import csv
import io

import polars as pl
import pytest

from recanal.errors import CohortError
from recanal.variables import (
    ReadOptions,
    check_rows,
    checked_together,
    load_dictionary,
    project_fields,
    read_csv,
    records_csv,
    records_tables,
    redcap_dictionary_csv,
    redcap_mismatches,
)

BOOK = load_dictionary()
# the header of REDCap's data dictionary, as its help page prints it
HEADER = (
    "Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"
    '"Choices, Calculations, OR Slider Labels",Field Note,Text Validation Type OR Show Slider Number,'
    "Text Validation Min,Text Validation Max,Identifier?,Branching Logic (Show field only if...),Required Field?,"
    "Custom Alignment,Question Number (surveys only),Matrix Group Name,Matrix Ranking?,Field Annotation"
)


def rows_of(text):
    return {row["Variable / Field Name"]: row for row in csv.DictReader(io.StringIO(text))}


def test_the_dictionary_file_is_as_redcap_wants_it():
    text = redcap_dictionary_csv(BOOK)
    assert text.splitlines()[0] == HEADER
    rows = rows_of(text)
    names = list(rows)
    assert names[0] == "patient_id"
    assert len(names) == len(set(names)) == text.count("\r\n") - 1
    assert all(len(name) <= 100 and name == name.lower() for name in names)
    assert {row["Form Name"] for row in rows.values()} == set(BOOK.names) - {"operator"}
    assert rows["sex"]["Choices, Calculations, OR Slider Labels"] == "1, female | 2, male"
    assert rows["diabetes"]["Field Type"] == "yesno"
    assert rows["exclusions"]["Field Type"] == "checkbox"
    age = rows["age_years"]
    checks = [age[f"Text Validation {name}"] for name in ("Type OR Show Slider Number", "Min", "Max")]
    assert checks == ["number", "0", "120"]
    assert rows["consented_on"]["Text Validation Type OR Show Slider Number"] == "date_ymd"
    assert rows["ct_lesion_id"]["Form Name"] == "ct"
    assert rows["patient_id"]["Identifier?"] == "y"


def test_operators_are_a_project_of_their_own():
    assert next(iter(rows_of(redcap_dictionary_csv(BOOK, "operator")))) == "operator_id"
    with pytest.raises(CohortError, match="lesion belongs to patient"):
        redcap_dictionary_csv(BOOK, "lesion")


# what REDCap 14 writes for two patients: repeating instruments, checkboxes, form states, survey columns
EXPORT = """\
patient_id,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,sex,age_years,exclusions___1,exclusions___6,patient_complete,lesion_id,vessel,in_stent,lesion_complete,ct_id,ct_lesion_id,ct_length_mm,ct_complete
P1,,,rome,2,50.5,1,1,2,,,,,,,,
P1,lesion,1,rome,,,0,0,,L1,4,0,2,,,,
P1,lesion,2,rome,,,0,0,,L2,2,1,2,,,,
P1,ct,1,rome,,,0,0,,,,,,C1,L2,22.5,2
P2,,,rome,1,,0,0,0,,,,,,,,
"""


def taken(text, **options):
    raw = read_csv(text.encode(), ReadOptions(separator=","), shielded=False)
    tables = records_tables(raw, BOOK, **options)
    return checked_together([check_rows(table, BOOK, ReadOptions(codes=True)) for table in tables])


def test_an_export_becomes_tables():
    checked = taken(EXPORT)
    assert checked.rejections.height == 0
    patient, lesion, ct = (checked.tables[name] for name in ("patient", "lesion", "ct"))
    assert patient["sex"].to_list() == ["male", "female"]
    assert patient["exclusions"].to_list() == ["bleeding_tendency;infection", None]
    assert lesion.select("lesion_id", "patient_id", "vessel", "in_stent").rows() == [
        ("L1", "P1", "RCA", 0),
        ("L2", "P1", "LAD", 1),
    ]
    assert ct.select("ct_id", "lesion_id", "ct_length_mm").rows() == [("C1", "L2", 22.5)]


def test_rejections_name_the_row_of_the_export():
    checked = taken(EXPORT.replace("L1,4,0", "L1,9,0"))
    assert checked.rejections.rows() == [(3, "vessel", "choice", "9")]


def test_instances_make_keys_where_the_project_has_none():
    text = "patient_id,redcap_repeat_instrument,redcap_repeat_instance,vessel\nP1,lesion,1,4\nP1,lesion,2,2\n"
    assert taken(text).tables["lesion"]["lesion_id"].to_list() == ["P1:1", "P1:2"]


def test_events_must_be_chosen():
    text = "patient_id,redcap_event_name,age_years\nP1,baseline_arm_1,50\nP1,month_12_arm_1,51\n"
    with pytest.raises(CohortError, match="holds 2 events"):
        taken(text)
    assert taken(text, event="month_12_arm_1").tables["patient"]["age_years"].to_list() == [51.0]
    with pytest.raises(CohortError, match="holds no events"):
        taken("patient_id,age_years\nP1,50\n", event="baseline_arm_1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("age_years\n50\n", "no field patient_id"),
        ("patient_id,shoe_size\nP1,44\n", "'shoe_size' is no variable"),
        ("patient_id,redcap_repeat_instrument,redcap_repeat_instance\nP1,nurse,1\n", "'nurse' is no table"),
    ],
)
def test_exports_that_do_not_fit_are_refused(text, told):
    with pytest.raises(CohortError, match=told):
        taken(text)


def test_records_go_out_as_they_came_in():
    checked = taken(EXPORT)
    frames = {name: frame.drop("_row") for name, frame in checked.tables.items()}
    places = {
        "lesion": pl.DataFrame({"lesion_id": ["L1", "L2"], "patient_id": ["P1", "P1"], "instance": [1, 2]}),
        "ct": pl.DataFrame({"ct_id": ["C1"], "patient_id": ["P1"], "instance": [1]}),
    }
    text = records_csv(frames, places, BOOK)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["patient_id"], r["redcap_repeat_instrument"], r["redcap_repeat_instance"]) for r in rows] == [
        ("P1", "", ""),
        ("P1", "lesion", "1"),
        ("P1", "lesion", "2"),
        ("P1", "ct", "1"),
        ("P2", "", ""),
    ]
    assert (rows[0]["sex"], rows[0]["exclusions___1"], rows[0]["exclusions___2"]) == ("2", "1", "0")
    assert (rows[2]["vessel"], rows[3]["ct_lesion_id"]) == ("2", "L2")
    again = taken(text)
    for name, frame in frames.items():
        assert again.tables[name].drop("_row").select(frame.columns).equals(frame)


METADATA = [
    {"field_name": "patient_id", "form_name": "patient", "field_type": "text"},
    {
        "field_name": "sex",
        "form_name": "patient",
        "field_type": "radio",
        "select_choices_or_calculations": "1, Female | 2, Male",
    },
    {"field_name": "own_field", "form_name": "other", "field_type": "text"},
]


def test_a_project_with_the_same_meaning_fits():
    assert redcap_mismatches(METADATA, project_fields(BOOK)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"select_choices_or_calculations": "1, Male | 2, Female"}, "sex: the code 1 means 'Male' there"),
        ({"select_choices_or_calculations": "1, Female | 9, Male"}, "sex: the code 9 means 'Male' there"),
        ({"field_type": "text"}, "sex: is a text, not a dropdown"),
        ({"form_name": "baseline"}, "sex: is on the instrument baseline, not patient"),
    ],
)
def test_a_project_that_means_something_else_is_seen(change, told):
    metadata = [METADATA[0], {**METADATA[1], **change}]
    assert told in redcap_mismatches(metadata, project_fields(BOOK))
