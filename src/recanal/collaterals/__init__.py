"""What may fill the vessel beyond the occlusion? The arteries that may donate, and their state."""

from recanal.collaterals.donors import ArteryState, Donor, Pathway, donors_of, pathways_to
from recanal.collaterals.supply import NOT_SEARCHED, Supply, supply_of

__all__ = ["NOT_SEARCHED", "ArteryState", "Donor", "Pathway", "Supply", "donors_of", "pathways_to", "supply_of"]
