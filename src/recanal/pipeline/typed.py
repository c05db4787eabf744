"""What a person typed about a lesion, beside what CT shows of it."""

from __future__ import annotations

from pathlib import Path

from recanal.core.findings import Fact, Findings
from recanal.errors import FindingsError
from recanal.interop import read_findings_file
from recanal.report.finding_words import finding_label, finding_text, source_text
from recanal.scores import check_consistent

__all__ = ["disagreements", "typed_findings"]

SAME_SHARE = 0.1


def typed_findings(path: Path | None) -> Findings:
    """The findings of a clinical file, or none without a file.

    Raises
    ------
    FindingsError
        When they are unsound, or pass an entered value off as measured by this analysis.
    """
    if path is None:
        return Findings({})
    try:
        found = Findings.from_mapping(read_findings_file(path), source="typed")
    except FindingsError as error:
        raise FindingsError(f"{path.name}: {error.message}", hint=error.hint) from error
    for name, fact in found.facts.items():
        if fact.source == "ct" and fact.confirmed_by is None:
            raise FindingsError(
                f"{name}: source ct needs confirmed_by in a clinical file; this analysis measures CT itself.",
                hint="Leave source out, or say who confirmed the value.",
            )
    check_consistent(found)
    return found


def disagreements(measured: Findings, typed: Findings) -> tuple[str, ...]:
    """One sentence for each typed finding that stands in for a different one from CT.

    Parameters
    ----------
    measured
        From CT.
    typed
        From the clinical file; the scores use these.
    """
    return tuple(
        f"{finding_label(name)}: the scores use {finding_text(name, fact)} ({source_text(fact)}); "
        f"CT shows {finding_text(name, measured.facts[name])}"
        for name, fact in typed.facts.items()
        if name in measured and _differs(measured.facts[name], fact)
    )


def _differs(measured: Fact, typed: Fact) -> bool:
    if isinstance(typed.value, bool | str) or isinstance(measured.value, bool | str):
        return typed.value != measured.value
    slack = 0.0 if measured.low is not None else SAME_SHARE * abs(measured.value)
    return _end(typed.high, typed) < _end(measured.low, measured) - slack or (
        _end(typed.low, typed) > _end(measured.high, measured) + slack
    )


def _end(bound: float | None, fact: Fact) -> float:
    return float(fact.value) if bound is None else bound
