"""What the PDF prints: two pages for one occlusion, from the words of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["printed_model"]

_SAME = (
    *("research_use", "mark", "title", "vessel", "header", "verdict", "limits", "lesions", "footer", "no_lesion"),
    *("limits_title", "measured_title", "strips_title", "strips_note", "sections_title", "scores_title"),
)
_SECTIONS_NOTE = "Letters: sides of the patient (A, P, L, R, H head, F foot)."
_SCORES_NOTE = "Rates of different endpoints do not compare. A range of points: facts are not known."
_ANGIOGRAM_NOTE = "Scores marked * are made for facts from an angiogram; CT may differ from what it would show."
_PROVENANCE = ("Software", "Made (UTC)", "Series UID", "Input SHA-256", "Parameters SHA-256")
_MORE = (
    "In report.html: the items of each score and their points, what is still to find out, how far each sheet was "
    "checked; every rule of the algorithms, material, what would change a start; all findings with their source; the "
    "choice of series; options and method of the intervals; the references in full."
)
_NUMBER = re.compile(r"\[(\d+)\]")
_LONG_ORIGIN = re.compile(r"(?<=\d{4})[^;]*?( \[\d+\])?; read in [^;()]*\)$")
_AUTHOR, _YEAR = re.compile(r"[^\W\d_][\w'’-]*"), re.compile(r"\b(?:19|20)\d\d\b")


def printed_model(model: dict[str, Any]) -> dict[str, Any]:
    """The words of the PDF, chosen from those of the page: no number is put into words a second time.

    Parameters
    ----------
    model
        As :func:`~recanal.report.report_model` gives it; it is not changed, and parts of it are shared.

    Returns
    -------
    printed
        Head, lesions and captions as they are; each section with what it prints; ``scores`` with one row for each that
        has a published rate, below its endpoint, and the others as two short lists; ``entered``, ``provenance``,
        ``sources`` and ``more`` as one line each.
    """
    sections = {
        place: [{"title": section["title"], "blocks": section["printed"]} for section in sections]
        for place, sections in model["sections"].items()
    }
    out = {key: model[key] for key in _SAME}
    out |= {"sections": sections, "sections_note": _SECTIONS_NOTE, "about": model["findings"]["about"]}
    out |= {"scores": _scores(model["scores"]), "entered": _entered(model["findings"]["rows"])}
    out["provenance"] = "; ".join(f"{row['label']} {row['value']}" for row in _origin(model["provenance"]))
    out["more"] = _MORE
    out["sources"] = _sources(out, model["references"])
    return out


def _scores(scores: dict[str, Any]) -> dict[str, Any]:
    rated: dict[str, list[dict[str, Any]]] = {}
    others, risks, warnings = [], [], {}
    for group in scores["groups"]:
        for row in (row for table in group["tables"] for row in table["rows"]):
            for words in row["warnings"]:
                warnings.setdefault(words, []).append(row["name"])
            mark = "*" if group["key"] == "angiogram" else ""
            if group["key"] == "outcome":
                risks.append(_short(row, ""))
            elif row["rate"]:
                rated.setdefault(row["endpoint"], []).append(_line(row, mark))
            else:
                others.append(_short(row, mark))
    marked = any(row["mark"] for rows in rated.values() for row in rows) or any("*" in words for words in others)
    lists = (("Without one published rate", others), ("Complications", risks), ("No item known", scores["unknown_names"]))
    return {
        "count": scores["count"],
        "notes": f"{_SCORES_NOTE} {_ANGIOGRAM_NOTE}" if marked else _SCORES_NOTE,
        "endpoints": [{"endpoint": endpoint, "rows": rows} for endpoint, rows in rated.items()],
        "lists": [{"title": title, "words": "; ".join(rows) + "."} for title, rows in lists if rows],
        "warnings": [f"{', '.join(names)}: {words}" for words, names in warnings.items()],
    }


def _line(row: dict[str, Any], mark: str) -> dict[str, Any]:
    """A score with a rate: where the rate was read stands on the page unless it was not verified."""
    return {
        **{key: row[key] for key in ("name", "source", "variant", "points", "trust", "trusted")},
        "mark": mark,
        "stratum": "; ".join(words for words in (row["stratum"], row["chances"]) if words),
        "rate": _LONG_ORIGIN.sub(r"\1)", row["rate"]),
    }


def _short(row: dict[str, Any], mark: str) -> str:
    """A score in a list: name, points, the stratum where the facts decide it, endpoint with a rate if any, trust."""
    parts = [f"{row['points']} points" if row["points"] != "1" else "1 point"]
    if row["decided"]:
        parts.append(row["stratum"])
    parts.append(" ".join(words for words in (row["endpoint"], _LONG_ORIGIN.sub(r"\1)", row["rate"])) if words))
    if not row["trusted"]:
        parts.append(row["trust"])
    return f"{row['name']}{mark} {row['source']}".strip() + f" {', '.join(words for words in parts if words)}"


def _entered(rows: list[dict[str, str]]) -> str:
    """The facts that do not come from CT, or that a person confirmed, in one line."""
    facts = [f"{row['label']} {row['value']} ({row['source']})" for row in rows if row["source"] != "CT"]
    return "; ".join(facts) + "." if facts else ""


def _origin(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for name in _PROVENANCE for row in rows if row["label"] == name]


def _sources(printed: dict[str, Any], references: list[dict[str, str]]) -> str:
    """First author and year of each reference that the print numbers."""
    named = {f"[{number}]" for words in _strings(printed) for number in _NUMBER.findall(words)}
    return "; ".join(f"{row['number']} {_author_and_year(row)}" for row in references if row["number"] in named)


def _author_and_year(row: dict[str, str]) -> str:
    author, year = _AUTHOR.match(row["citation"]), _YEAR.search(row["citation"])
    return f"{author[0]} {year[0]}" if author and year else f"doi:{row['doi']}"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
