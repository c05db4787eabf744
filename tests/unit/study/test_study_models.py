"""Regression, discrimination, strata, agreement, follow-up and trials against statsmodels and scipy."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from study_cohort import cohort, record, run

from recanal.errors import StudyError
from recanal.stats.clustered_roc import auc_clustered, compare_clustered_auc
from recanal.stats.roc import auc_delong, compare_paired_auc

PLAN = """
[[regressions]]
id = "each"
outcome = "crossed"
predictors = ["length_mm", "vessel"]
adjust = ["age_years"]
interval = "wald"
cluster = "none"
[[regressions]]
id = "clustered"
outcome = "crossed"
predictors = ["score"]
cluster = "HC1"
[[roc]]
id = "roc"
outcome = "crossed"
event = 0
scores = ["score", "length_mm"]
resamples = 200
[[scores]]
id = "scores"
outcome = "crossed"
event = 0
scores = ["score", "other"]
reference = "score"
hosmer_lemeshow = true
cuts = { score = [1, 2, 3] }
[[calibration]]
id = "calibration"
outcome = "crossed"
event = 0
predicted = "risk"
hosmer_lemeshow = true
[[agreement]]
id = "ba"
kind = "bland_altman"
columns = ["length_mm", "length2_mm"]
[[agreement]]
id = "kappa"
kind = "kappa"
columns = ["stump", "stump2"]
[[agreement]]
id = "icc"
kind = "icc"
columns = ["length_mm", "length2_mm"]
[[learning]]
id = "learning"
outcome = "success"
operator = "operator"
order = "order"
window = 30
[[follow_up]]
id = "km"
time = "time_d"
status = "status"
competing = { 2 = "Death" }
by = "crossed"
predictors = ["age_years", "male"]
horizons = [180, 365, 5000]
[[trial]]
id = "trial"
arm = "arm"
treated = "ct"
outcome = "success"
measures = ["dose"]
adjust = ["age_years"]
stratum = "score"
cut = 2
[[sample_size]]
id = "size"
control = 0.84
treated = 0.935
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run(tmp_path_factory.mktemp("models"), PLAN)


@pytest.fixture(scope="module")
def numbers(result):
    return lambda name: record(result, name)


def logit(frame, names, outcome="crossed", **fitting):
    frame = frame[[outcome, *names]].dropna().astype(float)
    return sm.Logit(frame[outcome], sm.add_constant(frame[names])).fit(disp=0, **fitting)


def test_odds_ratios_agree_with_statsmodels(numbers):
    frame = cohort()
    first = numbers("each")["predictors"][0]
    fit = logit(frame, ["length_mm"])
    found = first["unadjusted"]["coefficients"][1]
    assert found["odds_ratio"] == pytest.approx(np.exp(fit.params["length_mm"]), rel=1e-6)
    assert [found["low_ratio"], found["high_ratio"]] == pytest.approx(
        [*np.exp(fit.conf_int().loc["length_mm"])], rel=1e-5
    )
    assert found["p_value"] == pytest.approx(fit.pvalues["length_mm"], rel=1e-4)
    adjusted = first["adjusted"]
    assert (adjusted["n"], adjusted["missing"]) == (298, 2)
    fit = logit(frame, ["length_mm", "age_years"])
    assert adjusted["coefficients"][1]["beta"] == pytest.approx(fit.params["length_mm"], rel=1e-5)


def test_levels_are_compared_with_the_first(numbers):
    frame = cohort().assign(lcx=lambda f: f.vessel == "LCX", rca=lambda f: f.vessel == "RCA")
    fit = logit(frame, ["lcx", "rca"])
    found = numbers("each")["predictors"][1]["unadjusted"]["coefficients"]
    assert [one["name"] for one in found[1:]] == ["vessel=LCX", "vessel=RCA"]
    assert [one["beta"] for one in found[1:]] == pytest.approx([fit.params["lcx"], fit.params["rca"]], rel=1e-4)


def test_errors_allow_for_patients(numbers):
    frame = cohort()
    groups = pd.factorize(frame.patient_id)[0]
    fit = logit(frame, ["score"], cov_type="cluster", cov_kwds={"groups": groups})
    model = numbers("clustered")["predictors"][0]["unadjusted"]
    assert (model["clusters"], model["interval"]) == (288, "HC1")
    assert model["coefficients"][1]["standard_error"] == pytest.approx(fit.bse["score"], rel=1e-3)


def test_areas_are_those_of_mann_and_whitney(numbers):
    frame = cohort()
    events, others = frame[frame.crossed == 0].score, frame[frame.crossed == 1].score
    expected = stats.mannwhitneyu(events, others).statistic / (len(events) * len(others))
    score = numbers("roc")["scores"][0]
    assert score["area"]["auc"] == pytest.approx(expected, rel=1e-9)
    assert score["area_code"].endswith("auc_clustered")
    assert numbers("scores")["scores"][0]["area"] == score["area"]
    cut = score["cutoff"]["threshold"]["value"]
    sums = {value: (events >= value).mean() + (others < value).mean() for value in sorted(set(frame.score))}
    assert sums[cut] == pytest.approx(max(sums.values()))


def test_one_row_per_patient_gives_the_variance_of_delong():
    frame = cohort(120, 5)
    event, who = 1 - frame.crossed.to_numpy(), np.arange(len(frame))
    one, two = frame.score.to_numpy(dtype=float), frame.other.to_numpy(dtype=float)
    assert auc_clustered(one, event, who).standard_error == pytest.approx(auc_delong(one, event).standard_error)
    plain, clustered = compare_paired_auc(one, two, event), compare_clustered_auc(one, two, event, who)
    assert (clustered.statistic, clustered.p_value) == pytest.approx((plain.statistic, plain.p_value))


def test_copies_of_a_row_add_nothing_when_they_share_a_patient():
    """Each lesion written four times: the area and, but for I/(I - 1), its error stay those of the single rows."""
    frame = cohort(200, 6)
    event, score = 1 - frame.crossed.to_numpy(), frame.score.to_numpy(dtype=float)
    single = auc_delong(score, event)
    four = auc_clustered(np.repeat(score, 4), np.repeat(event, 4), np.repeat(np.arange(len(score)), 4))
    assert four.auc == pytest.approx(single.auc)
    assert four.standard_error == pytest.approx(single.standard_error, rel=1e-9)
    assert auc_delong(np.repeat(score, 4), np.repeat(event, 4)).standard_error < 0.6 * single.standard_error


def test_the_clustered_error_is_that_of_drawing_patients():
    """Pairs of lesions that go together: the bootstrap over patients says how far the area moves."""
    rng = np.random.default_rng(8)
    count = 150
    shared, who = rng.normal(size=count), np.repeat(np.arange(count), 2)
    score = np.repeat(shared, 2) + 0.3 * rng.normal(size=2 * count)
    event = (np.repeat(shared, 2) + rng.normal(size=2 * count) > 0).astype(int)
    found, drawn = auc_clustered(score, event, who), []
    for _ in range(400):
        rows = (2 * rng.integers(0, count, count)[:, None] + [0, 1]).ravel()
        drawn.append(auc_delong(score[rows], event[rows]).auc)
    assert found.standard_error == pytest.approx(np.std(drawn), rel=0.12)


def test_strata_have_wilson_intervals_and_a_trend(numbers):
    frame = cohort()
    rows = numbers("scores")["strata"]["score"]["rows"]
    assert [row["stratum"] for row in rows] == ["0", "1", "2", "≥3"]
    for row, value in zip(rows, range(4), strict=True):
        part = frame[frame.score == value]
        failed = int((part.crossed == 0).sum())
        assert (row["n"], row["events"]) == (len(part), failed)
        assert (row["low"], row["high"]) == pytest.approx(proportion_confint(failed, len(part), method="wilson"))


def test_hosmer_and_lemeshow_come_with_their_warning(result, numbers):
    warnings = " ".join(warning for section in result.report.sections for warning in section.warnings)
    assert "A large P value is no evidence of good calibration" in warnings
    frame = cohort()
    failed = (frame.crossed == 0).astype(float)
    fit = sm.Logit(failed, sm.add_constant(frame.score.astype(float))).fit(disp=0)
    observed, expected = failed.groupby(frame.score).sum(), fit.predict().astype(float)
    expected = pd.Series(expected).groupby(frame.score).sum()
    size = frame.groupby("score").size()
    chi2 = (((observed - expected) ** 2) / (expected * (1 - expected / size))).sum()
    found = numbers("scores")["scores"][0]["hosmer_lemeshow"]
    assert (found["statistic"], found["df"]) == (pytest.approx(chi2, rel=1e-5), len(size) - 2)


def test_calibration_agrees_with_statsmodels(numbers):
    frame = cohort()
    failed, odds = (frame.crossed == 0).astype(float), np.log(frame.risk / (1 - frame.risk))
    slope = sm.Logit(failed, sm.add_constant(odds)).fit(disp=0).params.iloc[1]
    summary = numbers("calibration")["summary"]
    assert summary["slope"]["value"] == pytest.approx(slope, rel=1e-5)
    assert summary["brier"]["score"] == pytest.approx(((failed - frame.risk) ** 2).mean(), rel=1e-9)
    assert [row["groups_asked"] for row in numbers("calibration")["hosmer_lemeshow"]] == [5, 10, 12]


def test_agreement_is_of_the_rows_that_both_have(numbers):
    frame = cohort().dropna(subset=["length_mm"])
    gap = frame.length_mm - frame.length2_mm
    row = numbers("ba")["rows"][0]
    assert (row["n"], row["missing"]) == (298, 2)
    assert row["result"]["bias"]["value"] == pytest.approx(gap.mean(), rel=1e-8)
    assert row["result"]["upper_limit"]["value"] == pytest.approx(gap.mean() + 1.959964 * gap.std(ddof=1), rel=1e-6)
    table = pd.crosstab(cohort().stump, cohort().stump2).to_numpy()
    agreed = np.trace(table) / table.sum()
    chance = (table.sum(0) * table.sum(1)).sum() / table.sum() ** 2
    assert numbers("kappa")["rows"][0]["result"]["value"] == pytest.approx((agreed - chance) / (1 - chance), rel=1e-9)
    assert 0.97 < numbers("icc")["rows"][0]["result"]["value"] < 1


def test_learning_follows_the_order_of_cases(numbers):
    frame = cohort().sort_values("order")
    mine = frame[frame.operator == "A"].success.to_numpy()
    row = numbers("learning")["operators"][0]
    assert (row["n"], row["first"]["events"], row["last"]["events"]) == (len(mine), mine[:30].sum(), mine[-30:].sum())
    assert row["rates"][5] == pytest.approx(mine[5:35].mean())


def incidence(times, causes, at):
    """Aalen and Johansen's estimator, time by time."""
    share, alive = 0.0, 1.0
    for time in sorted(set(times[causes > 0])):
        if time > at:
            break
        risk = (times >= time).sum()
        share += alive * ((times == time) & (causes == 1)).sum() / risk
        alive *= 1 - ((times == time) & (causes > 0)).sum() / risk
    return share


def test_competing_events_take_their_share(numbers):
    frame = cohort()
    part = frame[frame.crossed == 1]
    group = numbers("km")["groups"][0]
    assert (group["group"], group["n"]) == ("Crossed", len(part))
    for place, time in enumerate((180, 365)):
        expected = incidence(part.time_d.to_numpy(), part.status.to_numpy(), time)
        assert group["at"][place]["share"] == pytest.approx(expected, rel=1e-9)
    assert group["at"][2] == {"time": 5000, "share": None, "reason": "nobody was followed so long"}
    assert numbers("km")["test"]["name"] == "Gray"


def test_hazards_are_those_of_cox(numbers):
    frame = cohort()
    fit = sm.PHReg(frame.time_d, frame[["age_years", "male"]], status=(frame.status == 1), ties="efron").fit(disp=0)
    models = numbers("km")["models"]
    assert [one["beta"] for one in models[0]["coefficients"]] == pytest.approx(list(fit.params), rel=1e-4)
    assert [model["method"] for model in models] == ["cox", "fine_gray"]
    assert models[0]["clusters"] == 288


def test_a_trial_has_the_interval_of_newcombe(numbers):
    frame = cohort()
    treated, control = frame[frame.arm == "ct"].success, frame[frame.arm == "angio"].success
    gap = numbers("trial")["primary"]["risk_difference"]
    low, high = confint_proportions_2indep(
        treated.sum(), len(treated), control.sum(), len(control), method="newcomb", compare="diff"
    )
    assert gap["value"] == pytest.approx(treated.mean() - control.mean())
    assert (gap["low"], gap["high"]) == pytest.approx((low, high), rel=1e-6)
    strata = numbers("trial")["strata"]["rows"]
    assert [row["stratum"] for row in strata] == ["<2", "≥2"]
    assert sum(np.sum(row["table"]) for row in strata) == 300
    dose = frame.groupby("arm").dose
    measure = numbers("trial")["measures"][0]
    assert measure["arms"][0]["median_value"] == pytest.approx(dose.median()["ct"])


def test_the_sample_of_the_planned_trial(numbers):
    """Crossing in 84 % against 93.5 %: 173 in each arm for a power of 80 %, 231 for 90 %."""
    sizes = {row["power"]: row["per_arm_count"] for row in numbers("size")["rows"]}
    assert (sizes[0.8], sizes[0.9]) == (173, 231)


def test_every_method_in_use_has_its_sentence(result):
    text = " ".join(result.report.methods)
    for words in ("CR2", "HC1", "Fine-Gray", "Newcombe", "Obuchowski", "Aalen-Johansen", "Hosmer-Lemeshow"):
        assert (words in text) == (words != "CR2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[[regressions]]\noutcome = "crossed"\npredictors = ["crossed"]\n',
            "regressions[1].predictors: 'crossed' is the outcome itself.",
        ),
        (
            '[[regressions]]\noutcome = "crossed"\npredictors = ["success"]\n[timing]\nduring = ["crossed"]\n'
            'after = ["success"]\n',
            "'success' becomes known after the procedure, the outcome 'crossed' during it: it cannot predict it.",
        ),
        (
            '[[regressions]]\noutcome = "crossed"\nevent = 2\npredictors = ["score"]\n',
            "column 'crossed' has no level '2'. Its levels: 1, 0.",
        ),
        (
            '[[follow_up]]\ntime = "status"\nstatus = "time_d"\n',
            "Are time and status swapped?",
        ),
        ('[[trial]]\narm = "vessel"\ntreated = "LAD"\noutcome = "success"\n', "must hold two arms, 'LAD' among them"),
        (
            '[[follow_up]]\ntime = "time_d"\nstatus = "status"\nby = "status"\n',
            "follow_up[1].by: 'status' is the time or the status itself.",
        ),
        (
            '[[trial]]\narm = "arm"\ntreated = "ct"\noutcome = "success"\nadjust = ["arm"]\n',
            "trial[1].adjust: 'arm' is the arm itself.",
        ),
        ('[[calibration]]\noutcome = "crossed"\npredicted = "score"\n', "holds values outside 0 to 1."),
        ('[[strata]]\noutcome = "crossed"\nscore = "length_mm"\n', "15 is the most. Name the cuts."),
        ('[[roc]]\noutcome = "crossed"\nscores = ["vessel"]\n', "'vessel' is categorical; numbers are needed."),
        (
            '[[learning]]\noutcome = "crossed"\noperator = "operator"\norder = "order"\nwindow = 999\n',
            "no operator has 999 cases.",
        ),
    ],
)
def test_wrong_use_is_refused(tmp_path, text, said):
    with pytest.raises(StudyError) as caught:
        run(tmp_path, text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("line ")


def test_too_many_parameters_are_refused_unless_the_plan_allows_it(tmp_path):
    frame = cohort(60)
    text = '[[regressions]]\noutcome = "success"\nevent = 0\ntogether = true\n'
    text += 'predictors = ["score", "age_years", "length_mm"]\n'
    with pytest.raises(StudyError, match=r"3 parameters for \d+ events: \d\.\d each, fewer than 10"):
        run(tmp_path, text, frame)
    allowed = run(tmp_path, text + "few_events = true\n", frame)
    assert "The plan allows it" in allowed.report.sections[0].warnings[0]


def test_an_area_below_a_half_is_called_into_question(tmp_path):
    result = run(tmp_path, '[[scores]]\noutcome = "crossed"\nscores = ["score", "other"]\n')
    assert result.report.sections[0].warnings[0].startswith("Areas below 0.5: Score; Other.")


def test_before_the_first_event_there_is_no_interval(tmp_path):
    text = '[[follow_up]]\nid = "f"\ntime = "time_d"\nstatus = "status"\ncompeting = { 2 = "Death" }\nhorizons = [1]\n'
    frame = cohort().assign(time_d=lambda one: one.time_d + 5)
    result = run(tmp_path, text, frame)
    assert record(result, "f")["groups"][0]["at"][0] == {"time": 1, "share": 0, "low": None, "high": None}
    assert result.report.sections[0].tables[0].rows[0].cells[-1].text == "0.0"


def test_a_predictor_known_late_needs_a_landmark(tmp_path):
    text = '[[follow_up]]\nid = "f"\ntime = "time_d"\nstatus = "status"\ncompeting = {{ 2 = "Death" }}\n'
    text += 'predictors = ["score"]\n{}[timing]\nafter = ["score"]\n'
    with pytest.raises(StudyError, match=r"'score' becomes known after the procedure.* Name landmark, a time in days"):
        run(tmp_path, text.format(""))
    late = run(tmp_path, text.format("landmark = 90\n"))
    assert late.report.sections[0].warnings[0].startswith("Score: known after the procedure; taken as known")
    frame = cohort()
    left = frame[frame.time_d > 90]
    assert record(late, "f")["n"] == len(left) < 300
    fit = sm.PHReg(left.time_d - 90, left[["score"]], status=(left.status == 1), ties="efron").fit(disp=0)
    assert record(late, "f")["models"][0]["coefficients"][0]["beta"] == pytest.approx(fit.params[0], rel=1e-4)


@pytest.mark.parametrize("kind", ["regressions", "roc", "scores"])
def test_the_outcome_by_another_name_is_refused(tmp_path, kind):
    frame = cohort(80).assign(male=lambda one: 1 - one.crossed)
    key = "predictors" if kind == "regressions" else "scores"
    text = f'[[{kind}]]\noutcome = "crossed"\n{key} = ["score", "male"]\n'
    said = rf"{kind}\[1\]\.{key}: 'male' says the same as the outcome in all 80 rows"
    with pytest.raises(StudyError, match=said):
        run(tmp_path, text, frame)


def test_separated_events_get_firths_penalty(tmp_path):
    frame = cohort(80).assign(male=lambda one: one.crossed)
    frame.loc[frame.index[frame.crossed == 0][:4], "male"] = 1
    text = '[[regressions]]\nid = "r"\noutcome = "crossed"\npredictors = ["male"]\n'
    result = run(tmp_path, text, frame)
    model = record(result, "r")["predictors"][0]["unadjusted"]
    table = pd.crosstab(frame.male, frame.crossed).to_numpy() + 0.5
    expected = table[1, 1] * table[0, 0] / (table[0, 1] * table[1, 0])
    assert model["method"] == "firth"
    assert model["coefficients"][1]["odds_ratio"] == pytest.approx(expected, rel=1e-5)
    assert "Firth's penalty was used" in result.report.sections[0].warnings[0]
