"""The printed rates, c-statistics and arithmetic behind the coronary sheets."""

from __future__ import annotations

import pytest

from recanal.core.findings import Findings
from recanal.scores import evaluate, load_sheet, rate_text

# (sheet, cohort, endpoint) -> stratum: share in % as printed, or (events, total)
PRINTED = {
    ("cl_score", "derivation", "procedural success"): {
        "high probability": 84.9,
        "intermediate": 74.9,
        "low": 58.0,
        "very low": 31.9,
    },
    ("cl_score", "validation", "procedural success"): {
        "high probability": 88.3,
        "intermediate": 73.1,
        "low": 59.4,
        "very low": 46.2,
    },
    ("operator_cto", "derivation", "technical success"): {
        "simple": (102, 103),
        "medium": (21, 24),
        "difficult": (7, 13),
        "extremely difficult": (1, 4),
    },
    ("operator_cto", "derivation", "procedural success"): {
        "simple": (99, 103),
        "medium": (21, 24),
        "difficult": (7, 13),
        "extremely difficult": (1, 4),
    },
    ("castle", "data set not stated", "technical failure"): {"0-1": 8, ">=4": 35},
    ("w_cto", "derivation", "antegrade wire crossing"): {"low": 98, "intermediate": 74.2, "high": 42.5},
    ("w_cto", "validation", "antegrade wire crossing"): {"low": 100, "intermediate": 82.4, "high": 48.4},
    ("b_cto", "derivation", "CTO opening"): {
        "easy": (61, 64),
        "intermediate": (128, 148),
        "difficult": (106, 134),
        "very difficult": (60, 92),
    },
    ("progress_mace", "external", "in-hospital MACE"): {
        "0-1": 0.7,
        "2": 1.5,
        "3": 2.2,
        "4": 3.8,
        "5": 4.9,
        "6-7": 5.8,
    },
    ("open_clean", "external", "coronary artery perforation"): {
        "0-1": 3.5,
        "2": 3.1,
        "3": 5.3,
        "4": 7.1,
        "5": 11.5,
        "6-7": 19.8,
    },
}
WITHOUT_RATES = (
    "progress_cto",
    "recharge",
    "recharge_ct",
    "ora",
    "progress_mortality",
    "progress_pericardiocentesis",
    "progress_perforation",
    "progress_acute_mi",
)


def rate_set(sheet_id, cohort, endpoint):
    rows = [row for row in load_sheet(sheet_id).rates if (row.cohort, row.endpoint) == (cohort, endpoint)]
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(("key", "printed"), PRINTED.items(), ids=lambda value: "-".join(value)[:60])
def test_rates_as_printed(key, printed):
    rates = rate_set(*key)
    assert {row.stratum for row in rates.rates} == set(printed)
    for stratum, value in printed.items():
        row = rates.of(stratum)
        if isinstance(value, tuple):
            assert (row.events, row.total) == value
            assert row.rate == pytest.approx(value[0] / value[1])
        else:
            assert (row.events, row.total) == (None, None)
            assert 100 * row.rate == pytest.approx(value, abs=1e-9)


def test_no_other_rates_are_shipped():
    shipped = {
        (sheet, row.cohort, row.endpoint)
        for sheet in {*WITHOUT_RATES, *(key[0] for key in PRINTED)}
        for row in load_sheet(sheet).rates
    }
    assert shipped == set(PRINTED)


def test_xiao_2021_table_6():
    """99.0, 87.5, 53.8, 25.0 % technical, 96.1, 87.5, 53.8, 25.0 % procedural of 103, 24, 13, 4; 131 and 128 of 144."""
    for endpoint, shares, total in [
        ("technical success", (99.0, 87.5, 53.8, 25.0), 131),
        ("procedural success", (96.1, 87.5, 53.8, 25.0), 128),
    ]:
        rows = rate_set("operator_cto", "derivation", endpoint).rates
        assert [row.total for row in rows] == [103, 24, 13, 4]
        assert [100 * row.rate for row in rows] == pytest.approx(shares, abs=0.05)
        assert sum(row.events for row in rows) == total


def test_busan_counts_follow_from_the_abstract():
    """95.3, 86.5, 79.1 and 65.2 % of 64, 148, 134 and 92; 81.1 % of 438 in all; no other counts round to these."""
    rows = rate_set("b_cto", "derivation", "CTO opening").rates
    for row, share in zip(rows, (95.3, 86.5, 79.1, 65.2), strict=True):
        fitting = [k for k in range(row.total + 1) if abs(100 * k / row.total - share) <= 0.05]
        assert fitting == [row.events]
    assert sum(row.total for row in rows) == 438
    assert 100 * sum(row.events for row in rows) / 438 == pytest.approx(81.1, abs=0.05)


def test_xiao_2021_operator_c_statistic_from_the_strata():
    """0.904 from Table 6: concordant pairs plus half of the ties."""
    rows = rate_set("operator_cto", "derivation", "technical success").rates
    success, failure = [row.events for row in rows], [row.total - row.events for row in rows]
    pairs = sum(
        s * f * (1.0 if i < j else 0.5 if i == j else 0.0) for i, s in enumerate(success) for j, f in enumerate(failure)
    )
    assert pairs / (sum(success) * sum(failure)) == pytest.approx(0.904, abs=5e-4)
    assert "0.904 (DeLong 0.812-0.996)" in load_sheet("operator_cto").c_statistics[0].value


def test_xiao_2021_ora_mean_needs_two_points_for_rentrop():
    """Mean 1.31 of 144; ostial 69, Rentrop < 2 46; the rest is aged >= 75, 19 % with 2 points, 51 % with 1."""
    aged = {points: 1.31 * 144 - 69 - points * 46 for points in (1, 2)}
    assert aged[2] / 144 == pytest.approx(0.19, abs=0.01)
    assert aged[1] / 144 == pytest.approx(0.51, abs=0.01)
    facts = Findings.from_mapping({"ostial": False, "rentrop_grade": 1, "age_years": 60})
    assert evaluate("ora", facts).points == 2


def test_xiao_2021_progress_mean_needs_the_exchanged_rows():
    """Blunt 83, curved 48 (text) or 131 (Table 4), Rentrop < 2 46, circumflex 14 of 144; mean 1.32."""
    assert abs((83 + 48 + 46 + 14) / 144 - 1.32) < 0.01
    assert (83 + 131 + 46 + 14) / 144 > 1.9
    assert any("exchanged" in caveat for caveat in load_sheet("operator_cto").caveats)


def test_castle_failures():
    """2,356 of 14,882 is 15.8 %, printed 15.5 %; 703 of 5,745 is 12.2 % as printed."""
    assert round(100 * 2356 / 14882, 1) == 15.8
    assert round(100 * 703 / 5745, 1) == 12.2
    assert any("15.8 %" in caveat for caveat in load_sheet("castle").caveats)


def test_incidences_of_the_complication_cohorts():
    for sheet, text in [
        ("progress_mace", "MACE 215 (2.05 %)"),
        ("progress_mortality", "deaths 47 (0.45 %)"),
        ("progress_acute_mi", "acute infarction 66 (0.63 %)"),
    ]:
        assert text in load_sheet(sheet).derivation
    assert [round(100 * n / 10480, 2) for n in (215, 47, 66)] == [2.05, 0.45, 0.63]
    assert round(100 * 83 / 7672, 1) == 1.1
    assert round(100 * 367 / 9618, 1) == 3.8
    assert round(100 * 102 / 4569, 1) == 2.2
    assert round(100 * 150 / 2270, 1) == 6.6


@pytest.mark.parametrize(
    ("sheet", "values"),
    [
        ("progress_cto", ["0.778", "0.720", "0.745 (0.624-0.866)"]),
        ("recharge", ["0.738 (0.603-0.873)", "0.757"]),
        ("recharge_ct", ["0.718"]),
        ("cl_score", ["0.652"]),
        ("ora", ["0.728", "0.772", "0.783 (0.648-0.917)"]),
        ("operator_cto", ["0.901 (0.821-0.982)"]),
        ("castle", ["0.66", "0.68", "0.676 (0.627-0.725)", "0.633"]),
        ("progress_mace", ["0.72 (0.68-0.76)", "0.74", "0.72 (0.67-0.76)"]),
        ("progress_mortality", ["0.80", "0.73 (0.61-0.85)"]),
        ("progress_pericardiocentesis", ["0.78 (0.72-0.83)", "0.69 (0.62-0.77)"]),
        ("progress_perforation", ["0.741 (0.712-0.773)", "0.76 (0.72-0.79)"]),
        ("progress_acute_mi", ["0.72"]),
        ("open_clean", ["0.74 (0.68-0.79)"]),
        ("w_cto", []),
        ("b_cto", []),
    ],
)
def test_c_statistics_as_printed(sheet, values):
    shown = [row.value for row in load_sheet(sheet).c_statistics]
    assert len(shown) == len(values)
    assert all(text.startswith(value) for text, value in zip(shown, values, strict=True))


def test_the_result_shows_the_rate_of_its_own_endpoint():
    ease = {"prior_cabg": False, "proximal_cap_shape": "tapered", "proximal_tortuosity": "none", "length_mm": 5}
    ease |= {"calcification_grade": "none", "age_years": 50}
    for change, rate in [
        ({}, 0.08),
        ({"prior_cabg": True}, 0.08),
        ({"prior_cabg": True, "age_years": 70}, None),
        ({"prior_cabg": True, "age_years": 70, "length_mm": 20}, None),
        ({"prior_cabg": True, "age_years": 70, "length_mm": 20, "proximal_cap_shape": "blunt"}, 0.35),
    ]:
        result = evaluate("castle", Findings.from_mapping(ease | change))
        assert (result.points, result.printed_rate) == (len(change), rate)
        assert (result.endpoint, result.predicts) == ("technical failure", "failure")
        assert ("technical failure" in result.printed_rate_text) is (rate is not None)


def test_wilson_interval_stands_where_counts_are():
    sheet = load_sheet("operator_cto")
    text = rate_text(sheet.rates[0], "extremely difficult")
    assert text == (
        "25.0 % (1/4, 95 % interval 4.6 to 69.9 %) technical success "
        "(derivation, Xiao 2021, Table 6, 10.1155/2021/9988943; read in the source)"
    )
    without = load_sheet("progress_mace")
    assert rate_text(without.rates[0], "2") == (
        "1.5 % in-hospital MACE (external, Simsek 2022, external validation in 3 registries (Int J Cardiol 2022), "
        "abstract; read in the source)"
    )
