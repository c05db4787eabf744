"""The simulated angiogram: sides, sizes, and that it can be drawn."""

import io

import numpy as np
import pytest
from PIL import Image

from recanal.angiography.picture import PIXEL_MM, simulate
from recanal.angiography.plan import describe_view, plan_views
from recanal.angiography.scene import BONE, VESSEL, Scene, without_target
from recanal.core.curves import Centerline, Contours, frames
from recanal.core.volume import Affine
from recanal.report.angle_picture import angiogram_png, angle_figures, angle_map_png

VIEWS = [(0.0, 0.0), (-40.0, 20.0), (60.0, -30.0)]


@pytest.fixture(scope="module")
def contours():
    line = Centerline(np.linspace([0, 0, 30], [0, 0, -30], 121))
    _, normals, binormals = frames(line)
    lumen = np.where(np.abs(line.points_mm[:, 2:]) < 10, 0.0, 1.5) * np.ones((1, 32))
    return Contours(line, normals, binormals, lumen, np.full_like(lumen, 2.0), np.ones_like(lumen, dtype=bool))


@pytest.fixture(scope="module")
def scene(scene_of):
    return scene_of(
        {
            VESSEL: lambda x, y, z: (x - 30) ** 2 + (y + 5) ** 2 + (z - 20) ** 2 <= 4**2,  # to the left, and up
            BONE: lambda x, y, z: (x + 20) ** 2 + (y - 50) ** 2 + 0 * z <= 8**2,  # to the right, behind
        }
    )


def picture(scene, contours, angles):
    curve = contours.line.at(np.linspace(20, 40, 41))
    others = without_target(scene, contours.line.points_mm, 3.0)
    view = describe_view(curve, others, angles)
    return simulate(view, curve, contours, scene=scene, others=others)


def centre(path):
    """Row and column of the centre of mass, from the middle of the picture, in mm."""
    rows, columns = np.indices(path.shape)
    middle = (np.array(path.shape) - 1) / 2
    return (np.array([(rows * path).sum(), (columns * path).sum()]) / path.sum() - middle) * PIXEL_MM


def test_at_ap_the_left_is_on_the_right_and_the_head_is_up(scene, contours):
    row, column = centre(picture(scene, contours, (0.0, 0.0)).vessels_mm)
    assert (row, column) == pytest.approx((-20, 30), abs=0.5)


@pytest.mark.parametrize(("primary", "column_mm"), [(0, -20), (-45, -14.14 - 35.36), (60, -10 + 43.3)])
def test_rao_moves_the_spine_to_the_left_and_lao_to_the_right(scene, contours, primary, column_mm):
    image = picture(scene, contours, (float(primary), 0.0))
    assert centre(image.bone_mm)[1] == pytest.approx(column_mm, abs=1.0)


@pytest.mark.parametrize("angles", VIEWS)
def test_the_path_through_the_lumen_adds_up_to_its_volume(scene, contours, angles):
    image = picture(scene, contours, angles)  # 82 open sections of 0.5 mm
    assert image.target_mm.sum() * PIXEL_MM**2 == pytest.approx(np.pi * 1.5**2 * 82 * 0.5, rel=0.001)


def test_the_occlusion_ends_where_its_caps_are(scene, contours):
    image = picture(scene, contours, (0.0, 40.0))
    overlays = {overlay.role: overlay.row_column for overlay in image.overlays}
    middle = (image.target_mm.shape[0] - 1) / 2
    height = 10 * np.cos(np.radians(40)) / PIXEL_MM
    assert overlays["proximal_cap"][0] == pytest.approx((middle - height, middle), abs=1e-6)
    assert overlays["distal_cap"][0] == pytest.approx((middle + height, middle), abs=1e-6)


def test_contrast_of_the_chambers_is_taken_out(contours):
    hu = np.full((61, 61, 61), 400, dtype=np.float32)
    box = Scene(hu, np.zeros(hu.shape, np.uint8), Affine.from_spacing((1.0, 1.0, 1.0), (-30, -30, -30)), VESSEL)
    image = picture(box, contours, (0.0, 0.0))
    half = image.tissue_mm.shape[0] // 2
    assert image.tissue_mm[half, half] == pytest.approx(61 * 1.06, rel=0.02)


@pytest.mark.parametrize("angles", VIEWS)
def test_it_is_drawn_dark_where_the_lumen_is(scene, contours, angles):
    image = picture(scene, contours, angles)
    drawn = Image.open(io.BytesIO(angiogram_png(image)))
    assert drawn.size == (440, 440)
    light = np.asarray(drawn.convert("L").resize(image.target_mm.shape), dtype=float)
    inside = image.target_mm > 2.0
    inside[:40] = inside[-40:] = False  # the name of the view and the ruler
    assert light[inside].mean() < light[image.target_mm == 0].mean() - 60


def test_all_figures_of_a_lesion_are_named(scene, contours):
    curve = contours.line.at(np.linspace(20, 40, 41))
    others = without_target(scene, contours.line.points_mm, 3.0)
    plan = plan_views(curve, others)
    images = [simulate(view, curve, contours, scene=scene, others=others) for view in plan.views]
    figures = angle_figures("L2", images, plan.angle_map)
    assert list(figures) == ["figures/L2_view_1.png", "figures/L2_view_2.png", "figures/L2_angles.png"]
    assert Image.open(io.BytesIO(figures["figures/L2_angles.png"])).size == (560, 440)
    assert figures["figures/L2_angles.png"] == angle_map_png(plan.angle_map, plan.views)
    assert figures["figures/L2_angles.png"] != angle_map_png(plan.angle_map, plan.views[:1])
