"""Calcium outside the lesion: in the open arteries, the aorta and the valves; and stents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recanal.phantoms.geometry import Floats, arc_lengths, resample, transport_frames
from recanal.phantoms.heart import Heart
from recanal.phantoms.render import VesselPainter
from recanal.phantoms.scanner import Grid
from recanal.phantoms.tree import STEP_MM, Artery, Placement

__all__ = ["ARTERIES", "Deposit", "draw_deposits", "draw_stent", "owner_of", "paint_deposits"]

ARTERIES = ("LM", "LAD", "LCX", "RCA")
_LESION_GAP_MM = 8.0
_METAL_HU = 3000.0
_STRUT_MM = 0.13
Stops = tuple[Placement, float]


@dataclass(frozen=True, eq=False)
class Deposit:
    """A short strand of calcium or metal with round ends.

    Parameters
    ----------
    owner
        An artery (LM, LAD, LCX, RCA), ``"aorta"``, ``"aortic valve"``, ``"mitral annulus"`` or ``"stent"``.
    points_mm
        (n, 3) axis.
    radius_mm
        Of the strand.
    hu
        Attenuation at 120 kV.
    """

    owner: str
    points_mm: Floats
    radius_mm: float
    hu: float

    @property
    def volume_mm3(self) -> float:
        """Volume of a tube with round ends."""
        length = float(arc_lengths(self.points_mm)[-1])
        return float(np.pi * self.radius_mm**2 * length + 4 / 3 * np.pi * self.radius_mm**3)


def owner_of(artery: Artery, arc_mm: float, left_main_mm: float) -> str:
    """The artery that calcium at an arc length belongs to; side branches belong to the main artery they leave."""
    if artery.name in ("LAD", "LCX") and not artery.parent and arc_mm < left_main_mm:
        return "LM"
    return artery.name if artery.name in ARTERIES else artery.parent


def _beside_axis(artery: Artery, span_mm: tuple[float, float], angle_rad: float, radius_mm: float) -> Floats:
    """A line along the wall of an artery."""
    _, normal, binormal = transport_frames(artery.points_mm)
    keep = (artery.arc_mm >= span_mm[0]) & (artery.arc_mm <= span_mm[1])
    away = np.cos(angle_rad) * normal[keep] + np.sin(angle_rad) * binormal[keep]
    offset = np.maximum(artery.lumen_mm[keep] + 0.25 * radius_mm, radius_mm)
    return np.asarray(artery.points_mm[keep] + offset[:, None] * away, dtype=np.float64)


def _in_artery(artery: Artery, burden: float, stops: Stops, rng: np.random.Generator) -> list[Deposit]:
    """Strands along one artery that do not overlap, none within 8 mm of the lesion."""
    place, left_main_mm = stops
    here_mm, last_mm, found = 3.0, float(min(artery.arc_mm[-1] - 4.0, 95.0)), []
    while here_mm < last_mm:
        here_mm += float(rng.exponential(14.0 / max(burden, 0.05))) + 2.0
        length = float(rng.gamma(1.6, 2.2 * min(burden, 1.5)) + 1.0)
        radius = float(np.clip(rng.lognormal(np.log(0.55 + 0.16 * min(burden, 3.0)), 0.35), 0.35, 1.8))
        angle, hu = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(420, 1150))
        span = (here_mm, here_mm + length)
        meets = artery.name == place.vessel and span[1] > place.start_mm - _LESION_GAP_MM
        meets = meets and span[0] < place.end_mm + _LESION_GAP_MM
        crosses = span[0] < left_main_mm < span[1] and artery.name in ("LAD", "LCX") and not artery.parent
        if span[1] < last_mm and not meets and not crosses:
            line = _beside_axis(artery, span, angle, radius)
            if len(line) >= 3:
                found.append(Deposit(owner_of(artery, here_mm, left_main_mm), line, radius, hu))
        here_mm = span[1] + 2 * radius + 1.0
    return found


def _wall_point(heart: Heart, centre: Floats, across: Floats, name: str) -> Floats:
    """Where a ray from inside a great vessel meets its surface."""
    reach = np.arange(0.0, 30.0, 0.1)
    level = heart.solids[name](centre + reach[:, None] * across)
    return np.asarray(centre + reach[int(np.argmax(level > 0))] * across, dtype=np.float64)


def _in_aorta(heart: Heart, rng: np.random.Generator) -> list[Deposit]:
    """Plates along the wall of the ascending and the descending aorta, clear of the sinuses."""
    found, spine = [], heart.origin_mm + np.array([-14.0, 74.0, 0.0])
    root = heart.place(-6, 8, 0)
    for _ in range(int(rng.integers(1, 6))):
        angle, height = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(26, 62))
        name, centre = "aorta", root + heart.scale * np.array([-4.0, -5.0, height])
        if rng.random() < 0.5:
            name, centre = "descending", spine + np.array([29.0, -17.0, float(rng.uniform(-60, 60))])
        turn = np.linspace(0, float(rng.uniform(0.2, 0.9)), 12) + angle
        drift = np.linspace(0, float(rng.uniform(-6, 6)), 12)
        line = [
            _wall_point(heart, centre + np.array([0, 0, d]), np.array([np.cos(t), np.sin(t), 0.0]), name)
            for t, d in zip(turn, drift, strict=True)
        ]
        found.append(Deposit("aorta", np.stack(line), float(rng.uniform(0.6, 1.5)), float(rng.uniform(450, 1100))))
    return found


def _in_valves(heart: Heart, rng: np.random.Generator) -> list[Deposit]:
    """Flecks on the aortic cusps and an arc of the mitral annulus, each in half of the hearts."""
    found = []
    if rng.random() < 0.5:
        root = heart.place(-6, 8, 0)
        for _ in range(int(rng.integers(1, 5))):
            start = root + rng.uniform(-6, 6, 3) * heart.scale
            line = start + np.linspace(0, 1, 8)[:, None] * rng.uniform(-4, 4, 3)
            found.append(Deposit("aortic valve", line, float(rng.uniform(0.5, 1.3)), float(rng.uniform(450, 1100))))
    if rng.random() < 0.5:
        radius, first = float(rng.uniform(15, 19)), float(rng.uniform(150, 250))
        turn = np.deg2rad(first + np.linspace(0, float(rng.uniform(25, 110)), 30))
        ring = [heart.place(-6, radius * np.cos(t) - 2, radius * np.sin(t) - 13) for t in turn]
        found.append(
            Deposit("mitral annulus", np.stack(ring), float(rng.uniform(0.9, 2.4)), float(rng.uniform(450, 1000)))
        )
    return found


def draw_deposits(heart: Heart, arteries: list[Artery], stops: Stops, rng: np.random.Generator) -> list[Deposit]:
    """Calcium outside the lesion, from none in the arteries to a lot; the aorta and the valves have theirs as well.

    Parameters
    ----------
    stops
        Where the lesion lies, and the arc length of the left main.
    """
    burden = float(rng.choice([0.0, 0.35, 1.0, 2.2, 4.0], p=[0.1, 0.25, 0.3, 0.2, 0.15]))
    found: list[Deposit] = []
    for artery in arteries:
        share = 1.0 if artery.name in ("RCA", "LAD", "LCX") else 0.35
        own = burden * share * float(rng.uniform(0.3, 1.5))
        if own > 0.1 and (share == 1.0 or artery.name in ("d1", "om1")):
            found += _in_artery(artery, own, stops, rng)
    return [*found, *_in_aorta(heart, rng), *_in_valves(heart, rng)]


def draw_stent(artery: Artery, span_mm: tuple[float, float]) -> list[Deposit]:
    """Two counter-wound wires at the inner wall of an artery, 1.1 mm a turn."""
    keep = (artery.arc_mm >= span_mm[0]) & (artery.arc_mm <= span_mm[1])
    points, lumen = artery.points_mm[keep], artery.lumen_mm[keep]
    _, normal, binormal = transport_frames(points)
    fine = np.linspace(0, len(points) - 1, len(points) * 6)

    def at(field: Floats) -> Floats:
        return np.stack([np.interp(fine, np.arange(len(points)), field[:, k]) for k in range(3)], axis=1)

    turn = 2 * np.pi * fine * STEP_MM / 1.1
    radius = np.interp(fine, np.arange(len(points)), lumen)[:, None]
    wires = [
        at(points) + radius * (np.cos(way * turn)[:, None] * at(normal) + np.sin(way * turn)[:, None] * at(binormal))
        for way in (1, -1)
    ]
    return [Deposit("stent", wire, _STRUT_MM, _METAL_HU) for wire in wires]


def _dense(points_mm: Floats) -> Floats:
    """A curve with points close enough for the painter."""
    count = len(points_mm)
    return resample(points_mm, STEP_MM) if arc_lengths(points_mm)[-1] > 1.3 * STEP_MM * (count - 1) else points_mm


def paint_deposits(
    picture: NDArray[np.float32],
    grid: Grid,
    deposits: Iterable[Deposit],
    *,
    sigmas_mm: tuple[float, float, float],
    scale: float,
) -> None:
    """Add deposits to a picture, in place.

    Parameters
    ----------
    sigmas_mm
        Of the point-spread function along (slice, row, column).
    scale
        Attenuation of calcium at this tube voltage over that at 120 kV.
    """
    items = {f"{n}": replace(d, points_mm=_dense(d.points_mm)) for n, d in enumerate(deposits)}
    if not items:
        return
    painter = VesselPainter(grid, picture, {n: (d.points_mm, d.radius_mm + 0.4) for n, d in items.items()})
    for name, deposit in items.items():
        hu = deposit.hu if deposit.owner == "stent" else deposit.hu * scale
        painter.tube(name, np.full(len(deposit.points_mm), deposit.radius_mm), float(hu))
    painter.add_to(picture, sigmas_mm)
