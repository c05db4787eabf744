"""Figures of a study, drawn from their numbers as SVG, PDF and PNG."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from recanal.core.study import StudyFigure, StudySeries

__all__ = ["FIGURE_FORMATS", "study_figure"]

FIGURE_FORMATS = ("svg", "pdf", "png")
# Okabe and Ito's colours, told apart by readers with colour blindness, dark ones first.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
_INK = "#222222"
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "recanal",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
}
_ROUND_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def study_figure(figure: StudyFigure) -> dict[str, bytes]:
    r"""A figure in each of :data:`FIGURE_FORMATS`; the same bytes for the same numbers.

    Examples
    --------
    >>> line = StudySeries("score", (0.0, 0.2, 1.0), (0.0, 0.7, 1.0))
    >>> shown = StudyFigure("roc", "ROC", "curves", "1 - specificity", "sensitivity", (line,), unit_square=True)
    >>> sorted(study_figure(shown)), study_figure(shown)["png"][:4]
    (['pdf', 'png', 'svg'], b'\x89PNG')
    """
    with rc_context(_SETTINGS):
        page = Figure(figsize=_size_inch(figure), layout="constrained")
        FigureCanvasAgg(page)
        _DRAWERS[figure.kind](page.add_subplot(), figure)
        out = {}
        for kind in FIGURE_FORMATS:
            buffer = io.BytesIO()
            page.savefig(buffer, format=kind, dpi=200, metadata=_METADATA[kind])
            out[kind] = buffer.getvalue()
    return out


_METADATA: Mapping[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def _size_inch(figure: StudyFigure) -> tuple[float, float]:
    if figure.kind == "forest":
        return 7.2, 1.1 + 0.3 * max(len(series.x_value) for series in figure.series) * len(figure.series)
    return (4.6, 4.5) if figure.unit_square else (6.2, 4.0)


def _axes(axes: Axes, figure: StudyFigure) -> None:
    axes.set_xlabel(figure.across)
    axes.set_ylabel(figure.up)
    for line in figure.lines:
        axes.axhline(line.value, color="#555555", linewidth=0.9, linestyle="--" if line.dashed else "-")
        if line.label:
            axes.annotate(
                line.label, (1, line.value), xycoords=("axes fraction", "data"), xytext=(3, 0),
                textcoords="offset points", fontsize=7.5, va="center", annotation_clip=False,
            )  # fmt: skip


def _curves(axes: Axes, figure: StudyFigure) -> None:
    if figure.unit_square:
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
        axes.set_xlim(-0.01, 1.01)
        axes.set_aspect("equal")
    if figure.unit_square or figure.shares_up:
        axes.set_ylim(-0.01, 1.02)
    for number, series in enumerate(figure.series):
        colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
        style = "steps-post" if series.step else "default"
        axes.plot(
            series.x_value, series.y_value, color=colour, linewidth=1.5, linestyle=dash, label=series.label,
            drawstyle=style, marker="o" if len(series.x_value) <= 12 and not series.step else "", markersize=4,
        )  # fmt: skip
        if series.low_value:
            axes.fill_between(
                series.x_value, series.low_value, series.high_value, color=colour, alpha=0.15, linewidth=0,
                step="post" if series.step else None,
            )  # fmt: skip
    _axes(axes, figure)
    if any(series.label for series in figure.series):
        axes.legend(frameon=False, fontsize=8, loc="lower right" if figure.unit_square else "best")


def _strata(axes: Axes, figure: StudyFigure) -> None:
    width = 0.8 / len(figure.series)
    for number, series in enumerate(figure.series):
        where = np.arange(len(series.x_value)) + (number - (len(figure.series) - 1) / 2) * width
        share = np.array(series.y_value)
        axes.bar(
            where, share, width=0.92 * width, color=_COLOURS[number % len(_COLOURS)], alpha=0.75, label=series.label
        )
        if series.low_value:
            below = np.maximum(share - np.array(series.low_value), 0)
            above = np.maximum(np.array(series.high_value) - share, 0)
            axes.errorbar(where, share, yerr=[below, above], fmt="none", ecolor=_INK, elinewidth=1, capsize=3)
    first = figure.series[0]
    axes.set_xticks(np.arange(len(first.x_value)), first.point_labels or [f"{value:g}" for value in first.x_value])
    axes.set_ylim(0, 1.05 if figure.shares_up else None)
    if figure.shares_up:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    _axes(axes, figure)
    if len(figure.series) > 1:
        axes.legend(frameon=False, fontsize=8)


def _differences(axes: Axes, figure: StudyFigure) -> None:
    for number, series in enumerate(figure.series):
        axes.scatter(
            series.x_value, series.y_value, s=12, color=_COLOURS[number], alpha=0.7, linewidths=0, label=series.label
        )
    _axes(axes, figure)


def _forest(axes: Axes, figure: StudyFigure) -> None:
    """Ratios on a logarithmic axis, row by row from the top, with their numbers at the right."""
    count = len(figure.series)
    rows = figure.series[0].point_labels
    for number, series in enumerate(figure.series):
        up = -(np.arange(len(series.x_value)) + (number - (count - 1) / 2) * 0.34)
        _ratios(axes, series, up, _COLOURS[number % len(_COLOURS)], "s" if number % 2 == 0 else "D")
    axes.axvline(1, color=_INK, linewidth=0.8)
    axes.set_xscale("log")
    values = np.array([value for series in figure.series for value in (*series.low_value, *series.high_value)])
    inside = values[np.isfinite(values) & (values > 0)]
    low, high = max(min(inside.min(), 1) / 1.06, 0.01), min(max(inside.max(), 1) * 1.06, 100)
    axes.set_xlim(low, high)
    _ratio_ticks(axes, low, high)
    axes.set_yticks(-np.arange(len(rows)), rows)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(figure.across)
    if count > 1:
        axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=count)


def _ratios(axes: Axes, series: StudySeries, up: np.ndarray, colour: str, mark: str) -> None:
    value, low, high = (np.array(part) for part in (series.x_value, series.low_value, series.high_value))
    shown = np.clip(value, 0.01, 100)
    error = [np.maximum(shown - np.clip(low, 0.01, None), 0), np.maximum(np.clip(high, None, 100) - shown, 0)]
    axes.errorbar(
        shown, up, xerr=error, fmt=mark, color=colour, ecolor=colour, markersize=5, elinewidth=1.3, capsize=2.5,
        label=series.label,
    )  # fmt: skip
    for place, text in enumerate(series.value_labels):
        axes.annotate(
            text, (1, up[place]), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
            va="center", fontsize=8, color=colour, annotation_clip=False,
        )  # fmt: skip


def _ratio_ticks(axes: Axes, low: float, high: float) -> None:
    inside = [tick for tick in _ROUND_RATIOS if low <= tick <= high]
    if len(inside) < 3:
        step = next(step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1) if (high - low) / step <= 8)
        inside = [float(tick) for tick in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]
    axes.xaxis.set_major_locator(FixedLocator(inside))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


_DRAWERS: Mapping[str, Callable[[Axes, StudyFigure], None]] = {
    "curves": _curves,
    "strata": _strata,
    "differences": _differences,
    "forest": _forest,
}
