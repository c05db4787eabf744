"""From findings to the class of a published classification."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from recanal.core.findings import Fact, Findings, vocabulary
from recanal.core.score import ClassAxis, ClassResult
from recanal.errors import FindingsError
from recanal.rules.consistency import check_consistent
from recanal.rules.contradictions import contradicted, contradictions
from recanal.rules.logic import State, World, answer, is_certain, stated_world
from recanal.scores.classes import NOT_CLASSIFIED, AgreeRule, Axis, ClassSheet, CriteriaRule, Derived, tests_of
from recanal.scores.classes_catalogue import class_sheet_ids, load_class_sheet
from recanal.scores.classes_logic import Judgement, judge_axes
from recanal.scores.territory import why_unfit
from recanal.scores.uncertainty import fact_states

__all__ = ["LeftOut", "classify", "classify_all"]

_MOST_WORLDS = 4096
_FOREIGN: Mapping[str, tuple[str, str]] = {
    "angiogram": ("ct", "CT-derived values used in an angiographic classification"),
    "ct": ("angiogram", "Angiographic values used in a CT classification"),
}


@dataclass(frozen=True)
class LeftOut:
    """A sheet that a list of all results leaves out, and why."""

    sheet: str
    why: str


def classify(sheet: ClassSheet | str, findings: Findings) -> ClassResult:
    """What one published classification says.

    Parameters
    ----------
    sheet
        A classification, or the id of a shipped one.
    findings
        The facts; what is absent is not known.

    Returns
    -------
    ClassResult
        ``class_name`` rests on the stated values, and is None while an unknown finding could change it;
        ``classes_possible`` always holds. ``"not classified"`` means that no class of the publication describes the
        case. ``class_probabilities`` takes the 95 % intervals and probabilities of the facts into account; it is empty
        unless such a fact is used and the class is known.

    Raises
    ------
    FindingsError
        When findings contradict each other.
    SheetError
        When no shipped classification has that id.

    Notes
    -----
    The classes that are possible are those that some completion of the unknown findings gives, axis by axis.

    Examples
    --------
    >>> facts = Findings.from_mapping({"limb_symptoms": "claudication"})
    >>> classify("fontaine", facts).classes_possible
    ('IIa', 'IIb')
    """
    sheet = load_class_sheet(sheet) if isinstance(sheet, str) else sheet
    check_consistent(findings)
    facts = _with_derived(sheet, findings)
    world = stated_world(facts)
    judged = judge_axes(sheet, world)
    result = judged[sheet.result]
    return ClassResult(
        sheet=sheet.id,
        name=sheet.name,
        endpoint=sheet.endpoint,
        class_name=result.one,
        classes_possible=result.possible,
        class_text=_text(sheet, judged),
        missing=_missing(sheet, judged),
        axis=sheet.result,
        axes=tuple(_axis(row, judged[row.name], facts) for row in sheet.axes if _is_shown(sheet, row, facts)),
        trust=sheet.trust,
        doi=sheet.doi,
        citation=sheet.citation,
        class_probabilities=_probabilities(sheet, judged, facts, world),
        modality=sheet.modality,
        warnings=_warnings(sheet, judged, facts, world),
    )


def classify_all(findings: Findings) -> tuple[tuple[ClassResult, ...], tuple[LeftOut, ...]]:
    """Every shipped classification that fits the vessel and says something, and what is left out with the reason.

    Parameters
    ----------
    findings
        The facts.

    Notes
    -----
    A classification says something when it gives a class, or leaves fewer classes open than there are. Where the
    vessel is not known, only those are kept that give a class.
    """
    kept, left = [], []
    for sheet_id in class_sheet_ids():
        sheet = load_class_sheet(sheet_id)
        result = classify(sheet, findings)
        why = _why_left_out(sheet, result, findings)
        if why:
            left.append(LeftOut(sheet_id, why))
        else:
            kept.append(result)
    return tuple(kept), tuple(left)


def _why_left_out(sheet: ClassSheet, result: ClassResult, findings: Findings) -> str:
    unfit = why_unfit(sheet.territory, sheet.vessels, findings)
    if unfit:
        return unfit
    if not any(name in findings for name in sheet.findings):
        return "none of its findings is known"
    if result.class_name is not None:
        return ""
    if "vessel" not in findings:
        return "its class is open, and the vessel is not known"
    named = {row.name for row in sheet.axis(sheet.result).classes}
    return "" if named - set(result.classes_possible) else "the findings leave every class open"


def _with_derived(sheet: ClassSheet, findings: Findings) -> Findings:
    """The findings with those that follow from others.

    Raises
    ------
    FindingsError
        When a value is given that does not follow.
    """
    facts = dict(findings.facts)
    for row in sheet.derived:
        sources = [facts[name] for name in row.of if name in facts]
        if len(sources) < len(row.of) or not _allowed(row, facts):
            continue
        fact = sources[0] if len(sources) == 1 else _ratio(row, sources[0], sources[1])
        given = facts.get(row.finding)
        if given is None:
            facts[row.finding] = _in_range(row, fact)
        elif len(sources) > 1 and not _agree(row, given, fact):
            raise FindingsError(
                f"{row.finding}: is {float(given.value):g}, but {row.of[0]} / {row.of[1]} is {float(fact.value):.2f}.",
                hint="Correct one of them, or leave it out.",
            )
    return Findings(facts)


def _allowed(row: Derived, facts: Mapping[str, Fact]) -> bool:
    return row.when is None or answer(row.when, stated_world(Findings(facts))).truth is True


def _ratio(row: Derived, above: Fact, below: Fact) -> Fact:
    """The ratio of two numbers; its interval is the widest that theirs allow."""
    first, second = [_span(fact) for fact in (above, below)]
    if second[0] <= 0:
        raise FindingsError(f"{row.of[1]}: must be above 0 to give {row.finding}.")
    wide = not (is_certain(above) and is_certain(below))
    return Fact(
        value=float(above.value) / float(below.value),
        source=above.source,
        low=first[0] / second[1] if wide else None,
        high=first[1] / second[0] if wide else None,
    )


def _span(fact: Fact) -> tuple[float, float]:
    value = float(fact.value)
    return (value if fact.low is None else fact.low), (value if fact.high is None else fact.high)


def _in_range(row: Derived, fact: Fact) -> Fact:
    kind = vocabulary()[row.finding]
    if not kind.low <= float(fact.value) <= kind.high:
        raise FindingsError(
            f"{row.finding}: follows from {' and '.join(row.of)} as {float(fact.value):.3g}, "
            f"but must lie in [{kind.low:g}, {kind.high:g}]."
        )
    return fact


def _agree(row: Derived, given: Fact, derived: Fact) -> bool:
    (low, high), (least, most) = _span(given), _span(derived)
    slack = row.tolerance_ratio + 1e-9
    return low <= most + slack and least <= high + slack


def _missing(sheet: ClassSheet, judged: Mapping[str, Judgement]) -> tuple[str, ...]:
    """What to ask for: first for the class, then for the other axes that do not feed it."""
    feeds = _feeding(sheet, sheet.result)
    names = list(judged[sheet.result].missing)
    for axis in sheet.axes:
        if axis.name not in feeds and axis.shown:
            names += judged[axis.name].missing
    return tuple(dict.fromkeys(names))


def _feeding(sheet: ClassSheet, name: str) -> set[str]:
    rule = sheet.axis(name).rule
    if isinstance(rule, CriteriaRule):
        return {name}
    return {name}.union(*(_feeding(sheet, source) for source in rule.of))


def _is_shown(sheet: ClassSheet, axis: Axis, findings: Findings) -> bool:
    """Whether a reader sees an axis: one of several measurements of the same is seen where it was made."""
    if axis.shown or axis.name == sheet.result:
        return True
    agreeing = any(isinstance(row.rule, AgreeRule) and axis.name in row.rule.of for row in sheet.axes)
    return agreeing and any(test.finding in findings for test in tests_of(axis))


def _text(sheet: ClassSheet, judged: Mapping[str, Judgement]) -> str:
    parts = {axis.name: _part(axis, judged[axis.name]) for axis in sheet.axes}
    return sheet.text.format_map(parts)


def _part(axis: Axis, judgement: Judgement) -> str:
    if judgement.one is None:
        return axis.unknown_text
    found = axis.class_named(judgement.one)
    return judgement.one if found is None else found.text


def _axis(axis: Axis, judgement: Judgement, findings: Findings) -> ClassAxis:
    found = None if judgement.one is None else axis.class_named(judgement.one)
    sources = [findings.facts[name].source for name in judgement.used if name in findings]
    return ClassAxis(
        name=axis.name,
        title=axis.title,
        class_name=judgement.one,
        meaning="" if found is None else found.meaning,
        classes_possible=judgement.possible,
        because=judgement.because,
        findings=judgement.used,
        sources=tuple(dict.fromkeys(sources)),
        missing=judgement.missing,
    )


def _warnings(sheet: ClassSheet, judged: Mapping[str, Judgement], findings: Findings, world: World) -> tuple[str, ...]:
    out = []
    if sheet.trust != "read in the source":
        out.append(f"Sheet {sheet.trust}: {sheet.trust_note}")
    unfit = why_unfit(sheet.territory, sheet.vessels, findings)
    if unfit:
        out.append(f"{unfit[0].upper()}{unfit[1:]}.")
    out += [f"Measurements disagree; the class is left open. {row.conflict}." for row in _conflicts(sheet, judged)]
    for axis in sheet.axes:
        row = judged[axis.name]
        if row.edge and isinstance(axis.rule, CriteriaRule):
            out.append(f"{axis.title}: the publication leaves {' or '.join(row.possible)} open. {row.because}")
        if row.one == NOT_CLASSIFIED and isinstance(axis.rule, CriteriaRule) and row.because:
            out.append(f"{axis.title}: {row.because}")
    other, text = _FOREIGN.get(sheet.modality, ("", ""))
    foreign = [name for name in sheet.findings if name in findings and findings.facts[name].source == other]
    out += [f"{text}: {', '.join(foreign)}."] if foreign else []
    out += [limit.warning for limit in sheet.limits if answer(limit.test, world).truth is True]
    return tuple(out)


def _conflicts(sheet: ClassSheet, judged: Mapping[str, Judgement]) -> list[Judgement]:
    agreeing = [axis.name for axis in sheet.axes if isinstance(axis.rule, AgreeRule)]
    return [judged[name] for name in agreeing if judged[name].conflict]


def _probabilities(
    sheet: ClassSheet, judged: Mapping[str, Judgement], findings: Findings, world: World
) -> Mapping[str, float]:
    """Probability of each class of the result: uncertain facts are independent, but do not contradict each other."""
    if judged[sheet.result].one is None:
        return {}
    feeds = _feeding(sheet, sheet.result)
    tests = [test for axis in sheet.axes if axis.name in feeds for test in tests_of(axis)]
    names = sorted({test.finding for test in tests if test.finding in findings})
    uncertain = [name for name in names if not is_certain(findings.facts[name])]
    cuts = {
        name: [float(test.value) for test in tests if test.finding == name and isinstance(test.value, int | float)]
        for name in uncertain
    }
    states = [fact_states(findings.facts[name], cuts[name] or [0.0]) for name in uncertain]
    if not uncertain or math.prod(len(row) for row in states) > _MOST_WORLDS:
        return {}
    return _spread(sheet, world, uncertain, states)


def _spread(
    sheet: ClassSheet, world: World, names: Sequence[str], states: Sequence[Sequence[tuple[State, float]]]
) -> Mapping[str, float]:
    spread: dict[str, float] = {}
    for chosen in itertools.product(*states):
        here = {**world, **{name: _within(name, state) for name, (state, _) in zip(names, chosen, strict=True)}}
        if contradicted(here, contradictions()):
            continue
        one = judge_axes(sheet, here)[sheet.result].one
        if one is None:
            return {}
        spread[one] = spread.get(one, 0.0) + math.prod(share for _, share in chosen)
    total = math.fsum(spread.values())
    order = [*(row.name for row in sheet.axis(sheet.result).classes), NOT_CLASSIFIED]
    return {name: spread[name] / total for name in order if name in spread}


def _within(name: str, state: State) -> State:
    """A state whose number lies in the range of the finding: the tail of an interval may reach beyond it."""
    kind = vocabulary()[name]
    if kind.kind != "number":
        return state
    return replace(state, value=min(max(float(state.value), kind.low), kind.high))
