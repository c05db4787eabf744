"""What may fill the vessel beyond one occlusion: the arteries that may donate."""

from __future__ import annotations

from dataclasses import dataclass

from recanal.collaterals.donors import ArteryState, Donor, donors_of

__all__ = ["NOT_SEARCHED", "Supply", "supply_of"]

NOT_SEARCHED = "connections on CT are not searched: they are read on angiography"


@dataclass(frozen=True)
class Supply:
    """What may fill the vessel beyond one occlusion.

    Parameters
    ----------
    lesion
        Its id.
    donors
        Arteries that may donate by published pathways, with their state.
    remark
        What was not looked for.
    """

    lesion: str
    donors: tuple[Donor, ...]
    remark: str = NOT_SEARCHED


def supply_of(lesion: str, vessel: str, states: tuple[ArteryState, ...]) -> Supply:
    """The donors of one occlusion.

    Parameters
    ----------
    lesion
        Id of the occlusion.
    vessel
        The occluded artery.
    states
        What was measured of the main arteries.

    Examples
    --------
    >>> [donor.vessel for donor in supply_of("L1", "LAD", ()).donors]
    ['RCA', 'LCX']
    """
    return Supply(lesion, donors_of(vessel, states))
