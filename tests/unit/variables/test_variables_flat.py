"""Flat files: columns sorted into tables, and rows that contradict each other."""

import pytest

from recanal.errors import CohortError
from recanal.variables import ReadOptions, check_rows, load_dictionary, read_csv
from recanal.variables.rejections import RULES
from recanal.variables.row_rules import row_rules

BOOK = load_dictionary()


def check(text, table="", **options):
    raw = read_csv(text.encode(), ReadOptions(**options), table=table)
    return check_rows(raw, BOOK, ReadOptions(**options))


def lost(checked):
    return checked.rejections.select("row", "column", "rule").rows()


def test_one_row_per_lesion_becomes_rows_of_each_table():
    checked = check(
        "patient_id,sex,lesion_id,vessel,ct_length_mm,technical_success\n"
        "P1,male,L1,RCA,22.5,1\nP1,male,L2,LAD,,0\nP2,female,L3,LCX,30,\n"
    )
    assert lost(checked) == []
    heights = {name: frame.height for name, frame in checked.tables.items()}
    assert heights == {"patient": 2, "lesion": 3, "ct": 2, "procedure": 2}
    assert checked.tables["ct"]["ct_id"].to_list() == ["L1", "L3"]
    assert checked.tables["procedure"]["lesion_id"].to_list() == ["L1", "L2"]


def test_a_patient_who_differs_between_rows_is_rejected():
    checked = check(
        "patient_id,sex,age_years,lesion_id,vessel\nP1,male,50,L1,RCA\nP1,male,51,L2,LAD\nP2,male,60,L3,LAD\n"
    )
    assert lost(checked) == [(2, "age_years", "conflict"), (3, "age_years", "conflict")]
    assert checked.tables["patient"]["patient_id"].to_list() == ["P2"]
    assert checked.tables["lesion"]["lesion_id"].to_list() == ["L3"]


def test_a_lesion_that_stands_twice_is_rejected():
    checked = check("patient_id,lesion_id,vessel\nP1,L1,RCA\nP1,L1,RCA\nP1,L2,LAD\n")
    assert lost(checked) == [(2, "lesion_id", "duplicate"), (3, "lesion_id", "duplicate")]
    assert checked.tables["lesion"]["lesion_id"].to_list() == ["L2"]


def test_an_empty_key_is_rejected():
    assert lost(check("patient_id,lesion_id,vessel\n,L1,RCA\nP1,,LAD\n")) == [
        (2, "patient_id", "required"),
        (3, "lesion_id", "required"),
    ]


def test_readings_with_keys_of_their_own_may_be_many():
    checked = check("ct_id,lesion_id,ct_reader,ct_length_mm\nA,L1,R1,20\nB,L1,R2,22\n")
    assert lost(checked) == []
    assert checked.tables["ct"].height == 2
    assert list(checked.tables) == ["ct"]


@pytest.mark.parametrize(
    ("text", "table", "told"),
    [
        ("patient_id,colour\nP1,red\n", "", "'colour' is no variable"),
        ("patient_id,age_yeers\nP1,50\n", "", "Is age_years"),
        ("vessel\nRCA\n", "", "key lesion_id is missing"),
        ("age_years\n50\n", "", "key patient_id is missing"),
        ("lesion_id,vessel\nL1,RCA\n", "", "patient_id is missing"),
        ("lesion_id,patient_id,age_years\nL1,P1,50\n", "lesion", "age_years belongs to the table patient"),
    ],
)
def test_files_that_cannot_be_sorted_are_refused(text, table, told):
    with pytest.raises(CohortError, match=told):
        check(text, table)


LESION = "lesion_id,patient_id"
EVENT = "event_id,patient_id,event,event_on"
RULE_ROWS = {
    "dense_calcium_volume_mm3 <= plaque_volume_mm3": (
        LESION,
        "dense_calcium_volume_mm3,plaque_volume_mm3",
        "L1,P1,5,4",
    ),
    "crossed_within_30_min = (crossing_min <= 30)": (LESION, "crossed_within_30_min,crossing_min", "L1,P1,1,30.1"),
    "ct_length_20_mm_or_more = (ct_length_mm >= 20)": (LESION, "ct_length_20_mm_or_more,ct_length_mm", "L1,P1,0,20"),
    "bend_over_45_deg = (bend_max_deg > 45)": (LESION, "bend_over_45_deg,bend_max_deg", "L1,P1,1,45"),
    "procedural_success <= technical_success": (LESION, "procedural_success,technical_success", "L1,P1,1,0"),
    "death_cause only where event is death": (EVENT, "death_cause", "E,P1,amputation,2020-01-01,cardiac"),
    "event_on <= adjudicated_on": (EVENT, "adjudicated_on", "E,P1,death,2020-01-02,2020-01-01"),
}


@pytest.mark.parametrize("rule", RULE_ROWS)
def test_columns_that_contradict_each_other(rule):
    keys, columns, row = RULE_ROWS[rule]
    checked = check(f"{keys},{columns}\n{row}\n")
    assert [broken for _, _, broken in lost(checked)] == ["contradiction"]
    assert checked.rejections["value"].to_list() == [rule]


def test_what_agrees_or_is_not_known_is_no_contradiction():
    head = "lesion_id,patient_id,crossed_within_30_min,crossing_min,ct_bend_over_45_deg,ct_bend_max_deg\n"
    assert lost(check(f"{head}L1,P1,1,30,0,45\nL2,P1,0,,1,\nL3,P1,,31,,80\n")) == []


def test_every_row_rule_names_variables():
    for rule in row_rules():
        assert BOOK.variable(rule.first)
        assert BOOK.variable(rule.second)
    assert len({rule.text for rule in row_rules()}) == len(row_rules())


def test_every_rule_is_explained():
    assert all(text and not text.endswith(".") for text in RULES.values())
