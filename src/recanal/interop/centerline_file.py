"""Centrelines that somebody else drew: VTK XML polydata, or a table of points."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from recanal.dicom.wording import clean_text
from recanal.errors import ReadError, shown_name

__all__ = ["ReadLine", "read_centerlines"]

MOST_BYTES = 200_000_000
COLUMNS = ("line", "x_mm", "y_mm", "z_mm")


@dataclass(frozen=True, eq=False)
class ReadLine:
    """One centreline of a file.

    Parameters
    ----------
    points_mm
        (n >= 2, 3) LPS, without repeated neighbours.
    radius_mm
        (n,), or None where the file gives none.
    """

    points_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64] | None


def read_centerlines(path: str | Path) -> tuple[ReadLine, ...]:
    """The centrelines of a ``.vtp`` or ``.csv`` file, in LPS millimetres, in the order of the file.

    Parameters
    ----------
    path
        ASCII VTK XML polydata whose field data array ``SPACE`` says ``LPS``, with the radii in a point array
        ``Radius``, as :func:`recanal.interop.write_centerlines_vtp` writes it; or a CSV table with a header and the
        columns ``line, x_mm, y_mm, z_mm`` and perhaps ``radius_mm``, whose rows of one line stand together.

    Raises
    ------
    ReadError
        ``not-found``, ``unknown-format``, ``too-large``, ``space``, ``columns``, ``number`` or ``line``.
    """
    where = Path(path)
    name = clean_text(shown_name(where), max_length=200)
    if not where.is_file():
        raise ReadError("There is no such file.", hint="Check the path.", file=name, rule="not-found")
    try:
        if where.stat().st_size > MOST_BYTES:
            raise ReadError("Centrelines of more than 200 MB are not read.", file=name, rule="too-large")
        data = where.read_bytes()
    except OSError as error:
        raise ReadError(f"The file cannot be read: {error.strerror}.", file=name, rule="unreadable") from error
    if where.suffix.lower() == ".csv":
        lines = _from_csv(data, name)
    elif data.lstrip()[:5] in (b"<?xml", b"<VTKF"):
        lines = _from_vtp(data, name)
    else:
        raise ReadError("Centrelines are read from .vtp (VTK XML) and .csv.", file=name, rule="unknown-format")
    if not lines:
        raise ReadError("The file holds no centreline.", file=name, rule="line")
    return lines


def _line(rows: NDArray[np.float64], number: str, name: str) -> ReadLine:
    """A line of (n, 3 or 4) rows, its repeated points left out."""
    if not np.isfinite(rows).all():
        raise ReadError(f"Line {number}: a coordinate or radius is not finite.", file=name, rule="number")
    if rows.shape[1] == 4 and (rows[:, 3] < 0).any():
        raise ReadError(f"Line {number}: a radius is negative.", file=name, rule="number")
    keep = np.ones(len(rows), dtype=bool)
    keep[1:] = np.linalg.norm(np.diff(rows[:, :3], axis=0), axis=1) > 1e-6
    rows = rows[keep]
    if len(rows) < 2:
        raise ReadError(f"Line {number} has fewer than two different points.", file=name, rule="line")
    return ReadLine(rows[:, :3].copy(), rows[:, 3].copy() if rows.shape[1] == 4 else None)


def _from_csv(data: bytes, name: str) -> tuple[ReadLine, ...]:
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        table = [row for row in reader if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReadError("This is no CSV in UTF-8.", file=name, rule="unknown-format") from error
    header = [cell.strip() for cell in table[0]] if table else []
    if tuple(header) not in (COLUMNS, (*COLUMNS, "radius_mm")):
        raise ReadError(
            f"The header must be {','.join(COLUMNS)} or {','.join(COLUMNS)},radius_mm, "
            f"got {clean_text(','.join(header))!a}.",
            hint="Points are LPS millimetres.",
            file=name,
            rule="columns",
        )
    groups: dict[str, list[list[float]]] = {}
    last = None
    for count, row in enumerate(table[1:], start=2):
        key, values = _row(row, len(header), count, name)
        if key != last and key in groups:
            raise ReadError(f"Row {count}: line {key!a} began before another line.", file=name, rule="line")
        groups.setdefault(key, []).append(values)
        last = key
    return tuple(_line(np.array(rows), clean_text(key), name) for key, rows in groups.items())


def _row(row: list[str], width: int, count: int, name: str) -> tuple[str, list[float]]:
    if len(row) != width:
        raise ReadError(f"Row {count} has {len(row)} cells, the header {width}.", file=name, rule="columns")
    try:
        values = [float(cell) for cell in row[1:]]
    except ValueError as error:
        raise ReadError(
            f"Row {count}: a coordinate or radius is no number.",
            hint="Numbers have a decimal point.",
            file=name,
            rule="number",
        ) from error
    if not all(math.isfinite(value) for value in values):
        raise ReadError(f"Row {count}: a coordinate or radius is not finite.", file=name, rule="number")
    return clean_text(row[0]), values


def _from_vtp(data: bytes, name: str) -> tuple[ReadLine, ...]:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ReadError("A .vtp declares no entities.", file=name, rule="unknown-format")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError) as error:
        raise ReadError("The XML of the .vtp is damaged.", file=name, rule="unknown-format") from error
    piece = root.find("./PolyData/Piece")
    if root.tag != "VTKFile" or piece is None or len(root.findall("./PolyData/Piece")) != 1:
        raise ReadError("This is no VTK polydata of one piece.", file=name, rule="unknown-format")
    _check_space(root, name)
    points = _numbers(piece.find("./Points/DataArray"), name).reshape(-1, 3)
    rows = _with_radius(piece, points, name)
    order = _numbers(_array(piece, "Lines", "connectivity"), name)
    ends = _numbers(_array(piece, "Lines", "offsets"), name)
    whole = (order == np.floor(order)).all() and (order >= 0).all() and (order < len(points)).all()
    if not whole or (np.diff(ends, prepend=0) < 0).any() or (len(ends) and ends[-1] != len(order)):
        raise ReadError("The lines of the .vtp name points that are not there.", file=name, rule="line")
    parts = np.split(order.astype(np.int64), ends.astype(np.int64)[:-1]) if len(ends) else []
    return tuple(_line(rows[part], str(k + 1), name) for k, part in enumerate(parts))


def _array(piece: ElementTree.Element, group: str, name: str) -> ElementTree.Element | None:
    return next((item for item in piece.findall(f"./{group}/DataArray") if item.get("Name") == name), None)


def _check_space(root: ElementTree.Element, name: str) -> None:
    """Refuse points whose space is not said to be LPS."""
    found = [item for item in root.findall("./PolyData/FieldData/*") if item.get("Name") == "SPACE"]
    try:
        said = "".join(chr(int(code)) for code in (found[0].text or "").split() if int(code)) if found else ""
    except (ValueError, OverflowError):
        said = clean_text(found[0].text or "")
    if said != "LPS":
        raise ReadError(
            f"The space of the points must be LPS, the file says {said!a}." if said else "The file names no space.",
            hint="Write LPS into the field data array SPACE, or give a CSV of LPS points.",
            file=name,
            rule="space",
        )


def _with_radius(piece: ElementTree.Element, points: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """(n, 3) points, or (n, 4) with the radii of the array ``Radius``."""
    array = _array(piece, "PointData", "Radius")
    if array is None:
        return points
    radius = _numbers(array, name)
    if radius.shape != (len(points),):
        raise ReadError("The array Radius has not one number per point.", file=name, rule="number")
    return np.concatenate([points, radius[:, None]], axis=1)


def _numbers(array: ElementTree.Element | None, name: str) -> NDArray[np.float64]:
    if array is None:
        raise ReadError("The .vtp lacks points or lines.", file=name, rule="unknown-format")
    if array.get("format", "ascii") != "ascii":
        raise ReadError(
            "Only ASCII .vtp is read.", hint="Save it with the data mode ASCII.", file=name, rule="unknown-format"
        )
    try:
        values = np.array((array.text or "").split(), dtype=np.float64)
    except ValueError as error:
        raise ReadError("An array of the .vtp holds something that is no number.", file=name, rule="number") from error
    if array.get("NumberOfComponents") == "3" and len(values) % 3:
        raise ReadError("The points of the .vtp are cut short.", file=name, rule="number")
    return values
