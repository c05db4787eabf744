"""Words that come out of files, made safe to show: printable, short, and without the patient's name."""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

from recanal.errors import ReadError

__all__ = ["NameGuard", "clean_text", "known_words", "patient_key"]

_NAME_PART = re.compile(r"[^\W_]{3,}")
_TOKEN = re.compile(r"\d[\d.,:/-]*\d[A-Za-z]*|[^\W_]+")
_SPLIT_CASE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_HARMLESS_NUMBER = re.compile(r"\d(?:[.,]\d{1,3})?")
_NUMBER = re.compile(r"(?:\d{1,4}(?:[.,]\d{1,3})?|\d{1,2}-\d{1,2})([A-Za-z]*)")
_KERNEL = re.compile(r"([A-Za-z]{1,3})\d{2}[a-z]?")
_LEFT_OUT = "…"
_SURE_LENGTH = 5


def clean_text(text: str, *, max_length: int = 64) -> str:
    """The printable part of a text on one line: no control, escape, format or bidirectional characters.

    >>> clean_text(f"a{chr(27)}[31mb{chr(10)} c{chr(0x202E)}")
    'a[31mb c'
    """
    kept = "".join(c if unicodedata.category(c)[0] not in "C" else (" " if c in "\r\n\t" else "") for c in text[:4096])
    line = " ".join(kept.split())
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, frozenset[str]]:
    text = resources.files("recanal.dicom").joinpath("description_words.toml").read_text(encoding="utf-8")
    table = {name: frozenset(found) for name, found in tomllib.loads(text)["words"].items()}
    apart = ("kernels", "units")
    return {"words": frozenset().union(*(table[name] for name in table if name not in apart)), **table}


def known_words(description: str) -> str:
    """A description of a series with the words of scans and reconstructions alone; empty where none is left.

    The text is an operator's and may name anybody; DICOM PS3.15 (table E.1-1) takes it for one that identifies, to be
    removed or cleaned. Words that are not in ``description_words.toml`` become an ellipsis. Numbers stay with a unit,
    or below ten; dates and case numbers go.

    >>> known_words("CorCTA 0.6 Bv40 BestDiast 75 %"), known_words("Cor Smith 12.03.1960 75% nr 4711")
    ('CorCTA 0.6 Bv40 BestDiast 75 %', 'Cor … 75% …')
    """
    parts: list[str] = []
    end = 0
    for found in _TOKEN.finditer(description):
        parts.append(description[end : found.start()])
        parts.append(found[0] if _is_known(found[0], description[found.end() :]) else _LEFT_OUT)
        end = found.end()
    kept = "".join([*parts, description[end:]])
    if not re.search(r"[^\W_]", kept):
        return ""
    return " ".join(re.sub(rf"{_LEFT_OUT}(?:[^\w%]*{_LEFT_OUT})+", _LEFT_OUT, kept).split())


def _is_known(token: str, after: str) -> bool:
    known = _vocabulary()
    if token.casefold() in known["words"] or _HARMLESS_NUMBER.fullmatch(token):
        return True
    number = _NUMBER.fullmatch(token)
    if number:
        unit = number[1] or after.strip().partition(" ")[0].rstrip(".,;)]")
        return unit.casefold() in known["units"]
    kernel = _KERNEL.fullmatch(token)
    if kernel:
        return kernel[1].casefold() in known["kernels"]
    pieces = _SPLIT_CASE.findall(token)
    return "".join(pieces) == token and all(piece.casefold() in known["words"] for piece in pieces)


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
