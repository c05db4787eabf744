"""What speaks against an analysed case as a reading of a lesion: another vessel, a phantom, a picture not trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recanal.core.case import PHANTOM_MAKER
from recanal.errors import CohortError

__all__ = ["check_objections", "objections_to"]


def objections_to(
    case: Mapping[str, Any], case_lesion: str, vessel: str | None, vessels: Sequence[str]
) -> tuple[str, ...]:
    """What speaks against a case as a reading of a lesion, in words; empty where nothing does.

    Parameters
    ----------
    case
        What ``case.json`` holds, as plain data.
    case_lesion
        The ``id`` of its lesion that is meant.
    vessel
        The vessel of the lesion in the store; None where it is not known.
    vessels
        The words of the store for vessels; a case that names another, or none, is not compared.

    Notes
    -----
    A case is synthetic where its files name a phantom as their maker (``input.manufacturer``). A NIfTI file names none.

    Examples
    --------
    >>> objections_to({"lesions": [{"id": "L1", "vessel": "LCX"}]}, "L1", "RCA", ("RCA", "LCX"))
    ('it is of the LCX, the lesion of the RCA',)
    """
    found = []
    own = next((row.get("vessel") for row in case["lesions"] if str(row["id"]) == case_lesion), None)
    if own in vessels and vessel is not None and own != vessel:
        found.append(f"it is of the {own}, the lesion of the {vessel}")
    if (case.get("input") or {}).get("manufacturer") == PHANTOM_MAKER:
        found.append("it is synthetic: a phantom, no patient")
    if (case.get("quality") or {}).get("usable") is False:
        found.append("its result is not to be trusted (quality.usable is false)")
    return tuple(found)


def check_objections(found: Sequence[str], despite: str) -> dict[str, Any]:
    """What the audit trail keeps of objections that a reason overrules; nothing where there are none.

    Parameters
    ----------
    found
        As :func:`objections_to` gives it.
    despite
        Why the case is attached all the same.

    Raises
    ------
    CohortError
        Where there are objections and no reason.
    """
    if not found:
        return {}
    if not despite.strip():
        raise CohortError(
            f"The case is not attached: {'; '.join(found)}.",
            hint='Name the case of this lesion, or say why it is the right one: --despite "REASON".',
        )
    return {"despite": despite.strip(), "objections": list(found)}
