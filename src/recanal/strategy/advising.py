"""From findings to what the published algorithms would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recanal.core.findings import Findings
from recanal.core.plan import RuleTrace, StrategyAdvice, StrategyStep
from recanal.errors import OptionError
from recanal.rules.cautions import cautions_on
from recanal.rules.consistency import check_consistent
from recanal.rules.logic import World, answer, stated_world
from recanal.strategy.algorithm import TERRITORIES, Algorithm
from recanal.strategy.catalogue import algorithm_ids, load_algorithm
from recanal.strategy.changes import changes_of
from recanal.strategy.judging import Judged, judge_rules, judge_start
from recanal.strategy.phrases import fact_phrase

__all__ = ["advise", "advise_all", "territory_of"]

_LEG_VESSELS = ("aortoiliac", "femoropopliteal", "infrapopliteal")
_STEP_ROLES = ("prepare", "start", "technique")


def advise(algorithm: Algorithm | str, findings: Findings) -> StrategyAdvice:
    """What one algorithm would do, with the trace of its rules.

    Parameters
    ----------
    algorithm
        An algorithm, or the id of a shipped one.
    findings
        The facts; what is absent is not known and leaves the rules that need it open.

    Returns
    -------
    StrategyAdvice
        ``start`` is None while an unknown finding could change it, or where no rule of the algorithm holds.

    Raises
    ------
    FindingsError
        When two findings contradict each other.
    OptionError
        When no shipped algorithm has that id.

    Notes
    -----
    Conditions follow Kleene's three-valued logic on the stated values. What an interval or a probability leaves
    possible stands in ``would_change`` with ``plausible``.

    Examples
    --------
    >>> facts = Findings.from_mapping(
    ...     {"proximal_cap_shape": "tapered", "distal_vessel_diseased": False, "length_mm": 14.0}
    ... )
    >>> plan = advise("hybrid_2012", facts)
    >>> plan.start, plan.ask
    ('antegrade_wire_escalation', ())
    """
    algorithm = load_algorithm(algorithm) if isinstance(algorithm, str) else algorithm
    check_consistent(findings)
    world = stated_world(findings)
    start = judge_start(algorithm, findings)
    planners = _planners(algorithm.territory, findings) if algorithm.kind == "material" else {}
    context = start.context if algorithm.kind == "algorithm" else _planned(planners)
    judged = tuple(_with_planners(row, planners) for row in judge_rules(algorithm.rules, findings, context))
    return StrategyAdvice(
        algorithm=algorithm.id,
        steps=tuple(step for role in _STEP_ROLES for step in _steps(judged, role, findings)),
        name=algorithm.name,
        citation=algorithm.citation,
        doi=algorithm.doi,
        trust=algorithm.trust,
        trust_note=algorithm.trust_note,
        territory=algorithm.territory,
        start=start.strategy,
        options=start.options,
        possible=start.possible,
        ask=tuple(dict.fromkeys(name for row in _that_matter(judged, start.strategy) for name in row.ask)),
        material=_steps(judged, "material", findings),
        fallback=_steps(judged, "fallback", findings),
        stop=_steps(judged, "stop", findings),
        would_change=changes_of(algorithm, findings),
        trace=tuple(_trace(row, findings) for row in judged),
        warnings=_warnings(algorithm, findings, world),
        caveats=algorithm.caveats,
    )


def advise_all(findings: Findings, *, territory: str | None = None) -> tuple[StrategyAdvice, ...]:
    """What every shipped algorithm of a territory would do, side by side; tables of material last.

    Parameters
    ----------
    findings
        The facts.
    territory
        ``"coronary"`` or ``"leg"``; None takes that of the vessel, and coronary where no vessel is named.

    Raises
    ------
    FindingsError
        When two findings contradict each other.
    OptionError
        When there is no such territory.
    """
    wanted = territory_of(findings) if territory is None else territory
    if wanted not in TERRITORIES:
        raise OptionError(f"No territory {wanted!r}.", hint=f"Use one of {', '.join(TERRITORIES)}.")
    algorithms = [load_algorithm(name) for name in algorithm_ids()]
    return tuple(advise(row, findings) for row in algorithms if row.territory == wanted)


def territory_of(findings: Findings) -> str:
    """``"leg"`` for a vessel of the leg, else ``"coronary"``, also where no vessel is named."""
    return "leg" if findings.value("vessel") in _LEG_VESSELS else "coronary"


def _planners(territory: str, findings: Findings) -> dict[str, dict[str, bool | None]]:
    """For each strategy of the territory the algorithms that start with it (true) or may (None)."""
    out: dict[str, dict[str, bool | None]] = {}
    for name in algorithm_ids():
        algorithm = load_algorithm(name)
        if algorithm.territory == territory and algorithm.kind == "algorithm":
            start = judge_start(algorithm, findings)
            for strategy in start.possible:
                out.setdefault(strategy, {})[name] = True if strategy == start.strategy else None
    return out


def _planned(planners: Mapping[str, Mapping[str, bool | None]]) -> dict[str, bool | None]:
    return {strategy: True if True in names.values() else None for strategy, names in planners.items()}


def _with_planners(row: Judged, planners: Mapping[str, Mapping[str, bool | None]]) -> Judged:
    found = [name for strategy in row.rule.after for name, sure in planners.get(strategy, {}).items() if sure]
    return replace(row, planners=tuple(found)) if found else row


def _steps(judged: tuple[Judged, ...], role: str, findings: Findings) -> tuple[StrategyStep, ...]:
    return tuple(
        StrategyStep(
            do=row.rule.do,
            because=(row.rule.text, *_phrases(row, findings)),
            source=row.rule.doi or row.rule.source,
            citation=row.rule.source,
            role=role,
            rule=row.rule.name,
            strategy=row.rule.strategy,
            trust=row.rule.trust,
        )
        for row in judged
        if row.rule.role == role and row.holds is True
    )


def _that_matter(judged: tuple[Judged, ...], start: str | None) -> tuple[Judged, ...]:
    """The open rules whose answer is wanted: once the start is settled, other starts no longer matter."""
    return tuple(row for row in judged if row.holds is None and (row.rule.role != "start" or start is None))


def _trace(row: Judged, findings: Findings) -> RuleTrace:
    return RuleTrace(
        rule=row.rule.name,
        role=row.rule.role,
        holds=row.holds,
        text=row.rule.text,
        because=_phrases(row, findings),
        ask=row.ask,
        source=row.rule.doi or row.rule.source,
        citation=row.rule.source,
        trust=row.rule.trust,
    )


def _phrases(row: Judged, findings: Findings) -> tuple[str, ...]:
    phrases = tuple(fact_phrase(name, findings.facts[name]) for name in row.used)
    if not (row.planners and row.holds):
        return phrases
    return (*phrases, f"start of: {', '.join(load_algorithm(name).name for name in row.planners)}")


def _warnings(algorithm: Algorithm, findings: Findings, world: World) -> tuple[str, ...]:
    out = []
    if algorithm.trust != "read in the source":
        out.append(f"Rules {algorithm.trust}: {algorithm.trust_note}")
    if "vessel" in findings and territory_of(findings) != algorithm.territory:
        out.append(f"Made for {algorithm.territory} arteries, but the vessel is {findings.value('vessel')}.")
    out += [limit.warning for limit in algorithm.limits if answer(limit.test, world).truth is True]
    own = [limit.test for limit in algorithm.limits]
    return (*out, *cautions_on(world, serves="plan", territory=algorithm.territory, own=own))
