"""The picture a view would give, from the CT."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.angiography.beams import detector_axes
from recanal.angiography.scene import BONE, GRID_MM, VESSEL, Scene
from recanal.core.curves import Contours
from recanal.core.projection import Projection, SimulatedAngiogram
from recanal.core.reformat import Overlay

__all__ = ["simulate"]

ToPixels = Callable[[NDArray[np.float64]], NDArray[np.float64]]

FIELD_MM = 110.0
PIXEL_MM = 0.5
UNENHANCED_HU = 60.0
_FINE = round(GRID_MM / PIXEL_MM)
_RIM = 3  # cells around the field, so that its edge is whole
_RINGS = (np.arange(6) + 0.5) / 6
_SMOOTH_CELLS = 0.6  # the cells of the CT grid must not show in the picture


@numba.njit(cache=True, nogil=True)
def _splat(hu, codes, others, frame, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Path through tissue, bone and vessels in each pixel; ``frame`` maps grid index to row and column."""
    rows, columns = out.shape[1], out.shape[2]
    for a in range(hu.shape[0]):
        for b in range(hu.shape[1]):
            for c in range(hu.shape[2]):
                row = frame[0, 0] * a + frame[0, 1] * b + frame[0, 2] * c + frame[0, 3]
                column = frame[1, 0] * a + frame[1, 1] * b + frame[1, 2] * c + frame[1, 3]
                if row < 0.0 or column < 0.0 or row >= rows - 1 or column >= columns - 1:
                    continue
                bone = codes[a, b, c] & BONE
                level = hu[a, b, c] if bone else min(hu[a, b, c], UNENHANCED_HU)
                tissue = max(0.0, 1.0 + 0.001 * level)
                r, q = int(row), int(column)
                u, v = row - r, column - q
                for dr in range(2):
                    for dq in range(2):
                        weight = (u if dr else 1.0 - u) * (v if dq else 1.0 - v)
                        out[0, r + dr, q + dq] += weight * tissue
                        if bone:
                            out[1, r + dr, q + dq] += weight
                        if others[a, b, c] & VESSEL:
                            out[2, r + dr, q + dq] += weight


def simulate(
    projection: Projection,
    curve_mm: NDArray[np.float64],
    contours: Contours,
    *,
    scene: Scene,
    others: Scene,
) -> SimulatedAngiogram:
    """What the monitor would show of an occlusion in one view.

    Parameters
    ----------
    projection
        The view.
    curve_mm
        (n, 3) axis of the occlusion.
    contours
        The occluded vessel; its lumen is drawn where it is open.
    scene, others
        The surroundings with, and without, the vessel itself.

    Notes
    -----
    Beams are parallel: there is no magnification and no scatter. A field of 110 mm around the middle of the occlusion.
    Contrast in chambers and vessels is replaced by 60 HU in the tissue picture, since a selective injection does not
    fill them.
    """
    right, up = detector_axes(projection.rao_lao_deg, projection.cra_cau_deg)
    middle = curve_mm[len(curve_mm) // 2]
    cells = round(FIELD_MM / GRID_MM)
    paths = np.zeros((3, cells + 2 * _RIM, cells + 2 * _RIM), dtype=np.float32)
    plane = np.stack([-up, right])
    half = (cells - 1) / 2 + _RIM
    start = scene.affine.matrix[:3, 3] - middle
    frame = np.column_stack([plane, plane @ start / GRID_MM + half])
    _splat(scene.hu, scene.codes, others.codes, frame, paths)
    paths = np.float32(GRID_MM) * paths
    smooth = [_enlarged(path) for path in paths]

    def pixels(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((points_mm - middle) @ plane.T / PIXEL_MM + (cells * _FINE - 1) / 2)

    where = pixels(curve_mm)
    return SimulatedAngiogram(
        projection=projection,
        tissue_mm=smooth[0],
        bone_mm=smooth[1],
        vessels_mm=smooth[2],
        target_mm=_lumen_mm(contours, pixels, cells * _FINE),
        pixel_mm=PIXEL_MM,
        overlays=(
            Overlay("occlusion", where),
            Overlay("proximal_cap", where[:1]),
            Overlay("distal_cap", where[-1:]),
        ),
        right_direction=(float(right[0]), float(right[1]), float(right[2])),
        up_direction=(float(up[0]), float(up[1]), float(up[2])),
    )


def _enlarged(path: NDArray[np.float32]) -> NDArray[np.float32]:
    """A path per cell on the pixels of the picture, without the rim."""
    fine = np.repeat(np.repeat(ndimage.gaussian_filter(path, _SMOOTH_CELLS), _FINE, 0), _FINE, 1)
    rim = _RIM * _FINE
    return np.asarray(ndimage.uniform_filter(fine, _FINE + 1)[rim:-rim, rim:-rim])


def _lumen_mm(contours: Contours, pixels: ToPixels, size: int) -> NDArray[np.float32]:
    """Path through the open lumen in each pixel, from its volume."""
    radius = contours.lumen_radius_mm
    angle = contours.angles_rad
    rays = np.cos(angle)[:, None] * contours.normals[:, None] + np.sin(angle)[:, None] * contours.binormals[:, None]
    shift = radius[..., None, None] * _RINGS[:, None] * rays[:, :, None, :]
    points = (contours.line.points_mm[:, None, None] + shift).reshape(-1, 3)
    thick = np.gradient(contours.line.arc_mm)[:, None, None]
    ring = (radius**2)[..., None] * _RINGS * (1.0 / len(_RINGS)) * (2 * np.pi / radius.shape[1])
    weight = (thick * ring).ravel() / PIXEL_MM**2
    place = pixels(points)
    edges = np.arange(size + 1) - 0.5
    found, _, _ = np.histogram2d(place[:, 0], place[:, 1], bins=(edges, edges), weights=weight)
    return np.asarray(ndimage.gaussian_filter(found, 0.9), dtype=np.float32)
