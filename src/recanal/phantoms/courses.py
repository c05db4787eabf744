"""Where the main arteries run over the heart, how wide they are and where they branch, for each dominance.

Calibres follow Dodge JT, et al. Circulation 1992;86:232-246, doi:10.1161/01.CIR.86.1.232 (normal men: left main
4.5 +- 0.5 mm, proximal LAD 3.7 +- 0.4 mm tapering to 1.9 +- 0.4 mm; proximal RCA 3.9 +- 0.6 mm and proximal circumflex
3.4 +- 0.5 mm in right dominance, 2.8 +- 0.5 mm and 4.2 +- 0.6 mm in left dominance).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RAMUS_COURSE", "Anatomy", "anatomy_of"]

Course = tuple[tuple[float, float], ...]
Ends = tuple[float, float, float]
Spot = tuple[str, float, float]

_RCA: Course = (
    *((64, -6), (82, -5), (104, -4), (124, -4), (144, -3)),
    *((160, 2), (167, 14), (168, 30), (169, 46), (170, 60)),
)
_LAD: Course = ((-4, 2), (8, 14), (14, 28), (15, 43), (14, 58), (12, 71))
_LCX: Course = ((-58, -4), (-75, -4), (-94, -4), (-114, -3), (-130, 3), (-138, 15), (-141, 29), (-142, 43), (-142, 55))
_RCA_LEFT: Course = ((64, -6), (82, -5), (104, -4), (124, -4), (140, -3), (150, -2))
_LCX_LEFT: Course = (
    *((-58, -4), (-75, -4), (-94, -4), (-114, -4), (-134, -4), (-154, -4), (-172, -3)),
    *((-186, 3), (-192, 14), (-192, 30), (-191, 45), (-190, 58)),
)
_LCX_CO: Course = (
    *((-58, -4), (-75, -4), (-94, -4), (-114, -4), (-134, -4)),
    *((-149, 2), (-157, 13), (-159, 28), (-160, 42), (-160, 53)),
)
RAMUS_COURSE: Course = ((-30, 2), (-36, 13), (-39, 26), (-41, 39))
"""Angle in degrees and distance from the base of a ramus, between LAD and circumflex."""

_RCA_BRANCHES: tuple[Spot, ...] = (("conus", 14.0, 1.0), ("rv marginal", 42.0, 1.0), ("acute marginal", 68.0, 1.0))
_LAD_BRANCHES: tuple[Spot, ...] = (
    ("d1", 30.0, -1.0),
    ("d2", 55.0, -1.0),
    ("septal", 38.0, 0.0),
    ("septal 2", 60.0, 0.0),
)
_LCX_BRANCHES: tuple[Spot, ...] = (("om1", 36.0, -1.0), ("om2", 62.0, -1.0), ("om3", 86.0, -1.0))


@dataclass(frozen=True)
class Anatomy:
    """The plan of a coronary tree, by main artery (RCA, LAD, LCX, in the order in which they are drawn).

    Parameters
    ----------
    courses
        Control points: angle around the heart in degrees (0 superior, 90 right, 180 inferior) and distance from the
        base towards the apex in millimetres of an average heart.
    ends_mm
        Lumen diameter at the ostium, at a distance from it, and that distance.
    branches
        Name, arc length at the origin in millimetres, and side: +1 or -1 over the surface, 0 into the septum.
    """

    courses: dict[str, Course]
    ends_mm: dict[str, Ends]
    branches: dict[str, tuple[Spot, ...]]


def anatomy_of(dominance: str) -> Anatomy:
    """The plan of a right (``"right"``), left (``"left"``) or co-dominant (``"co"``) tree.

    Notes
    -----
    Right: the RCA gives the posterior descending artery and posterolateral branches. Left: the circumflex gives both.
    Co-dominant: the RCA gives the posterior descending artery, the circumflex the posterolateral branches (SCCT
    guideline, Leipsic 2014, doi:10.1016/j.jcct.2014.07.003).
    """
    if dominance == "left":
        return Anatomy(
            {"RCA": _RCA_LEFT, "LAD": _LAD, "LCX": _LCX_LEFT},
            {"RCA": (2.8, 1.5, 95.0), "LAD": (3.8, 1.9, 120.0), "LCX": (4.2, 1.9, 190.0)},
            {"RCA": _RCA_BRANCHES, "LAD": _LAD_BRANCHES, "LCX": _LCX_BRANCHES},
        )
    lcx, width = (_LCX_CO, (3.8, 1.8, 150.0)) if dominance == "co" else (_LCX, (3.5, 1.7, 120.0))
    rca = _RCA_BRANCHES if dominance == "co" else (*_RCA_BRANCHES, ("pl", 104.0, -1.0))
    return Anatomy(
        {"RCA": _RCA, "LAD": _LAD, "LCX": lcx},
        {"RCA": (3.9, 2.0, 150.0), "LAD": (3.8, 1.9, 120.0), "LCX": width},
        {"RCA": rca, "LAD": _LAD_BRANCHES, "LCX": _LCX_BRANCHES},
    )
