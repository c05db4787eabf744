"""The command ``recanal``."""

from __future__ import annotations

import click

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="recanal")
def main() -> None:
    """Measure chronic total occlusions on CT angiograms. Research use only."""
