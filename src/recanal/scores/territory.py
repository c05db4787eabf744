"""Which vessels a sheet fits."""

from __future__ import annotations

from collections.abc import Sequence

from recanal.core.findings import Findings

__all__ = ["LEG_VESSELS", "why_unfit"]

LEG_VESSELS = ("aortoiliac", "femoropopliteal", "infrapopliteal")


def why_unfit(territory: str, vessels: Sequence[str], findings: Findings) -> str:
    """Why a sheet does not fit the vessel, in words; empty where it does or the vessel is not known.

    Parameters
    ----------
    territory
        ``"coronary"``, ``"leg"`` or ``"any"``.
    vessels
        Values of ``vessel`` that it fits; empty means all of its territory.
    findings
        The facts.

    Examples
    --------
    >>> why_unfit("leg", (), Findings.from_mapping({"vessel": "LAD"}))
    'for leg arteries, but the vessel is LAD'
    """
    vessel = findings.value("vessel")
    if vessel is None:
        return ""
    if territory != "any" and (vessel in LEG_VESSELS) is not (territory == "leg"):
        where = "leg" if territory == "leg" else "coronary"
        return f"for {where} arteries, but the vessel is {vessel}"
    if vessels and vessel not in vessels:
        return f"for the vessel {' or '.join(vessels)}, but the vessel is {vessel}"
    return ""
