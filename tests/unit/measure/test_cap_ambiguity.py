"""What makes the shape of a cap ambiguous: a branch nearly as wide as the vessel, a spot of calcium beside the axis."""

from __future__ import annotations

import numpy as np
import pytest

from analytic_tube import Scene, draw
from recanal.core.curves import Centerline, frames
from recanal.imaging.lumen_level import LumenLevel
from recanal.imaging.sections import RING_MM, Sections
from recanal.imaging.vessel import trace_vessel
from recanal.measure import lesion as measuring
from recanal.measure.branches import Branch
from recanal.measure.cap_shape import OpenEnd, Taper, taper
from recanal.measure.lesion import SIMILAR_CALIBRE, measure_lesions

STEP_MM, RAYS = 0.25, 48
ARC = np.arange(0.0, 50.01, STEP_MM)
LUMEN_HU, PLAQUE_HU, RADIUS_MM, CAP_MM = 330.0, 80.0, 1.4, 25.0


@pytest.fixture(scope="module")
def vessel():
    drawing = draw(Scene())
    return trace_vessel(drawing.volume, *drawing.seeds())


@pytest.mark.parametrize(("share", "ambiguous"), [(1.02, True), (0.98, False)])
def test_a_branch_of_seven_tenths_of_the_calibre_hides_the_cap(vessel, monkeypatch, share, ambiguous):
    monkeypatch.setattr(measuring, "with_calibre", lambda _, found: found)
    monkeypatch.setattr(measuring, "branch_near", lambda *_, **__: None)
    (alone,) = measure_lesions(vessel, name=None)
    assert alone.proximal_cap.shape in ("blunt", "tapered")
    diameter_mm = share * SIMILAR_CALIBRE * alone.reference.proximal_diameter_mm
    monkeypatch.setattr(measuring, "branch_near", lambda *_, **__: Branch(1.0, diameter_mm, 0.0, ()))
    (beside,) = measure_lesions(vessel, name=None)
    assert (beside.proximal_cap.shape == "ambiguous") is ambiguous
    assert beside.proximal_cap.side_branch
    # the ambiguity is that of the stump into which a wire is to enter; at the far end a branch is a bifurcation
    assert beside.distal_cap.shape in ("blunt", "tapered")
    assert beside.distal_cap.bifurcation


def ended(spot_hu: float, noise_hu: float) -> Taper:
    """The end of a plain lumen with a spot at the cap, so much brighter than the lumen."""
    line = Centerline(np.stack([ARC, 0 * ARC, 0 * ARC], axis=1))
    _, normals, binormals = frames(line)
    rings = np.arange(51) * RING_MM
    inside = 1.0 / (1.0 + np.exp((rings - RADIUS_MM) / 0.2))
    level = np.where(ARC < CAP_MM, LUMEN_HU, PLAQUE_HU)
    hu = np.broadcast_to((-90.0 + (level + 90.0)[:, None] * inside)[:, None, :], (len(ARC), RAYS, 51)).copy()
    near = np.abs(ARC - (CAP_MM - 0.5)) < 0.9
    hu[np.ix_(near, np.arange(RAYS // 4), (rings > 0.2) & (rings < 1.0))] += spot_hu
    sections = Sections(line, normals, binormals, hu.astype(np.float32))
    lumen = LumenLevel(level, np.full(len(ARC), LUMEN_HU), noise_hu)
    found = taper(
        sections, lumen, end=OpenEnd(CAP_MM, -1, RADIUS_MM), sigma_mm=0.45, wall_mm=np.full(len(ARC), RADIUS_MM + 0.3)
    )
    assert found is not None
    return found


def test_a_faint_spot_hides_the_cap_where_the_picture_is_quiet():
    """90 HU above the lumen anywhere; ten times the noise of the axis where that is less."""
    assert not ended(0.0, 3.0).hidden
    assert ended(70.0, 3.0).hidden
    assert not ended(70.0, 12.0).hidden
    assert ended(130.0, 12.0).hidden
