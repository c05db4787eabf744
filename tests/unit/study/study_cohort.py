"""A small made-up cohort for the tests of studies, and a way to run a plan on it."""

import json

import numpy as np
import pandas as pd

from recanal.study.run import run_study

HEAD = """\
title = "A study of made-up lesions"
seed = 3
[data]
file = "lesions.csv"
patient = "patient_id"
lesion = "lesion_id"
[variables]
continuous = ["age_years", "length_mm", "length2_mm", "risk", "dose", "fluoro_min"]
binary = ["male", "stump", "stump2", "crossed", "success"]
ordinal = ["score", "other"]
categorical = ["vessel", "arm", "operator"]
[labels]
score = "Score"
stump = "Stump"
crossed = "Crossing"
length_mm = "Length, mm"
[levels]
crossed = { 1 = "Crossed", 0 = "Not crossed" }
arm = { ct = "CT-guided", angio = "Angiography" }
"""


def cohort(count=300, seed=11):
    """Lesions of patients, some with two; two lengths and one stump are missing."""
    rng = np.random.default_rng(seed)
    patients = count - 12
    who = np.concatenate([np.arange(patients), np.arange(12)])
    age, male = rng.normal(60, 10, patients).round(1), rng.random(patients) < 0.8
    length = rng.gamma(2, 9, count).round(2)
    stump = rng.random(count) < 0.4
    score = stump.astype(int) + (length > 20) + (rng.random(count) < 0.4)
    odds = 1.8 - 0.9 * score - 0.02 * length
    crossed = rng.random(count) < 1 / (1 + np.exp(-odds))
    event, censored, death = rng.exponential(900, count), rng.uniform(200, 1200, count), rng.exponential(3000, count)
    frame = pd.DataFrame(
        {
            "patient_id": [f"P{number:03d}" for number in who],
            "lesion_id": np.arange(count),
            "age_years": age[who],
            "male": male[who].astype(int),
            "length_mm": length,
            "length2_mm": (length + rng.normal(0, 2, count)).round(2),
            "stump": stump.astype("int"),
            "stump2": np.where(rng.random(count) < 0.9, stump, ~stump).astype(int),
            "score": score,
            "other": np.clip(score + rng.integers(-1, 2, count), 0, 4),
            "crossed": crossed.astype(int),
            "success": (rng.random(count) < np.where(crossed, 0.95, 0.4)).astype(int),
            "vessel": rng.choice(["LAD", "LCX", "RCA"], count, p=[0.4, 0.15, 0.45]),
            "arm": rng.choice(["ct", "angio"], count),
            "operator": rng.choice(["A", "B"], count),
            "order": rng.permutation(count),
            "risk": (1 / (1 + np.exp(odds))).round(4),
            "dose": rng.lognormal(5, 0.6, count).round(1),
            "fluoro_min": rng.normal(60, 15, count).round(1),
            "time_d": np.minimum.reduce([event, censored, death]).round(0) + 1,
            "status": np.where((event < censored) & (event < death), 1, np.where(death < censored, 2, 0)),
        }
    )
    frame.loc[[3, 40], "length_mm"] = np.nan
    frame["stump"] = frame["stump"].astype("Int64")
    frame.loc[7, "stump"] = pd.NA
    return frame


def run(folder, text, frame=None, head=HEAD):
    """The result of a plan on a cohort, both written to a folder."""
    (cohort() if frame is None else frame).to_csv(folder / "lesions.csv", index=False)
    (folder / "plan.toml").write_text(head + text, encoding="utf-8")
    return run_study(folder / "plan.toml")


def record(result, name):
    """The numbers of an analysis, as they come back from JSON."""
    return json.loads(json.dumps(result.record["analyses"][name], allow_nan=False))


def pointed(numbers, pointer):
    """What a JSON pointer points at."""
    for part in pointer.split("/")[1:]:
        numbers = numbers[int(part)] if isinstance(numbers, list) else numbers[part]
    return numbers
