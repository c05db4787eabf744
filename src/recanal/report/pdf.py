"""The report as PDF."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import typst

from recanal.core.case import CaseReport
from recanal.report.canvas import font_folder
from recanal.report.model import report_model
from recanal.report.pictures import place_pictures
from recanal.report.printed import printed_figures, printed_model
from recanal.report.sections import SectionMaker

__all__ = ["render_pdf"]


def render_pdf(case: CaseReport, figures: Mapping[str, bytes], more: Sequence[SectionMaker] = ()) -> bytes:
    """The report as an A4 PDF: two pages for one occlusion.

    On the first what was read, whether to trust it, what CT could not answer, the measurements and the straightened
    vessel; on the second planes, cross-sections, C-arm views, scores, crossing plan, landing zone and provenance. What
    is longer stands on the HTML page, and the PDF says so. Each further lesion and a reader's corrections take more
    pages. Where there is more to say than usual, the pictures become smaller first, then a page is added; no word is
    set smaller than 7 points.

    Parameters
    ----------
    case, figures, more
        As in :func:`~recanal.report.render_html`.

    Returns
    -------
    pdf
        The same bytes for the same input. It conforms to PDF/A-3a and PDF/UA-1: tagged, with words for each picture
        and its fonts inside.

    Raises
    ------
    InputError
        When a figure is not a PNG picture.

    Notes
    -----
    Scripts that the report's own typeface lacks are set in a font of the system; where none has them they are shown as
    replacement characters. The words are handed to the typesetter as data, never as markup, so that no text of a
    DICOM header is run.
    """
    model = printed_model(report_model(case, more))
    with tempfile.TemporaryDirectory(prefix="recanal-report-") as name:
        folder = Path(name)
        for number, picture in enumerate(place_pictures(model, printed_figures(figures))):
            file = f"picture_{number}.png"
            (folder / file).write_bytes(figures[picture["file"]])
            picture["file"] = file
        template = resources.files("recanal.report").joinpath("templates/report.typ").read_text(encoding="utf-8")
        (folder / "report.typ").write_text(template, encoding="utf-8")
        made = _made(case.provenance.created_utc)
        text = json.dumps(model, ensure_ascii=False)
        (folder / "model.json").write_text(text, encoding="utf-8")
        rare = any(_rare(char) for char in text)
        try:
            return _typeset(folder, made, system_fonts=rare)
        except typst.TypstError:
            if not rare:
                raise
        legible = "".join("\ufffd" if _rare(char) else char for char in text)
        (folder / "model.json").write_text(legible, encoding="utf-8")
        return _typeset(folder, made, system_fonts=False)


def _typeset(folder: Path, made: datetime, *, system_fonts: bool) -> bytes:
    return typst.compile(
        str(folder / "report.typ"),
        root=str(folder),
        font_paths=[str(font_folder())],
        ignore_system_fonts=not system_fonts,
        pdf_standards=["a-3a", "ua-1"],
        timestamp=made,
    )


def _rare(char: str) -> bool:
    """Whether the report's own typeface may lack a character: beyond Latin, Greek, Cyrillic and common signs."""
    code = ord(char)
    return code > 0x52F and not 0x1E00 <= code <= 0x2BFF and code != 0xFFFD


def _made(created_utc: str) -> datetime:
    """The date inside the PDF: that of the result, or the start of 1970 where the result has none."""
    try:
        made = datetime.fromisoformat(created_utc)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return made if made.tzinfo else made.replace(tzinfo=UTC)
