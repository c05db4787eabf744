"""The C-arm views as pictures: a simulated angiogram each, and a map of foreshortening over the angles."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from recanal.core.projection import AngleMap, Projection, SimulatedAngiogram
from recanal.report.canvas import Canvas, png_bytes
from recanal.report.orientation import edge_letters, opposite
from recanal.report.palette import CAP_DARK, LUMEN, figure_name, hex_colour

__all__ = ["angiogram_png", "angle_figures", "angle_map_png"]

_SIZE_PX, _TEXT_PX, _MAP_PX, _DPI = 440, 28, (560, 440), 254
_WHITE, _INK = (255, 255, 255), "#20242c"
_FIXED = (255, 214, 0)
# attenuation per mm in the picture: water far weaker than in the room, contrast weaker too, so that both stay readable
_WATER, _OTHERS, _TARGET = 0.008, 0.2, 0.55
_MOST_OTHERS = 0.7  # so that a vessel that runs along the beam does not look like the target
_BRIGHT, _BONE_EDGE_MM = 225.0, 8.0
_STEPS_PERCENT = (2.0, 5.0, 10.0, 20.0, 40.0)


def angle_figures(lesion_id: str, angiograms: Sequence[SimulatedAngiogram], angle_map: AngleMap) -> dict[str, bytes]:
    """PNG pictures of the views of one lesion, by relative file name.

    Returns
    -------
    figures
        ``figures/<lesion>_view_1.png``, ``..._view_2.png`` and ``..._angles.png``.
    """
    out = {figure_name(lesion_id, f"view_{k}"): angiogram_png(a) for k, a in enumerate(angiograms, start=1)}
    views = [angiogram.projection for angiogram in angiograms]
    return {**out, figure_name(lesion_id, "angles"): angle_map_png(angle_map, views)}


def _light(angiogram: SimulatedAngiogram) -> NDArray[np.uint8]:
    """Grey values: dark where much lies in the beam."""
    tissue = angiogram.tissue_mm - np.percentile(angiogram.tissue_mm, 2)
    others = _MOST_OTHERS * (1 - np.exp(-_OTHERS * angiogram.vessels_mm / _MOST_OTHERS))
    path = _WATER * tissue + others + _TARGET * angiogram.target_mm
    return np.asarray(np.clip(_BRIGHT * np.exp(-np.maximum(path, -0.1)), 0, 255), dtype=np.uint8)


def _bone_edge(angiogram: SimulatedAngiogram) -> NDArray[np.bool_]:
    inside = angiogram.bone_mm > _BONE_EDGE_MM
    edge = np.zeros_like(inside)
    edge[1:, :] |= inside[1:, :] != inside[:-1, :]
    edge[:, 1:] |= inside[:, 1:] != inside[:, :-1]
    return edge


def angiogram_png(angiogram: SimulatedAngiogram) -> bytes:
    """One view as the monitor would show it.

    Open lumen of the occluded vessel dark, its occlusion a dashed line between P and D, other opacified vessels faint,
    outline of bone light. In the corners the view and a ruler; at the edges where they lie in the patient.

    Returns
    -------
    png
        440 pixels square.
    """
    light = _light(angiogram)
    picture = np.repeat(light[:, :, None], 3, axis=2)
    edge = _bone_edge(angiogram)
    picture[edge] = (0.6 * picture[edge] + 0.4 * 255).astype(np.uint8)
    size = (_SIZE_PX, _SIZE_PX)
    canvas = Canvas(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    scale = _SIZE_PX / light.shape[1]
    for overlay in angiogram.overlays:
        xy = (overlay.row_column[:, ::-1] + 0.5) * scale
        if overlay.role == "occlusion":
            canvas.dashes(xy, (0, 0, 0), 4.0)
            canvas.dashes(xy, _FIXED, 2.2)
        else:
            x, y = xy[0].tolist()
            letter = "P" if overlay.role == "proximal_cap" else "D"
            canvas.arrow((x, y), letter, size_px=_TEXT_PX, towards_right=_from_left(angiogram, overlay.role))
    canvas.scale_bar(scale / angiogram.pixel_mm, length_mm=20.0, size_px=_TEXT_PX)
    canvas.text((10, 10), angiogram.projection.name, size_px=_TEXT_PX, colour=_WHITE, anchor="lt")
    _letters(canvas, angiogram)
    return png_bytes(canvas.flatten())


def _from_left(angiogram: SimulatedAngiogram, role: str) -> bool:
    """Whether a cap's arrow comes from the left: from the side where the occlusion is not."""
    column = {overlay.role: overlay.row_column[:, 1] for overlay in angiogram.overlays}
    return bool(column[role][0] <= np.median(column["occlusion"]))


def _letters(canvas: Canvas, angiogram: SimulatedAngiogram) -> None:
    """Where the edges lie; the lower one keeps clear of the ruler."""
    right, up = edge_letters(angiogram.right_direction), edge_letters(angiogram.up_direction)
    places = (
        (right, (_SIZE_PX - 8, _SIZE_PX / 2), "rm"),
        (opposite(right), (8, _SIZE_PX / 2), "lm"),
        (up, (0.82 * _SIZE_PX, 10), "mt"),
        (opposite(up), (0.68 * _SIZE_PX, _SIZE_PX - 8), "mb"),
    )
    for words, at, anchor in places:
        canvas.text(at, words, size_px=_TEXT_PX, colour=_WHITE, anchor=anchor)


def angle_map_png(angle_map: AngleMap, views: Sequence[Projection]) -> bytes:
    """Foreshortening over the range of the C-arm, with the views marked 1 and 2.

    Returns
    -------
    png
        560 x 440 pixels; RAO on the left, cranial up.
    """
    figure = Figure(figsize=(_MAP_PX[0] / _DPI, _MAP_PX[1] / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.15, 0.13, 0.79, 0.76))
    primary, secondary = angle_map.rao_lao_deg, angle_map.cra_cau_deg
    shades = LinearSegmentedColormap.from_list("short", ["#f4f8fb", "#7fb2d3", "#12344d"])
    percent = angle_map.foreshortening_percent.T
    if min(percent.shape) > 1:
        axes.pcolormesh(primary, secondary, percent, cmap=shades, vmin=0, vmax=50, shading="nearest")
        steps = [step for step in _STEPS_PERCENT if percent.min() < step < percent.max()]
        if steps:
            lines = axes.contour(primary, secondary, percent, levels=steps, colors=_INK, linewidths=0.4)
            axes.clabel(lines, fmt="%g %%", fontsize=5, inline_spacing=1)
    for number, view in enumerate(views, start=1):
        _mark(axes, view, str(number))
    _name_axes(axes, angle_map)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _mark(axes: Axes, view: Projection, number: str) -> None:
    axes.plot(
        view.rao_lao_deg, view.cra_cau_deg, marker="o", markersize=7.5, markeredgewidth=0.8,
        markerfacecolor=hex_colour(LUMEN), markeredgecolor=hex_colour(CAP_DARK), clip_on=False, zorder=5,
    )  # fmt: skip
    axes.text(
        view.rao_lao_deg, view.cra_cau_deg, number, fontsize=5.5, fontweight="bold", color=_INK,
        ha="center", va="center_baseline", zorder=6,
    )  # fmt: skip


def _name_axes(axes: Axes, angle_map: AngleMap) -> None:
    for low, high, names, which in (
        (angle_map.rao_lao_deg[0], angle_map.rao_lao_deg[-1], ("RAO", "LAO"), axes.xaxis),
        (angle_map.cra_cau_deg[0], angle_map.cra_cau_deg[-1], ("CAU", "CRA"), axes.yaxis),
    ):
        ticks = [tick for tick in range(-180, 181, 20) if low <= tick <= high]
        words = [f"{names[tick > 0]} {abs(tick)}" if tick else "0" for tick in ticks]
        which.set_ticks(ticks, labels=words)
    axes.tick_params(labelsize=5, width=0.4, length=2, pad=1.5, colors=_INK)
    axes.spines[:].set_linewidth(0.4)
    axes.set_title("Foreshortening", fontsize=6, color=_INK, pad=6)
