"""The glow of what is bright goes, and what lies beside it stays."""

import numpy as np
from scipy import ndimage

from recanal.grids.glow import without_glow

SIGMA = np.array([1.0, 0.9, 1.2])


def picture(*, lumen_hu, calcium_hu=900.0):
    """A straight lumen along the first axis with a plate of calcium beside it, 60 HU around both, blurred."""
    sharp = np.full((40, 30, 30), 60.0)
    sharp[:, 12:17, 12:17] = lumen_hu
    plain = ndimage.gaussian_filter(sharp, SIGMA)
    sharp[10:30, 17:20, 12:17] = calcium_hu
    return ndimage.gaussian_filter(sharp, SIGMA).astype(np.float32), plain.astype(np.float32)


def beside_the_plate(lumen_hu):
    """Where calcium is not seen itself, a voxel or two beside it: as shown, cleared, and without calcium."""
    shown, plain = picture(lumen_hu=lumen_hu)
    bright = shown > 480.0
    cleared = without_glow(shown, bright, sigma=SIGMA, ground_hu=60.0)
    beside = (slice(12, 28), slice(14, 17), slice(13, 16))
    seen = ~bright[beside]
    return [hu[beside][seen] for hu in (shown, cleared, plain)]


def test_the_glow_of_a_plate_goes():
    shown, cleared, plain = beside_the_plate(60.0)
    assert np.abs(shown - plain).mean() > 60.0
    assert np.abs(cleared - plain).mean() < 10.0


def test_a_lumen_beside_it_keeps_most_of_its_contrast():
    _, cleared, plain = beside_the_plate(350.0)
    assert (cleared - 60.0).mean() > 0.6 * (plain - 60.0).mean()


def test_far_from_it_nothing_changes_and_the_given_picture_stays():
    shown, _ = picture(lumen_hu=350.0)
    kept = shown.copy()
    cleared = without_glow(shown, shown > 480.0, sigma=SIGMA, ground_hu=60.0)
    np.testing.assert_array_equal(shown, kept)
    np.testing.assert_array_equal(cleared[:4], shown[:4])
    np.testing.assert_array_equal(cleared[:, :8], shown[:, :8])


def test_without_bright_voxels_it_is_the_same_picture():
    shown, _ = picture(lumen_hu=350.0)
    assert without_glow(shown, np.zeros(shown.shape, bool), sigma=SIGMA, ground_hu=60.0) is shown
