"""A case as tables for a terminal; the digits are those of the report."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recanal.cli.edits_text import edits_text
from recanal.cli.terminal import RESEARCH_USE
from recanal.core.case import COMPONENTS, CaseReport, Lesion
from recanal.report.angle_section import view_lines
from recanal.report.display import NOT_ASSESSED, NOT_MEASURABLE, Display, clean, nothing_found, words
from recanal.report.flag_words import flag_sentence
from recanal.report.model_lesion import severe_text
from recanal.report.model_scores import scores_model
from recanal.report.sources import Sources
from recanal.stenosis.section import stenosis_section

__all__ = ["summary_text"]

_SYNTHETIC = "Synthetic data: a phantom, no patient."
_CHECKS = "How far each sheet was checked: report.html, or `recanal scores show SHEET`."
_REPORT_FILES = ("report.html", "report.pdf", "case.json")
Row = tuple[str, str]


def summary_text(case: CaseReport, out: Path, *, width_columns: int = 110) -> str:
    """What was found, for a terminal.

    Parameters
    ----------
    case
        The result.
    out
        The folder it was written to.
    width_columns
        Width of the tables.

    Returns
    -------
    str
        Lesions, scores, quality, the place of the report, and that it is for research use only. What the input
        says of itself holds no control characters here.
    """
    say = Display(case)
    parts: list[str] = [_SYNTHETIC, ""] if case.input.synthetic else []
    for index, lesion in enumerate(case.lesions):
        parts += [_pairs(_lesion_rows(lesion, f"lesions.{index}", say), width_columns), ""]
    if not case.lesions:
        parts += [nothing_found(case), ""]
    parts += _stenosis(case, say, width_columns)
    if case.edits:
        parts += [edits_text(case, width_columns=width_columns), ""]
    if case.scores:
        parts += [_scores(case, width_columns), ""]
    parts += [_pairs(_quality_rows(case, say), width_columns), *_file_lines(out), "", RESEARCH_USE]
    return "\n".join(parts)


def _lesion_rows(lesion: Lesion, at: str, say: Display) -> list[Row]:
    numbers = ", ".join(map(str, lesion.segments))
    vessel = lesion.vessel or "not named"
    if numbers:
        vessel += f", SCCT segment{'s' if len(lesion.segments) > 1 else ''} {numbers}"
    rows = [("Vessel", f"{vessel} ({lesion.id})")]
    rows += _open_rows(at, say) if lesion.kind == "none" else _occlusion_rows(lesion, at, say)
    if lesion.kind != "none" or lesion.reference is not None:
        sides = [say.number(f"{at}.reference.{side}_diameter_mm", unit="mm") for side in ("proximal", "distal")]
        rows.append(("References", f"proximal {sides[0]}, distal {sides[1]}"))
    return rows + [("Flag", flag_sentence(flag)) for flag in lesion.flags]


def _open_rows(at: str, say: Display) -> list[Row]:
    length = say.interval(f"{at}.length_mm", unit="mm", missing="")
    return [
        ("Finding", "no occlusion between the two points"),
        *([("Length between points", length)] if length else []),
        ("Smallest diameter", say.number(f"{at}.narrowest_diameter_mm", unit="mm")),
    ]


def _occlusion_rows(lesion: Lesion, at: str, say: Display) -> list[Row]:
    proximal, distal = f"{at}.proximal_cap", f"{at}.distal_cap"
    attenuation = say.number(f"{proximal}.attenuation_hu", decimals=0, unit="HU")
    branch = say.truth(f"{proximal}.side_branch", missing=NOT_MEASURABLE)
    if say.at(f"{proximal}.side_branch_distance_mm") is not None:
        branch += f", at {say.number(f'{proximal}.side_branch_distance_mm', unit='mm')}"
    bend = say.interval(f"{at}.bend_max_deg", decimals=0, unit="°")
    if say.at(f"{at}.bend_max_deg.at_mm") is not None:
        bend += f" at {say.number(f'{at}.bend_max_deg.at_mm', unit='mm')} from the proximal cap"
    beyond = {True: "opacified", False: "not opacified"}.get(say.at(f"{at}.distal_vessel.opacified"), NOT_MEASURABLE)
    if say.at(f"{at}.distal_vessel.diameter_mean_mm") is not None:
        beyond += f", mean {say.number(f'{at}.distal_vessel.diameter_mean_mm', unit='mm')}"
    return [
        ("Length", say.interval(f"{at}.length_mm", unit="mm")),
        ("Proximal cap", f"{say.word(f'{proximal}.shape')}; attenuation of the first 5 mm {attenuation}"),
        ("Distal cap", f"{say.word(f'{distal}.shape')}; bifurcation {say.truth(f'{distal}.bifurcation')}"),
        ("Side branch at cap", branch),
        ("Largest bend", bend),
        *_calcium_rows(at, say),
        *_plaque_rows(lesion, at, say),
        ("Vessel beyond", beyond),
        *(("" if k else "C-arm views", line) for k, line in enumerate(view_lines(lesion, at, say))),
    ]


def _stenosis(case: CaseReport, say: Display, width_columns: int) -> list[str]:
    """The degrees of stenosis as the PDF prints them: in one line beside lesions, else as a table."""
    section = stenosis_section(case, say, Sources())
    if section is None:
        return []
    parts = [f"{section.title}:"]
    for block in section.blocks if section.printed is None else section.printed:
        if block["kind"] == "table":
            parts.append(_drawn(_plain_table(clean(block)), width_columns))
        elif block["kind"] != "pictures":
            words = [block["words"]] if block["kind"] == "text" else block["rows"]
            parts += [textwrap.fill(clean(row), width_columns, subsequent_indent="  ") for row in words]
    return [*parts, ""]


def _plain_table(block: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in block["heads"]:
        table.add_column(escape(head), overflow="fold")
    for row in block["rows"]:
        table.add_row(*(escape(cell) for cell in row))
    return table


def _calcium_rows(at: str, say: Display) -> list[Row]:
    calcium = f"{at}.calcification"
    if say.at(calcium) is None:
        return [("Calcium", NOT_MEASURABLE)]
    share = say.interval(f"{calcium}.cross_section_max_ratio", decimals=0, unit="%", scale=100)
    arc = say.interval(f"{calcium}.arc_max_deg", decimals=0, unit="°")
    volume = say.interval(f"{calcium}.volume_mm3", unit="mm³")
    marks = f"any {say.truth(f'{calcium}.any')}; severe {severe_text(calcium, say)}"
    return [
        ("Calcium", f"{marks}; volume, lumen glow left out, {volume}"),
        ("", f"largest share of a section {share}; largest arc {arc}"),
    ]


def _plaque_rows(lesion: Lesion, at: str, say: Display) -> list[Row]:
    if lesion.plaque is None:
        return [("Plaque", NOT_MEASURABLE)]
    rows = [("Plaque", say.interval(f"{at}.plaque.volume_mm3", unit="mm³"))]
    for name in COMPONENTS:
        part = f"{at}.plaque.components.{name}"
        volume = say.interval(f"{part}.volume_mm3", unit="mm³")
        rows.append((f"  {words(name)}", f"{volume}; {say.interval(f'{part}.fraction_percent', unit='%')} of plaque"))
    return rows


def _quality_rows(case: CaseReport, say: Display) -> list[Row]:
    noise = say.number("quality.noise_hu", decimals=0, unit="HU")
    aorta = say.number("quality.aorta_hu", decimals=0, unit="HU")
    contrast = say.number("quality.contrast_to_noise", missing=NOT_ASSESSED)
    verdict = "usable" if case.quality.usable else "DO NOT TRUST THIS ANALYSIS"
    rows = [("Quality", f"{verdict}; noise {noise}, blood pool {aorta}, contrast-to-noise {contrast}")]
    rows += [("Flag", flag_sentence(flag)) for flag in case.quality.flags]
    chosen = "; ".join(case.input.why_chosen) or "the only series"
    return [*rows, ("Series", f"{case.input.description or 'no description'} ({chosen})")]


def _file_lines(out: Path) -> list[str]:
    """Where the files lie; never broken, so that a path can be copied."""
    shown = [str(out / name) for name in _REPORT_FILES if (out / name).is_file()]
    first, *more = clean([f"Report   {shown[0]}", *shown[1:]] if shown else [f"Result   {out}"])
    return [first, *(f"         {path}" for path in more)]


def _scores(case: CaseReport, width_columns: int) -> str:
    """The scores in groups, one table for each endpoint, and what they lack."""
    model = clean(scores_model(case, Sources()))
    parts: list[str] = []
    for group in model["groups"]:
        parts.append(group["title"])
        for table in group["tables"]:
            parts += [_drawn(_score_table(table), width_columns), ""]
    about = f"Findings and scores speak of {case.findings_of}." if len(case.lesions) > 1 and case.findings_of else ""
    unknown = f"No item is known of: {model['unknown_line']}." if model["unknown_line"] else ""
    lines = [about, model["missing"], unknown, *_warnings(model), _CHECKS if model["checks"] else ""]
    wrapped = (textwrap.fill(line, width_columns, subsequent_indent="  ") for line in lines if line)
    return "\n".join((*parts[:-1], *wrapped))


def _warnings(model: dict[str, Any]) -> list[str]:
    rows = [row for group in model["groups"] for table in group["tables"] for row in table["rows"]]
    return [f"{row['name']}: {warning}" for row in rows for warning in row["warnings"]]


def _score_table(model: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), expand=True)
    first = f"{model['first']} {model['endpoint']}".strip()
    heads = ((first, 6), ("points", 2), ("stratum", 5), (model["fourth"].lower(), 6), ("trust", 3))
    for head, share in heads:
        table.add_column(escape(head), overflow="fold", ratio=share)
    for row in model["rows"]:
        name = row["name"] + (f" ({row['variant']})" if row["variant"] else "")
        stratum = row["stratum"] + (f"; {row['chances']}" if row["chances"] else "")
        cells = (name, row["points"], stratum, row["short_rate"] or row["fourth"], row["trust"])
        table.add_row(*(escape(cell) for cell in cells))
    return table


def _pairs(rows: list[Row], width_columns: int) -> str:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    printable: list[Any] = clean(rows)
    for label, text in printable:
        table.add_row(escape(label), escape(text))
    return _drawn(table, width_columns)


def _drawn(table: Table, width_columns: int) -> str:
    console = Console(width=width_columns, color_system=None, highlight=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
