"""Stated priors: how likely a fact is that nobody has looked for."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterable, Mapping

from recanal.core.findings import FactKind, Findings, FindingValue, vocabulary
from recanal.errors import FindingsError, OptionError
from recanal.rules.consistency import EXCLUSIONS

__all__ = ["PriorLike", "Priors", "check_priors", "parse_priors"]

PriorLike = float | Mapping[str, float]
Priors = Mapping[str, tuple[tuple[FindingValue, float], ...]]

_HINT = "A prior is for a true-or-false fact (a probability) or a choice (a probability for each word, adding up to 1)."
_SUM_TOLERANCE = 1e-6
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)


def check_priors(priors: Mapping[str, PriorLike], findings: Findings) -> Priors:
    """Priors as values with their probabilities, leaving out those of known facts.

    Parameters
    ----------
    priors
        Finding to the probability that it is true, or, for a choice, to a mapping of its words to probabilities
        that add up to 1. A word left out has probability 0.
    findings
        The known facts; they make a prior of the same name idle.

    Raises
    ------
    OptionError
        Naming the finding: no such finding, a number, a probability outside [0, 1], words that do not add up to 1,
        or two priors of which one follows from the other, so that they cannot be independent.
    FindingsError
        When a prior gives weight to what a known fact excludes.

    Examples
    --------
    >>> check_priors({"prior_failed_attempt": 0.25}, Findings({}))
    {'prior_failed_attempt': ((True, 0.25), (False, 0.75))}
    """
    spread = {name: _spread(name, value) for name, value in priors.items()}
    open_ones = {name: row for name, row in spread.items() if name not in findings}
    for first, first_value, second, second_value in EXCLUSIONS:
        _refuse_tied(first, second, open_ones)
        _refuse_excluded((first, first_value), (second, second_value), open_ones, findings)
        _refuse_excluded((second, second_value), (first, first_value), open_ones, findings)
    return open_ones


def parse_priors(texts: Iterable[str]) -> Mapping[str, PriorLike]:
    """Priors from texts such as ``"in_stent=0.1"`` and ``"sex=female:0.2,male:0.8"``.

    Raises
    ------
    OptionError
        When a text has not this form, or a name is given twice.

    Examples
    --------
    >>> parse_priors(["in_stent=0.1", "sex=female:0.2,male:0.8"])
    {'in_stent': 0.1, 'sex': {'female': 0.2, 'male': 0.8}}
    """
    priors: dict[str, PriorLike] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise OptionError(f"--prior must read NAME=P, got {text[:60]!r}.", hint=_HINT)
        if name in priors:
            raise OptionError(f"{name}: its prior is given twice.", hint="Keep one of the two.")
        priors[name] = _words(name, value) if ":" in value else _number(name, value)
    return priors


def _words(name: str, text: str) -> Mapping[str, float]:
    words: dict[str, float] = {}
    for part in text.split(","):
        word, _, share = part.partition(":")
        if word in words:
            raise OptionError(f"{name}: {word} is given twice in its prior.", hint="Keep one of the two.")
        words[word] = _number(name, share)
    return words


def _number(name: str, text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise OptionError(f"{name}: a prior must be a number, got {text[:60]!r}.", hint=_HINT)
    return float(text)


def _spread(name: str, value: PriorLike) -> tuple[tuple[FindingValue, float], ...]:
    kind = vocabulary().get(name)
    if kind is None:
        raise OptionError(f"{name}: no such finding, so it can have no prior.", hint="`recanal findings` lists them.")
    if kind.kind == "bool" and not isinstance(value, Mapping):
        share = _probability(name, value)
        return (True, share), (False, 1.0 - share)
    if kind.kind == "choice" and isinstance(value, Mapping):
        return _choice_spread(kind, value)
    if kind.kind == "number":
        raise OptionError(f"{name}: is a number and can have no prior.", hint="Give the value with low and high.")
    wanted = "one probability" if kind.kind == "bool" else "a probability for each word"
    raise OptionError(f"{name}: its prior must be {wanted}.", hint=_HINT)


def _choice_spread(kind: FactKind, value: Mapping[str, float]) -> tuple[tuple[FindingValue, float], ...]:
    for word in value:
        if word not in kind.choices:
            raise OptionError(f"{kind.name}: has no choice {word!r}.", hint=f"Choices: {', '.join(kind.choices)}.")
    shares = [(word, _probability(kind.name, share)) for word, share in value.items()]
    total = math.fsum(share for _, share in shares)
    if abs(total - 1.0) > _SUM_TOLERANCE:
        raise OptionError(f"{kind.name}: its prior must add up to 1, got {total:g}.", hint=_HINT)
    return tuple((word, share) for word, share in shares if share > 0)


def _probability(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise OptionError(f"{name}: a prior must lie in [0, 1], got {_shown(value)}.", hint=_HINT)
    return float(value)


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return reprlib.repr(value)


def _refuse_tied(first: str, second: str, priors: Priors) -> None:
    if first in priors and second in priors:
        raise OptionError(
            f"{second} and {first} depend on each other, so their priors cannot be independent.",
            hint="State one of the two.",
        )


def _refuse_excluded(
    guess: tuple[str, FindingValue], known: tuple[str, FindingValue], priors: Priors, findings: Findings
) -> None:
    """Refuse weight on what a known fact rules out."""
    (name, value), (other, other_value) = guess, known
    share = sum(share for word, share in priors.get(name, ()) if word == value)
    if share > 0 and findings.value(other) == other_value:
        shown = str(other_value).lower()
        raise FindingsError(
            f"{name}: its prior gives {str(value).lower()} {share:g}, but {other} is {shown}; both cannot hold.",
            hint="Leave the prior out.",
        )
