"""A volume as a NIfTI-1 file."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np

from recanal.core.case import PHANTOM_MAKER
from recanal.core.volume import Volume

__all__ = ["nifti_bytes"]

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def nifti_bytes(volume: Volume) -> bytes:
    """A gzipped NIfTI-1 file; the same volume gives the same bytes.

    Parameters
    ----------
    volume
        Its first axis becomes the file's third and slowest one. The header holds the grid and, for a phantom, that it
        is one; nothing else of ``meta``.
    """
    from nibabel import nifti1

    make_image: Any = nifti1.Nifti1Image
    matrix = _LPS_TO_RAS @ volume.affine.matrix[:, [2, 1, 0, 3]]
    image = make_image(np.ascontiguousarray(volume.hu.T), matrix)
    image.header.set_xyzt_units("mm")
    if volume.meta.get("manufacturer") == PHANTOM_MAKER:
        image.header["descrip"] = PHANTOM_MAKER.encode("ascii")
    return gzip.compress(image.to_bytes(), compresslevel=2, mtime=0)
