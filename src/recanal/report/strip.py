"""The straightened vessel lying down, on the same millimetre axis as the area graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from recanal.core.reformat import Reformat
from recanal.report.canvas import Canvas, colour_classes, grey, png_bytes, ruler_step_mm
from recanal.report.palette import CAP, CAP_DARK, LUMEN, WALL

__all__ = ["Axis", "shared_axis", "strip_png"]

WIDTH_PX, LEFT_PX, RIGHT_PX = 1820, 130, 24
_TOP_PX, _GAP_PX, _FOOT_PX = 34, 6, 52
_LANE_PX = (210, 130)  # height of the two bands: with surroundings, and close to the wall
_AROUND_MM = (2.0, 0.6)  # least room outside the wall in each of them
_TEXT_PX = 27
_BRIDGED = (20, 20, 24)


@dataclass(frozen=True)
class Axis:
    """Millimetres along the vessel, from the proximal cap (or from the proximal end of an open vessel).

    Parameters
    ----------
    start_mm, end_mm
        What the full width shows.
    zero_mm
        Arc length along the picture's line of the axis' zero.
    caps_mm
        The caps on this axis; empty for an open vessel.
    wall_mm
        The largest distance of the outer wall from the vessel axis.
    """

    start_mm: float
    end_mm: float
    zero_mm: float
    caps_mm: tuple[float, ...]
    wall_mm: float = 2.0

    @property
    def px_per_mm(self) -> float:
        """Enlargement of every picture on this axis."""
        return (WIDTH_PX - LEFT_PX - RIGHT_PX) / (self.end_mm - self.start_mm)

    def x_px(self, position_mm: float) -> float:
        """Pixel column of a position."""
        return LEFT_PX + (position_mm - self.start_mm) * self.px_per_mm

    @property
    def step_mm(self) -> float:
        """Distance between numbered ticks."""
        return ruler_step_mm(self.end_mm - self.start_mm, wanted=9)

    def ticks_mm(self, step_mm: float) -> list[float]:
        """Multiples of a step that lie on the axis."""
        first = int(np.ceil(self.start_mm / step_mm - 1e-9))
        last = int(np.floor(self.end_mm / step_mm + 1e-9))
        return [k * step_mm for k in range(first, last + 1)]


def _wall_mm(view: Reformat) -> float:
    """The largest distance of the outer wall from the axis in the picture."""
    middle = (view.hu.shape[1] - 1) / 2
    reach = [np.abs(o.row_column[:, 1] - middle).max() * view.pixel_mm[1] for o in view.overlays if o.role == "wall"]
    return max((float(r) for r in reach), default=2.0)


def shared_axis(views: Sequence[Reformat]) -> Axis | None:
    """The axis of a lesion's straightened pictures; None when there are none.

    A short vessel gets blank ends, so that its width does not fill the page.
    """
    straight = [view for view in views if view.kind == "straightened"]
    if not straight:
        return None
    view = straight[0]
    rows = np.arange(len(view.hu)) * view.pixel_mm[0] if view.row_positions_mm is None else view.row_positions_mm
    caps = {
        overlay.role: float(np.interp(overlay.row_column[:, 0].mean(), np.arange(len(rows)), rows))
        for overlay in view.overlays
        if overlay.role in ("proximal_cap", "distal_cap")
    }
    zero = caps.get("proximal_cap", 0.0)
    marks = tuple(caps[role] - zero for role in ("proximal_cap", "distal_cap") if role in caps)
    wall = max(_wall_mm(each) for each in straight)
    most_px_per_mm = min(tall / 2 / (wall + room) for tall, room in zip(_LANE_PX, _AROUND_MM, strict=True))
    half = view.pixel_mm[0] / 2
    start, end = float(rows[0]) - zero - half, float(rows[-1]) - zero + half
    blank = max(0.0, (WIDTH_PX - LEFT_PX - RIGHT_PX) / most_px_per_mm - (end - start)) / 2
    return Axis(start - blank, end + blank, zero, marks, wall)


def _cropped(view: Reformat, half_mm: float) -> tuple[slice, float]:
    """The middle columns that show ``half_mm`` to either side, and the column number of their upper edge."""
    middle = (view.hu.shape[1] - 1) / 2
    reach = min(middle, half_mm / view.pixel_mm[1])
    first = int(np.ceil(middle - reach))
    return slice(first, view.hu.shape[1] - first), first - 0.5


def _lane(view: Reformat, axis: Axis, *, half_mm: float, painted: bool) -> Image.Image:
    keep, edge = _cropped(view, half_mm)
    hu = view.hu[:, keep].T
    scale = view.pixel_mm[0] * axis.px_per_mm
    width = max(1, round(hu.shape[1] * scale))
    height = max(8, round(hu.shape[0] * view.pixel_mm[1] * axis.px_per_mm))
    picture = grey(hu, (width, height))
    if painted and view.classes is not None:
        colour_classes(picture, np.ascontiguousarray(view.classes[:, keep].T))
    canvas = Canvas(picture)
    for role, colour in (("wall", WALL), ("wall_bridged", _BRIDGED), ("lumen", LUMEN)) if painted else ():
        for overlay in view.overlays:
            if overlay.role != role:
                continue
            x = (overlay.row_column[:, 0] + 0.5) * scale
            y = (overlay.row_column[:, 1] - edge) * view.pixel_mm[1] * axis.px_per_mm
            line = np.stack([x, y], axis=1)
            if role == "wall_bridged":
                canvas.dashes(line, colour, 2.8)
            else:
                canvas.line(line, colour, 2.2)
    return canvas.flatten()


def strip_png(view: Reformat, axis: Axis) -> bytes:
    """The straightened vessel, proximal end on the left: above as it is, below with borders and composition.

    Parameters
    ----------
    view
        A straightened CPR.
    axis
        The millimetre axis, shared with the area graph.

    Returns
    -------
    png
        1820 pixels wide; across the vessel the scale is the same as along it.
    """
    upper = _lane(view, axis, half_mm=_LANE_PX[0] / 2 / axis.px_per_mm, painted=False)
    lower = _lane(view, axis, half_mm=min(_LANE_PX[1] / 2 / axis.px_per_mm, axis.wall_mm + 1.5), painted=True)
    top = _TOP_PX + upper.height + _GAP_PX
    sheet = Image.new("RGB", (WIDTH_PX, top + lower.height + _FOOT_PX), (255, 255, 255))
    first = 0.0 if view.row_positions_mm is None else float(view.row_positions_mm[0])
    left = round(axis.x_px(first - axis.zero_mm - view.pixel_mm[0] / 2))
    sheet.paste(upper, (left, _TOP_PX))
    sheet.paste(lower, (left, top))
    canvas = Canvas(sheet)
    _label_caps(canvas, axis, top=top, bottom=top + lower.height)
    _ruler(canvas, axis, top + lower.height)
    _side_scale(canvas, axis, top=_TOP_PX, height=upper.height)
    turn = view.name.rpartition("_")[2]
    if turn.isdigit():
        canvas.plain_text((8, _TOP_PX + 16), f"{int(turn)}°", size_px=_TEXT_PX + 3, anchor="lm", bold=True)
    return png_bytes(canvas.flatten())


def _label_caps(canvas: Canvas, axis: Axis, *, top: float, bottom: float) -> None:
    for letter, cap in zip("PD", axis.caps_mm, strict=False):
        x = axis.x_px(cap)
        canvas.line([(x, _TOP_PX - 4), (x, _TOP_PX + 26)], CAP, 3.0)
        for y in np.arange(top - _GAP_PX - 22, bottom, 14):
            canvas.line([(x, y), (x, min(y + 8, bottom))], CAP, 3.0)
        canvas.letter_box((x, _TOP_PX / 2), CAP_DARK, _TEXT_PX)
        canvas.letter((x, _TOP_PX / 2), letter, size_px=_TEXT_PX, colour=(255, 255, 255), rim=False)


def _ruler(canvas: Canvas, axis: Axis, top: float) -> None:
    ink = (32, 36, 44)
    canvas.line([(LEFT_PX, top + 2), (WIDTH_PX - RIGHT_PX, top + 2)], ink, 1.5)
    minor = 1.0 if axis.px_per_mm >= 5 else axis.step_mm / 10
    for position in axis.ticks_mm(minor):
        x = axis.x_px(position)
        major = abs(position / axis.step_mm - round(position / axis.step_mm)) < 1e-6
        canvas.line([(x, top + 2), (x, top + (14 if major else 8))], ink, 1.5)
        if major:
            words = f"{position:g}".replace("-", "−")
            canvas.plain_text((x, top + 32), words, size_px=_TEXT_PX)
    canvas.plain_text((8, top + 32), "mm", size_px=_TEXT_PX, anchor="lm")


def _side_scale(canvas: Canvas, axis: Axis, *, top: float, height: float) -> None:
    """A vertical bar with millimetre ticks left of the upper lane."""
    ink = (32, 36, 44)
    length = max((step for step in (2.0, 5.0, 10.0, 20.0) if step * axis.px_per_mm <= height), default=2.0)
    x, end = LEFT_PX - 16, top + height
    start = end - length * axis.px_per_mm
    canvas.line([(x, start), (x, end)], ink, 1.5)
    minor = 1.0 if axis.px_per_mm >= 5 else length / 5
    for k in range(round(length / minor) + 1):
        y = end - k * minor * axis.px_per_mm
        canvas.line([(x - (12 if k * minor in (0.0, length) else 7), y), (x, y)], ink, 1.5)
    canvas.plain_text((x - 18, (start + end) / 2), f"{length:g} mm", size_px=_TEXT_PX, anchor="rm")
