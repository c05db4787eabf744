"""How good a picture is, as a grade with its reasons."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LEVELS", "QualityGrade"]

LEVELS = ("excellent", "good", "adequate", "not usable")


@dataclass(frozen=True)
class QualityGrade:
    """A grade, what it rests on, and why it is not better.

    Parameters
    ----------
    level
        One of :data:`LEVELS`: the worst of its parts.
    parts
        Level of every part that could be measured, by name.
    reasons
        Why it is not excellent, worst first.
    edge_sigma_mm
        Gaussian width of edges between blood and muscle in the most blurred direction.
    smear_mm
        Path of motion that would explain why one direction is more blurred than another.
    step_mm
        Largest displacement between neighbouring slices.
    slice_mm
        Slice thickness, or the distance between slices where that is larger.
    metal_mm3
        Volume brighter than any calcium.
    cut
        Sides on which the heart leaves the volume.
    """

    level: str
    parts: dict[str, str]
    reasons: tuple[str, ...]
    edge_sigma_mm: float | None = None
    smear_mm: float | None = None
    step_mm: float | None = None
    slice_mm: float | None = None
    metal_mm3: float = 0.0
    cut: tuple[str, ...] = ()
