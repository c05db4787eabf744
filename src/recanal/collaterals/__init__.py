"""What may fill the vessel beyond the occlusion? The arteries that may donate, and what CT shows between them."""

from recanal.collaterals.connections import Connection, find_connections
from recanal.collaterals.donors import ArteryState, Donor, Pathway, donors_of, pathways_to
from recanal.collaterals.supply import NOT_SEARCHED, SEARCHED, Supply, supply_of
from recanal.collaterals.thin_vessels import Bed

__all__ = [
    "NOT_SEARCHED",
    "SEARCHED",
    "ArteryState",
    "Bed",
    "Connection",
    "Donor",
    "Pathway",
    "Supply",
    "donors_of",
    "find_connections",
    "pathways_to",
    "supply_of",
]
