"""The same study stored in another way: the result must not depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.case import Lesion
from recanal.core.curves import Centerline
from recanal.core.volume import Affine, Volume
from recanal.errors import RecanalError
from recanal.phantoms import Phantom
from recanal.pipeline import measure_seeded

__all__ = ["FACTS", "Stored", "remeasured", "stored_otherwise"]

CROP_MM = 15.0
TURN_DEG = 25.0
STRETCH = (1.25, 0.8, 0.8)
FACTS = ("kind", "count", "shape", "branch", "severe", "whole", "any")


@dataclass(frozen=True, eq=False)
class Stored:
    """One way to store a study.

    Parameters
    ----------
    name
        What was done.
    volume
        The study.
    turn
        (3, 3) rotation of the patient that went with it; seeds turn too.
    """

    name: str
    volume: Volume
    turn: NDArray[np.float64]


def stored_otherwise(phantom: Phantom) -> Iterator[Stored]:
    """The study as it is, flipped, rotated, permuted, cropped, resampled, and with the patient turned."""
    volume, still = phantom.volume, np.eye(3)
    yield Stored("as it is", volume, still)
    for axis, name in enumerate(("slices", "rows", "columns")):
        yield Stored(f"{name} flipped", _flipped(volume, axis), still)
    yield Stored("array rotated by 90 degrees", _flipped(_permuted(volume, (0, 2, 1)), 1), still)
    yield Stored("axes permuted", _permuted(volume, (2, 0, 1)), still)
    yield Stored("cropped to 15 mm around the vessel", _cropped(phantom), still)
    yield Stored("resampled to voxels 0.8 x 0.8 x 1.25 times as large", _resampled(volume), still)
    turn = _turn(TURN_DEG)
    yield Stored("patient turned by 25 degrees", _turned(volume, turn), turn)


def remeasured(phantom: Phantom) -> list[dict[str, Any]]:
    """One row per way of storing: what was found, and how far length and caps moved from the first way."""
    rows: list[dict[str, Any]] = []
    for stored in stored_otherwise(phantom):
        row = {"stored": stored.name} | _found(phantom, stored)
        first = rows[0] if rows else row
        both = "length_mm" in row and "length_mm" in first
        row["length_change_mm"] = row["length_mm"] - first["length_mm"] if both else None
        row["same_findings"] = all(row.get(name) == first.get(name) for name in (*FACTS, "error"))
        row["changed"] = [name for name in (*FACTS, "error") if row.get(name) != first.get(name)]
        rows.append(row)
    return rows


def _found(phantom: Phantom, stored: Stored) -> dict[str, Any]:
    truth = phantom.truth
    seeds = [stored.turn @ np.asarray(seed) for seed in (truth.proximal_seed_mm, truth.distal_seed_mm)]
    try:
        result = measure_seeded(stored.volume, seeds[0], seeds[1], name=truth.vessel)
    except RecanalError as error:
        return {"error": error.message}
    except Exception as crash:  # noqa: BLE001 - counted and listed as a change, and hides no other way of storing
        return {"error": f"crash, {type(crash).__name__}: {crash}"}
    lesion = max(result.lesions, key=lambda found: found.length_mm.value if found.length_mm else 0.0)
    return _facts(lesion) | {"count": len(result.lesions)}


def _facts(lesion: Lesion) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": lesion.kind}
    if lesion.length_mm is not None:
        out["length_mm"] = lesion.length_mm.value
    if lesion.proximal_cap is not None:
        out |= {"shape": lesion.proximal_cap.shape, "branch": lesion.proximal_cap.side_branch}
    if lesion.calcification is not None:
        calcium = lesion.calcification
        out |= {"severe": calcium.severe, "whole": calcium.whole_lumen, "any": calcium.any}
    return out


def _flipped(volume: Volume, axis: int) -> Volume:
    matrix = volume.affine.matrix.copy()
    matrix[:3, 3] += matrix[:3, axis] * (volume.shape[axis] - 1)
    matrix[:3, axis] *= -1
    return Volume(np.ascontiguousarray(np.flip(volume.hu, axis)), Affine(matrix), volume.meta)


def _permuted(volume: Volume, order: tuple[int, int, int]) -> Volume:
    matrix = volume.affine.matrix.copy()
    matrix[:, :3] = volume.affine.matrix[:, order]
    return Volume(np.ascontiguousarray(volume.hu.transpose(order)), Affine(matrix), volume.meta)


def _cropped(phantom: Phantom) -> Volume:
    truth, volume = phantom.truth, phantom.volume
    axis = Centerline(truth.target.points_mm)
    ends = [axis.nearest(np.asarray(seed))[0] for seed in (truth.proximal_seed_mm, truth.distal_seed_mm)]
    points = axis.at(np.arange(ends[0], ends[1], 0.5))
    index = volume.affine.to_index(points)
    margin = CROP_MM / np.asarray(volume.spacing_mm)
    low = np.maximum(np.floor(index.min(axis=0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0) + margin) + 1, volume.shape).astype(int)
    matrix = volume.affine.matrix.copy()
    matrix[:3, 3] = volume.affine.to_mm(low)[0]
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return Volume(np.ascontiguousarray(volume.hu[box]), Affine(matrix), volume.meta)


def _resampled(volume: Volume) -> Volume:
    count = [int((n - 1) / step) + 1 for n, step in zip(volume.shape, STRETCH, strict=True)]
    hu = ndimage.affine_transform(
        volume.hu.astype(np.float32), np.asarray(STRETCH), output_shape=tuple(count), order=3, mode="nearest"
    )
    matrix = volume.affine.matrix.copy()
    matrix[:3, :3] *= STRETCH
    return Volume(np.clip(np.round(hu), -1024, 3071).astype(np.int16), Affine(matrix), volume.meta)


def _turn(angle_deg: float) -> NDArray[np.float64]:
    """A rotation about an axis oblique to every axis of the patient (Rodrigues)."""
    axis = np.array([0.48, 0.6, 0.64])
    axis /= np.linalg.norm(axis)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.deg2rad(angle_deg)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def _turned(volume: Volume, turn: NDArray[np.float64]) -> Volume:
    matrix = volume.affine.matrix.copy()
    matrix[:3] = turn @ matrix[:3]
    return Volume(volume.hu, Affine(matrix), volume.meta)
