"""``recanal phantom``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recanal.cli.crash import debug_option
from recanal.cli.errors import RecanalCommand
from recanal.cli.kernels import ensure_cache
from recanal.cli.points import parse_three, three_text
from recanal.cli.progress import show_share
from recanal.errors import OptionError

if TYPE_CHECKING:
    from recanal.phantoms import PhantomOptions
    from recanal.pipeline.phantom_study import PhantomStudy

__all__ = ["phantom"]

_EXAMPLE = """\b
Example:
  recanal phantom --out study --seed 7 --vessel LAD --length-mm 22 --calcium plate
"""

_Command = TypeVar("_Command", bound=Callable[..., Any])
_THREES = {"plaque_mix": "0.2,0.4,0.4", "grid_shift_mm": "0.2,-0.1,0"}  # with an example of each
# flags (the last one is the field of PhantomOptions), type or None for a yes/no flag, metavar, help
_FIELDS: Sequence[tuple[tuple[str, ...], type | None, str, str]] = (
    (("--extent", "extent"), str, "crop|heart", "Box around the lesion, or the whole field.  [default: crop]"),
    (("--margin-mm", "margin_mm"), float, "MM", "Margin of the box, 8 to 80.  [default: 25]"),
    (("--vessel", "vessel"), str, "RCA|LAD|LCX", "Target artery."),
    (("--tree", "tree"), str, "lesion|whole", "Arteries near the lesion, or the complete tree.  [default: lesion]"),
    (("--dominance", "dominance"), str, "right|left|co", "Left and co draw the complete tree.  [default: right]"),
    (("--ramus/--no-ramus", "ramus"), None, "", "An artery between LAD and LCX.  [default: no]"),
    (("--occlusion/--open", "occlusion"), None, "", "Occluded, or open with a stenosis.  [default: occlusion]"),
    (("--length-mm", "--occlusion-length-mm", "occlusion_length_mm"), float, "MM", "Designed length, 5 to 60."),
    (("--stenosis-percent", "stenosis_percent"), float, "PERCENT", "Of an open vessel's diameter, 0 to 90."),
    (("--proximal-cap", "proximal_cap"), str, "blunt|tapered|ambiguous", "Shape of the proximal cap."),
    (("--distal-cap", "distal_cap"), str, "blunt|tapered|ambiguous", "Shape of the distal cap."),
    (("--side-branch/--no-side-branch", "side_branch_at_cap"), None, "", "A branch at proximal cap or stenosis."),
    (("--bend-deg", "bend_deg"), float, "DEG", "Extra bend inside the occlusion or stenosis, 0 to 90."),
    (("--calcium", "calcium"), str, "none|spots|nodules|plate|whole_lumen", "Calcium inside the occlusion."),
    (("--calcium-elsewhere/--no-calcium-elsewhere", "calcium_elsewhere"), None, "", "Open arteries, aorta, valves."),
    (("--stent", "stent"), str, "none|lesion|elsewhere", "A stent over the lesion or in another artery."),
    (("--collateral", "collateral"), str, "none|septal|epicardial", "A connection to the vessel beyond the occlusion."),
    (("--collateral-diameter-mm", "collateral_diameter_mm"), float, "MM", "Of its lumen, 0.3 to 2.5.  [default: 1.2]"),
    (("--plaque-mix", "plaque_mix"), str, "A,B,C", "Weights of necrotic core, fibrofatty and fibrous tissue."),
    (("--remodelling", "remodelling"), float, "RATIO", "Vessel area over the reference area, 0.7 to 1.5."),
    (("--reference-diameter-mm", "reference_diameter_mm"), float, "MM", "Lumen at the proximal cap, 1.8 to 5."),
    (("--distal-filling", "distal_filling"), str, "good|weak|none", "Contrast beyond the occlusion."),
    (("--kvp", "kvp"), int, "80|100|120", "Tube voltage."),
    (("--lumen-hu", "lumen_hu"), float, "HU", "Attenuation at the ostium, 200 to 700."),
    (("--lumen-drop-hu-per-mm", "lumen_drop_hu_per_mm"), float, "HU", "Its fall along the vessel, 0 to 3."),
    (("--noise-hu", "noise_hu"), float, "HU", "Standard deviation of the noise, 0 to 60."),
    (("--noise-peak-per-mm", "noise_peak_per_mm"), float, "1/MM", "Peak of the noise spectrum, 0.05 to 0.6."),
    (("--noise-seed", "noise_seed"), int, "N", "Seed of the noise alone.  [default: the phantom's seed]"),
    (("--pixel-mm", "pixel_mm"), float, "MM", "Pixel spacing, 0.25 to 0.7."),
    (("--slice-mm", "slice_mm"), float, "MM", "Distance between slices, 0.3 to 3."),
    (("--thickness-mm", "thickness_mm"), float, "MM", "Slice thickness, 0.3 to 3."),
    (("--psf-sigma-mm", "psf_sigma_mm"), float, "MM", "In-plane blur, 0.2 to 1."),
    (("--misregistration/--no-misregistration", "misregistration"), None, "", "Displaced slabs.  [default: no]"),
    (("--step-mm", "step_mm"), float, "MM", "Standard deviation of that, 0 to 6.  [default: 0.7]"),
    (("--motion-mm", "motion_mm"), float, "MM", "Path of the heart in the exposure, 0 to 4.  [default: 0]"),
    (("--grid-shift-mm", "grid_shift_mm"), str, "X,Y,Z", "Shift of the voxel grid, -5 to 5.  [default: 0,0,0]"),
)


_Given = dict[str, Any]
# option, whether it is given, whether the others leave it without effect, what to do
_TOGETHER: Sequence[tuple[str, Callable[[_Given], bool], Callable[[_Given], bool], str]] = (
    (
        "--stenosis-percent",
        lambda given: "stenosis_percent" in given,
        lambda given: given.get("occlusion", True),
        "It narrows an open vessel: add --open, or leave it out.",
    ),
    *(
        (
            f"--{name.replace('_', '-')}",
            lambda given, name=name: name in given,
            lambda given: not given.get("occlusion", True),
            f"It is of {what}: leave --open or it out.",
        )
        for name, what in (
            ("distal_filling", "the vessel beyond an occlusion"),
            ("proximal_cap", "an occlusion"),
            ("distal_cap", "an occlusion"),
        )
    ),
    (
        "--remodelling",
        lambda given: "remodelling" in given,
        lambda given: not given.get("occlusion", True) and given.get("stenosis_percent") == 0.0,
        "A vessel without a narrowing has none: leave --stenosis-percent 0 or it out.",
    ),
    (
        "--decoys",
        lambda given: given.get("decoys") is True,
        lambda given: given["file_format"] == "nifti",
        "A NIfTI file holds one series: use --format dicom, or leave it out.",
    ),
    (
        "--margin-mm",
        lambda given: "margin_mm" in given,
        lambda given: given.get("extent") == "heart",
        "The whole field has no margin: leave it or --extent heart out.",
    ),
    (
        "--tree lesion",
        lambda given: given.get("tree") == "lesion",
        lambda given: given.get("dominance") in ("left", "co") or given.get("ramus", False),
        "This dominance, and a ramus, need --tree whole.",
    ),
    (
        "--step-mm",
        lambda given: "step_mm" in given,
        lambda given: not given.get("misregistration", False),
        "Add --misregistration, or leave it out.",
    ),
    (
        "--collateral-diameter-mm",
        lambda given: "collateral_diameter_mm" in given,
        lambda given: given.get("collateral", "none") == "none",
        "Add --collateral septal or epicardial, or leave it out.",
    ),
    (
        "An ambiguous proximal cap",
        lambda given: given.get("proximal_cap") == "ambiguous",
        lambda given: given.get("calcium") == "none" and given.get("side_branch_at_cap") is False,
        "Calcium or a side branch hides it: allow one of them.",
    ),
    (
        "An ambiguous distal cap",
        lambda given: given.get("distal_cap") == "ambiguous",
        lambda given: given.get("calcium") == "none",
        "Calcium hides it: leave --calcium none out.",
    ),
)


def _field_options(command: _Command) -> _Command:
    for names, kind, metavar, text in reversed(_FIELDS):
        if kind is None:
            command = click.option(*names, default=None, help=text)(command)
        else:
            command = click.option(*names, type=kind, metavar=metavar, help=text)(command)
    return command


@click.command(cls=RecanalCommand, epilog=_EXAMPLE)
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder for the study.")
@click.option("--seed", required=True, metavar="N", type=int, help="Whole number >= 0; fixes all that is not given.")
@_field_options
@click.option("--decoys/--no-decoys", default=None, help="Other series beside the angiogram.  [default: decoys]")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(("dicom", "nifti")),
    default="dicom",
    show_default=True,
    help="A DICOM study, or one NIfTI file without other series.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@debug_option
def phantom(out: Path, seed: int, decoys: bool | None, file_format: str, quiet: bool, **fields: Any) -> None:
    """Make a coronary CT angiogram with an occlusion whose truth is known.

    DIR receives a study with a plainly synthetic identity and truth.json. What is not given is drawn from the
    seed, or stands at the default shown. An earlier phantom in DIR is replaced; other files are never touched.

    `recanal analyze` without points needs the whole heart: --extent heart --tree whole. That takes
    one to three minutes to draw, or more on a busy machine.
    """
    ensure_cache()
    from recanal.pipeline.phantom_study import make_study

    for option, value in (("--seed", seed), ("--noise-seed", fields["noise_seed"] or 0)):
        if value < 0:
            raise OptionError(f"{option} takes a whole number of 0 or more, got {value}.")
    options = _options(fields)
    _check_together({**_given(fields), "decoys": decoys, "file_format": file_format})
    with show_share(quiet=quiet, lines=True) as progress:
        made = make_study(
            options, seed=seed, out=out, decoys=decoys is not False, progress=progress, file_format=file_format
        )
    click.echo(_made_text(made))


def _given(fields: dict[str, Any]) -> _Given:
    return {name: value for name, value in fields.items() if value is not None}


def _options(fields: dict[str, Any]) -> PhantomOptions:
    """Phantom options from those that were given; what they refuse is said with the names of the command line."""
    from recanal.phantoms import PhantomOptions

    given, flags = _given(fields), {names[-1].rpartition("/")[2]: names[0].partition("/")[0] for names, *_ in _FIELDS}
    for name, example in _THREES.items():
        if name in given:
            given[name] = parse_three(given[name], option=flags[name], example=example)
    if "vessel" in given:
        given["vessel"] = given["vessel"].strip().upper()
    try:
        return PhantomOptions(**given)
    except OptionError as error:
        field, _, rest = error.message.partition(" ")
        hint = f"Write for example {flags[field]} {_THREES[field]}." if field in _THREES else error.hint
        raise OptionError(f"{flags.get(field, field)} {rest}", hint=hint) from error


def _check_together(given: dict[str, Any]) -> None:
    """Refuse an option that another one, given or left away, makes meaningless."""
    for option, is_given, lacks, hint in _TOGETHER:
        if is_given(given) and lacks(given):
            raise OptionError(f"{option} has no effect with the other options.", hint=hint)


def _made_text(made: PhantomStudy) -> str:
    truth = made.truth
    size = " x ".join(map(str, made.size))
    what = f"open {truth.vessel}"
    if truth.occluded:
        length_mm = truth.length_designed_mm if truth.length_mm is None else truth.length_mm
        what = f"{truth.vessel} occluded over {length_mm:.1f} mm"
    result = made.folder.resolve().name + "-result"
    command = ["recanal", "analyze", str(made.input), "--out", str(made.folder.parent / result)]
    if truth.distal_opacified:  # a point must lie in contrast
        command.append(f"--proximal={three_text(truth.proximal_seed_mm)}")
        command.append(f"--distal={three_text(truth.distal_seed_mm)}")
    command += ["--vessel", truth.vessel]
    return "\n".join(
        (
            f"Phantom:  {what}, {size} voxels, {made.series_count} series, synthetic data",
            f"Study:    {made.input}",
            f"Truth:    {made.folder / 'truth.json'}",
            f"Analyse:  {shlex.join(command)}",
        )
    )
