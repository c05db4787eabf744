"""Times to an event, from the follow-up events of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recanal.cohort.store import Store
from recanal.errors import CohortError
from recanal.variables.dictionary import Dictionary

__all__ = ["Endpoint", "EndpointTimes", "endpoint_times"]

_FROM = {"procedure_on": "procedure", "randomised_on": "patient", "consented_on": "patient", "ct_on": "ct"}
_DETAILS = {"death": "death_cause", "amputation": "amputation_level", "stent_thrombosis": "stent_thrombosis_certainty"}


@dataclass(frozen=True)
class Endpoint:
    """What counts, from when.

    Parameters
    ----------
    name
        Makes the columns ``NAME_days`` and ``NAME_status``.
    events
        Words of the variable ``event``; ``death:cardiac`` asks for a cause, a level or a certainty as well.
    competing
        The same for events that end the follow-up otherwise.
    start
        Date from which time counts: ``procedure_on``, ``randomised_on``, ``consented_on`` or ``ct_on``.
    """

    name: str
    events: tuple[str, ...]
    competing: tuple[str, ...] = ()
    start: str = "procedure_on"


@dataclass(frozen=True, eq=False)
class EndpointTimes:
    """Time and status of every lesion.

    Parameters
    ----------
    frame
        ``lesion_id``, ``NAME_days`` (whole days from the start, null where it is not known) and ``NAME_status``: 0
        censored, 1 the event, 2 an event that competes with it.
    early_count
        Events before the start, which do not count.
    refuted_count
        Events that adjudication refuted, which do not count.
    late_count
        Rows of follow-up dated after the death of their patient, a second death among them, which do not count.
    """

    frame: pl.DataFrame
    early_count: int
    refuted_count: int
    late_count: int


def endpoint_times(store: Store, endpoint: Endpoint) -> EndpointTimes:
    """Days from the start to the first event of each lesion, or to the last day on which the patient was known.

    Parameters
    ----------
    store
        The store.
    endpoint
        What counts.

    Raises
    ------
    CohortError
        Where the endpoint names an event that does not exist, counts one twice, or a lesion has several starts.

    Notes
    -----
    An event that names a lesion belongs to that lesion alone, an event without one to all lesions of the patient. A
    death of any cause ends the follow-up: where the endpoint does not name it, it is censored there. Where the event
    and one that competes fall on one day, the event counts. A lesion without a start, or whose patient has no row of
    follow-up, has no time.
    """
    _refuse(endpoint, store.dictionary)
    starts = _starts(store, endpoint.start)
    told = store.frame("follow_up")
    refuted = told.filter(pl.col("adjudication") == "refuted")
    told = told.filter(pl.col("adjudication").ne_missing("refuted"))
    kind = pl.when(_among(endpoint.events)).then(1).when(_among(endpoint.competing)).then(2).otherwise(0)
    told = told.select("patient_id", pl.col("lesion_id").alias("of"), "event", "event_on", kind.alias("kind"))
    rows = starts.join(told, on="patient_id", how="inner").with_columns(
        (pl.col("event_on") - pl.col("start")).dt.total_days().alias("day")
    )
    died = pl.col("event") == "death"
    counts = (died | pl.col("of").is_null() | (pl.col("of") == pl.col("lesion_id"))) & (pl.col("kind") > 0)
    early = rows.filter(counts & (pl.col("day") < 0)).height
    death = pl.col("event_on").filter(pl.col("event") == "death").min().over("patient_id")
    late = told.filter(pl.col("event_on") > death).height
    rows = rows.filter(pl.col("day") >= 0)
    last = rows.group_by("lesion_id").agg(
        pl.col("day").max().alias("known"), pl.col("day").filter(died).min().alias("death")
    )
    alive = pl.col("death").is_null() | (pl.col("day") <= pl.col("death"))
    first = rows.join(last, on="lesion_id").filter(counts & alive)
    first = first.sort("day", "kind").group_by("lesion_id", maintain_order=True).first()
    both = starts.join(last, on="lesion_id", how="left").join(
        first.select("lesion_id", "day", "kind"), on="lesion_id", how="left"
    )
    ended = pl.coalesce("day", "death", "known").alias(f"{endpoint.name}_days")
    status = pl.when(pl.col("known").is_not_null()).then(pl.col("kind").fill_null(0)).alias(f"{endpoint.name}_status")
    frame = both.select("lesion_id", ended.cast(pl.Int64), status.cast(pl.Int64)).sort("lesion_id")
    refuted_count = refuted.filter(_among((*endpoint.events, *endpoint.competing))).height
    return EndpointTimes(frame, early, refuted_count, late)


def _among(words: Sequence[str]) -> pl.Expr:
    """Whether a row is one of the events."""
    out = pl.lit(value=False)
    for word in words:
        event, _, detail = word.partition(":")
        one = pl.col("event") == event
        out = out | (one & (pl.col(_DETAILS[event]) == detail).fill_null(value=False) if detail else one)
    return out


def _starts(store: Store, start: str) -> pl.DataFrame:
    """``lesion_id``, ``patient_id`` and the date from which time counts, one row per lesion that has one."""
    lesions = store.frame("lesion", columns=["lesion_id", "patient_id"])
    home = _FROM[start]
    key = "patient_id" if home == "patient" else "lesion_id"
    dates = store.frame(home, columns=[key, start]).drop_nulls()
    if dates[key].is_duplicated().any():
        count = dates.filter(pl.col(key).is_duplicated())[key].n_unique()
        raise CohortError(
            f"{count} {key.removesuffix('_id')}s have more than one {start}.", hint="From which one does time count?"
        )
    return lesions.join(dates.rename({start: "start"}), on=key, how="inner")


def _refuse(endpoint: Endpoint, dictionary: Dictionary) -> None:
    if endpoint.start not in _FROM:
        raise CohortError(f"Time cannot count from {endpoint.start!r}.", hint=f"Allowed: {', '.join(_FROM)}.")
    table = dictionary.table("follow_up")
    named = (*endpoint.events, *endpoint.competing)
    for word in named:
        event, _, detail = word.partition(":")
        if event not in table["event"].choices or event == "last_contact":
            allowed = ", ".join(choice for choice in table["event"].choices if choice != "last_contact")
            raise CohortError(f"There is no event {event!r}.", hint=f"Allowed: {allowed}.")
        details = table[_DETAILS[event]].choices if event in _DETAILS else ()
        if detail and detail not in details:
            raise CohortError(
                f"There is no {word!r}.", hint=f"Allowed after the colon: {', '.join(details) or 'none'}."
            )
    if not endpoint.events or len(set(named)) < len(named):
        raise CohortError(f"The endpoint {endpoint.name!r} names no event, or one twice.")
