"""``recanal analyze``."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recanal.cli.crash import debug_option
from recanal.cli.errors import RecanalCommand
from recanal.cli.kernels import ensure_cache
from recanal.cli.points import parse_three
from recanal.cli.progress import show_steps
from recanal.cli.terminal import echo
from recanal.errors import OptionError, ReadError, shown_name

if TYPE_CHECKING:
    from recanal.core.case import CaseReport
    from recanal.pipeline import AnalyzeRequest

__all__ = ["analyze"]

_EXAMPLE = """\b
Examples:
  recanal analyze study --out result
  recanal analyze study --out result --proximal=-41.2,-88.5,12.0 --distal=-52.7,-60.3,-21.4 --vessel RCA
  recanal analyze study --out corrected --edits corrections.json
  recanal analyze study --out result --segmenter mask=arteries.nii.gz
"""

NOT_TRUSTED = 3
_RESULT_FILES = ("case.json", "centerlines.vtp", "report.html", "report.pdf")
_FILE = click.Path(path_type=Path)


@click.command(cls=RecanalCommand, epilog=_EXAMPLE)
@click.argument("study", metavar="INPUT", type=_FILE)
@click.option("--out", required=True, metavar="DIR", type=_FILE, help="Folder for the result; made if need be.")
@click.option(
    "--proximal", metavar="X,Y,Z", multiple=True, help="Open lumen before the occlusion, LPS mm.  [default: found]"
)
@click.option(
    "--distal", metavar="X,Y,Z", multiple=True, help="Open lumen beyond the occlusion, LPS mm.  [default: found]"
)
@click.option("--vessel", metavar="NAME", help="The seeded vessel, or the one to look in: RCA, LM, LAD, LCX.")
@click.option("--series", metavar="UID", help="SeriesInstanceUID.  [default: the best series, with the reasons]")
@click.option(
    "--clinical",
    metavar="FILE",
    type=_FILE,
    help="Patient and angiographic findings: a flat .toml or .json, such as prior_failed_attempt = false. "
    "`recanal findings` lists the names.",
)
@click.option(
    "--territory", type=click.Choice(("coronary", "leg")), help="[default: coronary; leg is not available yet]"
)
@click.option("--edits", metavar="FILE", type=_FILE, help="A reader's corrections: a .json, replayed in its order.")
@click.option(
    "--segmenter",
    metavar="NAME[=FILE]",
    help="What finds the vessels: mask=FILE.nii.gz, centerlines=FILE.vtp, totalsegmentator, nnunet=FOLDER, "
    "monai=FOLDER, or one of an installed package.  [default: recanal's own search]",
)
@click.option(
    "--backend",
    type=click.Choice(("auto", "cpu", "gpu")),
    default="auto",
    show_default=True,
    help="gpu is not available yet.",
)
@click.option(
    "--workers", metavar="N", type=click.IntRange(min=1), help="Most processes to use; this version uses one."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@debug_option
def analyze(study: Path, out: Path, quiet: bool, **options: Any) -> None:
    """Measure the occlusions in INPUT, score the longest and write the report to DIR.

    Without --proximal and --distal the coronary tree and all its occlusions are found; with them, one vessel is
    measured.
    INPUT is a DICOM folder, a DICOM file, a zip, NIfTI, NRRD or MHA. DIR receives case.json, report.html, report.pdf
    and figures/, whole or not at all. Research use only: not for diagnosis or treatment.

    Exit status: 0 done; 1 the system refused (no room, no memory), or something unforeseen; 2 the input cannot be
    used, with one line that says why; 3 analysed, but the quality gate says not to trust it; 130, 143 or 129 stopped
    by Ctrl-C, SIGTERM or SIGHUP, with nothing left behind.
    """
    request = _request(study, out, options)
    with show_steps(quiet=quiet) as progress:
        case = _analysed(request, progress)
    _show(case, out)
    if not case.quality.usable:
        from recanal.report.flag_words import flag_words

        told = case.quality.reasons or case.quality.flags
        reasons = "; ".join(flag_words(flag) for flag in told) or "no reason was given"
        end = "" if reasons.endswith((".", "?")) else "."
        echo(f"recanal: Analysed, but this result is not to be trusted: {reasons}{end}", err=True)
        raise click.exceptions.Exit(NOT_TRUSTED)


def _request(study: Path, out: Path, options: dict[str, Any]) -> AnalyzeRequest:
    """The request, after what can be refused without reading the study."""
    _check_available(options)
    proximal_mm, distal_mm = _seeds(options["proximal"], options["distal"])
    _check_files(study, out, options["clinical"], options["edits"])
    ensure_cache()
    from recanal.pipeline import AnalyzeRequest

    return AnalyzeRequest(
        input=study,
        out=out,
        proximal_mm=proximal_mm,
        distal_mm=distal_mm,
        series_uid=options["series"],
        vessel=None if options["vessel"] is None else options["vessel"].strip().upper(),
        clinical=options["clinical"],
        territory=options["territory"],
        edits=options["edits"],
        segmenter=options["segmenter"],
    )


def _analysed(request: AnalyzeRequest, progress: Any) -> CaseReport:
    from recanal import pipeline

    return pipeline.analyze_study(request, progress=progress)


def _check_available(options: dict[str, Any]) -> None:
    """Refuse what this version cannot do."""
    if options["territory"] == "leg":
        raise OptionError("Leg arteries are not available yet in this version.", hint="Only coronary studies are read.")
    if options["backend"] == "gpu":
        raise OptionError("The GPU backend is not available yet in this version.", hint="Use --backend cpu.")


def _seeds(proximal: tuple[str, ...], distal: tuple[str, ...]) -> tuple[Any, Any]:
    """The two points of a vessel, or none; each at most once, as click takes the last of several in silence."""
    for option, given in (("--proximal", proximal), ("--distal", distal)):
        if len(given) > 1:
            raise OptionError(
                f"{option} was given {len(given)} times: {', '.join(given)}.",
                hint="Give one point on each side of one occlusion; measure others in runs of their own.",
            )
    if not proximal and not distal:
        return None, None
    if not proximal or not distal:
        raise OptionError(
            "--proximal and --distal belong together, got one of them.",
            hint="Give both, or none to find all occlusions.",
        )
    return parse_three(proximal[0], option="--proximal"), parse_three(distal[0], option="--distal")


def _check_files(study: Path, out: Path, clinical: Path | None, edits: Path | None) -> None:
    for path, what in ((study, "study"), (clinical, "clinical findings"), (edits, "corrections")):
        if path is not None and not path.exists():
            raise ReadError(
                f"There is no such file or folder for the {what}.",
                hint="Check the path.",
                file=ascii(shown_name(path))[1:-1],
                rule="not-found",
            )
    _check_out(out)


def _check_out(out: Path) -> None:
    """Refuse a result folder that could not be written, before an analysis is spent on it."""
    if out == Path():
        raise OptionError(
            "--out is empty, or the folder you are in: a result gets a folder of its own.",
            hint="Write --out result, say.",
        )
    try:
        out.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise OptionError(f"The result folder cannot be used: {error.strerror}.", hint="Name another.") from error
    if out.is_symlink() and not out.exists():
        raise OptionError(
            f"The result folder {shown_name(out)!a} is a link to nowhere.", hint="Name another for --out."
        )
    if out.exists() and not out.is_dir():
        raise OptionError(f"The result folder {shown_name(out)!a} is a file.", hint="Name another folder for --out.")
    nearest = next((place for place in (out, *out.absolute().parents) if place.exists()), out)
    if not nearest.is_dir():
        raise OptionError(
            f"The result folder cannot lie inside the file {shown_name(nearest)!a}.", hint="Name another."
        )
    if not os.access(nearest, os.W_OK):
        raise OptionError(f"The folder {shown_name(nearest)!a} cannot be written to.", hint="Name another for --out.")
    wrong = [out / name for name in _RESULT_FILES if (out / name).is_dir()]
    wrong += [out / "figures"] * ((out / "figures").exists() and not (out / "figures").is_dir())
    if wrong:
        raise OptionError(
            f"{wrong[0].name!a} is in the way in the result folder.", hint="Remove it, or name another folder."
        )
    from recanal.interop.earlier_results import check_own_folder

    check_own_folder(out)


def _show(case: CaseReport, out: Path) -> None:
    from recanal.cli.summary import summary_text

    shown = sys.stdout is not None and sys.stdout.isatty()
    width = min(140, max(80, shutil.get_terminal_size().columns)) if shown else 110
    echo(summary_text(case, out, width_columns=width))
