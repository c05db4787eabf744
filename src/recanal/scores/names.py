"""The ids of the shipped sheets, and what to say of an id that is none of them."""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib import resources

from recanal.errors import SheetError

__all__ = ["CLASSES", "SHEETS", "TALLIES", "ids_in", "no_such_sheet"]

SHEETS = "sheets"
TALLIES = "sheets/tallies"
CLASSES = "sheets/classes"
_NEAR = 0.6
_LEAST_LETTERS = 3


@lru_cache(maxsize=8)
def ids_in(folder: str) -> tuple[str, ...]:
    """The ids of the sheets in a folder, in alphabetical order."""
    names = [entry.name for entry in resources.files("recanal.scores").joinpath(folder).iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def no_such_sheet(sheet_id: str, *, what: str = "score sheet") -> SheetError:
    """The error for an id that no shipped sheet has: it names what is near, and all that there are.

    Examples
    --------
    >>> no_such_sheet("J-CTO").hint.partition("?")[0]
    'Did you mean j_cto'
    """
    scores, classes = ids_in(SHEETS), (*ids_in(CLASSES), *ids_in(TALLIES))
    plain = {_plain(name): name for name in (*scores, *classes)}
    asked = _plain(sheet_id)
    begun = [name for name in plain if len(asked) >= _LEAST_LETTERS and name.startswith(asked)]
    near = begun or difflib.get_close_matches(asked, plain, n=3, cutoff=_NEAR)
    meant = [plain[asked]] if asked in plain else [plain[name] for name in near]
    return SheetError(
        f"No {what} is called {sheet_id[:60]!r}.",
        hint=(f"Did you mean {' or '.join(meant)}? " if meant else "")
        + f"Scores: {', '.join(scores)}. Classifications: {', '.join(classes)}. "
        "`recanal score all` takes every one that fits.",
    )


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
