"""What the PDF prints: two pages for one occlusion, from the words of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["printed_figures", "printed_model"]

_SAME = (
    *("research_use", "mark", "title", "vessel", "header", "verdict", "limits", "lesions", "footer", "no_lesion"),
    *("limits_title", "measured_title", "strips_title", "strips_note", "scores_title"),
)
_SECTIONS_NOTE = "Below with borders."
_SCORES_NOTE = "Rates of different endpoints do not compare. A range of points: facts are missing."
_CHANCES_NOTE = "Percentages of strata: by the measured intervals and, where stated, by priors."
_ANGIOGRAM_NOTE = "* Made for facts from an angiogram, which CT may not match."
_PROVENANCE = {
    "Software": "",
    "Made (UTC)": "made ",
    "Input SHA-256": "SHA-256 of input ",
    "Parameters SHA-256": "of parameters ",
}
_HASH_DIGITS = 12
_MOST_CUTS = 4
_LEAST_NEEDED = ("_proximal_reference.png", "_distal_reference.png", "_middle.png")
_MORE_OF = {
    "views": "angle map",
    "scores": "score items, facts to find",
    "plan": "rules, material, what would change",
    "findings": "all findings",
    "references": "full references",
}
_MORE = "choice of series, options"
_NUMBER = re.compile(r"\[(\d+)\]")
_HASH = re.compile(r"[0-9a-f]{64}")
_ORIGIN = re.compile(r"\((?P<cohort>\w+), (?P<author>[^;,]+)[^;]*?(?P<number> \[\d+\])?; (?P<trust>[^;()]*)\)$")
_INTERVAL = re.compile(r"95 % interval ([\d.]+) to ([\d.]+) %")
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
        has a published rate, by endpoint, and the others as two short lists; ``entered``, ``provenance``,
        ``sources`` and ``more`` as one line each.
    """
    sections = {
        place: [{"title": section["title"], "blocks": section["printed"]} for section in sections]
        for place, sections in model["sections"].items()
    }
    out = {key: model[key] for key in _SAME}
    out |= {"sections": sections, "about": model["findings"]["about"]}
    out |= {
        "sections_title": model["sections_title"].partition(";")[0],
        "sections_note": f"{_SECTIONS_NOTE} {model['sections_note']}",
    }
    out |= {"scores": _scores(model["scores"]), "entered": _entered(model["findings"]["rows"])}
    out["provenance"] = _provenance(model["provenance"])
    told = {**model["sections"], "scores": model["scores"]["count"], "findings": model["findings"]["rows"]}
    told |= {"views": model["lesions"] and told["views"], "references": model["references"]}
    out["more"] = f"In report.html: {', '.join([_MORE, *(words for key, words in _MORE_OF.items() if told[key])])}."
    out["sources"] = _sources(out, model["references"])
    return out


def printed_figures(figures: Mapping[str, bytes]) -> dict[str, bytes]:
    """The figures that the PDF shows: four cross-sections of a lesion at most, those at the references left out first.

    >>> sorted(printed_figures({"figures/L1_mip.png": b"", "figures/L1_cross_section_proximal_reference.png": b""}))
    ['figures/L1_cross_section_proximal_reference.png', 'figures/L1_mip.png']
    """
    cuts: dict[str, list[str]] = {}
    for name in figures:
        lesion, found, _ = name.partition("_cross_section_")
        if found:
            cuts.setdefault(lesion, []).append(name)
    left_out: set[str] = set()
    for names in cuts.values():
        references = [name for end in _LEAST_NEEDED for name in names if name.endswith(end)]
        left_out |= set(references[: max(len(names) - _MOST_CUTS, 0)])
    return {name: png for name, png in figures.items() if name not in left_out}


def _scores(scores: dict[str, Any]) -> dict[str, Any]:
    rated: dict[str, list[dict[str, Any]]] = {}
    others, risks = [], []
    warnings: dict[str, list[str]] = {}
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
    shown = [row for rows in rated.values() for row in rows]
    marked = any(row["mark"] for row in shown) or any(row["name"].endswith("*") for row in others)
    notes = [_CHANCES_NOTE] if any("%" in row["stratum"] for row in shown) else []
    notes += [_ANGIOGRAM_NOTE] if marked else []
    unknown = [{"name": name, "words": ""} for name in scores["unknown_names"]]
    lists = (("Without one published rate", others), ("Complications", risks), ("No item known", unknown))
    return {
        "count": scores["count"],
        "notes": " ".join([_SCORES_NOTE, *notes]),
        "tables": [{"endpoint": endpoint, "rows": rows} for endpoint, rows in rated.items()],
        "lists": [{"title": title, "rows": rows} for title, rows in lists if rows],
        "warnings": [f"{', '.join(names)}: {words}" for words, names in warnings.items()],
    }


def _line(row: dict[str, Any], mark: str) -> dict[str, Any]:
    """A score with a rate: where the rate was read stands on the page unless it was not verified."""
    return {
        **{key: row[key] for key in ("name", "source", "variant", "endpoint", "points", "trust", "trusted")},
        "mark": mark,
        "stratum": f"{row['stratum']} ({row['chances'].partition(': ')[2]})"
        if "%" in row["chances"]
        else row["stratum"],
        "rate": _rate(row),
    }


def _rate(row: dict[str, Any]) -> str:
    """The rate with cohort and author; how it was read is said where it was not verified and the sheet was."""

    def origin(found: re.Match[str]) -> str:
        author = re.sub(r"(\d{4}) \[\d+\]$", r"\1", found["author"])
        number = found["number"] or found["author"][len(author) :]
        doubt = f"; {found['trust']}" if found["trust"] == "not verified" and row["trusted"] else ""
        return f"({found['cohort']}, {author}{number}{doubt})"

    return _INTERVAL.sub(r"\1–\2 %", _ORIGIN.sub(origin, row["rate"]))


def _short(row: dict[str, Any], mark: str) -> dict[str, str]:
    """A score in a list: name, points, the stratum where the facts decide it, endpoint with a rate if any, trust."""
    parts = [f"{row['points']} points" if row["points"] != "1" else "1 point"]
    if row["decided"] and row["stratum"] != row["points"]:
        parts.append(row["stratum"])
    parts.append(" ".join(words for words in (row["endpoint"], _rate(row)) if words))
    if not row["trusted"]:
        parts.append(row["trust"])
    about = [
        f"({row['variant']})" if row["variant"] else "",
        row["source"],
        ", ".join(words for words in parts if words),
    ]
    return {"name": f"{row['name']}{mark}", "words": " ".join(words for words in about if words)}


def _entered(rows: list[dict[str, str]]) -> str:
    """The facts that do not come from CT, or that a person confirmed, by their source in one line."""
    facts: dict[str, list[str]] = {}
    for row in rows:
        if row["source"] != "CT":
            facts.setdefault(row["source"], []).append(f"{row['label']} {row['value']}")
    return " ".join(f"{source[:1].upper()}{source[1:]}: {'; '.join(found)}." for source, found in facts.items())


def _provenance(rows: list[dict[str, str]]) -> str:
    """Version, date and hashes in one line; of a hash the first digits, as the page gives all."""
    values = {row["label"]: row["value"] for row in rows}
    shown = [
        words + (f"{values[name][:_HASH_DIGITS]}…" if _HASH.fullmatch(values[name]) else values[name])
        for name, words in _PROVENANCE.items()
        if name in values
    ]
    return "; ".join(shown)


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
