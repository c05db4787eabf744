"""Where a value of a plan stands: TOML readers give no line numbers, and an error without one is hard to follow."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from recanal.errors import StudyError

__all__ = ["UNPRINTABLE", "Place", "line_index", "shown", "similar"]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|' + r"'[^']*'")

Path = tuple[str | int, ...]


def line_index(text: str) -> dict[Path, int]:
    r"""Line, from 1, of each table and key of a TOML text.

    Keys within an inline table are given the line of the key that holds it by :meth:`Place.line`.

    Examples
    --------
    >>> line_index('title = "a"\n[[tables]]\nby = "x"\n')
    {('title',): 1, ('tables',): 2, ('tables', 0): 2, ('tables', 0, 'by'): 3}
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    prefix: Path = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if quote or depth:
            depth, quote = _nesting(line, depth, quote)
            continue
        header = _HEADER.match(line)
        if header:
            prefix = _entered(_parts(header[2]), counts, many=header[1] == "[[")
            for size in range(1, len(prefix) + 1):
                lines.setdefault(prefix[:size], number)
            continue
        key = _KEY.match(line)
        if key:
            lines.setdefault(prefix + _parts(key[1]), number)
            depth, quote = _nesting(line[key.end() :], 0, "")
    return lines


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _entered(names: Path, counts: dict[Path, int], *, many: bool) -> Path:
    """The path of a header; the parts of it that are lists take the number of their newest item."""
    path: Path = ()
    for place, name in enumerate(names):
        path = (*path, name)
        if many and place == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _nesting(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How deep in brackets, and in which long string, a line ends."""
    for mark in ('"""', "'''"):
        if quote == mark:
            return (depth, quote) if mark not in line else _nesting(line.split(mark, 1)[1], depth, "")
    for mark in ('"""', "'''"):
        if not quote and mark in line:
            before, after = line.split(mark, 1)
            depth, _ = _nesting(before, depth, "")
            return _nesting(after, depth, mark)
    plain = _STRING.sub("", line).split("#", 1)[0]
    return depth + sum(plain.count(sign) for sign in "[{") - sum(plain.count(sign) for sign in "]}"), ""


UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Signs that no document can hold: control characters but for tabs and ends of lines."""


def shown(value: object, *, most: int = 60) -> str:
    """A value as a message quotes it, cut where it is long.

    Examples
    --------
    >>> shown("age"), shown(["a"] * 40, most=10)
    ("'age'", "['a', 'a',…")
    """
    text = repr(value)
    return text if len(text) <= most else text[:most] + "…"


def similar(name: str, known: Iterable[str]) -> str:
    """A hint that names what may have been meant, empty where nothing is near.

    Examples
    --------
    >>> similar("agee", ["age", "sex"])
    "Did you mean 'age'?"
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean '{near[0]}'?" if near else ""


@dataclass(frozen=True)
class Place:
    """A table of a plan, for messages.

    Parameters
    ----------
    path
        Keys and numbers of items from the top.
    lines
        From :func:`line_index`.
    """

    path: Path = ()
    lines: Mapping[Path, int] = field(default_factory=dict, repr=False)

    def inside(self, *parts: str | int) -> Place:
        """A place further in."""
        return Place((*self.path, *parts), self.lines)

    def line(self, key: str = "") -> int:
        """The line of a key, or of the nearest table around it; 0 where the plan has no text."""
        path: Path = (*self.path, key) if key else self.path
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return 1 if self.lines else 0

    def name(self, key: str = "") -> str:
        """The dotted name of a key, items counted from 1.

        Examples
        --------
        >>> Place(("tables", 0)).name("by")
        'tables[1].by'
        """
        parts: list[str] = []
        for part in (*self.path, *([key] if key else [])):
            if isinstance(part, int):
                parts[-1] += f"[{part + 1}]"
            else:
                parts.append(part)
        return ".".join(parts) or "the plan"

    def error(self, key: str, message: str, *, hint: str = "") -> StudyError:
        """An error that names line and key."""
        line = self.line(key)
        where = f"line {line}, " if line else ""
        return StudyError(f"{where}{self.name(key)}: {message}", hint=hint)
