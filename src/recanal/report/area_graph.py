"""Lumen area, vessel area and composition along the vessel, as in Figures 2, 5 and 6 of Xing 2022."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from recanal.core.case import COMPONENTS, Profile
from recanal.report.palette import CAP_DARK, COMPONENT_COLOURS, COMPONENT_NAMES, LUMEN, WALL, hex_colour
from recanal.report.strip import LEFT_PX, RIGHT_PX, WIDTH_PX, Axis

__all__ = ["area_graph_png", "profile_axis"]

_HEIGHT_PX, _DPI = 440, 254
_TOP_PX, _FOOT_PX = 66, 94
_INK = "#20242c"


def profile_axis(profile: Profile) -> Axis | None:
    """The axis of a profile that has no straightened picture beside it; None without positions."""
    position = np.asarray(profile.position_mm, dtype=np.float64)
    position = position[np.isfinite(position)]
    return (
        Axis(float(position.min()), float(position.max()), 0.0, ())
        if len(position) > 1 and np.ptp(position) > 0
        else None
    )


def _series(values: tuple[float, ...], position: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """A column of the profile as an array, or None when it was not measured."""
    column = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return column if len(column) == len(position) and np.isfinite(column).any() else None


def area_graph_png(profile: Profile, axis: Axis) -> bytes:
    """The area graph, on the same millimetre axis and of the same width as the straightened pictures.

    Parameters
    ----------
    profile
        Areas by position; what was not measured is left out.
    axis
        What to show, and where the caps are.

    Returns
    -------
    png
        1820 pixels wide.
    """
    figure = Figure(figsize=(WIDTH_PX / _DPI, _HEIGHT_PX / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    box = (LEFT_PX / WIDTH_PX, _FOOT_PX / _HEIGHT_PX, (WIDTH_PX - LEFT_PX - RIGHT_PX) / WIDTH_PX)
    axes = figure.add_axes((*box, 1 - (_FOOT_PX + _TOP_PX) / _HEIGHT_PX), facecolor="#dde2e8")
    top = _draw(axes, profile)
    axes.set_xlim(axis.start_mm, axis.end_mm)
    axes.set_ylim(0, max(1.0, 1.12 * top))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_xticks(axis.ticks_mm(axis.step_mm))
    if axis.px_per_mm >= 5:
        axes.set_xticks(axis.ticks_mm(1.0), minor=True)
    where = "proximal cap" if axis.caps_mm else "proximal end"
    axes.set_xlabel(f"mm along the vessel from the {where}", fontsize=7.7, labelpad=1.5, color=_INK)
    axes.set_ylabel("area, mm²", fontsize=7.7, labelpad=2, color=_INK)
    axes.tick_params(labelsize=7.6, width=0.5, length=2.2, pad=1.5, colors=_INK)
    axes.tick_params(which="minor", width=0.3, length=1.2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_linewidth(0.5)
    for letter, cap in zip("PD", axis.caps_mm, strict=False):
        axes.axvline(cap, color=hex_colour(CAP_DARK), linewidth=0.9, dashes=(3, 2))
        axes.annotate(
            letter, (cap, 1), xycoords=("data", "axes fraction"), xytext=(2.2, -7), textcoords="offset points",
            fontsize=7.7, fontweight="bold", color=hex_colour(CAP_DARK),
        )  # fmt: skip
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=6, fontsize=7.6, frameon=False, handlelength=1.3,
        handletextpad=0.45, columnspacing=1.3, borderaxespad=0.1, labelcolor=_INK,
    )  # fmt: skip
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw(axes: Axes, profile: Profile) -> float:
    """Draw the areas and return the largest."""
    position = np.asarray(profile.position_mm, dtype=np.float64)
    top = 0.0
    base = np.zeros(len(position))
    lumen = _series(profile.lumen_area_mm2, position)
    if lumen is not None:
        axes.fill_between(
            position, 0, lumen, facecolor=hex_colour(LUMEN), edgecolor="#8a7400", linewidth=0.5, label="Lumen"
        )
        top = max(top, float(np.nanmax(lumen)))
        base = np.nan_to_num(lumen)
    for name in COMPONENTS:
        part = _series(getattr(profile, f"{name}_mm2"), position)
        if part is None or not (part > 0).any():
            continue
        upper = base + np.nan_to_num(part)
        axes.fill_between(
            position, base, upper, where=(part > 0), facecolor=hex_colour(COMPONENT_COLOURS[name]),
            edgecolor=_INK, linewidth=0.25, label=COMPONENT_NAMES[name],
        )  # fmt: skip
        base, top = upper, max(top, float(upper.max()))
    vessel = _series(profile.vessel_area_mm2, position)
    if vessel is not None:
        axes.plot(position, vessel, color=hex_colour(WALL), linewidth=1.3, label="Vessel (outer wall)")
        top = max(top, float(np.nanmax(vessel)))
    return top
