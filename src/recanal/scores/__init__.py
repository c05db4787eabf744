"""What do published scores say?

A score sheet is a TOML file: items over the findings vocabulary, points, strata, printed rates, and how
far each was checked against its source. Adding a score adds no Python.
"""

from recanal.scores.catalogue import load_sheet, load_sheet_file, sheet_ids
from recanal.scores.consistency import check_consistent
from recanal.scores.evaluation import evaluate, evaluate_all
from recanal.scores.rates import primary_rates, rate_text, rates_for
from recanal.scores.reading import parse_findings
from recanal.scores.sheet import Sheet
from recanal.scores.wilson import wilson_interval

__all__ = [
    "Sheet",
    "check_consistent",
    "evaluate",
    "evaluate_all",
    "load_sheet",
    "load_sheet_file",
    "parse_findings",
    "primary_rates",
    "rate_text",
    "rates_for",
    "sheet_ids",
    "wilson_interval",
]
