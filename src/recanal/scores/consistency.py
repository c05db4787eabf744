"""The check for contradictory facts, under its earlier name."""

from recanal.rules.consistency import check_consistent

__all__ = ["check_consistent"]
