"""Colours, the grey window, the name of each picture and the words under it: one place for pictures, page and PDF."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "CAP",
    "CAP_DARK",
    "COMPONENT_COLOURS",
    "COMPONENT_NAMES",
    "LUMEN",
    "OUTSIDE",
    "PLACES",
    "WALL",
    "WINDOW_HU",
    "Colour",
    "bin_text",
    "caption",
    "figure_name",
    "hex_colour",
]

Colour = tuple[int, int, int]

# Composition, wall and lumen follow Figures 2, 5 and 6 of Xing 2022 (see the references of the report). Red and green
# differ in lightness too, so that a reader who cannot tell the hues still sees two tissues.
COMPONENT_COLOURS: dict[str, Colour] = {
    "necrotic_core": (232, 56, 44),
    "fibrofatty": (168, 230, 108),
    "fibrous": (0, 98, 38),
    "dense_calcium": (255, 255, 255),
}
COMPONENT_NAMES = {
    "necrotic_core": "Necrotic core",
    "fibrofatty": "Fibrofatty",
    "fibrous": "Fibrous",
    "dense_calcium": "Dense calcium",
}
LUMEN: Colour = (255, 222, 0)
WALL: Colour = (255, 140, 0)
CAP: Colour = (86, 180, 233)  # sky blue of Okabe and Ito, told apart by readers with colour blindness
CAP_DARK: Colour = (0, 90, 150)
OUTSIDE: Colour = (38, 44, 58)
WINDOW_HU = (-250.0, 750.0)  # level 250, width 1000: fat, plaque, contrast and calcium keep four different greys

PLACES = {
    "straightened": "strips",
    "profile": "strips",
    "axial": "flats",
    "stretched": "flats",
    "mpr": "flats",
    "mip": "flats",
    "cross_section": "sections",
}
"""Where a figure stands, by how its name begins."""

_CAPTIONS = {
    "axial_proximal_cap": "Axial, proximal cap",
    "axial_distal_cap": "Axial, distal cap",
    "cross_section_proximal_reference": "Proximal reference",
    "cross_section_proximal_cap": "Proximal cap",
    "cross_section_most_calcified": "Most calcified",
    "cross_section_middle": "Middle",
    "cross_section_distal_cap": "Distal cap",
    "cross_section_distal_reference": "Distal reference",
    "cross_section_narrowest": "Narrowest lumen",
    "cross_section_proximal_point": "At the proximal point",
    "cross_section_distal_point": "At the distal point",
    "straightened_000": "Straightened CPR, 0°",
    "straightened_090": "Straightened CPR, 90°",
    "stretched": "Stretched CPR",
    "mpr": "MPR, plane of the vessel",
    "mip": "MIP, 10 mm slab",
    "profile": "Areas along the vessel",
}


def caption(name: str) -> str:
    """The words under the picture of that name.

    >>> caption("mpr"), caption("cross_section_at_branch")
    ('MPR, plane of the vessel', 'At branch')
    """
    return _CAPTIONS.get(name, name.removeprefix("cross_section_").replace("_", " ").capitalize())


def figure_name(lesion_id: str, name: str) -> str:
    """The relative file name of a figure.

    >>> figure_name("L1", "mpr")
    'figures/L1_mpr.png'
    """
    return f"figures/{lesion_id}_{name}.png"


def hex_colour(colour: Colour) -> str:
    """The colour as CSS and typst write it.

    >>> hex_colour((255, 140, 0))
    '#ff8c00'
    """
    return "#{:02x}{:02x}{:02x}".format(*colour)


def bin_text(thresholds_hu: Sequence[float], index: int) -> str:
    """The Hounsfield range of one composition bin; the bins are half open.

    >>> bin_text((-30, 76, 131, 351), 0), bin_text((-30, 76, 131, 351), 3)
    ('−30 to <76 HU', '≥351 HU')
    """
    low = f"{thresholds_hu[index]:g}".replace("-", "−")
    if index + 1 == len(thresholds_hu):
        return f"≥{low} HU"
    return f"{low} to <{thresholds_hu[index + 1]:g} HU"
