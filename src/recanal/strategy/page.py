"""The rules of the algorithms as a page of the manual."""

from __future__ import annotations

from collections.abc import Iterable

from recanal.rules.conditions import AllOf, AnyOf, Condition, Direct, FirstOf, Negation
from recanal.strategy.algorithm import Algorithm, PlanRule
from recanal.strategy.phrases import value_words

__all__ = ["condition_text", "rules_page"]

_WORDS = {AllOf: " and ", AnyOf: " or ", FirstOf: ", else "}


def rules_page(algorithms: Iterable[Algorithm]) -> str:
    """One section per algorithm: publication, trust, its rules, how it was read.

    Parameters
    ----------
    algorithms
        In the order of the page.
    """
    return "\n".join(line for algorithm in algorithms for line in _section(algorithm))


def condition_text(condition: Condition | None) -> str:
    """A condition in the words of its file.

    >>> condition_text(Direct("length_mm", ">=", 20.0))
    '`length_mm` >= 20 mm'
    >>> condition_text(None)
    'always'
    """
    if condition is None:
        return "always"
    if isinstance(condition, Direct):
        return _direct(condition)
    if isinstance(condition, Negation):
        return f"not ({condition_text(condition.part)})"
    parts = [condition_text(part) for part in condition.parts]
    joined = _WORDS[type(condition)].join(parts)
    return f"({joined})" if len(parts) > 1 else joined


def _direct(test: Direct) -> str:
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    bare = test.finding.endswith("_ratio")  # beside the name of a field: as a file of findings holds it
    shown = ", ".join(f"{value:g}" if bare else value_words(test.finding, value) for value in values)
    return f"`{test.finding}` {test.op} {shown}"


def _section(algorithm: Algorithm) -> list[str]:
    doi = f" doi [{algorithm.doi}](https://doi.org/{algorithm.doi})." if algorithm.doi else ""
    return [
        f"### `{algorithm.id}`: {algorithm.name}",
        "",
        f"{algorithm.citation}.{doi} **{algorithm.trust}**: {algorithm.trust_note}",
        "",
        *(line for rule in algorithm.rules for line in _entry(rule)),
        *(f"- Warns: {row.warning} ({row.source})" for row in algorithm.limits),
        *(f"- {text}" for text in algorithm.caveats),
        "",
    ]


def _entry(rule: PlanRule) -> list[str]:
    when = condition_text(rule.test)
    if rule.after:
        after = " or ".join(f"`{name}`" for name in rule.after)
        when = f"with {after}" if rule.test is None else f"with {after}, and {when}"
    role = f"{rule.role}: `{rule.strategy}`" if rule.strategy else rule.role
    doi = f", doi {rule.doi}" if rule.doi else ""
    return [
        f"`{rule.name}` ({role})",
        f": **{rule.do}**",
        f"  {rule.text}",
        f"  When: {when}.",
        f"  Source: {rule.source}{doi}; {rule.trust}.",
        "",
    ]
