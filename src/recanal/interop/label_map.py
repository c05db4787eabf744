"""A reader's regions in a NIfTI file: whole numbers on a grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Affine
from recanal.dicom.wording import clean_text
from recanal.errors import GeometryError, ReadError, shown_name
from recanal.interop.rasters import check_right_angles

__all__ = ["read_label_map"]

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MOST_VOXELS = 2**30


def _opened(path: Path, name: str) -> Any:
    from nibabel import load
    from nibabel.filebasedimages import ImageFileError
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    if not path.is_file():
        raise ReadError("There is no such file.", hint="Check the path of the mask.", file=name, rule="not-found")
    try:
        image: Any = load(path)
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise ReadError("This is no readable NIfTI file.", file=name, rule="unknown-format") from error
    if not isinstance(image, Nifti1Image | Nifti2Image):
        raise ReadError("A mask is a NIfTI file.", file=name, rule="unknown-format")
    return image


def read_label_map(path: str | Path, *, most_label: int) -> tuple[NDArray[np.uint8], Affine]:
    """The labels of a NIfTI-1 or NIfTI-2 file, in its own axis order, and the map from their index to LPS.

    Parameters
    ----------
    path
        The file, plain or gzipped.
    most_label
        The largest label allowed; 0 is background.

    Raises
    ------
    ReadError
        ``not-found``, ``unknown-format``, ``dimensions``, ``orientation``, ``labels``.
    """
    where = Path(path)
    name = clean_text(shown_name(where), max_length=200)
    image = _opened(where, name)
    shape = tuple(n for k, n in enumerate(image.shape) if k < 3 or n != 1)
    if len(shape) != 3 or int(np.prod(shape)) > _MOST_VOXELS:
        raise ReadError(f"A mask has three dimensions, got {image.shape}.", file=name, rule="dimensions")
    if not int(image.header["sform_code"]) and not int(image.header["qform_code"]):
        raise ReadError(
            "The file has neither a qform nor an sform, so left and right are not known.", file=name, rule="orientation"
        )
    try:
        values = np.asarray(image.dataobj).reshape(shape)
        affine = Affine(_RAS_TO_LPS @ image.affine)
    except (OSError, EOFError, ValueError, GeometryError) as error:
        raise ReadError("The NIfTI file is damaged.", file=name, rule="unreadable") from error
    check_right_angles(name, affine.matrix)
    labels = np.rint(values)
    if not np.isfinite(values).all() or (values != labels).any() or labels.min() < 0 or labels.max() > most_label:
        got = ", ".join(f"{v:g}" for v in np.unique(values)[:8])
        raise ReadError(
            f"A mask holds whole numbers from 0 to {most_label}, got {got}.",
            file=name,
            rule="labels",
        )
    return labels.astype(np.uint8), affine
