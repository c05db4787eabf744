"""What may fill the vessel beyond one occlusion: donor arteries, and the connections that CT shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.collaterals.candidates import Candidate, LeftHeart, candidate_of
from recanal.collaterals.donors import ArteryState, Donor, donors_of
from recanal.collaterals.tracks import find_tracks, tube_map
from recanal.core.volume import Volume

__all__ = ["MARK", "NONE_VISIBLE", "Bed", "DonorLine", "Supply", "supply_of"]

MARK = "seen on CT, not proof of flow"
NONE_VISIBLE = "none visible; CT at this resolution does not show septal collaterals below ~1 mm"
NOT_LOOKED = "not looked for: {why}"
LEAST_BED_MM = 8.0
STEP_MM = 0.5
FARTHEST_MM = 60.0
SAME_MM = 2.5
SAME_SHARE = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DonorLine:
    """An artery that may donate: name of the course, of its vessel, and its axis (n, 3)."""

    name: str
    vessel: str
    points_mm: Floats


@dataclass(frozen=True, eq=False)
class Bed:
    """Where a connection may begin and end.

    Parameters
    ----------
    vessel
        The occluded artery.
    points_mm
        (n, 3) axes of what is filled beyond the occlusion, every 0.5 mm.
    donors
        The arteries of other vessels.
    """

    vessel: str
    points_mm: Floats
    donors: tuple[DonorLine, ...]


@dataclass(frozen=True)
class Supply:
    """What may fill the vessel beyond one occlusion.

    Parameters
    ----------
    lesion
        Its id.
    donors
        Arteries that may donate by published pathways, with their state.
    connections
        Candidate connections that CT shows, the most tube-like first.
    remark
        What the list of connections means, also where it is empty.
    """

    lesion: str
    donors: tuple[Donor, ...]
    connections: tuple[Candidate, ...]
    remark: str


def supply_of(
    volume: Volume, lesion: str, bed: Bed, states: tuple[ArteryState, ...], *, heart: LeftHeart | None = None
) -> Supply:
    """The donors of one occlusion, and the candidate connections to the vessel beyond it.

    Parameters
    ----------
    volume
        The CT angiogram.
    lesion
        Id of the occlusion.
    bed
        The vessel beyond it, and the arteries of other vessels.
    states
        What was measured of the main arteries.
    heart
        Frame of the left ventricle, for the course of a connection; None where it was not found.

    Notes
    -----
    Nothing is claimed where nothing is visible. Connections beside the occlusion itself (bridging, from the same
    artery) are not looked for: wall and calcium of the occlusion look like them.
    """
    donors = donors_of(bed.vessel, states)
    if len(bed.points_mm) * STEP_MM < LEAST_BED_MM:
        why = "less than 8 mm of contrast-filled vessel is known beyond the occlusion"
        return Supply(lesion, donors, (), NOT_LOOKED.format(why=why))
    reach = cKDTree(bed.points_mm)
    lines = [line for line in bed.donors if len(line.points_mm)]
    near = [line.points_mm[reach.query(line.points_mm)[0] < FARTHEST_MM] for line in lines]
    if not any(len(points) for points in near):
        return Supply(lesion, donors, (), NONE_VISIBLE)
    tubes = tube_map(volume, bed.points_mm)
    tracks = find_tracks(tubes, bed.points_mm, np.concatenate(near))
    owner = cKDTree(np.concatenate(near))
    index = np.repeat(np.arange(len(lines)), [len(points) for points in near])
    found: list[Candidate] = []
    for track in tracks:
        line = lines[int(index[int(owner.query(track.points_mm[0])[1])])]
        ends = (np.concatenate(near), bed.points_mm)
        made = candidate_of(volume, track, (line.vessel, line.name), ends=ends, heart=heart)
        if made is not None and all(_is_apart(made, other) for other in found):
            found.append(made)
    return Supply(lesion, donors, tuple(found), MARK if found else NONE_VISIBLE)


def _is_apart(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates are two ways, and not one way found twice."""
    gap = cKDTree(np.asarray(other.points_mm)).query(np.asarray(one.points_mm))[0]
    return bool(np.mean(gap < SAME_MM) < SAME_SHARE)
