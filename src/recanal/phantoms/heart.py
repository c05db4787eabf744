"""The heart and what surrounds it: where each part lies and how bright it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recanal.phantoms.geometry import Floats, spline_through, unit
from recanal.phantoms.shapes import Box, Ellipsoid, Remembered, Solid, Strands, Tube, blend_union

__all__ = ["Heart", "Layer", "build_heart", "in_lung", "layers_of"]

_APEX = np.array([0.62, -0.55, -0.56])
_PULMONARY = np.array([[17.0, -24.0, 48.0], [22.0, 2.0, 70.0]])


@dataclass(frozen=True, eq=False)
class Layer:
    """One part of the picture, painted over those before it.

    ``texture_hu`` is the standard deviation of a smooth mottle with grains of ``grain_mm``.
    """

    name: str
    solid: Solid
    hu: float
    texture_hu: float = 0.0
    grain_mm: float = 4.0


@dataclass(frozen=True, eq=False)
class Heart:
    """The solids of one heart, in a frame of apex (s), superior (u) and right (v) axes."""

    origin_mm: Floats
    basis: Floats
    scale: float
    solids: dict[str, Solid]

    def place(self, s: float, u: float, v: float) -> Floats:
        """LPS position of heart coordinates given in millimetres of an average heart."""
        return np.asarray(self.origin_mm + self.scale * (np.array([s, u, v]) @ self.basis), dtype=np.float64)

    def epicardium(self, points_mm: Floats) -> Floats:
        """Distance to the outer surface that the arteries lie on: ventricles, atria, pulmonary trunk."""
        names = ("lv_outer", "rv_outer", "la", "ra", "pulmonary")
        return blend_union([self.solids[name](points_mm) for name in names], 4.0)

    def obstacles(self, points_mm: Floats) -> Floats:
        """Distance to whatever an artery cannot pass through, vessel walls included."""
        great = np.minimum(self.solids["pulmonary"](points_mm), self.solids["aorta"](points_mm)) - 1.4
        return np.asarray(np.minimum(self.epicardium(points_mm), great), dtype=np.float64)

    def on_surface(self, theta_deg: float, s: float, height_mm: float) -> Floats:
        """The point above the surface at an angle (0 superior, 90 right, 180 inferior) and a distance from the base."""
        theta = np.deg2rad(theta_deg)
        across = np.array([0.0, np.cos(theta), np.sin(theta)]) @ self.basis
        start = self.place(s, 0.0, 0.0)
        radius = 75.0
        names = ("lv_outer", "rv_outer", "la", "ra")
        for _ in range(30):
            here = (start + radius * across)[None]
            gap = float(blend_union([self.solids[name](here) for name in names], 4.0)[0])
            radius -= 0.75 * (gap - height_mm)
        return np.asarray(start + radius * across, dtype=np.float64)


def _basis(rng: np.random.Generator) -> Floats:
    tilt = np.deg2rad(rng.normal(0.0, 4.0, 3))
    apex = unit(_APEX + np.cross(tilt, _APEX))
    up = unit(np.array([0.0, 0.0, 1.0]) - apex[2] * apex)
    return np.stack([apex, up, np.cross(apex, up)])


def in_lung(heart: Heart, points_mm: Floats) -> NDArray[np.bool_]:
    """Whether points lie in the lungs, clear of the heart, the mediastinum and the chest wall."""
    away = (points_mm - heart.origin_mm) / np.array([118.0, 82.0, 400.0]) + np.array([0.12, -0.08, 0.0])
    middle = Box(heart.origin_mm + np.array([-8.0, 22.0, 0.0]), np.array([29.0, 90.0, 300.0]), 18.0)
    names = ("lv_outer", "rv_outer", "la", "ra", "pulmonary", "aorta")
    hull = blend_union([heart.solids[name](points_mm) for name in names], 26.0) - 13.0
    liver = points_mm[..., 2] < heart.origin_mm[2] - 50
    veins = np.minimum(heart.solids["left_veins"](points_mm), heart.solids["right_veins"](points_mm)) > 3.0
    return np.asarray(((away**2).sum(axis=-1) < 1) & (middle(points_mm) > 0) & (hull > 0) & veins & ~liver)


def _blend_cut(first: Floats, second: Floats, blend_mm: float) -> Floats:
    """Intersection with a rounded edge."""
    return -blend_union([-first, -second], blend_mm)


def _cut(solid: Solid, heart: Heart, base_s: float) -> Solid:
    """A solid without what lies behind a plane across the axis of the heart."""
    base = heart.place(base_s, 0, 0)

    def kept(p: Floats) -> Floats:
        return _blend_cut(solid(p), (base - p) @ heart.basis[0], 6.0)

    return kept


def _ventricles(heart: Heart, rng: np.random.Generator) -> dict[str, Solid]:
    g, b = heart.scale, heart.basis
    wall = rng.uniform(8.5, 11.5) * g
    lv_centre = heart.place(28, 0, -10)
    lv_semi = g * np.array([54.0, 35.0, 35.0]) * (1 + rng.normal(0, 0.02, 3))
    rv_centre, rv_semi = heart.place(20, 0, 22), g * np.array([47.0, 33.0, 30.0])
    lv_outer = Remembered(_cut(Ellipsoid(lv_centre, b, lv_semi), heart, -8.0))
    rv_outer = Remembered(_cut(Ellipsoid(rv_centre, b, rv_semi), heart, -5.0))
    lv_cavity = _cut(Ellipsoid(heart.place(25, 0, -10), b, lv_semi - np.array([wall + 4, wall, wall])), heart, -6.0)
    rv_inner = _cut(Ellipsoid(rv_centre, b, rv_semi - 3.5 * g), heart, -3.0)
    papillary = [
        Tube(np.stack([heart.place(45, u, v), heart.place(24, 0.75 * u, v - 2)]), np.array([5.0, 3.0]) * g)
        for u, v in ((15, -22), (-16, -14))
    ]
    return {
        "lv_outer": lv_outer,
        "rv_outer": rv_outer,
        "lv": lambda p: np.maximum(lv_cavity(p), -np.minimum(papillary[0](p), papillary[1](p))),
        "rv": lambda p: np.maximum(rv_inner(p), -lv_outer(p)),
        "myocardium": lambda p: blend_union([lv_outer(p), rv_outer(p)], 3.0),
    }


def _atria(heart: Heart) -> dict[str, Solid]:
    g, b = heart.scale, heart.basis
    la = Remembered(Ellipsoid(heart.place(-27, -4, -14), b, g * np.array([22.0, 26.0, 25.0])))
    ra_full = Remembered(Ellipsoid(heart.place(-22, -10, 27), b, g * np.array([22.0, 27.0, 21.0])))
    ventricles = (heart.solids["lv_outer"], heart.solids["rv_outer"])

    def clear(p: Floats) -> Floats:
        return np.minimum(ventricles[0](p), ventricles[1](p))

    return {
        "la": la,
        "ra": ra_full,
        "la_lumen": lambda p: np.maximum(la(p) + 1.8, 1.0 - clear(p)),
        "ra_lumen": lambda p: np.maximum(np.maximum(ra_full(p) + 1.8, 1.5 - la(p)), 1.0 - clear(p)),
    }


def _great_vessels(heart: Heart, rng: np.random.Generator) -> dict[str, Solid]:
    g, o = heart.scale, heart.origin_mm
    root = heart.place(-6, 8, 0)
    ascending = spline_through(
        root + g * np.array([[0, 0, -4], [-1, -1, 8], [-4, -5, 26], [-6, -8, 48], [-5, -6, 90]], dtype=float), 1.0
    )
    width = rng.uniform(13.5, 16.5) * g
    sinus = Ellipsoid(root, heart.basis, g * np.array([13.0, 14.5, 14.5]))
    trunk = Tube(ascending, np.linspace(width * 0.92, width, len(ascending)))
    pulmonary = Tube(
        spline_through(
            np.stack(
                [
                    heart.place(12, 25, 20),
                    heart.place(4, 29, 19),
                    heart.place(-7, 42, 12),
                    o + g * _PULMONARY[0],
                    o + g * _PULMONARY[1],
                ]
            ),
            1.0,
        ),
        12.5 * g,
    )
    spine = o + np.array([-14.0, 74.0, 0.0])
    down = np.stack([spine + np.array([29.0 + bow, -17.0, z]) for bow, z in ((2, -110), (0, 0), (-2, 110))])
    solids: dict[str, Solid] = {
        "root": sinus,
        "aorta": lambda p: blend_union([sinus(p), trunk(p)], 3.0),
        "pulmonary": pulmonary,
        "descending": Tube(down, rng.uniform(11.0, 13.5)),
        "svc": Tube(o + g * np.array([[-24, 6, 22], [-27, 2, 50], [-28, 0, 100]], dtype=float), 9.0 * g),
        "ivc": Tube(
            np.stack([heart.place(-18, -24, 24), heart.place(-18, -24, 24) + np.array([-4, 6, -80])]), 11.0 * g
        ),
        "left_veins": Tube(np.stack([heart.place(-26, 2, -30), o + g * np.array([52, 34, 22])]), np.array([8.0, 6.0])),
        "right_veins": Tube(np.stack([heart.place(-34, 0, 6), o + g * np.array([-58, 32, 18])]), np.array([8.0, 6.0])),
    }
    return {name: Remembered(solid) for name, solid in solids.items()}


def build_heart(rng: np.random.Generator) -> Heart:
    """A heart of random size, tilt and place."""
    origin = np.array([18.0, -24.0, -140.0]) + rng.normal(0.0, [5.0, 5.0, 20.0])
    heart = Heart(origin, _basis(rng), float(rng.uniform(0.93, 1.08)), {})
    heart.solids.update(_ventricles(heart, rng))
    heart.solids.update(_atria(heart))
    heart.solids.update(_great_vessels(heart, rng))
    return heart


def _pericardium(heart: Heart, fat_mm: float) -> Solid:
    names = ("lv_outer", "rv_outer", "la", "ra", "pulmonary", "aorta")

    def hull(p: Floats) -> Floats:
        whole = blend_union([heart.solids[name](p) for name in names], 26.0) - fat_mm
        low, high = heart.origin_mm[2] - 75, heart.origin_mm[2] + 42
        lifted = high + 0.35 * (p[..., 0] - heart.origin_mm[0])
        return _blend_cut(_blend_cut(whole, low - p[..., 2], 15.0), p[..., 2] - lifted, 30.0)

    return Remembered(hull)


def _ribs(centre: Floats) -> list[Floats]:
    """Ribs on both sides, falling from the spine to the front."""
    turn = np.linspace(0.12, 0.86, 60) * np.pi
    curves = []
    for side in (-1, 1):
        for z in range(-90, 150, 30):
            height = z - 45.0 * (turn / np.pi) ** 0.8
            curves.append(centre + np.stack([side * 146 * np.sin(turn), -2 + 106 * np.cos(turn), height], axis=1))
    return curves


def _chest(heart: Heart, rng: np.random.Generator) -> list[Layer]:
    o, spine = heart.origin_mm, heart.origin_mm + np.array([-14.0, 74.0, 0.0])
    tall, centre = 400.0, heart.origin_mm + np.array([-14.0, 8.0, 0.0])
    body = Ellipsoid(centre, np.eye(3), np.array([178.0, 122.0, tall * 4]))
    inner = Remembered(Ellipsoid(centre + np.array([0.0, -2.0, 0.0]), np.eye(3), np.array([138.0, 98.0, tall * 4])))
    middle = Box(o + np.array([-8.0, 22.0, 0.0]), np.array([27.0, 88.0, 300.0]), 18.0)
    liver = Ellipsoid(o + np.array([-62.0, 0.0, -118.0]), np.eye(3), np.array([105.0, 92.0, 66.0]))
    discs = [Box(spine + np.array([0, 0, z]), np.array([21.0, 17.0, 10.5]), 8.0) for z in range(-104, 130, 26)]
    arch = Box(spine + np.array([0, 30, 0]), np.array([6.0, 16.0, 300.0]), 5.0)
    sides = [Box(spine + np.array([26 * k, 22, 0]), np.array([16.0, 6.0, 300.0]), 5.0) for k in (-1, 1)]
    sternum = Box(o + np.array([-14.0, -79.0, 0.0]), np.array([17.0, 6.0, 300.0]), 5.0)

    gullet = Tube(spine + np.array([[8.0, -27.0, -300.0], [4.0, -27.0, 300.0]]), 6.5)
    ribs = Strands(_ribs(centre), 5.0)

    def skeleton(p: Floats) -> Floats:
        parts: list[Solid] = [*discs, arch, *sides, sternum, ribs]
        return np.asarray(np.minimum.reduce([part(p) for part in parts]), dtype=np.float64)

    bones = Remembered(skeleton)
    return [
        Layer("skin fat", body, -105.0, 6.0),
        Layer("muscle", lambda p: np.maximum(body(p) + 16, -inner(p)), 52.0, 10.0),
        Layer("thorax", inner, -850.0, 35.0, 2.5),
        Layer("mediastinum", lambda p: np.maximum(middle(p), inner(p) - 2), -98.0, 8.0),
        Layer("liver", lambda p: np.maximum(liver(p), inner(p)), 95.0, 5.0),
        Layer("disc", Box(spine, np.array([18.0, 15.0, 300.0]), 8.0), 75.0, 8.0),
        Layer("cortex", bones, 560.0, 60.0),
        Layer("marrow", lambda p: bones(p) + 2.0, float(rng.uniform(150, 260)), 40.0, 3.0),
        Layer("oesophagus", gullet, 38.0, 6.0),
    ]


def layers_of(heart: Heart, blood_hu: float, rng: np.random.Generator, *, contrast: bool = True) -> list[Layer]:
    """All parts but the coronary vessels, in painting order.

    Parameters
    ----------
    blood_hu
        Attenuation in the aortic root.
    contrast
        False paints every blood pool and the myocardium like unenhanced blood.
    """
    if not contrast:
        names = ("atri", "ventric", "vein", "vena", "aorta", "trunk", "myocardium")
        return [
            replace(layer, hu=44.0, texture_hu=4.0) if any(name in layer.name for name in names) else layer
            for layer in layers_of(heart, 350.0, rng)
        ]
    part = heart.solids
    hull = _pericardium(heart, float(rng.uniform(5.0, 9.0)))
    fat, muscle = float(rng.uniform(-108, -78)), float(rng.uniform(85, 128))
    right = blood_hu * float(rng.uniform(0.3, 0.75))
    left = blood_hu * float(rng.uniform(0.95, 1.04))
    walls = ("aorta", "pulmonary", "descending", "svc", "ivc")

    def vessels(p: Floats) -> Floats:
        return np.asarray(np.minimum.reduce([part[name](p) for name in walls]) - 1.3, dtype=np.float64)

    return [
        *_chest(heart, rng),
        Layer("pericardium", lambda p: hull(p) - 1.2, 28.0, 8.0),
        Layer("epicardial fat", hull, fat, 7.0),
        Layer("vessel walls", vessels, 48.0),
        Layer("left pulmonary veins", part["left_veins"], left),
        Layer("right pulmonary veins", part["right_veins"], left),
        Layer("atrial walls", lambda p: np.minimum(part["la"](p), part["ra"](p)), 70.0),
        Layer("myocardium", part["myocardium"], muscle, 7.0),
        Layer("left atrium", part["la_lumen"], left, 4.0),
        Layer("right atrium", part["ra_lumen"], right, 0.12 * right, 7.0),
        Layer("left ventricle", part["lv"], left * 0.99, 5.0),
        Layer("right ventricle", part["rv"], right * 1.05, 0.08 * right, 6.0),
        Layer("pulmonary trunk", part["pulmonary"], right * 1.08, 6.0),
        Layer("superior vena cava", part["svc"], min(700.0, 1.6 * right), 60.0, 6.0),
        Layer("inferior vena cava", part["ivc"], 110.0, 10.0, 6.0),
        Layer("aortic wall", lambda p: part["aorta"](p) - 1.3, 48.0),
        Layer("ascending aorta", part["aorta"], blood_hu, 3.0),
        Layer("descending aorta", part["descending"], blood_hu * 0.97, 3.0),
    ]
