"""The crossing plan in the report: the starts side by side, material, what would change it, fallback and stop."""

from __future__ import annotations

import re
from collections.abc import Sequence

from recanal.core.case import CaseReport
from recanal.core.plan import PlanChange, StrategyAdvice, StrategyStep, disagreements
from recanal.report.blocks import Block, Section, bullets, fold, heading, steps, table, text
from recanal.report.display import Display
from recanal.report.finding_words import finding_label, signs
from recanal.report.sources import Sources

__all__ = ["plan_section"]

_TITLE = "What published crossing algorithms would do (for information, not an instruction)"
_STATE = {True: "holds", False: "does not hold", None: "open"}


def plan_section(case: CaseReport, say: Display, sources: Sources) -> Section | None:
    """The section, or None for a case without a plan.

    Parameters
    ----------
    case
        The result; ``case.strategy`` holds one entry for each algorithm or table of material.
    say
        Not used: the numbers of a plan are words of its rules.
    sources
        The numbered list of references; the publications of the plan are added.

    Notes
    -----
    An entry without a trace of its rules is shown as its bare steps.
    """
    del say
    traced = [plan for plan in case.strategy if plan.trace]
    blocks = _starts([plan for plan in traced if plan.trace[0].role != "material"], sources)
    blocks += _material(traced, sources) + _changes(traced)
    blocks += _lines("If it fails", [(plan, plan.fallback) for plan in traced], sources)
    blocks += _lines("When to stop", [(plan, plan.stop) for plan in traced], sources)
    blocks += _rules(traced)
    for plan in case.strategy:
        if not plan.trace:
            rows = [(s.do, f"because {'; '.join(s.because)} {_number(s, sources)}".strip()) for s in plan.steps]
            blocks += [heading(plan.name or plan.algorithm), steps(rows)]
    return Section("plan", _TITLE, tuple(blocks), tuple(_printed(case.strategy, sources))) if blocks else None


def _printed(plans: Sequence[StrategyAdvice], sources: Sources) -> list[Block]:
    """One row for each algorithm, where they disagree, which starts are not firm, and one line of fallback and stop."""
    algorithms = [plan for plan in plans if not plan.trace or plan.trace[0].role != "material"]
    blocks = _short_starts(algorithms, sources)
    near = {
        plan.name: ", ".join(dict.fromkeys(_inside(finding_label(row.finding)) for row in _near(plan)))
        for plan in algorithms
        if _near(plan)
    }
    if near:
        words = "; ".join(f"{name}, by {found}" for name, found in near.items())
        blocks.append(text(f"Not firm, within the uncertainty of the measurement another start: {words}.", warn=True))
    ends = [plan for plan in algorithms if plan.fallback or plan.stop]
    if ends:
        blocks.append(text(_ending(max(ends, key=_year), sources), soft=True))
    return blocks


def _ending(plan: StrategyAdvice, sources: Sources) -> str:
    """The fallback and the stop of the newest algorithm that gives them."""
    parts = [
        f"{title}: " + " ".join(step.do for step in found)
        for title, found in (("If it fails", plan.fallback), ("When to stop", plan.stop))
        if found
    ]
    return f"{plan.name} {sources.number(plan.doi, plan.citation)}".strip() + f". {' '.join(parts)}"


def _year(plan: StrategyAdvice) -> int:
    found = re.search(r"\((\d{4})\)", plan.name)
    return int(found[1]) if found else 0


def _inside(label: str) -> str:
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _starts(plans: Sequence[StrategyAdvice], sources: Sources) -> list[Block]:
    if not plans:
        return []
    rows = [
        (
            f"{plan.name} {sources.number(plan.doi, plan.citation)}".strip(),
            _start(plan),
            _because(plan),
            ", ".join(finding_label(name) for name in plan.ask) or "nothing",
            plan.trust,
        )
        for plan in plans
    ]
    heads = ("Algorithm", "Where it starts", "Because", "Still to ask", "Rules")
    return [table(heads, rows, shares=(1.5, 1.5, 2.6, 1.3, 0.8)), *_disagreeing(plans)]


def _short_starts(plans: Sequence[StrategyAdvice], sources: Sources) -> list[Block]:
    """As ``_starts`` with one column less; it also shows the first step of an entry without a trace."""
    if not plans:
        return []
    rows = []
    for plan in plans:
        asked = ", ".join(finding_label(name) for name in plan.ask)
        why = [words for words in (_because(plan), f"to ask: {asked}" if asked else "") if words not in ("", "–")]
        name = f"{plan.name or plan.algorithm} {sources.number(plan.doi, plan.citation)}".strip()
        rows.append((name, _start(plan), "; ".join(why) or "–", plan.trust or "–"))
    heads = ("Algorithm", "Where it starts", "Because; still to ask", "Rules")
    return [table(heads, rows, shares=(1.75, 2.0, 3.6, 1.0)), *_disagreeing(plans)]


def _disagreeing(plans: Sequence[StrategyAdvice]) -> list[Block]:
    names = {plan.algorithm: plan.name for plan in plans}
    pairs = [f"{names[first]} and {names[second]}" for first, second in disagreements(plans)]
    if not pairs:
        return []
    return [text(f"They disagree: {'; '.join(pairs)}. No source says which is right here.", warn=True)]


def _start(plan: StrategyAdvice) -> str:
    led = _leading(plan)
    if led is not None:
        return led.do
    if not plan.trace and plan.steps:
        return plan.steps[0].do
    if not any(rule.role == "start" for rule in plan.trace):
        return "gives no start: its rules were not read"
    if plan.possible and plan.ask:
        return f"open: {' or '.join(_words(name) for name in plan.possible)}"
    return "no rule of it holds"


def _leading(plan: StrategyAdvice) -> StrategyStep | None:
    if plan.start is None:
        return None
    return next((step for step in plan.steps if step.role == "start" and step.strategy == plan.start), None)


def _because(plan: StrategyAdvice) -> str:
    led = _leading(plan)
    if led is None and not plan.trace and plan.steps:
        return "; ".join(plan.steps[0].because)
    return "; ".join(led.because[1:]) if led is not None else "–"


def _material(plans: Sequence[StrategyAdvice], sources: Sources) -> list[Block]:
    rows = [
        (step.do, "; ".join(step.because[1:]) or "always", f"{step.citation} {_number(step, sources)}", step.trust)
        for plan in plans
        for step in plan.material
    ]
    if not rows:
        return []
    heads = ("Material", "Because", "Source", "Rule")
    return [heading("Material, by class; no brands"), table(heads, rows, shares=(3.0, 2.0, 1.8, 0.9))]


def _changes(plans: Sequence[StrategyAdvice]) -> list[Block]:
    """What would change a start: within the uncertainty of the measurement first, the rest folded."""
    near = [row for plan in plans for row in plan.would_change if row.plausible]
    blocks: list[Block] = []
    if near:
        blocks.append(heading("Not firm: within the uncertainty of the measurement another start"))
        blocks.append(bullets([f"{plan.name}: {_change(row)}" for plan in plans for row in _near(plan)]))
    rest = [(plan, [row for row in plan.would_change if not row.plausible]) for plan in plans]
    lines = [f"{plan.name}: {'; '.join(_change(row) for row in rows)}" for plan, rows in rest if rows]
    if lines:
        blocks.append(heading("What else would change the start"))
        blocks.append(bullets(lines))
    return blocks


def _near(plan: StrategyAdvice) -> list[PlanChange]:
    return [row for row in plan.would_change if row.plausible]


def _change(row: PlanChange) -> str:
    gives = " or ".join(_words(name) for name in row.gives) or "no rule of it holds"
    return f"{finding_label(row.finding)}: {signs(row.instead)} (now {row.now}) gives {gives}"


def _lines(title: str, rows: Sequence[tuple[StrategyAdvice, Sequence[StrategyStep]]], sources: Sources) -> list[Block]:
    lines = [
        f"{plan.name}: " + " ".join(f"{step.do} {_number(step, sources) or f'({step.citation})'}" for step in found)
        for plan, found in rows
        if found
    ]
    return [heading(title), bullets(lines)] if lines else []


def _rules(plans: Sequence[StrategyAdvice]) -> list[Block]:
    """Every rule with how it was judged, and how each publication was read."""
    inner: list[Block] = []
    for plan in plans:
        rows = [
            (
                _words(rule.rule),
                _STATE[rule.holds],
                signs(rule.text),
                "; ".join(rule.because) or ", ".join(finding_label(name) for name in rule.ask) or "–",
                f"{rule.citation}, {rule.trust}",
            )
            for rule in plan.trace
        ]
        heads = ("Rule", "Judged", "As published", "Findings, or what to ask", "Source")
        inner += [heading(plan.name), table(heads, rows, shares=(1.2, 0.8, 2.6, 2.2, 1.6))]
        inner.append(bullets([signs(words) for words in (*plan.warnings, *plan.caveats)]))
    short = "Every rule with its state, its source and how it was read: report.html and case.json."
    return [fold("Every rule, how it was judged, and how its source was read", inner, short=short)] if inner else []


def _number(step: StrategyStep, sources: Sources) -> str:
    return sources.number(step.source, step.citation) if step.source.startswith("10.") else ""


def _words(name: str) -> str:
    return name.replace("_", " ")
