"""Vessels drawn from formulas and traced once a session, and a short way to write corrections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from edit_tables import listed

from analytic_tube import Drawing, Scene, draw
from recanal.edits.replay import Corrected, replayed
from recanal.imaging.vessel import Vessel, trace_vessel

Traced = Callable[[Scene], tuple[Drawing, Vessel]]
Replay = Callable[..., Corrected]


@pytest.fixture(scope="session")
def traced() -> Traced:
    """A function from a scene to its drawing and the vessel traced in it."""
    known: dict[Scene, tuple[Drawing, Vessel]] = {}

    def trace(scene: Scene) -> tuple[Drawing, Vessel]:
        if scene not in known:
            drawing = draw(scene)
            known[scene] = drawing, trace_vessel(drawing.volume, *drawing.seeds())
        return known[scene]

    return trace


@pytest.fixture
def replay(traced: Traced) -> Replay:
    """A function that replays tables on the vessel of a scene, the plain one when none is given."""

    def run(*rows: dict[str, Any], scene: Scene | None = None) -> Corrected:
        drawing, vessel = traced(scene or Scene())
        return replayed([vessel], listed(*rows), drawing.volume, names=["RCA"])

    return run


@pytest.fixture
def plain(traced: Traced) -> tuple[Drawing, Vessel]:
    """One artery with one occlusion from 23 to 40 mm of its true axis."""
    return traced(Scene())
