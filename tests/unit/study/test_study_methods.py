"""Methods asked for in a plan, against published examples and other libraries."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff
from statsmodels.stats import inter_rater
from study_cohort import cohort, record, run

RATINGS = "Shrout PE, Fleiss JL. Psychol Bull 1979;86:420-428, Tables 2 and 4"
TARGETS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
FORMS = {"ICC(1,1)": 0.17, "ICC(2,1)": 0.29, "ICC(3,1)": 0.71, "ICC(1,k)": 0.44, "ICC(2,k)": 0.62, "ICC(3,k)": 0.91}
BARE = 'title = "Methods"\n[data]\nfile = "lesions.csv"\n'


def bare(folder, text, frame):
    return run(folder, text, frame, head=BARE)


@pytest.mark.parametrize("form", FORMS)
def test_all_six_intraclass_correlations_of_shrout_and_fleiss(tmp_path, form):
    frame = pd.DataFrame(TARGETS, columns=list("abcd"))
    text = f'[[agreement]]\nid = "icc"\nkind = "icc"\ncolumns = ["a", "b", "c", "d"]\nform = "{form}"\n'
    row = record(bare(tmp_path, text, frame), "icc")["rows"][0]
    assert row["result"]["value"] == pytest.approx(FORMS[form], abs=0.005), RATINGS
    # the two forms without a rater effect have F intervals, by hand
    if form in ("ICC(1,1)", "ICC(3,1)"):
        values = frame.to_numpy(dtype=float)
        n, k = values.shape
        between = k * ((values.mean(1) - values.mean()) ** 2).sum() / (n - 1)
        rest = ((values - values.mean(1, keepdims=True)) ** 2).sum()
        df = n * (k - 1)
        if form == "ICC(3,1)":
            rest -= n * ((values.mean(0) - values.mean()) ** 2).sum()
            df = (n - 1) * (k - 1)
        ratio = between / (rest / df)
        low, high = ratio / stats.f.ppf(0.975, n - 1, df), ratio * stats.f.ppf(0.975, df, n - 1)
        expected = [(one - 1) / (one + k - 1) for one in (low, high)]
        assert [row["result"]["low"], row["result"]["high"]] == pytest.approx(expected, rel=1e-6)


@pytest.fixture(scope="module")
def raters():
    """Three readers' grades of sixty lesions, from 0 to 3."""
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 4, 60)
    return pd.DataFrame({name: np.clip(truth + rng.choice([-1, 0, 0, 0, 1], 60), 0, 3) for name in "abc"})


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_weighted_kappa_agrees_with_statsmodels(tmp_path, raters, weights):
    text = f'[[agreement]]\nid = "k"\nkind = "kappa"\ncolumns = ["a", "b"]\nweights = "{weights}"\n'
    row = record(bare(tmp_path, text, raters), "k")["rows"][0]
    table = pd.crosstab(raters.a, raters.b).to_numpy()
    wt = {"none": None, "linear": "linear", "quadratic": "quadratic"}[weights]
    expected = inter_rater.cohens_kappa(table, wt=wt)
    assert row["result"]["value"] == pytest.approx(expected.kappa, rel=1e-9)
    assert [row["result"]["low"], row["result"]["high"]] == pytest.approx(
        [expected.kappa_low, expected.kappa_upp], abs=1e-3
    )


def test_fleiss_and_gwet_of_three_readers(tmp_path, raters):
    text = "".join(
        f'[[agreement]]\nid = "{kind}"\nkind = "{kind}"\ncolumns = ["a", "b", "c"]\n' for kind in ("fleiss", "gwet")
    )
    result = bare(tmp_path, text, raters)
    counts = inter_rater.aggregate_raters(raters.to_numpy())[0]
    found = record(result, "fleiss")["rows"][0]["result"]["value"]
    assert found == pytest.approx(inter_rater.fleiss_kappa(counts), rel=1e-9)
    # Gwet KL. Br J Math Stat Psychol 2008;61:29-48: chance is the mean of p(1 - p) over the grades, over q - 1
    agreed = ((counts * (counts - 1)).sum(1) / 6).mean()
    shares = counts.mean(0) / 3
    chance = (shares * (1 - shares)).sum() / (counts.shape[1] - 1)
    assert record(result, "gwet")["rows"][0]["result"]["value"] == pytest.approx((agreed - chance) / (1 - chance))


def test_profile_intervals_end_where_the_likelihood_has_fallen_by_the_quantile(tmp_path):
    frame = cohort(120)
    text = '[[regressions]]\nid = "r"\noutcome = "crossed"\npredictors = ["score"]\ncluster = "none"\n'
    model = record(run(tmp_path, text, frame), "r")["predictors"][0]["unadjusted"]
    assert (model["method"], model["interval"]) == ("ml", "profile")
    score, outcome = frame.score.to_numpy(dtype=float), frame.crossed.to_numpy(dtype=float)
    best = sm.Logit(outcome, sm.add_constant(score)).fit(disp=0).llf
    for end in ("low_ratio", "high_ratio"):
        beta = np.log(model["coefficients"][1][end])
        fixed = sm.GLM(outcome, np.ones(120), family=sm.families.Binomial(), offset=beta * score).fit()
        assert 2 * (best - fixed.llf) == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-4)


def test_kaplan_meier_and_the_log_rank_test_where_nothing_competes(tmp_path):
    frame = cohort().assign(status=lambda one: (one.status == 1).astype(int))
    text = '[[follow_up]]\nid = "f"\ntime = "time_d"\nstatus = "status"\nby = "male"\nhorizons = [300]\n'
    result = run(tmp_path, text, frame)
    groups = record(result, "f")["groups"]
    for group, part in zip(groups, (frame[frame.male == 0], frame[frame.male == 1]), strict=True):
        curve = SurvfuncRight(part.time_d, part.status)
        alive = curve.surv_prob[curve.surv_times <= 300][-1]
        assert group["at"][0]["share"] == pytest.approx(1 - alive, rel=1e-9)
    statistic, p_value = survdiff(frame.time_d, frame.status, frame.male)
    test = record(result, "f")["test"]
    assert (test["name"], test["statistic"], test["p_value"]) == ("log-rank", *map(pytest.approx, (statistic, p_value)))
    assert "No competing event is named" in result.report.sections[0].warnings[0]


TRIAL = """
[[trial]]
id = "t"
arm = "arm"
treated = "ct"
outcome = "success"
measures = ["fluoroscopy_min", "contrast_ml", "dose_area_gy_cm2", "cost_eur"]
adjust = ["age_years", "score"]
stratum = "j_cto_points"
cut = 2
"""


def test_a_trial_with_time_contrast_dose_and_cost(tmp_path):
    """Names of the data dictionary bring their labels, units and types; each measure is tested as scipy does it."""
    rng = np.random.default_rng(12)
    frame = cohort(240).assign(
        fluoroscopy_min=lambda one: rng.normal(60, 12, 240).round(1) - 4 * (one.arm == "ct"),
        contrast_ml=rng.normal(180, 40, 240).round(0),
        dose_area_gy_cm2=rng.lognormal(4, 0.9, 240).round(1),
        cost_eur=rng.lognormal(8, 0.8, 240).round(0),
        j_cto_points=rng.integers(0, 5, 240),
    )
    result = run(tmp_path, TRIAL, frame)
    numbers = record(result, "t")
    assert [row["label"] for row in numbers["measures"]] == [
        *("Fluoroscopy time, min", "Contrast medium, mL", "Dose-area product, Gy cm²", "Cost of the procedure, EUR")
    ]
    ct, angio = frame[frame.arm == "ct"], frame[frame.arm == "angio"]
    for row in numbers["measures"]:
        one, two = ct[row["variable"]], angio[row["variable"]]
        if row["summary"] == "mean_sd":
            expected = stats.ttest_ind(one, two, equal_var=False).pvalue
            assert row["test"]["difference"]["value"] == pytest.approx(one.mean() - two.mean())
        else:
            expected = stats.mannwhitneyu(one, two, use_continuity=False, method="asymptotic").pvalue
        assert row["test"]["p_value"] == pytest.approx(expected, rel=1e-6)
    assert [row["summary"] for row in numbers["measures"]] == ["mean_sd", "mean_sd", "median_iqr", "median_iqr"]
    # standardised: the mean predicted risk with everybody in one arm, then in the other
    names = ["treated", "age_years", "score"]
    design = sm.add_constant(frame.assign(treated=(frame.arm == "ct").astype(float))[names].astype(float))
    fit = sm.Logit(frame.success, design).fit(disp=0)
    risks = [fit.predict(design.assign(treated=float(arm))).mean() for arm in (1, 0)]
    effect = numbers["adjusted"]["effect"]
    assert effect["difference"]["value"] == pytest.approx(risks[0] - risks[1], rel=1e-4)
    counts = {row["stratum"]: np.array(row["table"]) for row in numbers["strata"]["rows"]}
    hard = frame[frame.j_cto_points >= 2]
    assert counts["≥2"].tolist() == [
        [int(((hard.arm == arm) & (hard.success == one)).sum()) for one in (1, 0)] for arm in ("ct", "angio")
    ]
    common = sm.stats.StratifiedTable([counts["<2"], counts["≥2"]])
    assert numbers["strata"]["common"]["odds_ratio"]["value"] == pytest.approx(common.oddsratio_pooled, rel=1e-9)


def test_scores_compared_as_in_xiao_2021(tmp_path):
    """Area, paired test against the reference, mean and fit of every score: one row each."""
    frame = cohort(200)
    text = '[[scores]]\nid = "s"\noutcome = "crossed"\nevent = 0\nscores = ["score", "other"]\nhosmer_lemeshow = true\n'
    result = bare(tmp_path, text, frame)
    table = result.report.sections[0].tables[0]
    assert table.head[-1] == "Hosmer-Lemeshow χ² (df), P"
    rows = record(result, "s")["scores"]
    assert [row["mean"] for row in rows] == pytest.approx([frame.score.mean(), frame.other.mean()])
    assert rows[1]["paired_test"] is None
    assert rows[0]["paired_test"]["p_value"] < 1
    assert "large P value is no evidence" in result.report.sections[0].warnings[0]


def test_a_table_of_more_than_two_rows_is_tested_exactly(tmp_path):
    """Every table with the margins of the paper's, weighed by its probability: enumerated here by brute force."""
    counts = [[4, 1], [2, 3], [0, 5]]
    rows = [(place, side) for place, pair in enumerate(counts) for side in (0, 1) for _ in range(pair[side])]
    frame = pd.DataFrame(rows, columns=["vessel", "crossed"])
    frame["vessel"] = frame.vessel.map({0: "LAD", 1: "LCX", 2: "RCA"})
    head = BARE + '[variables]\nbinary = ["crossed"]\ncategorical = ["vessel"]\n'
    text = '[[tables]]\nid = "t"\nby = "crossed"\nrows = ["vessel"]\n'
    test = record(run(tmp_path, text, frame, head=head), "t")["rows"][0]["test"]

    def weight(first):
        return np.prod([float(stats.binom(5, 0.5).pmf(one)) for one in first])

    tables = [(a, b, 6 - a - b) for a in range(6) for b in range(6) if 0 <= 6 - a - b <= 5]
    whole, seen = sum(map(weight, tables)), weight((4, 2, 0))
    expected = sum(weight(one) for one in tables if weight(one) <= seen * (1 + 1e-9)) / whole
    assert test["name"] == "Fisher-Freeman-Halton"
    assert test["p_value"] == pytest.approx(expected, rel=1e-9)
