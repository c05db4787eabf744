"""REDCap over HTTP, against a server that speaks its documented API."""

import pytest
from conftest_cohort import AUTHOR, put
from redcap_server import TOKEN, Project, serving

from recanal.cohort import ImportOptions, RedcapProject, check_redcap, create_store, import_redcap, redcap_csv
from recanal.errors import CohortError
from recanal.variables import load_dictionary, redcap_dictionary_csv

BOOK = load_dictionary()
ROWS = (
    "patient_id,sex,age_years,consented_on,exclusions,centre,lesion_id,vessel,in_stent,ct_length_mm,technical_success\n"
    'P1,male,50.125,2020-02-29,infection,"=1+1, ""é""",L1,RCA,0,22.5,1\n'
    'P1,male,50.125,2020-02-29,infection,"=1+1, ""é""",L2,LAD,1,,0\n'
    "P2,female,,,,,L3,LCX,,30,\n"
)


@pytest.fixture
def project():
    return Project(redcap_dictionary_csv(BOOK))


@pytest.fixture
def reached(project):
    with serving(project) as url:
        yield RedcapProject(url, TOKEN)


def test_what_is_pushed_is_pulled_back(file_store, reached, tmp_path):
    put(file_store, ROWS)
    check_redcap(reached, BOOK)
    assert reached.import_records(redcap_csv(file_store)) == 2
    other = create_store(str(tmp_path / "other.db"), AUTHOR)
    result = import_redcap(other, reached.export_records(), author=AUTHOR)
    assert result.rejections.height == 0
    assert result.added == {"patient": 2, "lesion": 3, "ct": 2, "procedure": 2}
    for table in BOOK.names:
        assert other.frame(table).equals(file_store.frame(table))
    again = import_redcap(other, reached.export_records(), author=AUTHOR)
    assert not again.written


def test_a_second_push_changes_instances_in_place(file_store, reached, project):
    put(file_store, ROWS)
    reached.import_records(redcap_csv(file_store))
    before = set(project.records)
    put(file_store, "lesion_id,patient_id,vessel\nL1,P1,LM\n", table="lesion", how=ImportOptions(update=True))
    reached.import_records(redcap_csv(file_store))
    assert set(project.records) == before
    assert project.records["P1", "lesion", "1"]["vessel"] == "1"


def test_records_are_sent_in_portions(file_store, reached, project):
    rows = "".join(f"P{number},{number % 90}\n" for number in range(1100))
    put(file_store, f"patient_id,age_years\n{rows}")
    assert reached.import_records(redcap_csv(file_store)) == 1100
    sent = [fields for fields in project.requests if fields.get("action") == "import"]
    assert [fields["data"].count("\n") - 1 for fields in sent] == [500, 500, 100]


def test_what_the_server_knows(reached, project):
    assert reached.version() == "14.5.1"
    assert reached.repeating() == {"laboratory", "lesion", "ct", "angiogram", "procedure", "follow_up"}
    assert len(reached.metadata()) == len(project.fields)
    project.refuse_repeating = True
    assert reached.repeating() == set()


def test_other_codes_in_the_project_stop_everything(reached, project):
    project.fields["sex"]["Choices, Calculations, OR Slider Labels"] = "1, male | 2, female"
    with pytest.raises(CohortError, match=r"differs in 2 fields.* sex: the code 1 means 'male' there"):
        check_redcap(reached, BOOK)


def test_instruments_must_repeat_before_rows_are_sent(reached, project):
    check_redcap(reached, BOOK, sending=True)
    project.refuse_repeating = True
    check_redcap(reached, BOOK)
    with pytest.raises(CohortError, match="The instrument angiogram does not repeat"):
        check_redcap(reached, BOOK, sending=True)


def test_a_refusal_names_fields_and_no_values(file_store, reached, project):
    put(file_store, ROWS)
    project.fields["age_years"]["Text Validation Max"] = "40"
    with pytest.raises(CohortError, match="REDCap refused 1 values of age_years") as caught:
        reached.import_records(redcap_csv(file_store))
    assert "50.125" not in str(caught.value)
    assert "P1" not in str(caught.value)


def test_a_wrong_token_is_told_and_never_shown(reached):
    wrong = RedcapProject(reached.url, "f" * 32)
    with pytest.raises(CohortError, match="REDCap refused the token") as caught:
        wrong.export_records()
    assert "ffff" not in str(caught.value)
    assert "ffff" not in repr(wrong)


def test_the_token_does_not_follow_a_redirect(reached):
    moved = RedcapProject(reached.url.replace("/api/", "/old/"), TOKEN)
    with pytest.raises(CohortError, match="leads elsewhere"):
        moved.version()


def test_a_server_that_is_not_there():
    with pytest.raises(CohortError, match="cannot be reached"):
        RedcapProject("http://127.0.0.1:9/api/", TOKEN, timeout_s=2).version()


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        ("http://redcap.example.org/api/", TOKEN, "must begin with https"),
        ("redcap.example.org", TOKEN, "is no URL"),
        ("file:///etc/passwd", TOKEN, "is no URL"),
        ("https://redcap.example.org/api/", "secret", "32 hexadecimal digits"),
    ],
)
def test_addresses_and_tokens_are_checked(url, token, told):
    with pytest.raises(CohortError, match=told):
        RedcapProject(url, token)
