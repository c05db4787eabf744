"""What a phantom can be asked to be: its parameters, their ranges, and how they are drawn from a seed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from recanal.errors import OptionError

__all__ = [
    "CALCIUM_SCALE",
    "CHOICES",
    "CONTRAST_SCALE",
    "RANGES",
    "PhantomOptions",
    "draw_options",
    "resolve_options",
    "stream",
]

CHOICES: dict[str, tuple[object, ...]] = {
    "vessel": ("RCA", "LAD", "LCX"),
    "proximal_cap": ("blunt", "tapered", "ambiguous"),
    "distal_cap": ("blunt", "tapered", "ambiguous"),
    "calcium": ("none", "spots", "nodules", "plate", "whole_lumen"),
    "distal_filling": ("good", "weak", "none"),
    "kvp": (80, 100, 120),
    "extent": ("crop", "heart"),
    "tree": ("lesion", "whole"),
    "dominance": ("right", "left", "co"),
    "stent": ("none", "lesion", "elsewhere"),
    "collateral": ("none", "septal", "epicardial"),
}
RANGES: dict[str, tuple[float, float]] = {
    "occlusion_length_mm": (5.0, 60.0),
    "stenosis_percent": (0.0, 90.0),
    "bend_deg": (0.0, 90.0),
    "remodelling": (0.7, 1.5),
    "reference_diameter_mm": (1.8, 5.0),
    "lumen_hu": (200.0, 700.0),
    "lumen_drop_hu_per_mm": (0.0, 3.0),
    "noise_hu": (0.0, 60.0),
    "noise_peak_per_mm": (0.05, 0.6),
    "pixel_mm": (0.25, 0.7),
    "slice_mm": (0.3, 3.0),
    "thickness_mm": (0.3, 3.0),
    "psf_sigma_mm": (0.2, 1.0),
    "motion_mm": (0.0, 4.0),
    "step_mm": (0.0, 6.0),
    "margin_mm": (8.0, 80.0),
    "collateral_diameter_mm": (0.3, 2.5),
}
CONTRAST_SCALE = {80: 1.65, 100: 1.26, 120: 1.0}
CALCIUM_SCALE = {80: 1.36, 100: 1.13, 120: 1.0}


@dataclass(frozen=True)
class PhantomOptions:
    """Every parameter of a phantom; None means "draw it from the seed".

    Parameters
    ----------
    vessel
        The target artery: ``"RCA"``, ``"LAD"`` or ``"LCX"`` (the last two include the left main).
    occlusion
        False draws an open vessel, narrowed by ``stenosis_percent`` of its diameter.
    occlusion_length_mm
        Designed arc length between the tips of the lumen, or of the narrowed stretch of an open vessel.
    stenosis_percent
        Diameter stenosis of an open vessel; ignored when there is an occlusion.
    proximal_cap, distal_cap
        ``"blunt"``, ``"tapered"`` (funnel of 3-8 mm) or ``"ambiguous"`` (a side branch of similar calibre, or
        calcium, hides it; a distal one without calcium is drawn blunt, for nothing would hide it).
    side_branch_at_cap
        A branch of at least 1 mm leaving within 3 mm of the proximal cap.
    bend_deg
        Extra bend built into the occlusion; the angle that results is in the truth.
    calcium
        Pattern of calcium inside the occlusion. In an open vessel it lies around the lumen, never in it.
    plaque_mix
        Weights of necrotic core, fibrofatty and fibrous tissue; they are scaled to a sum of 1.
    remodelling
        Vessel area in the lesion over the tapered reference area.
    reference_diameter_mm
        Lumen diameter at the proximal cap, were the vessel open.
    distal_filling
        ``"good"``, ``"weak"`` or ``"none"``.
    kvp
        80, 100 or 120; scales contrast and calcium where they are drawn.
    lumen_hu, lumen_drop_hu_per_mm
        Attenuation at the ostium, and how fast it falls along the vessel.
    noise_hu, noise_peak_per_mm
        Standard deviation of the noise, and the spatial frequency where its spectrum peaks.
    pixel_mm, slice_mm, thickness_mm
        In-plane pixel, slice increment, and slice thickness (FWHM of the slice profile).
    psf_sigma_mm
        Total in-plane Gaussian sigma, pixel size included (FWHM = 2.355 sigma).
    misregistration, motion_mm
        Step-and-shoot slabs displaced against each other; in-plane path of the heart during the exposure.
    step_mm
        Standard deviation of that displacement along x and along y, cut off at 2.14 of it.
    tree
        ``"lesion"``: the target artery, and others as far as they keep clear of it. ``"whole"``: a complete tree in
        which each artery leaves its parent; asked for by any dominance but the default and by a ramus.
    dominance
        ``"right"``, ``"left"`` or ``"co"``: which artery gives the posterior descending and posterolateral branches.
    ramus
        An artery between LAD and circumflex.
    calcium_elsewhere
        Calcium in the open arteries (in some hearts none), the aorta and the valves.
    stent
        ``"none"``, over the lesion, or in another main artery.
    collateral
        A connection from an open artery to the one beyond the occlusion, through the septum or over the heart.
    collateral_diameter_mm
        Of its lumen.
    extent
        ``"heart"`` for the full field, ``"crop"`` for the box around the lesion with ``margin_mm``.
    grid_shift_mm
        Displacement (x, y, z) of the voxel grid against the anatomy.
    noise_seed
        Seed of the noise alone; None takes the phantom's seed.
    """

    vessel: str | None = None
    occlusion: bool = True
    occlusion_length_mm: float | None = None
    stenosis_percent: float | None = None
    proximal_cap: str | None = None
    distal_cap: str | None = None
    side_branch_at_cap: bool | None = None
    bend_deg: float | None = None
    calcium: str | None = None
    plaque_mix: tuple[float, float, float] | None = None
    remodelling: float | None = None
    reference_diameter_mm: float | None = None
    distal_filling: str | None = None
    kvp: int | None = None
    lumen_hu: float | None = None
    lumen_drop_hu_per_mm: float | None = None
    noise_hu: float | None = None
    noise_peak_per_mm: float | None = None
    pixel_mm: float | None = None
    slice_mm: float | None = None
    thickness_mm: float | None = None
    psf_sigma_mm: float | None = None
    misregistration: bool | None = False
    motion_mm: float | None = 0.0
    step_mm: float = 0.7
    tree: str = "lesion"
    dominance: str | None = "right"
    ramus: bool | None = False
    calcium_elsewhere: bool = False
    stent: str = "none"
    collateral: str = "none"
    collateral_diameter_mm: float = 1.2
    extent: str = "crop"
    margin_mm: float = 25.0
    grid_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    noise_seed: int | None = None

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            _check_choice(name, getattr(self, name), choices)
        for name, bounds in RANGES.items():
            _check_range(name, getattr(self, name), bounds)
        _check_mix(self.plaque_mix)
        _check_shift(self.grid_shift_mm)
        if self.collateral != "none" and (self.distal_filling == "none" or not self.occlusion):
            raise OptionError(
                "collateral needs an occlusion and contrast beyond it, which the connection brings.",
                hint="Ask for good or weak filling and an occlusion, or leave the collateral out.",
            )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value is None and name not in ("extent", "tree", "stent", "collateral"):
        return
    if value not in choices or isinstance(value, bool):
        raise OptionError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}.")


def _check_range(name: str, value: object, bounds: tuple[float, float]) -> None:
    if value is None and name not in ("margin_mm", "step_mm", "collateral_diameter_mm"):
        return
    number = isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, bool)
    if not number or not bounds[0] <= float(value) <= bounds[1]:  # type: ignore[arg-type]
        raise OptionError(f"{name} must lie in [{bounds[0]:g}, {bounds[1]:g}], got {value!r}.")


def _check_mix(mix: tuple[float, float, float] | None) -> None:
    if mix is None:
        return
    if len(mix) != 3 or not all(math.isfinite(w) and w >= 0 for w in mix) or sum(mix) <= 0:
        raise OptionError(
            f"plaque_mix must be three weights in [0, inf) that are not all zero, got {mix!r}.",
            hint="Give necrotic core, fibrofatty and fibrous, for example (0.2, 0.4, 0.4).",
        )


def _check_shift(shift_mm: tuple[float, float, float]) -> None:
    if len(shift_mm) != 3 or not all(math.isfinite(x) and abs(x) <= 5 for x in shift_mm):
        raise OptionError(f"grid_shift_mm must be three numbers in [-5, 5], got {shift_mm!r}.")


def stream(seed: int, *branch: int) -> np.random.Generator:
    """An independent generator for one purpose of one seed.

    Raises
    ------
    OptionError
        When the seed is not a whole number >= 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"seed must be a whole number in [0, inf), got {seed!r}.")
    return np.random.default_rng([int(seed), *branch])


def _drawn_lesion(rng: np.random.Generator) -> dict[str, Any]:
    mix = rng.dirichlet([2.0, 3.0, 3.0])
    return {
        "vessel": str(rng.choice(["RCA", "LAD", "LCX"], p=[0.45, 0.35, 0.2])),
        "occlusion_length_mm": float(np.clip(rng.lognormal(np.log(19.0), 0.55), 5.0, 60.0)),
        "stenosis_percent": float(rng.choice([0.0, rng.uniform(25, 80)])),
        "proximal_cap": str(rng.choice(["blunt", "tapered", "ambiguous"], p=[0.45, 0.4, 0.15])),
        "distal_cap": str(rng.choice(["blunt", "tapered", "ambiguous"], p=[0.35, 0.55, 0.1])),
        "side_branch_at_cap": bool(rng.random() < 0.4),
        "bend_deg": float(rng.choice([0.0, rng.uniform(10, 80)])),
        "calcium": str(rng.choice(["none", "spots", "nodules", "plate", "whole_lumen"], p=[0.25, 0.2, 0.25, 0.2, 0.1])),
        "plaque_mix": (float(mix[0]), float(mix[1]), float(mix[2])),
        "remodelling": float(rng.uniform(0.8, 1.3)),
        "reference_diameter_mm": float(np.clip(rng.normal(3.1, 0.5), 2.2, 4.4)),
        "distal_filling": str(rng.choice(["good", "weak", "none"], p=[0.65, 0.27, 0.08])),
    }


def _drawn_scan(rng: np.random.Generator, kvp: int | None) -> dict[str, Any]:
    own = int(rng.choice([80, 100, 120], p=[0.15, 0.4, 0.45]))
    slice_mm = float(rng.choice([0.4, 0.5, 0.5, 0.6, 0.75]))
    return {
        "kvp": own,
        "lumen_hu": float(np.clip(rng.normal(330, 45) * CONTRAST_SCALE[kvp or own], 250, 550)),
        "lumen_drop_hu_per_mm": float(rng.uniform(0.5, 2.0)),
        "noise_hu": float(rng.uniform(12, 35)),
        "noise_peak_per_mm": float(rng.uniform(0.16, 0.32)),
        "pixel_mm": float(rng.uniform(0.3, 0.5)),
        "slice_mm": slice_mm,
        "thickness_mm": max(slice_mm, float(rng.choice([0.5, 0.6, 0.75, 0.9]))),
        "psf_sigma_mm": float(rng.uniform(0.3, 0.45)),
        "misregistration": bool(rng.random() < 0.12),
        "motion_mm": float(rng.choice([0.0, rng.uniform(0.2, 1.2)], p=[0.75, 0.25])),
    }


def _drawn_tree(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "dominance": str(rng.choice(["right", "left", "co"], p=[0.6, 0.2, 0.2])),
        "ramus": bool(rng.random() < 0.25),
    }


def resolve_options(options: PhantomOptions, seed: int) -> PhantomOptions:
    """The options with every None replaced by what the seed draws; the rest is left as given."""
    drawn = {**_drawn_lesion(stream(seed, 1)), **_drawn_scan(stream(seed, 2), options.kvp)}
    drawn |= _drawn_tree(stream(seed, 21))
    if options.dominance != "right" or options.ramus is not False:
        options = replace(options, tree="whole")
    if options.slice_mm is not None:
        drawn["thickness_mm"] = max(drawn["thickness_mm"], options.slice_mm)
    cap = options.proximal_cap or drawn["proximal_cap"]
    if cap == "ambiguous" and (options.calcium or drawn["calcium"]) == "none":
        drawn["side_branch_at_cap"] = True
    if options.collateral != "none" and drawn["distal_filling"] == "none":
        drawn["distal_filling"] = "weak"
    missing = {f.name for f in fields(options) if getattr(options, f.name) is None} - {"noise_seed"}
    return replace(options, **{name: drawn[name] for name in missing})


def draw_options(seed: int) -> PhantomOptions:
    """Options drawn at random, artefacts included; ``dataclasses.replace`` fixes what a study must hold constant."""
    return resolve_options(PhantomOptions(misregistration=None, motion_mm=None), seed)
