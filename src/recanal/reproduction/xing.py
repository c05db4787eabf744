"""A cohort with the margins of Xing 2022: patients, their lesions, angiogram, CT and procedure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from recanal.audit.rows import MeanRow
from recanal.errors import OptionError
from recanal.reproduction.paper import Paper
from recanal.reproduction.xing_items import ITEMS, item_table, level_shares
from recanal.reproduction.xing_plaque import plaque_pool
from recanal.simulation.draws import (
    drawn_cells,
    latent_normals,
    paired_by_rank,
    shares_of_latent,
    skewed_of_latent,
    whole_numbers,
)

__all__ = ["simulate_xing"]

Flags = NDArray[np.bool_]
_PATIENTS, _LESIONS, _WITH_TWO = 201, 207, 6
_SINGLES_CROSSED = (126 - 3) / (_PATIENTS - _WITH_TWO)
_BOTH_ONE_NONE = (3, 2, 1)
_SKEWED = {"triglycerides", "cholesterol", "hdl", "ldl", "glucose", "hba1c_percent"}
_PARENTS = {
    "egfr": ("age_years", -0.45), "ldl": ("cholesterol", 0.85), "hba1c_percent": ("glucose", 0.7),
    "triglycerides": ("bmi_kg_m2", 0.25), "diabetes": ("glucose", 0.5), "hypertension": ("age_years", 0.2),
    "prior_pci": ("prior_infarction", 0.4), "renal_disease": ("egfr", -0.6), "smoking": ("male", 0.5),
    "hdl": ("triglycerides", -0.35),
}  # fmt: skip
_PARTS = {
    "heavy_calcification": ("Table 2", "Heavy calcification", "calcification"),
    "ct_severe_calcification": ("Table S2", "Severe calcification", "ct_calcification"),
}
_LOCATIONS = ("LM", "LAD", "LCX", "RCA")
_TIE_OF_READINGS = 0.7
_JITTER = 0.015


def simulate_xing(paper: Paper, lesions_count: int, seed: int) -> pd.DataFrame:
    """One row per lesion, patients with one or two.

    Parameters
    ----------
    paper
        Its printed tables.
    lesions_count
        About as many lesions; two of them in 6 of 201 patients.
    seed
        Of the draws; the population behind them is always the same.

    Raises
    ------
    StudyError
        When the margins cannot hold together.
    """
    rng = np.random.default_rng(seed)
    who, crossed = _patients(lesions_count, rng)
    items = item_table(paper)
    cells = np.zeros(len(who), dtype=np.intp)
    for group in (True, False):
        here = crossed == group
        cells[here] = items.drawn(items.columns["crossed"] == group, int(here.sum()), rng)
    columns = {name: values[cells] for name, values in items.columns.items()}
    lesion = {
        "patient_id": who + 1,
        "lesion_id": np.arange(len(who)) + 1,
        **columns,
        "j_cto_group": np.minimum(columns["j_cto"], 3),
        "ct_j_cto_group": np.minimum(columns["ct_j_cto"], 3),
    }
    frame = pd.DataFrame(lesion | _clinical(paper, who, crossed, rng) | _lesion_counts(paper, columns, rng))
    frame = frame.assign(vessel=_locations(paper, crossed, rng), guidewires=_guidewires(paper, crossed, rng))
    frame = frame.assign(**_plaque(paper, columns, rng))
    return frame.assign(dense_calcium_present=(frame["dense_calcium_percent"] > 0).astype(int))


def _patients(lesions_count: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], Flags]:
    """Patient of each lesion, and whether it was crossed; six of 201 patients have two lesions."""
    count = round(lesions_count * _PATIENTS / _LESIONS)
    two = rng.random(count) < _WITH_TWO / _PATIENTS
    split = rng.choice(3, size=count, p=np.array(_BOTH_ONE_NONE) / _WITH_TWO)
    single = rng.random(count) < _SINGLES_CROSSED
    who = np.repeat(np.arange(count), np.where(two, 2, 1))
    first = np.concatenate([[True], who[1:] != who[:-1]])
    crossed = np.where(two[who], (split[who] == 0) | ((split[who] == 1) & first), single[who])
    return who, crossed.astype(bool)


def _mean_cells(paper: Paper, table: str, row: str) -> list[tuple[float, float]]:
    content = paper.rows[table, row].content
    if not isinstance(content, MeanRow):
        raise OptionError(f"{table}, {row}: holds no means.")
    return [(cell.mean.value, cell.sd.value if cell.sd else 0.0) for cell in content.cells]


def _clinical(
    paper: Paper, who: NDArray[np.intp], crossed: Flags, rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """Table 1, drawn by patient: a patient with a lesion that was not crossed belongs to the group that failed."""
    count = int(who.max()) + 1
    all_crossed = np.bincount(who[~crossed], minlength=count) == 0
    rows = {link.variable: name for (table, name), link in paper.links.items() if table == "Table 1"}
    rows.pop("prior_attempt")
    latents = latent_normals(tuple(rows), _PARENTS, count, rng)
    out: dict[str, NDArray[np.generic]] = {}
    for column, row in rows.items():
        if isinstance(paper.rows["Table 1", row].content, MeanRow):
            cells = np.array(_mean_cells(paper, "Table 1", row))
            mean, sd = (np.where(all_crossed, *cells[:, part]) for part in (0, 1))
            values = skewed_of_latent(latents[column], mean, sd, skewed=column in _SKEWED)
            out[column] = np.round(values, 3)[who]
        else:
            share = np.where(all_crossed, *paper.count_shares("Table 1", row))
            out[column] = shares_of_latent(latents[column], share)[who]
    return out


def _lesion_counts(
    paper: Paper, items: dict[str, NDArray[np.int64]], rng: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Rows of Tables 2 and S2 that are no items of a score."""
    crossed = items["crossed"] == 1
    rows = {link.variable: key for key, link in paper.links.items() if key[0] in ("Table 2", "Table S2")}
    taken = {*ITEMS, *_PARTS, "success", "ct_length_15", "vessel", "guidewires"}
    out = {}
    for column, key in rows.items():
        if column not in taken and "j_cto" not in column:
            share = np.where(crossed, *paper.count_shares(*key))
            out[column] = shares_of_latent(rng.standard_normal(len(crossed)), share)
    for column, (table, row, whole) in _PARTS.items():
        ratio = np.array(paper.count_shares(table, row)) / np.array(paper.count_shares(*ITEMS[whole]))
        out[column] = items[whole] * (rng.random(len(crossed)) < np.where(crossed, *ratio))
    longer = np.array(paper.count_shares(*ITEMS["ct_length_20"]))
    rest = (np.array(paper.count_shares("Table S2", "Lesion length >=15 mm")) - longer) / (1 - longer)
    out["ct_length_15"] = np.where(items["ct_length_20"] == 1, 1, rng.random(len(crossed)) < np.where(crossed, *rest))
    return out


def _locations(paper: Paper, crossed: Flags, rng: np.random.Generator) -> NDArray[np.str_]:
    out = np.empty(len(crossed), dtype="<U3")
    by_group = level_shares(paper, "Table 2", "Location LM/LAD/LCX/RCA")
    for here, shares in zip((crossed, ~crossed), by_group, strict=True):
        out[here] = rng.choice(_LOCATIONS, size=int(here.sum()), p=np.array(shares) / sum(shares))
    return out


def _guidewires(paper: Paper, crossed: Flags, rng: np.random.Generator) -> NDArray[np.int64]:
    out = np.zeros(len(crossed), dtype=np.int64)
    for here, (mean, sd) in zip(
        (crossed, ~crossed), _mean_cells(paper, "Table 2", "Number of guidewires"), strict=True
    ):
        out[here] = whole_numbers(mean, sd, int(here.sum()), rng)
    return out


def _plaque(
    paper: Paper, items: dict[str, NDArray[np.int64]], rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """An occlusion for each lesion with the same outcome; CT items of length and calcium follow the measured ones."""
    pool = plaque_pool(paper)
    chosen = np.zeros(len(items["crossed"]), dtype=np.intp)
    for crossed in (True, False):
        for success in (True, False):
            here = np.flatnonzero((items["crossed"] == crossed) & (items["success"] == success))
            there = np.flatnonzero((pool.crossed == crossed) & (pool.success == success))
            drawn = there[drawn_cells(pool.tilted.weights[there], len(here), rng)]
            read = (items["ct_length_20"][here] + items["ct_calcification"][here]).astype(np.float64)
            read += rng.random(len(here)) / 10
            measured = rankdata(pool.columns["length_mm"][drawn]) + rankdata(
                pool.columns["dense_calcium_percent"][drawn]
            )
            if len(here):
                chosen[here] = drawn[paired_by_rank(read, measured, _TIE_OF_READINGS, rng)]
    size = np.exp(_JITTER * rng.standard_normal(len(chosen)))
    length = np.exp(_JITTER * rng.standard_normal(len(chosen)))
    out = {}
    for name, values in pool.columns.items():
        factor = size if name.endswith("_mm3") else length if name == "length_mm" else 1.0
        out[name] = np.round(values[chosen] * factor, 4)
    return out
