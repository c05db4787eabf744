"""Other groupings of the columns of a table that may have been tested in place of the printed ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from recanal.audit.rows import Merge
from recanal.errors import TableError

__all__ = ["contiguous_merges", "merge_text", "merged", "parse_merge"]


def parse_merge(text: str, names: Sequence[str]) -> Merge:
    """A merge written as ``simple | medium | difficult + extreme``.

    Raises
    ------
    TableError
        When a name is not that of a group, or occurs twice, or fewer than two columns remain.

    Examples
    --------
    >>> parse_merge("a | b + c", ["a", "b", "c"])
    ((0,), (1, 2))
    """
    blocks = [[name.strip() for name in block.split("+")] for block in text.split("|")]
    flat = [name for block in blocks for name in block]
    unknown = [name for name in flat if name not in names]
    if unknown or len(set(flat)) < len(flat) or len(blocks) < 2:
        what = f"knows no group {unknown[0]!r}" if unknown else "must name each group once, in two or more columns"
        raise TableError(f"The merge {text!r} {what}.", hint=f"The groups are: {', '.join(names)}.")
    places = {name: place for place, name in enumerate(names)}
    return tuple(tuple(places[name] for name in block) for block in blocks)


def contiguous_merges(group_count: int) -> tuple[Merge, ...]:
    """Every way to join neighbouring columns, with all columns kept or one left out at either end.

    Two columns or more remain; the printed columns themselves are not among them.

    Examples
    --------
    >>> [len(contiguous_merges(n)) for n in (2, 3, 4, 5)]
    [0, 4, 12, 28]
    """
    kept = [range(group_count)]
    if group_count >= 3:
        kept += [range(group_count - 1), range(1, group_count)]
    merges = [merge for columns in kept for merge in _partitions(tuple(columns))]
    plain = tuple((column,) for column in range(group_count))
    return tuple(merge for merge in merges if merge != plain)


def merged(counts: NDArray[np.float64], merge: Merge) -> NDArray[np.float64]:
    """A table of counts with its columns joined, empty rows and columns left out."""
    joined: NDArray[np.float64] = np.stack([counts[:, list(block)].sum(axis=1) for block in merge], axis=1)
    joined = joined[joined.sum(axis=1) > 0]
    if len(joined):
        joined = joined[:, joined.sum(axis=0) > 0]
    return joined


def merge_text(merge: Merge, names: Sequence[str]) -> str:
    """A merge in words.

    Examples
    --------
    >>> merge_text(((0,), (1, 2)), ["a", "b", "c"])
    'a | b + c'
    """
    return " | ".join(" + ".join(names[place] for place in block) for block in merge)


def _partitions(columns: tuple[int, ...]) -> list[Merge]:
    found: list[Merge] = []
    for cuts_count in range(1, len(columns)):
        for cuts in combinations(range(1, len(columns)), cuts_count):
            ends = (0, *cuts, len(columns))
            found.append(tuple(columns[start:end] for start, end in pairwise(ends)))
    return found
