"""What automatic mode says of pictures that show no heart."""

import numpy as np
import pytest

from recanal.anatomy.tree import find_tree
from recanal.closures.narrowings import total_prob
from recanal.core.volume import Affine, Volume
from recanal.pipeline import automatic, measure_automatic
from recanal.pipeline.unsearched import REASON


def block_of(hu, step_mm=2.0):
    noise = np.random.default_rng(2).normal(hu, 10, (40, 64, 64))
    return Volume(noise.astype(np.int16), Affine.from_spacing((step_mm, step_mm, step_mm)))


@pytest.mark.parametrize("hu", [40, -900])
def test_a_picture_without_an_aorta_is_doubted(hu):
    tree = find_tree(block_of(hu))
    assert tree.doubts == ("the ascending aorta was not found: is the heart in view?",)
    assert tree.dominance is None
    assert tree.vessel_tree().segments == ()


def test_the_result_says_so_and_is_not_to_be_trusted():
    result = measure_automatic(block_of(40, 1.5))
    assert not result.quality.usable
    assert "the ascending aorta was not found: is the heart in view?" in result.quality.flags
    assert result.lesions == ()
    assert result.findings_of is None
    assert result.tree.segments == ()


@pytest.mark.parametrize("step_mm", [1.7, 9.0])
def test_no_vessel_is_searched_for_where_the_sampling_alone_makes_the_picture_not_usable(step_mm, monkeypatch):
    monkeypatch.delattr(automatic, "TreeSearch")
    result = measure_automatic(block_of(40, step_mm))
    assert not result.quality.usable
    assert result.quality.reasons[0].startswith(f"coarse sampling: {step_mm:.2f} mm between slices or pixels")
    assert REASON in result.quality.reasons
    assert REASON in result.quality.flags
    assert "thinner slices" in REASON
    assert (result.lesions, result.tree.segments, result.stenosis, result.findings_of) == ((), (), (), None)


def test_two_tubes_without_a_ventricle_are_doubted():
    x, y, _ = np.meshgrid(*(2.0 * np.arange(n) for n in (80, 80, 60)), indexing="ij")
    hu = np.full(x.shape, 40.0)
    hu[np.hypot(x - 70, y - 60) < 15] = 400
    hu[np.hypot(x - 90, y - 120) < 12] = 400
    hu += np.random.default_rng(0).normal(0, 8, x.shape)
    tree = find_tree(Volume(hu.astype(np.int16), Affine.from_spacing((2.0, 2.0, 2.0))))
    assert tree.ascending is not None
    assert tree.doubts == ("no left ventricle was found below the aorta",)


def test_the_less_contrast_is_left_the_likelier_is_a_total_occlusion():
    shares = [total_prob(share) for share in (-0.1, 0.2, 0.38, 0.6, 2.5)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.99
    assert shares[2] == pytest.approx(0.5)
    assert shares[-1] < 0.01
