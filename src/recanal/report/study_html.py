"""A study as one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import resources

from jinja2 import Environment, StrictUndefined

from recanal.core.study import StudyReport

__all__ = ["study_html"]


def study_html(report: StudyReport, figures: Mapping[str, bytes]) -> str:
    """The study as one HTML file: pictures as data, styles inside, no scripts, nothing fetched.

    Parameters
    ----------
    report
        What the study says; every text is escaped.
    figures
        SVG pictures by the name of their figure.

    Returns
    -------
    html
        Each cell carries the JSON pointer of its numbers as its title.
    """
    folder = resources.files("recanal.report").joinpath("templates")
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        folder.joinpath("study.html").read_text(encoding="utf-8")
    )
    pictures = {name: "data:image/svg+xml;base64," + base64.b64encode(data).decode() for name, data in figures.items()}
    return page.render(report=report, pictures=pictures, css=folder.joinpath("study.css").read_text(encoding="utf-8"))
