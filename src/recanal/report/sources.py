"""The numbered list of references."""

from __future__ import annotations

import re

__all__ = ["Sources", "without_doi"]

_METHOD_SOURCES = (
    (
        "10.21037/qims-21-1050",
        "Xing H, et al. Quant Imaging Med Surg 2022;12:3625 (plaque components by attenuation)",
    ),
    ("10.1109/VISUAL.2002.1183754", "Kanitsar A, et al. IEEE Visualization 2002 (curved planar reformation)"),
)
_DOI = re.compile(r"(?:,\s*)?(?:doi:\s*)?\b(10\.\d{4,9}/[^\s;,)]+[^\s;,.)])")


def without_doi(words: str) -> str:
    """The words without the DOIs in them.

    >>> without_doi("42.4 % (derivation, Morino 2011, 10.1016/j.jcin.2010.09.024; read in part)")
    '42.4 % (derivation, Morino 2011; read in part)'
    """
    return _DOI.sub("", words)


class Sources:
    """The numbered list of references, in order of first mention."""

    def __init__(self) -> None:
        self._citation: dict[str, str] = {}

    def number(self, doi: str, citation: str = "") -> str:
        """The number of a source, such as ``"[2]"``; empty without a DOI."""
        if not doi:
            return ""
        known = self._citation.setdefault(doi, citation)
        if citation and not known:
            self._citation[doi] = citation
        return f"[{list(self._citation).index(doi) + 1}]"

    def numbered(self, words: str) -> str:
        """The words with each DOI in them replaced by its number.

        >>> Sources().numbered("42.4 % (derivation, Morino 2011, 10.1016/j.jcin.2010.09.024; read in part)")
        '42.4 % (derivation, Morino 2011 [1]; read in part)'
        """
        return _DOI.sub(lambda found: f" {self.number(found[1])}", words)

    def add_methods(self, *, plaque: bool, curved: bool) -> None:
        """Append what the composition and the pictures along a vessel follow, where there are any."""
        for shown, (doi, citation) in zip((plaque, curved), _METHOD_SOURCES, strict=True):
            if shown:
                self.number(doi, citation)

    def entries(self) -> list[dict[str, str]]:
        """Number, citation and DOI of each source."""
        rows = enumerate(self._citation.items(), start=1)
        return [{"number": f"[{k}]", "citation": text, "doi": doi} for k, (doi, text) in rows]
