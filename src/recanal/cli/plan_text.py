"""Crossing plans as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from recanal.core.plan import PlanChange, RuleTrace, StrategyAdvice, StrategyStep, disagreements
from recanal.strategy import Algorithm, OmittedAlgorithm

__all__ = ["algorithms_text", "plans_text"]

_WIDTH = 110
_NOTE = "Information about publications, not an instruction. Research use only."
_STATE = {True: "holds", False: "does not hold", None: "open"}


def algorithms_text(algorithms: Iterable[Algorithm], omitted: Iterable[OmittedAlgorithm]) -> str:
    """One paragraph per algorithm: id, name, citation, trust and what was not read; then those that are left out."""
    parts = []
    for row in algorithms:
        doi = f", doi {row.doi}" if row.doi else ""
        parts += [
            f"{row.id}: {row.name} ({row.territory}, {len(row.rules)} rules)",
            *_wrapped(f"{row.citation}{doi}"),
            *_wrapped(f"{row.trust}: {row.trust_note}"),
            "",
        ]
    for entry in omitted:
        doi = f", doi {entry.doi}" if entry.doi else ""
        parts += [
            f"{entry.id}: {entry.name} (not shipped)",
            *_wrapped(f"{entry.citation}{doi}"),
            *_wrapped(entry.why),
            "",
        ]
    return "\n".join(parts).rstrip()


def plans_text(plans: Sequence[StrategyAdvice], *, with_rules: bool = False) -> str:
    """The starts side by side, then each plan.

    Parameters
    ----------
    plans
        The plans.
    with_rules
        Whether every rule is printed with how it was judged.
    """
    parts = _side_by_side(plans) if len(plans) > 1 else []
    for row in plans:
        parts += _plan(row)
        parts += [line for trace in row.trace for line in _trace(trace)] if with_rules else []
        parts.append("")
    return "\n".join([*parts, _NOTE])


def _side_by_side(plans: Sequence[StrategyAdvice]) -> list[str]:
    rows = [row for row in plans if row.possible or row.trace[0].role != "material"]
    width = max((len(row.algorithm) for row in rows), default=0)
    parts = ["Where each algorithm starts", *(f"  {row.algorithm:<{width}}  {_start(row)}" for row in rows)]
    pairs = [f"{first} and {second}" for first, second in disagreements(plans)]
    if pairs:
        parts += _wrapped(f"They disagree: {'; '.join(pairs)}. No source says which is right for this lesion.")
    return [*parts, ""]


def _start(row: StrategyAdvice) -> str:
    if row.start is not None:
        return _words(row.start)
    if row.possible and row.ask:
        return f"open: {' or '.join(_words(name) for name in row.possible)}"
    if not any(trace.role == "start" for trace in row.trace):
        return "gives no start: its rules were not read"
    return "no rule of it holds"


def _plan(row: StrategyAdvice) -> list[str]:
    doi = f", doi {row.doi}" if row.doi else ""
    parts = [f"{row.name} ({row.algorithm})", *_wrapped(f"{row.citation}{doi}"), ""]
    parts += [line for number, step in enumerate(row.steps, 1) for line in _step(step, f"{number}.")]
    for title, steps in (("Material", row.material), ("If it fails", row.fallback), ("When to stop", row.stop)):
        if steps:
            parts += [f"  {title}", *(line for step in steps for line in _step(step, "-"))]
    if row.ask:
        parts += _wrapped(f"Ask for: {', '.join(row.ask)}")
    if row.would_change:
        parts += ["  Another start", *(line for change in row.would_change for line in _change(change))]
    parts += [line for text in row.warnings for line in _wrapped(f"Warning: {text}")]
    parts += [line for text in row.caveats for line in _wrapped(f"Reading: {text}")]
    return parts


def _step(step: StrategyStep, mark: str) -> list[str]:
    facts = "; ".join(step.because[1:])
    parts = _wrapped(f"{mark} {step.do}", hang=len(mark) + 3)
    parts += _wrapped(f"rule: {step.because[0]}", indent=6) + (_wrapped(f"here: {facts}", indent=6) if facts else [])
    return parts + _wrapped(f"{step.citation} [{step.trust}]", indent=6)


def _change(change: PlanChange) -> list[str]:
    gives = " or ".join(_words(name) for name in change.gives) or "no rule of it holds"
    mark = "  (within the measurement's uncertainty)" if change.plausible else ""
    return _wrapped(f"- {change.finding} {change.instead} (now {change.now}): {gives}{mark}", hang=6, indent=4)


def _trace(trace: RuleTrace) -> list[str]:
    told = "; ".join(trace.because)
    if trace.holds is None and trace.ask:
        told = f"not known: {', '.join(trace.ask)}"
    return _wrapped(f"[{_STATE[trace.holds]}] {trace.rule}" + (f": {told}" if told else ""), hang=6)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _wrapped(text: str, *, indent: int = 2, hang: int | None = None) -> list[str]:
    later = " " * (indent + 2 if hang is None else hang)
    return textwrap.wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=later, break_long_words=False)
