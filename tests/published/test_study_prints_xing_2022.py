"""A study plan prints the counts, percentages and P values of Xing 2022 (doi 10.21037/qims-21-1050).

Tables 1, 2 and S2. Rows are made from the printed counts; the rule set is ``spss``. Printed values are typed from the
paper; where its own counts contradict them, the row holds what the counts give and says what is printed.
"""

import numpy as np
import pandas as pd
import pytest

from recanal.study.run import run_study

# Name, count crossed (of 131), count not crossed (of 76), printed percentages, printed P.
TABLE_2 = [
    ("blunt_stump_seen", 30, 46, "22.9", "60.5", "<0.001"),
    ("bending", 24, 24, "18.3", "31.6", "0.029"),
    ("ostial", 2, 8, "1.5", "10.5", "0.010"),
    ("long", 41, 44, "31.3", "57.9", "<0.001"),
    ("any_calcium", 20, 25, "15.3", "32.9", "0.003"),
    ("heavy_calcium", 8, 12, "6.1", "15.8", "0.023"),
    ("rentrop", 122, 73, "93.1", "96.1", "0.576"),
    ("several", 3, 6, "2.3", "7.9", "0.121"),
    ("branches", 44, 46, "33.6", "60.5", "<0.001"),
    ("bridge", 10, 11, "7.6", "14.5", "0.116"),
    ("seven_french", 37, 34, "28.2", "44.7", "0.016"),
    ("other_pci", 49, 24, "37.4", "31.6", "0.398"),
    ("retrograde_injection", 49, 48, "37.4", "63.2", "<0.001"),
    ("retrograde_wiring", 0, 19, "0.0", "25.0", "<0.001"),
    ("procedure_success", 128, 29, "97.7", "38.2", "<0.001"),
    ("complications", 5, 4, "3.8", "5.3", "0.890"),
    # Table S2.
    ("s2_proximal_branch", 29, 36, "22.1", "47.4", "<0.001"),  # printed 0.001
    ("s2_long_15", 55, 52, "42.0", "68.4", "<0.001"),
    ("s2_bending", 17, 25, "13.0", "32.9", "<0.001"),  # printed 0.001
    ("s2_distal_branch", 23, 25, "17.6", "32.9", "0.012"),  # printed 0.019, which is Yates' although 17.6 are expected
    ("s2_several", 6, 4, "4.6", "5.3", "1.000"),  # percentage printed as 52.6
]
# The same for patients: of 126, of 75.
TABLE_1 = [
    ("male_sex", 104, 66, "82.5", "88.0", "0.300"),
    ("diabetic", 38, 23, "30.2", "30.7", "0.940"),
    ("hypertensive", 86, 43, "68.3", "57.3", "0.118"),
    ("lipids", 52, 28, "41.3", "37.3", "0.581"),
    ("smoker", 67, 41, "53.2", "54.7", "0.837"),
    ("failed_before", 10, 17, "7.9", "22.7", "0.003"),
    ("infarction", 35, 16, "27.8", "21.3", "0.310"),
    ("old", 76, 55, "60.3", "73.3", "0.061"),
    ("pci_before", 24, 15, "19.0", "20.0", "0.869"),
    ("bypass", 0, 2, "0.0", "2.7", "0.138"),
    ("stroke", 12, 6, "9.5", "8.0", "0.714"),
    ("renal", 7, 5, "5.6", "6.7", "0.989"),
]


def printed(folder, rows, sizes, extra=None, tests=""):
    """The cells of the table that a plan makes of rows with these counts."""
    crossed = np.repeat([1, 0], sizes)
    frame = pd.DataFrame({"crossing": crossed})
    for name, first, second, *_ in rows:
        frame[name] = np.concatenate([np.arange(sizes[0]) < first, np.arange(sizes[1]) < second]).astype(int)
    for name, values in (extra or {}).items():
        frame[name] = values
    frame.to_csv(folder / "rows.csv", index=False)
    names = ", ".join(f'"{row[0]}"' for row in rows)
    more = ", ".join(f'"{name}"' for name in (extra or {}))
    (folder / "plan.toml").write_text(
        f'title = "Xing 2022"\nrules = "spss"\n[data]\nfile = "rows.csv"\n[variables]\nbinary = ["crossing", {names}]\n'
        f"categorical = [{more}]\n[levels]\ncrossing = [1, 0]\n"
        f'[[tables]]\nid = "t"\nby = "crossing"\nrows = [{names}{", " + more if more else ""}]\n'
        f"{tests}\n",
        encoding="utf-8",
    )
    table = run_study(folder / "plan.toml").report.sections[0].tables[0]
    return [[cell.text for cell in row.cells] for row in table.rows]


@pytest.mark.parametrize(("rows", "sizes"), [(TABLE_1, (126, 75)), (TABLE_2, (131, 76))], ids=["patients", "lesions"])
def test_counts_percentages_and_p_values_are_printed(tmp_path, rows, sizes):
    found = printed(tmp_path, rows, sizes)
    for cells, (name, first, second, one, two, p_value) in zip(found, rows, strict=True):
        assert cells[2:4] == [f"{first} ({one})", f"{second} ({two})"], name
        assert cells[4] == (">0.999" if p_value == "1.000" else p_value), name


def test_vessels_and_scores_have_their_printed_p_values(tmp_path):
    """Location: printed 0.022, which is Pearson's test although two vessels in the left main leave few expected."""
    vessel = np.repeat(["LM", "LAD", "LCX", "RCA", "LAD", "LCX", "RCA"], [2, 52, 20, 57, 33, 2, 41])
    score = np.repeat(["0", "1", "2", "3+", "0", "1", "2", "3+"], [54, 41, 26, 10, 3, 20, 26, 27])
    extra = {"location": vessel, "points": score}
    by_rule = printed(tmp_path, TABLE_2[:1], (131, 76), extra)
    as_printed = printed(tmp_path, TABLE_2[:1], (131, 76), extra, 'tests = { location = "pearson" }')
    place = [row[0] for row in as_printed].index("Location")
    assert by_rule[place][4:6] == ["0.012", "Fisher-Freeman-Halton"]
    assert as_printed[place][4:6] == ["0.022", "Pearson χ²"]
    points = [row[0] for row in as_printed].index("Points")
    assert as_printed[points][4:6] == ["<0.001", "Pearson χ²"]
    shown = [row[2:4] for row in as_printed[points + 1 : points + 5]]
    assert [crossed for crossed, _ in shown] == ["54 (41.2)", "41 (31.3)", "26 (19.8)", "10 (7.6)"]
    assert [failed for _, failed in shown] == ["3 (3.9)", "20 (26.3)", "26 (34.2)", "27 (35.5)"]
