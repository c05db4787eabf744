"""A study plan prints the strata and the area of Operator-CTO of Xiao 2021 (doi 10.1155/2021/9988943, Table 6, 3.4).

Rows are made from the printed counts by stratum: 102 of 103, 21 of 24, 7 of 13 and 1 of 4 lesions opened. The paper
prints 99.0, 87.5, 53.8 and 25.0 % without intervals and, for the whole score, an area of 0.901; the four strata alone
give 0.904 (0.812 to 0.996).
"""

import numpy as np
import pandas as pd
import pytest

from recanal.study.run import run_study

PLAN = """\
title = "Xiao 2021"
[data]
file = "rows.csv"
[variables]
binary = ["opened"]
ordinal = ["operator_cto"]
[[strata]]
id = "rates"
outcome = "opened"
score = "operator_cto"
cuts = [3, 4, 5]
[[roc]]
id = "area"
outcome = "opened"
event = 0
scores = ["operator_cto"]
cutoff = false
"""


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xiao")
    score = np.repeat([2, 3, 4, 5], [103, 24, 13, 4])
    opened = np.concatenate([np.arange(n) < k for n, k in ((103, 102), (24, 21), (13, 7), (4, 1))]).astype(int)
    pd.DataFrame({"operator_cto": score, "opened": opened}).to_csv(folder / "rows.csv", index=False)
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return run_study(folder / "plan.toml").report.sections


def test_the_four_rates_are_printed_with_their_intervals(sections):
    rows = [[cell.text for cell in row.cells] for row in sections[0].tables[0].rows]
    assert [row[0:3] for row in rows] == [["2", "103", "102"], ["3", "24", "21"], ["4", "13", "7"], ["≥5", "4", "1"]]
    assert [row[3].split(" ")[0] for row in rows] == ["99.0", "87.5", "53.8", "25.0"]
    assert rows[2][3] == "53.8 (29.1 to 76.8)"
    assert rows[3][3] == "25.0 (4.6 to 69.9)"


def test_four_lesions_are_called_few(sections):
    assert "fewer than 10 lesions in stratum ≥5 (n = 4)" in sections[0].warnings[0]


def test_the_area_of_the_strata_has_delongs_interval(sections):
    assert sections[1].tables[0].rows[0].cells[2].text == "0.904 (0.812 to 0.996)"
