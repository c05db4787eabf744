"""Series that lie beside the angiogram in a study and must not be taken for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recanal.core.volume import Affine, Volume
from recanal.phantoms.build import describe, make_design, render
from recanal.phantoms.calcium_scan import CalciumScan, calcium_scan
from recanal.phantoms.options import PhantomOptions, resolve_options, stream
from recanal.phantoms.scanner import add_noise

__all__ = ["decoys"]


def _second_phase(options: PhantomOptions, seed: int) -> Volume:
    worse = replace(
        options,
        noise_hu=min(60.0, 1.35 * float(options.noise_hu or 20.0)),
        motion_mm=min(4.0, float(options.motion_mm or 0.0) + 1.6),
    )
    design = make_design(worse, seed=seed)
    clean, _ = render(design)
    hu = add_noise(clean, float(design.grid.spacing_mm[1]), design.options, stream(seed, 12))
    meta = describe(design.options, "Coronary CTA 0.6 B26f 45 %") | {"phase_percent": 45.0}
    return Volume(hu, design.grid.affine, meta)


def _localiser(phase: Volume) -> Volume:
    """A coarse frontal view, three thick coronal slices."""
    hu, (dz, dy, dx) = phase.hu, phase.spacing_mm
    step = max(1, round(1.5 / dx)), max(1, round(1.5 / dz))
    thick = max(1, min(round(9.0 / dy), hu.shape[1] // 3))
    first = (hu.shape[1] - 3 * thick) // 2
    views = [hu[:: step[1], a : a + thick, :: step[0]].mean(axis=1) for a in range(first, first + 3 * thick, thick)]
    stack = np.rint(np.stack(views)).astype(np.int16)
    matrix = np.zeros((4, 4))
    matrix[1, 0], matrix[2, 1], matrix[0, 2], matrix[3, 3] = thick * dy, step[1] * dz, step[0] * dx, 1.0
    matrix[:3, 3] = phase.affine.to_mm([[0, first + (thick - 1) / 2, 0]])[0]
    facts = {
        "series_description": "Topogram 1.0 T20s",
        "kernel": "T20s",
        "slice_thickness_mm": thick * dy,
        "phase_percent": None,
        "contrast": False,
        "image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER"),
    }
    return Volume(stack, Affine(matrix), dict(phase.meta) | facts)


def decoys(options: PhantomOptions, seed: int, *, scan: CalciumScan | None = None) -> Sequence[Volume]:
    """Three other series of the same study: a localiser, a calcium-score scan, a second and worse cardiac phase.

    Parameters
    ----------
    options, seed
        As given to :func:`recanal.phantoms.make_phantom`; the anatomy is the same.
    scan
        The calcium-score scan where it is made already, by :func:`recanal.phantoms.calcium_scan`.

    Returns
    -------
    sequence of Volume
        ``meta`` holds series_description, modality, manufacturer, image_type, kvp, kernel, slice_thickness_mm,
        phase_percent and contrast.
    """
    full = resolve_options(options, seed)
    phase = _second_phase(full, seed)
    score = calcium_scan(options, seed) if scan is None else scan
    return _localiser(phase), score.volume, phase
