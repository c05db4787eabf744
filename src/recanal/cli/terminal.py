"""Text for terminals of any encoding."""

from __future__ import annotations

import sys

import click

__all__ = ["RESEARCH_USE", "echo", "spelled"]

RESEARCH_USE = "Research use only: not for diagnosis or treatment."
"""The line that ends what is printed of a result."""

_SPELLING = str.maketrans(
    {"−": "-", "–": "-", "°": " deg", "²": "2", "³": "3", "≥": ">=", "≤": "<=", "×": "x", "…": "...", "’": "'"}
)


def spelled(text: str, encoding: str) -> str:
    """The text in signs that an encoding has.

    >>> spelled("41° (36–47), 3 mm²", "ascii")
    '41 deg (36-47), 3 mm2'
    """
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return text.translate(_SPELLING).encode("ascii", "replace").decode("ascii")
    return text


def echo(text: str, *, err: bool = False) -> None:
    """Write text in the signs that the terminal knows; nowhere where the stream was closed before the start."""
    stream = sys.stderr if err else sys.stdout
    if stream is not None:
        click.echo(spelled(text, stream.encoding or "ascii"), err=err)
