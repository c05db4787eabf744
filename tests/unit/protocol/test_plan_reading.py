"""Plans are read whole or refused with line, key, value and what is allowed."""

import pytest

from recanal.errors import StudyError
from recanal.protocol.place import Place, line_index
from recanal.protocol.plan import BaselinePlan, RegressionPlan
from recanal.protocol.reading import plan_template, read_plan, read_plan_text
from recanal.protocol.reading_analyses import BUILDERS
from recanal.protocol.references import uses

HEAD = 'title = "A study"\n[data]\nfile = "lesions.csv"\npatient = "patient_id"\n'
TABLE = '[[tables]]\nby = "crossed"\nrows = ["age_years"]\n'


def plan(text, head=HEAD):
    return read_plan_text(head + text)


def refused(text, head=HEAD):
    with pytest.raises(StudyError) as caught:
        plan(text, head)
    return str(caught.value)


def test_the_template_is_a_plan_of_the_size_of_a_paper():
    found = read_plan_text(plan_template())
    assert [one.id for one in found.analyses] == ["table1", "table2", "table4", "discrimination"]
    assert found.rules == "recommended"
    code = [line for line in plan_template().splitlines() if line.strip() and not line.startswith("#")]
    assert len(code) <= 50


def test_defaults_follow_the_top_of_the_plan():
    found = plan('rules = "spss"\nlevel = 0.9\n' + "[data]\nfile = 'a.csv'\n" + TABLE, head='title = "A"\n')
    one = found.analyses[0]
    assert isinstance(one, BaselinePlan)
    assert (one.rules, one.level, one.decimals, found.level) == ("spss", "lesion", 2, 0.9)


def test_analyses_keep_the_order_of_the_file():
    text = '[[roc]]\noutcome = "a"\nscores = ["b"]\n' + TABLE + '[[roc]]\noutcome = "a"\nscores = ["c"]\n'
    assert [one.id for one in plan(text).analyses] == ["roc1", "table1", "roc2"]


def test_clustering_is_the_default_where_patients_are_told_apart():
    text = '[[regressions]]\noutcome = "a"\npredictors = ["b"]\n'
    one = plan(text).analyses[0]
    assert isinstance(one, RegressionPlan)
    assert one.cluster == "CR2"
    assert plan(text, head='title = "A"\n[data]\nfile = "a.csv"\n').analyses[0].cluster == "none"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[tables]]\nbyy = "x"\nrows = ["a"]\n', "line 6, tables[1].byy: there is no such key. Did you mean 'by'?"),
        ('[[tables]]\nrows = ["a:middle"]\n', "line 6, tables[1].rows: got 'a:middle'; allowed after the colon: mean"),
        (TABLE + 'title = "A\\u0007B"\n', "line 8, tables[1].title: must be a text of printed letters, got 'A\\x07B'."),
        ("[[tables]]\nrows = []\n", "line 6, tables[1].rows: is empty."),
        ('[[tables]]\nrows = ["a", "a"]\n', "line 6, tables[1].rows: 'a' stands twice."),
        ('[[tables]]\nby = "x"\n', "line 5, tables[1].rows: is missing."),
        ('[[tables]]\nrows = "a"\n', "must be a list of names"),
        (TABLE + 'rules = "sas"\n', "line 8, tables[1].rules: got 'sas'; allowed: recommended, spss."),
        (TABLE + "decimals = 9\n", "tables[1].decimals: must be a whole number from 0 to 6, got 9."),
        (TABLE + "overall = 1\n", "tables[1].overall: must be true or false, got 1."),
        (TABLE + 'patient_rule = "any 0"\n', "patient_rule: belongs to a table with level = 'patient'."),
        (TABLE + 'level = "patient"\npatient_rule = "some 0"\n', "allowed: 'same', 'any LEVEL', 'all LEVEL'."),
        (TABLE + 'tests = { age_years = "t" }\n', "line 8, tables[1].tests.age_years: got 't'; allowed: student"),
        (TABLE + 'id = "Table 1"\n', "allowed: lower-case letters, digits, underscores."),
        (TABLE + TABLE.replace('by = "crossed"', 'id = "table1"'), "tables[2].id: 'table1' stands twice."),
        ('[[regressions]]\noutcome = "a"\npredictors = ["b"]\nadjust = ["b"]\n', "'b' is a predictor as well."),
        ('[[roc]]\noutcome = "a"\nscores = ["b"]\nlower = ["c"]\n', "roc[1].lower: got 'c'; allowed: b."),
        (
            '[[roc]]\noutcome = "a"\nscores = ["b"]\nresamples = 5\n',
            "must be a whole number from 200 to 100000, got 5.",
        ),
        ('[[strata]]\noutcome = "a"\nscore = "b"\ncuts = [3, 2]\n', "must be a list of rising numbers"),
        ('[[agreement]]\nkind = "kappa"\ncolumns = ["a", "b", "c"]\n', "kappa takes two columns."),
        ('[[agreement]]\nkind = "icc"\n', "needs one of columns, pairs; none of them is given"),
        ('[[agreement]]\nkind = "icc"\ncolumns = ["a", "b"]\nweights = "linear"\n', "does not belong to kind = 'icc'."),
        ('[[follow_up]]\ntime = "t"\nstatus = "t"\n', "status: is the column of times as well."),
        ('[[follow_up]]\ntime = "t"\nstatus = "s"\ncompeting = { 1 = "Death" }\n', "'1' is the event itself."),
        ('[[follow_up]]\ntime = "t"\nstatus = "s"\ncompeting = { 0 = "Death" }\n', "0 stands for censored."),
        ('[[trial]]\narm = "a"\noutcome = "b"\ncut = 2\n', "cut: needs stratum"),
        ("[[sample_size]]\ncontrol = 0.8\ntreated = 0.8\n", "no sample shows a difference of 0."),
        ("[[sample_size]]\ncontrol = 84\ntreated = 0.9\n", "must be a number from 0.0001 to 0.9999, got 84."),
        (
            TABLE + '[variables]\nbinary = ["a"]\nordinal = ["a"]\n',
            "line 10, variables.ordinal: 'a' is also called binary.",
        ),
        (TABLE + '[variables]\nnumber = ["a"]\n', "variables.number: there is no such key."),
        (TABLE + '[levels]\na = ["x"]\n', "levels.a: must be a list of two or more levels"),
        (TABLE + '[timing]\nbefore = ["a"]\nafter = ["a"]\n', "timing.after: 'a' also stands under before."),
        (TABLE + '[study]\ncolour = "red"\n', "study.colour: there is no such key."),
        ("", "line 1, the plan: asks for no analysis."),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, said):
    assert said in refused(text)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("[data]\nfile = 'a.csv'\n", "title: is missing."),
        ('title = 3\n[data]\nfile = "a.csv"\n', "line 1, title: must be a text, got 3."),
        ('title = "A"\n[data]\npatient = "p"\n', "needs one of file, cohort; none of them is given."),
        ('title = "A"\n[data]\nfile = "a.csv"\ncohort = "b.db"\n', "file and cohort are given."),
        ('title = "A"\n[data]\nfile = "a.xls"\n', "line 3, data.file: got 'a.xls'; allowed: .csv"),
        ('title = "A"\nseed = -1\n[data]\nfile = "a.csv"\n', "line 2, seed: must be a whole number"),
        ('title = "A"\nlevel = 95\n[data]\nfile = "a.csv"\n', "level: must be a number from 0.5 to 0.999, got 95."),
        ('titel = "A"\n', "line 1, titel: there is no such key. Did you mean 'title'?"),
        ('title = "A\n', "The plan is not valid TOML"),
        ("title = " + "9" * 5000, "The plan is not valid TOML: a number has too many digits."),
    ],
)
def test_a_wrong_top_is_refused(head, said):
    assert said in refused(TABLE if head[-2:] != "A\n" else "", head)


def test_a_patient_table_needs_patients():
    text = TABLE + 'level = "patient"\n'
    assert "needs [data] patient" in refused(text, head='title = "A"\n[data]\nfile = "a.csv"\n')


def test_files_that_are_no_plan(tmp_path):
    with pytest.raises(StudyError, match=r"'absent.toml' cannot be read"):
        read_plan(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes('title = "é"'.encode("latin-1"))
    with pytest.raises(StudyError, match="not UTF-8"):
        read_plan(tmp_path / "latin.toml")
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(StudyError, match=r"^'a\.dcm' is not valid TOML: "):
        read_plan(tmp_path / "a.dcm")
    (tmp_path / "large.toml").write_text("#" * 1_000_001)
    with pytest.raises(StudyError, match="larger than"):
        read_plan(tmp_path / "large.toml")


def test_lines_are_found_through_lists_strings_and_comments():
    text = 'a = [\n  "x", # ]\n  "y",\n]\nb = """\nc = 1\n"""\nd = 2\n[t]\n"e f" = { g = 1 }\n'
    text += "[[u.v]]\nh = 1\n[[u.v]]\nh = 2\n"
    found = line_index(text)
    assert (found[("a",)], found[("b",)], found[("d",)], found[("t", "e f")]) == (1, 5, 8, 10)
    assert ("c",) not in found
    assert (found[("u", "v", 0, "h")], found[("u", "v", 1, "h")]) == (12, 14)
    assert Place(("t", "e f"), found).line("g") == 10


def test_every_kind_of_analysis_tells_which_columns_it_uses():
    template = read_plan_text(plan_template())
    assert {use.name for use in uses(template)} >= {"crossed_30min", "age_years", "j_cto", "length_mm"}
    assert set(BUILDERS) == {
        *("tables", "regressions", "roc", "scores", "calibration", "agreement", "strata", "learning"),
        *("follow_up", "trial", "sample_size"),
    }
