"""One drawing and one trace per scene and session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analytic_tube import Drawing, Scene, draw
from recanal.imaging.vessel import Vessel, trace_vessel

Traced = Callable[[Scene], tuple[Drawing, Vessel]]


@pytest.fixture(scope="session")
def traced() -> Traced:
    """A function from a scene to its drawing and the vessel traced in it, from seeds on the axis."""
    known: dict[Scene, tuple[Drawing, Vessel]] = {}

    def trace(scene: Scene) -> tuple[Drawing, Vessel]:
        if scene not in known:
            drawing = draw(scene)
            known[scene] = drawing, trace_vessel(drawing.volume, *drawing.seeds())
        return known[scene]

    return trace
