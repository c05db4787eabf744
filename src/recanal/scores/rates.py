"""The published rates that go with a stratum."""

from __future__ import annotations

from recanal.scores.sheet import RateSet, Sheet
from recanal.scores.wilson import wilson_interval

__all__ = ["primary_rates", "rate_text", "rates_for"]


def rates_for(sheet: Sheet, variant: str | None) -> tuple[RateSet, ...]:
    """The sets of rates that apply to a variant, in print order."""
    return tuple(row for row in sheet.rates if not row.variants or variant in row.variants)


def primary_rates(sheet: Sheet, variant: str | None) -> RateSet | None:
    """The set of rates shown with a result, or None when the sheet has none."""
    return next((row for row in rates_for(sheet, variant) if row.primary), None)


def rate_text(rates: RateSet, stratum: str) -> str:
    """The rate of a stratum as printed, with its cohort, source and trust; empty when it was not printed.

    A Wilson interval is given only where counts were printed.

    Examples
    --------
    ``"42.4 % guidewire crossing <= 30 min (derivation, Morino 2011, 10.1016/j.jcin.2010.09.024; read in part)"``
    """
    rate = rates.of(stratum)
    if rate is None:
        return ""
    share = f"{100 * rate.rate:.1f} %"
    if rate.events is not None and rate.total is not None:
        low, high = wilson_interval(rate.events, rate.total)
        share = f"{share} ({rate.events}/{rate.total}, 95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    source = f"{rates.source}, {rates.doi}" if rates.doi else rates.source
    return f"{share} {rates.endpoint} ({rates.cohort}, {source}; {rates.trust})"
