"""Of what a plaque is made."""

from __future__ import annotations

from dataclasses import dataclass

from recanal.core.case import COMPONENTS
from recanal.errors import OptionError
from recanal.measure.tissue import Tissue

__all__ = ["FIXED_HU", "Composition", "Scheme", "composition", "scheme"]

FIXED_HU = (-30.0, 76.0, 131.0, 351.0)


@dataclass(frozen=True)
class Scheme:
    """Half-open HU bins: necrotic core, fibrofatty, fibrous, dense calcium, each from its own edge to the next.

    Notes
    -----
    ``fixed``: Xing H, et al. Quant Imaging Med Surg 2022, doi:10.21037/qims-21-1050, after de Graaf MA, et al. 2013,
    doi:10.1007/s10554-013-0194-x; the half-open bins close the gaps between the printed integers.
    """

    name: str
    edges_hu: tuple[float, float, float, float]


def scheme(name: str = "fixed") -> Scheme:
    """A named set of bins.

    Raises
    ------
    OptionError
        For a name that is not known.
    """
    if name != "fixed":
        raise OptionError(f"No composition scheme named {name!r}.", hint="Known: fixed.")
    return Scheme("fixed", FIXED_HU)


@dataclass(frozen=True)
class Composition:
    """Volumes in mm3 of the whole plaque, its components, and what lies below the lowest bin."""

    total_mm3: float
    volumes_mm3: dict[str, float]
    below_range_mm3: float


def composition(tissue: Tissue, bins: Scheme) -> Composition:
    """The volumes of the plaque components inside the wall."""
    edges = (*bins.edges_hu, float("inf"))
    volumes = {name: tissue.volume_between(edges[k], edges[k + 1]) for k, name in enumerate(COMPONENTS)}
    below = tissue.volume_between(float("-inf"), edges[0])
    return Composition(float(tissue.volume_mm3.sum()), volumes, below)
