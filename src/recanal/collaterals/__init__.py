"""What may fill the vessel beyond the occlusion? Donor arteries, and connections that CT shows."""

from recanal.collaterals.donors import ArteryState, Donor, Pathway, donors_of, pathways_to
from recanal.collaterals.supply import MARK, NONE_VISIBLE, Bed, DonorLine, Supply, supply_of

__all__ = [
    "MARK",
    "NONE_VISIBLE",
    "ArteryState",
    "Bed",
    "Donor",
    "DonorLine",
    "Pathway",
    "Supply",
    "donors_of",
    "pathways_to",
    "supply_of",
]
