"""Whether a CT angiogram may be measured: four levels, each with its reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace

from recanal.core.case import Quality
from recanal.core.quality import LEVELS, QualityGrade
from recanal.core.volume import Volume
from recanal.grids.edge_blur import EdgeBlur, edge_blur
from recanal.quality.coverage import heart_cut, is_wide, metal_mm3, plain_depth_mm
from recanal.quality.steps import SlabSteps, slab_steps

__all__ = ["exclusion_flags", "grade", "graded", "graded_in_view"]

LEAST_METAL_MM3 = 2.0
LEAST_VESSEL_MM = 2.0
CHAMBER_MM = 9.0


@dataclass(frozen=True)
class _Part:
    """One measured part: its name, its value, and how to say it.

    ``limits`` are those of excellent, good and adequate; with ``rising`` more is better.
    """

    name: str
    value: float | None
    limits: tuple[float, float, float]
    words: str
    rising: bool = False

    @property
    def rank(self) -> int:
        """0 excellent to 3 not usable."""
        if self.value is None:
            return 0
        sign = -1.0 if self.rising else 1.0
        return sum(sign * self.value > sign * limit for limit in self.limits)


def _parts(quality: Quality, blur: EdgeBlur | None, step_mm: float, slice_mm: float) -> list[_Part]:
    smear = None if blur is None else blur.smear_mm
    sigma = None if blur is None else blur.blurred_sigma_mm
    return [
        _Part("contrast", quality.aorta_hu, (325.0, 250.0, 180.0), "{:.0f} HU in the blood", rising=True),
        _Part("noise", quality.noise_hu, (25.0, 35.0, 48.0), "noise of {:.0f} HU"),
        _Part(
            "contrast to noise", quality.contrast_to_noise, (15.0, 10.0, 6.5), "contrast to noise {:.1f}", rising=True
        ),
        _Part("blur", sigma, (0.7, 0.85, 1.0), "edges blurred over {:.2f} mm (sigma)"),
        _Part("motion", smear, (1.2, 1.8, 2.4), "smeared over {:.1f} mm in one direction"),
        _Part("slabs", step_mm, (0.5, 1.2, 2.75), "slabs displaced by {:.1f} mm"),
        _Part("slices", slice_mm, (0.8, 1.0, 1.5), "slices of {:.2f} mm"),
    ]


def grade(
    volume: Volume, quality: Quality, *, whole_heart: bool = False, steps: SlabSteps | None = None
) -> QualityGrade:
    """The grade of a picture.

    Parameters
    ----------
    volume
        A CT angiogram whose first axis runs from slice to slice.
    quality
        What :func:`recanal.quality.blood.assess` found.
    whole_heart
        Whether the whole heart must be in view: then a picture without a blood pool, or cut at its upper end, where
        the coronary arteries begin, is not usable.
    steps
        Where its slabs do not meet; looked for when None.

    Notes
    -----
    The levels are those readers use, excellent, good, adequate and not usable, on an ordinal scale as in CORE-64
    (Dewey 2010, doi:10.2214/AJR.09.2833); more than 250 HU in the vessels is asked for by the SCCT (Abbara 2016,
    doi:10.1016/j.jcct.2016.10.002). The other limits are recanal's own, set on phantoms.
    """
    blur = None if quality.aorta_hu is None else edge_blur(volume, blood_hu=quality.aorta_hu)
    step_mm = (steps or slab_steps(volume)).largest_mm
    slice_mm = max(float(volume.meta.get("slice_thickness_mm") or 0.0), *volume.spacing_mm)
    parts = _parts(quality, blur, step_mm, slice_mm)
    cut = () if quality.aorta_hu is None else heart_cut(volume, blood_hu=quality.aorta_hu)
    metal = metal_mm3(volume)
    ranks = {part.name: part.rank for part in parts if part.value is not None}
    told = [(part.rank, part.words.format(part.value)) for part in parts if part.value is not None and part.rank]
    if quality.aorta_hu is None and (whole_heart or plain_depth_mm(volume) > CHAMBER_MM):
        ranks["contrast"], told = 3, [*told, (3, "no contrast in the heart")]
    if whole_heart and cut:
        rank = 3 if "upper end" in cut else 2
        ranks["coverage"], told = rank, [*told, (rank, f"the heart is cut at: {', '.join(cut)}")]
    if metal >= LEAST_METAL_MM3:
        ranks["metal"], told = 2, [*told, (2, f"{metal:.0f} mm3 of metal in view")]
    worst = max(ranks.values(), default=0)
    return QualityGrade(
        level=LEVELS[worst],
        parts={name: LEVELS[rank] for name, rank in ranks.items()},
        reasons=tuple(f"{LEVELS[rank]}: {words}" for rank, words in sorted(told, key=lambda item: -item[0])),
        edge_sigma_mm=None if blur is None else blur.blurred_sigma_mm,
        smear_mm=None if blur is None else blur.smear_mm,
        step_mm=step_mm,
        slice_mm=slice_mm,
        metal_mm3=metal,
        cut=cut,
    )


def graded(volume: Volume, quality: Quality, *, whole_heart: bool = False, steps: SlabSteps | None = None) -> Quality:
    """The quality with its grade; ``usable`` only where it was before and the grade allows it.

    The numbers are left as they are; reasons of the two lower levels are added to the flags.
    """
    found = grade(volume, quality, whole_heart=whole_heart, steps=steps)
    low = tuple(reason for reason in found.reasons if reason.startswith(LEVELS[2:]))
    usable = quality.usable and found.level != LEVELS[3]
    failed = tuple(reason for reason in low if reason.startswith(LEVELS[3]))
    return replace(
        quality, usable=usable, flags=(*quality.flags, *low), grade=found, reasons=(*quality.reasons, *failed)
    )


def graded_in_view(volume: Volume, quality: Quality) -> Quality:
    """The graded quality of a picture that need not show the whole heart; as it was for a box cut around a vessel."""
    return graded(volume, quality) if is_wide(volume) else quality


def exclusion_flags(
    quality: Quality, *, reference_diameter_mm: float | None = None, in_stent: bool | None = None
) -> tuple[str, ...]:
    """The exclusions of Xing 2022 that hold of a lesion: in-stent, vessel below 2.0 mm, poor picture.

    Parameters
    ----------
    reference_diameter_mm
        The smaller of the references next to the caps.
    in_stent
        None where it is not known.

    Notes
    -----
    Xing 2022, doi:10.21037/qims-21-1050, section on study population: occlusions with a diameter below 2.00 mm, in a
    stent, or on pictures of poor quality were left out.

    Examples
    --------
    >>> exclusion_flags(Quality(), reference_diameter_mm=1.8, in_stent=True)
    ('excluded in Xing 2022: occlusion in a stent', 'excluded in Xing 2022: vessel of 1.8 mm, below 2.0 mm')
    """
    found = []
    if in_stent:
        found.append("occlusion in a stent")
    if reference_diameter_mm is not None and reference_diameter_mm < LEAST_VESSEL_MM:
        found.append(f"vessel of {reference_diameter_mm:.1f} mm, below {LEAST_VESSEL_MM:.1f} mm")
    if not quality.usable:
        found.append("poor picture")
    return tuple(f"excluded in Xing 2022: {words}" for words in found)
