"""Chambers, bone and vessels told apart in a drawn chest."""

import numpy as np
import pytest

from recanal.angiography.coarse import coarse_grid
from recanal.angiography.scene import BONE, HEART, VESSEL, read_scene
from recanal.core.volume import Affine, Volume

STEP = np.array([0.8, 0.6, 0.6])  # z, y, x


def drawn_chest() -> Volume:
    """Fat with a chamber, a vertebra with a bright shell, a rib, a coronary artery, and a lung vessel; z, y, x."""
    shape = (100, 220, 240)
    z, y, x = (
        np.ogrid[tuple(slice(0, n) for n in shape)][axis] * STEP[axis] - STEP[axis] * (shape[axis] - 1) / 2
        for axis in range(3)
    )
    hu = np.full(shape, -80.0)
    everywhere = np.ones(shape, dtype=bool)
    hu[(x < -40) & everywhere] = -850  # lung
    hu[(x + 50) ** 2 + y**2 + 0 * z <= 2.0**2] = 400  # its vessel
    hu[(x - 10) ** 2 + (y + 10) ** 2 + z**2 <= 20**2] = 390  # chamber
    spine = x**2 + (y - 45) ** 2 + 0 * z
    hu[spine <= 15**2] = 550
    hu[spine <= 12.5**2] = 190
    rib = (y + 55) ** 2 + z**2 + 0 * x
    hu[(rib <= 6**2) & (x > -30)] = 560
    hu[(rib <= 4**2) & (x > -30)] = 150
    hu[(x - 45) ** 2 + (y + 10) ** 2 + 0 * z <= 1.6**2] = 380  # coronary artery
    noise = np.random.default_rng(5).normal(0, 15, shape)
    matrix = np.zeros((4, 4))
    matrix[[2, 1, 0], [0, 1, 2]] = STEP
    matrix[:3, 3] = -(STEP * (np.array(shape) - 1) / 2)[::-1]
    matrix[3, 3] = 1
    return Volume((hu + noise).astype(np.int16), Affine(matrix))


@pytest.fixture(scope="module")
def chest():
    return drawn_chest()


@pytest.fixture(scope="module")
def scene(chest):
    return read_scene(chest, [[45.0, -10, 0]], blood_hu=390)


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ((10, -10, 0), HEART),
        ((10, -26, 5), HEART),
        ((0, 45, 10), BONE),  # marrow
        ((0, 31.5, -10), BONE),  # shell
        ((20, -55, 0), BONE),  # inside of the rib
        ((45, -10, 20), VESSEL),
        ((45, -10, -20), VESSEL),
        ((-50, 0, 10), 0),  # a vessel of the lung
        ((35, 20, 0), 0),  # fat
    ],
)
def test_each_part_is_what_was_drawn(scene, point, code):
    index = tuple(np.round(scene.affine.to_index(point)[0]).astype(int))
    assert scene.codes[index] == code


def test_sizes_are_about_those_drawn(scene):
    litres = {code: float(((scene.codes & code) > 0).sum()) for code in (VESSEL, BONE, HEART)}
    height = 80.0
    assert litres[HEART] == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.15)
    assert litres[BONE] == pytest.approx(np.pi * 15**2 * height + np.pi * 6**2 * 102, rel=0.25)
    assert litres[VESSEL] == pytest.approx(np.pi * 1.6**2 * height, rel=0.6)
    assert scene.found == VESSEL | BONE | HEART


def test_what_the_ct_does_not_show_is_said(chest):
    hu = np.array(chest.hu)
    hu[:, 140:, :] = -80  # no spine
    hu[:, :40, :] = -80  # no rib
    assert read_scene(Volume(hu, chest.affine), [[45.0, -10, 0]], blood_hu=390).found == VESSEL | HEART


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(0,), (1, 2)])
def test_the_scene_does_not_depend_on_how_the_volume_is_stored(chest, scene, axes, flips):
    hu = np.array(chest.hu)
    matrix = chest.affine.matrix.copy()
    for axis in flips:
        matrix[:3, 3] += matrix[:3, axis] * (hu.shape[axis] - 1)
        matrix[:3, axis] *= -1
        hu = np.flip(hu, axis)
    stored = Volume(np.ascontiguousarray(hu.transpose(axes)), Affine(matrix[:, [*axes, 3]]))
    other = read_scene(stored, [[45.0, -10, 0]], blood_hu=390)
    np.testing.assert_allclose(other.affine.matrix, scene.affine.matrix, atol=1e-9)
    assert np.array_equal(other.codes, scene.codes)


def test_a_cell_is_the_mean_of_its_voxels():
    hu = np.random.default_rng(1).integers(-500, 500, (40, 48, 44)).astype(np.int16)
    volume = Volume(hu, Affine.from_spacing((0.5, 0.5, 0.5), (0.25, -3.75, 7.25)))
    block = coarse_grid(volume, np.array([[-100.0] * 3, [100.0] * 3]), step_mm=1.0)
    # cells of 1 mm around whole millimetres hold the voxels at -0.25 and +0.25 mm of each axis
    start = np.round(block.affine.matrix[:3, 3] - [0.25, -3.75, 7.25] - 0.25, 6) / 0.5
    inner = block.hu[:15, :15, :15]
    cut = hu[tuple(slice(int(s), int(s) + 30) for s in start)]
    assert inner == pytest.approx(cut.reshape(15, 2, 15, 2, 15, 2).mean(axis=(1, 3, 5)), abs=1e-3)


def test_thick_slices_are_interpolated():
    index = np.arange(12.0)[:, None, None]
    volume = Volume((100 * index + np.zeros((12, 30, 30))).astype(np.float32), Affine.from_spacing((3.0, 0.5, 0.5)))
    block = coarse_grid(volume, np.array([[-9.0] * 3, [90.0] * 3]), step_mm=1.0)
    along = block.affine.to_mm(np.argwhere(np.ones((block.hu.shape[0], 1, 1))))[:, 0]
    assert block.hu[:, 5, 5] == pytest.approx(along * 100 / 3, abs=0.01)
