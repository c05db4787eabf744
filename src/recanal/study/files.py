"""The files of a study: results, document, page, tables, figures, methods and checklist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from recanal.core.study import StudyFigure, StudyReport, StudyTable
from recanal.errors import OptionError, shown_name
from recanal.interop.atomic import ResultFolder
from recanal.study.run import StudyResult

__all__ = ["study_files", "write_study"]

_SEAL = "results.json"
_REPLACED = ("tables/*.csv", "tables/*.tex", "figures/*.svg", "figures/*.pdf", "figures/*.png")


def study_files(result: StudyResult) -> dict[str, bytes]:
    """Every file of a study by its name; the same bytes for the same result.

    ``results.json`` (all numbers), ``study.docx``, ``study.html``, ``study.tex``, ``tables/*.csv`` and ``*.tex``,
    ``figures/*.svg``, ``*.pdf`` and ``*.png``, ``methods.txt``, ``strobe.csv``.
    """
    from recanal.report.study_docx import study_docx
    from recanal.report.study_html import study_html
    from recanal.report.study_latex import study_latex, study_table_latex
    from recanal.study.table_csv import study_table_csv

    report = result.report
    drawn = _drawn(report)
    files = {f"figures/{name}.{kind}": data for name, kinds in drawn.items() for kind, data in kinds.items()}
    for table in _tables(report):
        files[f"tables/{table.id}.csv"] = study_table_csv(table).encode()
        files[f"tables/{table.id}.tex"] = study_table_latex(table).encode()
    files["study.docx"] = study_docx(report, {name: kinds["png"] for name, kinds in drawn.items()})
    files["study.html"] = study_html(report, {name: kinds["svg"] for name, kinds in drawn.items()}).encode()
    files["study.tex"] = study_latex(report).encode()
    files["methods.txt"] = ("\n\n".join(report.methods) + "\n").encode()
    files["strobe.csv"] = study_table_csv(_strobe_table(report)).encode()
    files[_SEAL] = (json.dumps(result.record, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    return files


def write_study(
    result: StudyResult, folder: str | Path, *, beside: Mapping[str, bytes] | None = None
) -> tuple[str, ...]:
    """Write every file of a study, all of them or none; returns their names, sorted.

    Parameters
    ----------
    result
        The study.
    folder
        Where to.
    beside
        Further files by name, such as the rows and the plan behind it.

    Raises
    ------
    OptionError
        When the folder cannot be written.
    """
    files = {**study_files(result), **(beside or {})}
    try:
        with ResultFolder(folder, seal=_SEAL, replaces=_REPLACED) as out:
            for name, data in files.items():
                out.write(name, data)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise OptionError(f"--out: {shown_name(folder)!r} cannot be written: {reason}.") from error
    return tuple(sorted(files))


def _tables(report: StudyReport) -> list[StudyTable]:
    return [table for section in report.sections for table in section.tables]


def _drawn(report: StudyReport) -> dict[str, dict[str, bytes]]:
    """Each figure by its name, in each format; a study of tables alone does not wait for the drawing package."""
    figures: list[StudyFigure] = [figure for section in report.sections for figure in section.figures]
    if not figures:
        return {}
    from recanal.report.study_figures import study_figure

    return {figure.id: study_figure(figure) for figure in figures}


def _strobe_table(report: StudyReport) -> StudyTable:
    from recanal.core.study import StudyCell, StudyRow

    rows = tuple(
        StudyRow(tuple(StudyCell(text) for text in (item.number, item.topic, item.asks, item.state, item.text)))
        for item in report.checklist
    )
    return StudyTable("strobe", "STROBE checklist", ("Item", "Topic", "Asks for", "State", "From the run"), rows)
