"""``recanal plan``."""

from __future__ import annotations

import json

import click

from recanal.cli.errors import RecanalCommand
from recanal.cli.plan_text import algorithms_text, plans_text
from recanal.cli.score import read_findings
from recanal.cli.terminal import echo
from recanal.core.case import as_json
from recanal.core.plan import disagreements
from recanal.errors import OptionError
from recanal.rules.form import plain_form
from recanal.strategy import advise, advise_all, algorithm_ids, load_algorithm, omitted_algorithms

__all__ = ["plan"]


@click.command(cls=RecanalCommand)
@click.option("--findings", "file", metavar="FILE", help="JSON of findings, or a case.json; - reads stdin.")
@click.option("--algorithm", metavar="NAME", help="One algorithm; all of the vessel's territory without it.")
@click.option("--rules", "with_rules", is_flag=True, help="Also print every rule and how it was judged.")
@click.option("--list", "only_list", is_flag=True, help="List the algorithms and how far each was read.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def plan(file: str | None, algorithm: str | None, with_rules: bool, only_list: bool, to_json: bool) -> None:
    """Say what the published crossing algorithms would do with a lesion, and why.

    What FILE leaves out is not known: rules that need it stay open, and the plan says what to ask. Without a vessel
    the coronary algorithms are shown. The plan is information about publications, not an instruction.

    \b
    Example:
      echo '{"vessel": "RCA", "proximal_cap_shape": "blunt", "length_mm": 26,
             "proximal_cap_ambiguous": false, "distal_vessel_diseased": false,
             "interventional_collaterals": true}' > lesion.json
      recanal plan --findings lesion.json
      recanal plan --list
    """  # noqa: D301
    if only_list:
        known = [load_algorithm(name) for name in algorithm_ids()]
        shown = json.dumps([plain_form(row) for row in known], indent=2)
        click.echo(shown if to_json else algorithms_text(known, omitted_algorithms()))
        return
    if file is None:
        raise OptionError("--findings is missing.", hint="Name a JSON file of findings, or use --list.")
    facts = read_findings(file)
    plans = advise_all(facts) if algorithm is None else (advise(algorithm, facts),)
    if to_json:
        pairs = [list(pair) for pair in disagreements(plans)]
        click.echo(json.dumps({"plans": [as_json(row) for row in plans], "disagreements": pairs}, indent=2))
    else:
        echo(plans_text(plans, with_rules=with_rules))
