"""Printed numbers beside reproduced ones, and the distance between them."""

import json
import math

import pytest
from click.testing import CliRunner
from scipy.stats import chi2_contingency, norm

from recanal.audit.printed import parse_p, parse_span_cell
from recanal.cli.main import main
from recanal.errors import OptionError
from recanal.reproduction.comparing import compare_paper
from recanal.reproduction.errors_of_print import (
    auc_error,
    mean_error,
    quartile_errors,
    ratio_error,
    sd_error,
    share_error,
)
from recanal.reproduction.paper import PAPERS, paper_plan, read_paper
from recanal.reproduction.quantities import KINDS, normal_of_p, p_at_size, p_quantity
from recanal.reproduction.run import reproduce, write_reproduction


def test_errors_of_print_are_those_of_the_textbook():
    assert share_error(0.5, 100) == pytest.approx(0.05)
    assert share_error(0.0, 75) == pytest.approx(math.sqrt((0.5 / 76) * (75.5 / 76) / 75))
    assert mean_error(10.77, 201) == pytest.approx(0.7597, abs=1e-4)
    assert sd_error(1.46, 144) == pytest.approx(1.46 / math.sqrt(286))
    # A normal variable: error of the median sqrt(pi / 2) sd / sqrt(n).
    middle, low, high = quartile_errors(0.0, -0.6744898, 0.6744898, 400)
    assert middle == pytest.approx(math.sqrt(math.pi / 2) / 20, rel=1e-6)
    assert low == high == pytest.approx(math.sqrt(0.1875) / norm.pdf(norm.ppf(0.25)) / 20, rel=1e-6)
    assert quartile_errors(0.0, 0.0, 3.41, 131)[1] == 0
    assert ratio_error(parse_span_cell("0.970 (0.950-0.991)")) == pytest.approx(0.01078, abs=1e-5)
    assert auc_error(parse_span_cell("0.901 (0.821-0.982)")) == pytest.approx(0.04107, abs=1e-5)


def test_a_test_is_brought_to_the_size_of_the_paper():
    # Blunt stump by crossing, Table 2 of Xing 2022, and the same shares in ten times as many lesions.
    table = [[30, 46], [101, 30]]
    small = chi2_contingency(table, correction=False)
    large = chi2_contingency([[10 * n for n in row] for row in table], correction=False)
    record = {"name": "Pearson", "statistic": large.statistic, "df": 1}
    assert p_at_size(record, 0.1, 207) == pytest.approx(small.pvalue)
    deviate = {"name": "mann_whitney", "statistic": -19.6, "df": None}
    assert p_at_size(deviate, 0.01, 207) == pytest.approx(2 * norm.sf(1.96))
    assert p_at_size({"name": "Fisher", "statistic": None}, 0.1, 207) is None


@pytest.mark.parametrize(
    ("printed", "found", "difference"),
    [("<0.001", 1e-9, 0.0), ("<0.001", 0.01, norm.isf(0.005) - norm.isf(0.0005)), (">0.05", 0.4, 0.0)],
)
def test_an_inequality_is_met_by_everything_beyond_it(printed, found, difference):
    assert p_quantity(parse_p(printed), found, "").difference_sigmas == pytest.approx(difference)


def test_an_equality_is_judged_both_ways():
    assert p_quantity(parse_p("0.04"), 0.003, "").difference_sigmas == pytest.approx(norm.isf(0.0015) - norm.isf(0.02))
    assert not p_quantity(parse_p("0.5"), 0.05, "").within
    assert normal_of_p(0.0) == 38


@pytest.mark.parametrize("name", PAPERS)
def test_corrections_name_rows_that_exist_and_say_why(name):
    paper = read_paper(name)
    assert {(one.table, one.row) for one in paper.corrections} <= set(paper.rows)
    assert all(one.why.endswith(".") and one.printed != one.used for one in paper.corrections)
    assert {key for table in paper.tables for line in table.lines for key in line} == set(paper.links)


def test_the_corrected_cells_are_those_that_are_judged():
    paper = read_paper("xing_2022")
    cell = paper.rows["Table 3, by procedure", "Non-calcified volume, mm 3"].content.cells[0]
    assert cell.high.value == 174.8
    paper = read_paper("xiao_2021")
    row = paper.rows["Table 7", '"Calcification" (=curvature) as printed 27']
    assert [one.count for one in row.content.cells] == [1, 0, 4, 25, 18]
    assert paper.rows["Table 6", "Technical success"].statistic.value == 51.51


def test_a_plan_that_lacks_an_analysis_is_refused():
    with pytest.raises(OptionError, match="no analysis 'table_1'"):
        compare_paper(read_paper("xing_2022"), {})


@pytest.mark.parametrize("name", PAPERS)
def test_a_small_cohort_runs_through_the_plan(quick, name, tmp_path):
    found = reproduce(name, lesions_count=4000, seed=6)
    within, judged = found.comparison.tally()
    assert within / judged > 0.93
    assert sum(found.comparison.tally(kind)[1] for kind in KINDS) == judged
    written = write_reproduction(found, tmp_path / "out")
    assert {"lesions.csv", "plan.toml", "results.json", "study.html", "study.docx"} <= set(written)
    record = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["reproduction"]
    assert record["tally"]["all"] == {"within": within, "judged": judged}
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert "simulated to the printed margins" in page
    assert all(one.why.split(".")[0][:40] in page for one in found_corrections(name))


def found_corrections(name):
    """Corrections whose reason holds nothing that HTML escapes."""
    return [one for one in read_paper(name).corrections if not set("<>&\"'") & set(one.why)]


def test_the_command_prints_the_plan_and_refuses_what_it_does_not_know():
    runner = CliRunner()
    assert runner.invoke(main, ["reproduce", "xing_2022", "--plan"]).output == paper_plan("xing_2022")
    for arguments, words in (
        (["reproduce", "xing_2022"], "--out is missing"),
        (["reproduce", "nobody_2020", "--json"], "No paper 'nobody_2020'"),
        (["reproduce", "xing_2022", "--json", "--lesions", "5"], "--lesions: got 5"),
    ):
        result = runner.invoke(main, arguments)
        assert result.exit_code == 2
        assert words in result.output
