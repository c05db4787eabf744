"""The report as one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib import resources

from jinja2 import Environment, StrictUndefined

from recanal.core.case import CaseReport
from recanal.report.model import report_model
from recanal.report.pictures import place_pictures
from recanal.report.sections import SectionMaker

__all__ = ["render_html"]


def render_html(case: CaseReport, figures: Mapping[str, bytes], more: Sequence[SectionMaker] = ()) -> str:
    """The report as one HTML file: pictures as data, styles inside, no scripts, nothing fetched.

    Parameters
    ----------
    case, more
        The result, and makers of sections from rooms above.
    figures
        PNG pictures by relative name, from :func:`~recanal.report.render_figures`. A name that no figure has leaves
        its place empty; a figure that no place knows is not shown.

    Returns
    -------
    html
        Every string of the case is escaped, and a content security policy forbids scripts and requests. Scores of
        which nothing is known, and remarks on the sheets, are folded.

    Raises
    ------
    InputError
        When a figure is not a PNG picture.
    """
    model = report_model(case, more)
    for picture in place_pictures(model, figures):
        picture["data"] = "data:image/png;base64," + base64.b64encode(figures[picture["file"]]).decode("ascii")
    folder = resources.files("recanal.report").joinpath("templates")
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        folder.joinpath("report.html").read_text(encoding="utf-8")
    )
    css = folder.joinpath("report.css").read_text(encoding="utf-8")
    return page.render(m=model, css=css)
