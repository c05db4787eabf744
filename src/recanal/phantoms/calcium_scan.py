"""The calcium-score scan of a phantom: the heart before contrast, with the truth of its calcium.

The truth is counted here on the noise-free picture, by code that shares nothing with the rooms that measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.volume import Volume
from recanal.phantoms.build import Design, add_lesion_calcium, describe, make_design, smear, without_calcium
from recanal.phantoms.deposits import ARTERIES, Deposit, paint_deposits
from recanal.phantoms.options import CALCIUM_SCALE, PhantomOptions, resolve_options, stream
from recanal.phantoms.scanner import add_noise, psf_sigmas
from recanal.phantoms.survey import designed_hu, tube_cells

__all__ = ["CALIBRATION_MG_PER_HU_MM3", "ArteryCalcium", "CalciumScan", "ScanCalcium", "calcium_scan", "unenhanced"]

CALIBRATION_MG_PER_HU_MM3 = 0.00078
"""Milligrams of hydroxyapatite per HU and mm3 of a phantom's calcium at 120 kV."""

_BLOOD_HU = 44.0
_LEAST_SHARE_HU = 15.0
_THRESHOLD_HU = 130.0
_LEAST_AREA_MM2 = 1.0


@dataclass(frozen=True)
class ArteryCalcium:
    """Calcium of one artery, or of all of them.

    Parameters
    ----------
    agatston, volume_mm3, mass_mg
        As imaged: counted on the noise-free picture, spots of at least 130 HU and 1 mm2 in a slice.
    volume_designed_mm3, mass_designed_mg
        As drawn, before any blur.
    """

    agatston: float
    volume_mm3: float
    mass_mg: float
    volume_designed_mm3: float
    mass_designed_mg: float


@dataclass(frozen=True)
class ScanCalcium:
    """The truth of a calcium-score scan.

    Parameters
    ----------
    arteries
        By name: LM, LAD, LCX, RCA. Side branches belong to the main artery that they leave.
    total
        Their sum.
    calibration_mg_per_hu_mm3
        Hydroxyapatite per HU and mm3.
    slice_mm, kvp
        Distance between slices, and tube voltage.
    elsewhere_mm3
        Designed volumes of the calcium that must not be counted, by place.
    stent
        Whether there is a stent.
    """

    arteries: Mapping[str, ArteryCalcium]
    total: ArteryCalcium
    calibration_mg_per_hu_mm3: float
    slice_mm: float
    kvp: int
    elsewhere_mm3: Mapping[str, float]
    stent: bool


@dataclass(frozen=True, eq=False)
class CalciumScan:
    """A calcium-score scan and what is known of it.

    Parameters
    ----------
    volume
        int16, axes (slice, row, column).
    clean
        float32, the same without noise.
    labels
        uint8, what a reader would draw: 1 LM, 2 LAD, 3 LCX, 4 RCA around their calcium, 0 elsewhere.
    truth
        What is known.
    """

    volume: Volume
    clean: NDArray[np.float32]
    labels: NDArray[np.uint8]
    truth: ScanCalcium


def unenhanced(design: Design, kvp: int) -> Design:
    """The same heart before contrast, at 120 kV; ``kvp`` is what the calcium of the design was drawn for."""
    lesion = design.lesion
    calcium = tuple(replace(item, hu=item.hu / CALCIUM_SCALE[kvp]) for item in lesion.calcium)
    plain = replace(lesion, lumen_hu=np.full_like(lesion.lumen_hu, _BLOOD_HU), calcium=calcium)
    veins = [replace(vein, hu=_BLOOD_HU) for vein in design.veins]
    line = design.connection and replace(design.connection, hu=_BLOOD_HU)
    return replace(design, lesion=plain, veins=veins, connection=line, contrast=False)


def _shares(design: Design) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """The noise-free picture, and how much of it the calcium of each artery makes."""
    sigmas = psf_sigmas(design.options)

    def paint(picture: NDArray[np.float32], owner: str) -> None:
        items = [d for d in design.deposits if d.owner == owner]
        paint_deposits(picture, design.grid, items, sigmas_mm=sigmas, scale=1.0)

    picture, painter = without_calcium(design)
    for owner in sorted({d.owner for d in design.deposits} - set(ARTERIES)):
        paint(picture, owner)
    shares = {}
    for artery in ARTERIES:
        before = picture.copy()
        if artery == design.place.vessel:
            add_lesion_calcium(design, painter, picture)
        paint(picture, artery)
        if (picture != before).any():
            shares[artery] = picture - before
            smear(design, shares[artery])
    smear(design, picture)
    return picture, shares


def _counted(spots: NDArray[np.bool_], clean: NDArray[np.float32], spacing: tuple[float, ...]) -> tuple[float, ...]:
    """Agatston score, volume and the integral of HU over volume."""
    agatston = volume = integral = 0.0
    area, step = spacing[1] * spacing[2], spacing[0]
    for plane, hu in zip(spots, clean, strict=True):
        groups, count = ndimage.label(plane, structure=np.ones((3, 3)))
        for n in range(1, count + 1):
            inside = hu[groups == n]
            if len(inside) * area >= _LEAST_AREA_MM2:
                weight = min(int(inside.max() // 100), 4)
                agatston += float(max(weight, 1) * len(inside) * area * step / 3.0)
                volume += float(len(inside) * area * step)
                integral += float(inside.sum() * area * step)
    return agatston, volume, integral


def _designed(design: Design, artery: str) -> tuple[float, float]:
    """Volume, and integral of HU over volume, of the calcium of an artery as drawn."""
    items = [d for d in design.deposits if d.owner == artery]
    volume = sum(d.volume_mm3 for d in items)
    integral = sum(d.volume_mm3 * d.hu for d in items)
    if artery == design.place.vessel and design.lesion.calcium:
        place, axis = design.place, design.arteries[0].points_mm
        cells = tube_cells(axis, design.lesion, (place.start_mm - 4.0, place.end_mm + 4.0))
        flat = (cells.s.ravel(), cells.u.ravel(), cells.v.ravel())
        calcified = design.lesion.calcium_cover(*flat, 0.02)[0].reshape(cells.s.shape) > 0.5
        volume += float(cells.volume_mm3[calcified].sum())
        integral += float((cells.volume_mm3 * designed_hu(design.lesion, cells))[calcified].sum())
    return volume, integral


def _labels(shares: dict[str, NDArray[np.float32]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    labels, best = np.zeros(shape, dtype=np.uint8), np.full(shape, _LEAST_SHARE_HU, dtype=np.float32)
    for number, artery in enumerate(ARTERIES, start=1):
        if artery in shares:
            here = shares[artery] > best
            labels[here] = number
            best[here] = shares[artery][here]
    return labels


def _truth(design: Design, clean: NDArray[np.float32], labels: NDArray[np.uint8]) -> ScanCalcium:
    k, spacing, found = CALIBRATION_MG_PER_HU_MM3, tuple(design.grid.spacing_mm), {}
    for number, artery in enumerate(ARTERIES, start=1):
        agatston, volume, integral = _counted((labels == number) & (clean >= _THRESHOLD_HU), clean, spacing)
        drawn, drawn_integral = _designed(design, artery)
        found[artery] = ArteryCalcium(agatston, volume, k * integral, drawn, k * drawn_integral)
    sums = np.array([list(vars(item).values()) for item in found.values()]).sum(axis=0)
    others = sorted({d.owner for d in design.deposits} - {*ARTERIES, "stent"})
    return ScanCalcium(
        arteries=found,
        total=ArteryCalcium(*map(float, sums)),
        calibration_mg_per_hu_mm3=k,
        slice_mm=float(spacing[0]),
        kvp=120,
        elsewhere_mm3={name: _volume(design.deposits, name) for name in others},
        stent=any(d.owner == "stent" for d in design.deposits),
    )


def _volume(deposits: tuple[Deposit, ...], owner: str) -> float:
    return sum(d.volume_mm3 for d in deposits if d.owner == owner)


def calcium_scan(options: PhantomOptions, seed: int, *, noise_hu: float = 20.0) -> CalciumScan:
    """The non-contrast series of a phantom's study: 3 mm slices without gap, 120 kV, and the truth of its calcium.

    Parameters
    ----------
    options, seed
        As given to :func:`recanal.phantoms.make_phantom`; the anatomy is the same. ``calcium_elsewhere`` puts calcium
        into the open arteries, and into aorta and valves, where it must not be counted.
    noise_hu
        Standard deviation of the noise.
    """
    full = resolve_options(options, seed)
    thick = replace(full, slice_mm=3.0, thickness_mm=3.0, noise_hu=noise_hu, psf_sigma_mm=0.5, kvp=120)
    design = unenhanced(make_design(thick, seed=seed), int(full.kvp or 120))
    clean, shares = _shares(design)
    hu = add_noise(clean, float(design.grid.spacing_mm[1]), design.options, stream(seed, 11))
    labels = _labels(shares, clean.shape)
    meta = describe(design.options, "Ca Score 3.0 B35f") | {"contrast": False, "kernel": "B35f"}
    clean.setflags(write=False)
    return CalciumScan(Volume(hu, design.grid.affine, meta), clean, labels, _truth(design, clean, labels))
