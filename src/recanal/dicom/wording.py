"""Words that come out of files, made safe to show: printable, short, and without the patient's name."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from recanal.errors import ReadError

__all__ = ["NameGuard", "clean_text", "patient_key"]

_NAME_PART = re.compile(r"[^\W_]{3,}")
_SURE_LENGTH = 5


def clean_text(text: str, *, max_length: int = 64) -> str:
    """The printable part of a text on one line: no control, escape, format or bidirectional characters.

    >>> clean_text(f"a{chr(27)}[31mb{chr(10)} c{chr(0x202E)}")
    'a[31mb c'
    """
    kept = "".join(c if unicodedata.category(c)[0] not in "C" else (" " if c in "\r\n\t" else "") for c in text[:4096])
    line = " ".join(kept.split())
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def patient_key(raw: bytes) -> str:
    """A short one-way mark that tells two patients apart without naming either; empty for an empty value.

    Spaces, carets and case are ignored, since scanners pad and spell names differently.
    """
    plain = raw.upper().translate(None, b" ^\x00=")
    return hashlib.sha256(plain).hexdigest()[:16] if plain else ""


class NameGuard:
    """Takes the parts of patient names and numbers out of texts that will be shown.

    Parts of five characters and more go wherever they stand, shorter words (three or four letters) where
    they stand alone; shorter numbers stay, since file names are full of them.

    Parameters
    ----------
    identities
        Raw values of PatientName and PatientID seen in the input.
    """

    def __init__(self, identities: Iterable[bytes] = ()) -> None:
        parts: set[str] = set()
        for raw in identities:
            for codec in ("utf-8", "latin-1"):
                parts.update(p.casefold() for p in _NAME_PART.findall(raw.decode(codec, "ignore")))
        parts = {p for p in parts if len(p) >= _SURE_LENGTH or not p.isdigit()}
        ordered = sorted(parts, key=lambda part: (-len(part), part))[:10_000]
        words = [re.escape(p) if len(p) >= _SURE_LENGTH else rf"(?<![^\W_]){re.escape(p)}(?![^\W_])" for p in ordered]
        self._pattern = re.compile("|".join(words), re.IGNORECASE) if words else None

    def hide(self, text: str) -> str:
        """The text with every part of an identity replaced by ``[removed]``."""
        return text if self._pattern is None else self._pattern.sub("[removed]", text)

    def cleared(self, error: ReadError) -> ReadError:
        """The error with nothing of an identity, and nothing unprintable, in its text or its file name."""
        message, hint, file = (
            clean_text(self.hide(text), max_length=4096) for text in (error.message, error.hint, error.file)
        )
        return ReadError(message, hint=hint, file=file, rule=error.rule)
