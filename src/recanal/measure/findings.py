"""From a measured lesion to the facts that scores and plans read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import ndtr

from recanal.core.case import Calcification, Interval, Lesion, ProximalCap
from recanal.core.findings import Fact, Findings

__all__ = ["lesion_findings"]

SEVERE_RATIO = 0.5


def lesion_findings(lesion: Lesion, *, occlusions: Sequence[Lesion] = ()) -> Findings:
    """All facts that CT gives about one occlusion; an open vessel gives none.

    Parameters
    ----------
    lesion
        The measured occlusion.
    occlusions
        All occlusions of the same vessel, to tell whether there are several.
    """
    if lesion.kind != "occlusion":
        return Findings({})
    plain: dict[str, bool | float | str | None] = {
        "vessel": lesion.vessel,
        "multiple_occlusions": len(occlusions) > 1,
        "ostial": lesion.ostial,
        "in_stent": lesion.in_stent,
    }
    numbers = {"length_mm": lesion.length_mm, "bend_max_deg": lesion.bend_max_deg}
    if lesion.plaque is not None:
        numbers["plaque_volume_mm3"] = lesion.plaque.volume_mm3
    if lesion.distal_cap is not None:
        plain["distal_cap_bifurcation"] = lesion.distal_cap.bifurcation
    if lesion.distal_vessel is not None:
        plain["distal_vessel_diseased"] = lesion.distal_vessel.diseased
    if lesion.reference is not None:
        plain["distal_diameter_mm"] = lesion.reference.distal_diameter_mm
    facts = {name: Fact(value, "ct") for name, value in plain.items() if value is not None}
    facts |= {name: Fact(n.value, "ct", n.low, n.high) for name, n in numbers.items() if n is not None}
    if lesion.proximal_cap is not None:
        facts |= _cap_facts(lesion.proximal_cap)
    if lesion.calcification is not None:
        facts |= _calcium_facts(lesion.calcification)
    return Findings(facts)


def _cap_facts(cap: ProximalCap) -> dict[str, Fact]:
    facts = {}
    if cap.shape is not None:
        prob = None
        if cap.blunt_prob is not None and cap.shape in ("blunt", "tapered"):
            stated = cap.blunt_prob if cap.shape == "blunt" else 1.0 - cap.blunt_prob
            prob = min(0.999, max(0.001, stated))
        facts["proximal_cap_shape"] = Fact(cap.shape, "ct", prob=prob)
        facts["proximal_cap_ambiguous"] = Fact(cap.shape == "ambiguous", "ct")
    if cap.side_branch is not None:
        facts["proximal_side_branch"] = Fact(cap.side_branch, "ct")
    if cap.attenuation_hu is not None:
        facts["proximal_cap_attenuation_hu"] = Fact(cap.attenuation_hu, "ct")
    return facts


def _calcium_facts(found: Calcification) -> dict[str, Fact]:
    ratio, arc = found.cross_section_max_ratio, found.arc_max_deg
    return {
        "calcification_any": Fact(found.any, "ct"),
        "calcification_severe": Fact(found.severe, "ct", prob=_prob_at_least(ratio)),
        "calcium_cross_section_max_ratio": Fact(ratio.value, "ct", ratio.low, ratio.high),
        "calcification_whole_lumen": Fact(found.whole_lumen, "ct"),
        "calcium_arc_max_deg": Fact(arc.value, "ct", arc.low, arc.high),
    }


def _prob_at_least(ratio: Interval) -> float:
    """Probability that the calcified ratio reaches one half."""
    sd = max((ratio.high - ratio.low) / 3.92, 1e-6)
    prob = float(ndtr((ratio.value - SEVERE_RATIO) / sd))
    return min(0.999, max(0.001, prob)) if math.isfinite(prob) else 0.5
