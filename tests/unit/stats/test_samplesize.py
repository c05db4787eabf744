"""Sample sizes against published examples, statsmodels and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special
from statsmodels.stats.power import TTestIndPower

from recanal.errors import OptionError
from recanal.stats.samplesize import (
    events_for_hazard_ratio,
    model_size_binary,
    model_size_survival,
    most_parameters,
    r2_from_c_statistic,
    r2_from_nagelkerke,
    size_two_means,
    size_two_shares,
)


def test_binary_example_of_riley():
    """Stat Med 2019;38:1276, section 5.1: 24 parameters, prevalence 0.174, Cox-Snell R2 0.288."""
    size = model_size_binary(parameters_count=24, prevalence_share=0.174, r2_share=0.288)
    assert (size.shrinkage_count, size.optimism_count, size.risk_count, size.rows_count) == (623, 662, 221, 662)


def test_survival_example_of_riley():
    """Section 5.3: recurrent venous thromboembolism, 30 parameters."""
    size = model_size_survival(
        parameters_count=30, event_rate=0.065, horizon_years=2, follow_up_years=2.07, r2_share=0.051
    )
    assert size.rows_count == 5143
    assert size.events_per_parameter_ratio == pytest.approx(23.07, abs=0.005)


def test_parameters_and_cases_are_inverse():
    size = model_size_binary(parameters_count=9, prevalence_share=0.24, r2_share=0.15)
    assert most_parameters(rows_count=size.shrinkage_count, r2_share=0.15) == pytest.approx(9, abs=0.02)


def test_rare_overall_risk_can_decide():
    size = model_size_survival(parameters_count=1, event_rate=0.5, horizon_years=2, follow_up_years=1, r2_share=0.4)
    assert size.rows_count == size.risk_count > size.shrinkage_count


def test_r2_of_a_c_statistic_is_that_of_a_large_sample():
    rng = np.random.default_rng(3)
    events = rng.random(400_000) < 0.3
    line = rng.normal(size=400_000) + events * math.sqrt(2) * special.ndtri(0.75)
    fit = sm.Logit(events.astype(float), sm.add_constant(line)).fit(disp=0)
    drawn = 1 - math.exp(-fit.llr / 400_000)
    assert r2_from_c_statistic(0.75, prevalence_share=0.3) == pytest.approx(drawn, rel=0.02)


def test_two_means_repeat_statsmodels():
    """statsmodels counts a rejection in the wrong direction as well, R and recanal do not."""
    expected = TTestIndPower().solve_power(effect_size=0.5, alpha=0.05, power=0.8)
    assert size_two_means(0.5).exact_rows_ratio == pytest.approx(expected, rel=1e-5)
    assert size_two_means(-0.5).per_arm_count == 64


def test_two_shares_reach_their_power():
    rng = np.random.default_rng(9)
    arm = size_two_shares(0.45, 0.6).per_arm_count
    a, b = rng.binomial(arm, 0.6, 20_000), rng.binomial(arm, 0.45, 20_000)
    mean = (a + b) / (2 * arm)
    z = (a - b) / arm / np.sqrt(2 * mean * (1 - mean) / arm)
    assert (np.abs(z) > 1.959964).mean() == pytest.approx(0.8, abs=0.015)


def test_drop_outs_are_added():
    assert size_two_shares(0.84, 0.935, dropout_share=0.1).per_arm_count == math.ceil(172.481 / 0.9)
    assert size_two_shares(0.84, 0.935, power=0.9).total_count == 2 * 231


def test_wrong_use_is_refused():
    with pytest.raises(OptionError, match="Was a Nagelkerke R2 given"):
        model_size_binary(parameters_count=5, prevalence_share=0.1, r2_share=0.6)
    with pytest.raises(OptionError, match="prevalence_share must lie between 0 and 1"):
        r2_from_nagelkerke(0.2, prevalence_share=1.0)
    with pytest.raises(OptionError, match=r"between 0\.5 and 1"):
        r2_from_c_statistic(0.4, prevalence_share=0.2)
    with pytest.raises(OptionError, match="shares are equal"):
        size_two_shares(0.5, 0.5)
    with pytest.raises(OptionError, match="must not be 0"):
        size_two_means(0.0)
    with pytest.raises(OptionError, match="not 1"):
        events_for_hazard_ratio(1.0)
    with pytest.raises(OptionError, match="dropout_share"):
        size_two_means(0.5, dropout_share=1.0)
    with pytest.raises(OptionError, match="one parameter or more"):
        model_size_binary(parameters_count=0, prevalence_share=0.1, r2_share=0.1)
    with pytest.raises(OptionError, match="below the shrinkage"):
        most_parameters(rows_count=100, r2_share=0.95)
    with pytest.raises(OptionError, match="above 0"):
        model_size_survival(parameters_count=3, event_rate=0.0, horizon_years=1, follow_up_years=1, r2_share=0.1)
