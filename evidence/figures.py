"""The pictures of the accuracy page."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.agreement import bland_altman, wilson
from evidence.judge import INTERVALS, named, values_of

__all__ = ["draw_all"]

Row = dict[str, Any]
SHAPES = ("blunt", "tapered", "ambiguous")
INK, MUTED, BAND = "#1f4e79", "#8a8f98", "#e4ecf5"


def draw_all(rows: Sequence[Row]) -> dict[str, bytes]:
    """PNG pictures by file name."""
    pictures: dict[str, Callable[[Axes], None]] = {
        "agreement_length.png": lambda ax: _agreement(ax, rows, ("length_mm", "occlusion length, mm")),
        "agreement_plaque.png": lambda ax: _agreement(ax, rows, ("plaque_mm3", "plaque volume, mm$^3$")),
        "error_by_noise.png": lambda ax: _by_noise(ax, rows),
        "diameter.png": lambda ax: _diameter(ax, rows),
        "centreline.png": lambda ax: _centreline(ax, rows),
        "intervals.png": lambda ax: _intervals(ax, rows),
        "cap_shape.png": lambda ax: _shapes(ax, rows),
    }
    return {name: _png(draw) for name, draw in pictures.items()}


def _png(draw: Callable[[Axes], None]) -> bytes:
    figure: Figure
    with plt.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(figsize=(6.0, 3.6), layout="constrained")
        draw(axes)
        out = io.BytesIO()
        figure.savefig(out, dpi=120, metadata={"Software": None})
        plt.close(figure)
    return out.getvalue()


def _agreement(ax: Axes, rows: Sequence[Row], quantity: tuple[str, str]) -> None:
    key, name = quantity
    some = [row for row in rows if row.get(f"{key}_error") is not None]
    if not some:
        return
    error = np.array([row[f"{key}_error"] for row in some])
    mean = np.array([(row[key] + row[f"{key}_true"]) / 2 for row in some])
    limits = bland_altman(error)
    ax.axhspan(limits.low, limits.high, color=BAND)
    ax.axhline(0, color=MUTED, lw=0.8)
    ax.axhline(limits.bias, color=INK, lw=1.2)
    ax.scatter(mean, error, s=16, color=INK, alpha=0.75, linewidths=0)
    ax.set_xlabel(f"mean of truth and measurement: {name}")
    ax.set_ylabel("measured minus true")
    ax.set_title(f"bias {limits.bias:+.2f}, limits of agreement {limits.low:+.2f} to {limits.high:+.2f}", fontsize=9)


def _by_noise(ax: Axes, rows: Sequence[Row]) -> None:
    for filling, colour in (("good", INK), ("weak", "#d07a1f")):
        some = [r for r in rows if r.get("length_mm_error") is not None and r["filling"] == filling]
        noise = [row["noise_hu"] for row in some]
        error = [abs(row["length_mm_error"]) for row in some]
        ax.scatter(noise, error, s=16, color=colour, alpha=0.8, linewidths=0, label=f"{filling} distal filling")
    ax.axhline(0.8, color=MUTED, lw=0.8, ls="--")
    ax.set_yscale("symlog", linthresh=1.0)
    ax.set_yticks([0, 0.5, 1, 2, 5, 10, 20, 50], ["0", "0.5", "1", "2", "5", "10", "20", "50"])
    worst = float(np.abs(values_of(rows, named("length_mm_error"))).max(initial=1.0))
    ax.set_ylim(0.0, 1.2 * worst)
    ax.set_xlabel("noise, HU")
    ax.set_ylabel("absolute error of the length, mm")
    ax.legend(frameon=False)


def _diameter(ax: Axes, rows: Sequence[Row]) -> None:
    some = [row for row in rows if row.get("diameter_bias_mm") is not None]
    if not some:
        return
    true = np.array([row["diameter_true_mm"] for row in some])
    found = true + np.array([row["diameter_bias_mm"] for row in some])
    dots = ax.scatter(true, found, s=18, c=[row["lumen_hu"] for row in some], cmap="viridis", linewidths=0)
    ends = [min(true.min(), found.min()) - 0.1, max(true.max(), found.max()) + 0.1]
    ax.plot(ends, ends, color=MUTED, lw=0.8)
    ax.set_xlabel("true lumen diameter, mean over the open vessel, mm")
    ax.set_ylabel("measured, mm")
    ax.figure.colorbar(dots, ax=ax, label="contrast, HU")


def _centreline(ax: Axes, rows: Sequence[Row]) -> None:
    edges = np.linspace(0, 1, 26).tolist()
    for column, name, colour in (("centre_open_mm", "open", INK), ("centre_gap_mm", "inside gaps", "#d07a1f")):
        values = values_of(rows, named(column))
        beyond = int((values >= 1).sum())
        label = f"{name} (n = {len(values)}, {beyond} at 1 mm or more)"
        ax.hist(np.minimum(values, 0.999), edges, color=colour, alpha=0.65, label=label)
    ax.set_xlabel("mean distance from the true axis, mm (the last bin holds all larger ones)")
    ax.set_ylabel("cases")
    ax.legend(frameon=False)


def _intervals(ax: Axes, rows: Sequence[Row]) -> None:
    names, shares, low, high = [], [], [], []
    for key, name in INTERVALS:
        held = [bool(row[f"{key}_in"]) for row in rows if row.get(f"{key}_in") is not None]
        if held:
            bounds = wilson(sum(held), len(held))
            share = sum(held) / len(held)
            names.append(name)
            shares.append(100 * share)
            low.append(100 * max(0.0, share - bounds[0]))
            high.append(100 * max(0.0, bounds[1] - share))
    ax.axvspan(90, 98, color=BAND)
    ax.barh(names, shares, color=INK, alpha=0.75, height=0.6)
    ax.errorbar(shares, names, xerr=[low, high], fmt="none", ecolor="black", elinewidth=0.8, capsize=2)
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel("intervals that hold the truth, %")
    ax.set_title("band: asked; whiskers: 95 % interval of the share", fontsize=9)


def _shapes(ax: Axes, rows: Sequence[Row]) -> None:
    found = (*SHAPES, "no answer")
    table = np.zeros((len(SHAPES), len(found)), dtype=int)
    for row in rows:
        if row["occluded_true"] and row.get("shape_true") in SHAPES:
            answer = row.get("shape") if row.get("shape") in SHAPES else "no answer"
            table[SHAPES.index(row["shape_true"]), found.index(str(answer))] += 1
    ax.imshow(table, cmap="Blues", vmin=0, aspect="auto")
    for i, j in np.ndindex(table.shape):
        ax.text(
            j, i, str(table[i, j]), ha="center", va="center", color="white" if table[i, j] > table.max() / 2 else INK
        )
    ax.set_xticks(range(len(found)), found)
    ax.set_yticks(range(len(SHAPES)), SHAPES)
    ax.set_xlabel("found")
    ax.set_ylabel("true shape of the proximal cap")
