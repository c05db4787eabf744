"""A made case, and a pipeline that returns it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from recanal.cli import main
from recanal.core.case import (
    COMPONENTS,
    Calcification,
    CaseReport,
    DistalCap,
    DistalVessel,
    InputInfo,
    Interval,
    Lesion,
    Plaque,
    PlaqueComponent,
    Provenance,
    ProximalCap,
    Quality,
    Reference,
    TreeReport,
)
from recanal.core.findings import Findings
from recanal.core.score import ScoreResult

SEEDS = ("--proximal=-1,2,3", "--distal=-4,5,-6")


def _score(**changes):
    known = {
        "sheet": "ct_rector",
        "name": "CT-RECTOR",
        "endpoint": "guidewire crossing <= 30 min",
        "points": 2.0,
        "points_min": 2.0,
        "points_max": 2.0,
        "missing": (),
        "stratum": "difficult",
        "printed_rate": 0.44,
        "printed_rate_text": "44 % (31/70)",
        "stratum_probabilities": {"intermediate": 0.2, "difficult": 0.8},
        "items": (),
        "trust": "read in the source",
        "doi": "10.1000/rector",
    }
    return ScoreResult(**(known | changes))


def _lesion():
    shares = dict(zip(COMPONENTS, (11.0, 22.0, 57.0, 10.0), strict=True))
    parts = {
        name: PlaqueComponent(Interval(2.4 * share, 2 * share, 3 * share), Interval(share, share - 1, share + 1))
        for name, share in shares.items()
    }
    ratio, arc, calcium = Interval(0.56, 0.49, 0.61), Interval(220.0, 198.0, 241.0), Interval(31.0, 27.2, 35.9)
    return Lesion(
        id="L1",
        kind="occlusion",
        vessel="RCA",
        segments=(1, 2),
        proximal_cap_mm=(1.0, 2.0, 3.0),
        distal_cap_mm=(4.0, 5.0, 6.0),
        length_mm=Interval(18.8123, 17.2044, 19.1),
        proximal_cap=ProximalCap("blunt", True, 1.24, 96.4, 0.86),
        distal_cap=DistalCap("tapered", False),
        bend_max_deg=Interval(41.3, 36.0, 47.2, 7.5),
        reference=Reference(3.06, 2.41),
        calcification=Calcification(True, ratio, True, False, arc, calcium),
        plaque=Plaque(Interval(240.0, 228.13, 251.02), parts, 1.5, (-30.0, 76.0, 131.0, 351.0), "fixed"),
        distal_vessel=DistalVessel(True, 2.1, False),
        flags=("wall bridged over 38 %",),
    )


@pytest.fixture
def case():
    open_score = _score(
        sheet="j_cto_ct",
        name="J-CTO (CT)",
        points=None,
        points_max=4.0,
        missing=("prior_failed_attempt",),
        stratum=None,
        stratum_min="difficult",
        stratum_max="very difficult",
        printed_rate=None,
        printed_rate_text="",
        stratum_probabilities={},
        trust="read in part",
        warnings=("outside the derivation population",),
    )
    return CaseReport(
        input=InputInfo(series_uid="1.2.3", description="CorCTA 75 %", why_chosen=("thinnest slices",)),
        quality=Quality(22.13, 402.4, 15.18, True, ("step artefact",)),
        tree=TreeReport("right"),
        lesions=(_lesion(),),
        findings=Findings({}),
        scores=(_score(), open_score),
        provenance=Provenance("0.1.0"),
    )


@pytest.fixture
def distrusted(case):
    return replace(case, quality=replace(case.quality, usable=False, flags=("too noisy", "no contrast")))


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study"
    path.mkdir()
    return path


@pytest.fixture
def pipeline(monkeypatch, case):
    """Put a made answer where the analysis is; the requests it saw are in ``seen``."""

    class Made:
        def __init__(self):
            self.seen, self.answer, self.steps = [], case, ["reading"]

        def __call__(self, request, *, progress):
            self.seen.append(request)
            for step in self.steps:
                progress(step)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    made = Made()
    monkeypatch.setattr("recanal.pipeline.analyze_study", made)
    return made


@pytest.fixture
def recanal():
    """Run the command and return what it did."""
    return lambda *args: CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)


@pytest.fixture
def analyze(recanal, study, tmp_path):
    """Run ``recanal analyze`` on an empty study, with seeds unless others are given."""

    def run(*args, seeds=SEEDS, source=study, out=tmp_path / "out"):
        return recanal("analyze", source, "--out", out, *seeds, *args)

    return run
