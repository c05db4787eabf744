"""What may fill the vessel beyond one occlusion: the arteries that may donate, and connections that CT shows."""

from __future__ import annotations

from dataclasses import dataclass

from recanal.collaterals.connections import Connection
from recanal.collaterals.donors import ArteryState, Donor, donors_of

__all__ = ["NOT_SEARCHED", "SEARCHED", "Supply", "supply_of"]

NOT_SEARCHED = "connections were not searched: no vessel was measured beyond the occlusion"
SEARCHED = "candidates on CT alone: most connections are finer than CT resolves, and filling is read on angiography"


@dataclass(frozen=True)
class Supply:
    """What may fill the vessel beyond one occlusion.

    Parameters
    ----------
    lesion
        Its id.
    donors
        Arteries that may donate by published pathways, with their state.
    connections
        Thin vessels from an open artery that CT shows, the best seen first; None where they were not searched.
    remark
        What that leaves open.
    """

    lesion: str
    donors: tuple[Donor, ...]
    connections: tuple[Connection, ...] | None = None
    remark: str = NOT_SEARCHED


def supply_of(
    lesion: str,
    vessel: str,
    states: tuple[ArteryState, ...],
    connections: tuple[Connection, ...] | None = None,
) -> Supply:
    """The donors of one occlusion, and the connections to them.

    Parameters
    ----------
    lesion
        Id of the occlusion.
    vessel
        The occluded artery.
    states
        What was measured of the main arteries.
    connections
        What was found on CT; None where nothing was searched.

    Examples
    --------
    >>> [donor.vessel for donor in supply_of("L1", "LAD", ()).donors]
    ['RCA', 'LCX']
    """
    remark = NOT_SEARCHED if connections is None else SEARCHED
    return Supply(lesion, donors_of(vessel, states), connections, remark)
