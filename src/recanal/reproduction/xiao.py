"""A cohort with the margins of Xiao 2021: lesions of ten operators, their scores, patients and procedures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recanal.audit.rows import CountRow, LevelsRow, MeanRow
from recanal.errors import OptionError
from recanal.reproduction.errors_of_print import mean_error, sd_error, share_error
from recanal.reproduction.paper import Paper, cell_shares
from recanal.reproduction.xiao_items import GROUP_SIZES, LESIONS, STRATUM_SIZES, score_table
from recanal.simulation.draws import drawn_cells, whole_numbers
from recanal.simulation.maximum_entropy import Margin, tilt

__all__ = ["simulate_xiao"]

Numbers = NDArray[np.float64]
_PATIENTS, _WITH_TWO = 130, 14
_CLINICAL = {
    "male": ("Male", "Male", "Male"),
    "hypertension": ("Hypertension",) * 3,
    "hyperlipidemia": ("Hyperlipidemia",) * 3,
    "impaired_glucose": ("Impaired glucose tolerance",) * 3,
    "smoking": ("Smoking",) * 3,
    "prior_pci": ("Previous PCI history", "Previous PCI", "Previous PCI"),
    "prior_infarction": ("Previous MI history", "Previous MI", "Previous MI"),
    "nyha_3": ("≥NYHA III", "NYHA>=III", "NYHA>=III"),
    "ckd_3": ("≥CKD III", "CKD>=III", "CKD>=III"),
    "acute_syndrome": ("", "Acute coronary syndrome", "ACS"),
    "lvef_below_40": ("< 40%", "LVEF<40%", "LVEF<40%"),
}
_PROCEDURAL = {
    "ultrasound": ("", "IVUS", "IVUS"),
    "conversion": ("", "Strategy conversion", "Strategy conversion"),
    "guide_7f": ("", "7F guide", "7F guide"),
}
_ANTEGRADE = ("", '"Forward single-guidewire" (=all antegrade)', '"Forward single-guidewire" (=all antegrade)')
_FLUOROSCOPY = ("Fluoroscopy time (successes only, 3 groups n=102,21,7)", "Fluoroscopy (successes n=2,5,13,68,43)")
_CONTRAST = ("Contrast dose (successes only, 3 groups)", "Contrast (successes)")
_SUCCESS_SIZES = ((102, 21, 7, 1), (2, 5, 13, 68, 43))
_VESSEL_ROW = "CTO target vessel (LAD/LCX/RCA/LM)"
_VESSELS = ("LAD", "LCX", "RCA", "LM")
_GRID_SIGMAS, _GRID_POINTS = 4.5, 91
_OLD_YEARS = 75.0
_PLACES = len(GROUP_SIZES) * len(STRATUM_SIZES)


@dataclass(frozen=True, eq=False)
class _Sides:
    """Operator groups and strata as margins of their 20 combinations; sizes of all lesions or of the successes."""

    joint: Numbers
    group_sizes: tuple[int, ...]
    stratum_sizes: tuple[int, ...]

    def margins(self, feature: Numbers, repeats: int) -> list[Margin]:
        """The combinations themselves: ``feature`` of 1, each repeated for every value of the variable."""
        flat = np.repeat(np.arange(_PLACES), repeats)
        return [
            Margin(f"combination {place}", (flat == place) * feature, float(share), 1e-5)
            for place, share in enumerate(self.joint.ravel())
            if share > 0
        ]

    @property
    def parts(self) -> tuple[tuple[str, NDArray[np.intp], tuple[int, ...]], ...]:
        """Table, number of the column of each combination, and the sizes of its columns."""
        places = np.arange(_PLACES)
        return (
            ("Table 6", places % len(STRATUM_SIZES), self.stratum_sizes),
            ("Table 7", places // len(STRATUM_SIZES), self.group_sizes),
        )


def simulate_xiao(paper: Paper, lesions_count: int, seed: int) -> pd.DataFrame:
    """One row per lesion.

    Parameters
    ----------
    paper
        Its printed tables.
    lesions_count
        As many lesions; 14 of 130 patients have two of them.
    seed
        Of the draws.

    Raises
    ------
    StudyError
        When the margins cannot hold together.
    """
    rng = np.random.default_rng(seed)
    table = score_table(paper)
    cells = drawn_cells(table.probabilities, lesions_count, rng)
    frame = pd.DataFrame({name: values[cells] for name, values in table.columns.items()})
    place = ((frame["operators"] - 1) * len(STRATUM_SIZES) + frame["stratum"] - 1).to_numpy(dtype=np.intp)
    everyone = _Sides(table.joint(success_only=False), GROUP_SIZES, STRATUM_SIZES)
    successes = _Sides(table.joint(success_only=True), _SUCCESS_SIZES[1], _SUCCESS_SIZES[0])
    who = _patients((place * 2 + frame["aged_75"]) * 2 + frame["prior_cabg"], rng)
    first = np.unique(who, return_index=True)[1]
    clinical = _clinical(paper, everyone, (place, frame["aged_75"].to_numpy()), rng)
    columns: dict[str, NDArray[np.generic]] = {"patient_id": who + 1, "lesion_id": np.arange(lesions_count) + 1}
    columns |= {name: values[first][who] for name, values in clinical.items()}
    columns |= _strata(frame, rng, paper)
    columns |= _procedure(paper, everyone, (place, frame), rng)
    columns |= _success_numbers(paper, successes, (place, frame), rng)
    return frame.drop(columns=["circumflex", "aged_75"]).assign(**columns)


def _patients(alike: pd.Series, rng: np.random.Generator) -> NDArray[np.intp]:
    """Patient of each lesion: where a patient has two they are alike in group, stratum, age class and bypass grafts."""
    place = alike.to_numpy()
    order = np.lexsort((rng.random(len(place)), place))
    kind = place[order]
    paired = rng.random(len(place)) < _WITH_TWO / _PATIENTS
    who = np.empty(len(place), dtype=np.intp)
    number, at = -1, 0
    while at < len(order):
        number += 1
        two = paired[at] and at + 1 < len(order) and kind[at] == kind[at + 1]
        who[order[at : at + 1 + two]] = number
        at += 1 + two
    return who


def _shares(paper: Paper, table: str, row: str) -> tuple[float, ...]:
    content = paper.rows[table, row].content
    if not isinstance(content, CountRow):
        raise OptionError(f"{table}, {row}: is no row of counts.")
    return cell_shares(content.cells, tuple(group.size_count for group in content.groups))


def _binary(paper: Paper, sides: _Sides, rows: tuple[str, ...]) -> Numbers:
    """Share of each combination that has a characteristic, so that the columns of Tables 6, 7 and 3 hold it."""
    yes = np.tile([1.0, 0.0], _PLACES)
    margins = sides.margins(np.ones(2 * _PLACES), 2)
    for number, (table, column, sizes) in enumerate(sides.parts):
        printed = (STRATUM_SIZES, GROUP_SIZES)[number]
        shares = np.array(_shares(paper, table, rows[number + 1])) * np.array(printed) / np.array(sizes)
        total = sum(sizes)
        for place, (size, share) in enumerate(zip(sizes, shares, strict=True)):
            feature = yes * np.repeat(column == place, 2)
            error = share_error(float(share), size) * size / total
            margins.append(Margin(f"{table}, {rows[number + 1]}", feature, float(share) * size / total, error))
    if rows[0]:
        share = _shares(paper, "Table 3", rows[0])[0]
        margins.append(Margin(f"Table 3, {rows[0]}", yes, share, share_error(share, _PATIENTS)))
    prior = np.log(np.maximum(np.repeat(sides.joint.ravel(), 2), 1e-12))
    weights = tilt(prior, margins, most_sigmas=5.0).weights.reshape(_PLACES, 2)
    return np.asarray(weights[:, 0] / weights.sum(axis=1))


def _drawn(shares: Numbers, place: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.int64]:
    return (rng.random(len(place)) < shares[place]).astype(np.int64)


def _clinical(
    paper: Paper, sides: _Sides, of: tuple[NDArray[np.intp], NDArray[np.int64]], rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """Table 3 and the first rows of Tables 6 and 7."""
    place = of[0]
    count = len(place)
    out: dict[str, NDArray[np.generic]] = {}
    for name, rows in _CLINICAL.items():
        out[name] = _drawn(_binary(paper, sides, rows), place, rng)
    out["age_years"] = _age(paper, sides, of, rng)
    grid = _grid(paper, sides, ("BMI", ""), ("Table 3", "BMI kg/m2"))
    out["bmi_kg_m2"] = np.round(grid.drawn(place, rng), 2)
    several, unstable, infarction, middle, high = (
        _shares(paper, "Table 3", row)[0]
        for row in (
            "≥2 major coronary artery lesions",
            "Unstable angina pectoris",
            "Myocardial infarction",
            "40%~50%",
            "≥50%",
        )
    )
    out["several_arteries"] = (rng.random(count) < several).astype(np.int64)
    acute = np.where(rng.random(count) < infarction / (infarction + unstable), "infarction", "unstable")
    out["symptoms"] = np.where(out["acute_syndrome"] == 1, acute, "stable")
    better = np.where(rng.random(count) < high / (high + middle), 3, 2)
    out["lvef"] = np.where(out["lvef_below_40"] == 1, 1, better)
    sides_of_heart = [
        _shares(paper, "Table 4", row)[0] for row in ("Right coronary dominance", "Left coronary dominance")
    ]
    out["dominance"] = rng.choice(
        ["right", "left", "balanced"], size=count, p=[*sides_of_heart, 1 - sum(sides_of_heart)]
    )
    return out


@dataclass(frozen=True, eq=False)
class _Grid:
    """Values of a number, and their weights in each combination."""

    values: Numbers
    weights: Numbers

    def drawn(
        self, place: NDArray[np.intp], rng: np.random.Generator, upper: NDArray[np.bool_] | None = None
    ) -> Numbers:
        """A value for each lesion; where ``upper`` is given, from 75 on or below 75."""
        out = np.empty(len(place))
        step = self.values[1] - self.values[0]
        high = self.values >= _OLD_YEARS
        for number in np.unique(place):
            for side in (None,) if upper is None else (False, True):
                here = np.flatnonzero((place == number) & ((upper == side) if side is not None else True))
                weights = self.weights[number] * ((high == side) if side is not None else 1.0)
                if len(here):
                    drawn = self.values[drawn_cells(weights, len(here), rng)]
                    out[here] = drawn + step * rng.random(len(here))
        return out


def _grid(paper: Paper, sides: _Sides, rows: tuple[str, str], whole: tuple[str, str]) -> _Grid:
    """Weights under which a number has the printed means and standard deviations.

    ``rows`` are its rows in Tables 6 and 7, empty where not fitted; ``whole`` the table and row of all together.
    """
    cell = _mean_cells(paper, *whole)[0]
    step = 2 * _GRID_SIGMAS * cell[1] / (_GRID_POINTS - 1)
    values = _OLD_YEARS + step * (
        np.arange(_GRID_POINTS) - round(float((_OLD_YEARS - cell[0]) / step)) - _GRID_POINTS // 2
    )
    flat = np.tile(values, _PLACES) + step / 2
    prior = (
        np.log(np.maximum(np.repeat(sides.joint.ravel(), _GRID_POINTS), 1e-12)) - ((flat - cell[0]) / cell[1]) ** 2 / 2
    )
    margins = sides.margins(np.ones(len(flat)), _GRID_POINTS)
    margins += _moment_margins(f"{whole[0]}, {whole[1]}", flat, (cell, _PATIENTS, 1.0))
    for (table, column, sizes), row in zip(sides.parts, rows, strict=True):
        if row:
            for number, (mean, sd) in enumerate(_mean_cells(paper, table, row)):
                inside = np.repeat(column == number, _GRID_POINTS)
                share = sizes[number] / sum(sizes)
                margins += _moment_margins(f"{table}, {row}", flat, ((mean, sd), sizes[number], share), inside)
    weights = tilt(prior, margins, most_sigmas=5.0).weights.reshape(_PLACES, _GRID_POINTS)
    return _Grid(np.asarray(values, dtype=np.float64), weights)


def _moment_margins(
    name: str, flat: Numbers, printed: tuple[tuple[float, float], int, float], inside: NDArray[np.bool_] | None = None
) -> list[Margin]:
    (mean, sd), size, share = printed
    off = (flat - mean) * (1.0 if inside is None else inside)
    spread_error = 2 * sd * sd_error(sd, size) * share
    return [
        Margin(f"{name}, mean", off, 0.0, mean_error(sd, size) * share),
        Margin(f"{name}, spread", off**2, sd * sd * share, spread_error),
    ]


def _mean_cells(paper: Paper, table: str, row: str) -> list[tuple[float, float]]:
    content = paper.rows[table, row].content
    if not isinstance(content, MeanRow):
        raise OptionError(f"{table}, {row}: holds no means.")
    return [(cell.mean.value, cell.sd.value) for cell in content.cells if cell.sd is not None]


def _age(
    paper: Paper, sides: _Sides, of: tuple[NDArray[np.intp], NDArray[np.int64]], rng: np.random.Generator
) -> Numbers:
    """Ages that agree with what the ORA score counts: 75 or more."""
    place, old = of
    grid = _grid(paper, sides, ("Age", "Age"), ("Table 3", "Age (year)"))
    return np.asarray(np.floor(10 * grid.drawn(place, rng, old == 1)) / 10)


def _strata(frame: pd.DataFrame, rng: np.random.Generator, paper: Paper) -> dict[str, NDArray[np.generic]]:
    """Groupings of the tests, and the vessel: other than circumflex as in the tables of its stratum."""
    stratum, operators = frame["stratum"].to_numpy(), frame["operators"].to_numpy()
    content = paper.rows["Table 6", _VESSEL_ROW].content
    if not isinstance(content, LevelsRow):
        raise OptionError(f"Table 6, {_VESSEL_ROW}: holds no levels.")
    counts = np.array([[cell.count or 0 for cell in level.cells] for level in content.levels], dtype=np.float64)
    counts[1] = 0
    vessel = np.full(len(frame), "LCX", dtype="<U3")
    for number in range(len(STRATUM_SIZES)):
        here = np.flatnonzero((stratum == number + 1) & (frame["circumflex"].to_numpy() == 0))
        vessel[here] = rng.choice(_VESSELS, size=len(here), p=counts[:, number] / counts[:, number].sum())
    of_3 = np.where((stratum == 4), "", stratum.astype(str))
    return {
        "vessel": vessel,
        "stratum_3": np.minimum(stratum, 3),
        "stratum_of_3": of_3,
        "operators_3": np.maximum(operators - 2, 1),
    }


def _procedure(
    paper: Paper, sides: _Sides, of: tuple[NDArray[np.intp], pd.DataFrame], rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    place, frame = of
    count = len(place)
    success = frame["technical_success"].to_numpy()
    out: dict[str, NDArray[np.generic]] = {}
    for name, rows in _PROCEDURAL.items():
        out[name] = _drawn(_binary(paper, sides, rows), place, rng)
    harmed = np.array(_shares(paper, "Table 6", "Technical success")) - np.array(
        _shares(paper, "Table 6", "Procedural success")
    )
    lost = np.maximum(harmed, 0) / np.array(_shares(paper, "Table 6", "Technical success"))
    skilled = np.array([0, 0, 0, 1 / 75, 2 / 45]) / (3 / LESIONS)
    risk = lost[frame["stratum"].to_numpy() - 1] * skilled[frame["operators"].to_numpy() - 1]
    out["procedural_success"] = success * (rng.random(count) >= risk)
    rare = {"balloon_pump": "IABP during the operation", "pericardiocentesis": "Pericardiocentesis"}
    rare["death"] = "Postoperative sudden cardiac death"
    for name, row in rare.items():
        out[name] = (rng.random(count) < _shares(paper, "Table 5", row)[0]).astype(np.int64)
    (mean, sd), (length, spread) = (
        _mean_cells(paper, "Table 5", row)[0]
        for row in (
            "Number of stents implanted during operation",
            "Total length of the stent implanted during operation",
        )
    )
    out["stents"] = whole_numbers(mean, sd, count, rng)
    out["stent_length_mm"] = np.round(length + spread * rng.standard_normal(count), 1)
    return out


def _success_numbers(
    paper: Paper, sides: _Sides, of: tuple[NDArray[np.intp], pd.DataFrame], rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """What is known of successes alone: the technique, fluoroscopy time and contrast agent."""
    place, frame = of
    success = frame["technical_success"].to_numpy() == 1
    antegrade = (_drawn(_binary(paper, sides, _ANTEGRADE), place, rng) == 1) & success
    retrograde = success & ~antegrade
    ways = [
        _shares(paper, "Table 5", row)[0]
        for row in (
            "Forward single-guidewire technology",
            "Forward double-guidewire technology",
            "Technology of forward false cavity returning to the true cavity",
        )
    ]
    way = rng.choice(["single", "double", "reentry"], size=len(place), p=np.array(ways) / sum(ways))
    septal = rng.random(len(place)) < _shares(paper, "Table 5", "Septal branch channel")[0]
    out: dict[str, NDArray[np.generic]] = {
        "antegrade": antegrade.astype(np.int64),
        "retrograde": retrograde.astype(np.int64),
        "technique": np.where(antegrade, way, np.where(retrograde, "retrograde", "failed")),
        "septal": np.where(retrograde, septal.astype(int).astype(str), ""),
    }
    rows = {"fluoroscopy_min": (_FLUOROSCOPY, "X-ray fluoroscopy time")}
    rows["contrast_ml"] = (_CONTRAST, "Dosage of the contrast agent")
    for name, (parts, whole) in rows.items():
        grid = _grid(paper, sides, parts, ("Table 5", whole))
        out[name] = np.where(success, np.round(grid.drawn(place, rng), 2), np.nan)
    return out
