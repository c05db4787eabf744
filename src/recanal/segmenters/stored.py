"""Segmentations that lie in a file: a mask or centrelines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal import __version__
from recanal.anatomy.segmentation import VesselLines, VesselMask
from recanal.core.curves import Centerline
from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError, OptionError, of_file
from recanal.interop.centerline_file import read_centerlines
from recanal.interop.label_map import read_label_map
from recanal.interop.segmentation_file import SegmentMask, is_dicom_file, read_segmentation_file

__all__ = ["CenterlineFile", "MaskFile", "chosen_labels", "frame_flags", "on_grid", "parsed_mask"]

LEAST_INSIDE_SHARE = 0.98
HALF = 0.5


class MaskFile:
    """A mask in a NIfTI file or a DICOM segmentation, made by any other program.

    Parameters
    ----------
    argument
        ``FILE``, or ``FILE#1,3`` to take the labels (of a DICOM SEG the segments) 1 and 3 of several, with ``#vessel``
        or ``#1,3,vessel`` where the mask covers wall and plaque too and not the lumen alone.

    Raises
    ------
    OptionError
        Without a file, or with labels that are no whole numbers from 1 to 255.
    """

    def __init__(self, argument: str | None) -> None:
        self._file, self._labels, self._covers = parsed_mask(argument)
        self.details: dict[str, str] = {}

    @property
    def name(self) -> str:
        """``"mask"``."""
        return "mask"

    @property
    def version(self) -> str:
        """Of recanal, which reads the file."""
        return __version__

    def segment(self, volume: Volume, *, progress: Callable[[str], None]) -> VesselMask:
        """The mask on the grid of the volume.

        Raises
        ------
        ReadError
            When the file cannot be read.
        GeometryError
            When it lies elsewhere than the volume.
        """
        progress("reading the mask")
        seg = is_dicom_file(self._file)
        try:
            inside, affine, flags = self._segments(volume) if seg else self._label_map()
            sha256 = hashlib.sha256(self._file.read_bytes()).hexdigest()
            self.details = {"sha256": sha256, "labels": self._said(), **self.details}
            return VesselMask(on_grid(inside, affine, volume), self._covers, flags)
        except (GeometryError, OptionError) as error:
            raise of_file(error, self._file) from error

    def _label_map(self) -> tuple[NDArray[np.bool_], Affine, tuple[str, ...]]:
        labels, affine = read_label_map(self._file, most_label=255)
        self.details = {"format": "NIfTI"}
        return chosen_labels(labels, self._labels), affine, ()

    def _segments(self, volume: Volume) -> tuple[NDArray[np.bool_], Affine, tuple[str, ...]]:
        found = read_segmentation_file(self._file, wanted=self._labels)
        flags = frame_flags(found, volume)
        if not found.inside.any():
            raise GeometryError("The mask is empty: no voxel of the segments is set.")
        words = ", ".join(f"{number} {label}" for number, label in found.segments.items())
        self.details = {"format": f"DICOM SEG, {found.kind.lower()}", "segments": words}
        return found.inside, found.affine, flags

    def _said(self) -> str:
        return ",".join(map(str, self._labels)) or "the only one"


def frame_flags(found: SegmentMask, volume: Volume) -> tuple[str, ...]:
    """What is not sure of the place of a DICOM segmentation.

    Raises
    ------
    GeometryError
        When it lies in another frame of reference than the volume: the same numbers are then another place.
    """
    own, own_series = volume.meta.get("frame_of_reference_uid"), volume.meta.get("series_uid")
    if not own or not found.frame_of_reference_uid:
        where = "segmentation" if own else "study"
        return (f"the {where} names no frame of reference: that the segmentation belongs to it was not checked",)
    if own != found.frame_of_reference_uid:
        raise GeometryError(
            "The segmentation lies in another frame of reference than the series.",
            hint="Was it drawn on another study? Draw it on this series, or give a registered NIfTI mask.",
        )
    if own_series and found.series_uids and own_series not in found.series_uids:
        return ("the segmentation was drawn on another series of the same frame of reference",)
    return ()


def parsed_mask(argument: str | None, *, name: str = "mask", what: str = "file") -> tuple[Path, tuple[int, ...], str]:
    """The file, the labels (none for the only one) and what the mask covers.

    >>> parsed_mask("m.nii.gz#1,3,vessel")[1:]
    ((1, 3), 'vessel')
    """
    path, _, rest = (argument or "").partition("#")
    if not path:
        raise OptionError(f"The segmenter {name} needs a {what}.", hint=f"Write --segmenter {name}={what.upper()}.")
    words = [word.strip() for word in rest.split(",") if word.strip()]
    covers = "vessel" if "vessel" in words else "lumen"
    numbers = [word for word in words if word not in ("vessel", "lumen")]
    if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= 255 for word in numbers):
        raise OptionError(
            f"Behind # stand labels from 1 to 255, lumen or vessel, got {rest!a}.",
            hint=f"Such as {name}={what.upper()}#1,2.",
        )
    return Path(path), tuple(sorted({int(word) for word in numbers})), covers


def chosen_labels(labels: NDArray[np.uint8], wanted: tuple[int, ...]) -> NDArray[np.bool_]:
    """The voxels of some labels, or of the only one.

    Raises
    ------
    OptionError
        When there are several and none was named, or a named one is absent.
    """
    there = tuple(int(value) for value in np.unique(labels) if value)
    if not there:
        raise GeometryError("The mask is empty: every voxel is 0.")
    shown = ", ".join(map(str, there[:12]))
    absent = [str(label) for label in wanted if label not in there]
    if absent:
        raise OptionError(f"The mask has no label {', '.join(absent)}; it has {shown}.", hint="Name one that it has.")
    if not wanted and len(there) > 1:
        raise OptionError(
            f"The mask has {len(there)} labels ({shown}), and which are coronary arteries is not known.",
            hint="Name them behind a #, such as mask=FILE#1,2.",
        )
    return np.isin(labels, wanted or there)


def on_grid(inside: NDArray[np.bool_], affine: Affine, volume: Volume) -> NDArray[np.bool_]:
    """A mask on the grid of a volume.

    Parameters
    ----------
    inside
        (a, b, c) on its own grid.
    affine
        Of that grid.
    volume
        The volume that it belongs to.

    Returns
    -------
    (a, b, c) bool on the grid of the volume: trilinear, from one half up. On the same grid, stored in whatever
    axis order, it is the mask itself.

    Raises
    ------
    GeometryError
        When 2 % or more of the mask lie outside the volume.
    """
    where = np.argwhere(inside)
    share = float(volume.contains_mm(affine.to_mm(where), margin_mm=-HALF * max(volume.spacing_mm)).mean())
    if share < LEAST_INSIDE_SHARE:
        raise GeometryError(
            f"The mask lies elsewhere: {100 * (1 - share):.0f} % of it are outside the volume.",
            hint="Was it made on another series, or written with left and right exchanged?",
        )
    out = np.zeros(volume.shape, dtype=bool)
    corners = volume.affine.to_index(affine.to_mm(_corners(where)))
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, volume.shape)
    start = np.maximum(where.min(axis=0) - 1, 0)
    cut = tuple(slice(int(a), int(b) + 2) for a, b in zip(start, where.max(axis=0), strict=True))
    change = affine.inverse @ volume.affine.matrix
    offset = change[:3, 3] + change[:3, :3] @ low - start
    part = ndimage.affine_transform(
        inside[cut].astype(np.float32), change[:3, :3], offset=offset, output_shape=tuple(high - low), order=1
    )
    out[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))] = part >= HALF - 1e-4
    if not out.any():
        raise GeometryError("Nothing of the mask is left on the grid of the volume.", hint="Is it finer than a voxel?")
    return out


def _corners(where: NDArray[np.int64]) -> NDArray[np.float64]:
    """(8, 3) corners of the box around indices."""
    sides = zip(where.min(axis=0) - HALF, where.max(axis=0) + HALF, strict=True)
    return np.array(np.meshgrid(*sides, indexing="ij"), dtype=np.float64).reshape(3, -1).T


class CenterlineFile:
    """Centrelines in a ``.vtp`` file as recanal writes it, or in a ``.csv`` of LPS points.

    Parameters
    ----------
    argument
        The file.

    Raises
    ------
    OptionError
        Without a file.
    """

    def __init__(self, argument: str | None) -> None:
        if not argument:
            raise OptionError("The segmenter centerlines needs a file.", hint="Write --segmenter centerlines=FILE.")
        self._file = Path(argument)
        self.details: dict[str, str] = {}

    @property
    def name(self) -> str:
        """``"centerlines"``."""
        return "centerlines"

    @property
    def version(self) -> str:
        """Of recanal, which reads the file."""
        return __version__

    def segment(self, volume: Volume, *, progress: Callable[[str], None]) -> VesselLines:
        """The lines of the file; whether they lie in ``volume`` is checked with the tree.

        Raises
        ------
        ReadError
            When the file cannot be read.
        """
        progress("reading the centrelines")
        lines = read_centerlines(self._file)
        self.details = {"sha256": hashlib.sha256(self._file.read_bytes()).hexdigest()}
        return VesselLines(tuple(Centerline(line.points_mm) for line in lines), tuple(x.radius_mm for x in lines))
