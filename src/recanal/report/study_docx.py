"""A study as a Word document."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime

from docx import Document
from docx.document import Document as DocumentType
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell

from recanal.core.study import StudyReport, StudySection, StudyTable

__all__ = ["study_docx"]

_MOMENT = (1980, 1, 1, 0, 0, 0)
_CAUTION = RGBColor(0x8A, 0x4B, 0x00)


def study_docx(report: StudyReport, figures: Mapping[str, bytes]) -> bytes:
    """The study as .docx: tables that can be edited, figures, methods, checklist.

    Parameters
    ----------
    report
        What the study says.
    figures
        PNG pictures by the name of their figure.

    Returns
    -------
    bytes
        The same for the same study: the file carries no time.
    """
    document = Document()
    _page(document, report.title)
    document.add_heading(report.title, level=0)
    for section in report.sections:
        _section(document, section, figures)
    document.add_heading("Statistical methods", level=1)
    for paragraph in report.methods:
        document.add_paragraph(paragraph)
    _checklist(document, report)
    document.add_heading("What the run rests on", level=1)
    rows = [list(fact) for fact in report.facts]
    _grid(document, ["", ""], rows)
    out = io.BytesIO()
    document.save(out)
    return _timeless(out.getvalue())


def _page(document: DocumentType, title: str) -> None:
    page = document.sections[0]
    page.orientation = WD_ORIENT.LANDSCAPE
    page.page_width, page.page_height = Mm(297), Mm(210)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Mm(18)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(10)
    moment = datetime(*_MOMENT)
    core = document.core_properties
    core.title, core.author, core.comments = title, "", "Research use only."
    core.created = core.modified = moment


def _section(document: DocumentType, section: StudySection, figures: Mapping[str, bytes]) -> None:
    document.add_heading(section.title, level=1)
    for text in section.warnings:
        run = document.add_paragraph().add_run(f"Caution: {text}")
        run.font.color.rgb = _CAUTION
    for text in section.sentences:
        document.add_paragraph(text)
    for table in section.tables:
        _table(document, table)
    for figure in section.figures:
        document.add_picture(io.BytesIO(figures[figure.id]), width=Mm(170))
        caption = document.add_paragraph(" ".join((figure.title, *figure.notes)))
        caption.style = document.styles["Caption"]


def _table(document: DocumentType, table: StudyTable) -> None:
    caption = document.add_paragraph(table.title)
    caption.style = document.styles["Caption"]
    caption.paragraph_format.keep_with_next = True
    grid = document.add_table(rows=1, cols=len(table.head))
    grid.autofit = True
    for cell, text in zip(grid.rows[0].cells, table.head, strict=True):
        _write(cell, text, bold=True, right=cell is not grid.rows[0].cells[0] and text != table.head[0])
    for row in table.rows:
        cells = grid.add_row().cells
        for place, (cell, found) in enumerate(zip(cells, row.cells, strict=True)):
            indent = row.kind == "level" and place == 0
            _write(cell, found.text, bold=row.kind == "heading" and place == 0, right=place > 0)
            if indent:
                cell.paragraphs[0].paragraph_format.left_indent = Mm(5)
    _rules(grid)
    for note in table.notes:
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(2)
        paragraph.add_run(note).font.size = Pt(8)


def _write(cell: _Cell, text: str, *, bold: bool = False, right: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(9)


def _rules(grid: Table) -> None:
    """Three lines, as in a journal: above, under the head, below; the head repeats on each page."""
    _line(grid.rows[0].cells, ("top", "bottom"))
    _line(grid.rows[-1].cells, ("bottom",) if len(grid.rows) > 1 else ("top", "bottom"))
    properties = grid.rows[0]._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:tblHeader"))
    for row in grid.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _line(cells: tuple[_Cell, ...], sides: tuple[str, ...]) -> None:
    for cell in cells:
        borders = OxmlElement("w:tcBorders")
        for side in sides:
            edge = OxmlElement(f"w:{side}")
            for name, value in (("val", "single"), ("sz", "8"), ("space", "0"), ("color", "222222")):
                edge.set(qn(f"w:{name}"), value)
            borders.append(edge)
        cell._tc.get_or_add_tcPr().append(borders)


def _checklist(document: DocumentType, report: StudyReport) -> None:
    document.add_heading("STROBE checklist", level=1)
    rows = [[item.number, item.topic, item.asks, item.state, item.text] for item in report.checklist]
    _grid(document, ["Item", "Topic", "Asks for", "State", "From the run"], rows)


def _grid(document: DocumentType, head: list[str], rows: list[list[str]]) -> None:
    grid = document.add_table(rows=1, cols=len(head))
    grid.style = "Table Grid"
    for cell, text in zip(grid.rows[0].cells, head, strict=True):
        _write(cell, text, bold=True)
    for row in rows:
        for cell, text in zip(grid.add_row().cells, row, strict=True):
            _write(cell, text)


def _timeless(data: bytes) -> bytes:
    """The same archive with one fixed moment on every member, so that equal studies give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name, date_time=_MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(name))
    return out.getvalue()
