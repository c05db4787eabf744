"""Right numbers that a careless audit calls wrong, and wrong ones that it lets pass."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from recanal.audit import Verdict, audit_document, read_tables_text
from recanal.audit.degrees import chi_square_p_range, fitting_degrees
from recanal.audit.printed import parse_number, parse_p
from recanal.errors import TableError

IMPOSSIBLE, INCONSISTENT, NOT_REPRODUCED, NOT_CHECKED, REPRODUCED = Verdict


def audited(row, groups="a = 50, b = 60"):
    head = f'[[tables]]\nname = "T"\ngroups = {{ {groups} }}\nrows = [ {{ name = "x", {row} }} ]\n'
    return audit_document(read_tables_text(head, "toml")).rows[0]


def verdicts(row):
    return {finding.check: finding.verdict for finding in row.findings}


@pytest.mark.parametrize(
    ("statistic", "p", "df"),
    # Upper 5% points of chi-square as tables print them (Pearson and Hartley, Biometrika Tables, table 8).
    [("30.144", "0.050", 19), ("31.41", "0.050", 20), ("43.77", "0.05", 30), ("124.342", "0.050", 100)],
)
def test_critical_values_of_many_degrees_of_freedom(statistic, p, df):
    row = f'kind = "chi2", statistic = "{statistic}", p = "{p}"'
    assert audited(f"{row}, df = {df}").main.verdict is REPRODUCED
    assert f"df {df}: P 0.0500" in audited(row).main.message
    assert audited(f"{row}, df = {df + 3}").main.verdict is INCONSISTENT


def test_the_degrees_that_fit_are_a_range_and_may_be_open():
    assert "at df 20 or more" in audited('kind = "chi2", statistic = "31.41", p = ">0.05"').main.message
    assert "at df 1 to 11" in audited('kind = "chi2", statistic = "31.41", p = "<0.001"').main.message
    far = audited('kind = "chi2", statistic = "5000", p = "0.409"').main
    assert far.verdict is NOT_CHECKED
    assert "more than 1000" in far.message
    between = audited('kind = "chi2", statistic = "2.890", p = "0.001"').main
    assert between.verdict is INCONSISTENT
    assert "at no df" in between.message


def test_fitting_degrees_against_every_one_of_them():
    for text, printed in (("31.41", "0.050"), ("6.2", "0.04"), ("0.5", ">0.05"), ("14", "<0.01"), ("3", "0.000")):
        statistic, p = parse_number(text), parse_p(printed)
        slow = [
            df
            for df in range(1, 60)
            if p.admits(float(stats.chi2.sf(statistic.high, df)), float(stats.chi2.sf(statistic.low, df)))
        ]
        assert [df for df in fitting_degrees(statistic, p) if df < 60] == slow
    low, high = chi_square_p_range(parse_number("3.84"), 1)
    assert (low, high) == pytest.approx((stats.chi2.sf(3.845, 1), stats.chi2.sf(3.835, 1)))


def test_a_chi_square_is_never_negative():
    assert audited('kind = "chi2", statistic = "-3.84", p = "0.05"').main.verdict is IMPOSSIBLE
    assert audited('kind = "chi2", statistic = "-0.00", p = "1.00", df = 1').main.verdict is REPRODUCED
    assert audited('kind = "count", cells = ["10", "20"], statistic = "-2.41"').main.verdict is IMPOSSIBLE
    negative = audited('kind = "mean", cells = ["1 ± 1", "2 ± 1", "3 ± 1"], statistic = "-4"', "a=9, b=9, c=9")
    assert negative.main.verdict is IMPOSSIBLE
    assert audited('kind = "percentages", percents = ["10", "20"], statistic = "-4"').main.verdict is IMPOSSIBLE


def test_the_df_of_a_table_of_known_shape():
    # 2 x 4: df 3. P of 6.25 is 0.100 at df 3, 0.012 at df 1.
    row = 'kind = "chi2", statistic = "6.25", total = 144, shape = [2, 4], p = "{}"'
    assert verdicts(audited(row.format("0.100"))) == {"bound": REPRODUCED, "test": REPRODUCED}
    assert verdicts(audited(row.format("0.012"))) == {"bound": REPRODUCED, "test": NOT_REPRODUCED}
    assert verdicts(audited(row.format("0.100") + ", df = 3"))["df"] is REPRODUCED
    assert verdicts(audited(row.format("0.012") + ", df = 1"))["df"] is INCONSISTENT


def test_no_degrees_of_freedom_are_refused():
    with pytest.raises(TableError, match="df: must be a whole number of 1 or more, got 0"):
        audited('kind = "chi2", statistic = "3.84", p = "0.05", df = 0')


@pytest.mark.parametrize("p", ["1.0", "1.000", "0.95", "0.6"])
def test_an_area_that_may_be_a_half(p):
    assert audited(f'kind = "auc", value = "0.5 (0.4-0.6)", events = 10, others = 20, p = "{p}"').main.verdict is (
        REPRODUCED
    )


def test_an_area_below_a_half_and_one_cut_off_at_0():
    row = 'kind = "auc", value = "0.06 (0.00-0.16)", events = 13, others = 131, p = "<0.001"'
    assert verdicts(audited(row)) == {"test": REPRODUCED, "interval": REPRODUCED}
    assert audited(row).main.values["standard error"] == pytest.approx(0.2 / (2 * 1.959964), rel=1e-4)


def test_an_area_whose_p_value_is_that_of_the_rank_test():
    """P from the standard error under the null, the interval from that of the area."""
    events, others, area = 13, 131, 0.66
    null = math.sqrt((events + others + 1) / (12 * events * others))
    p = 2 * stats.norm.sf((area - 0.5) / null)
    row = f'kind = "auc", value = "0.660 (0.460-0.860)", events = {events}, others = {others}, p = "{{}}"'
    main = audited(row.format(f"{p:.3f}")).main
    assert main.verdict is REPRODUCED
    assert "rank test" in main.message
    assert audited(row.format("0.900")).main.verdict is INCONSISTENT
    assert audited(row.format("0.001")).main.verdict is NOT_REPRODUCED


def test_the_rank_test_corrected_for_continuity():
    """Eight against nine values without ties; P as R's wilcox.test(exact = FALSE) takes it."""
    one, other = (
        np.array([3.1, 4.7, 5.2, 6.6, 7.3, 8.8, 9.4, 9.9]),
        np.array([1.2, 2.5, 2.9, 3.6, 4.1, 5.9, 6.1, 7.7, 9.0]),
    )
    area = float((one[:, None] > other).mean())
    p = stats.mannwhitneyu(one, other, method="asymptotic", use_continuity=True).pvalue
    row = f'kind = "auc", value = "{area:.4f} ({area - 0.3:.4f}-{area + 0.3:.4f})", events = 8, others = 9'
    main = audited(f'{row}, p = "{p:.5f}"').main
    assert main.verdict is REPRODUCED
    assert "corrected for continuity" in main.message


def test_an_area_and_limits_beyond_the_scale():
    row = 'kind = "auc", value = "{}", events = 13, others = 131'
    wald = audited(row.format("0.95 (0.85-1.05)")).main
    assert wald.verdict is REPRODUCED
    assert "not cut off" in wald.message
    for text in ("0.95 (0.85-1.15)", "95 (85-99)", "-0.1 (-0.3-0.2)", "1.2 (1.0-1.4)", "1 (0.6-0)"):
        assert audited(row.format(text)).main.verdict is IMPOSSIBLE
    assert audited('kind = "ratio", value = "1 (0.6-0.2)"').main.verdict is IMPOSSIBLE


def test_the_middle_of_an_area_on_the_logit_scale():
    centre, reach = math.log(0.9 / 0.1), 1.1
    low, high = (1 / (1 + math.exp(-(centre + sign * reach))) for sign in (-1, 1))
    row = f'kind = "auc", value = "0.900 ({low:.3f}-{high:.3f})", events = 13, others = 131'
    found = audited(row).findings[-1]
    assert found.verdict is REPRODUCED
    assert "logit" in found.message
    wide = audited('kind = "auc", value = "0.743 (0.62-0.86)", events = 30, others = 131')
    assert verdicts(wide)["interval"] is REPRODUCED


def test_p_comes_from_the_counts_whatever_the_rounding_of_the_statistic():
    """10 of 50 against 20 of 60: chi-square 2.444, P 0.118, neither of them 0.13."""
    table = [[10, 20], [40, 40]]
    own = stats.chi2_contingency(table, correction=False)
    assert (round(own.statistic, 3), round(own.pvalue, 3)) == (2.444, 0.118)
    alone = audited('kind = "count", cells = ["10", "20"], p = "0.123"')
    assert alone.main.verdict is NOT_REPRODUCED
    # 0.123 is a P value of 2.4 rounded at df 1 (2.35 to 2.45: 0.118 to 0.125).
    rounded = audited('kind = "count", cells = ["10", "20"], p = "0.123", statistic = "2.4", df = 1')
    assert verdicts(rounded) == {"test": REPRODUCED, "p": NOT_REPRODUCED, "df": REPRODUCED}
    assert "0.1179" in next(finding.message for finding in rounded.findings if finding.check == "p")
    right = audited('kind = "count", cells = ["10", "20"], p = "0.118", statistic = "2.4", df = 1')
    assert verdicts(right)["p"] is REPRODUCED


def test_a_p_value_of_another_test_than_the_statistic():
    fisher = stats.fisher_exact([[10, 20], [40, 40]]).pvalue
    row = audited(f'kind = "count", cells = ["10", "20"], p = "{fisher:.3f}", statistic = "2.44"')
    found = next(finding for finding in row.findings if finding.check == "p")
    assert found.verdict is INCONSISTENT
    assert "that of Fisher" in found.message


def test_an_exact_p_value_that_was_too_much_work_is_named():
    rng = np.random.default_rng(3)
    table = rng.integers(20, 60, size=(5, 6))
    groups = ", ".join(f"g{place} = {size}" for place, size in enumerate(table.sum(axis=0)))
    levels = ", ".join(
        f'{{ name = "l{place}", cells = [{", ".join(f"""{chr(34)}{count}{chr(34)}""" for count in line)}] }}'
        for place, line in enumerate(table)
    )
    main = audited(f'kind = "levels", levels = [{levels}], p = "0.5"', groups).main
    assert main.verdict is NOT_REPRODUCED
    assert "no exact Fisher-Freeman-Halton P was computed" in main.message
    assert "work limit" in main.message


def test_other_names_of_a_test_of_two_proportions():
    plain = stats.chi2_contingency([[10, 20], [40, 40]], correction=False).statistic
    less = plain * 109 / 110
    row = 'kind = "count", cells = ["10", "20"], {}'
    main = audited(row.format(f'p = "{stats.chi2.sf(less, 1):.4f}"')).main
    assert (main.verdict, main.recomputed) == (REPRODUCED, "N-1 chi-square")
    for sign in ("", "-"):
        z = audited(row.format(f'statistic = "{sign}{math.sqrt(plain):.3f}", p = "0.118"'))
        assert verdicts(z) == {"test": REPRODUCED, "p": REPRODUCED}
        assert z.main.recomputed == "z of two proportions"


def test_a_group_of_nobody_is_no_group_of_its_printed_size():
    main = audited('kind = "count", cells = ["0/0", "20/60"], p = "0.01"').main
    assert main.verdict is NOT_CHECKED


def test_a_printed_statistic_of_a_trend():
    """Three groups of 20 with 2, 6 and 11 events; N r squared and (N - 1) r squared from the correlation."""
    events, size = np.array([2, 6, 11]), 20
    x = np.repeat([0, 1, 2], size)
    y = np.concatenate([[1] * count + [0] * (size - count) for count in events])
    r = np.corrcoef(x, y)[0, 1]
    row = 'kind = "trend", cells = ["2", "6", "11"], statistic = "{}", p = "{}"'
    groups = "a = 20, b = 20, c = 20"
    for value, p in (
        (60 * r**2, stats.chi2.sf(60 * r**2, 1)),
        (math.sqrt(60) * r, stats.chi2.sf(60 * r**2, 1)),
        (59 * r**2, stats.chi2.sf(59 * r**2, 1)),
    ):
        good = audited(row.format(f"{value:.3f}", f"{p:.5f}"), groups)
        assert verdicts(good) == {"test": REPRODUCED, "statistic": REPRODUCED}
    assert verdicts(audited(row.format("7.00", "0.002"), groups))["statistic"] is NOT_REPRODUCED


def test_welch_t_and_its_df_within_the_rounding():
    one, other = np.array([1.0, 1.3, 0.8, 1.1, 0.9, 1.2]), np.array([2.4, 0.2, 3.1, 1.9, 0.4, 2.8, 1.7, 3.3])
    test = stats.ttest_ind(one, other, equal_var=False)
    cells = ", ".join(f'"{values.mean():.1f} ± {values.std(ddof=1):.1f}"' for values in (one, other))
    row = audited(
        f'kind = "mean", cells = [{cells}], statistic = "{test.statistic:.2f}", df = {round(test.df)}, '
        f'p = "{test.pvalue:.3f}"',
        "a = 6, b = 8",
    )
    assert verdicts(row) == {"test": REPRODUCED, "statistic": REPRODUCED, "df": REPRODUCED}


def test_a_negative_t_is_no_f():
    """t -0.113 and F 0.013 by hand: 0.2 over the pooled SD of 8.31 times sqrt(1/40 + 1/50)."""
    row = 'kind = "mean", cells = ["42.20 ± 7.50", "42.40 ± 8.90"], statistic = "{}"'
    assert verdicts(audited(row.format("-0.113"), "a = 40, b = 50"))["statistic"] is REPRODUCED
    assert verdicts(audited(row.format("0.013"), "a = 40, b = 50"))["statistic"] is REPRODUCED
    assert verdicts(audited(row.format("-0.013"), "a = 40, b = 50"))["statistic"] is NOT_REPRODUCED


def test_items_of_a_score_that_are_too_many_or_fewer_than_none():
    items = 'items = [{ name = "a", count = 120 }]'
    row = audited(f'kind = "score", value = "1.20", total = 100, {items}')
    assert verdicts(row) == {"score": REPRODUCED, "item": NOT_CHECKED}
    solved = 'items = [{ name = "a", count = 30 }, { name = "b", count = "?" }]'
    assert audited(f'kind = "score", value = "0.20", total = 100, {solved}').worst is IMPOSSIBLE
    assert audited(f'kind = "score", value = "0.80", total = 100, {solved}').worst is NOT_CHECKED


def test_a_printed_number_that_is_not_looked_at_is_said():
    row = audited('kind = "ratio", value = "0.970 (0.950-0.991)", p = "0.004", statistic = "8.2", df = 1')
    assert verdicts(row)["unused"] is NOT_CHECKED
    assert "8.2" in row.findings[-1].message
    assert "unused" not in verdicts(audited('kind = "ratio", value = "0.970 (0.950-0.991)", p = "0.004"'))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("table;row;kind;p\nT;x;chi2;0,05\n", "line 1: the columns are separated by ';'"),
        ("table\trow\tkind\nT\tx\tchi2\n", "line 1: the columns are separated by tabs"),
        ("row,kind,groups,cells\nx,count,a=5|a=6,1|2\n", "line 2, groups: 'a' is named twice"),
        ('row,kind,statistic,p\nx,chi2,3.84,"0,05"\n', "'0,05' is not a P value. Type a point for the decimals"),
        ('row,kind,statistic,p\nx,chi2,"3,84",0.05\n', "'3,84' is not a number. Type a point for the decimals"),
        ("row,kind,statistic,df,p\nx,chi2,3,84\n", "line 2: 4 cells for 5 columns"),
        ('row,kind,groups,cells\nx,mean,a=5|b=6,"1,5 ± 0,2 | 1 ± 1"\n', "Type a point for the decimals"),
        ('row,kind,groups,cells\nx,count,a=5|b=6,"1 (20,0) | 2"\n', "Type a point for the decimals"),
        ('row,kind,value\nx,ratio,"0,9 (0,8-0,95)"\n', "Type a point for the decimals"),
        ("row,kind,statistic,df,p\nx,chi2,3.84,0,0.05\n", "df: must be a whole number of 1 or more"),
    ],
)
def test_csv_as_other_countries_save_it(text, words):
    with pytest.raises(TableError) as caught:
        read_tables_text(text, "csv")
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_welch_anova_within_the_rounding():
    """F and P of the raw values, by the formula of Welch 1951; the table prints whole means and SDs."""
    rng = np.random.default_rng(11)
    for _ in range(10):
        sizes = rng.integers(5, 40, 3)
        data = [rng.normal(centre, sd, size) for centre, sd, size in zip((40, 44, 47), (4, 9, 15), sizes, strict=True)]
        weight = np.array([len(values) / values.var(ddof=1) for values in data])
        means = np.array([values.mean() for values in data])
        spread = ((1 - weight / weight.sum()) ** 2 / (sizes - 1)).sum()
        centre = (weight * means).sum() / weight.sum()
        f = (weight * (means - centre) ** 2).sum() / 2 / (1 + spread / 4)
        p = stats.f.sf(f, 2, 8 / (3 * spread))
        cells = ", ".join(f'"{values.mean():.0f} ± {values.std(ddof=1):.0f}"' for values in data)
        groups = ", ".join(f"g{place} = {size}" for place, size in enumerate(sizes))
        row = audited(f'kind = "mean", cells = [{cells}], statistic = "{f:.2f}", p = "{p:.4f}"', groups)
        assert verdicts(row) == {"test": REPRODUCED, "p": REPRODUCED}
        assert audited(f'kind = "mean", cells = [{cells}], p = "{p:.4f}"', groups).main.verdict is REPRODUCED


def test_a_quartile_that_interpolation_carries_beyond_those_of_the_groups():
    rng = np.random.default_rng(2)
    beyond = 0
    for _ in range(200):
        parts = [rng.normal(50, 10, size) for size in (7, 8)]
        cells = [np.quantile(values, [0.5, 0.25, 0.75]) for values in (*parts, np.concatenate(parts))]
        one, other, every = (f'"{mid:.2f} ({low:.2f}-{high:.2f})"' for mid, low, high in cells)
        row = audited(f'kind = "median", cells = [{one}, {other}], all = {every}', "a = 7, b = 8")
        assert row.worst is not INCONSISTENT
        beyond += verdicts(row)["mixture"] is NOT_CHECKED
    assert beyond
    far = 'kind = "median", cells = ["5.0 (4.0-6.0)", "5.5 (4.5-6.5)"], all = "5.2 (4.2-8.5)"'
    assert verdicts(audited(far, "a = 70, b = 80"))["mixture"] is INCONSISTENT
