"""A path put on the axis of the vessel it follows."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Centerline
from recanal.imaging.cap_calcium import CALCIUM_MARGIN_HU
from recanal.imaging.caps import find_gaps
from recanal.imaging.edges import circle_fit, falling_edge, steady
from recanal.imaging.lumen_level import lumen_level
from recanal.imaging.sample import Block
from recanal.imaging.sections import RING_MM, Sections, cut_sections, smooth_line

__all__ = ["FAT_EDGE_HU", "STEP_MM", "TISSUE_HU", "centred", "extended", "open_share"]

STEP_MM = 0.5
TISSUE_HU = 60.0
FAT_EDGE_HU = -12.0
WALL_MM = 0.45
CALCIUM_CORE_MM = 0.4


def open_share(core_hu: NDArray[np.float64], level_hu: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) how far the core stands above tissue, 1 at the lumen level, smoothly limited to [0, 1]."""
    share = (core_hu - TISSUE_HU) / np.maximum(level_hu - TISSUE_HU, 40.0)
    return np.clip((share - 0.35) / 0.3, 0.0, 1.0)


def _shift(sections: Sections, level_hu: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) move to the axis: of the lumen where ``share`` is 1, of the outer wall where it is 0."""
    hu = steady(sections.hu, along_mm=0.5, step_mm=sections.step_mm)
    level = (level_hu + TISSUE_HU) / 2
    lumen = falling_edge(hu, level[:, None], limit_mm=2.8)
    lumen = np.where(_calcified(hu, lumen, level_hu), np.nan, lumen)
    wall = falling_edge(hu, FAT_EDGE_HU, start_mm=0.5, limit_mm=3.0)
    lumen_size = _typical(np.nanmedian(np.where(np.isnan(lumen), 2.8, lumen), axis=1), share > 0.5, sections.step_mm)
    wall_size = _typical(np.nanmedian(np.where(np.isnan(wall), 3.0, wall), axis=1), share < 0.5, sections.step_mm)
    wall_size = np.minimum(wall_size, lumen_size + 2 * WALL_MM)
    open_move, _ = circle_fit(lumen, lumen_size, prior_sd_mm=0.3, shift_sd_mm=0.6)
    shut_move, _ = circle_fit(wall, wall_size, prior_sd_mm=0.15, shift_sd_mm=0.6)
    return np.asarray(share[:, None] * open_move + (1 - share[:, None]) * shut_move)


def _calcified(
    hu: NDArray[np.float32], edge_mm: NDArray[np.float64], level_hu: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n, m) rays with something well brighter than the lumen before its edge, which is then not the lumen's."""
    out = np.empty(edge_mm.shape, dtype=bool)
    _brighter(hu, np.nan_to_num(edge_mm, nan=2.8), level_hu + CALCIUM_MARGIN_HU, out)
    return out


@numba.njit(cache=True, nogil=True)
def _brighter(hu, edge_mm, level_hu, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Whether a ray rises above a level before its edge."""
    for n in range(out.shape[0]):
        for m in range(out.shape[1]):
            out[n, m] = False
            for ring in range(hu.shape[2]):
                if ring * RING_MM > edge_mm[n, m]:
                    break
                if hu[n, m, ring] > level_hu[n]:
                    out[n, m] = True
                    break


def _core_share(sections: Sections, level_hu: NDArray[np.float64]) -> NDArray[np.float64]:
    core = ndimage.gaussian_filter1d(sections.core_hu(0.4), 0.6 / sections.step_mm, mode="nearest")
    return open_share(core, level_hu)


def _not_calcium(core_hu: NDArray[np.float64], level_hu: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) 1 up to the lumen level, 0 where the core is brighter by the margin of calcium."""
    return np.clip(2.0 - 2.0 * (core_hu - level_hu) / CALCIUM_MARGIN_HU, 0.0, 1.0)


def _gap_share(sections: Sections, levels_hu: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lumen level and openness from the gaps: 0 inside them, rising over a millimetre at each cap."""
    lumen = lumen_level(sections, levels_hu)
    share = np.ones(len(lumen.level_hu))
    arc = sections.line.arc_mm
    for gap in find_gaps(sections, lumen):
        inside = np.minimum(arc - gap.start_mm, gap.end_mm - arc)
        share = np.minimum(share, np.clip(0.5 - inside, 0.0, 1.0))
    return lumen.level_hu, share


def _typical(size: NDArray[np.float64], valid: NDArray[np.bool_], step_mm: float) -> NDArray[np.float64]:
    """A radius carried smoothly along the vessel, from the sections where it is valid."""
    if not valid.any():
        return np.full(len(size), 1.6)
    where = np.arange(len(size))
    carried = np.interp(where, where[valid], np.clip(size[valid], 0.6, 2.6))
    return np.asarray(ndimage.gaussian_filter1d(ndimage.median_filter(carried, 5), 2.0 / step_mm, mode="nearest"))


def centred(
    block: Block, path_mm: NDArray[np.float64], levels_hu: tuple[float, float], *, rounds: int = 6
) -> Centerline:
    """The axis of the vessel along a path: lumen centre where open, centre of the outer wall where closed.

    Parameters
    ----------
    block
        Fine voxels around the path.
    path_mm
        (n, 3) coarse path, within about 1.5 mm of the axis.
    levels_hu
        Lumen level at the proximal and at the distal end.

    Notes
    -----
    Where calcium once stood on the axis, the outer wall leads in every later round: calcium draws no axis to itself.
    """
    line = smooth_line(path_mm, step_mm=STEP_MM, sigma_mm=1.5)
    plain = np.ones(2)
    for turn in range(rounds):
        sections = cut_sections(block, line, reach_mm=3.4)
        if turn < 2:
            n = len(line.points_mm)
            level = np.where(np.arange(n) < n / 2, levels_hu[0], levels_hu[1])
            share = _core_share(sections, level)
        else:
            level, share = _gap_share(sections, levels_hu)
        plain = np.interp(np.linspace(0, 1, len(share)), np.linspace(0, 1, len(plain)), plain)
        plain = np.minimum(plain, _not_calcium(sections.core_hu(CALCIUM_CORE_MM), level))
        share = share * plain
        move = _shift(sections, level, share)
        size = np.linalg.norm(move, axis=1, keepdims=True)
        move *= np.minimum(1.0, 0.6 / np.maximum(size, 1e-9))
        move = ndimage.gaussian_filter1d(move, 0.8 / sections.step_mm, axis=0, mode="nearest")
        points = line.points_mm + move[:, :1] * sections.normals + move[:, 1:] * sections.binormals
        line = smooth_line(points, step_mm=STEP_MM, sigma_mm=1.0 if turn < rounds - 1 else 0.5)
    return line


def extended(block: Block, line: Centerline, levels_hu: tuple[float, float], *, reach_mm: float) -> Centerline:
    """The axis carried on beyond both ends, as far as the lumen stays open, at most ``reach_mm``.

    Parameters
    ----------
    levels_hu
        Lumen level at the proximal and at the distal end.
    """
    points = line.points_mm
    points = _onward(block, points, levels_hu[1], reach_mm)
    return Centerline(_onward(block, points[::-1], levels_hu[0], reach_mm)[::-1])


def _onward(block: Block, points: NDArray[np.float64], level_hu: float, reach_mm: float) -> NDArray[np.float64]:
    """The polyline with open lumen added at its last end, a few millimetres at a time."""
    added, piece = 0.0, 2.0
    while added < reach_mm:
        ahead = points[-1] - points[-min(len(points), 7)]
        ahead = ahead / np.linalg.norm(ahead)
        more = points[-1] + np.arange(STEP_MM, piece + 1e-9, STEP_MM)[:, None] * ahead
        tail = np.concatenate([points[-10:], more])
        for _ in range(3):
            sections = cut_sections(block, Centerline(tail), reach_mm=3.4)
            level = np.full(len(tail), level_hu)
            share = _core_share(sections, level)
            move = _shift(sections, level, share)
            move = ndimage.gaussian_filter1d(move, 1.0, axis=0, mode="nearest")
            move[: -len(more)] = 0.0
            tail = tail + move[:, :1] * sections.normals + move[:, 1:] * sections.binormals
        fresh = tail[-len(more) :]
        wide = np.median(np.nan_to_num(falling_edge(sections.hu, (level_hu + TISSUE_HU) / 2), nan=3.4), axis=1)
        good = (share[-len(more) :] > 0.6) & (wide[-len(more) :] < 2.9)
        keep = len(good) if good.all() else int(np.argmin(good))
        points = np.concatenate([points, fresh[:keep]])
        added += keep * STEP_MM
        if keep < len(good):
            break
    return points
