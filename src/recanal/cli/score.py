"""``recanal score``, ``recanal scores`` and ``recanal findings``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from recanal.cli.class_tables import class_result_text, class_sheet_text, class_sheets_text, left_out_text
from recanal.cli.errors import RecanalCommand
from recanal.cli.score_json import class_json, result_json, sheet_json
from recanal.cli.score_tables import not_shipped_text, results_text, sheet_text, sheets_text, vocabulary_text
from recanal.core.case import as_json
from recanal.core.findings import Findings, vocabulary
from recanal.core.score import ClassResult, ScoreResult
from recanal.errors import FindingsError, OptionError, shown_name
from recanal.scores import (
    LeftOut,
    class_sheet_ids,
    classify,
    classify_all,
    evaluate,
    evaluate_all,
    evaluate_tallies,
    load_class_sheet,
    load_sheet,
    not_shipped,
    parse_findings_file,
    parse_priors,
    sheet_ids,
    tally_ids,
)
from recanal.scores.priors import PriorLike

__all__ = ["findings", "list_scores", "read_findings", "score", "scores", "show_score"]

_MOST_BYTES = 20_000_000


@click.command(cls=RecanalCommand)
@click.argument("sheet")
@click.option(
    "--findings", "file", required=True, metavar="FILE", help="JSON of findings, or a case.json; - reads stdin."
)
@click.option("--variant", metavar="NAME", help="One of the sheet's published variants.")
@click.option(
    "--prior",
    "priors",
    multiple=True,
    metavar="NAME=P",
    help="How likely an unknown fact is: in_stent=0.1, or sex=female:0.2,male:0.8. May be repeated.",
)
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def score(sheet: str, file: str, variant: str | None, priors: tuple[str, ...], to_json: bool) -> None:
    """Score or classify a lesion by a published SHEET, or by all that fit it.

    What FILE leaves out is not known and gives bounds; with --prior, probabilities of the strata as well.
    `recanal findings` lists the names it may hold, `recanal scores list` the sheets.

    \b
    Example:
      echo '{"length_mm": 22.5, "bend_max_deg": 30, "calcification_any": true,
             "proximal_cap_shape": "blunt", "prior_failed_attempt": false}' > lesion.json
      recanal score j_cto --findings lesion.json
    """  # noqa: D301
    facts = read_findings(file)
    if sheet == "all" and variant is not None:
        raise OptionError("--variant belongs to one sheet, not to all.", hint="Name the sheet.")
    assumed = parse_priors(priors)
    left: tuple[LeftOut, ...] = ()
    if sheet == "all":
        results, classes, left = _all_results(facts, assumed)
    elif sheet in class_sheet_ids():
        if variant is not None or priors:
            raise OptionError(f"{sheet} is a classification: it has no variants and takes no priors.")
        results, classes = (), (classify(sheet, facts),)
    else:
        results, classes = (evaluate(sheet, facts, variant=variant, priors=assumed),), ()
    if to_json:
        shown = [*(result_json(result) for result in results), *(class_json(result) for result in classes)]
        click.echo(json.dumps(shown if sheet == "all" else shown[0], indent=2))
    else:
        parts = [results_text(results) if results else "", *(class_result_text(result) for result in classes)]
        click.echo("\n".join(part for part in [*parts, left_out_text(left)] if part))


@click.group()
def scores() -> None:
    """List the published scores, or show one of them."""


@scores.command("list", cls=RecanalCommand)
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def list_scores(to_json: bool) -> None:
    """List the score sheets, with how far each was checked against its source, and those that are not shipped.

    \b
    Example:
      recanal scores list
    """  # noqa: D301
    sheets = [load_sheet(sheet_id) for sheet_id in sheet_ids()]
    tallies = [load_sheet(sheet_id) for sheet_id in tally_ids()]
    classes = [load_class_sheet(sheet_id) for sheet_id in class_sheet_ids()]
    if to_json:
        rows = [sheet_json(sheet, full=False) for sheet in (*sheets, *tallies)]
        rows += [sheet_json(sheet, full=False) for sheet in classes]
        click.echo(json.dumps({"sheets": rows, "not_shipped": [as_json(row) for row in not_shipped()]}, indent=2))
        return
    click.echo(sheets_text(sheets))
    click.echo(class_sheets_text(classes, tallies))
    click.echo(not_shipped_text(not_shipped()))


@scores.command("show", cls=RecanalCommand)
@click.argument("sheet")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def show_score(sheet: str, to_json: bool) -> None:
    """Show a SHEET: items, cut-offs, strata, printed rates, sources and caveats.

    \b
    Example:
      recanal scores show j_cto_ct
    """  # noqa: D301
    if sheet in class_sheet_ids():
        classes = load_class_sheet(sheet)
        click.echo(json.dumps(sheet_json(classes), indent=2) if to_json else class_sheet_text(classes))
    else:
        points = load_sheet(sheet)
        click.echo(json.dumps(sheet_json(points), indent=2) if to_json else sheet_text(points))


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
    """The findings in a JSON file, or on stdin for ``-``; that they stand in a case is said on stderr.

    Raises
    ------
    FindingsError
        When the file cannot be read, is larger than 20 MB, is not UTF-8, or holds what
        :func:`recanal.scores.parse_findings_file` refuses.
    """
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise FindingsError(f"{shown_name(file)!r} cannot be read: {_reason(error)}.") from error
    if len(data) > _MOST_BYTES:
        raise FindingsError(f"The findings are larger than {_MOST_BYTES} bytes.", hint="Is this the right file?")
    name = "" if file == "-" else f"{shown_name(file)!r}: "
    try:
        found = parse_findings_file(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FindingsError(f"{name}The findings are not UTF-8 text (byte {error.start}).") from error
    except FindingsError as error:
        raise FindingsError(f"{name}{error.message}", hint=error.hint) from error
    if found.note:
        click.echo(found.note, err=True)
    return found.findings


def _reason(error: Exception) -> str:
    return (error.strerror or "unknown reason") if isinstance(error, OSError) else "not a file name"


def _all_results(
    facts: Findings, assumed: Mapping[str, PriorLike]
) -> tuple[tuple[ScoreResult, ...], tuple[ClassResult, ...], tuple[LeftOut, ...]]:
    tallies, no_tallies = evaluate_tallies(facts)
    classes, no_classes = classify_all(facts)
    return (*evaluate_all(facts, priors=assumed), *tallies), classes, (*no_tallies, *no_classes)
