"""Where in the patient the edges of a picture lie: A, P, L, R, H, F."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["edge_letters", "opposite"]

_AXES = (("L", "R"), ("P", "A"), ("H", "F"))
_SECOND_SHARE = 0.4
_TURNED = str.maketrans("LRPAHF", "RLAPFH")


def edge_letters(direction: Sequence[float]) -> str:
    """The letters of the edge that a direction points at.

    Parameters
    ----------
    direction
        (3,) unit vector in LPS.

    Returns
    -------
    letters
        The main one first, and a second one where the direction runs at least 0.4 (24 degrees) along its axis.

    Notes
    -----
    Letters and their order follow Patient Orientation, DICOM PS3.3 C.7.6.1.1.1: right, left, anterior, posterior, head,
    foot, the most important first. A third letter is left out, for it does not fit a small picture.

    >>> edge_letters((0.0, -1.0, 0.0)), edge_letters((0.6, 0.1, -0.8))
    ('A', 'FL')
    """
    first, second, _ = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    kept = (first, second) if abs(direction[second]) >= _SECOND_SHARE else (first,)
    return "".join(_AXES[axis][0 if direction[axis] >= 0 else 1] for axis in kept)


def opposite(letters: str) -> str:
    """The letters of the other edge.

    >>> opposite("FL")
    'HR'
    """
    return letters.translate(_TURNED)
