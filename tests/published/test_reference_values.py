"""Every block of the R reference values that concerns the statistics, at its stated tolerance.

The data belong to R packages under GPL and are read from where they lie, never copied; without them this file is
skipped. Each block is either covered by a test below or listed with the reason why it is not.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recanal.agreement.bland_altman import bland_altman
from recanal.agreement.intraclass import intraclass_correlations
from recanal.agreement.kappa import cohen_kappa, fleiss_kappa
from recanal.fitting.design import Design, design_matrix
from recanal.fitting.logistic_likelihood import LogisticProblem, maximise_logistic, profile_limits
from recanal.stats.bootstrap import best_cut
from recanal.stats.calibration import brier_score, calibrate, calibration_errors
from recanal.stats.clustered import cluster_robust, fit_gee
from recanal.stats.contingency import (
    choose_count_test,
    fisher_exact_test,
    fisher_freeman_halton_test,
    pearson_test,
    yates_test,
)
from recanal.stats.continuous import compare_groups, describe, standardised_difference
from recanal.stats.hosmer_lemeshow import hosmer_lemeshow_test
from recanal.stats.logistic import fit_logistic, predicted_probabilities, variance_inflation
from recanal.stats.monitoring import expected_minus_observed, funnel_limits, risk_adjusted_cusum
from recanal.stats.proportions import (
    diagnostic_accuracy,
    mantel_haenszel,
    proportion_interval,
    risk_difference,
    risk_ratio,
)
from recanal.stats.roc import auc_delong, compare_paired_auc, compare_unpaired_auc
from recanal.stats.samplesize import (
    events_for_hazard_ratio,
    model_size_binary,
    model_size_survival,
    r2_from_c_statistic,
    size_two_means,
    size_two_shares,
)
from recanal.stats.summary_tests import odds_ratio_wald
from recanal.survival.cox import fit_cox, proportional_hazards_test
from recanal.survival.fine_gray import fit_fine_gray, predicted_incidence
from recanal.survival.follow_up import FollowUp
from recanal.survival.incidence import cumulative_incidence, gray_test, incidence_at
from recanal.survival.kaplan_meier import kaplan_meier, log_rank_test, median_survival, restricted_mean, survival_at

EVIDENCE = Path(__file__).parents[3] / "shared" / "evidence"
pytestmark = pytest.mark.skipif(
    not (EVIDENCE / "reference_values.json").exists(), reason="../shared/evidence is absent"
)

COVERED = {
    *("roc_aSAH", "diag_accuracy_aSAH", "table1_birthwt", "logistic_birthwt", "firth"),
    *("external_validation_recalibration", "icc", "kappa", "survival_lung", "survival_veteran", "competing_pbc"),
    "table1_rules",
    *("clustered_retinopathy", "pmsampsize", "rct_sample_size", "rct_2x2", "mantel_haenszel_birthwt", "cusum_birthwt"),
}
LEFT_OUT = {
    "bootstrap_optimism_birthwt": "validation of prediction models belongs to the planned room models",
    "ridge_glmnet_birthwt": "penalised prediction models belong to the planned room models",
    **dict.fromkeys(
        ("dca_birthwt", "dca_survival_pbc", "dca_competing_pbc"), "decision curves belong to the planned room models"
    ),
    "nri_idi_birthwt": "reclassification is not offered: delta Brier and likelihood-ratio tests take its place",
    "mice_pool_nhanes2": "multiple imputation is not offered yet",
    "paper_audit": "the numbers of the papers are checked in tests/published/test_audit_papers.py",
}
PARTS_LEFT_OUT = {
    "roc_aSAH": ("pauc_spec_90_100",),
    "diag_accuracy_aSAH": ("p.rout", "p.rin", "p.tpdn", "p.tndp", "p.dntp", "p.dptn", "nndx", "youden", "diag.or"),
    "logistic_birthwt": ("le_cessie", "val_prob: lowess errors, D, U and Q"),
    "competing_pbc": ("csc_pred_first5", "score_auc", "score_brier"),
    "clustered_retinopathy": ("glmer_nAGQ25",),
}


@pytest.fixture(scope="module")
def reference():
    return json.loads((EVIDENCE / "reference_values.json").read_text(encoding="utf-8"))


def data(name):
    return pd.read_csv(EVIDENCE / "reference_data" / f"{name}.csv")


@pytest.fixture(scope="module")
def birthwt():
    return data("birthwt")


@pytest.fixture(scope="module")
def birthwt_design(birthwt):
    names = ["age", "lwt", "race", "smoke", "ptl", "ht", "ui", "ftv"]
    return design_matrix(birthwt, names, references={"race": "white"})


def r_name(name):
    """The name that R gives to a column of a design."""
    return "(Intercept)" if name == "(intercept)" else name.replace("=", "")


def approx(value, *, rel=1e-6, floor=0.0):
    return pytest.approx(value, rel=rel, abs=floor)


def test_every_block_is_covered_or_listed_with_a_reason(reference):
    assert set(reference) - {"_meta"} == COVERED | set(LEFT_OUT)
    assert set(PARTS_LEFT_OUT) <= COVERED


def test_roc_asah(reference):
    table, block = data("aSAH"), reference["roc_aSAH"]
    poor = (table["outcome"] == "Poor").to_numpy()
    for name in ("s100b", "ndka", "wfns"):
        found = auc_delong(table[name], poor)
        assert found.auc == approx(block[name]["auc"])
        assert found.standard_error**2 == approx(block[name]["delong_var"])
        assert [found.low, found.high] == approx(block[name]["delong_ci95"])
    for pair, expected in block["paired_delong"].items():
        first, second = pair.split("_vs_")
        found = compare_paired_auc(table[first], table[second], poor)
        assert (found.statistic, found.p_value) == approx((expected["Z"], expected["p"]))
    parts = [table["gender"] == sex for sex in ("Male", "Female")]
    areas = [auc_delong(table["s100b"][rows], poor[rows]) for rows in parts]
    found = compare_unpaired_auc(*areas)
    assert abs(found.statistic) == approx(block["unpaired_delong_by_gender"]["Z"])
    assert found.p_value == approx(block["unpaired_delong_by_gender"]["p"])
    cut = best_cut(table["s100b"], poor, np.arange(len(table)), rng=np.random.default_rng(1), draws_count=200)
    youden = block["youden_s100b"]
    # pROC puts the threshold in the middle between two values, recanal at the upper of the two.
    below = table["s100b"][table["s100b"] < cut.threshold.value].max()
    assert (cut.threshold.value + below) / 2 == approx(youden["threshold"])
    assert (cut.sensitivity.value, cut.specificity.value) == approx((youden["sensitivity"], youden["specificity"]))


def test_diag_accuracy_asah(reference):
    a, b, c, d = reference["diag_accuracy_aSAH"]["table"]
    found = diagnostic_accuracy([[a, c], [b, d]])
    expected = reference["diag_accuracy_aSAH"]["epi.tests"]
    for name, estimate in (
        ("se", found.sensitivity),
        ("sp", found.specificity),
        ("pv.pos", found.positive_value),
        ("pv.neg", found.negative_value),
        ("diag.ac", found.accuracy),
        ("lr.pos", found.positive_ratio),
        ("lr.neg", found.negative_ratio),
        ("ap", proportion_interval(a + c, 113, method="exact")),
        ("tp", proportion_interval(a + b, 113, method="exact")),
    ):
        row = expected[name]
        assert (estimate.value, estimate.low, estimate.high) == approx((row["est"], row["lower"], row["upper"]))


# 2 x 2 tables on either side of each limit of the rule: smallest expected count, number of cases, test
RULED = (
    ([[30, 20], [20, 30]], "Pearson"),  # 25, 100
    ([[36, 4], [4, 36]], "Pearson"),  # 20, 80
    ([[10, 10], [15, 5]], "Pearson"),  # 7.5, 40
    ([[10, 10], [14, 5]], "Fisher"),  # 7.3, 39
    ([[30, 2], [10, 3]], "Yates"),  # 1.4, 45
    ([[45, 1], [45, 0]], "Fisher"),  # 0.5, 91
)


def test_table1_rules(reference):
    rule = "Pearson if all expected>=5; Yates if 1<=min expected<5; Fisher if min expected<1 or n<40"
    assert reference["table1_rules"]["seed001"] == rule
    assert [choose_count_test(table, rule="spss").name for table, _ in RULED] == [name for _, name in RULED]


def test_table1_birthwt(reference, birthwt):
    block = reference["table1_birthwt"]
    low, normal = (birthwt["lwt"][birthwt["low"] == code] for code in (1, 0))
    first, expected = describe(low), block["lwt"]
    spss = describe(low, quantile_type="type6")
    assert [first.mean_value, first.sd_value] == approx(expected["mean_sd_low1"])
    assert [describe(normal).mean_value, describe(normal).sd_value] == approx(expected["mean_sd_low0"])
    assert [first.median_value, first.q1_value, first.q3_value] == approx(expected["median_iqr_type7_low1"])
    assert [spss.median_value, spss.q1_value, spss.q3_value] == approx(expected["median_iqr_type6_SPSS_low1"])
    pair = {"low": low, "normal": normal}
    assert compare_groups(pair, test="student").p_value == approx(expected["student_t_p"])
    assert compare_groups(pair, test="welch").p_value == approx(expected["welch_t_p"])
    assert compare_groups(pair, test="mann_whitney").p_value == approx(expected["wilcoxon_nocorrect_p_SPSS"])
    corrected = compare_groups(pair, test="mann_whitney", continuity=True)
    assert corrected.p_value == approx(expected["wilcoxon_correct_p"])
    assert standardised_difference(low, normal).value == approx(expected["smd_pooled"])
    races = {race: birthwt["lwt"][birthwt["race"] == race] for race in birthwt["race"].unique()}
    assert compare_groups(races, test="anova").statistic == approx(block["anova_lwt_race_F"])
    assert compare_groups(races, test="anova").p_value == approx(block["anova_p"])
    assert compare_groups(races, test="kruskal_wallis").p_value == approx(block["kruskal_lwt_race_p"])
    smoke, ht, race = (pd.crosstab(birthwt[name], birthwt["low"]).to_numpy() for name in ("smoke", "ht", "race"))
    assert pearson_test(smoke).p_value == approx(block["smoke"]["pearson_p"])
    assert yates_test(smoke).p_value == approx(block["smoke"]["yates_p"])
    assert fisher_exact_test(smoke).p_value == approx(block["smoke"]["fisher_p"])
    assert fisher_exact_test(ht).p_value == approx(block["ht"]["fisher_p"])
    assert pearson_test(race).statistic == approx(block["race"]["pearson_chi2"])
    assert fisher_freeman_halton_test(race).p_value == approx(block["race"]["fisher_p"])


def errors_of_glm(matrix, events):
    """Standard errors as R's ``glm`` gives them: from the weights one round before it stops.

    They differ from those at the maximum by up to 2e-5, and a P value by up to 1.2e-4 of itself.
    """
    fitted = (events + 0.5) / 2
    predictor, before = np.log(fitted / (1 - fitted)), math.inf
    while True:
        weights = fitted * (1 - fitted)
        inner = (matrix * weights[:, None]).T @ matrix
        predictor = matrix @ np.linalg.solve(inner, matrix.T @ (weights * predictor + events - fitted))
        fitted = 1 / (1 + np.exp(-predictor))
        deviance = -2 * np.log(np.where(events == 1, fitted, 1 - fitted)).sum()
        if abs(deviance - before) / (deviance + 0.1) < 1e-8:
            return np.sqrt(np.diag(np.linalg.inv(inner)))
        before = deviance


def test_logistic_birthwt(reference, birthwt, birthwt_design):
    block = reference["logistic_birthwt"]
    fit = fit_logistic(birthwt_design, birthwt["low"], profile=False)
    r_errors = errors_of_glm(birthwt_design.matrix, birthwt["low"].to_numpy(dtype=float))
    for row, r_error in zip(fit.coefficients, r_errors, strict=True):
        expected, wald = block["coef"][r_name(row.name)], block["or_wald_ci"][r_name(row.name)]
        assert row.beta == approx(expected["coef"])
        assert (row.standard_error, row.statistic) == approx((expected["se"], expected["z"]), rel=1e-4)
        assert math.erfc(abs(row.beta / r_error) / math.sqrt(2)) == approx(expected["p"])
        assert (row.odds_ratio, row.low_ratio, row.high_ratio) == approx((wald["or"], wald["lo"], wald["hi"]), rel=1e-4)
    assert fit.log_likelihood == approx(block["loglik"])
    assert (fit.aic_value, fit.bic_value) == approx((block["aic"], block["bic"]))
    assert (fit.auc, 2 * fit.auc - 1) == approx((block["c_index"], block["dxy"]))
    assert fit.r2_share == approx(block["nagelkerke_R2"])
    assert variance_inflation(fit) == approx(block["vif"], rel=1e-4)
    prob = predicted_probabilities(fit, birthwt_design)
    brier = brier_score(birthwt["low"], prob)
    assert (brier.score, brier.scaled_share) == approx((block["brier"], block["scaled_brier"]))
    assert brier.spiegelhalter_z == approx(block["val_prob"]["S:z"], rel=1e-4)
    errors, expected = calibration_errors(birthwt["low"], prob), block["calibration_loess_default"]
    found = (errors.ici_share, errors.e50_share, errors.e90_share, errors.emax_share)
    assert found == approx(tuple(expected[name] for name in ("ICI", "E50", "E90", "Emax")), rel=1e-4)
    whole = calibrate(birthwt["low"], prob)
    assert (whole.in_the_large.value, whole.slope.value) == pytest.approx((0.0, block["val_prob"]["Slope"]), abs=1e-6)
    lemeshow = hosmer_lemeshow_test(birthwt["low"], prob)
    assert (lemeshow.statistic, lemeshow.df, lemeshow.p_value) == approx(
        tuple(block["hosmer_lemeshow_g10"][name] for name in ("chi2", "df", "p")), rel=1e-4
    )
    for groups in (5, 8, 12):
        found = hosmer_lemeshow_test(birthwt["low"], prob, group_count=groups).p_value
        assert found == approx(block[f"hosmer_lemeshow_g{groups}"], rel=1e-4)


def test_logistic_birthwt_one_by_one(reference, birthwt):
    for name, expected in reference["logistic_birthwt"]["univariable"].items():
        row = fit_logistic(design_matrix(birthwt, [name]), birthwt["low"], profile=False).coefficients[1]
        ratio = (row.odds_ratio, row.low_ratio, row.high_ratio, row.p_value)
        assert ratio == approx((expected["or.age"], expected["lo"], expected["hi"], expected["p"]), rel=1e-4)


def r_spline_limit(problem, best, index, sign):
    """The limit as MASS 7.3 finds it: a spline through a few points of the profile, then straight lines.

    ``profile.glm`` steps by a fifth of 2.4977 standard errors; ``confint`` lays R's ``spline`` through the signed
    roots, at three times as many points, and ``approx`` between them.
    """
    error, cut = math.sqrt(best.covariance[index, index]), math.sqrt(3.8414588206941285)
    most = math.sqrt(6.238531853998385)  # chi-square quantile of 1 - 0.0125
    roots = [0.0]
    for direction in (-1, 1):
        side, step = [], 0
        while not side or abs(side[-1][1]) < most:
            step += 1
            value = float(best.beta[index]) + direction * step * most / 5 * error
            lost = best.log_likelihood - maximise_logistic(problem, start=best.beta, held={index: value}).log_likelihood
            side.append((value, direction * math.sqrt(2 * lost)))
        roots = [*reversed(side), *roots] if direction < 0 else [*roots, *side]
    points = np.array([(float(best.beta[index]), 0.0) if point == 0.0 else point for point in roots])
    x, y = points.T
    fine = np.linspace(x[0], x[-1], 3 * len(x))
    return float(np.interp(sign * cut, fmm_spline(x, y, fine), fine))


def fmm_spline(x, y, points):
    """The cubic spline of Forsythe, Malcolm and Moler, whose ends follow the cubic through the last four points."""
    n, h = len(x), np.diff(x)
    slope = np.diff(y) / h
    matrix, right = np.zeros((n, n)), np.zeros(n)
    for i in range(1, n - 1):
        matrix[i, i - 1 : i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        right[i] = slope[i] - slope[i - 1]

    def third(a):
        return np.polyfit(x[a : a + 4] - x[a], y[a : a + 4], 3)[0]

    matrix[0, :2], right[0] = (-h[0], h[0]), h[0] ** 2 * third(0)
    matrix[-1, -2:], right[-1] = (h[-1], -h[-1]), -(h[-1] ** 2) * third(n - 4)
    sigma = np.linalg.solve(matrix, right)
    i = np.clip(np.searchsorted(x, points, side="right") - 1, 0, n - 2)
    d = points - x[i]
    b = slope[i] - h[i] * (sigma[i + 1] + 2 * sigma[i])
    return y[i] + d * (b + d * (3 * sigma[i] + d * (sigma[i + 1] - sigma[i]) / h[i]))


def test_logistic_birthwt_profiles(reference, birthwt, birthwt_design):
    """R interpolates the profile; done the same way the limits agree, and the exact ones lie within 2e-4 errors."""
    problem = LogisticProblem(birthwt_design.matrix, birthwt["low"].to_numpy(dtype=float))
    best = maximise_logistic(problem)
    for index, name in enumerate(birthwt_design.names):
        expected = reference["logistic_birthwt"]["or_profile_ci"][r_name(name)]
        error = math.sqrt(best.covariance[index, index])
        for sign, limit, bound in zip((-1, 1), profile_limits(problem, best, index), ("lo", "hi"), strict=True):
            assert abs(limit - math.log(expected[bound])) < 2e-4 * error
            assert math.exp(r_spline_limit(problem, best, index, sign)) == approx(expected[bound], rel=1e-5)


def test_firth(reference, birthwt, birthwt_design):
    block = reference["firth"]
    sex, apart = data("sex2"), data("separation_synthetic")
    columns = ["age", "oc", "vic", "vicl", "vis", "dia"]
    for name, design, events in (
        ("birthwt", birthwt_design, birthwt["low"]),
        ("sex2", design_matrix(sex, columns), sex["case"]),
        ("separation", design_matrix(apart, ["x1", "x2"]), apart["y"]),
    ):
        fit = fit_logistic(design, events, method="firth")
        for row in fit.coefficients:
            expected = block[name][r_name(row.name)]
            assert row.beta == approx(expected["coef"], rel=1e-4)
            assert row.standard_error == approx(expected["se"], rel=1e-4)
            limits = math.log(row.low_ratio), math.log(row.high_ratio)
            assert limits == approx((expected["lo"], expected["hi"]), rel=1e-6)
            assert row.p_value == approx(expected["p"], rel=1e-6, floor=1e-12)
    fit = fit_logistic(design_matrix(sex, columns), sex["case"])
    assert (fit.method, fit.separation.columns) == ("firth", ("dia",))
    assert (fit.log_likelihood, fit.null_log_likelihood) == approx(tuple(block["sex2_LR"]["loglik"]))
    assert fit.ratio_statistic == approx(block["sex2_LR"]["chi2"])
    assert fit.intercept_beta == approx(block["sex2_flic_coef"]["(Intercept)"])
    flac = fit_logistic(design_matrix(sex, columns), sex["case"], method="flac", profile=False)
    assert [row.beta for row in flac.coefficients] == approx(list(block["sex2_flac_coef"].values()))


def test_external_validation_recalibration(reference, birthwt):
    block, columns = reference["external_validation_recalibration"], ["age", "lwt", "smoke", "ht", "ui"]
    made, held = birthwt.iloc[::2], birthwt.iloc[1::2]
    fit = fit_logistic(design_matrix(made, columns), made["low"], profile=False)
    assert [row.beta for row in fit.coefficients] == approx(list(block["dev_coef"].values()))
    prob = predicted_probabilities(fit, design_matrix(held, columns))
    found = calibrate(held["low"], prob)
    assert auc_delong(prob, held["low"]).auc == approx(block["c_val"])
    assert (found.in_the_large.value, found.slope.value) == approx((block["citl"], block["slope"]))
    assert found.in_the_large.standard_error == approx(block["citl_se"], rel=1e-4)
    assert found.slope.standard_error == approx(block["slope_se"], rel=1e-4)
    assert found.slope_intercept_beta == approx(block["slope_intercept"])
    assert found.observed_expected_ratio.value == approx(block["O_E"])
    heights = (found.original_log_likelihood, found.shifted_log_likelihood, found.recalibrated_log_likelihood)
    assert heights == approx((block["ll_original"], block["ll_intercept"], block["ll_logistic_recal"]))
    refit = fit_logistic(design_matrix(held, columns), held["low"], profile=False)
    assert refit.log_likelihood == approx(block["ll_refit"])
    assert found.brier.score == approx(block["brier"])


def test_icc(reference):
    block = reference["icc"]
    for name in ("shrout_fleiss", "anxiety"):
        for icc in intraclass_correlations(data(name).to_numpy()):
            expected = block[name][icc.form]
            assert (icc.value, icc.low, icc.high) == approx((expected["icc"], *expected["ci"]))
            if "F" in expected:
                assert (icc.statistic, icc.p_value) == approx((expected["F"], expected["p"]))
                assert (icc.df, icc.df_within) == (expected["df1"], expected["df2"])
            if icc.form in ("ICC(2,1)", "ICC(3,1)") and name == "anxiety":
                other = block["anxiety_irr_agreement" if icc.form == "ICC(2,1)" else "anxiety_irr_consistency"]
                assert (icc.value, icc.low, icc.high) == approx((other["v"], *other["ci"]))
    anxiety, expected = data("anxiety"), block["bland_altman_rater1_2"]
    limits = bland_altman(anxiety["rater1"], anxiety["rater2"])
    assert (limits.bias.value, limits.sd_value) == approx((expected["bias"], expected["sd"]), floor=1e-12)
    # The reference takes 1.96, recanal the quantile 1.959964.
    scale = 1.96 / 1.959963984540054
    assert [limits.lower_limit.value * scale, limits.upper_limit.value * scale] == approx(expected["loa"])


def test_kappa(reference):
    block, diagnoses, anxiety = reference["kappa"], data("diagnoses"), data("anxiety")
    plain = cohen_kappa(list(diagnoses["rater1"]), list(diagnoses["rater2"]))
    expected = block["diagnoses_r1_r2"]
    assert (plain.value, plain.standard_error) == approx((expected["kappa"], expected["vcd_ase"]))
    assert (plain.low, plain.high) == approx((expected["ci_psych"]["lower"], expected["ci_psych"]["upper"]))
    assert plain.statistic == approx(expected["irr_z"])
    assert plain.p_value == approx(expected["irr_p"], rel=1e-4)  # R loses digits: 2 (1 - pnorm(7))
    every = fleiss_kappa(diagnoses.to_numpy())
    assert (every.value, every.statistic) == approx(
        (block["diagnoses_fleiss_all6"]["kappa"], block["diagnoses_fleiss_all6"]["z"])
    )
    pair = list(anxiety["rater1"]), list(anxiety["rater2"])
    quadratic, linear = (cohen_kappa(*pair, weights=weights) for weights in ("quadratic", "linear"))
    assert quadratic.value == approx(block["anxiety_r1_r2_weighted_quadratic"]["kappa"])
    assert linear.value == approx(block["anxiety_vcd_linear"]["value"])
    assert linear.standard_error == approx(block["anxiety_vcd_linear"]["ASE"])


def test_survival_lung(reference):
    block, columns = reference["survival_lung"], ["age", "sex", "ph.ecog"]
    lung = data("lung")
    known = lung[lung[columns].notna().all(axis=1)]
    design, followed = design_matrix(known, columns), FollowUp(known["time"], known["status"])
    fit = fit_cox(followed, design)
    for row in fit.coefficients:
        expected = block["cox"][row.name]
        assert (row.beta, row.hazard_ratio, row.standard_error) == approx(
            (expected["coef"], expected["hr"], expected["se"])
        )
        assert (row.statistic, row.p_value) == approx((expected["z"], expected["p"]))
    breslow = fit_cox(followed, design, ties="breslow")
    assert [row.beta for row in breslow.coefficients] == approx(list(block["breslow"].values()))
    assert [fit.null_log_likelihood, fit.log_likelihood] == approx(block["loglik"])
    assert [fit.concordance.value, fit.concordance.standard_error] == approx(block["concordance"])
    for test in proportional_hazards_test(followed, design):
        expected = block["zph"][test.name]
        assert (test.statistic, test.df, test.p_value) == approx((expected["chisq"], expected["df"], expected["p"]))
    placed = known[known["inst"].notna()]
    robust = fit_cox(FollowUp(placed["time"], placed["status"], placed["inst"]), design_matrix(placed, columns))
    assert [row.standard_error for row in robust.coefficients] == approx(list(block["robust_cluster_inst"].values()))
    rank = log_rank_test(lung["time"], lung["status"], lung["sex"])
    assert (rank.statistic, rank.p_value) == approx((block["logrank_sex"]["chi2"], block["logrank_sex"]["p"]))
    curve, expected = kaplan_meier(lung["time"], lung["status"]), block["km_loglog"]
    for estimate, *values in zip(
        survival_at(curve, expected["t"]), expected["surv"], expected["lo"], expected["hi"], strict=True
    ):
        assert [estimate.value, estimate.low, estimate.high] == approx(values)
    assert median_survival(curve).value == block["median"]
    assert restricted_mean(lung["time"], lung["status"], horizon_value=365).value == approx(block["rmst_365"])


def test_survival_veteran(reference):
    table = data("veteran")
    names = ["trt", "celltype", "karno", "diagtime", "age", "prior"]
    design = design_matrix(table, names, references={"celltype": "squamous"})
    for row in fit_cox(FollowUp(table["time"], table["status"]), design).coefficients:
        expected = reference["survival_veteran"]["cox"][r_name(row.name)]
        assert (row.beta, row.standard_error, row.p_value) == approx((expected["coef"], expected["se"], expected["p"]))


def test_competing_pbc(reference):
    block, table = reference["competing_pbc"], data("pbc")
    table = table[table["trt"].notna()]
    table = table.assign(
        sexm=(table["sex"] == "m").astype(int), logbili=np.log(table["bili"]), edemab=(table["edema"] > 0).astype(int)
    )
    design = design_matrix(table, ["age", "sexm", "logbili", "edemab"])
    fit = fit_fine_gray(FollowUp(table["time"], table["status"]), design, cause=2)
    for row in fit.coefficients:
        expected = block["fine_gray_crr"][row.name]
        assert row.beta == approx(expected["coef"])
        assert row.standard_error == approx(expected["se"], rel=1e-4)
        assert row.statistic == approx(expected["z"], rel=1e-4)
    assert fit.log_likelihood == approx(block["fg_loglik"])
    assert predicted_incidence(fit, design, [1000, 2000])[:5] == approx(np.array(block["fgr_pred_first5"]))
    for row in fit_cox(FollowUp(table["time"], table["status"] == 2), design).coefficients:
        expected = block["cause_specific_cox"][row.name]
        assert (row.beta, row.standard_error) == approx((expected["coef"], expected["se"]))
    expected = block["aalen_johansen"]
    for cause in (1, 2):
        curve = cumulative_incidence(table["time"], table["status"], cause=cause)
        for time, found in zip(expected["times"], incidence_at(curve, expected["times"]), strict=True):
            assert found.value == approx(expected["est"][f"1 {cause}"][str(time)])
            assert found.standard_error**2 == approx(expected["var"][f"1 {cause}"][str(time)])
        test = gray_test(table["time"], table["status"], table["trt"], cause=cause)
        gray = block["gray_test_by_trt"][str(cause)]
        assert (test.statistic, test.p_value, test.df) == approx((gray["stat"], gray["pv"], gray["df"]))


def renamed(design, names):
    return Design(design.matrix.copy(), names, design.terms, design.references)


def test_clustered_retinopathy(reference):
    block, table = reference["clustered_retinopathy"], data("retinopathy")
    table["adult"] = (table["type"] == "adult").astype(int)
    design = renamed(design_matrix(table, ["trt", "risk", "adult"]), ("(intercept)", "trtn", "risk", "adult"))
    fit = fit_logistic(design, table["status"], profile=False)
    naive = block["naive_glm"]
    assert [row.beta for row in fit.coefficients] == approx(list(naive["coef"].values()))
    assert [row.standard_error for row in fit.coefficients] == approx(list(naive["se"].values()))
    for kind, name in (("HC0", "cluster_se_HC0_noadj"), ("HC1", "cluster_se_HC1"), ("CR2", "cluster_se_CR2")):
        robust = cluster_robust(fit, design, table["status"], table["id"], kind=kind)
        assert [row.standard_error for row in robust.coefficients] == approx(list(block[name].values()))
    gee = fit_gee(design, table["status"], table["id"])
    for row in gee.coefficients:
        expected = block["gee_exchangeable"][r_name(row.name)]
        assert (row.beta, row.standard_error) == approx((expected["coef"], expected["se"]))
        assert row.statistic**2 == approx(expected["wald"])
        assert row.p_value == approx(expected["p"], rel=1e-4)
    assert gee.correlation_value == approx(block["gee_alpha"])
    cox = fit_cox(
        FollowUp(table["futime"], table["status"], table["id"]),
        renamed(design_matrix(table, ["trt", "risk"]), ("(intercept)", "trtn", "risk")),
    )
    assert [row.beta for row in cox.coefficients] == approx(list(block["cox_cluster"]["coef"].values()))
    assert [row.standard_error for row in cox.coefficients] == approx(list(block["cox_cluster"]["robust_se"].values()))


def test_pmsampsize(reference):
    block = reference["pmsampsize"]
    fixed = model_size_binary(parameters_count=24, prevalence_share=0.174, r2_share=0.288)
    sizes = [fixed.shrinkage_count, fixed.optimism_count, fixed.risk_count, fixed.rows_count]
    assert sizes == block["binary_csr2"]["table"]["Samp_size"]
    assert fixed.most_r2_share == pytest.approx(block["binary_csr2"]["table"]["Max_Rsq"][0], abs=5e-4)
    survival = model_size_survival(
        parameters_count=30, event_rate=0.065, horizon_years=2, follow_up_years=2.07, r2_share=0.051
    )
    sizes = [survival.shrinkage_count, survival.optimism_count, survival.risk_count, survival.rows_count]
    assert sizes == block["survival"]["table"]["Samp_size"]
    # R simulates the R2 of a C statistic; recanal integrates it. Its tolerance is 1 % of n.
    for name, auc, prevalence, parameters in (
        ("binary_cstat", 0.75, 0.758, 10),
        ("binary_cstat_rare", 0.80, 0.09, 8),
    ):
        r2 = r2_from_c_statistic(auc, prevalence_share=prevalence)
        found = model_size_binary(parameters_count=parameters, prevalence_share=prevalence, r2_share=r2)
        assert found.rows_count == pytest.approx(block[name]["n"], rel=0.01)
        table = block[name]["table"]
        sizes = [found.shrinkage_count, found.optimism_count, found.risk_count]
        assert sizes == pytest.approx(table["Samp_size"][:3], rel=0.01)
        assert r2 == pytest.approx(table["CS_Rsq"][0], rel=0.01)


def test_rct_sample_size(reference):
    block = reference["rct_sample_size"]
    assert size_two_shares(0.84, 0.935).exact_rows_ratio == approx(block["prop_084_093_80"])
    assert size_two_shares(0.84, 0.935, power=0.9).exact_rows_ratio == approx(block["prop_084_093_90"])
    assert size_two_means(0.5).exact_rows_ratio == approx(block["t_d05_80"])
    assert events_for_hazard_ratio(0.7) == approx(block["schoenfeld_events_hr07_80"])


def test_rct_2x2(reference):
    block, table = reference["rct_2x2"], [[187, 13], [168, 32]]
    for found, name in ((risk_difference(table), "risk_diff_newcombe_nocc"), (risk_ratio(table), "rr")):
        assert [found.value, found.low, found.high] == approx(block[name])
    ratio = odds_ratio_wald(table)
    assert [ratio.ratio, ratio.low_ratio, ratio.high_ratio] == approx(block["or"])
    assert pearson_test(table).p_value == approx(block["chisq_p"])
    for method, name in (("wilson", "wilson_187_200"), ("exact", "clopper_187_200")):
        share = proportion_interval(187, 200, method=method)
        assert [share.low, share.high] == approx(block[name])


def test_mantel_haenszel_birthwt(reference, birthwt):
    block = reference["mantel_haenszel_birthwt"]
    tables = [
        [[((part["smoke"] == smoke) & (part["low"] == low)).sum() for low in (1, 0)] for smoke in (1, 0)]
        for _, part in birthwt.groupby("race")
    ]
    found = mantel_haenszel(tables)
    assert (found.odds_ratio.value, found.odds_ratio.low, found.odds_ratio.high) == approx((block["or"], *block["ci"]))
    assert (found.statistic, found.p_value) == approx((block["chi2"], block["p"]))


def test_cusum_birthwt(reference, birthwt, birthwt_design):
    block = reference["cusum_birthwt"]
    prob = predicted_probabilities(fit_logistic(birthwt_design, birthwt["low"], profile=False), birthwt_design)
    running = expected_minus_observed(birthwt["low"], prob)
    chart = risk_adjusted_cusum(birthwt["low"], prob, odds_ratio=2.0)
    for case, value in block["vlad_at"].items():
        assert running[int(case) - 1] == approx(value, floor=1e-6)
    for case, value in block["racusum_at"].items():
        assert chart.score[int(case) - 1] == approx(value)
    assert max(chart.score) == approx(block["racusum_max"])
    assert chart.score.index(max(chart.score)) + 1 == block["which_max"]
    for rows, expected in zip((20, 50, 100), block["funnel_exact_limits_p0_09_n20_50_100"]["95"], strict=True):
        limits = funnel_limits(0.09, rows_count=rows)
        assert [limits.low_share, limits.high_share] == approx(expected)
