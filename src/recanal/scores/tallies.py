"""Sheets of points that describe: how many segments are open, how complex an occlusion is."""

from __future__ import annotations

from recanal.core.findings import Findings
from recanal.core.score import ScoreResult
from recanal.scores.catalogue import load_sheet, tally_ids
from recanal.scores.classes_evaluation import LeftOut
from recanal.scores.evaluation import evaluate
from recanal.scores.sheet import Sheet, conditions_of
from recanal.scores.territory import why_unfit

__all__ = ["evaluate_tallies"]


def evaluate_tallies(findings: Findings) -> tuple[tuple[ScoreResult, ...], tuple[LeftOut, ...]]:
    """Every shipped tally that fits the vessel and is complete, and what is left out with the reason.

    Parameters
    ----------
    findings
        The facts.

    Raises
    ------
    FindingsError
        When findings contradict each other.
    """
    kept, left = [], []
    for sheet_id in tally_ids():
        sheet = load_sheet(sheet_id)
        result = evaluate(sheet, findings)
        why = _why_left_out(sheet, result, findings)
        if why:
            left.append(LeftOut(sheet_id, why))
        else:
            kept.append(result)
    return tuple(kept), tuple(left)


def _why_left_out(sheet: Sheet, result: ScoreResult, findings: Findings) -> str:
    names = {test.finding for item in sheet.items for test in conditions_of(item.rule)}
    unfit = why_unfit(sheet.territory, (), findings)
    if unfit:
        return unfit
    if not any(name in findings for name in names):
        return "none of its findings is known"
    return "" if result.points is not None else f"{len(result.missing)} of its findings are missing"
