"""What was asked of the measurements, and what was reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evidence.agreement import wilson
from recanal.core.case import COMPONENTS

__all__ = [
    "AMOUNTS",
    "INTERVALS",
    "YES_NO",
    "Amount",
    "Judged",
    "centreline_rows",
    "counts",
    "diameter_rows",
    "error_rows",
    "failed",
    "interval_rows",
    "named",
    "strays",
    "values_of",
    "yes_no_rows",
]

Row = dict[str, Any]
SHORT_GAP_MM = 30.0
STRAY_MM = 1.5
CONTRAST_HU = (250.0, 550.0)


@dataclass(frozen=True)
class Judged:
    """One line of the accuracy table.

    Parameters
    ----------
    quantity, asked, reached
        As printed.
    count
        Cases behind it.
    passed
        Whether what was asked was reached; None where nothing was asked or nothing measured.
    spread
        Median and 90th percentile, as printed.
    """

    quantity: str
    asked: str
    reached: str
    count: int
    passed: bool | None
    spread: str = ""


@dataclass(frozen=True)
class Amount:
    """A number measured in every case.

    Parameters
    ----------
    name
        As printed, with its unit.
    asked
        Largest mean absolute error.
    error
        The signed error of a row, or None.
    asked_bias
        Largest absolute mean error, where one is asked.
    """

    name: str
    asked: float
    error: Callable[[Row], float | None]
    asked_bias: float | None = None


def named(column: str) -> Callable[[Row], float | None]:
    """The value of a column, None where it is missing."""

    def get(row: Row) -> float | None:
        value = row.get(column)
        return None if value is None else float(value)

    return get


def _plaque_percent(row: Row) -> float | None:
    error, true = row.get("plaque_mm3_error"), row.get("plaque_mm3_true")
    return None if error is None or not true else 100.0 * float(error) / float(true)


AMOUNTS: tuple[Amount, ...] = (
    Amount("occlusion length, mm", 0.8, named("length_mm_error"), 0.3),
    Amount("plaque volume, % of the truth", 6.0, _plaque_percent),
    *(Amount(f"{name.replace('_', ' ')}, points of %", 3.0, named(f"{name}_percent_error")) for name in COMPONENTS),
    Amount("bend, degrees", 4.0, named("bend_deg_error")),
    Amount("calcified share of the cross-section", 0.06, named("calcium_ratio_error")),
    Amount("calcium arc, degrees", 15.0, named("calcium_arc_deg_error")),
)
YES_NO = (
    ("shape", "shape of the proximal cap"),
    ("distal_shape", "shape of the distal cap"),
    ("branch", "side branch at the cap"),
    ("severe", "severe calcification"),
    ("whole", "calcium across the whole lumen"),
)
INTERVALS = (
    ("length_mm", "occlusion length"),
    ("bend_deg", "bend"),
    ("plaque_mm3", "plaque volume"),
    *((f"{name}_mm3", f"{name.replace('_', ' ')}, mm3") for name in COMPONENTS),
    *((f"{name}_percent", f"{name.replace('_', ' ')}, %") for name in COMPONENTS),
    ("calcium_ratio", "calcified share of the cross-section"),
    ("calcium_arc_deg", "calcium arc"),
)


def values_of(rows: Sequence[Row], get: Callable[[Row], float | None]) -> NDArray[np.float64]:
    """(n,) values of the rows that have one."""
    found = [get(row) for row in rows]
    return np.array([value for value in found if value is not None], dtype=np.float64)


def failed(row: Row) -> str:
    """What went wrong with a case as a whole, empty when nothing did."""
    if row.get("error"):
        return str(row["error"])
    if row["occluded_true"] and not row.get("occluded"):
        return "the occlusion was missed"
    if row["occluded_true"] and row.get("lesions", 1) > 1:
        return f"{row['lesions']} occlusions found instead of one"
    if not row["occluded_true"] and row.get("occluded"):
        return "an occlusion was found in an open vessel"
    return ""


def strays(row: Row) -> bool:
    """Whether the axis inside the gap is off by more than 1.5 mm somewhere and nothing says so."""
    far = row.get("centre_gap_max_mm")
    return far is not None and far > STRAY_MM and not row.get("flagged")


def _spread(values: NDArray[np.float64], digits: int = 2) -> str:
    if not len(values):
        return ""
    return f"{np.median(values):.{digits}f} / {np.percentile(values, 90):.{digits}f}"


def _mean_row(name: str, asked: float, values: NDArray[np.float64], unit: str) -> Judged:
    if not len(values):
        return Judged(name, f"<= {asked:g} {unit}", "not measured", 0, None)
    mean = float(values.mean())
    return Judged(name, f"<= {asked:g} {unit}", f"{mean:.2f} {unit}", len(values), mean <= asked, _spread(values))


def centreline_rows(rows: Sequence[Row]) -> list[Judged]:
    """Distance of the centreline from the true axis, in the open vessel and inside gaps."""
    gaps = [row for row in rows if row["occluded_true"] and row.get("centre_gap_mm") is not None]
    short = [row for row in gaps if (row.get("true_length_mm") or 0.0) <= SHORT_GAP_MM]
    trusted = [row for row in short if not row.get("flagged")]
    stray = [row for row in gaps if strays(row)]
    gap = named("centre_gap_mm")
    return [
        _mean_row("centreline, open vessel: mean distance", 0.20, values_of(rows, named("centre_open_mm")), "mm"),
        _mean_row("centreline inside gaps up to 30 mm: mean distance", 0.40, values_of(short, gap), "mm"),
        _mean_row("... of those not flagged as low confidence", 0.40, values_of(trusted, gap), "mm"),
        Judged("unflagged gaps that stray more than 1.5 mm", "0", str(len(stray)), len(gaps), not stray),
    ]


def error_rows(rows: Sequence[Row], amount: Amount) -> list[Judged]:
    """Mean absolute error of one quantity, and its bias."""
    errors = values_of(rows, amount.error)
    if not len(errors):
        return [Judged(f"{amount.name}: mean absolute error", f"<= {amount.asked:g}", "not measured", 0, None)]
    far, bias = np.abs(errors), float(errors.mean())
    mean = float(far.mean())
    out = [
        Judged(
            f"{amount.name}: mean absolute error",
            f"<= {amount.asked:g}",
            f"{mean:.3g}",
            len(far),
            mean <= amount.asked,
            _spread(far, 3 if amount.asked < 0.1 else 2),
        )
    ]
    if amount.asked_bias is None:
        return [*out, Judged("... bias", "", f"{bias:+.3g}", len(far), None)]
    good = abs(bias) <= amount.asked_bias
    return [*out, Judged("... bias", f"within {amount.asked_bias:g}", f"{bias:+.3g}", len(far), good)]


def diameter_rows(rows: Sequence[Row]) -> list[Judged]:
    """Bias of the lumen diameter, overall and by tercile of the contrast."""
    low, high = CONTRAST_HU
    used = [r for r in rows if r.get("diameter_bias_mm") is not None and low <= r["lumen_hu"] <= high]
    used.sort(key=lambda row: float(row["lumen_hu"]))
    groups = [("lumen diameter (>= 1.5 mm) bias, all", used)]
    for part in np.array_split(np.arange(len(used)), 3) if len(used) >= 3 else []:
        some = [used[k] for k in part]
        first, last = some[0]["lumen_hu"], some[-1]["lumen_hu"]
        groups.append((f"... contrast {first:.0f} to {last:.0f} HU", some))
    out = []
    for name, some in groups:
        bias = values_of(some, named("diameter_bias_mm"))
        if len(bias):
            mean = float(bias.mean())
            out.append(Judged(name, "within 0.12 mm", f"{mean:+.3f} mm", len(bias), abs(mean) <= 0.12, _spread(bias)))
    return out


def yes_no_rows(rows: Sequence[Row]) -> list[Judged]:
    """Share of occluded cases answered right; a case without an answer counts as wrong."""
    occluded = [row for row in rows if row["occluded_true"]]
    out = []
    for key, name in YES_NO:
        hits = sum(row.get(key) is not None and row.get(key) == row.get(f"{key}_true") for row in occluded)
        if occluded:
            share, (low, high) = hits / len(occluded), wilson(hits, len(occluded))
            reached = f"{100 * share:.0f} % ({hits} of {len(occluded)}; {100 * low:.0f} to {100 * high:.0f} %)"
            out.append(Judged(f"{name}: correct", ">= 95 %", reached, len(occluded), share >= 0.95))
    return out


def interval_rows(rows: Sequence[Row]) -> list[Judged]:
    """Share of 95 % intervals that hold the truth."""
    out = []
    for key, name in INTERVALS:
        held = [bool(row[f"{key}_in"]) for row in rows if row.get(f"{key}_in") is not None]
        if held:
            share = sum(held) / len(held)
            reached = f"{100 * share:.0f} % ({sum(held)} of {len(held)})" + (
                ", too wide" if round(share, 2) > 0.98 else ""
            )
            out.append(Judged(f"{name}: interval holds the truth", "90 to 98 %", reached, len(held), _held(share)))
    return out


def _held(share: float) -> bool:
    return share >= 0.90 and round(share, 2) <= 0.98


def counts(rows: Sequence[Row]) -> list[Judged]:
    """How many cases could not be measured, and how many vessels were called wrong."""
    occluded = [row for row in rows if row["occluded_true"]]
    opened = [row for row in rows if not row["occluded_true"]]
    errors = sum(bool(row.get("error")) for row in rows)
    missed = sum(not row.get("error") and not row.get("occluded") for row in occluded)
    several = sum(row.get("lesions", 1) > 1 for row in occluded)
    false = sum(bool(row.get("occluded")) for row in opened)
    return [
        Judged("cases refused or failed", "0", str(errors), len(rows), errors == 0),
        Judged("occlusions missed", "0", str(missed), len(occluded), missed == 0),
        Judged("more than one occlusion found where there is one", "0", str(several), len(occluded), several == 0),
        Judged("occlusions found in open vessels", "0", str(false), len(opened), false == 0 if opened else None),
    ]
