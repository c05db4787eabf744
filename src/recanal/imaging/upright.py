"""The same vessel, whichever way the patient lay: work along the axes of the volume, and turn back what was found."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import Centerline, Contours
from recanal.core.volume import Affine, Volume
from recanal.imaging.borders import Borders
from recanal.imaging.bridge import Bridge
from recanal.imaging.sample import Block
from recanal.imaging.sections import Sections

__all__ = ["posture", "turned_block", "turned_borders", "turned_bridge", "turned_sections", "turned_volume"]

EVEN = 1e-9


def posture(affine: Affine) -> NDArray[np.float64] | None:
    """The rotation that takes the LPS axes to those of a volume, each to the nearest; None where they are the same.

    Parameters
    ----------
    affine
        Of the volume; where its axes are not at right angles, those that lie closest to them count.

    Returns
    -------
    (3, 3) or None
        Not one that turns an axis around or exchanges two: how the voxels are stored makes no difference.

    Notes
    -----
    The closest rotation follows from the singular values (Kabsch W. Acta Crystallogr A 1976;32:922,
    doi:10.1107/S0567739476001873).
    """
    axes = affine.matrix[:3, :3] / np.asarray(affine.spacing_mm)
    order = max(permutations(range(3)), key=lambda one: float(np.abs(axes[range(3), one]).sum()))
    axes = axes[:, order]
    axes = axes * np.sign(np.diag(axes))
    left, _, right = np.linalg.svd(axes)
    turn = np.asarray(left @ right)
    if np.linalg.det(turn) < 0 or np.abs(turn - np.eye(3)).max() < EVEN:
        return None
    return turn


def turned_volume(volume: Volume, turn: NDArray[np.float64]) -> Volume:
    """The volume with its place and its axes turned by a rotation (3, 3); the voxels are shared."""
    return Volume(volume.hu, _turned(volume.affine, turn), volume.meta)


def turned_block(block: Block, turn: NDArray[np.float64]) -> Block:
    """The block turned by a rotation (3, 3)."""
    return Block(block.hu, _turned(block.affine, turn))


def turned_sections(sections: Sections, turn: NDArray[np.float64]) -> Sections:
    """The cross-sections turned by a rotation (3, 3)."""
    normals, binormals = sections.normals @ turn.T, sections.binormals @ turn.T
    return Sections(_line(sections.line, turn), normals, binormals, sections.hu)


def turned_borders(borders: Borders, turn: NDArray[np.float64], line: Centerline) -> Borders:
    """The contours turned by a rotation (3, 3); ``line`` is the turned axis."""
    flat = borders.contours
    contours = Contours(
        line,
        flat.normals @ turn.T,
        flat.binormals @ turn.T,
        flat.lumen_radius_mm,
        flat.wall_radius_mm,
        flat.wall_seen,
    )
    return replace(borders, contours=contours)


def turned_bridge(bridge: Bridge, turn: NDArray[np.float64]) -> Bridge:
    """The judgement of a gap, its other way turned by a rotation (3, 3)."""
    return replace(bridge, rival_mm=bridge.rival_mm @ turn.T)


def _line(line: Centerline, turn: NDArray[np.float64]) -> Centerline:
    return Centerline(line.points_mm @ turn.T)


def _turned(affine: Affine, turn: NDArray[np.float64]) -> Affine:
    matrix = affine.matrix.copy()
    matrix[:3] = turn @ matrix[:3]
    return Affine(matrix)
