"""Degrees of stenosis: of drawn tubes, of drawn vessels, and their categories."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import multivariate_normal

from recanal.core.curves import Centerline
from recanal.core.volume import Affine, Volume
from recanal.stenosis import Course, cad_rads_category, grade_courses
from recanal.stenosis.lumen import lumen_width, profile_misfits
from recanal.stenosis.off_lumen import drowned, is_dark, off_lumen
from recanal.stenosis.profile import cut_course
from recanal.stenosis.reference import healthy_taper, narrowings

LENGTH_MM = 80.0


def narrowed_mm(arc_mm: np.ndarray, percent: float, *, first: float = 35.0, last: float = 47.0) -> np.ndarray:
    """Radius of a tapering vessel with one narrowing of given degree, its shoulders 2 mm long."""
    healthy = 1.8 - 0.006 * arc_mm
    inside = np.clip(np.minimum(arc_mm - first, last - arc_mm) / 2.0, 0.0, 1.0)
    return healthy * (1.0 - percent / 100.0 * inside)


def drawn(percent: float, *, noise_hu: float = 20.0) -> Volume:
    """A straight vessel along z in fat: lumen 350 HU, wall and plaque 70 HU, blurred by 0.4 mm, on a 0.4 mm grid."""
    step, fine = 0.4, 2
    half = 30
    grid = (np.arange(-half * fine, half * fine) + 0.5) * step / fine
    x, y = np.meshgrid(grid, grid, indexing="ij")
    depth = np.hypot(x, y)
    arc = (np.arange(round(LENGTH_MM / step) * fine) + 0.5) * step / fine
    radius = narrowed_mm(arc, percent)
    outer = narrowed_mm(arc, 0.0) + 0.5
    hu = np.where(depth < radius[:, None, None], 350.0, np.where(depth < outer[:, None, None], 70.0, -90.0))
    hu = ndimage.gaussian_filter(hu, 0.4 / (step / fine))
    hu = hu.reshape(len(arc) // fine, fine, 2 * half, fine, 2 * half, fine).mean(axis=(1, 3, 5))
    hu += ndimage.gaussian_filter(np.random.default_rng(5).standard_normal(hu.shape), 0.7) * noise_hu * 3.1
    matrix = np.array(
        [[0, 0, step, -half * step + step / 2], [0, step, 0, -half * step + step / 2], [step, 0, 0, step / 2]]
    )
    affine = Affine(np.vstack([matrix, [0, 0, 0, 1]]))
    return Volume(np.rint(hu).astype(np.int16), affine, {})


def course(offset_mm: float = 0.0) -> Course:
    z = np.arange(2.0, LENGTH_MM - 2.0, 0.5)
    points = np.stack([np.full(len(z), offset_mm), np.zeros(len(z)), z], axis=1)
    return Course("RCA", "RCA", Centerline(points), start_mm=2.0, stretches=((0.0, 90.0, "mRCA"),))


@pytest.mark.parametrize("percent", [35.0, 50.0, 65.0, 80.0])
def test_a_known_stenosis_is_read_within_its_interval(percent: float) -> None:
    (grade,) = grade_courses(drawn(percent), (course(),))
    (found,) = grade.stenoses
    degree = found.diameter_percent
    assert degree.value == pytest.approx(percent, abs=9.0)
    assert degree.low <= percent <= degree.high
    assert abs(found.point_mm[2] - 41.0) < 5.0
    assert found.segment == "mRCA"
    assert found.reference_diameter_mm == pytest.approx(2 * (1.8 - 0.006 * 41.0), abs=0.25)
    assert found.judged
    assert not found.calcified


def test_area_stenosis_is_that_of_a_round_lumen() -> None:
    (grade,) = grade_courses(drawn(50.0), (course(),))
    degree, area = grade.stenoses[0].diameter_percent, grade.stenoses[0].area_percent
    for side in ("low", "value", "high"):
        left = 1.0 - getattr(degree, side) / 100.0
        assert getattr(area, side) == pytest.approx(100.0 * (1.0 - left * left))


def test_an_open_vessel_has_no_stenosis() -> None:
    (grade,) = grade_courses(drawn(0.0), (course(),))
    assert grade.stenoses == ()
    assert grade.worst is None
    assert grade.category == "0-1"
    assert grade.judged_mm > 60.0


def test_a_closed_stretch_is_not_graded() -> None:
    whole = course()
    shut = Course(whole.name, whole.vessel, whole.line, 2.0, closed_mm=((32.0, 48.0),), stretches=whole.stretches)
    (grade,) = grade_courses(drawn(80.0), (shut,))
    assert grade.stenoses == ()
    (whole_grade,) = grade_courses(drawn(80.0), (whole,))
    assert grade.judged_mm < whole_grade.judged_mm - 16.0


def test_nothing_is_graded_where_nothing_is_long_enough() -> None:
    short = Course("D1", "LAD", Centerline(np.array([[0.0, 0.0, 10.0], [0.0, 0.0, 20.0]])), start_mm=2.0)
    assert grade_courses(drawn(0.0), (short,)) == ()


def test_an_axis_in_fat_is_said_to_have_left_the_lumen() -> None:
    sections = cut_course(drawn(0.0), course(offset_mm=4.0))
    level = np.full(len(sections.line.points_mm), 350.0)
    assert off_lumen(sections, level, np.arange(40, 45))[0].startswith("not judged: no contrast on the axis")
    beside = cut_course(drawn(0.0), course(offset_mm=2.2))
    assert is_dark(off_lumen(sections, level, np.arange(40, 45)))
    assert off_lumen(beside, level, np.arange(40, 45))
    assert off_lumen(cut_course(drawn(0.0), course()), level, np.arange(40, 45)) == ()


@pytest.mark.parametrize(
    ("percent", "category"),
    [(25.0, "2"), (49.0, "2"), (50.0, "3"), (69.0, "3"), (70.0, "4A"), (99.0, "4A"), (100.0, "5")],
)
def test_categories_are_those_printed(percent: float, category: str) -> None:
    """Cury 2022: 25-49 % 2, 50-69 % 3, 70-99 % 4A, 100 % 5."""
    assert cad_rads_category(percent) == category


def test_the_left_main_counts_from_50_and_plaque_separates_0_from_1() -> None:
    assert cad_rads_category(50.0, left_main=True) == "4B"
    assert cad_rads_category(49.0, left_main=True) == "2"
    assert cad_rads_category(10.0) == "0-1"
    assert cad_rads_category(10.0, plaque=True) == "1"


def test_what_was_not_judged_is_not_clear() -> None:
    """Cury 2022: N where a segment cannot be judged and no stenosis of 50 % is known, beside one the modifier N."""
    assert cad_rads_category(10.0, judged=False) == "N"
    assert cad_rads_category(30.0, judged=False) == "N"
    assert cad_rads_category(50.0, judged=False) == "3/N"
    assert cad_rads_category(50.0, left_main=True, judged=False) == "4B/N"


def test_an_artery_of_which_a_millimetre_was_judged_is_not_called_clear() -> None:
    whole = course()
    named = Course(whole.name, whole.vessel, whole.line, 2.0, stretches=((0.0, 4.0, "LM"), (4.0, 90.0, "mRCA")))
    stem, rest = grade_courses(drawn(0.0), (named,))
    assert (stem.vessel, stem.hardly_judged, stem.category) == ("LM", True, "N")
    assert not rest.hardly_judged


def test_the_taper_does_not_follow_a_long_narrowing() -> None:
    arc = np.arange(0.0, 80.0, 0.5)
    radius = narrowed_mm(arc, 60.0, first=20.0, last=45.0)
    taper = healthy_taper(arc, radius, ())
    assert np.abs(taper - narrowed_mm(arc, 0.0)).max() < 0.15
    (found,) = narrowings(arc, radius, taper)
    assert found.sides_count == 2
    assert found.reference_mm == pytest.approx(1.8 - 0.006 * arc[found.narrowest_index], abs=0.06)


def test_the_taper_falls_in_a_step_at_a_fork() -> None:
    arc = np.arange(0.0, 60.0, 0.5)
    radius = np.where(arc <= 12.0, 2.3, 1.6 - 0.005 * (arc - 12.0))
    assert np.abs(healthy_taper(arc, radius, (12.0,)) - radius).max() < 0.15
    assert narrowings(arc, radius, healthy_taper(arc, radius, (12.0,))) == []


def test_the_width_of_a_blurred_disc_comes_back() -> None:
    """Profiles by direct summation over a fine grid, not by the formula of the model."""
    fine = np.arange(-5.0, 5.0, 0.05)
    x, y = np.meshgrid(fine, fine, indexing="ij")
    for radius in (0.5, 1.0, 1.6):
        depth = np.hypot(x, y)
        disc = np.where(depth < radius, 350.0, np.where(depth < radius + 0.6, 70.0, -60.0))
        shown = ndimage.gaussian_filter(disc, 0.4 / 0.05)
        middle = len(fine) // 2
        profile = np.interp(np.arange(0.0, 4.05, 0.1), fine[middle:], shown[middle, middle:])
        width = lumen_width(profile[None], np.array([350.0]), 0.4)
        assert width.radius_mm[0] == pytest.approx(radius, abs=0.1)
        assert 0.0 < width.sd_mm[0] < 0.2


def test_the_misfit_of_a_profile_is_that_of_its_normal_distribution():
    rng = np.random.default_rng(9)
    inner = np.sort(rng.uniform(0, 0.7, (2, 1, 6)))[:, :, ::-1]
    outer = np.clip(inner + rng.uniform(0, 0.3, (2, 3, 6)), 0, 1)
    seen, level = rng.normal(150, 90, (4, 6)), rng.normal(380, 20, 4)
    found = profile_misfits(seen, level, (inner, outer), 380.0)
    for k, w, n in np.ndindex(2, 3, 4):
        parts = (35.0 * (outer[k, w] - inner[k, 0]), 90.0 * (1 - outer[k, w]), 0.04 * 380.0 * inner[k, 0])
        spread = 14.0**2 * np.eye(6) + sum(np.outer(part, part) for part in parts)
        mean = level[n] * inner[k, 0] + 70.0 * (outer[k, w] - inner[k, 0]) - 30.0 * (1 - outer[k, w])
        expected = -2 * multivariate_normal(mean, spread).logpdf(seen[n]) - 6 * np.log(2 * np.pi)
        assert found[n, k, w] == pytest.approx(expected, rel=1e-9)


def test_a_taper_that_no_point_lies_near_is_still_a_taper():
    """Two calibres that alternate: the line between them is far from all points, and every weight falls to nothing."""
    arc = np.arange(40) * 0.5
    taper = healthy_taper(arc, np.where(np.arange(40) % 2, 0.4, 3.0), ())
    assert np.isfinite(taper).all()
    assert ((taper > 0.4) & (taper < 3.0)).all()


@pytest.mark.parametrize(("noise_hu", "told"), [(0.0, False), (30.0, False), (90.0, True)])
def test_a_narrowing_in_contrast_that_drowns_in_noise_is_not_judged(noise_hu: float, told: bool) -> None:
    sections = cut_course(drawn(60.0, noise_hu=noise_hu), course())
    level = np.full(len(sections.line.arc_mm), 350.0)
    assert bool(drowned(sections, level, np.arange(50, 100))) == told
    dim = np.full(len(level), 70.0 + 280.0 / 3)  # a third of the contrast in the noise that was borne above
    assert bool(drowned(sections, dim, np.arange(50, 100))) == (noise_hu > 0)
    assert drowned(sections, level, np.arange(50, 51)) == ()


def test_an_artery_of_which_a_narrowing_drowns_bears_n() -> None:
    (grade,) = grade_courses(drawn(60.0, noise_hu=90.0), (course(),))
    assert any("grain of noise" in flag for found in grade.stenoses for flag in found.flags)
    assert not any(found.judged for found in grade.stenoses)
    assert grade.category == "N"
