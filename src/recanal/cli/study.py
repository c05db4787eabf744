"""``recanal study``."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import click

from recanal.cli.errors import RecanalCommand
from recanal.cli.progress import show_share
from recanal.errors import OptionError, install_hint

__all__ = ["study"]

_NEEDED = ("pandas", "polars", "docx")


@click.command(cls=RecanalCommand)
@click.argument("plan", metavar="[PLAN]", required=False, type=click.Path(path_type=Path))
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--template", is_flag=True, help="Print a plan to start from.")
@click.option("--check", is_flag=True, help="Check the plan against the data, and compute nothing.")
@click.option("--json", "to_json", is_flag=True, help="Print all numbers as JSON.")
def study(plan: Path | None, out: Path | None, template: bool, check: bool, to_json: bool) -> None:
    """Run a study PLAN, a TOML file: tables, regressions, curves, with every number traced to its test.

    Writes results.json, study.docx, study.html, study.tex, tables as CSV and LaTeX, vector figures, a paragraph on the
    methods really used and a STROBE checklist.

    \b
    Example:
      recanal study --template > plan.toml
      recanal study plan.toml --check
      recanal study plan.toml --out results
    """  # noqa: D301
    if template:
        from recanal.protocol.reading import plan_template

        click.echo(plan_template(), nl=False)
        return
    _need_packages()
    from recanal.study.files import write_study
    from recanal.study.run import check_study, run_study

    if plan is None:
        raise OptionError("Name a plan.", hint="`recanal study --template` prints one.")
    if check:
        click.echo(check_study(plan))
        return
    if out is None and not to_json:
        raise OptionError("--out is missing: name the folder for the results.", hint="Or --json, or --check.")
    with show_share(quiet=to_json) as say:
        result = run_study(plan, progress=lambda done, total, title: say(done / max(total, 1), title))
        written = write_study(result, out) if out is not None else ()
    if to_json:
        click.echo(json.dumps(result.record, indent=2, ensure_ascii=True, allow_nan=False))
        return
    for section in result.report.sections:
        for warning in section.warnings:
            click.echo(f"{section.title}: {warning}", err=True)
    click.echo(f"{len(result.report.sections)} analyses, {len(written)} files. Begin with study.html.")


def _need_packages() -> None:
    absent = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        raise OptionError(f"`recanal study` needs {', '.join(absent)}, not installed here.", hint=install_hint("study"))
