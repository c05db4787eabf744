"""Several images at one place: phases told apart, copies dropped, anything else refused."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from recanal.dicom.slices import SliceHeader
from recanal.dicom.stacks import SAME_PLACE_MM, along_normal_mm

__all__ = ["PhaseGroup", "phase_percent", "split_phases"]

_PERCENT = re.compile(r"(?<![\d.])(\d{1,2}(?:\.\d)?|100)\s*%")
_BLEND = re.compile(r"(asir|adi?r|idose|safire|admire|ir|level|stenosis)[- _a-z]{0,4}$", re.I)
"""Words before a percentage that is no phase, such as the blending of an iterative reconstruction."""
_MIN_SHARE = 0.8


@dataclass(frozen=True, eq=False)
class PhaseGroup:
    """Slices of one phase, each at its own place.

    Parameters
    ----------
    key
        The element that told the phases apart; empty where there is one phase.
    value
        Its value.
    """

    slices: tuple[SliceHeader, ...]
    key: str = ""
    value: str = ""


def _percent_text(header: SliceHeader) -> float | None:
    for name in ("ImageComments", "SeriesDescription"):
        text = header.values.text(name)
        for match in _PERCENT.finditer(text):
            if not _BLEND.search(text[: match.start()]):
                return float(match[1])
    return None


def _number(name: str) -> Callable[[SliceHeader], Hashable]:
    def read(header: SliceHeader) -> Hashable:
        return header.phase_keys.get(name, header.values.number(name))

    return read


def _nominal(header: SliceHeader) -> float | None:
    return header.phase_keys.get(
        "NominalPercentageOfCardiacPhase", header.values.binary_float("NominalPercentageOfCardiacPhase")
    )


def _temporal_index(header: SliceHeader) -> Hashable:
    raw = header.values.bare("TemporalPositionIndex")
    return header.phase_keys.get("TemporalPositionIndex", raw or None)


_KEYS: tuple[tuple[str, Callable[[SliceHeader], Hashable]], ...] = (
    ("NominalPercentageOfCardiacPhase", _nominal),
    ("percent in the text", _percent_text),
    ("TriggerTime", _number("TriggerTime")),
    ("TemporalPositionIndex", _temporal_index),
    ("TemporalPositionIdentifier", _number("TemporalPositionIdentifier")),
    ("AcquisitionNumber", _number("AcquisitionNumber")),
    ("ImageComments", lambda header: header.values.text("ImageComments") or None),
    ("ConvolutionKernel", lambda header: header.values.text("ConvolutionKernel") or None),
)


def phase_percent(header: SliceHeader) -> float | None:
    """The cardiac phase in percent of the RR interval, from its element, the text, or the trigger time."""
    nominal = _nominal(header)
    if nominal is None:
        nominal = _percent_text(header)
    if nominal is None:
        trigger, interval = header.values.number("TriggerTime"), header.values.number("NominalInterval")
        if trigger is not None and interval is not None and 300 <= interval <= 3000:
            nominal = 100.0 * trigger / interval
    return nominal if nominal is not None and 0 <= nominal <= 100 else None


def split_phases(slices: Sequence[SliceHeader]) -> tuple[PhaseGroup, ...] | None:
    """The phases of a series, or None where several images share a place and nothing tells them apart.

    Candidate keys are tried in order until one gives groups in which every slice has its own place
    and which cover the same places (at least 80 % of the fullest one). Nothing is averaged or interleaved.
    """
    heights = along_normal_mm(slices)
    if _all_apart(heights):
        return (PhaseGroup(tuple(slices)),)
    for name, read in _KEYS:
        members: dict[Hashable, list[int]] = defaultdict(list)
        for index, header in enumerate(slices):
            members[read(header)].append(index)
        if len(members) < 2 or None in members:
            continue
        groups = list(members.values())
        largest = max(map(len, groups))
        if min(map(len, groups)) >= _MIN_SHARE * largest and all(_all_apart(heights[g]) for g in groups):
            return tuple(
                PhaseGroup(tuple(slices[i] for i in indices), name, str(value)) for value, indices in members.items()
            )
    return None


def _all_apart(heights: np.ndarray) -> bool:
    return len(heights) < 2 or bool(np.diff(np.sort(heights)).min() > SAME_PLACE_MM)
