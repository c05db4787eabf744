"""The reader of one TOML table, under its earlier name."""

from recanal.rules.table import Table

__all__ = ["Table"]
