"""Where the lumen and the outer wall cross a plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import Contours
from recanal.core.reformat import Overlay
from recanal.reformat.sampling import Plane

__all__ = ["border_overlays", "inside_picture"]

_Array = NDArray[np.float64]
_Edge = tuple[int, int, int]
_NO_LUMEN_MM = 0.05


def _surface_mm(contours: Contours, *, outer: bool) -> _Array:
    """(n, m + 1, 3) border points, the last ray repeating the first."""
    radius = contours.wall_radius_mm if outer else contours.lumen_radius_mm
    angle = contours.angles_rad
    ray = (
        np.cos(angle)[None, :, None] * contours.normals[:, None]
        + np.sin(angle)[None, :, None] * contours.binormals[:, None]
    )
    points = contours.line.points_mm[:, None] + radius[..., None] * ray
    return np.concatenate([points, points[:, :1]], axis=1)


def _cell_links(above: NDArray[np.bool_], usable: NDArray[np.bool_], rays: int) -> dict[_Edge, list[_Edge]]:
    """Which crossed edges of the section-by-ray grid share a cell.

    An edge is (kind, section, ray): kind 0 runs along the vessel, kind 1 around it; ray counts wrap.
    """
    corner = above[:-1, :-1].astype(int) + above[1:, :-1] + above[:-1, 1:] + above[1:, 1:]
    cells = np.argwhere((corner > 0) & (corner < 4) & usable[:-1, None] & usable[1:, None])
    links: dict[_Edge, list[_Edge]] = {}
    for i, k in cells.tolist():
        crossed: list[_Edge] = []
        if above[i, k] != above[i, k + 1]:
            crossed.append((1, i, k))
        if above[i, k + 1] != above[i + 1, k + 1]:
            crossed.append((0, i, (k + 1) % rays))
        if above[i + 1, k] != above[i + 1, k + 1]:
            crossed.append((1, i + 1, k))
        if above[i, k] != above[i + 1, k]:
            crossed.append((0, i, k))
        for a, b in zip(crossed[::2], crossed[1::2], strict=True):
            links.setdefault(a, []).append(b)
            links.setdefault(b, []).append(a)
    return links


def _chains(links: dict[_Edge, list[_Edge]]) -> list[list[_Edge]]:
    """Edges in walking order: open chains from their ends first, then closed ones (first edge repeated)."""
    ends = [edge for edge, others in links.items() if len(others) == 1]
    seen: set[_Edge] = set()
    chains: list[list[_Edge]] = []
    for start in [*ends, *links]:
        if start in seen:
            continue
        chain = [start]
        seen.add(start)
        while following := [edge for edge in links[chain[-1]] if edge not in seen]:
            chain.append(following[0])
            seen.add(following[0])
        if len(chain) > 2 and start in links[chain[-1]]:
            chain.append(start)
        chains.append(chain)
    return chains


def inside_picture(line: _Array, shape: tuple[int, int]) -> list[_Array]:
    """The stretches of an (n, 2) pixel polyline that lie within a picture of ``shape``."""
    upper = np.asarray(shape) - 1
    inside = ((line >= 0) & (line <= upper)).all(axis=1) & np.isfinite(line).all(axis=1)
    cuts = np.flatnonzero(np.diff(inside.astype(int))) + 1
    return [part for part, keep in zip(np.split(line, cuts), np.split(inside, cuts), strict=True) if keep[0]]


def border_overlays(contours: Contours, plane: Plane) -> tuple[Overlay, ...]:
    """Polylines along which the outer wall and the lumen cross a plane.

    Parameters
    ----------
    contours
        The borders as surfaces between their sections; stretches without a lumen are left out.
    plane
        The picture.

    Returns
    -------
    overlays
        Roles ``"wall"`` and ``"lumen"``, cut to the picture.
    """
    out: list[Overlay] = []
    for role, outer in (("wall", True), ("lumen", False)):
        surface = _surface_mm(contours, outer=outer)
        height = plane.height_mm(surface)
        usable = np.ones(len(surface), bool) if outer else contours.lumen_radius_mm.max(axis=1) > _NO_LUMEN_MM
        rays = surface.shape[1] - 1
        for chain in _chains(_cell_links(height > 0, usable, rays)):
            line = plane.pixels(_crossings(surface, height, chain))
            out += [Overlay(role, part) for part in inside_picture(line, plane.shape) if len(part) > 1]
    return tuple(out)


def _crossings(surface: _Array, height: _Array, chain: list[_Edge]) -> _Array:
    """(len(chain), 3) points where the edges meet the plane."""
    kind, section, ray = np.array(chain).T
    first = (section, ray)
    second = (section + (kind == 0), ray + (kind == 1))
    share = (height[first] / (height[first] - height[second]))[:, None]
    return np.asarray((1 - share) * surface[first] + share * surface[second])
