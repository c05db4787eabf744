"""Pictures in which no coronary arteries are searched for."""

from __future__ import annotations

from recanal.anatomy.tree import CoronaryTree
from recanal.core.volume import Volume
from recanal.quality.blood import too_coarse

__all__ = ["unsearched"]

REASON = (
    "the arteries were not searched for, the picture being sampled too coarsely: give the series with thinner slices"
)


def unsearched(volume: Volume) -> CoronaryTree | None:
    """An empty tree with its reason where the sampling alone makes the picture not usable; None elsewhere.

    The search takes minutes on such a picture, and what it found would not be trusted.

    Parameters
    ----------
    volume
        The CT angiogram; its voxels are not looked at.
    """
    return CoronaryTree(None, None, doubts=(REASON,)) if too_coarse(volume) else None
