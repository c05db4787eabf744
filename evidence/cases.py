"""Which phantoms are drawn, and all that is measured on one of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evidence.compare import compare, measured
from evidence.invariance import remeasured
from recanal.core.case import COMPONENTS
from recanal.core.volume import Volume
from recanal.phantoms import Phantom, PhantomOptions, draw_options, make_phantom
from recanal.phantoms.options import stream
from recanal.phantoms.scanner import add_noise
from recanal.pipeline import SeededResult

__all__ = ["FIRST_SEED", "REPEATED", "CaseOutcome", "Plan", "attempt", "plan_case", "plan_cases", "run_case"]

FIRST_SEED = 14_700
OPEN_EVERY = 10
STORED_EVERY = 5
SEED_MOVE_MM = 5.0
REPEATED = ("length_mm", "plaque_mm3", *(f"{name}_mm3" for name in COMPONENTS))


@dataclass(frozen=True)
class Plan:
    """One phantom to measure.

    Parameters
    ----------
    seed
        Of the phantom, from 10,800 on.
    options
        What is drawn.
    filling_replaced
        Whether the drawn distal filling was "none", which seeds cannot measure.
    stored_otherwise
        Whether the study is also stored in other ways and measured again.
    """

    seed: int
    options: PhantomOptions
    filling_replaced: bool
    stored_otherwise: bool


@dataclass(frozen=True)
class CaseOutcome:
    """All that was measured on one phantom.

    Parameters
    ----------
    row
        Truth, measurement and errors, as ``evidence.compare`` gives them.
    repeats
        The repeated quantities of each re-measurement, the first one included; None where it failed.
    stored
        Rows of ``evidence.invariance``.
    """

    row: dict[str, Any]
    repeats: list[dict[str, float | None]] = field(default_factory=list)
    stored: list[dict[str, Any]] = field(default_factory=list)


def plan_case(seed: int, *, occlusion: bool = True, stored_otherwise: bool = False) -> Plan:
    """The plan of one seed: crop extent, and a distal vessel that fills, so that seeds can be placed."""
    drawn = draw_options(seed)
    unfilled = drawn.distal_filling == "none"
    filling = "weak" if unfilled else drawn.distal_filling
    options = replace(drawn, extent="crop", occlusion=occlusion, distal_filling=filling)
    return Plan(seed, options, unfilled, stored_otherwise)


def plan_cases(count: int, *, first_seed: int = FIRST_SEED) -> list[Plan]:
    """The plans of ``count`` seeds; every tenth vessel is open."""
    return [
        plan_case(
            first_seed + k,
            occlusion=k % OPEN_EVERY != OPEN_EVERY - 1,
            stored_otherwise=k % STORED_EVERY == 1,
        )
        for k in range(count)
    ]


def run_case(plan: Plan) -> CaseOutcome:
    """Draw the phantom of a plan, measure it, measure it again in other ways."""
    phantom = make_phantom(plan.options, seed=plan.seed)
    started = time.perf_counter()
    result = attempt(phantom)
    seconds = time.perf_counter() - started
    row = _labels(plan, phantom) | compare(phantom, result) | {"measure_s": seconds}
    repeats = _repeats(plan, phantom, row) if plan.options.occlusion else []
    return CaseOutcome(row, repeats, remeasured(phantom) if plan.stored_otherwise else [])


def attempt(phantom: Phantom, *, shift_mm: tuple[float, float] = (0.0, 0.0)) -> SeededResult | str:
    """As ``evidence.compare.measured``; a crash is a result here too: it is counted and listed, and hides no other."""
    try:
        return measured(phantom, shift_mm=shift_mm)
    except Exception as crash:  # noqa: BLE001
        return f"crash, {type(crash).__name__}: {crash}"


def _labels(plan: Plan, phantom: Phantom) -> dict[str, Any]:
    """What names a case and holds whether or not it could be measured."""
    truth = phantom.truth
    out: dict[str, Any] = {"case": plan.seed, "filling_replaced": plan.filling_replaced}
    out["artefact"] = bool(truth.options.misregistration or truth.options.motion_mm)
    out["stenosis_percent"] = None if truth.occluded else truth.stenosis_percent
    out["true_length_mm"] = truth.length_mm if truth.occluded else None
    if truth.occluded:  # so that a case without an answer counts as wrong
        out |= {"shape_true": truth.proximal_cap_shape, "distal_shape_true": truth.distal_cap_shape}
        out["branch_true"] = bool(truth.side_branch)
    return out


def _repeats(plan: Plan, phantom: Phantom, row: dict[str, Any]) -> list[dict[str, float | None]]:
    """The first measurement; one with new noise and moved seeds; one on a shifted grid as well."""
    rng = np.random.default_rng([plan.seed, 77])
    full = phantom.truth.options
    pixel, step = float(full.pixel_mm or 0.4), float(full.slice_mm or 0.5)
    shifted = replace(full, grid_shift_mm=(pixel / 2, pixel / 2, step / 2), noise_seed=plan.seed + 2_000_000)
    others = (_with_new_noise(phantom, plan.seed + 1_000_000), make_phantom(shifted, seed=plan.seed))
    out = [{name: row.get(name) for name in REPEATED}]
    for other in others:
        move = rng.uniform(-SEED_MOVE_MM, SEED_MOVE_MM, 2)
        result = attempt(other, shift_mm=(float(move[0]), float(move[1])))
        again = compare(other, result)
        out.append({name: again.get(name) for name in REPEATED})
        if isinstance(result, str):
            row["repeat_error"] = result
    return out


def _with_new_noise(phantom: Phantom, noise_seed: int) -> Phantom:
    """The same picture with the noise that ``PhantomOptions.noise_seed`` gives, without painting it again."""
    if phantom.clean is None:
        return make_phantom(replace(phantom.truth.options, noise_seed=noise_seed), seed=phantom.truth.seed)
    options = phantom.truth.options
    hu = add_noise(phantom.clean, phantom.volume.spacing_mm[1], options, stream(noise_seed, 10))
    return replace(phantom, volume=Volume(hu, phantom.volume.affine, phantom.volume.meta))
