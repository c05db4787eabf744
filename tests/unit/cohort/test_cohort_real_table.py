"""A real table of 40,830 patients, imported through a file of column rules."""

from pathlib import Path

import polars as pl
import pytest

from recanal.cohort import Author, create_store, import_source
from recanal.variables import ReadOptions, load_dictionary, read_column_rules

FILE = Path(__file__).parents[4] / "shared" / "data" / "tabular" / "gusto1_ami.csv"
RULES = """
[columns]
patient_id = "patient_id"
sex = "sex"
age = "age_years"
height = "height_cm"
weight = "weight_kg"
pmi = { name = "prior_mi", values = { yes = "1", no = "0" } }
smk = { name = "smoking_status", values = { quit = "former" } }
"""


@pytest.mark.skipif(not FILE.is_file(), reason="the public table is not on this machine")
def test_a_real_table(tmp_path):
    real = pl.read_csv(FILE, infer_schema_length=None).with_row_index("patient_id", offset=1)
    used = ("patient_id", "sex", "age", "height", "weight", "pmi")
    left_out = "".join(f'"{name}" = ""\n' for name in real.columns if name not in (*used, "smk"))
    (tmp_path / "rules.toml").write_text(RULES + left_out, encoding="utf-8")
    real.write_csv(tmp_path / "ami.csv")
    rules = read_column_rules(tmp_path / "rules.toml", load_dictionary())
    store = create_store(str(tmp_path / "a.db"), Author("tester"))
    result = import_source(store, tmp_path / "ami.csv", ReadOptions(columns=rules), author=Author("tester"))
    assert result.rejections.height == 0, result.rejections
    assert result.added == {"patient": 40_830}
    kept = store.frame("patient").with_columns(pl.col("patient_id").cast(pl.UInt32)).sort("patient_id")
    assert kept["age_years"].to_list() == real["age"].cast(pl.Float64).to_list()
    assert kept["weight_kg"].sum() == pytest.approx(real["weight"].cast(pl.Float64).sum(), rel=1e-12)
    assert kept["sex"].value_counts().sort("sex").rows() == real["sex"].value_counts().sort("sex").rows()
    assert kept["prior_mi"].sum() == (real["pmi"] == "yes").sum()
    assert (kept["smoking_status"] == "former").sum() == (real["smk"] == "quit").sum() == 11_210
