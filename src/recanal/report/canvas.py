"""Drawing on a grey picture: windowing, smooth lines, arrows, rulers."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from recanal.report.palette import CAP, COMPONENT_COLOURS, OUTSIDE, WINDOW_HU, Colour

__all__ = ["Canvas", "Point", "colour_classes", "font", "font_folder", "grey", "png_bytes", "ruler_step_mm", "stacked"]

Point = tuple[float, float]
_FINE = 2  # lines are drawn this much larger and shrunk, so that their edges are smooth
_DASH_PX = 7.0
_HALO = (0, 0, 0, 170)


def font_folder() -> Path:
    """The folder of the DejaVu fonts that come with matplotlib, the same on every platform."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@lru_cache(maxsize=16)
def font(size_px: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The report's typeface at a pixel size."""
    return ImageFont.truetype(str(font_folder() / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")), size_px)


def grey(hu: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """Hounsfield units as an RGB picture of ``size`` (width, height); places outside the volume in slate."""
    low, high = WINDOW_HU
    missing = np.isnan(hu)
    levels = np.clip((np.nan_to_num(hu, nan=low) - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(levels).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    if missing.any():
        mask = Image.fromarray(missing.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
        picture.paste(OUTSIDE, (0, 0, *size), mask)
    return picture


def colour_classes(picture: Image.Image, classes: NDArray[np.uint8]) -> None:
    """Paint plaque classes over a grey picture, in place; the colours are opaque, so that they match the legend."""
    table = np.zeros((256, 4), dtype=np.uint8)
    for index, colour in enumerate(COMPONENT_COLOURS.values(), start=1):
        table[index] = (*colour, 255)
    paint = Image.fromarray(table[classes]).resize(picture.size, Image.Resampling.NEAREST)
    picture.paste(paint, (0, 0), paint)


def png_bytes(picture: Image.Image) -> bytes:
    """The picture as PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()


def stacked(tiles: Sequence[Image.Image], *, gap_px: int) -> Image.Image:
    """Pictures of one width below one another, on white."""
    height = sum(tile.height for tile in tiles) + gap_px * (len(tiles) - 1)
    sheet = Image.new("RGB", (tiles[0].width, height), (255, 255, 255))
    top = 0
    for tile in tiles:
        sheet.paste(tile, (0, top))
        top += tile.height + gap_px
    return sheet


def ruler_step_mm(span_mm: float, *, wanted: int = 6) -> float:
    """A round distance between numbered ticks that gives about ``wanted`` of them.

    >>> ruler_step_mm(70), ruler_step_mm(14, wanted=3)
    (10.0, 5.0)
    """
    raw = span_mm / wanted
    scale = 10.0 ** math.floor(math.log10(raw))
    return float(min((step * scale for step in (1, 2, 5, 10)), key=lambda step: abs(math.log(step / raw))))


class Canvas:
    """A picture with lines to be laid over it.

    Parameters
    ----------
    picture
        Drawn on in place by :meth:`flatten`, which returns it.
    """

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture
        self._layer = Image.new("RGBA", (picture.width * _FINE, picture.height * _FINE), (0, 0, 0, 0))
        self._fine = ImageDraw.Draw(self._layer)
        self._text: list[tuple[Point, str, ImageFont.FreeTypeFont, Colour, str, bool]] = []

    def line(self, points: Sequence[Point] | NDArray[np.float64], colour: Colour, width_px: float = 2.0) -> None:
        """A smooth polyline through (x, y) points."""
        self._fine.line(
            [(x * _FINE, y * _FINE) for x, y in np.asarray(points).tolist()],
            fill=(*colour, 255),
            width=max(1, round(width_px * _FINE)),
            joint="curve",
        )

    def dashes(self, points: NDArray[np.float64], colour: Colour, width_px: float) -> None:
        """Short dashes along a polyline of (x, y) points, as long as the gaps between them."""
        walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        for start in np.arange(0.0, walked[-1] - 2.0, _DASH_PX * 2):
            where = np.linspace(start, min(start + _DASH_PX, walked[-1]), 4)
            self.line(np.stack([np.interp(where, walked, points[:, k]) for k in (0, 1)], axis=1), colour, width_px)

    def text(self, at: Point, words: str, *, size_px: int, colour: Colour, anchor: str = "mm") -> None:
        """Words with a dark rim, anchored as Pillow anchors them."""
        self._text.append((at, words, font(size_px), colour, anchor, True))

    def letter(self, at: Point, words: str, *, size_px: int, colour: Colour, rim: bool = True) -> None:
        """A bold letter around a point."""
        self._text.append((at, words, font(size_px, bold=True), colour, "mm", rim))

    def plain_text(self, at: Point, words: str, *, size_px: int, anchor: str = "mm", bold: bool = False) -> None:
        """Dark words without a rim, for white margins."""
        self._text.append((at, words, font(size_px, bold=bold), (32, 36, 44), anchor, False))

    def arrow(self, tip: Point, letter: str, *, size_px: int, towards_right: bool) -> None:
        """An arrow that points at a cap from the side, with its letter at the tail."""
        way = 1.0 if towards_right else -1.0
        x, y = tip
        gap, head, tail = 0.35 * size_px, 0.5 * size_px, 1.5 * size_px
        near, base, end = x - way * gap, x - way * (gap + head), x - way * (gap + tail)
        rim = 1.5
        for grow, fill in ((rim, _HALO), (0.0, (*CAP, 255))):
            width = max(1, round((3 + 2 * grow) * _FINE))
            self._fine.line([(end * _FINE, y * _FINE), (base * _FINE, y * _FINE)], fill=fill, width=width)
            corners = [(near + way * grow, y), (base - way * grow, y - 0.3 * size_px - grow)]
            corners.append((base - way * grow, y + 0.3 * size_px + grow))
            self._fine.polygon([(a * _FINE, b * _FINE) for a, b in corners], fill=fill)
        self.letter((end - way * 0.55 * size_px, y), letter, size_px=size_px, colour=CAP)

    def letter_box(self, centre: Point, colour: Colour, size_px: int) -> None:
        """A rounded patch behind a letter, so that it reads on white."""
        x, y = centre
        half = 0.62 * size_px
        box = [(x - half) * _FINE, (y - half) * _FINE, (x + half) * _FINE, (y + half) * _FINE]
        self._fine.rounded_rectangle(box, radius=4 * _FINE, fill=(*colour, 255))

    def scale_bar(self, px_per_mm: float, *, length_mm: float, size_px: int) -> None:
        """A bar with a tick each millimetre (or each tenth of it) in the lower left corner, and its length."""
        x0, y0 = 0.6 * size_px, self.picture.height - 0.6 * size_px
        tick_mm = 1.0 if px_per_mm >= 4 else length_mm / 10 if length_mm > 10 else length_mm / 5
        for rim, colour, width in ((1.2, (0, 0, 0), 4.4), (0.0, (255, 255, 255), 2.0)):
            self.line([(x0 - rim, y0), (x0 + length_mm * px_per_mm + rim, y0)], colour, width)
            for k in range(round(length_mm / tick_mm) + 1):
                x = x0 + k * tick_mm * px_per_mm
                tall = 0.5 if k * tick_mm in (0.0, length_mm) else 0.38 if (k * tick_mm) % 5 == 0 else 0.25
                self.line([(x, y0 + rim), (x, y0 - tall * size_px - rim)], colour, width)
        middle = x0 + length_mm * px_per_mm / 2
        white = (255, 255, 255)
        self.text((middle, y0 - 0.65 * size_px), f"{length_mm:g} mm", size_px=size_px, colour=white, anchor="mb")

    def flatten(self) -> Image.Image:
        """The picture with everything on it."""
        layer = self._layer.reduce(_FINE)
        self.picture.paste(layer.convert("RGB"), (0, 0), layer.getchannel("A"))
        draw = ImageDraw.Draw(self.picture)
        for at, words, face, colour, anchor, rim in self._text:
            draw.text(
                at, words, fill=colour, font=face, anchor=anchor, stroke_width=2 if rim else 0, stroke_fill=(0, 0, 0)
            )
        return self.picture
