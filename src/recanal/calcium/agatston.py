"""The Agatston score, volume and mass of labelled calcium: exact, given the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.calcium.stack import SliceStack
from recanal.core.calcium import ARTERIES, CalciumAmount, CalciumLesion, CalciumSpot

__all__ = ["LEAST_AREA_MM2", "SLICE_MM", "THRESHOLD_HU", "amount_of", "lesions_of", "weight_of"]

THRESHOLD_HU = 130.0
LEAST_AREA_MM2 = 1.0
SLICE_MM = 3.0
_WEIGHTS_FROM_HU = (200.0, 300.0, 400.0)
_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class _Found:
    """A spot and the voxels it holds."""

    spot: CalciumSpot
    artery: int
    index: NDArray[np.intp]
    total_hu: float


def weight_of(peak_hu: float) -> int:
    """1 from 130 HU, 2 from 200, 3 from 300, 4 from 400 (Agatston 1990).

    >>> [weight_of(hu) for hu in (130, 199.9, 200, 399, 400)]
    [1, 1, 2, 3, 4]
    """
    return 1 + sum(peak_hu >= edge for edge in _WEIGHTS_FROM_HU)


def _spots(stack: SliceStack, labels: NDArray[np.uint8], k: int) -> list[_Found]:
    """The spots of one slice, artery by artery."""
    found = []
    hu, step_mm = stack.hu[k], stack.step_mm
    for artery in np.unique(labels[k]).tolist():
        if artery == 0:
            continue
        groups, count = ndimage.label((labels[k] == artery) & (hu >= THRESHOLD_HU), structure=_EIGHT)
        for n, box in enumerate(ndimage.find_objects(groups, count), start=1):
            rows, columns = np.nonzero(groups[box] == n)
            rows, columns = rows + box[0].start, columns + box[1].start
            area = len(rows) * stack.pixel_mm2
            if area < LEAST_AREA_MM2:
                continue
            values = hu[rows, columns].astype(np.float64)
            index = np.stack([np.full(len(rows), k), rows, columns], axis=1)
            weight = weight_of(float(values.max()))
            spot = CalciumSpot(
                slice_index=k,
                z_mm=float(stack.affine.to_mm(index.mean(axis=0))[0, 2]),
                area_mm2=area,
                peak_hu=float(values.max()),
                mean_hu=float(values.mean()),
                weight=weight,
                agatston=area * weight * step_mm / SLICE_MM,
            )
            found.append(_Found(spot, int(artery), index, float(values.sum())))
    return found


def _joined(found: Sequence[_Found], shape: tuple[int, ...]) -> list[list[_Found]]:
    """Spots of the same artery that touch from slice to slice, 26-connected."""
    joined = []
    for artery in sorted({item.artery for item in found}):
        own = [item for item in found if item.artery == artery]
        mask = np.zeros(shape, dtype=np.bool_)
        for item in own:
            mask[tuple(item.index.T)] = True
        groups, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
        members: dict[int, list[_Found]] = {}
        for item in own:
            members.setdefault(int(groups[tuple(item.index[0])]), []).append(item)
        joined += list(members.values())
    return joined


def lesions_of(
    stack: SliceStack,
    labels: NDArray[np.uint8],
    *,
    calibration_mg_per_hu_mm3: float | None = None,
    confidence: NDArray[np.float32] | None = None,
) -> tuple[CalciumLesion, ...]:
    """Every lesion inside the labels, artery by artery, largest Agatston score first.

    Parameters
    ----------
    stack
        The non-contrast series.
    labels
        Of the shape of the stack: 1 LM, 2 LAD, 3 LCX, 4 RCA, 0 elsewhere. What lies outside counts nothing, whatever
        its attenuation; two labels that touch are two lesions.
    calibration_mg_per_hu_mm3
        Mass is this factor times mean HU times volume.
    confidence
        Of the shape of the stack: how sure the label is.

    Notes
    -----
    A spot is an 8-connected group of voxels of one label in one slice, each of at least 130 HU, together at least
    1 mm2. Its score is area times weight (Agatston 1990, doi:10.1016/0735-1097(90)90282-T) times the distance between
    slices over 3 mm. Volume counts the voxels of all spots; mass follows McCollough 2007,
    doi:10.1148/radiol.2432050808.
    """
    found = [item for k in range(len(stack.hu)) for item in _spots(stack, labels, k)]
    made = []
    for group in _joined(found, stack.hu.shape):
        index = np.concatenate([item.index for item in group])
        total_hu = sum(item.total_hu for item in group)
        centre = stack.affine.to_mm(index.mean(axis=0))[0]
        sure = None if confidence is None else float(confidence[tuple(index.T)].mean())
        k = calibration_mg_per_hu_mm3
        made.append(
            CalciumLesion(
                id="",
                artery=ARTERIES[group[0].artery - 1],
                agatston=sum(item.spot.agatston for item in group),
                volume_mm3=len(index) * stack.voxel_mm3,
                mass_mg=None if k is None else k * total_hu * stack.voxel_mm3,
                peak_hu=max(item.spot.peak_hu for item in group),
                mean_hu=total_hu / len(index),
                centre_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
                spots=tuple(item.spot for item in group),
                confidence=sure,
            )
        )
    return _numbered(made)


def _numbered(lesions: list[CalciumLesion]) -> tuple[CalciumLesion, ...]:
    ordered = sorted(lesions, key=lambda item: (ARTERIES.index(item.artery), -item.agatston, item.centre_mm))
    return tuple(replace(item, id=f"C{n}") for n, item in enumerate(ordered, start=1))


def amount_of(lesions: Sequence[CalciumLesion], *, calibrated: bool) -> CalciumAmount:
    """The sum over lesions; no lesion is a score of 0, and a mass only where there is a calibration."""
    mass = sum(item.mass_mg or 0.0 for item in lesions)
    return CalciumAmount(
        agatston=float(sum(item.agatston for item in lesions)),
        volume_mm3=float(sum(item.volume_mm3 for item in lesions)),
        mass_mg=float(mass) if calibrated else None,
        lesion_count=len(lesions),
    )
