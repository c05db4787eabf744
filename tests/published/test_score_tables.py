"""The printed numbers behind the score sheets."""

from __future__ import annotations

import pytest

from recanal.core.findings import Findings
from recanal.errors import OptionError
from recanal.scores import (
    Sheet,
    evaluate,
    load_sheet,
    primary_rates,
    rate_text,
    rates_for,
    sheet_ids,
    wilson_interval,
)

STRATA = ("easy", "intermediate", "difficult", "very difficult")


@pytest.mark.parametrize(
    ("events", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_against_newcombe_1998(events, total, low, high):
    """Newcombe, Stat Med 1998;17:857-872, Table I, method 3."""
    assert wilson_interval(events, total) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_solves_its_equation():
    for events, total, level, z in [(7, 31, 0.95, 1.959964), (30, 31, 0.9, 1.644854), (500, 1000, 0.99, 2.575829)]:
        for limit in wilson_interval(events, total, level=level):
            gap = abs(events / total - limit)
            assert gap == pytest.approx(z * (limit * (1 - limit) / total) ** 0.5, rel=1e-6)


def test_wilson_interval_at_the_ends():
    assert wilson_interval(0, 5)[0] == 0.0
    assert wilson_interval(5, 5)[1] == 1.0
    for bad in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(OptionError, match="0 <= events <= total"):
            wilson_interval(*bad)
    with pytest.raises(OptionError, match="level"):
        wilson_interval(1, 2, level=1.0)


def counts(sheet_id, source):
    rows = [row for row in load_sheet(sheet_id).rates if row.source.startswith(source)]
    assert len(rows) == 1
    return [(row.events, row.total) for row in (rows[0].of(name) for name in STRATA)]


def test_xing_2022_counts_add_up():
    """Xing 2022 (10.21037/qims-21-1050): 207 lesions, 131 crossed within 30 min, 157 opened."""
    for sheet_id, source, crossed in [
        ("j_cto", "Xing 2022, Table 2", 131),
        ("j_cto_ct", "Xing 2022, Table S2", 131),
        ("j_cto", "Xing 2022, Table S1", 157),
    ]:
        pairs = counts(sheet_id, source)
        assert sum(total for _, total in pairs) == 207
        assert sum(events for events, _ in pairs) == crossed


@pytest.mark.parametrize(
    ("sheet_id", "source", "printed"),
    [  # share of all, of the crossed and of the others, in % as printed
        (
            "j_cto",
            "Xing 2022, Table 2",
            [(27.5, 41.2, 3.9), (29.5, 31.3, 26.3), (25.1, 19.8, 34.2), (17.9, 7.6, 35.5)],
        ),
        (
            "j_cto_ct",
            "Xing 2022, Table S2",
            [(28.0, 40.5, 6.6), (30.0, 32.1, 26.3), (21.7, 17.6, 28.9), (20.3, 9.9, 38.2)],
        ),
    ],
)
def test_xing_2022_percentages(sheet_id, source, printed):
    for (events, total), shares in zip(counts(sheet_id, source), printed, strict=True):
        computed = (100 * total / 207, 100 * events / 131, 100 * (total - events) / 76)
        assert computed == pytest.approx(shares, abs=0.0501)


def test_j_cto_means_need_any_calcification():
    """Xing 2022, Table 2: blunt 76, any calcium 45, heavy 20, bend 48, length 85, retry 27 of 207; mean 1.35."""
    any_calcium, heavy = (76 + 45 + 48 + 85 + 27) / 207, (76 + 20 + 48 + 85 + 27) / 207
    assert abs(any_calcium - 1.35) < 0.01
    assert abs(heavy - 1.35) > 0.1
    facts = Findings.from_mapping({"calcification_any": True, "calcification_severe": False})
    assert {row.name: row.met for row in evaluate("j_cto", facts).items}["calcification"] is True


def test_morino_2011_rates():
    """Abstract, rounded: 88, 67, 42 and 10 %."""
    rates = primary_rates(load_sheet("j_cto"), "ge20")
    assert [round(100 * rates.of(name).rate) for name in STRATA] == [88, 67, 42, 10]
    assert rate_text(rates, "difficult") == (
        "42.4 % guidewire crossing <= 30 min (derivation, Morino 2011, 10.1016/j.jcin.2010.09.024; read in part)"
    )


def test_counts_give_an_interval_and_bare_rates_do_not():
    with_counts = primary_rates(load_sheet("j_cto_ct"), "li2015")
    assert rate_text(with_counts, "easy") == (
        "91.4 % (53/58, 95 % interval 81.4 to 96.3 %) guidewire crossing <= 30 min "
        "(external, Xing 2022, Table S2 (CTA-JCTO), 10.21037/qims-21-1050; read in the source)"
    )
    for sheet_id in ("ct_rector", "kcct"):
        assert "interval" not in rate_text(
            primary_rates(load_sheet(sheet_id), None), load_sheet(sheet_id).strata[0].name
        )


def test_the_printed_rate_belongs_to_the_stratum():
    points = {"proximal_cap_shape": "blunt", "calcification_severe": True, "bend_max_deg": 60, "length_mm": 30}
    facts = {"proximal_cap_shape": "tapered", "calcification_severe": False, "bend_max_deg": 0, "length_mm": 1}
    facts["prior_failed_attempt"] = False
    expected = [53 / 58, 42 / 62, 23 / 45, 13 / 42, 13 / 42]
    for name, rate in zip([None, *points], expected, strict=True):
        facts |= {} if name is None else {name: points[name]}
        assert evaluate("j_cto_ct", Findings.from_mapping(facts)).printed_rate == pytest.approx(rate)


POINT_SHEETS = [sheet for sheet in map(load_sheet, sheet_ids()) if isinstance(sheet, Sheet)]


@pytest.mark.parametrize("sheet", POINT_SHEETS, ids=lambda sheet: sheet.id)
def test_harder_strata_have_worse_rates(sheet):
    """As printed, but for OPEN-CLEAN, whose external rate at 2 points is below that at 0 to 1."""
    for rates in sheet.rates:
        shares = [rate.rate for rate in map(rates.of, (row.name for row in sheet.strata)) if rate is not None]
        if sheet.id == "open_clean":
            assert shares[1] < shares[0]
            del shares[1]
        assert shares == sorted(shares, reverse=sheet.predicts == "success")
        assert len(set(shares)) == len(shares) > 1


@pytest.mark.parametrize("sheet", POINT_SHEETS, ids=lambda sheet: sheet.id)
def test_one_primary_set_of_the_sheets_own_endpoint(sheet):
    for variant in [row.name for row in sheet.variants] or [None]:
        primary = [row.endpoint for row in rates_for(sheet, variant) if row.primary]
        assert primary == ([sheet.endpoint] if sheet.rates else [])


def test_kcct_predictive_values_do_not_agree_at_one_share_of_crossings():
    """Yu 2017, abstract: sensitivity 70, specificity 68, PPV 72, NPV 73 %; the sheet's caveat."""

    def share_from_ppv(sens, spec, ppv):
        return ppv * (1 - spec) / (sens * (1 - ppv) + ppv * (1 - spec))

    def share_from_npv(sens, spec, npv):
        return spec * (1 - npv) / (spec * (1 - npv) + npv * (1 - sens))

    most_generous = [
        share_from_ppv(sens, spec, 0.715) <= share_from_npv(sens, spec, 0.725)
        for sens in (0.695, 0.705)
        for spec in (0.675, 0.685)
    ]
    assert most_generous == [False] * 4
    sheet = load_sheet("kcct")
    assert any("no single share" in caveat for caveat in sheet.caveats)
    assert [row.rate for row in primary_rates(sheet, None).rates] == [0.72, pytest.approx(1 - 0.73)]
