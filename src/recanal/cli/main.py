"""The command ``recanal``."""

from __future__ import annotations

import logging

import click

from recanal.cli.analyze import analyze
from recanal.cli.audit import audit
from recanal.cli.calcium import calcium
from recanal.cli.cohort import cohort
from recanal.cli.crash import CarefulGroup
from recanal.cli.phantom import phantom
from recanal.cli.plan import plan
from recanal.cli.reproduce import reproduce
from recanal.cli.score import findings, score, scores
from recanal.cli.study import study

__all__ = ["main"]

_EXAMPLE = """\b
Example:
  recanal phantom --out study --seed 7
  recanal analyze --help
"""


@click.group(cls=CarefulGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXAMPLE)
@click.version_option(package_name="recanal")
def main() -> None:
    """Measure chronic total occlusions on CT angiograms.

    Research use only: not for diagnosis or treatment.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a home that cannot be written to is no news to the user


for _command in (analyze, audit, cohort, calcium, phantom, plan, reproduce, score, scores, study, findings):
    main.add_command(_command)
