"""Which artery may supply the vessel beyond an occlusion: published pathways, as data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from recanal.core.case import Interval

__all__ = ["ArteryState", "Donor", "Pathway", "donors_of", "pathways_to"]


@dataclass(frozen=True)
class Pathway:
    """One published way from a donor artery to the vessel beyond an occlusion.

    Parameters
    ----------
    occluded, donor
        Arteries.
    course
        ``"septal"``, ``"epicardial"`` or ``"atrial"``.
    way
        In words.
    sources
        Citations with their DOI.
    trust
        How far the row was compared with its source.
    """

    occluded: str
    donor: str
    course: str
    way: str
    sources: tuple[str, ...]
    trust: str


@dataclass(frozen=True)
class ArteryState:
    """What was measured of an artery that may donate.

    Parameters
    ----------
    vessel
        ``"RCA"``, ``"LM"``, ``"LAD"`` or ``"LCX"``.
    origin_diameter_mm
        Healthy lumen diameter where it begins; None where it could not be judged.
    worst_percent
        Its largest diameter stenosis; None where none of 25 % or more was found.
    calcified_mm
        Length with calcium.
    occluded
        Whether it is occluded itself.
    """

    vessel: str
    origin_diameter_mm: float | None
    worst_percent: Interval | None
    calcified_mm: float
    occluded: bool = False


@dataclass(frozen=True)
class Donor:
    """An artery that may donate, its ways, and its state; ``remarks`` say what speaks against it."""

    vessel: str
    ways: tuple[Pathway, ...]
    state: ArteryState | None
    remarks: tuple[str, ...]


@lru_cache(maxsize=1)
def _pathways() -> tuple[Pathway, ...]:
    text = resources.files("recanal.collaterals").joinpath("donors.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    cited = {name: f"{row['citation']}, doi:{row['doi']}" for name, row in table["sources"].items()}
    return tuple(
        Pathway(
            occluded=row["occluded"],
            donor=row["donor"],
            course=row["course"],
            way=row["way"],
            sources=tuple(cited[name] for name in row["sources"]),
            trust=row["trust"],
        )
        for row in table["pathways"]
    )


def pathways_to(occluded: str) -> tuple[Pathway, ...]:
    """The published ways to the vessel beyond an occlusion of an artery.

    Examples
    --------
    >>> sorted({way.donor for way in pathways_to("RCA")})
    ['LAD', 'LCX']
    """
    return tuple(way for way in _pathways() if way.occluded == occluded)


def donors_of(occluded: str, states: tuple[ArteryState, ...]) -> tuple[Donor, ...]:
    """The arteries that may supply the vessel beyond an occlusion, with what was measured of them.

    Parameters
    ----------
    occluded
        The occluded artery.
    states
        What was measured of each main artery. The left main counts for what hangs on it.
    """
    known = {state.vessel: state for state in states}
    out = []
    for vessel in dict.fromkeys(way.donor for way in pathways_to(occluded)):
        ways = tuple(way for way in pathways_to(occluded) if way.donor == vessel)
        state = known.get(vessel)
        stem = known.get("LM") if vessel in ("LAD", "LCX") else None
        out.append(Donor(vessel, ways, state, _remarks(state, stem)))
    return tuple(out)


def _remarks(state: ArteryState | None, stem: ArteryState | None) -> tuple[str, ...]:
    if state is None:
        return ("not measured: the artery was not found",)
    remarks = []
    if state.occluded:
        remarks.append("occluded itself")
    if state.worst_percent is not None and state.worst_percent.value >= 50:
        remarks.append(f"stenosis of {state.worst_percent.value:.0f} % in the donor artery")
    if stem is not None and stem.worst_percent is not None and stem.worst_percent.value >= 50:
        remarks.append(f"stenosis of {stem.worst_percent.value:.0f} % in the left main artery before it")
    return tuple(remarks)
