"""One occlusion, measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.core.case import (
    COMPONENTS,
    Calcification,
    DistalCap,
    DistalVessel,
    Lesion,
    Plaque,
    PlaqueComponent,
    Point,
    Profile,
    ProximalCap,
    Reference,
)
from recanal.imaging.bridge import LOW_CONFIDENCE, Bridge
from recanal.imaging.caps import Gap
from recanal.imaging.vessel import Vessel
from recanal.measure.bend import bend_max, chord_mm
from recanal.measure.branch_calibre import with_calibre
from recanal.measure.branches import Branch, branch_near
from recanal.measure.calcium import CalciumMeasure, calcium
from recanal.measure.cap_shape import OpenEnd, Taper, taper
from recanal.measure.intervals import Conditions, interval
from recanal.measure.plaque import Scheme, composition, scheme
from recanal.measure.references import diseased_beyond, reference_diameter_mm
from recanal.measure.tissue import Tissue, tissue_between

__all__ = ["measure_lesions", "open_vessel"]

SMALL_VESSEL_MM = 2.0
WEAK_LUMEN_HU = 170.0
WEAK_CONTRAST_HU = 80.0
CAP_ZONE_MM = 5.0
BLUR_MM = 1.0
SIMILAR_CALIBRE = 0.7


@dataclass(frozen=True, eq=False)
class _Site:
    """One gap of a vessel with what belongs to it."""

    vessel: Vessel
    gap: Gap
    bridge: Bridge
    tissue: Tissue
    conditions: Conditions

    @property
    def arc_mm(self) -> NDArray[np.float64]:
        return self.vessel.line.arc_mm

    @property
    def lumen_area_mm2(self) -> NDArray[np.float64]:
        return self.vessel.borders.contours.lumen_area_mm2


def measure_lesions(vessel: Vessel, *, name: str | None = None, bins: Scheme | None = None) -> tuple[Lesion, ...]:
    """Every occlusion of a traced vessel, proximal first.

    Parameters
    ----------
    vessel
        From :func:`recanal.imaging.vessel.trace_vessel`.
    name
        ``"RCA"``, ``"LM"``, ``"LAD"``, ``"LCX"`` or None.
    bins
        Plaque components; the ``fixed`` scheme when None.
    """
    chosen = bins or scheme("fixed")
    return tuple(
        _lesion(_site(vessel, gap, bridge), name=name, bins=chosen, number=k + 1)
        for k, (gap, bridge) in enumerate(zip(vessel.gaps, vessel.bridges, strict=True))
    )


def open_vessel(vessel: Vessel, *, name: str | None = None) -> Lesion:
    """The result for a vessel that is open between the seeds: where its lumen is narrowest."""
    arc, area = vessel.line.arc_mm, vessel.borders.contours.lumen_area_mm2
    between = np.flatnonzero((arc >= vessel.seed_mm[0]) & (arc <= vessel.seed_mm[1]))
    narrow = int(between[np.argmin(area[between])])
    flags = (
        "no occlusion found between the two points: length, caps, plaque and references are not given,"
        " for they belong to an occlusion",
        "if an occlusion is known: does one of the points lie in a side branch?",
    )
    return Lesion(
        id="L1",
        kind="none",
        vessel=name,
        narrowest_diameter_mm=float(2 * np.sqrt(area[narrow] / np.pi)),
        narrowest_mm=_point(vessel.line.points_mm[narrow]),
        profile=_profile(vessel, 0.0, None, scheme("fixed"), np.zeros(len(vessel.line.arc_mm))),
        flags=flags,
    )


def _site(vessel: Vessel, gap: Gap, bridge: Bridge) -> _Site:
    tissue = tissue_between(
        vessel.block, vessel.sections, vessel.borders.contours, start_mm=gap.start_mm, end_mm=gap.end_mm
    )
    level = vessel.lumen.level_hu
    contrast = min(float(level[0]) - gap.plaque_start_hu, float(level[-1]) - gap.plaque_end_hu)
    ratio = vessel.lumen.noise_hu / max(contrast, 20.0)
    return _Site(vessel, gap, bridge, tissue, Conditions(ratio, bridge.confidence, vessel.lumen.noise_hu))


def _point(xyz: NDArray[np.float64]) -> Point:
    return float(xyz[0]), float(xyz[1]), float(xyz[2])


def _lesion(site: _Site, *, name: str | None, bins: Scheme, number: int) -> Lesion:
    gap, line, conditions = site.gap, site.vessel.line, site.conditions
    caps = line.at([gap.start_mm, gap.end_mm])
    branch, beyond = _branches(site)
    proximal_taper, distal_taper = _tapers(site, branch, beyond)
    bend = bend_max(line, start_mm=gap.start_mm, end_mm=gap.end_mm)
    reference = _reference(site, proximal_taper, distal_taper)
    dense = calcium(
        site.tissue,
        threshold_hu=bins.edges_hu[3],
        lumen_hu=_lumen_at_caps(site),
        taper_mm=(_funnel_mm(proximal_taper), _funnel_mm(distal_taper)),
    )
    seen = site.vessel.borders.contours.wall_seen[(site.arc_mm >= gap.start_mm) & (site.arc_mm <= gap.end_mm)]
    return Lesion(
        id=f"L{number}",
        kind="occlusion",
        vessel=name,
        proximal_cap_mm=_point(caps[0]),
        distal_cap_mm=_point(caps[1]),
        length_mm=interval("length_mm", gap.end_mm - gap.start_mm, conditions),
        chord_mm=chord_mm(line, start_mm=gap.start_mm, end_mm=gap.end_mm),
        proximal_cap=_proximal_cap(site, proximal_taper, branch, reference),
        distal_cap=DistalCap(_shape(distal_taper), beyond is not None),
        bend_max_deg=None
        if bend is None
        else interval("bend_max_deg", bend[0], conditions, at_mm=bend[1] - gap.start_mm),
        reference=reference,
        calcification=_calcification(site, dense),
        plaque=_plaque(site, bins),
        distal_vessel=_distal(site, reference, distal_taper),
        profile=_profile(
            site.vessel, gap.start_mm, site, bins, np.interp(site.arc_mm, site.tissue.position_mm, dense.arc_deg)
        ),
        bridge_confidence=site.bridge.confidence,
        bridge_alternatives=_alternatives(site.bridge),
        wall_bridged_percent=float(100.0 * (1.0 - seen.mean())),
        flags=_flags(site, reference, proximal_taper, distal_taper),
    )


def _tapers(site: _Site, branch: Branch | None, beyond: Branch | None) -> tuple[Taper | None, Taper | None]:
    borders, gap = site.vessel.borders, site.gap
    size = np.sqrt(site.lumen_area_mm2 / np.pi)
    before, after = site.arc_mm < gap.start_mm - 4.0, site.arc_mm > gap.end_mm + 4.0
    out = []
    for away, cap, side, beside in ((-1, gap.start_mm, before, branch), (1, gap.end_mm, after, beyond)):
        near = side & (size > 0) & (np.abs(site.arc_mm - cap) < 12.0)
        radius = float(np.median(size[near])) if near.any() else 1.3
        out.append(
            taper(
                site.vessel.sections,
                site.vessel.lumen,
                end=OpenEnd(cap, away, radius, None if beside is None else beside.angle_rad),
                sigma_mm=borders.sigma_mm,
                wall_mm=borders.contours.wall_radius_mm.mean(axis=1),
            )
        )
    return out[0], out[1]


def _branches(site: _Site) -> tuple[Branch | None, Branch | None]:
    vessel, gap = site.vessel, site.gap
    out = []
    for cap, away in ((gap.start_mm, -1), (gap.end_mm, 1)):
        found = branch_near(vessel.sections, vessel.borders.contours, vessel.lumen, cap_mm=cap, away=away)
        out.append(None if found is None else with_calibre(vessel, found))
    return out[0], out[1]


def _reference(site: _Site, proximal: Taper | None, distal: Taper | None) -> Reference:
    def diameter(cap_mm: float, away: int, funnel: Taper | None) -> float | None:
        skip = BLUR_MM + _funnel_mm(funnel)
        return reference_diameter_mm(site.arc_mm, site.lumen_area_mm2, cap_mm=cap_mm, away=away, skip_mm=skip)

    return Reference(diameter(site.gap.start_mm, -1, proximal), diameter(site.gap.end_mm, 1, distal))


def _shape(funnel: Taper | None, branch: Branch | None = None, calibre_mm: float | None = None) -> str | None:
    if funnel is None:
        return None
    rival = branch is not None and calibre_mm is not None and branch.diameter_mm >= SIMILAR_CALIBRE * calibre_mm
    if rival or funnel.hidden:
        return "ambiguous"
    return "blunt" if funnel.blunt_prob >= 0.5 else "tapered"


def _proximal_cap(site: _Site, funnel: Taper | None, branch: Branch | None, reference: Reference) -> ProximalCap:
    zone = site.tissue.position_mm <= site.gap.start_mm + CAP_ZONE_MM
    weight = site.tissue.volume_mm3[zone]
    mean = float((site.tissue.hu[zone] * weight).sum() / max(weight.sum(), 1e-9))
    return ProximalCap(
        shape=_shape(funnel, branch, reference.proximal_diameter_mm),
        side_branch=branch is not None,
        side_branch_distance_mm=None if branch is None else branch.distance_mm,
        attenuation_hu=mean,
        blunt_prob=None if funnel is None else funnel.blunt_prob,
    )


def _funnel_mm(funnel: Taper | None) -> float:
    return 0.0 if funnel is None else funnel.length_mm


def _lumen_at_caps(site: _Site) -> tuple[float, float]:
    """What an open lumen shows at either cap."""
    level, gap = site.vessel.lumen.level_hu, site.gap
    return float(np.interp(gap.start_mm, site.arc_mm, level)), float(np.interp(gap.end_mm, site.arc_mm, level))


def _calcification(site: _Site, found: CalciumMeasure) -> Calcification:
    start = site.gap.start_mm
    conditions = site.conditions
    return Calcification(
        any=found.any,
        cross_section_max_ratio=interval(
            "calcium_ratio", found.max_ratio, conditions, at_mm=found.max_ratio_at_mm - start
        ),
        severe=found.severe,
        whole_lumen=found.whole_lumen,
        arc_max_deg=interval("calcium_arc_deg", found.arc_max_deg, conditions, at_mm=found.arc_at_mm - start),
        volume_mm3=interval("dense_calcium_mm3", found.volume_mm3, conditions),
        threshold_hu=found.threshold_hu,
    )


def _plaque(site: _Site, bins: Scheme) -> Plaque:
    made = composition(site.tissue, bins)
    total = max(made.total_mm3, 1e-9)
    components = {
        name: PlaqueComponent(
            volume_mm3=interval(f"{name}_mm3", made.volumes_mm3[name], site.conditions),
            fraction_percent=interval(f"{name}_percent", 100 * made.volumes_mm3[name] / total, site.conditions),
            vessel_percent=100 * made.volumes_mm3[name] / total,
        )
        for name in COMPONENTS
    }
    volume = interval("plaque_volume_mm3", made.total_mm3, site.conditions)
    return Plaque(volume, components, made.below_range_mm3, bins.edges_hu, bins.name)


def _distal(site: _Site, reference: Reference, funnel: Taper | None) -> DistalVessel:
    area, arc = site.lumen_area_mm2, site.arc_mm
    skip = BLUR_MM + _funnel_mm(funnel)
    beyond = (arc >= site.gap.end_mm + skip) & (area > 0)
    mean = float(np.mean(2 * np.sqrt(area[beyond] / np.pi))) if beyond.sum() >= 4 else reference.distal_diameter_mm
    return DistalVessel(True, mean, diseased_beyond(arc, area, cap_mm=site.gap.end_mm, skip_mm=skip))


def _profile(
    vessel: Vessel, origin_mm: float, site: _Site | None, bins: Scheme, calcium_arc_deg: NDArray[np.float64]
) -> Profile:
    contours, arc = vessel.borders.contours, vessel.line.arc_mm
    rows = np.arange(0, len(arc), 2)
    inside = np.zeros(len(arc), dtype=bool)
    areas = [np.zeros(len(arc)) for _ in range(4)]
    if site is not None:
        inside = (arc >= site.gap.start_mm) & (arc <= site.gap.end_mm)
        edges = (*bins.edges_hu, float("inf"))
        for k, area in enumerate(areas):
            area[np.searchsorted(arc, site.tissue.position_mm)] = site.tissue.area_between(edges[k], edges[k + 1])
            area[~inside] = 0.0

    def values(x: NDArray[np.float64]) -> tuple[float, ...]:
        return tuple(float(v) for v in x[rows])

    return Profile(
        position_mm=values(arc - origin_mm),
        lumen_area_mm2=values(contours.lumen_area_mm2),
        vessel_area_mm2=values(contours.wall_area_mm2),
        calcium_arc_deg=values(np.where(inside, calcium_arc_deg, 0.0)),
        necrotic_core_mm2=values(areas[0]),
        fibrofatty_mm2=values(areas[1]),
        fibrous_mm2=values(areas[2]),
        dense_calcium_mm2=values(areas[3]),
    )


def _alternatives(bridge: Bridge) -> tuple[dict[str, object], ...]:
    if not len(bridge.rival_mm) or not np.isfinite(bridge.rival_ratio):
        return ()
    points = tuple(_point(p) for p in bridge.rival_mm)
    return ({"cost_ratio": bridge.rival_ratio, "points_mm": points},)


def _way_flags(site: _Site) -> list[str]:
    """What is doubtful of the way through the occlusion, or of its being one."""
    flags = []
    if site.bridge.confidence < LOW_CONFIDENCE:
        sure = f"low confidence ({site.bridge.confidence:.2f}) in the axis through the occlusion"
        flags.append(f"{sure}: {'; '.join(site.bridge.reasons)}")
    if site.gap.behind_calcium:
        flags.append("seen only once the glow of calcium is taken off: look at the sections beside the calcium")
    return flags


def _flags(site: _Site, reference: Reference, funnel: Taper | None, distal_funnel: Taper | None) -> tuple[str, ...]:
    flags = _way_flags(site)
    known = [d for d in (reference.proximal_diameter_mm, reference.distal_diameter_mm) if d is not None]
    if known and min(known) < SMALL_VESSEL_MM:
        flags.append(f"reference diameter {min(known):.2f} mm is below 2.0 mm (an exclusion of Xing 2022)")
    if reference.proximal_diameter_mm is None:
        flags.append("proximal reference diameter not measurable: too little open vessel before the proximal cap")
    if reference.distal_diameter_mm is None:
        flags.append("distal reference diameter not measurable: too little open vessel beyond the distal cap")
    if funnel is None:
        flags.append("shape of the proximal cap not measurable: too little open vessel before it")
    elif funnel.hidden:
        flags.append("calcium at the proximal cap hides its shape")
    if distal_funnel is not None and distal_funnel.hidden:
        flags.append(
            "calcium at the distal cap: its place, and with it the length, is less certain than the interval says"
        )
    weak = min(float(site.vessel.lumen.level_hu[0]), float(site.vessel.lumen.level_hu[-1]))
    if weak < WEAK_LUMEN_HU:
        flags.append(f"lumen of only {weak:.0f} HU beyond a cap: contrast hardly above tissue")
    level = site.vessel.lumen.level_hu
    least = min(float(level[0]) - site.gap.plaque_start_hu, float(level[-1]) - site.gap.plaque_end_hu)
    if least < WEAK_CONTRAST_HU:
        flags.append(f"lumen only {least:.0f} HU above the plaque next to a cap: the caps are uncertain")
    return tuple(flags)
