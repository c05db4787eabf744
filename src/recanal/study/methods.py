"""The paragraphs on methods, written from what was run and nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata, resources

from recanal.errors import StudyError
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import Plan
from recanal.study.outcome import Used

__all__ = ["method_sentences", "methods_text"]

_MOST_NAMED = 12
_OF_TABLES = ("rules_", "summary_", "test_", "standardised_", "level_")


def methods_text(plan: Plan, data: StudyData, used: Sequence[Used]) -> tuple[str, ...]:
    """Paragraphs: the rows, the methods of tables, the other methods in use, and what holds for all of them.

    Raises
    ------
    StudyError
        When a method has no sentence.
    """
    tables = [item for item in used if item.method.startswith(_OF_TABLES)]
    others = [item for item in used if item not in tables]
    parts = (_rows(data), " ".join(method_sentences(tables)), " ".join(method_sentences(others)), _closing(plan))
    return tuple(part for part in parts if part)


def method_sentences(used: Sequence[Used]) -> tuple[str, ...]:
    """One sentence per method that was used, in a fixed order, each with what it was used on.

    Raises
    ------
    StudyError
        When a method has no sentence.

    Examples
    --------
    >>> method_sentences((Used("test_welch", "Age"), Used("test_welch", "Length")))
    ("Welch's t test: Age; Length.",)
    """
    on: dict[str, list[str]] = {}
    for item in used:
        on.setdefault(item.method, []).append(item.detail)
    words = _sentences()
    unknown = [name for name in on if name not in words and name not in _SILENT]
    if unknown:
        raise StudyError(f"No sentence is known for the method '{unknown[0]}'.")
    return tuple(words[name].format(on=_listed(on[name])) for name in words if name in on)


_SILENT = frozenset({"level_lesion"})


@cache
def _sentences() -> Mapping[str, str]:
    text = resources.files("recanal.study").joinpath("methods.toml").read_text(encoding="utf-8")
    return {name: row["text"] for name, row in tomllib.loads(text).items()}


def _listed(details: Sequence[str]) -> str:
    names = [name for name in dict.fromkeys(details) if name]
    if len(names) > _MOST_NAMED:
        return f"{'; '.join(names[:_MOST_NAMED])}; and {len(names) - _MOST_NAMED} more"
    return "; ".join(names)


def _rows(data: StudyData) -> str:
    if data.patient_count is None:
        return f"{data.rows_count} lesions were analysed; the data do not tell patients apart."
    return f"{data.rows_count} lesions of {data.patient_count} patients were analysed."


def _closing(plan: Plan) -> str:
    return (
        f"P values are two-sided and not adjusted for the number of tests. Intervals cover {100 * plan.level:g} %. "
        f"Computed with recanal {metadata.version('recanal')}; random numbers begin at seed {plan.seed}."
    )
