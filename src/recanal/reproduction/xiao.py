"""A cohort with the margins of Xiao 2021: lesions of ten operators, their scores, patients and procedures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from recanal.audit.rows import CountRow, LevelsRow, MeanRow
from recanal.errors import OptionError
from recanal.reproduction.errors_of_print import mean_error, sd_error, share_error
from recanal.reproduction.paper import Paper, cell_shares
from recanal.reproduction.xiao_items import GROUP_SIZES, LESIONS, STRATUM_SIZES, ScoreTable, score_table
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
    who = _patients(frame["aged_75"].to_numpy(), place, rng)
    first = np.unique(who, return_index=True)[1]
    clinical = _clinical(paper, everyone, (place, frame["aged_75"].to_numpy()), rng)
    columns = {"patient_id": who + 1, "lesion_id": np.arange(lesions_count) + 1}
    columns |= {name: values[first][who] for name, values in clinical.items()}
    columns |= _strata(frame, rng, paper)
    columns |= _procedure(paper, everyone, (place, frame), rng)
    columns |= _success_numbers(paper, successes, (place, frame), rng)
    return frame.drop(columns=["circumflex", "aged_75"]).assign(**columns)


def _patients(old: NDArray[np.int64], place: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Patient of each lesion: two lesions of one group, stratum and age class make a pair where a patient has two."""
    order = np.lexsort((rng.random(len(place)), old, place))
    kind = (place * 2 + old)[order]
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


def _binary(paper: Paper, sides: _Sides, rows: tuple[str, ...], among: tuple[tuple[int, ...], ...] = ()) -> Numbers:
    """Share of each combination that has a characteristic, so that every column of Tables 6 and 7 and Table 3 holds it."""
    yes = np.tile([1.0, 0.0], _PLACES)
    margins = sides.margins(np.ones(2 * _PLACES), 2)
    for number, (table, column, sizes) in enumerate(sides.parts):
        shares = np.array(_shares(paper, table, rows[number + 1]))
        if among:
            shares = shares * among[1 - number] / np.array(sizes)
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
    place, old = of
    count = len(place)
    out: dict[str, NDArray[np.generic]] = {}
    for name, rows in _CLINICAL.items():
        out[name] = _drawn(_binary(paper, sides, rows), place, rng)
    out["age_years"] = _age(paper, sides, of, rng)
    grid = _grid(paper, sides, ("Age (year)", "BMI", ""), "BMI kg/m2")
    out["bmi_kg_m2"] = np.round(grid.drawn(place, rng), 2)
    several, unstable, infarction, middle, high = (
        _shares(paper, "Table 3", row)[0]
        for row in ("≥2 major coronary artery lesions", "Unstable angina pectoris", "Myocardial infarction", "40%~50%", "≥50%")
    )
    out["several_arteries"] = (rng.random(count) < several).astype(np.int64)
    acute = np.where(rng.random(count) < infarction / (infarction + unstable), "infarction", "unstable")
    out["symptoms"] = np.where(out["acute_syndrome"] == 1, acute, "stable")
    better = np.where(rng.random(count) < high / (high + middle), 3, 2)
    out["lvef"] = np.where(out["lvef_below_40"] == 1, 1, better)
    sides_of_heart = [_shares(paper, "Table 4", row)[0] for row in ("Right coronary dominance", "Left coronary dominance")]
    out["dominance"] = rng.choice(["right", "left", "balanced"], size=count, p=[*sides_of_heart, 1 - sum(sides_of_heart)])
    return out
