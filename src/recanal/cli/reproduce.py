"""``recanal reproduce``."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import click

from recanal.cli.errors import RecanalCommand
from recanal.cli.progress import show_share
from recanal.errors import OptionError, install_hint

__all__ = ["reproduce"]

_NEEDED = ("pandas", "polars", "docx")


@click.command(cls=RecanalCommand)
@click.argument("paper", metavar="PAPER")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--lesions", metavar="N", type=int, default=20_000, show_default=True, help="Lesions to simulate.")
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.option("--plan", "to_plan", is_flag=True, help="Print the plan of the paper, and compute nothing.")
@click.option("--json", "to_json", is_flag=True, help="Print all numbers as JSON.")
def reproduce(paper: str, out: Path | None, lesions: int, seed: int, to_plan: bool, to_json: bool) -> None:
    """Print the tables of a published PAPER from a cohort simulated to them, beside the printed numbers.

    PAPER is xing_2022 (doi 10.21037/qims-21-1050) or xiao_2021 (doi 10.1155/2021/9988943). The cohort is fitted to the
    printed margins: agreement shows that the plan computes what the paper describes, not that the paper is right.
    Writes lesions.csv, plan.toml and what `recanal study plan.toml` writes, led by the comparison.

    \b
    Example:
      recanal reproduce xing_2022 --out xing
      recanal reproduce xiao_2021 --plan > plan.toml
    """  # noqa: D301
    if to_plan:
        from recanal.reproduction.paper import paper_plan

        click.echo(paper_plan(paper), nl=False)
        return
    _need_packages()
    from recanal.reproduction.run import reproduce as run
    from recanal.reproduction.run import write_reproduction

    if out is None and not to_json:
        raise OptionError("--out is missing: name the folder for the results.", hint="Or --json, or --plan.")
    with show_share(quiet=to_json) as say:
        found = run(paper, lesions_count=lesions, seed=seed, progress=say)
        written = write_reproduction(found, out) if out is not None else ()
    if to_json:
        click.echo(json.dumps(found.result.record, indent=2, ensure_ascii=True, allow_nan=False))
        return
    within, judged = found.comparison.tally()
    click.echo(
        f"{within} of {judged} printed numbers ({100 * within / judged:.1f}%) within one published standard error, "
        f"{len(written)} files. Begin with study.html."
    )


def _need_packages() -> None:
    absent = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        raise OptionError(
            f"`recanal reproduce` needs {', '.join(absent)}, not installed here.", hint=install_hint("study")
        )
