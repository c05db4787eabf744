"""``recanal score``, ``recanal scores`` and ``recanal findings``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from recanal.cli.errors import RecanalCommand
from recanal.cli.score_tables import result_text, sheet_text, sheets_text, vocabulary_text
from recanal.core.case import as_json
from recanal.core.findings import Findings, vocabulary
from recanal.core.score import ScoreResult
from recanal.errors import FindingsError, OptionError
from recanal.scores import evaluate, evaluate_all, load_sheet, parse_findings, sheet_ids

__all__ = ["findings", "list_scores", "read_findings", "score", "scores", "show_score"]

_MOST_BYTES = 1_000_000


@click.command(cls=RecanalCommand)
@click.argument("sheet")
@click.option("--findings", "file", required=True, metavar="FILE", help="JSON object of findings; - reads stdin.")
@click.option("--variant", metavar="NAME", help="One of the sheet's published variants.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def score(sheet: str, file: str, variant: str | None, to_json: bool) -> None:
    """Score a lesion by a published SHEET, or by all of them.

    What FILE leaves out is not known and gives bounds. `recanal findings` lists the names it may hold,
    `recanal scores list` the sheets.

    \b
    Example:
      echo '{"length_mm": 22.5, "bend_max_deg": 30, "calcification_any": true,
             "proximal_cap_shape": "blunt", "prior_failed_attempt": false}' > lesion.json
      recanal score j_cto --findings lesion.json
    """  # noqa: D301
    facts = read_findings(file)
    if sheet == "all" and variant is not None:
        raise OptionError("--variant belongs to one sheet, not to all.", hint="Name the sheet.")
    results = evaluate_all(facts) if sheet == "all" else (evaluate(sheet, facts, variant=variant),)
    if to_json:
        shown = [_result_json(result) for result in results]
        click.echo(json.dumps(shown if sheet == "all" else shown[0], indent=2))
    else:
        click.echo("\n".join(result_text(result) for result in results))


@click.group()
def scores() -> None:
    """List the published scores, or show one of them."""


@scores.command("list", cls=RecanalCommand)
def list_scores() -> None:
    """List the score sheets, with how far each was checked against its source.

    \b
    Example:
      recanal scores list
    """  # noqa: D301
    click.echo(sheets_text([load_sheet(sheet_id) for sheet_id in sheet_ids()]))


@scores.command("show", cls=RecanalCommand)
@click.argument("sheet")
def show_score(sheet: str) -> None:
    """Show a SHEET: items, cut-offs, strata, printed rates, sources and caveats.

    \b
    Example:
      recanal scores show j_cto_ct
    """  # noqa: D301
    click.echo(sheet_text(load_sheet(sheet)))


@click.command(cls=RecanalCommand)
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def findings(to_json: bool) -> None:
    """List the names, types and ranges of the findings.

    \b
    Example:
      recanal findings
    """  # noqa: D301
    kinds = vocabulary().values()
    click.echo(json.dumps([as_json(kind) for kind in kinds], indent=2) if to_json else vocabulary_text(kinds))


def read_findings(file: str) -> Findings:
    """The findings in a JSON file, or on stdin for ``-``.

    Raises
    ------
    FindingsError
        When the file cannot be read, is larger than 1 MB, is not UTF-8, or holds what
        :func:`recanal.scores.parse_findings` refuses.
    """
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise FindingsError(f"{Path(file).name!r} cannot be read: {_reason(error)}.") from error
    if len(data) > _MOST_BYTES:
        raise FindingsError(f"The findings are larger than {_MOST_BYTES} bytes.", hint="Is this the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FindingsError(f"The findings are not UTF-8 text (byte {error.start}).") from error
    return parse_findings(text)


def _reason(error: Exception) -> str:
    return (error.strerror or "unknown reason") if isinstance(error, OSError) else "not a file name"


def _result_json(result: ScoreResult) -> Any:
    shown = as_json(result)
    for field in ("points", "points_min", "points_max"):
        shown[field] = _tidy(shown[field])
    for item in shown["items"]:
        item["points"], item["points_if_met"] = _tidy(item["points"]), _tidy(item["points_if_met"])
    return shown


def _tidy(points: float | None) -> float | int | None:
    """Whole points without a decimal point."""
    return int(points) if points is not None and float(points).is_integer() else points
