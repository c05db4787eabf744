"""What do published scores say?

A score sheet is a TOML file: items over the findings vocabulary, points, strata, printed rates, and how
far each was checked against its source. A classification is one as well: classes, criteria and look-up
tables. Adding a score adds no Python.
"""

from recanal.scores.catalogue import load_sheet, load_sheet_file, sheet_ids, tally_ids
from recanal.scores.classes import ClassSheet
from recanal.scores.classes_catalogue import class_sheet_ids, load_class_sheet, load_class_sheet_file
from recanal.scores.classes_evaluation import LeftOut, classify, classify_all
from recanal.scores.consistency import check_consistent
from recanal.scores.evaluation import evaluate, evaluate_all
from recanal.scores.not_shipped import not_shipped
from recanal.scores.priors import check_priors, parse_priors
from recanal.scores.rates import primary_rates, rate_text, rates_for
from recanal.scores.reading import FindingsFile, parse_findings, parse_findings_file
from recanal.scores.sheet import Sheet
from recanal.scores.tallies import evaluate_tallies
from recanal.scores.wilson import wilson_interval

__all__ = [
    "ClassSheet",
    "FindingsFile",
    "LeftOut",
    "Sheet",
    "check_consistent",
    "check_priors",
    "class_sheet_ids",
    "classify",
    "classify_all",
    "evaluate",
    "evaluate_all",
    "evaluate_tallies",
    "load_class_sheet",
    "load_class_sheet_file",
    "load_sheet",
    "load_sheet_file",
    "not_shipped",
    "parse_findings",
    "parse_findings_file",
    "parse_priors",
    "primary_rates",
    "rate_text",
    "rates_for",
    "sheet_ids",
    "tally_ids",
    "wilson_interval",
]
