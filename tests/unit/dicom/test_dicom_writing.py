"""What the encoder of studies yields, before any file is written."""

from __future__ import annotations

import io

import numpy as np
import pydicom

from dicom_builder import truth
from recanal.core.volume import Affine, Volume
from recanal.dicom import encode_study


def test_every_slice_of_every_series_becomes_one_file():
    series = [Volume(truth(), Affine(np.diag([0.5, 0.4, 0.4, 1.0])), {"kvp": kvp}) for kvp in (100, 120)]
    files = dict(encode_study(series, seed=3))
    assert sorted(files) == [f"IM{k:06d}" for k in range(12)]
    headers = [pydicom.dcmread(io.BytesIO(content)) for content in files.values()]
    assert sorted((float(h.KVP), int(h.InstanceNumber)) for h in headers) == [
        (kvp, number) for kvp in (100.0, 120.0) for number in range(1, 7)
    ]
    first = next(h for h in headers if h.KVP == 120 and h.InstanceNumber == 3)
    np.testing.assert_array_equal(first.pixel_array, truth()[2])
