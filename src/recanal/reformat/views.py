"""The pictures of one lesion, cut out of the volume in patient space."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import Contours
from recanal.core.reformat import Overlay, Reformat
from recanal.core.volume import Volume
from recanal.errors import GeometryError
from recanal.reformat.borders import border_overlays, inside_picture
from recanal.reformat.curved import THRESHOLDS_HU, cross_section, straighten, stretch
from recanal.reformat.sampling import Plane, sample_mm, sample_plane, slab_mip
from recanal.reformat.space import VesselSpace

__all__ = ["SECTION_TITLES", "VesselSpace", "lesion_views", "sample_mm", "straighten", "stretch"]

_Array = NDArray[np.float64]
SECTION_TITLES = {
    "proximal_reference": "Proximal reference",
    "proximal_cap": "Proximal cap",
    "most_calcified": "Most calcified",
    "middle": "Middle",
    "distal_cap": "Distal cap",
    "distal_reference": "Distal reference",
    "narrowest": "Narrowest lumen",
}
_CONTEXT_MM = 30.0
_AXIAL_MM = 50.0
_SLAB_MM = 10.0
_MARGIN_MM = 20.0


def lesion_views(
    volume: Volume,
    contours: Contours,
    *,
    proximal_cap_mm: float | None,
    distal_cap_mm: float | None,
    sections: Mapping[str, float],
    thresholds_hu: tuple[float, float, float, float] = THRESHOLDS_HU,
) -> tuple[Reformat, ...]:
    """Every picture of one lesion.

    Parameters
    ----------
    volume
        Read in place; nothing is copied.
    contours
        Borders along the vessel.
    proximal_cap_mm, distal_cap_mm
        Arc lengths along ``contours.line``; both None for an open vessel, which has no caps.
    sections
        Arc length of each wanted cross-section, by name, such as ``"middle"``.
    thresholds_hu
        Lower ends of the four composition bins.

    Returns
    -------
    views
        ``axial_proximal_cap``, ``axial_distal_cap`` (with caps only), ``cross_section_<name>``, ``straightened_000``,
        ``straightened_090``, ``stretched``, ``mpr`` and ``mip``. The curved ones reach 30 mm beyond the caps, or to
        the end of the vessel.

    Raises
    ------
    GeometryError
        When one cap is missing, the caps are not in order, or a position lies off the vessel.
    """
    caps = _checked_caps(contours, proximal_cap_mm, distal_cap_mm)
    length = contours.line.length_mm
    span = (0.0, length) if caps is None else (max(0.0, caps[0] - _CONTEXT_MM), min(length, caps[1] + _CONTEXT_MM))
    views = [] if caps is None else _axial_views(volume, contours, caps)
    for name, where in sections.items():
        if not -1e-6 <= where <= length + 1e-6:
            raise GeometryError(f"Section {name} must lie on the vessel, [0, {length:.1f}] mm, got {where} mm.")
        cut = cross_section(volume, contours, where, caps_mm=caps, thresholds_hu=thresholds_hu)
        title = SECTION_TITLES.get(name, name.replace("_", " ").capitalize())
        views.append(dataclasses.replace(cut, name=f"cross_section_{name}", title=title))
    views += [
        straighten(volume, contours, rotation_deg=turn, span_mm=span, caps_mm=caps, thresholds_hu=thresholds_hu)
        for turn in (0.0, 90.0)
    ]
    views.append(stretch(volume, contours, span_mm=span, caps_mm=caps))
    return (*views, *_plane_views(volume, contours, caps))


def _checked_caps(contours: Contours, proximal: float | None, distal: float | None) -> tuple[float, float] | None:
    if proximal is None and distal is None:
        return None
    length = contours.line.length_mm
    if proximal is None or distal is None or not -1e-6 <= proximal < distal <= length + 1e-6:
        raise GeometryError(
            f"The caps must lie on the vessel, [0, {length:.1f}] mm, proximal first, got {proximal} and {distal} mm.",
            hint="Give both caps, or neither for an open vessel.",
        )
    return max(0.0, proximal), min(length, distal)


def _overlays(
    contours: Contours, plane: Plane, caps_mm: tuple[float, float] | None, *, borders: bool = True
) -> tuple[Overlay, ...]:
    """Borders, axis and caps on a plane; the axis and the caps are projected onto it."""
    axis = plane.pixels(contours.line.resample(0.5).points_mm)
    out = [Overlay("centerline", part) for part in inside_picture(axis, plane.shape) if len(part) > 1]
    for role, cap in zip(("proximal_cap", "distal_cap"), caps_mm or (), strict=False):
        spot = plane.pixels(contours.line.at(cap))
        out += [Overlay(role, part) for part in inside_picture(spot, plane.shape)]
    return (*(border_overlays(contours, plane) if borders else ()), *out)


def _axial_views(volume: Volume, contours: Contours, caps_mm: tuple[float, float]) -> list[Reformat]:
    """Axial planes through the caps, the patient's right on the left of the picture, the front on top."""
    views = []
    for which, cap in zip(("proximal", "distal"), caps_mm, strict=True):
        centre = contours.line.at(cap)[0]
        plane = Plane.around(centre, (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), size_mm=(_AXIAL_MM, _AXIAL_MM), pixel_mm=0.2)
        spot = Overlay(f"{which}_cap", plane.pixels(centre))
        overlays = (*border_overlays(contours, plane), spot)
        hu = sample_plane(volume, plane)
        title = f"Axial, {which} cap"
        views.append(Reformat("axial", f"axial_{which}_cap", title, hu, (0.2, 0.2), overlays, **plane.directions))
    return views


def _plane_views(volume: Volume, contours: Contours, caps_mm: tuple[float, float] | None) -> list[Reformat]:
    plane = _fitted_plane(contours, caps_mm)
    pixel = (plane.pixel_mm, plane.pixel_mm)
    flat = sample_plane(volume, plane)
    thick = slab_mip(volume, plane, thickness_mm=_SLAB_MM)
    drawn, projected = _overlays(contours, plane, caps_mm), _overlays(contours, plane, caps_mm, borders=False)
    return [
        Reformat("mpr", "mpr", "MPR, plane of the vessel", flat, pixel, drawn, **plane.directions),
        Reformat("mip", "mip", f"MIP, {_SLAB_MM:g} mm slab", thick, pixel, projected, **plane.directions),
    ]


def _fitted_plane(contours: Contours, caps_mm: tuple[float, float] | None) -> Plane:
    """The plane nearest to the occluded stretch, by least squares, the proximal end on top.

    A stretch that bends less than 0.1 mm does not define a plane: then the neighbouring 20 mm are fitted too, and if
    these are straight as well the plane is turned as near to the coronal one as it will go.
    """
    length = contours.line.length_mm
    start, end = (0.0, length) if caps_mm is None else caps_mm
    stretch_mm = contours.line.at(np.linspace(start, end, 200))
    wider = contours.line.at(np.linspace(max(0.0, start - _MARGIN_MM), min(length, end + _MARGIN_MM), 400))
    centre, rows, spread = stretch_mm.mean(0), np.eye(3), np.zeros(3)
    for points in (stretch_mm, wider):
        _, spread, rows = np.linalg.svd(points - centre, full_matrices=False)
        if spread[1] / np.sqrt(len(points)) > 0.1:
            break
    down = rows[0] * (1.0 if rows[0] @ (stretch_mm[-1] - stretch_mm[0]) >= 0 else -1.0)
    if spread[1] / np.sqrt(len(wider)) > 0.1:
        right = rows[1] * (1.0 if rows[1][int(np.argmax(np.abs(rows[1])))] > 0 else -1.0)
    else:
        flat = np.eye(3)[0] if abs(down[0]) < 0.9 else np.eye(3)[2]
        right = flat - (flat @ down) * down
        right = right / np.linalg.norm(right)
    reach = (stretch_mm - centre) @ down
    size = float(np.ptp(reach)) + 2 * _MARGIN_MM
    middle = centre + down * (reach.max() + reach.min()) / 2
    return Plane.around(
        middle, down, right, size_mm=(size, max(40.0, min(0.7 * size, 100.0))), pixel_mm=max(0.25, size / 400)
    )
