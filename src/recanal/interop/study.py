"""One door for all inputs: a folder, a zip or a file becomes a volume."""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from recanal.core.case import InputInfo
from recanal.core.volume import Volume
from recanal.dicom.files import InputFile, open_regular
from recanal.dicom.reading import read_dicom
from recanal.dicom.wording import clean_text
from recanal.errors import ReadError
from recanal.interop.archive import unpack
from recanal.interop.folders import list_files, single_file
from recanal.interop.metaimage import is_metaimage, read_metaimage
from recanal.interop.nifti import is_nifti, read_nifti
from recanal.interop.nrrd_file import read_nrrd

__all__ = ["LoadedStudy", "input_sha256", "load_study"]

Progress = Callable[[str, float], None]
_DIRECTORY_CLASS = b"1.2.840.10008.1.3.10"
_Loaded = tuple[Volume, InputInfo, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class LoadedStudy:
    """A study as it was read.

    Parameters
    ----------
    volume
        HU as (slice, row, column); ``meta`` holds ``kvp``, ``series_uid``, ``phase_percent``, ``kernel``,
        ``slice_thickness_mm``, ``manufacturer``, ``body_part``, ``contrast``, ``modality`` and ``flags``, and of DICOM
        ``frame_of_reference_uid``.
    info
        The ``input`` object of ``case.json``.
    flags
        What a reader must know, such as ``lossy-compression`` or ``missing-slices-interpolated:1``.
    """

    volume: Volume
    info: InputInfo
    flags: tuple[str, ...]

    @cached_property
    def input_sha256(self) -> str:
        """Hash of the volume, computed when first asked for."""
        return input_sha256(self.volume)


def input_sha256(volume: Volume) -> str:
    """SHA-256 over the voxels, their type and shape, and the affine to a nanometre.

    The same picture has the same hash however it was stored or named.
    """
    digest = hashlib.sha256()
    digest.update(f"{volume.hu.dtype.str}{volume.shape}".encode())
    digest.update((np.round(volume.affine.matrix, 6) + 0.0).astype("<f8").tobytes())
    digest.update(np.ascontiguousarray(volume.hu).data.cast("B"))
    return digest.hexdigest()


def load_study(path: str | Path, *, series_uid: str | None = None, progress: Progress | None = None) -> LoadedStudy:
    """Read a study: DICOM folder, DICOM file, zip, NIfTI, NRRD or MHA.

    Parameters
    ----------
    path
        A folder of any nesting, or a file.
    series_uid
        SeriesInstanceUID to read; by default the best series is chosen.
    progress
        Called with a stage and the done share of it.

    Returns
    -------
    LoadedStudy
        The volume, where it came from and why, and flags.

    Raises
    ------
    ReadError
        Naming the file and the rule that it breaks.
    """
    if not str(path):
        raise ReadError("The path is empty.", hint="Give a folder or a file.", rule="not-found")
    where = Path(path)
    name = clean_text(where.name or where.absolute().name, max_length=200)
    try:
        return _load(where, series_uid, progress)
    except ReadError as error:
        if error.file or error.rule == "series-absent":
            raise
        raise ReadError(error.message, hint=error.hint, file=name, rule=error.rule) from None
    except OSError as error:  # a disk or a network share that fails while it is read
        raise ReadError(f"The input cannot be read: {error.strerror}.", file=name, rule="unreadable") from error


def _load(where: Path, series_uid: str | None, progress: Progress | None) -> LoadedStudy:
    if not _exists(where):
        raise ReadError("There is no such file or folder, or it may not be read.", rule="not-found")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")  # they quote values of the header
        if where.is_dir():
            files, links = list_files(where)
            loaded = _load_files(files, series_uid, progress)
            return LoadedStudy(*(_flagged(loaded, "links-skipped") if links else loaded))
        return LoadedStudy(*_load_file(single_file(where), series_uid, progress))


def _flagged(loaded: _Loaded, flag: str) -> _Loaded:
    """The same with one more flag."""
    volume, info, flags = loaded
    flags = (*flags, flag)
    return Volume(volume.hu, volume.affine, {**volume.meta, "flags": flags}), info, flags


def _exists(where: Path) -> bool:
    try:
        return where.exists()
    except OSError:  # a folder on the way that may not be entered
        return False


def _load_files(files: Sequence[InputFile], series_uid: str | None, progress: Progress | None) -> _Loaded:
    """The study in a list of files: DICOM, or else the only volume file among them."""
    if not files:
        raise ReadError("The input holds no files.", rule="no-files")
    try:
        return read_dicom(files, series_uid=series_uid, progress=progress)
    except ReadError as error:
        rasters = [f for f in files if _is_raster(f)] if error.rule == "no-dicom" else []
        if len(rasters) != 1:
            raise
        return _load_raster(rasters[0], _head(rasters[0]), series_uid)


def _load_file(file: InputFile, series_uid: str | None, progress: Progress | None) -> _Loaded:
    head = _head(file)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) and head[128:132] != b"DICM":
        return _load_zip(file, series_uid, progress)
    if _is_raster_head(head):
        return _load_raster(file, head, series_uid)
    try:
        return read_dicom([file], series_uid=series_uid, progress=progress)
    except ReadError as error:
        if error.rule != "no-dicom":
            raise
        if head[128:132] == b"DICM" and _DIRECTORY_CLASS in head[132:1024]:
            raise ReadError(
                "A DICOMDIR is an index; the files that it names are not followed.",
                hint="Give the folder that holds it.",
                file=file.name,
                rule="dicomdir",
            ) from None
        raise ReadError(
            "This is no DICOM image, zip, NIfTI, NRRD or MHA.",
            hint="Give a folder of DICOM files or one of these.",
            file=file.name,
            rule="unknown-format",
        ) from None


def _load_zip(file: InputFile, series_uid: str | None, progress: Progress | None) -> _Loaded:
    with tempfile.TemporaryDirectory(prefix="recanal-") as folder:
        files, nested = unpack(file, Path(folder))
        try:
            loaded = _load_files(files, series_uid, progress)
        except ReadError as error:
            if not nested or error.rule not in ("no-dicom", "no-files"):
                raise
            raise ReadError(
                "An archive within the archive, and no DICOM beside it.",
                hint="Unpack it first.",
                file=nested[0],
                rule="nested-archive",
            ) from None
    return _flagged(loaded, f"nested-archives-skipped:{len(nested)}") if nested else loaded


def _head(file: InputFile) -> bytes:
    handle, _ = open_regular(file)
    with handle:
        return handle.read(4096) or b""


def _is_raster(file: InputFile) -> bool:
    return _is_raster_head(_head(file))


def _is_raster_head(head: bytes) -> bool:
    return head.startswith(b"NRRD") or is_metaimage(head) or is_nifti(head)


def _load_raster(file: InputFile, head: bytes, series_uid: str | None) -> _Loaded:
    if series_uid is not None:
        raise ReadError("This file holds no DICOM series to choose from.", file=file.name, rule="series-absent")
    if head.startswith(b"NRRD"):
        volume, kind = read_nrrd(file), "NRRD"
    elif is_metaimage(head):
        volume, kind = read_metaimage(file), "MHA"
    else:
        volume, kind = read_nifti(file), "NIfTI"
    info = InputInfo(
        spacing_mm=(volume.spacing_mm[2], volume.spacing_mm[1], volume.spacing_mm[0]),
        size=(volume.shape[2], volume.shape[1], volume.shape[0]),
        why_chosen=("the only volume",),
        manufacturer=volume.meta["manufacturer"],
        format=kind,
    )
    return volume, info, tuple(volume.meta["flags"])
