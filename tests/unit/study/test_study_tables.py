"""Baseline tables against pandas and scipy."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from study_cohort import HEAD, cohort, pointed, record, run

from recanal.errors import StudyError

TABLE = """
[[tables]]
id = "t"
by = "crossed"
rows = ["length_mm", "age_years:mean", "stump", "score:levels", "vessel"]
"""


@pytest.fixture(scope="module")
def spss(tmp_path_factory):
    return run(tmp_path_factory.mktemp("spss"), TABLE + 'rules = "spss"\n')


@pytest.fixture(scope="module")
def recommended(tmp_path_factory):
    return run(tmp_path_factory.mktemp("recommended"), TABLE)


def halves_up(value, decimals):
    scale = 10**decimals
    return f"{math.floor(value * scale + 0.5 + 1e-7) / scale:.{decimals}f}"


def split(frame, name):
    known = frame[frame[name].notna()]
    return known[known.crossed == 1][name].astype(float), known[known.crossed == 0][name].astype(float)


def test_skewed_numbers_get_quartiles_and_a_rank_test(spss):
    row = record(spss, "t")["rows"][0]
    one, two = split(cohort(), "length_mm")
    assert (row["summary"], row["n"], row["missing"]) == ("median_iqr", 298, 2)
    expected = np.quantile(one, [0.25, 0.5, 0.75], method="weibull")
    got = [row["groups"][0][key] for key in ("q1_value", "median_value", "q3_value")]
    assert got == pytest.approx(expected, rel=1e-9)
    p_value = stats.mannwhitneyu(one, two, use_continuity=False, method="asymptotic").pvalue
    assert row["test"]["name"] == "mann_whitney"
    assert row["test"]["p_value"] == pytest.approx(p_value, rel=1e-9)
    assert row["groups"][0]["missing_count"] + row["groups"][1]["missing_count"] == 2


@pytest.mark.parametrize(("rules", "equal"), [("spss", True), ("recommended", False)])
def test_means_get_the_t_test_of_their_rule_set(rules, equal, request):
    row = record(request.getfixturevalue(rules), "t")["rows"][1]
    one, two = split(cohort(), "age_years")
    assert row["groups"][1]["mean_value"] == pytest.approx(two.mean(), rel=1e-9)
    assert row["groups"][1]["sd_value"] == pytest.approx(two.std(ddof=1), rel=1e-9)
    found = stats.ttest_ind(one, two, equal_var=equal)
    assert row["test"]["p_value"] == pytest.approx(found.pvalue, rel=1e-8)
    interval = found.confidence_interval()
    assert [row["test"]["difference"]["low"], row["test"]["difference"]["high"]] == pytest.approx([*interval], rel=1e-6)
    pooled = math.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2)
    assert row["standardised_difference"]["value"] == pytest.approx((one.mean() - two.mean()) / pooled, rel=1e-9)


def test_counts_get_the_test_of_their_rule_set(spss, recommended):
    frame = cohort().dropna(subset=["stump"])
    table = pd.crosstab(frame.stump, frame.crossed)
    pearson = stats.chi2_contingency(table, correction=False)
    n = int(table.to_numpy().sum())
    row = record(spss, "t")["rows"][2]
    assert (row["test"]["name"], row["n"], row["missing"]) == ("Pearson", 299, 1)
    assert row["test"]["p_value"] == pytest.approx(pearson.pvalue, rel=1e-9)
    row = record(recommended, "t")["rows"][2]
    assert row["test"]["p_value"] == pytest.approx(stats.chi2.sf(pearson.statistic * (n - 1) / n, 1), rel=1e-9)
    shares = table[1] / table[1].sum(), table[0] / table[0].sum()
    spread = sum(share[1] * share[0] for share in shares) / 2
    expected = abs(shares[0][1] - shares[1][1]) / math.sqrt(spread)
    assert row["standardised_difference"]["value"] == pytest.approx(expected, rel=1e-9)


def test_levels_are_counted_in_every_group(spss):
    row = record(spss, "t")["rows"][3]
    table = pd.crosstab(cohort().score, cohort().crossed)
    assert row["groups"][0]["counts"] == table[1].tolist()
    assert row["groups"][1]["counts"] == table[0].tolist()
    assert row["test"]["p_value"] == pytest.approx(stats.chi2_contingency(table).pvalue, rel=1e-9)


def test_a_cell_shows_the_numbers_that_it_points_at(recommended):
    table = recommended.report.sections[0].tables[0]
    numbers = {"analyses": {"t": record(recommended, "t")}}
    cell = table.rows[0].cells[2]
    group = pointed(numbers, cell.source)
    parts = [halves_up(group[key], 2) for key in ("median_value", "q1_value", "q3_value")]
    assert cell.text == f"{parts[0]} ({parts[1]}–{parts[2]})"
    stump = table.rows[2].cells
    group = pointed(numbers, stump[3].source)
    assert stump[3].text == f"{group['counts'][1]} ({halves_up(100 * group['counts'][1] / group['n'], 1)})"
    for row in table.rows:
        for found in row.cells:
            if found.source:
                pointed(numbers, found.source)
    crossed = int(cohort().crossed.sum())
    heads = ("Characteristic", "All (n = 300)", f"Crossed (n = {crossed})", f"Not crossed (n = {300 - crossed})")
    assert table.head[:4] == heads


def test_missing_values_are_told_below_the_table(recommended):
    notes = " ".join(recommended.report.sections[0].tables[0].notes)
    assert "Missing: Length, mm 2; Stump 1." in notes
    assert "Tests count lesions as independent" in notes


PATIENTS = """
[[tables]]
id = "p"
by = "crossed"
level = "patient"
patient_rule = "any 0"
rows = ["age_years", "male"]
"""


def test_a_patient_belongs_where_any_lesion_does(tmp_path):
    result = run(tmp_path, PATIENTS)
    numbers = record(result, "p")
    by_patient = cohort().groupby("patient_id").agg(crossed=("crossed", "min"), age=("age_years", "first"))
    sizes = [int((by_patient.crossed == 1).sum()), int((by_patient.crossed == 0).sum())]
    assert [group["n"] for group in numbers["groups"]] == sizes
    assert numbers["n"] == 288
    failed = by_patient[by_patient.crossed == 0]
    assert numbers["rows"][0]["groups"][1]["mean_value"] == pytest.approx(failed.age.mean())
    notes = result.report.sections[0].tables[0].notes
    assert "A patient counts as 'Not crossed' (Crossing) when at least one lesion is." in notes
    assert any("288 patients with 300 lesions; 12 patients have several." in note for note in notes)


def test_lesions_that_disagree_need_a_rule(tmp_path):
    with pytest.raises(StudyError, match=r"tables\[1\].patient_rule: lesions of \d+ patients lie in different groups"):
        run(tmp_path, PATIENTS.replace('patient_rule = "any 0"\n', ""))
    with pytest.raises(StudyError, match=r"tables\[1\].rows: 'length_mm' differs between lesions of 1[12] patients"):
        run(tmp_path, PATIENTS.replace('"male"', '"length_mm"'))


def test_a_variable_of_lesions_becomes_one_of_patients_by_its_rule(tmp_path):
    text = PATIENTS.replace('"male"', '"length_mm", "stump"') + 'aggregate = { length_mm = "largest", stump = "any" }\n'
    rows = record(run(tmp_path, text), "p")["rows"]
    largest = cohort().groupby("patient_id").length_mm.max()
    assert rows[1]["all"]["median_value"] == pytest.approx(largest.median())
    stump = cohort().assign(stump=lambda frame: frame.stump.astype(float)).groupby("patient_id").stump.max()
    assert rows[2]["all"]["counts"][1] == int(stump.sum())


def test_three_groups_and_exact_tests(tmp_path):
    frame = cohort(60)
    text = '[[tables]]\nid = "t"\nby = "vessel"\nrules = "spss"\nrows = ["age_years:mean", "score"]\n'
    numbers = record(run(tmp_path, text + 'tests = { score = "fisher" }\n', frame), "t")
    groups = [frame[frame.vessel == name].age_years for name in ("LAD", "LCX", "RCA")]
    assert numbers["rows"][0]["test"]["p_value"] == pytest.approx(stats.f_oneway(*groups).pvalue, rel=1e-8)
    exact = numbers["rows"][1]["test"]
    assert (exact["name"], exact["rule"]) == ("Fisher-Freeman-Halton", "the plan")
    table = pd.crosstab(frame.score, frame.vessel).to_numpy()
    rng = np.random.default_rng(1)
    sampled = stats.fisher_exact(table, method=stats.MonteCarloMethod(n_resamples=4000, rng=rng)).pvalue
    assert exact["p_value"] == pytest.approx(sampled, abs=0.03)


def test_one_group_is_described_without_tests(tmp_path):
    result = run(tmp_path, '[[tables]]\nid = "t"\nrows = ["age_years", "stump"]\n')
    assert result.report.sections[0].tables[0].head == ("Characteristic", "All (n = 300)")
    assert record(result, "t")["rows"][0]["test"] == {"reason": "one group"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TABLE.replace('"stump"', '"stamp"'), "the data have no column 'stamp'. Did you mean 'stump'?"),
        (TABLE.replace('"stump"', '"order"'), "the type of 'order' is not known."),
        (TABLE.replace('"vessel"', '"vessel:mean"'), "'vessel' is categorical and has no mean."),
        (TABLE.replace('"length_mm"', '"length_mm:levels"'), "'length_mm' is continuous and has no levels."),
        (TABLE + 'tests = { stump = "welch" }\n', "tests.stump: 'welch' is a test of numbers, not of counts."),
        (TABLE + 'tests = { length_mm = "yates" }\n', "tests.length_mm: 'yates' is a test of counts."),
        (
            TABLE.replace('by = "crossed"', 'by = "lesion_id"'),
            "'lesion_id' is an identifier; none is shown.",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, text, said):
    with pytest.raises(StudyError) as caught:
        run(tmp_path, text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lesion_id": (5, 4)}, None),
        ({"age_years": (5, "sixty")}, "Column 'age_years', row 7: got 'sixty'; continuous variables hold numbers."),
        ({"stump": (5, 2)}, "Column 'stump', row 7: got '2'; binary variables hold 0, 1, yes, no, true, false."),
        ({"arm": (5, "CT")}, "Column 'arm', row 7: got 'CT'; categorical variables hold ct, angio."),
        (
            {"operator": (5, "A\x0bB")},
            r"Column 'operator', row 7: got 'A\x0bB'; categorical variables hold printed letters.",
        ),
        ({"patient_id": (5, "")}, "line 5, data.patient: 1 rows have no 'patient_id'; the first is row 7."),
        ({"age_years": (5, math.inf)}, "Column 'age_years', row 7"),
    ],
)
def test_cells_that_do_not_fit_are_named_by_row(tmp_path, change, said):
    frame = cohort().astype(object)
    for name, (row, value) in change.items():
        frame.loc[row, name] = value
    text = '[[tables]]\nby = "arm"\nrows = ["age_years", "stump", "operator"]\n'
    if said is None:
        frame.loc[5, "patient_id"] = frame.loc[4, "patient_id"]
        said = "line 6, data.lesion: 1 rows repeat a lesion of the same patient; the first are rows 6 and 7."
    with pytest.raises(StudyError) as caught:
        run(tmp_path, text, frame)
    assert said in str(caught.value)
    assert "P00" not in str(caught.value)


def test_decimal_commas_words_for_missing_and_parquet_give_the_same(tmp_path):
    text = '[[tables]]\nid = "t"\nby = "crossed"\nrows = ["length_mm", "stump"]\n'
    plain = record(run(tmp_path, text), "t")
    cohort().to_csv(tmp_path / "lesions.csv", index=False, sep=";", decimal=",", na_rep="unknown")
    head = HEAD.replace("[variables]", 'separator = ";"\ndecimal = ","\nmissing = ["unknown"]\n[variables]')
    (tmp_path / "plan.toml").write_text(head + text, encoding="utf-8")
    from recanal.study.run import run_study

    assert record(run_study(tmp_path / "plan.toml"), "t") == plain
    table = cohort().assign(stump=cohort().stump.astype(float))
    columns = {name: [None if pd.isna(value) else value for value in table[name]] for name in table}
    pl.DataFrame(columns).write_parquet(tmp_path / "lesions.parquet")
    (tmp_path / "plan.toml").write_text(HEAD.replace("lesions.csv", "lesions.parquet") + text, encoding="utf-8")
    assert record(run_study(tmp_path / "plan.toml"), "t") == plain
