"""What is said of single rows: each wrong number found, each right one confirmed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from recanal.audit import Verdict, audit_document, read_tables_text
from recanal.audit.envelopes import anova_range, pooled_ranges, student_p_range, welch_p_range
from recanal.audit.granularity import greatest_sd, possible_sums, sd_is_possible
from recanal.audit.printed import parse_mean_cell, parse_number

IMPOSSIBLE, INCONSISTENT, NOT_REPRODUCED, NOT_CHECKED, REPRODUCED = Verdict


def audited(row, groups="a = 131, b = 76", merges=""):
    head = f'[[tables]]\nname = "T"\ngroups = {{ {groups} }}\n{merges}\nrows = [ {{ name = "x", {row} }} ]\n'
    return audit_document(read_tables_text(head, "toml")).rows[0]


def verdicts(row):
    return {finding.check: finding.verdict for finding in row.findings}


@pytest.mark.parametrize(
    ("cells", "p", "names"),
    [
        ('"24 (18.3)", "24 (31.6)"', "0.029", "Pearson"),
        ('"2 (1.5)", "8 (10.5)"', "0.010", "Yates"),
        ('"3", "6"', "0.0567", "Pearson"),
        ('"3", "6"', "0.077", "Fisher"),
        ('"3", "6"', "0.0625", "likelihood ratio"),
        ('"30", "46"', "<0.001", "Pearson + Yates + likelihood ratio + Fisher"),
    ],
)
def test_the_test_behind_a_p_value_is_named(cells, p, names):
    main = audited(f'kind = "count", cells = [{cells}], p = "{p}"').main
    assert (main.verdict, main.recomputed) == (REPRODUCED, names)


def test_a_p_value_of_no_test():
    main = audited('kind = "count", cells = ["24", "24"], p = "0.200"').main
    assert main.verdict is NOT_REPRODUCED
    assert "Pearson 4.75 (df 1), P 0.0294" in main.message


def test_counts_percentages_and_totals():
    row = audited('kind = "count", cells = ["24 (18.3)", "24 (31.5)"], all = "49 (23.7)"')
    wrong = [(finding.check, finding.message) for finding in row.findings if finding.verdict is INCONSISTENT]
    assert wrong == [
        ("percentage", "b: 24/76 is 31.6%, 31.5% is printed (cut off, not rounded)."),
        ("total", "The groups add up to 48, 49 is printed."),
    ]
    assert audited('kind = "count", cells = ["132", "3"]').main.verdict is IMPOSSIBLE
    assert audited('kind = "count", cells = ["24 (180)", "3"]').main.message == "a: 180% lies outside 0 to 100%."
    assert (
        audited('kind = "count", cells = ["33.4%", "50.0%"]').main.message == "a: no whole number of 131 gives 33.4%."
    )
    assert audited('kind = "count", cells = ["24/130", "3"]').main.check == "denominator"
    lost = audited('kind = "count", cells = ["24", "4 (52.6)"]').main
    assert lost.message.endswith("52.6% is printed (a decimal point was lost).")
    other = audited('kind = "count", cells = ["24 (31.6)", "3"]').main
    assert other.message.endswith("24/76 would be that.")


def test_counts_follow_from_percentages_where_one_fits():
    main = audited('kind = "count", cells = ["18.3%", "31.6%"], p = "0.029"').main
    assert (main.verdict, main.recomputed) == (REPRODUCED, "Pearson")


def test_group_sizes_that_are_not_printed():
    main = audited('kind = "count", cells = ["3", "4"], p = "0.5"', groups='a = "?", b = 7').main
    assert main.verdict is NOT_CHECKED
    assert audited('kind = "count", cells = ["0", "0"], p = "1.000"').main.verdict is NOT_CHECKED


STRATA = "s = 103, m = 24, d = 13, e = 4"
MERGES = 'merges = ["s | m | d + e"]'
BEND = '"28", "12", "7", "1"'


def test_a_statistic_of_a_declared_merge():
    row = audited(f'kind = "count", cells = [{BEND}], statistic = "6.19", p = "<0.05", df = 2', STRATA, MERGES)
    assert row.main.recomputed == "Pearson on s | m | d + e"
    assert verdicts(row) == {"test": REPRODUCED, "p": REPRODUCED, "df": INCONSISTENT}


def test_a_statistic_of_a_searched_merge_says_how_many_were_tried():
    row = audited(f'kind = "count", cells = [{BEND}], statistic = "6.19", p = "0.045"', STRATA)
    assert row.main.verdict is REPRODUCED
    assert "possibly by chance" in row.main.message
    alone = audited(f'kind = "count", cells = [{BEND}], statistic = "6.19"', STRATA)
    assert alone.main.verdict is NOT_REPRODUCED


def test_a_statistic_beyond_its_bound():
    cells = '"102", "21", "7", "1"'
    row = audited(f'kind = "count", cells = [{cells}], statistic = "173.10", p = "<0.01"', STRATA)
    assert row.main.verdict is IMPOSSIBLE
    assert "Pearson 144" in row.main.message
    fair = audited(f'kind = "count", cells = [{cells}], statistic = "51.51", p = "<0.01"', STRATA)
    assert (fair.main.verdict, fair.main.recomputed) == (REPRODUCED, "Pearson")


def test_a_p_value_that_does_not_belong_to_its_statistic():
    cells = '"44", "13", "9", "3"'
    row = audited(f'kind = "count", cells = [{cells}], statistic = "5.03", p = "0.08"', STRATA, MERGES)
    assert verdicts(row) == {"test": REPRODUCED, "p": INCONSISTENT}


def test_levels_add_up_to_their_group():
    row = audited(
        'kind = "levels", levels = [{name="k", cells=["60", "40"]}, {name="l", cells=["71", "35"]}], p = "0.337"'
    )
    found = {finding.message: finding.verdict for finding in row.findings}
    assert found["a: the levels add up to 131, the group has 131."] is REPRODUCED
    assert found["b: the levels add up to 75, the group has 76."] is INCONSISTENT
    table = [[60, 40], [71, 35]]
    assert row.main.values["Pearson P"] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_means():
    same = 'kind = "mean", cells = ["58.84 ± 11.20", "58.95 ± 10.07"], all = "58.88 ± 10.77"'
    row = audited(f'{same}, p = "0.947"', "a = 126, b = 75")
    assert verdicts(row) == {"test": REPRODUCED, "pooled mean": REPRODUCED, "pooled SD": REPRODUCED}
    assert "rounding" in row.main.message
    assert audited(f'{same}, p = "0.930"', "a = 126, b = 75").main.verdict is NOT_REPRODUCED
    moved = audited(f'{same.replace("58.88", "59.20")}, p = "0.947"', "a = 126, b = 75")
    assert verdicts(moved)["pooled mean"] is INCONSISTENT


def test_f_statistics():
    cells = '"62.34 ± 16.03", "83.32 ± 12.07", "90.86 ± 10.25"'
    groups = "a = 102, b = 21, c = 7"
    fine = audited(f'kind = "mean", cells = [{cells}], statistic = "25.37", p = "<0.01"', groups)
    assert verdicts(fine) == {"test": REPRODUCED, "p": REPRODUCED}
    assert audited(f'kind = "mean", cells = [{cells}], statistic = "2476.11"', groups).main.verdict is IMPOSSIBLE
    near = audited(f'kind = "mean", cells = [{cells}], statistic = "10.12", p = "<0.01"', groups)
    assert near.main.verdict is NOT_REPRODUCED
    assert "Kruskal-Wallis" in near.main.message
    wrong = audited(f'kind = "mean", cells = [{cells}], statistic = "25.37", p = "0.30"', groups)
    assert verdicts(wrong)["p"] is INCONSISTENT
    assert audited(f'kind = "mean", cells = [{cells}], p = "<0.01"', groups).main.recomputed == "ANOVA + Welch ANOVA"


def test_medians():
    good = (
        'kind = "median", cells = ["12.97 (7.00-21.80)", "24.79 (13.08-34.95)"], '
        'all = "16.45 (9.50-27.00)", p = "<0.001"'
    )
    assert verdicts(audited(good)) == {"quartiles": REPRODUCED, "mixture": REPRODUCED, "test": NOT_CHECKED}
    assert audited(good.replace("21.80", "11.80")).main.check == "quartiles"
    assert audited(good.replace("21.80", "11.80")).main.verdict is IMPOSSIBLE
    mixed = audited(good.replace("27.00", "36.00")).main
    assert (mixed.check, mixed.verdict) == ("mixture", INCONSISTENT)


@pytest.mark.parametrize(
    ("value", "p", "expected"),
    [
        ("0.970 (0.950-0.991)", "0.004", REPRODUCED),
        ("0.970 (0.950-0.991)", "0.010", INCONSISTENT),
        ("0.302 (0.163-0.559)", "<0.001", REPRODUCED),
        ("0.970 (0.980-0.991)", "0.004", IMPOSSIBLE),
        ("-0.5 (-1.0-2.0)", "0.004", IMPOSSIBLE),
    ],
)
def test_ratios(value, p, expected):
    assert audited(f'kind = "ratio", value = "{value}", p = "{p}"').main.verdict is expected


def test_a_ratio_away_from_the_middle_of_its_interval():
    row = audited('kind = "ratio", value = "1.50 (1.00-4.00)", p = "0.25"')
    assert verdicts(row)["interval"] is INCONSISTENT


def test_areas():
    row = audited('kind = "auc", value = "0.901 (0.821-0.982)", events = 13, others = 131, p = "<0.01"')
    assert verdicts(row) == {"test": REPRODUCED, "interval": REPRODUCED}
    skew = audited('kind = "auc", value = "0.901 (0.701-0.982)", events = 13, others = 131, p = ">0.5"')
    assert verdicts(skew) == {"test": INCONSISTENT, "interval": INCONSISTENT}
    strata = 'kind = "strata", events = [1, 3, 6, 3], others = [102, 21, 7, 1]'
    assert audited(f'{strata}, value = "0.904"').main.verdict is REPRODUCED
    assert audited(f'{strata}, value = "0.881"').main.verdict is INCONSISTENT
    assert audited(f'{strata}, value = "0.901", coarse = true').main.verdict is NOT_CHECKED
    assert audited(f'{strata}, value = "0.981", coarse = true').main.verdict is IMPOSSIBLE


def test_statistics_on_their_own():
    assert "df 3" in audited('kind = "chi2", statistic = "2.890", p = "0.409"').main.message
    assert audited('kind = "chi2", statistic = "2.890", p = "0.409", df = 8').main.verdict is INCONSISTENT
    assert audited('kind = "chi2", statistic = "2.890", p = "0.001"').main.verdict is INCONSISTENT
    bound = audited('kind = "chi2", statistic = "154.69", total = 144, shape = [2, 4]').main
    assert (bound.check, bound.verdict) == ("bound", IMPOSSIBLE)


def test_scores_and_sums():
    items = 'items = [{ name = "a", count = 30 }, { name = "b", count = 20, points = 2 }]'
    assert audited(f'kind = "score", value = "0.70", total = 100, {items}').main.verdict is REPRODUCED
    off = audited(f'kind = "score", value = "0.80", total = 100, {items}').main
    assert off.verdict is INCONSISTENT
    assert "10.0 points too few" in off.message
    solved = audited(f'kind = "score", value = "0.80", total = 100, {items[:-1]}, {{ name = "c", count = "?" }}]').main
    assert (solved.verdict, solved.values["solved"]) == (NOT_CHECKED, pytest.approx(10))
    assert audited('kind = "totals", parts = { A = [1, 2], B = [3] }').main.verdict is REPRODUCED
    assert audited('kind = "totals", parts = { A = [1, 2], B = [4] }').main.verdict is INCONSISTENT
    assert audited('kind = "sums", parts = { a = [1, 2], b = [1, 1] }, total = [2, 3]').main.verdict is REPRODUCED
    assert "group 2 differs" in audited('kind = "sums", parts = { a = [1, 2] }, total = [1, 3]').main.message


def test_trend_and_percentages():
    assert audited('kind = "trend", cells = ["1", "3", "6", "3"], p = "<0.01"', STRATA).main.verdict is REPRODUCED
    assert audited('kind = "trend", cells = ["1", "3", "6", "3"], p = "0.02"', STRATA).main.verdict is NOT_REPRODUCED
    percents = 'kind = "percentages", percents = ["99", "88", "54", "25"]'
    assert audited(f'{percents}, statistic = "152.49"').main.verdict is REPRODUCED
    assert audited(f'{percents}, statistic = "120.00"').main.verdict is NOT_REPRODUCED


def test_granularity_of_whole_numbers():
    cells = 'kind = "mean", cells = ["3.45 ± 1.00", "3.50 ± 1.07"], integer = true'
    found = [f.message for f in audited(cells, "a = 8, b = 8").findings if f.check == "granularity"]
    assert found == ["a: 8 whole numbers cannot have the mean 3.45, but 3.38 or 3.50 (GRIM)."]
    wide = 'kind = "mean", cells = ["1.00 ± 2.60", "3.50 ± 1.00"], range = ["0", "5"]'
    assert [f.verdict for f in audited(wide, "a = 8, b = 8").findings if f.check == "range"] == [IMPOSSIBLE]


def test_grim_and_grimmer_against_every_sample():
    """All samples of 5 whole numbers from 0 to 6: each mean and SD that occurs is possible, others are not."""
    seen = set()
    for sample in itertools.combinations_with_replacement(range(7), 5):
        seen.add((f"{np.mean(sample):.2f}", f"{np.std(sample, ddof=1):.2f}"))
    for mean, sd in seen:
        assert sd_is_possible(parse_number(mean), parse_number(sd), 5)
    means = {mean for mean, _ in seen}
    for tenth in range(0, 601):
        text = f"{tenth / 100:.2f}"
        assert bool(possible_sums(parse_number(text), 5)) == (text in means)
    small = [f"{step / 100:.2f}" for step in range(0, 100)]
    refused = [sd for sd in small if not sd_is_possible(parse_number("3.00"), parse_number(sd), 5)]
    assert set(refused).isdisjoint({sd for mean, sd in seen if mean == "3.00"})
    assert len(refused) > 90


def test_the_greatest_sd():
    """Half at each end."""
    assert greatest_sd(2.5, 10, low=0, high=5) == pytest.approx(np.std([0] * 5 + [5] * 5, ddof=1))


def test_envelopes_hold_every_rounding():
    rng = np.random.default_rng(8)
    cells = [parse_mean_cell(text) for text in ("2.2 ± 0.8", "2.3 ± 1.0", "3.1 ± 1.2")]
    sizes = [5, 6, 13]
    low, high = anova_range(cells, sizes)
    centre, spread = pooled_ranges(cells, sizes)
    found = []
    for _ in range(400):
        drawn = [
            (cell.mean.value + rng.uniform(-0.05, 0.05), cell.sd.value + rng.uniform(-0.05, 0.05)) for cell in cells
        ]
        means, sds, count = (np.array(row) for row in ([m for m, _ in drawn], [s for _, s in drawn], sizes))
        middle = (means * count).sum() / count.sum()
        between = (count * (means - middle) ** 2).sum()
        within = ((count - 1) * sds**2).sum()
        found.append(between / 2 / (within / 21))
        assert centre[0] <= middle <= centre[1]
        assert spread[0] <= np.sqrt((between + within) / 23) <= spread[1]
    assert low <= min(found) < max(found) <= high
    assert max(found) - min(found) > 0.5 * (high - low)


def test_t_test_envelopes_hold_every_rounding():
    rng = np.random.default_rng(9)
    cells, sizes = [parse_mean_cell(text) for text in ("1.0 ± 0.2", "0.9 ± 0.3")], [20, 30]
    for ends, equal in ((student_p_range(cells, sizes), True), (welch_p_range(cells, sizes), False)):
        for _ in range(200):
            one, other = (
                (c.mean.value + rng.uniform(-0.05, 0.05), c.sd.value + rng.uniform(-0.05, 0.05)) for c in cells
            )
            p = stats.ttest_ind_from_stats(*one, sizes[0], *other, sizes[1], equal_var=equal).pvalue
            assert ends[0] - 1e-12 <= p <= ends[1] + 1e-12
    assert student_p_range(cells, sizes)[1] == pytest.approx(1.0)


def test_a_printed_t_and_its_df():
    row = 'kind = "mean", cells = ["58.84 ± 11.20", "58.95 ± 10.07"], statistic = "{}", df = {}'
    fine = audited(row.format("-0.07", 199), "a = 126, b = 75")
    assert verdicts(fine) == {"statistic": REPRODUCED, "df": REPRODUCED}
    wrong = audited(row.format("1.96", 198), "a = 126, b = 75")
    assert verdicts(wrong) == {"statistic": NOT_REPRODUCED, "df": INCONSISTENT}


def test_one_bad_row_does_not_stop_the_others():
    alone = audited('kind = "mean", cells = ["5 ± 1", "6"], p = "0.3"', "a = 5, b = 1")
    assert alone.main.verdict is NOT_CHECKED
    flat = audited('kind = "trend", cells = ["0", "0", "0", "0"], p = "0.3"', STRATA)
    assert flat.main.verdict is NOT_CHECKED


def test_ratios_and_areas_at_the_edge():
    assert audited('kind = "ratio", value = "0.00 (0.00-0.05)", p = "<0.001"').main.verdict is NOT_CHECKED
    cut = audited('kind = "auc", value = "0.95 (0.85-1.00)", events = 13, others = 131, p = "<0.001"')
    assert cut.main.values["standard error"] == pytest.approx(0.2 / (2 * 1.959964), rel=1e-4)
    assert verdicts(cut) == {"test": REPRODUCED, "interval": REPRODUCED}


def test_large_tables_give_up_the_exact_p_value_in_time():
    row = audited(
        'kind = "count", cells = ["50000", "40000", "30000"], p = "<0.001"', "a = 100000, b = 100000, c = 90000"
    )
    assert row.main.recomputed == "Pearson + likelihood ratio"
