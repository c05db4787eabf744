"""Centrelines as VTK XML polydata, for viewers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.errors import GeometryError

__all__ = ["write_centerlines_vtp"]


def write_centerlines_vtp(
    points_mm: Sequence[ArrayLike], radii_mm: Sequence[ArrayLike], *, names: Sequence[str] = ()
) -> bytes:
    """The bytes of an ASCII ``.vtp`` file with one polyline per centreline.

    Coordinates are LPS millimetres, said in the field data array ``SPACE``; the point array ``Radius`` holds
    the radii and the cell array ``Name`` the names.

    Parameters
    ----------
    points_mm
        (n, 3) points of each line, n >= 2.
    radii_mm
        (n,) radii of each line.
    names
        One name per line, or none.

    Raises
    ------
    GeometryError
        Where a shape does not fit or a number is not finite.
    """
    lines = [np.asarray(p, dtype=np.float64) for p in points_mm]
    radii = [np.asarray(r, dtype=np.float64) for r in radii_mm]
    _check_lines(lines, radii, names)
    points = np.concatenate([np.zeros((0, 3)), *lines])
    ends = np.cumsum([len(line) for line in lines], dtype=np.int64)
    body = [
        '<?xml version="1.0"?>',
        '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
        "<PolyData>",
        "<FieldData>",
        _strings("SPACE", ["LPS"]),
        "</FieldData>",
        f'<Piece NumberOfPoints="{len(points)}" NumberOfVerts="0" NumberOfLines="{len(lines)}" '
        'NumberOfStrips="0" NumberOfPolys="0">',
        '<PointData Scalars="Radius">',
        _floats("Radius", np.concatenate([np.zeros(0), *radii])),
        "</PointData>",
        "<CellData>",
        *([_strings("Name", names)] if names else []),
        "</CellData>",
        "<Points>",
        _floats("Points", points),
        "</Points>",
        "<Lines>",
        _integers("connectivity", range(len(points))),
        _integers("offsets", ends.tolist()),
        "</Lines>",
        "</Piece>",
        "</PolyData>",
        "</VTKFile>",
    ]
    return ("\n".join(body) + "\n").encode("ascii")


def _check_lines(
    lines: Sequence[NDArray[np.float64]], radii: Sequence[NDArray[np.float64]], names: Sequence[str]
) -> None:
    if len(lines) != len(radii) or (names and len(names) != len(lines)):
        raise GeometryError(f"{len(lines)} lines, {len(radii)} lists of radii and {len(names)} names do not match.")
    for line, radius in zip(lines, radii, strict=True):
        if line.ndim != 2 or line.shape[1:] != (3,) or len(line) < 2 or radius.shape != (len(line),):
            raise GeometryError(f"A line needs (n >= 2, 3) points and (n,) radii, got {line.shape} and {radius.shape}.")
        if not (np.isfinite(line).all() and np.isfinite(radius).all()):
            raise GeometryError("The points and radii of a line must be finite.")


def _floats(name: str, values: NDArray[np.float64]) -> str:
    rows = "\n".join(" ".join(f"{v:.4f}" for v in np.atleast_1d(row)) for row in values)
    components = values.shape[1] if values.ndim == 2 else 1
    opening = f'<DataArray type="Float64" Name="{name}" NumberOfComponents="{components}" format="ascii">'
    return f"{opening}\n{rows}\n</DataArray>"


def _integers(name: str, values: Iterable[int]) -> str:
    return f'<DataArray type="Int64" Name="{name}" format="ascii">{" ".join(map(str, values))}</DataArray>'


def _strings(name: str, texts: Sequence[str]) -> str:
    """VTK writes ASCII strings as character codes, each string closed by 0."""
    codes = " ".join(" ".join(map(str, [*text.encode("utf-8"), 0])) for text in texts)
    return f'<DataArray type="String" Name="{name}" NumberOfTuples="{len(texts)}" format="ascii">{codes}</DataArray>'
