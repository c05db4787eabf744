"""Which series is best for coronary CTO analysis, and why: a declared scoring.

Every candidate volume gets points by the rules below, which follow the acquisition and reconstruction
advice of the SCCT guideline for coronary CT angiography (10.1016/j.jcct.2016.10.002: thinnest slices,
medium-smooth vascular kernel, best diastolic or systolic phase). The points order candidates; they
measure nothing. Each point given is a reason that a reader sees.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.core.case import RejectedSeries
from recanal.dicom.pixels import read_slice
from recanal.dicom.series import Candidate
from recanal.errors import ReadError

__all__ = ["Judged", "blood_pool_share", "judge", "kernel_class", "label", "looks_contrasted", "pick"]

_NO_CONTRAST = re.compile(
    r"\b(non[- ]?contrast|without contrast|w/?o|native|nativ|unenhanced|plain|ca ?sc(ore)?|calcium|scoring)\b", re.I
)
_CONTRAST = re.compile(r"(angio|\bcta\b|\bccta\b|cor(onary|cta)?\b|contrast|enhanced|arterial|\bc\+|bolus)", re.I)
_MADE = re.compile(r"\b(mip|minip|mpr|cpr|curved|vrt|vr|3d|average|subtract\w*|scout|topo\w*|report|dose)\b", re.I)
_BEST_PHASE = re.compile(r"best ?(diast|syst|phase)", re.I)
_SHARP_WORDS = re.compile(r"BONE.*|LUNG|EDGE|DETAIL|CHST|HD (DETAIL|EDGE|BONE|LUNG).*|Y[A-D]|[DEL]")
_MEDIUM_WORDS = re.compile(r"STANDARD|STND|SOFT|HD (STND|STANDARD|SOFT)|X?C[ABC]|[ABC]|PHANTOM")
_BLOOD_HU = (180.0, 700.0)
_POOL_SHARE = 0.015


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate with its points and the reasons for them.

    Parameters
    ----------
    reasons
        (points, words) of every rule.
    contrast
        Whether the picture or the header says that contrast was given; None where neither speaks.
    """

    candidate: Candidate
    reasons: tuple[tuple[float, str], ...]
    contrast: bool | None

    @property
    def points(self) -> float:
        """Their sum."""
        return sum(points for points, _ in self.reasons)


def kernel_class(kernel: str) -> str:
    """``"medium"``, ``"smooth"``, ``"sharp"`` or ``"unknown"`` for a vendor's kernel name.

    Siemens names carry a sharpness number (B26f, Bv40, I36f, Br64): below 25 smooth, 25 to 49 medium,
    50 and above sharp. Canon: FC01-FC29 body, FC30 and above bone or lung, except FC43-FC44 (cardiac).
    GE uses words, Philips letters (A, B, C; D, E and L are sharp).

    >>> kernel_class("Bv40d"), kernel_class("B70f"), kernel_class("FC05"), kernel_class("LUNG")
    ('medium', 'sharp', 'medium', 'sharp')
    """
    name = kernel.strip().upper()
    canon = re.match(r"FC(\d{2})", name)
    if canon:
        number = int(canon[1])
        return "medium" if number < 30 or number in (43, 44) else "sharp"
    siemens = re.match(r"[A-Z]{1,2}(\d{2})", name)
    if siemens:
        number = int(siemens[1])
        return "smooth" if number < 25 else "medium" if number < 50 else "sharp"
    if _SHARP_WORDS.fullmatch(name):
        return "sharp"
    return "medium" if _MEDIUM_WORDS.fullmatch(name) else "unknown"


def blood_pool_share(hu: NDArray[np.int16]) -> float:
    """The share of the body in a slice that is evenly bright, as opacified blood is and bone is not.

    Even: the standard deviation in 5 x 5 pixels is under 80 HU around a mean of 180 to 700 HU.
    """
    from scipy import ndimage  # a quarter of a second for those who read no pictures

    picture = hu.astype(np.float32)
    mean = ndimage.uniform_filter(picture, 5)
    variance = ndimage.uniform_filter(picture * picture, 5) - mean * mean
    even = (mean > _BLOOD_HU[0]) & (mean < _BLOOD_HU[1]) & (variance < 80.0**2)
    return float(even.sum() / max(1, (mean > -300).sum()))


def looks_contrasted(candidate: Candidate) -> bool | None:
    """Whether three central slices show a bright blood pool; None where they cannot be decoded."""
    slices = candidate.stack.slices
    shares = []
    for where in (0.35, 0.5, 0.65):
        header = slices[int(where * (len(slices) - 1))]
        out = np.empty((header.layout.rows, header.layout.columns), dtype=np.int16)
        try:
            read_slice(header, out)
        except ReadError:
            return None
        shares.append(blood_pool_share(np.ascontiguousarray(out[::2, ::2])))
    return max(shares) > _POOL_SHARE


def judge(candidate: Candidate, *, look: bool) -> Judged:
    """Points and reasons of one candidate; ``look`` decodes three slices to see the contrast.

    Without ``look`` the slices are decoded only where the header does not speak.
    """
    contrast, contrast_reason = _contrast(candidate, look)
    if contrast is None and not look:
        contrast, contrast_reason = _contrast(candidate, True)
    reasons = (
        contrast_reason,
        _thickness(candidate),
        _kernel(candidate),
        _phase(candidate),
        _origin(candidate),
        _coverage(candidate),
        _fidelity(candidate),
    )
    return Judged(candidate, reasons, contrast)


def _words(candidate: Candidate) -> str:
    values = candidate.head.values
    return f"{values.text('SeriesDescription')} {values.text('ProtocolName')}"


def _contrast(candidate: Candidate, look: bool) -> tuple[bool | None, tuple[float, str]]:
    description = candidate.head.values.text("SeriesDescription")
    if look:
        seen = looks_contrasted(candidate)
        if seen:
            return True, (40.0, "bright blood in the picture")
        if seen is False and not candidate.head.values.text("ContrastBolusAgent"):
            return False, (0.0, "no contrast in the header or the picture")
    if _NO_CONTRAST.search(description):
        return False, (0.0, "described as a series without contrast")
    if candidate.head.values.text("ContrastBolusAgent"):
        return True, (30.0, "contrast agent in the header")
    if _CONTRAST.search(_words(candidate)):
        return True, (25.0, "described as an angiogram")
    return None, (5.0, "contrast not stated")


def _thickness(candidate: Candidate) -> tuple[float, str]:
    thickness = candidate.head.values.number("SliceThickness") or candidate.stack.step_mm
    thickness = max(thickness, candidate.stack.step_mm)
    points = next((p for limit, p in ((0.8, 22.0), (1.05, 18.0), (1.55, 8.0), (3.05, 2.0)) if thickness <= limit), 0.0)
    return points, f"slices of {thickness:.3g} mm"


def _kernel(candidate: Candidate) -> tuple[float, str]:
    name = candidate.head.values.text("ConvolutionKernel")
    kind = kernel_class(name.split("\\")[0])
    points = {"medium": 12.0, "smooth": 8.0, "unknown": 6.0, "sharp": 0.0}[kind]
    return points, f"{kind} kernel {name}".strip() if name else "kernel not stated"


def _phase(candidate: Candidate) -> tuple[float, str]:
    percent = candidate.phase_percent
    if _BEST_PHASE.search(_words(candidate)):
        return 10.0, "reconstructed at the best phase"
    if percent is None:
        return 5.0, "phase not stated"
    if 65 <= percent <= 80:
        return 10.0 - abs(percent - 75) / 20, f"phase {percent:g} % (diastole)"
    if 35 <= percent <= 45:
        return 7.0 - abs(percent - 40) / 20, f"phase {percent:g} % (end systole)"
    return 2.0, f"phase {percent:g} %, where the heart moves"


def _origin(candidate: Candidate) -> tuple[float, str]:
    kinds = candidate.head.values.words("ImageType")
    if _MADE.search(candidate.head.values.text("SeriesDescription")) or {"MPR", "MIP", "PROJECTION IMAGE"} & set(kinds):
        return -30.0, "a reformation or projection"
    if kinds[:2] == ("ORIGINAL", "PRIMARY"):
        return 20.0, "original images"
    if kinds == ("",):
        return 10.0, "image type not stated"
    return (4.0, "derived images") if kinds[0] == "DERIVED" else (8.0, "secondary images")


def _coverage(candidate: Candidate) -> tuple[float, str]:
    covered = candidate.stack.step_mm * (candidate.stack.depth - 1)
    bonus = min(candidate.stack.depth, 400) / 400
    return 12.0 * min(covered / 100.0, 1.0) + bonus, f"{candidate.stack.depth} slices over {covered:.0f} mm"


def _fidelity(candidate: Candidate) -> tuple[float, str]:
    if "lossy-compression" in candidate.flags:
        return 0.0, "lossy compression"
    return (4.0, "complete") if not candidate.stack.missing else (2.0, "slices missing")


def pick(judged: Sequence[Judged]) -> tuple[Judged, list[RejectedSeries]]:
    """The best candidate, and for every other one in what it falls short."""
    ordered = sorted(judged, key=lambda j: (-j.points, -j.candidate.stack.depth, j.candidate.series.uid))
    best = ordered[0]
    return best, [
        RejectedSeries(
            series_uid=other.candidate.series.uid, why=_shortfall(best, other), description=label(other.candidate)
        )
        for other in ordered[1:]
    ]


def label(candidate: Candidate) -> str:
    """Description of a candidate, with its phase where the series holds several."""
    text = candidate.series.description
    if any(flag.startswith("phases-in-one-series") for flag in candidate.flags):
        text = f"{text} [{candidate.phase_key}]".strip()
    return text


def _shortfall(best: Judged, other: Judged) -> str:
    worse = [
        f"{theirs[1]} (chosen: {mine[1]})"
        for mine, theirs in zip(best.reasons, other.reasons, strict=True)
        if mine[0] - theirs[0] > 0.05 and mine[1] != theirs[1]
    ]
    score = f"{other.points:.1f} points against {best.points:.1f}"
    return f"{score}: {'; '.join(worse)}" if worse else f"{score}: equal, the first was taken"
