"""Thin tracks between two drawn arteries."""

import numpy as np
import pytest
from scipy import ndimage

from recanal.collaterals import MARK, NONE_VISIBLE, Bed, DonorLine, supply_of
from recanal.core.volume import Affine, Volume

SIZE_MM, STEP_MM = 48.0, 0.4


def between(a: tuple[float, ...], b: tuple[float, ...]) -> np.ndarray:
    share = np.linspace(0.0, 1.0, 80)[:, None]
    return (1 - share) * np.asarray(a) + share * np.asarray(b)


DONOR = between((10.0, 24.0, 4.0), (10.0, 24.0, 44.0))
TARGET = between((36.0, 24.0, 4.0), (36.0, 24.0, 44.0))
JOINED = between((10.0, 24.0, 20.0), (36.0, 24.0, 28.0))


def drawn(diameter_mm: float) -> Volume:
    """Two arteries of 2.6 mm in fat, 350 HU, and between them one of a given lumen; blurred by 0.4 mm, noise 15 HU."""
    count = round(SIZE_MM / STEP_MM)
    across = ((np.arange(count) + 0.5) * STEP_MM).astype(np.float32)
    places = np.stack(np.meshgrid(across, across, across, indexing="ij"), axis=-1)
    cover = np.zeros(places.shape[:3], dtype=np.float32)
    for axis, radius in ((DONOR, 1.3), (TARGET, 1.3), (JOINED, diameter_mm / 2)):
        start, along = axis[0].astype(np.float32), (axis[-1] - axis[0]).astype(np.float32)
        share = np.clip(((places - start) @ along) / float(along @ along), 0.0, 1.0)
        gap = np.linalg.norm(places - start - share[..., None] * along, axis=-1)
        if radius > 0:
            cover = np.maximum(cover, np.clip(0.5 - (gap - radius) / STEP_MM, 0.0, 1.0))
    hu = -90.0 + 440.0 * ndimage.gaussian_filter(cover, 0.4 / STEP_MM)
    noise = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(hu.shape), 0.7)
    hu += 15.0 * noise / noise.std()
    affine = Affine.from_spacing((STEP_MM,) * 3, np.full(3, STEP_MM / 2))
    return Volume(np.rint(hu).astype(np.int16), affine, {})


def bed() -> Bed:
    return Bed("LAD", TARGET, (DonorLine("RCA", "RCA", DONOR),))


@pytest.mark.parametrize("diameter_mm", [1.6])
def test_a_drawn_connection_is_found_with_its_calibre(diameter_mm: float) -> None:
    (found,) = supply_of(drawn(diameter_mm), "L1", bed(), ()).connections
    assert found.donor == "RCA"
    assert found.course == "epicardial"
    assert found.mark == "seen on CT, not proof of flow" == MARK
    assert found.calibre_mm == pytest.approx(diameter_mm, abs=0.35)
    assert 20.0 < found.length_mm < 27.3
    assert 1.0 <= found.tortuosity_ratio < 1.15
    off = np.abs(np.asarray(found.points_mm)[:, 1] - 24.0)
    assert off.max() < 1.0


def test_nothing_is_claimed_where_nothing_is_seen() -> None:
    supply = supply_of(drawn(0.0), "L1", bed(), ())
    assert supply.connections == ()
    assert supply.remark == NONE_VISIBLE
    assert [donor.vessel for donor in supply.donors] == ["RCA", "LCX"]


def test_without_a_bed_nothing_is_looked_for() -> None:
    supply = supply_of(drawn(0.0), "L1", Bed("LAD", np.zeros((0, 3)), bed().donors), ())
    assert supply.connections == ()
    assert supply.remark.startswith("not looked for: less than 8 mm")
