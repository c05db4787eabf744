"""Analysed cases in a store: the whole case file is kept, and its measurements become a CT reading of the lesion."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import sqlalchemy as sa

from recanal.cohort.objections import check_objections, objections_to
from recanal.cohort.schema import CASES
from recanal.cohort.store import Author, Store, Writer, present_rows
from recanal.errors import CohortError
from recanal.variables.checking import check_rows
from recanal.variables.dictionary import Dictionary
from recanal.variables.read_options import ReadOptions
from recanal.variables.reading import RawTable
from recanal.variables.rejections import RULES
from recanal.variables.splitting import ROW

__all__ = ["attach_case", "case_reading", "check_case", "read_attached"]

_SCHEMA = "recanal.case/1"
_COMPONENTS = {
    "necrotic_core": "necrotic_core",
    "fibrofatty": "fibrofatty",
    "fibrous": "fibrous",
    "dense_calcium": "dense_calcium",
}
_SCORES = {"j_cto_ct": "ct_j_cto_points", "ct_rector": "ct_rector_points"}


def attach_case(
    store: Store, lesion_id: str, text: str, *, author: Author, case_lesion: str = "", despite: str = ""
) -> str:
    """Attach ``case.json`` to a lesion of the store; the number of the new CT reading is returned.

    Parameters
    ----------
    store
        The store.
    lesion_id
        The lesion in the store.
    text
        What ``case.json`` holds.
    author
        Who attaches it.
    case_lesion
        Which lesion of the case; may be left out where the case has one.
    despite
        Why the case is right although something speaks against it (:func:`recanal.cohort.objections.objections_to`).
        The reason and the objections are kept in the audit entry of the reading.

    Raises
    ------
    CohortError
        Where the file is no case, holds no such lesion, the store has none, the case is attached already, or something
        speaks against it and ``despite`` is empty. Nothing is written then.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    values = case_reading(text, store.dictionary, case_lesion)
    key = f"{lesion_id}-{digest[:12]}"
    row = {"ct_id": key, "lesion_id": lesion_id, "case_sha256": digest, **values}
    frame = pl.DataFrame({name: [value] for name, value in row.items()}, schema=dict.fromkeys(row, pl.String))
    checked = check_rows(RawTable(frame, "ct", pl.Series([1], dtype=pl.Int64)), store.dictionary, ReadOptions())
    if checked.rejections.height:
        lost = checked.rejections.row(0, named=True)
        raise CohortError(f"The case does not fit the store: {lost['column']}: {RULES[lost['rule']]}.")
    with store.writing(author) as writer:
        held = writer.keys("lesion").filter((pl.col("lesion_id") == lesion_id) & (pl.col("withdrawn") == 0))
        if not held.height:
            raise CohortError("The store holds no such lesion.", hint="Import it first.")
        if writer.keys("ct").filter(pl.col("ct_id") == key).height:
            raise CohortError("This case is attached to this lesion already.")
        overruled = check_objections(_objections(writer, lesion_id, text, case_lesion), despite)
        if writer.connection.execute(sa.select(CASES.c.sha256).where(CASES.c.sha256 == digest)).first() is None:
            writer.connection.execute(CASES.insert(), [{"sha256": digest, "content": text}])
        rows = checked.tables["ct"].drop(ROW)
        marks = [pl.lit(value, dtype=pl.Int64).alias(name) for name, value in (("version", 1), ("withdrawn", 0))]
        writer.append("ct", rows.with_columns(marks), action="attach", detail={"case_sha256": digest, **overruled})
    return key


def _objections(writer: Writer, lesion_id: str, text: str, case_lesion: str) -> tuple[str, ...]:
    """What speaks against the case as a reading of the lesion in the store."""
    case, name = _chosen(text, case_lesion)
    table = writer.dictionary.table("lesion")
    held = present_rows(writer.connection, table, ("lesion_id", "vessel")).filter(pl.col("lesion_id") == lesion_id)
    return objections_to(case, name, held["vessel"].item(), table["vessel"].choices)


def read_attached(store: Store, lesion_id: str) -> list[dict[str, Any]]:
    """The case files attached to a lesion, as plain data, in the order of their readings."""
    from recanal.cohort import engines

    hashes = store.frame("ct", columns=["lesion_id", "case_sha256"]).filter(pl.col("lesion_id") == lesion_id)
    wanted = hashes["case_sha256"].drop_nulls().to_list()
    with engines.reading(store.engine) as connection:
        rows = connection.execute(sa.select(CASES).where(CASES.c.sha256.in_(wanted))).all()
    content = {row.sha256: json.loads(row.content) for row in rows}
    return [content[digest] for digest in wanted]


def check_case(text: str, *, called: str = "The file") -> None:
    """Refuse a text that is no case file; the message calls it what ``called`` says.

    Raises
    ------
    CohortError
        Where it is none, or of another schema.
    """
    _parsed(text, called)


def case_reading(text: str, dictionary: Dictionary, case_lesion: str = "") -> dict[str, str]:
    """The variables of the table ``ct`` that a case file holds, as text.

    Raises
    ------
    CohortError
        Where the text is no case file of the schema, or it is not clear which lesion is meant.
    """
    case, name = _chosen(text, case_lesion)
    lesions = {str(lesion["id"]): lesion for lesion in case["lesions"]}
    values = dict(_measured(lesions[name]))
    if (case.get("findings_of") in (name, None) and len(lesions) == 1) or case.get("findings_of") == name:
        values |= dict(_facts(case.get("findings", {}), dictionary))
        values |= dict(_points(case.get("scores", [])))
    tube = (case.get("input") or {}).get("kvp")
    if tube is not None:
        values["ct_tube_kv"] = _text(tube)
    return values


def _parsed(text: str, called: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The case as plain data, and its lesions by their ``id``."""
    try:
        case = json.loads(text)
        schema = case["schema"]
        lesions = {str(lesion["id"]): lesion for lesion in case["lesions"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CohortError(f"{called} is no case.json.", hint="`recanal analyze` writes one.") from error
    if schema != _SCHEMA:
        raise CohortError(f"{called} has the schema {str(schema)[:40]!r}; {_SCHEMA!r} is read.")
    return case, lesions


def _chosen(text: str, case_lesion: str) -> tuple[dict[str, Any], str]:
    """The case as plain data, and the ``id`` of the lesion that is meant."""
    case, lesions = _parsed(text, "The file")
    if not case_lesion and len(lesions) != 1:
        raise CohortError(f"The case has {len(lesions)} lesions.", hint="Name one of them.")
    name = case_lesion or next(iter(lesions))
    if name not in lesions:
        raise CohortError("The case has no such lesion.", hint=f"It has {', '.join(lesions) or 'none'}.")
    return case, name


def _measured(lesion: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Length, bend and plaque of a lesion."""
    for name, value in (("ct_length_mm", lesion.get("length_mm")), ("ct_bend_max_deg", lesion.get("bend_max_deg"))):
        if _number(value) is not None:
            yield name, _text(_number(value))
    plaque = lesion.get("plaque") or {}
    if _number(plaque.get("volume_mm3")) is not None:
        yield "plaque_volume_mm3", _text(_number(plaque["volume_mm3"]))
    for part, stem in _COMPONENTS.items():
        component = (plaque.get("components") or {}).get(part) or {}
        for field, suffix in (("volume_mm3", "volume_mm3"), ("fraction_percent", "percent")):
            if _number(component.get(field)) is not None:
                yield f"{stem}_{suffix}", _text(_number(component[field]))


def _facts(findings: Mapping[str, Any], dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    """Facts that were seen on CT."""
    for variable in dictionary.table("ct").variables:
        fact = findings.get(variable.finding) if variable.finding else None
        if isinstance(fact, Mapping) and fact.get("source") == "ct" and fact.get("value") is not None:
            yield variable.name, _text(fact["value"])


def _points(scores: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for score in scores:
        if score.get("sheet") in _SCORES and score.get("points") is not None:
            yield _SCORES[str(score["sheet"])], _text(score["points"])


def _number(value: Any) -> float | None:
    """A plain number, or the value of one with an interval."""
    if isinstance(value, Mapping):
        value = value.get("value")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return repr(float(value)) if isinstance(value, int | float) else str(value)
