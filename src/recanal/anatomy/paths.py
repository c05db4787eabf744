"""Paths from an ostium to a tip, across the branches that they run through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recanal.anatomy.branches import Branch
from recanal.core.curves import arc_mm

__all__ = ["Link", "Path", "path_to", "paths_of"]


@dataclass(frozen=True)
class Link:
    """The part of a path that lies on one branch, from its start to ``end_mm``; ``offset_mm`` is the path before it."""

    branch: int
    end_mm: float
    offset_mm: float


@dataclass(frozen=True, eq=False)
class Path:
    """A way from an ostium to the tip of a branch.

    Parameters
    ----------
    links
        The branches, proximal first.
    points_mm
        (n, 3).
    """

    links: tuple[Link, ...]
    points_mm: NDArray[np.float64]

    @cached_property
    def arc_mm(self) -> NDArray[np.float64]:
        """(n,) arc length."""
        return arc_mm(self.points_mm)

    @property
    def steps_mm(self) -> NDArray[np.float64]:
        """(n - 1,) lengths of the pieces."""
        return np.diff(self.arc_mm)

    @property
    def length_mm(self) -> float:
        """Whole length."""
        return float(self.arc_mm[-1])

    def shared_mm(self, other: Path) -> float:
        """Length of the common beginning of two paths."""
        for mine, theirs in zip(self.links, other.links, strict=False):
            if mine.branch != theirs.branch:
                return mine.offset_mm
            if mine.end_mm != theirs.end_mm:
                return mine.offset_mm + min(mine.end_mm, theirs.end_mm)
        last = min(len(self.links), len(other.links)) - 1
        return self.links[last].offset_mm + min(self.links[last].end_mm, other.links[last].end_mm)

    def leaving(self, branches: list[Branch]) -> list[tuple[int, float]]:
        """Branches that leave the path, with the arc length on it, proximal first."""
        own = {link.branch for link in self.links}
        out = [
            (k, link.offset_mm + branch.parent_mm)
            for k, branch in enumerate(branches)
            for link in self.links
            if k not in own and branch.parent == link.branch and branch.parent_mm <= link.end_mm
        ]
        return sorted(out, key=lambda item: item[1])


def path_to(branches: list[Branch], tip: int) -> Path:
    """The path from the ostium to the end of a branch."""
    chain, end = [(tip, branches[tip].line.length_mm)], branches[tip]
    while end.parent >= 0:
        chain.append((end.parent, end.parent_mm))
        end = branches[end.parent]
    chain = chain[::-1]
    links, points, offset = [], [], 0.0
    for k, (index, end_mm) in enumerate(chain):
        line, arc = branches[index].line, branches[index].arc_mm
        keep = line.points_mm[arc < end_mm - 1e-6]
        points.append(line.points_mm if k == len(chain) - 1 else keep)
        links.append(Link(index, end_mm, offset))
        offset += end_mm
    return Path(tuple(links), np.concatenate(points))


def paths_of(branches: list[Branch]) -> list[Path]:
    """One path per branch."""
    return [path_to(branches, k) for k in range(len(branches))]
