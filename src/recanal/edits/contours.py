"""Contours drawn by a reader, laid over those found in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.core.curves import Contours
from recanal.errors import EditError
from recanal.imaging.borders import Borders

__all__ = ["Drawn", "overlaid", "polar_radii", "section_points"]

LEAST_RADIUS_MM = 0.1
MOST_RADIUS_MM = 5.0
LEAST_WALL_MM = 0.1
OFF_PLANE_MM = 1.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """One contour that a reader drew.

    Parameters
    ----------
    border
        ``"lumen"`` or ``"wall"``.
    points_mm
        (k, 3) closed polygon, LPS.
    place_mm
        (3,) the point of the axis whose section it was drawn on.
    reach_mm
        Over how much of the axis the change fades out on either side.
    index
        Of the correction in the file.
    """

    border: str
    points_mm: Floats
    place_mm: Floats
    reach_mm: float
    index: int


def section_points(contours: Contours, section: int, radii_mm: ArrayLike) -> Floats:
    """(k, 3) LPS points of radii on k evenly spaced rays of a section."""
    radius = np.asarray(radii_mm, dtype=np.float64)
    angle = np.arange(len(radius)) * (2 * np.pi / len(radius))
    along = np.cos(angle)[:, None] * contours.normals[section] + np.sin(angle)[:, None] * contours.binormals[section]
    return np.asarray(contours.line.points_mm[section] + radius[:, None] * along)


def polar_radii(contours: Contours, section: int, points_mm: ArrayLike, *, flat: bool = True) -> Floats:
    """Radii (m,) at which the rays of a section meet a closed polygon.

    Parameters
    ----------
    contours, section
        The section and its rays.
    points_mm
        (k, 3) polygon; it is projected onto the plane of the section.
    flat
        Whether to refuse points more than 1 mm off that plane.

    Raises
    ------
    EditError
        When the polygon does not lie in the section, does not surround the axis, meets a ray more than once
        (crosses itself or folds back), or has a radius below 0.1 mm or above 5 mm.
    """
    offset = np.asarray(points_mm, dtype=np.float64) - contours.line.points_mm[section]
    normal, binormal = contours.normals[section], contours.binormals[section]
    height = float(np.abs(offset @ np.cross(normal, binormal)).max())
    if flat and height > OFF_PLANE_MM:
        raise EditError(
            f"the contour leaves the plane of its cross-section by {height:.1f} mm; {OFF_PLANE_MM:.0f} mm are allowed.",
            hint="Draw it on one cross-section of the axis, or name the section with at.",
        )
    x, y = offset @ normal, offset @ binormal
    keep = np.hypot(np.diff(x, append=x[0]), np.diff(y, append=y[0])) > 1e-9
    x, y = x[keep], y[keep]
    if len(x) < 3 or np.hypot(x, y).min() < 1e-9:
        raise EditError("the contour has no area around the axis.", hint="Draw a closed polygon around the axis.")
    at = np.arctan2(y, x)
    turn = (np.diff(at, append=at[0]) + np.pi) % (2 * np.pi) - np.pi
    _star_shaped(turn)
    if turn.sum() < 0:
        x, y = x[::-1], y[::-1]
    radius = _met(x, y, contours.angles_rad)
    if radius.min() < LEAST_RADIUS_MM or radius.max() > MOST_RADIUS_MM:
        raise EditError(
            f"the contour lies {radius.min():.2f} to {radius.max():.2f} mm from the axis; "
            f"{LEAST_RADIUS_MM} to {MOST_RADIUS_MM} mm are allowed.",
            hint="Move the axis into the vessel first, or draw this vessel alone.",
        )
    return radius


def _star_shaped(turn: Floats) -> None:
    round_once = abs(abs(float(turn.sum())) - 2 * np.pi) < 1e-6
    if not round_once:
        raise EditError(
            "the contour does not surround the axis once.", hint="Move the axis into the contour first, or redraw it."
        )
    if (turn * np.sign(turn.sum()) < -1e-9).any():
        raise EditError(
            "the contour crosses itself or folds back as seen from the axis.",
            hint="Draw it so that every ray from the axis meets it once.",
        )


def _met(x: Floats, y: Floats, angle: Floats) -> Floats:
    """Distance at which each ray meets a counter-clockwise polygon around the origin."""
    at = np.arctan2(y, x)
    first = int(np.argmin(at))
    x, y, at = np.roll(x, -first), np.roll(y, -first), np.roll(at, -first)
    at = np.append(at, at[0] + 2 * np.pi)
    x, y = np.append(x, x[0]), np.append(y, y[0])
    where = (angle - at[0]) % (2 * np.pi) + at[0]
    edge = np.clip(np.searchsorted(at, where, side="right") - 1, 0, len(at) - 2)
    x1, y1, x2, y2 = x[edge], y[edge], x[edge + 1], y[edge + 1]
    return np.asarray((x1 * y2 - x2 * y1) / (np.cos(angle) * (y2 - y1) - np.sin(angle) * (x2 - x1)))


def overlaid(borders: Borders, shut: NDArray[np.bool_], drawn: Sequence[Drawn]) -> tuple[Borders, tuple[str, ...]]:
    """The borders with the reader's contours, and what was left out.

    Parameters
    ----------
    borders
        As found in the picture.
    shut
        (n,) sections inside an occlusion, which have no lumen.
    drawn
        In the order of drawing; the last one of a section and border holds.

    Notes
    -----
    On its own section a drawn contour holds exactly. Its difference from the found one fades linearly over its reach,
    or runs linearly to the next drawn contour where the two reaches meet. The wall stays where it was found, but never
    nearer to a drawn lumen than the normal wall is thick.

    Raises
    ------
    EditError
        When a drawn wall would lie inside the lumen.
    """
    found = borders.contours
    inner, outer, notes = _by_section(found, shut, drawn)
    lumen, reached = _faded(found.lumen_radius_mm, found.line.arc_mm, inner)
    lumen = np.where(shut[:, None], 0.0, np.maximum(lumen, 0.0))
    around = np.maximum(found.wall_radius_mm, lumen + borders.wall_mm * (lumen > 0))
    wall = np.where(((reached > 0) & ~shut)[:, None], around, found.wall_radius_mm)
    wall, covered = _faded(wall, found.line.arc_mm, outer)
    for section, (mark, _) in outer.items():
        inside = wall[section] < lumen[section] - 1e-6
        if inside.any():
            raise EditError(
                f"the wall drawn by edits[{mark.index}] lies inside the lumen on {int(inside.sum())} of "
                f"{len(inside)} rays.",
                hint="Redraw lumen and wall so that the wall surrounds the lumen.",
            )
    wall = np.maximum(wall, lumen)
    seen = found.wall_seen | (covered > 0.5)[:, None]
    contours = Contours(found.line, found.normals, found.binormals, lumen, wall, seen)
    return Borders(contours, borders.sigma_mm, borders.wall_mm), notes


Anchors = dict[int, tuple[Drawn, Floats]]


def _by_section(
    found: Contours, shut: NDArray[np.bool_], drawn: Sequence[Drawn]
) -> tuple[Anchors, Anchors, tuple[str, ...]]:
    """The drawn lumens and walls by section, with their radii."""
    inner: Anchors = {}
    outer: Anchors = {}
    notes = []
    for mark in drawn:
        arc, _ = found.line.nearest(mark.place_mm)
        section = int(np.argmin(np.abs(found.line.arc_mm - arc)))
        if mark.border == "lumen" and shut[section]:
            notes.append(f"the lumen drawn by edits[{mark.index}] lies inside an occlusion and is not used")
            continue
        try:
            radii = polar_radii(found, section, mark.points_mm, flat=False)
        except EditError as error:
            raise EditError(f"the contour drawn by edits[{mark.index}]: {error.message}", hint=error.hint) from error
        (inner if mark.border == "lumen" else outer)[section] = (mark, radii)
    return inner, outer, tuple(notes)


def _faded(radius: Floats, arc: Floats, anchors: Anchors) -> tuple[Floats, Floats]:
    """The radii with the anchors held and faded out, and (n,) how much of an anchor each section takes."""
    if not anchors:
        return np.array(radius), np.zeros(len(arc))
    rows = sorted(anchors)
    step = float(arc[-1] / (len(arc) - 1))
    reach = [max(anchors[row][0].reach_mm, 0.99 * step) for row in rows]
    none, each = np.zeros(len(rows)), np.eye(len(rows))
    nodes: list[tuple[float, Floats]] = []
    for k, row in enumerate(rows):
        place = float(arc[row])
        if k == 0 or place - arc[rows[k - 1]] > reach[k] + reach[k - 1]:
            nodes.append((place - reach[k], none))
        nodes.append((place, each[k]))
        if k + 1 == len(rows) or arc[rows[k + 1]] - place > reach[k] + reach[k + 1]:
            nodes.append((place + reach[k], none))
    where, table = [node[0] for node in nodes], np.stack([node[1] for node in nodes])
    share = np.stack([np.interp(arc, where, table[:, k]) for k in range(len(rows))], axis=1)
    change = np.stack([anchors[row][1] - radius[row] for row in rows])
    return radius + share @ change, np.asarray(share.sum(axis=1))
