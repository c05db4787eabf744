"""One artery ready to be graded: its axis, and where it is not to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from recanal.core.curves import Centerline

__all__ = ["Course"]


@dataclass(frozen=True, eq=False)
class Course:
    """The axis of one artery.

    Parameters
    ----------
    name, vessel
        Such as ``"D1"`` and ``"LAD"``.
    line
        From the aorta, or from the axis of the artery that it leaves, to its tip; LPS mm.
    start_mm
        Arc length at which the vessel is free of the aorta or of its parent; nothing before it is graded.
    forks_mm
        Arc lengths of the forks at which its calibre may fall in a step, the end of the left main above all.
    closed_mm
        Stretches (start, end) without contrast; they are occlusions and are not graded here.
    stretches
        (start in mm, end in mm, name) of the named segments along it, such as ``(0.0, 12.5, "LM")``.
    parent
        Index of the course that it leaves, or None; the contrast at its origin is taken from there.
    parent_mm
        Arc length on the parent.
    """

    name: str
    vessel: str
    line: Centerline
    start_mm: float
    forks_mm: tuple[float, ...] = ()
    closed_mm: tuple[tuple[float, float], ...] = ()
    stretches: tuple[tuple[float, float, str], ...] = ()
    parent: int | None = None
    parent_mm: float = 0.0

    def segment_at(self, position_mm: float) -> str:
        """Name of the segment at an arc length; that of the course where none is named."""
        return next((name for start, end, name in self.stretches if start <= position_mm <= end), self.name)
