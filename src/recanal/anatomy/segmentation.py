"""What a segmenter is handed, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.errors import GeometryError

__all__ = ["COVERS", "Segmenter", "VesselLines", "VesselMask"]

COVERS = ("lumen", "vessel")


@dataclass(frozen=True, eq=False)
class VesselMask:
    """The coronary arteries as voxels of the volume.

    Parameters
    ----------
    inside
        (a, b, c) bool, on the grid of the volume: same shape, same axis order.
    covers
        ``"lumen"``: the contrast alone, so that the radii of the mask are lumen radii; ``"vessel"``: wall and plaque
        as well, so that lumen radii are measured on the picture.
    flags
        What a reader of the result must know.

    Raises
    ------
    GeometryError
        When the mask has not three axes, or ``covers`` is another word.
    """

    inside: NDArray[np.bool_]
    covers: str = "lumen"
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        inside = np.asarray(self.inside)
        if inside.ndim != 3 or inside.dtype != np.bool_:
            raise GeometryError(f"A mask is bool with three axes, got {inside.dtype} of shape {inside.shape}.")
        if self.covers not in COVERS:
            raise GeometryError(f"A mask covers {' or '.join(COVERS)}, got {self.covers!r}.")
        inside = inside.view()
        inside.setflags(write=False)
        object.__setattr__(self, "inside", inside)


@dataclass(frozen=True, eq=False)
class VesselLines:
    """The coronary arteries as axes, each from proximal to distal.

    Parameters
    ----------
    lines
        Axes in LPS millimetres.
    radius_mm
        (n,) lumen radius at each point of each line; None for a line whose radii are not known.
    flags
        What a reader of the result must know.

    Raises
    ------
    GeometryError
        When there are not as many lists of radii as lines, or one does not fit its line.
    """

    lines: tuple[Centerline, ...]
    radius_mm: tuple[NDArray[np.float64] | None, ...]
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.lines) != len(self.radius_mm):
            raise GeometryError(f"{len(self.lines)} lines and {len(self.radius_mm)} lists of radii do not match.")
        radii: list[NDArray[np.float64] | None] = []
        for line, given in zip(self.lines, self.radius_mm, strict=True):
            radius = None if given is None else np.array(given, dtype=np.float64)
            if radius is not None:
                if radius.shape != (len(line.points_mm),) or not np.isfinite(radius).all() or radius.min() < 0:
                    raise GeometryError(
                        f"Radii are finite, not negative and one per point: {len(line.points_mm)} points, "
                        f"radii of shape {radius.shape}."
                    )
                radius.setflags(write=False)
            radii.append(radius)
        object.__setattr__(self, "radius_mm", tuple(radii))


class Segmenter(Protocol):
    """A way to find the coronary arteries of a CT angiogram.

    An entry point of the group ``recanal.segmenters`` names a callable that takes the text behind ``NAME=`` on the
    command line (None without one) and gives an object of this kind.
    """

    @property
    def name(self) -> str:
        """What ``case.json`` calls it."""

    @property
    def version(self) -> str:
        """Of the segmenter and, where it has weights, of these."""

    def segment(self, volume: Volume, *, progress: Callable[[str], None]) -> VesselMask | VesselLines:
        """The arteries of a volume.

        Parameters
        ----------
        volume
            The CT angiogram; it must not be changed.
        progress
            Called with a few words before each long step.

        Raises
        ------
        InputError
            When it cannot work on this volume, or lacks something; with a hint on what to do.
        """
