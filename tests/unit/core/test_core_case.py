"""The result as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recanal.core.case import (
    Calcification,
    CaseReport,
    InputInfo,
    Interval,
    Lesion,
    Plaque,
    PlaqueComponent,
    Profile,
    Provenance,
    Quality,
    SegmentReport,
    TreeReport,
    as_json,
    case_json,
)
from recanal.core.findings import Findings
from recanal.errors import InputError, ReadError, RecanalError


def report(lesion: Lesion) -> CaseReport:
    segment = SegmentReport("pRCA", 1, "RCA", ((0.0, 1.0, 2.0), (0.0, 1.0, 3.0)), (1.5, 0.0))
    return CaseReport(
        InputInfo(),
        Quality(noise_hu=float("nan")),
        TreeReport(segments=(segment,)),
        (lesion,),
        Findings.from_mapping({"length_mm": 20}, source="ct"),
        (),
        Provenance("1"),
    )


def test_a_case_becomes_strict_json_with_the_schema_first() -> None:
    lesion = Lesion("L1", "occlusion", "RCA", length_mm=Interval(20.12345678, 19, 21), profile=Profile((0.0, 0.5)))
    out = json.loads(json.dumps(as_json(report(lesion)), allow_nan=False))
    assert next(iter(out)) == "schema"
    assert out["schema"] == "recanal.case/1"
    assert out["quality"]["noise_hu"] is None
    assert out["lesions"][0]["length_mm"] == {"value": 20.1235, "low": 19, "high": 21, "at_mm": None}
    assert out["lesions"][0]["profile"]["position_mm"] == [0.0, 0.5]
    assert out["lesions"][0]["in_stent"] is None
    assert out["tree"]["segments"][0]["points_mm"] == [[0.0, 1.0, 2.0], [0.0, 1.0, 3.0]]
    assert out["findings"] == {"length_mm": {"value": 20.0, "source": "ct", "confirmed_by": None}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -np.inf, np.float64("nan")])
def test_no_number_is_null(value: float) -> None:
    assert as_json({"a": (value, [value])}) == {"a": [None, [None]]}


def test_a_type_is_left_alone_and_bools_stay_bools() -> None:
    assert as_json(Interval) is Interval
    assert as_json((True, None, "RCA", 3)) == [True, None, "RCA", 3]


def test_errors_read_as_one_line_with_the_hint() -> None:
    assert str(RecanalError("A  bad\nthing.", hint="Do\n this.")) == "A bad thing. Do this."
    assert str(RecanalError("A bad thing.")) == "A bad thing."
    error = ReadError("The slope is 0.", hint="Send it again.", file="a/b.dcm", rule="slope-zero")
    assert str(error) == "a/b.dcm: [slope-zero] The slope is 0. Send it again."
    assert isinstance(error, InputError)


def test_the_file_holds_plain_numbers_where_the_schema_does() -> None:
    ratio, number = Interval(0.56, 0.5, 0.62), Interval(40.0, 35.0, 45.0)
    calcium = Calcification(True, ratio, True, False, number, number)
    plaque = Plaque(
        number, {"fibrous": PlaqueComponent(number, number, 40.0)}, 0.0, (-30.0, 76.0, 131.0, 351.0), "fixed"
    )
    case = report(Lesion("L1", "occlusion", "RCA", calcification=calcium, plaque=plaque))
    lesion = case_json(case)["lesions"][0]
    assert lesion["plaque"]["volume_mm3"]["value"] == 40.0
    assert lesion["calcification"]["cross_section_max_ratio"] == 0.56
    assert lesion["calcification"]["cross_section_max_ratio_interval"]["low"] == 0.5
    part = lesion["plaque"]["components"]["fibrous"]
    assert (part["fraction_percent"], part["fraction_percent_interval"]["high"]) == (40.0, 45.0)
