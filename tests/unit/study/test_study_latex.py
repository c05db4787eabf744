"""The LaTeX document of a study, compiled by a real TeX."""

import os
import shutil
import subprocess

import pytest
from pypdf import PdfReader
from study_cohort import HEAD, cohort, run

from recanal.study.files import write_study

PLAN = """
[[tables]]
id = "t"
title = "Base_line & 50 % of ~all {x} \\\\ #1 $y^2$ ≥ µm² — “quotes” é ü 中 α 10⁹/L"
by = "crossed"
rows = ["age_years", "vessel", "operator"]
[[regressions]]
id = "r"
outcome = "crossed"
predictors = ["score"]
[[roc]]
id = "roc"
outcome = "crossed"
event = 0
scores = ["score"]
resamples = 200
"""
# after a line break LaTeX would take a bracket or a star as an argument of the break
LEVELS = 'operator = { A = "[A] one", B = "*B* <2 & 10^3" }\n'


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("latex")
    head = HEAD.replace("[levels]\n", "[levels]\n" + LEVELS)
    write_study(run(folder, PLAN, cohort(150), head), folder / "out")
    return folder / "out"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX on this machine")
def test_the_document_compiles_and_nothing_runs_off_the_page(written, tmp_path):
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    command += [f"-output-directory={tmp_path}", "study.tex"]
    place = {**os.environ, "TEXMFVAR": str(tmp_path / "var"), "openout_any": "a"}
    done = subprocess.run(
        command, cwd=written, capture_output=True, text=True, env=place, check=False, errors="replace"
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout
    text = "".join(page.extract_text() for page in PdfReader(tmp_path / "study.pdf").pages)
    for words in ("[A] one", "Statistical methods", "receiver operating characteristic"):
        assert words in text
    assert "4E2D" in text  # the letter that pdfLaTeX has no glyph for, by its number


def test_only_letters_that_latex_may_lack_are_declared(written):
    text = (written / "study.tex").read_text(encoding="utf-8")
    assert r"\ifcsname u8:\detokenize{中}\endcsname\else\DeclareUnicodeCharacter{4E2D}" in text
    assert r"\textsuperscript{9}/L" in text
    assert r"$\alpha$" in text
    assert "{[}A] one" in (written / "tables" / "t.tex").read_text(encoding="utf-8")
