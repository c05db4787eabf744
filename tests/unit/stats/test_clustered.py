"""Several lesions of one patient, against statsmodels and identities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.design import design_matrix
from recanal.stats.clustered import cluster_robust, fit_gee
from recanal.stats.logistic import fit_logistic


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(23)
    patient = np.repeat(np.arange(90), rng.integers(1, 5, 90))
    shift = rng.normal(size=90)[patient]
    table = pd.DataFrame({"patient": patient, "length_mm": rng.gamma(4, 6, len(patient))})
    table["blunt"] = rng.integers(0, 2, len(patient))
    risk = -1.5 + 0.03 * table["length_mm"] + 0.8 * table["blunt"] + shift
    table["failed"] = (rng.random(len(patient)) < special.expit(risk)).astype(int)
    return table


@pytest.fixture(scope="module")
def design(cohort):
    return design_matrix(cohort, ["length_mm", "blunt"])


@pytest.fixture(scope="module")
def fit(cohort, design):
    return fit_logistic(design, cohort["failed"], profile=False)


def test_sandwich_repeats_statsmodels(cohort, design, fit):
    model = sm.Logit(cohort["failed"].to_numpy(), np.array(design.matrix))
    groups = {"groups": cohort["patient"].to_numpy(), "use_correction": False}
    plain = model.fit(disp=0, tol=1e-12, cov_type="cluster", cov_kwds=groups).bse
    found = cluster_robust(fit, design, cohort["failed"], cohort["patient"], kind="HC0")
    assert [row.standard_error for row in found.coefficients] == pytest.approx(list(plain), rel=1e-7)
    count, n, p = cohort["patient"].nunique(), len(cohort), 3
    corrected = cluster_robust(fit, design, cohort["failed"], cohort["patient"], kind="HC1")
    factor = np.sqrt(count / (count - 1) * (n - 1) / (n - p))
    assert corrected.coefficients[1].standard_error == pytest.approx(plain[1] * factor, rel=1e-7)
    assert found.cluster_count == count


def test_reduced_sandwich_is_unbiased_under_the_model(cohort, design, fit):
    """What defines CR2: with the covariance of the model put for the residual products, the sandwich is the model's own
    covariance. Solved here by dense matrices, cluster by cluster."""
    fitted = special.expit(design.matrix @ [row.beta for row in fit.coefficients])
    v = fitted * (1 - fitted)
    bread = np.linalg.inv((design.matrix * v[:, None]).T @ design.matrix)
    meat, middle, code = np.zeros((3, 3)), np.zeros((3, 3)), cohort["patient"].to_numpy()
    residual = cohort["failed"].to_numpy() - fitted
    for patient in np.unique(code):
        rows = code == patient
        x, f = design.matrix[rows], np.diag(v[rows])
        d = np.sqrt(f)
        own = f - f @ x @ bread @ x.T @ f
        values, vectors = np.linalg.eigh(d @ own @ d)
        a = d @ vectors @ np.diag(values**-0.5) @ vectors.T @ d
        middle += x.T @ a @ own @ a.T @ x
        score = x.T @ a @ residual[rows]
        meat += np.outer(score, score)
    assert middle == pytest.approx(np.linalg.inv(bread), rel=1e-8)
    found = cluster_robust(fit, design, cohort["failed"], cohort["patient"])
    expected = np.sqrt(np.diag(bread @ meat @ bread))
    assert [row.standard_error for row in found.coefficients] == pytest.approx(list(expected), rel=1e-8)


def test_rows_of_one_patient_widen_the_interval(cohort, design, fit):
    """Every row twice: the naive error shrinks by root 2, the clustered one stays."""
    twice = pd.concat([cohort, cohort], ignore_index=True)
    wide = design_matrix(twice, ["length_mm", "blunt"])
    naive = fit_logistic(wide, twice["failed"], profile=False)
    assert naive.coefficients[1].standard_error == pytest.approx(
        fit.coefficients[1].standard_error / np.sqrt(2), rel=1e-6
    )
    once = cluster_robust(fit, design, cohort["failed"], cohort["patient"], kind="HC0")
    again = cluster_robust(naive, wide, twice["failed"], twice["patient"], kind="HC0")
    assert again.coefficients[1].standard_error == pytest.approx(once.coefficients[1].standard_error, rel=1e-6)


def test_independent_equations_are_the_logistic_model_with_its_sandwich(cohort, design, fit):
    gee = fit_gee(design, cohort["failed"], cohort["patient"], correlation="independence")
    robust = cluster_robust(fit, design, cohort["failed"], cohort["patient"], kind="HC0")
    for one, two in zip(gee.coefficients, robust.coefficients, strict=True):
        assert (one.beta, one.standard_error) == pytest.approx((two.beta, two.standard_error), rel=1e-8)
    assert gee.correlation_value == 0


def test_exchangeable_equations_agree_with_statsmodels(cohort, design):
    """Its estimator of the correlation takes off the number of columns; the estimates differ in the 4th digit."""
    model = sm.GEE(
        cohort["failed"].to_numpy(),
        np.array(design.matrix),
        groups=cohort["patient"].to_numpy(),
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    )
    expected = model.fit()
    gee = fit_gee(design, cohort["failed"], cohort["patient"])
    assert [row.beta for row in gee.coefficients] == pytest.approx(list(expected.params), rel=2e-3)
    assert [row.standard_error for row in gee.coefficients] == pytest.approx(list(expected.bse), rel=2e-3)
    assert gee.correlation_value == pytest.approx(float(model.cov_struct.dep_params), abs=0.02)
    assert gee.correlation_value > 0.05


def test_wrong_use_is_refused(cohort, design, fit):
    with pytest.raises(OptionError, match="kind must be one of"):
        cluster_robust(fit, design, cohort["failed"], cohort["patient"], kind="CR9")
    penalised = fit_logistic(design, cohort["failed"], method="firth", profile=False)
    with pytest.raises(OptionError, match="need a maximum-likelihood fit"):
        cluster_robust(penalised, design, cohort["failed"], cohort["patient"])
    with pytest.raises(StatsError, match="got 2 clusters and 3 columns"):
        cluster_robust(fit, design, cohort["failed"], cohort["patient"] > 40)
    with pytest.raises(OptionError, match="correlation must be one of"):
        fit_gee(design, cohort["failed"], cohort["patient"], correlation="ar1")
    with pytest.raises(StatsError, match="No cluster has two rows"):
        fit_gee(design, cohort["failed"], np.arange(len(cohort)))
