"""Made-up lesions for the measurements of size, in the columns of the data dictionary."""

from __future__ import annotations

import numpy as np
import polars as pl

__all__ = ["lesions"]


def lesions(count: int, rng: np.random.Generator) -> pl.DataFrame:
    """A flat table, one row per lesion: 44 columns of patient, lesion, CT and angiogram reading, and procedure."""
    keys = np.arange(count)

    def flags(*names: str) -> dict[str, np.ndarray]:
        return {name: (rng.random(count) < rng.uniform(0.1, 0.6)).astype(np.int8) for name in names}

    def normal(mean: float, sd: float, low: float, high: float, digits: int = 1) -> np.ndarray:
        return rng.normal(mean, sd, count).clip(low, high).round(digits)

    def gamma(shape: float, scale: float, high: float, digits: int = 1) -> np.ndarray:
        return rng.gamma(shape, scale, count).clip(0, high).round(digits)

    def among(*words: str) -> np.ndarray:
        return np.array(words)[rng.integers(0, len(words), count)]

    days = rng.integers(0, 1400, count).astype("timedelta64[D]")
    shares = rng.dirichlet((2, 3, 2, 3), count).round(4) * 100
    parts = ("dense_calcium_percent", "fibrous_percent", "fibrofatty_percent", "necrotic_core_percent")
    columns = {
        "patient_id": [f"P{key:07d}" for key in keys],
        "sex": among("female", "male", "male"),
        "age_years": normal(60, 10, 20, 95),
        "bmi_kg_m2": normal(26, 3, 15, 50, 2),
        "lvef_percent": normal(60, 8, 15, 80),
        "nyha_class": rng.integers(1, 5, count),
        "presentation": among("stable_angina", "unstable_angina", "myocardial_infarction", "no_symptoms"),
        **flags("diabetes", "hypertension", "hyperlipidaemia", "smoking_history", "prior_mi", "prior_pci"),
        **flags("prior_cabg", "renal_disease"),
        "lesion_id": [f"L{key:07d}" for key in keys],
        "vessel": among("LAD", "LCX", "RCA"),
        **flags("prior_failed_attempt", "in_stent"),
        "duration_months": gamma(1.5, 10, 240),
        "ct_length_mm": gamma(3, 8, 120),
        "plaque_volume_mm3": gamma(2, 150, 5000),
        **dict(zip(parts, shares.round(2).T, strict=True)),
        "ct_bend_max_deg": gamma(2, 15, 170),
        **flags("ct_calcification_any", "ct_blunt"),
        "ct_j_cto_points": rng.integers(0, 6, count),
        **flags("blunt", "bend_over_45_deg", "calcification_any"),
        "rentrop_grade": rng.integers(0, 4, count),
        "j_cto_points": rng.integers(0, 6, count),
        "procedure_on": np.datetime64("2015-09-01") + days,
        "guide_catheter_fr": rng.integers(6, 9, count),
        "guidewires_count": rng.integers(1, 9, count),
        "fluoroscopy_min": normal(67, 18, 5, 300),
        "contrast_ml": normal(180, 44, 20, 600, 0),
        "stents_count": rng.integers(0, 5, count),
        **flags("crossed_within_30_min", "technical_success", "complication"),
    }
    return pl.DataFrame(columns)
