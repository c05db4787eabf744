"""The vessel at both ends of an occlusion: what a wire and a stent would land in."""

from __future__ import annotations

from recanal.core.case import CaseReport
from recanal.report.blocks import Section, bullets, text
from recanal.report.display import NOT_MEASURABLE, Display
from recanal.report.finding_words import source_text
from recanal.report.model_findings import spoken_of
from recanal.report.sources import Sources

__all__ = ["landing_section"]


def landing_section(case: CaseReport, say: Display, sources: Sources) -> Section | None:
    """One line for each occlusion: diameters, and whether the vessel beyond is seen; None without an occlusion.

    Parameters
    ----------
    case
        The result.
    say
        Words for its numbers.
    sources
        Not used.
    """
    del sources
    rows = [(lesion.id, _words(case, index, say)) for index, lesion in enumerate(case.lesions) if lesion.kind != "none"]
    if not rows:
        return None
    one = len(case.lesions) == 1
    return Section(
        "plan", "Landing zone", (text(rows[0][1]) if one else bullets([f"{name}: {w}" for name, w in rows]),)
    )


def _words(case: CaseReport, index: int, say: Display) -> str:
    at = f"lesions.{index}"
    ends = [say.number(f"{at}.reference.{side}_diameter_mm", unit="mm") for side in ("proximal", "distal")]
    beyond = {True: "opacified", False: "not opacified"}.get(say.at(f"{at}.distal_vessel.opacified"), NOT_MEASURABLE)
    parts = [f"Reference diameter {ends[0]} proximal, {ends[1]} distal", f"vessel beyond {beyond}"]
    if say.at(f"{at}.distal_vessel.diameter_mean_mm") is not None:
        parts.append(f"mean {say.number(f'{at}.distal_vessel.diameter_mean_mm', unit='mm')}")
    parts.append(f"diseased: {say.truth(f'{at}.distal_vessel.diseased')}")
    parts.append(f"bifurcation at its cap: {say.truth(f'{at}.distal_cap.bifurcation')}")
    branch = case.findings.facts.get("landing_zone_large_branch")
    if branch is not None and spoken_of(case) == case.lesions[index].id:
        truth = say.truth("findings.landing_zone_large_branch.value")
        parts.append(f"larger branch where a wire would re-enter: {truth} ({source_text(branch)})")
    return "; ".join(parts) + "."
