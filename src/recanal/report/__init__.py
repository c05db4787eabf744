"""How do we tell people?"""

from recanal.report.figures import render_figures
from recanal.report.model import report_model
from recanal.report.page import render_html
from recanal.report.pdf import render_pdf

__all__ = ["render_figures", "render_html", "render_pdf", "report_model"]
