"""The lesions of a calcium score as one picture: the slices that hold most of it, each artery in its colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from recanal.core.calcium import ARTERIES, CalciumReport
from recanal.report.canvas import Canvas, font, png_bytes
from recanal.report.palette import Colour

__all__ = ["ARTERY_COLOURS", "SliceView", "calcium_png"]

ARTERY_COLOURS: dict[str, Colour] = {
    "LM": (230, 159, 0),
    "LAD": (240, 80, 60),
    "LCX": (86, 180, 233),
    "RCA": (60, 200, 120),
}
"""After Okabe and Ito, told apart by readers with colour blindness."""

_WINDOW_HU = (-150.0, 350.0)
_TILE_PX, _GAP_PX, _HEAD_PX, _COLUMNS, _MOST = 300, 6, 132, 4, 12
_BACK: Colour = (16, 18, 22)
_WHITE: Colour = (255, 255, 255)
_PALE: Colour = (190, 196, 205)
_MARGIN_MM = 25.0


@dataclass(frozen=True, eq=False)
class SliceView:
    """What the picture is made from.

    Parameters
    ----------
    hu, labels
        (slices, rows, columns); labels 1 to 4 as in :data:`recanal.core.calcium.ARTERIES`.
    pixel_mm
        Row and column spacing.
    flips
        Whether rows, and columns, must be reversed to show the front of the patient above and the right side on the
        left.
    unsure
        Of the shape of the labels: voxels of lesions that get a question mark; none when None.
    unsure_words
        What the question mark means.
    """

    hu: NDArray[np.int16] | NDArray[np.float32]
    labels: NDArray[np.uint8]
    pixel_mm: tuple[float, float]
    flips: tuple[bool, bool] = (False, False)
    unsure: NDArray[np.bool_] | None = None
    unsure_words: str = "? not sure"


def _window(view: SliceView, threshold_hu: float) -> tuple[slice, slice]:
    """The square around all lesions, or around the middle."""
    where = np.argwhere(((view.labels > 0) & (view.hu >= threshold_hu)).any(axis=0))
    rows, columns = view.hu.shape[1:]
    if len(where) == 0:
        where = np.array([[rows // 2, columns // 2]])
    middle = 0.5 * (where.min(axis=0) + where.max(axis=0))
    half_mm = max(45.0, float((0.5 * np.ptp(where, axis=0) * view.pixel_mm).max()) + _MARGIN_MM)
    edges = []
    for axis, size in enumerate((rows, columns)):
        half = round(half_mm / view.pixel_mm[axis])
        first = int(np.clip(round(float(middle[axis])) - half, 0, max(size - 2 * half, 0)))
        edges.append(slice(first, min(first + 2 * half, size)))
    return edges[0], edges[1]


def _turned(view: SliceView, picture: NDArray[Any]) -> NDArray[Any]:
    """Rows and columns with the front above and the right side on the left."""
    return picture[:: -1 if view.flips[0] else 1, :: -1 if view.flips[1] else 1]


def _size_px(view: SliceView, window: tuple[slice, slice]) -> tuple[int, int]:
    """Width and height of a tile."""
    rows, columns = (edge.stop - edge.start for edge in window)
    wide = round(_TILE_PX * (columns * view.pixel_mm[1]) / (rows * view.pixel_mm[0]))
    return min(wide, _TILE_PX), _TILE_PX


def _question_marks(
    view: SliceView, k: int, window: tuple[slice, slice], threshold_hu: float
) -> list[tuple[float, float]]:
    """Where the question marks of a tile go: right of every spot that is not sure, (x, y) in the tile."""
    if view.unsure is None:
        return []
    spots = _turned(view, (view.unsure[k] & (view.hu[k] >= threshold_hu))[window])
    groups, count = ndimage.label(spots, structure=np.ones((3, 3)))
    size = _size_px(view, window)
    scale = (size[0] / spots.shape[1], size[1] / spots.shape[0])
    found = ndimage.find_objects(groups, count)
    places = [(box[1].stop * scale[0] + 4, 0.5 * (box[0].start + box[0].stop) * scale[1]) for box in found]
    return [(min(x, size[0] - 14.0), y) for x, y in places]


def _tile(view: SliceView, k: int, window: tuple[slice, slice], threshold_hu: float) -> Image.Image:
    hu, labels = _turned(view, view.hu[k][window].astype(np.float32)), _turned(view, view.labels[k][window])
    labels = np.where(hu >= threshold_hu, labels, 0).astype(np.uint8)
    low, high = _WINDOW_HU
    levels = np.clip((hu - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
    size = _size_px(view, window)
    picture = Image.fromarray(levels).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    large = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
    pixels = np.array(picture)
    for number, artery in enumerate(ARTERIES, start=1):
        inside = large == number
        rim = ndimage.binary_dilation(inside, iterations=3) & ~ndimage.binary_dilation(inside)
        pixels[rim] = ARTERY_COLOURS[artery]
    return Image.fromarray(pixels)


def _chosen(report: CalciumReport, view: SliceView) -> list[int]:
    """The slices that hold most of the score, and one of every lesion that is not sure, in order of height."""
    share: dict[int, float] = {}
    for lesion in report.lesions:
        for spot in lesion.spots:
            share[spot.slice_index] = share.get(spot.slice_index, 0.0) + spot.agatston
    best = sorted(share, key=lambda k: -share[k])[:_MOST]
    if view.unsure is not None:
        groups, _ = ndimage.label(view.unsure, structure=np.ones((3, 3, 3)))
        for n, box in enumerate(ndimage.find_objects(groups), start=1):
            size = (groups[box] == n).sum(axis=(1, 2))
            if not size[[k - box[0].start for k in best if box[0].start <= k < box[0].stop]].any():
                best.append(box[0].start + int(np.argmax(size)))
    height = {spot.slice_index: spot.z_mm for lesion in report.lesions for spot in lesion.spots}
    return sorted((k for k in best if k in height), key=lambda k: -height[k])


def _head(canvas: Canvas, report: CalciumReport, view: SliceView) -> None:
    draw = ((16, 14), f"Agatston score {report.total.agatston:.0f}", 30, _WHITE)
    canvas.text(draw[0], draw[1], size_px=draw[2], colour=draw[3], anchor="la")
    how = "reader's mask" if report.method.mode == "mask" else "found automatically, to be checked"
    canvas.text((16, 56), f"{how}; {report.method.slice_rule}", size_px=17, colour=_PALE, anchor="la")
    x = 16.0
    for artery in ARTERIES:
        words = f"{artery} {report.arteries[artery].agatston:.0f}"
        canvas.text((x, 92), words, size_px=22, colour=ARTERY_COLOURS[artery], anchor="la")
        x += font(22).getlength(words) + 36
    if view.unsure is not None and view.unsure.any():
        canvas.text((x, 96), view.unsure_words, size_px=17, colour=_WHITE, anchor="la")


def calcium_png(report: CalciumReport, view: SliceView) -> bytes:
    """Up to twelve slices with the lesions outlined in the colour of their artery, as PNG.

    More than twelve where a lesion that is not sure lies in none of them.

    Parameters
    ----------
    report
        The score.
    view
        The series and the labels it was scored with.
    """
    slices, threshold_hu = _chosen(report, view), report.method.threshold_hu
    shown = slices or [len(view.hu) // 2]
    window = _window(view, threshold_hu)
    rows = -(-len(shown) // _COLUMNS)
    wide = _COLUMNS * (_TILE_PX + _GAP_PX) + _GAP_PX
    sheet = Image.new("RGB", (wide, _HEAD_PX + rows * (_TILE_PX + _GAP_PX)), _BACK)
    places = []
    for n, k in enumerate(shown):
        at = (_GAP_PX + n % _COLUMNS * (_TILE_PX + _GAP_PX), _HEAD_PX + n // _COLUMNS * (_TILE_PX + _GAP_PX))
        sheet.paste(_tile(view, k, window, threshold_hu), at)
        places.append((k, at))
    canvas = Canvas(sheet)
    _head(canvas, report, view)
    for k, (x, y) in places:
        spots = [(spot, lesion) for lesion in report.lesions for spot in lesion.spots if spot.slice_index == k]
        words = f"slice {k}" if spots else "no calcium counted"
        canvas.text((x + 8, y + 6), words, size_px=15, colour=_WHITE, anchor="la")
        for across, down in _question_marks(view, k, window, threshold_hu):
            canvas.text((x + across, y + down), "?", size_px=22, colour=_WHITE, anchor="lm")
        total = sum(spot.agatston for spot, _ in spots)
        if spots:
            canvas.text((x + 8, y + _TILE_PX - 8), f"Agatston {total:.0f}", size_px=17, colour=_WHITE, anchor="ld")
    return png_bytes(canvas.flatten())
