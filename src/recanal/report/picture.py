"""One cut through the volume as a picture: axial, cross-section, stretched, MPR, MIP."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recanal.core.reformat import Overlay, Reformat
from recanal.report.canvas import Canvas, colour_classes, grey, png_bytes, ruler_step_mm, stacked
from recanal.report.orientation import edge_letters, opposite
from recanal.report.palette import CAP_DARK, LUMEN, WALL
from recanal.report.strip import Axis

__all__ = ["flat_png", "section_png"]

_LETTER_PX = 28  # in a flat picture
_SMALL_LETTER_PX = 33  # in a cross-section, which is shown smaller
_FLAT_HEIGHT_PX = 440
_SECTION_PX, _BAND_PX, _GAP_PX = 300, 42, 8
_WHITE = (255, 255, 255)
_BORDERS = {"wall": WALL, "lumen": LUMEN}
_BRIDGED = (20, 20, 24)  # dark dashes over the wall where the image did not show it
_ALONG = {"wall": WALL}  # on a plane along the vessel two lines a side would hide it


def _xy(overlay: Overlay, scale: tuple[float, float]) -> NDArray[np.float64]:
    """(n, 2) x and y on the enlarged picture; ``scale`` is (per row, per column)."""
    return np.asarray((overlay.row_column[:, ::-1] + 0.5) * (scale[1], scale[0]))


def _draw_borders(canvas: Canvas, view: Reformat, scale: tuple[float, float], width: float) -> None:
    for role, colour in (_ALONG if view.kind == "mpr" else _BORDERS).items():
        for overlay in view.overlays:
            if overlay.role == role and len(overlay.row_column) > 1:
                canvas.line(_xy(overlay, scale), colour, width)
    for overlay in view.overlays:
        if overlay.role == "wall_bridged":
            canvas.dashes(_xy(overlay, scale), _BRIDGED, width + 0.6)


def flat_png(view: Reformat) -> bytes:
    """An axial, stretched, MPR or MIP picture with its borders, its caps and a ruler.

    Parameters
    ----------
    view
        Any flat cut; pixels need not be square.

    Returns
    -------
    png
        440 pixels tall, in true proportions.
    """
    rows, columns = view.hu.shape
    px_per_mm = _FLAT_HEIGHT_PX / (rows * view.pixel_mm[0])
    size = (max(1, round(columns * view.pixel_mm[1] * px_per_mm)), _FLAT_HEIGHT_PX)
    scale = (size[1] / rows, size[0] / columns)
    canvas = Canvas(grey(view.hu, size))
    _draw_borders(canvas, view, scale, 1.4)
    for overlay in view.overlays:
        if overlay.role in ("proximal_cap", "distal_cap"):
            x, y = _xy(overlay, scale).mean(axis=0).tolist()
            letter = "P" if overlay.role == "proximal_cap" else "D"
            canvas.arrow((x, y), letter, size_px=_LETTER_PX, towards_right=x > 3.2 * _LETTER_PX)
    length = min(ruler_step_mm(0.8 * columns * view.pixel_mm[1], wanted=2), 50.0)
    canvas.scale_bar(px_per_mm, length_mm=length, size_px=_LETTER_PX)
    _orient(canvas, view, _LETTER_PX)
    return png_bytes(canvas.flatten())


def _orient(canvas: Canvas, view: Reformat, size_px: int) -> None:
    """The letters of the edges; the lower one is left out, where the scale bar stands."""
    if view.right_direction is None or view.down_direction is None:
        return
    wide, tall = canvas.picture.size
    right, down = edge_letters(view.right_direction), edge_letters(view.down_direction)
    canvas.text((7, tall / 2), opposite(right), size_px=size_px, colour=_WHITE, anchor="lm")
    canvas.text((wide - 7, tall / 2), right, size_px=size_px, colour=_WHITE, anchor="rm")
    canvas.text((wide / 2, 6), opposite(down), size_px=size_px, colour=_WHITE, anchor="ma")


def section_png(view: Reformat, axis: Axis | None = None) -> bytes:
    """A cross-section twice: above as it is, below with the borders and the composition.

    Parameters
    ----------
    view
        The cut.
    axis
        The axis of the lesion's strips; with it the picture says where along it the cut lies.

    Returns
    -------
    png
        Two square tiles of 300 pixels with a white gap between them, and above them the position on a white band.
    """
    rows, columns = view.hu.shape
    size = (_SECTION_PX, max(1, round(_SECTION_PX * rows * view.pixel_mm[0] / (columns * view.pixel_mm[1]))))
    scale = (size[1] / rows, size[0] / columns)
    px_per_mm = size[1] / (rows * view.pixel_mm[0])
    bare = grey(view.hu, size)
    painted = bare.copy()
    if view.classes is not None:
        colour_classes(painted, view.classes)
    upper, lower = Canvas(bare), Canvas(painted)
    _draw_borders(lower, view, scale, 2.4)
    length = ruler_step_mm(columns * view.pixel_mm[1], wanted=3)
    upper.scale_bar(px_per_mm, length_mm=length, size_px=_SMALL_LETTER_PX)
    lower.scale_bar(px_per_mm, length_mm=length, size_px=_SMALL_LETTER_PX)
    _orient(upper, view, _SMALL_LETTER_PX)
    tiles = [_place(view, axis), upper.flatten(), lower.flatten()]
    return png_bytes(stacked([tile for tile in tiles if tile is not None], gap_px=_GAP_PX))


def _place(view: Reformat, axis: Axis | None) -> Image.Image | None:
    """A band over the picture: where along the vessel the cut lies, and the letter of a cap."""
    if axis is None or view.position_mm is None:
        return None
    canvas = Canvas(Image.new("RGB", (_SECTION_PX, _BAND_PX), _WHITE))
    words = f"{view.position_mm - axis.zero_mm:.1f} mm"
    words = words.removeprefix("-") if words == "-0.0 mm" else words.replace("-", "−")
    canvas.plain_text((_SECTION_PX / 2, _BAND_PX / 2), words, size_px=_SMALL_LETTER_PX)
    letter = {"cross_section_proximal_cap": "P", "cross_section_distal_cap": "D"}.get(view.name)
    if letter is not None:
        at = (22.0, _BAND_PX / 2)
        canvas.letter_box(at, CAP_DARK, _SMALL_LETTER_PX)
        canvas.letter(at, letter, size_px=_SMALL_LETTER_PX, colour=_WHITE, rim=False)
    return canvas.flatten()
