"""The parts that a section of the report is made of; page and PDF know how to set each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["PLACES", "Block", "Section", "bullets", "fold", "heading", "pictures", "steps", "table", "text"]

PLACES = ("views", "plan", "record")
"""Where a section may stand: after the pictures of the lesions, after the scores, or after all that in the record."""

Block = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A part of the report that stands where there is something to say.

    Parameters
    ----------
    place
        One of ``PLACES``.
    title
        Its heading.
    blocks
        What it holds, made by the functions of this module.
    printed
        What the PDF prints instead, short enough for two pages in all; None to print the same. Every number of it
        stands in ``blocks`` too.

    Examples
    --------
    >>> section = Section("plan", "Crossing plan", (text("In short."), steps([("Wire", "the cap is tapered")])))
    >>> [block["kind"] for block in section.blocks]
    ['text', 'steps']
    """

    place: str
    title: str
    blocks: tuple[Block, ...]
    printed: tuple[Block, ...] | None = None


def text(words: str, *, soft: bool = False, warn: bool = False) -> Block:
    """A paragraph; ``soft`` for a remark, ``warn`` for what must not be overlooked."""
    return {"kind": "text", "words": words, "tone": "warn" if warn else "soft" if soft else "plain"}


def heading(words: str) -> Block:
    """A heading within the section."""
    return {"kind": "heading", "words": words}


def bullets(rows: Sequence[str]) -> Block:
    """A list."""
    return {"kind": "bullets", "rows": list(rows)}


def steps(rows: Sequence[tuple[str, str]]) -> Block:
    """A numbered list; each row is what to do, in bold, and the words after it."""
    return {"kind": "steps", "rows": [{"do": do, "after": after} for do, after in rows]}


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, shares: Sequence[float] = ()) -> Block:
    """A table with a head; the first column is set in bold.

    Parameters
    ----------
    heads, rows
        Words of the head and of each row, of one length.
    shares
        Relative widths of the columns; equal when empty.
    """
    return {
        "kind": "table",
        "heads": list(heads),
        "rows": [list(row) for row in rows],
        "shares": list(shares) or [1.0] * len(heads),
    }


def pictures(rows: Sequence[tuple[str, str]], *, height_mm: float = 60.0, note: str = "") -> Block:
    """Figures beside one another: their file names, as ``render_figures`` gives them, and their captions.

    A figure that was not made is left out; so is the ``note`` below them where none was.
    """
    files = [{"file": name, "caption": caption} for name, caption in rows]
    return {"kind": "pictures", "pictures": files, "height_mm": height_mm, "note": note}


def fold(title: str, blocks: Sequence[Block], *, short: str = "") -> Block:
    """What most readers skip: folded on the page; the PDF prints ``short`` instead, or all where that is empty."""
    return {"kind": "fold", "title": title, "blocks": list(blocks), "short": short}
