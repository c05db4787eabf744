"""A quarter of a million lesions: all arrive, the store verifies, and memory stays within its share of the limit."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

LESIONS = 250_000
MOST_MEMORY_GB = 1.0  # the limit for 1,000,000 lesions is 2 GB
IMPORT = """
import json, re, sys
from pathlib import Path
from recanal.cohort import Author, create_store, import_source, verify_store
from recanal.variables import ReadOptions
store = create_store(sys.argv[2], Author("tester"))
result = import_source(store, sys.argv[1], ReadOptions(), author=Author("tester"))
peak_kb = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]  # ru_maxrss holds the parent's too
told = {"added": dict(result.added), "memory_gb": int(peak_kb) / 1e6}
told["sound"] = verify_store(store).sound
print(json.dumps(told))
"""


def lesions(rng):
    """A flat table of 24 columns in three tables."""
    keys = np.arange(LESIONS)

    def flags(*names):
        return {name: rng.integers(0, 2, LESIONS) for name in names}

    return pl.DataFrame(
        {
            "patient_id": [f"P{key:06d}" for key in keys],
            "sex": np.array(["female", "male"])[rng.integers(0, 2, LESIONS)],
            "age_years": rng.normal(60, 10, LESIONS).clip(20, 95).round(1),
            "bmi_kg_m2": rng.normal(26, 3, LESIONS).clip(15, 50).round(2),
            "lvef_percent": rng.normal(60, 8, LESIONS).clip(15, 80).round(1),
            **flags("diabetes", "hypertension", "prior_mi", "prior_pci"),
            "lesion_id": [f"L{key:06d}" for key in keys],
            "vessel": np.array(["LAD", "LCX", "RCA"])[rng.integers(0, 3, LESIONS)],
            **flags("prior_failed_attempt", "in_stent", "target_vessel_prior_cabg"),
            "procedure_on": np.datetime64("2015-09-01") + rng.integers(0, 1400, LESIONS).astype("timedelta64[D]"),
            "guide_catheter_fr": rng.integers(6, 9, LESIONS),
            "guidewires_count": rng.integers(1, 9, LESIONS),
            "crossing_min": rng.gamma(2, 15, LESIONS).clip(0, 800).round(1),
            "fluoroscopy_min": rng.normal(67, 18, LESIONS).clip(5, 300).round(1),
            "contrast_ml": rng.normal(180, 44, LESIONS).clip(20, 600).round(0),
            "technical_success": np.ones(LESIONS, dtype=int),
            **flags("ivus_used", "strategy_changed", "retrograde_injection"),
        }
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_of_a_large_import(tmp_path):
    lesions(np.random.default_rng(7)).write_csv(tmp_path / "lesions.csv")
    command = [sys.executable, "-c", IMPORT, str(tmp_path / "lesions.csv"), str(tmp_path / "a.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["added"] == dict.fromkeys(("patient", "lesion", "procedure"), LESIONS)
    assert told["sound"]
    assert told["memory_gb"] < MOST_MEMORY_GB
