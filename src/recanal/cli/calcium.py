"""``recanal calcium``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recanal.cli.crash import debug_option
from recanal.cli.errors import RecanalCommand
from recanal.cli.kernels import ensure_cache
from recanal.cli.progress import show_steps
from recanal.cli.terminal import RESEARCH_USE

if TYPE_CHECKING:
    from recanal.core.calcium import CalciumLesion, CalciumReport

__all__ = ["calcium"]

_EXAMPLE = """\b
Examples:
  recanal calcium study --out score --mask regions.nii.gz
  recanal calcium study --out score --cta 1.2.826.0.1.3680043.8.498.2
"""
_FILE = click.Path(path_type=Path)


@click.command(cls=RecanalCommand, epilog=_EXAMPLE)
@click.argument("study", metavar="INPUT", type=_FILE)
@click.option("--out", required=True, metavar="DIR", type=_FILE, help="Folder for the result; made if need be.")
@click.option(
    "--mask", metavar="LABELS.nii.gz", type=_FILE, help="A reader's regions: 1 LM, 2 LAD, 3 LCX, 4 RCA. Exact score."
)
@click.option("--cta", metavar="SERIES", help="Contrast series that names the arteries: its UID in INPUT, or a path.")
@click.option("--series", metavar="UID", help="The non-contrast series.  [default: the one that says so]")
@click.option(
    "--calibration", metavar="FACTOR", type=float, help="mg hydroxyapatite per HU and mm3.  [default: no mass]"
)
@click.option("--json", "to_json", is_flag=True, help="Print calcium.json.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@debug_option
def calcium(study: Path, out: Path, to_json: bool, quiet: bool, **options: Any) -> None:
    """Score the calcium of the coronary arteries on a series without contrast.

    Agatston score, volume and mass in total and per artery, and every lesion. With --mask the reader's regions decide;
    without it calcium is found automatically, to be checked on the picture, in a series that shows the whole heart. DIR
    receives calcium.json, calcium.png and calcium_labels.nii.gz, whole or not at all. Where at least half of the score
    rests on doubtful lesions, or the reader's regions hold more than an artery can, a line on stderr says so. Research
    use only: not for diagnosis or treatment.
    """
    ensure_cache()
    from recanal.core.case import as_json
    from recanal.pipeline.calcium import CalciumRequest, score_study

    request = CalciumRequest(
        study,
        out,
        mask=options["mask"],
        series_uid=options["series"],
        cta=options["cta"],
        calibration_mg_per_hu_mm3=options["calibration"],
    )
    with show_steps(quiet=quiet) as progress:
        report = score_study(request, progress=progress)
    click.echo(json.dumps(as_json(report), indent=2) if to_json else _text(report, out))
    if _is_mostly_unsure(report):
        click.echo("recanal: At least half of this score is doubtful: look at calcium.png before using it.", err=True)
    for doubt in _mask_doubts(report):
        click.echo(f"recanal: This score is doubtful: {doubt}", err=True)


def _mask_doubts(report: CalciumReport) -> tuple[str, ...]:
    from recanal.calcium.doubts import mask_doubts

    return mask_doubts(report.lesions) if report.method.mode == "mask" else ()


def _is_mostly_unsure(report: CalciumReport) -> bool:
    from recanal.calcium.doubts import unsure

    weak = sum(item.agatston for item in unsure(report.lesions))
    return weak > 0 and weak >= 0.5 * report.total.agatston


def _text(report: CalciumReport, out: Path) -> str:
    from recanal.calcium.doubts import UNSURE_BELOW, unsure

    weak = unsure(report.lesions)
    lines = [f"{'':6}{'Agatston':>10}{'mm³':>10}{'mg':>10}{'lesions':>10}"]
    for name, amount in (*report.arteries.items(), ("total", report.total)):
        mass = "-" if amount.mass_mg is None else f"{amount.mass_mg:.1f}"
        mark = " ?" if any(name in (item.artery, "total") for item in weak) else ""
        numbers = f"{amount.agatston:>10.1f}{amount.volume_mm3:>10.1f}{mass:>10}{amount.lesion_count:>10d}"
        lines.append(f"{name:6}{numbers}{mark}")
    if weak:
        lines += ["", f"? with a confidence below {UNSURE_BELOW:g}, to be checked on calcium.png:"]
        lines += [_unsure(item) for item in weak]
    return "\n".join([*lines, "", *_how(report), f"Result:   {out / 'calcium.json'}", "", RESEARCH_USE])


def _unsure(item: CalciumLesion) -> str:
    slices = sorted({spot.slice_index for spot in item.spots})
    where = f"slice {slices[0]}" if len(slices) == 1 else f"slices {slices[0]} to {slices[-1]}"
    return f"  {item.id:4}{item.artery:4}{item.agatston:>8.1f}  confidence {item.confidence:.2f}, {where}"


def _how(report: CalciumReport) -> list[str]:
    method = report.method
    how = "the reader's mask" if method.mode == "mask" else "found automatically: check calcium.png"
    lines = [f"How:      {how}", f"Slices:   {method.slice_rule}", f"Arteries: {method.artery_rule}"]
    if report.excluded:
        places = sorted({item.place for item in report.excluded})
        lines.append(f"Left out: {len(report.excluded)} dense group(s): {', '.join(places)}")
    return lines + [f"Note:     {flag}" for flag in report.flags]
