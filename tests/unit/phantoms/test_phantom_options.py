"""What can be asked of a phantom, and how the answer is refused."""

from dataclasses import fields, replace

import pytest

from recanal.errors import OptionError
from recanal.phantoms import PhantomOptions, draw_options
from recanal.phantoms.options import CHOICES, RANGES, resolve_options, stream


@pytest.mark.parametrize("name", sorted(RANGES))
def test_a_number_outside_its_range_is_refused_by_name_and_range(name):
    low, high = RANGES[name]
    for bad in (low - 0.01, high + 0.01, float("nan"), "3", True):
        with pytest.raises(OptionError) as caught:
            PhantomOptions(**{name: bad})
        assert name in str(caught.value)
        assert f"[{low:g}, {high:g}]" in str(caught.value)
    assert getattr(PhantomOptions(**{name: high}), name) == high


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_an_unknown_choice_is_refused_with_the_known_ones(name):
    with pytest.raises(OptionError) as caught:
        PhantomOptions(**{name: "marble"})
    assert name in str(caught.value)
    assert all(str(choice) in str(caught.value) for choice in CHOICES[name])


@pytest.mark.parametrize("mix", [(1.0, 1.0), (-1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (float("nan"), 1.0, 1.0)])
def test_a_plaque_mix_must_be_three_weights(mix):
    with pytest.raises(OptionError, match="plaque_mix must be three weights"):
        PhantomOptions(plaque_mix=mix)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (9.0, 0.0, 0.0), (float("inf"), 0.0, 0.0)])
def test_a_grid_shift_must_be_three_small_numbers(shift):
    with pytest.raises(OptionError, match=r"grid_shift_mm must be three numbers in \[-5, 5\]"):
        PhantomOptions(grid_shift_mm=shift)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "7"])
def test_a_seed_must_be_a_whole_number(seed):
    with pytest.raises(OptionError, match="seed must be a whole number"):
        draw_options(seed)


def test_a_seed_always_draws_the_same_options_and_another_seed_others():
    assert draw_options(3) == draw_options(3)
    assert draw_options(3) != draw_options(4)


def test_every_parameter_that_may_be_drawn_varies_and_nothing_stays_open():
    drawn = [draw_options(seed) for seed in range(200)]
    fixed = {"occlusion", "extent", "margin_mm", "grid_shift_mm", "noise_seed", "step_mm"}
    fixed |= {"tree", "dominance", "ramus", "calcium_elsewhere", "stent", "collateral", "collateral_diameter_mm"}
    for field in fields(PhantomOptions):
        values = {str(getattr(options, field.name)) for options in drawn}
        assert (len(values) > 1) == (field.name not in fixed), field.name
        assert field.name == "noise_seed" or "None" not in values, field.name
    assert {options.vessel for options in drawn} == set(CHOICES["vessel"])
    assert {options.calcium for options in drawn} == set(CHOICES["calcium"])
    assert all(250 <= options.lumen_hu <= 550 for options in drawn)
    assert all(12 <= options.noise_hu <= 35 for options in drawn)


def test_what_is_given_is_kept_and_does_not_change_the_other_draws():
    free = resolve_options(PhantomOptions(), 11)
    fixed = resolve_options(PhantomOptions(noise_hu=13.0), 11)
    assert fixed == replace(free, noise_hu=13.0)


def test_a_lower_tube_voltage_gives_brighter_contrast():
    low, high = (resolve_options(PhantomOptions(kvp=kvp), 21).lumen_hu for kvp in (80, 120))
    assert low > 1.2 * high


def test_an_ambiguous_cap_without_calcium_gets_a_branch_to_hide_it():
    options = PhantomOptions(proximal_cap="ambiguous", calcium="none")
    assert all(resolve_options(options, seed).side_branch_at_cap for seed in range(20))


def test_streams_of_one_seed_differ():
    assert stream(5, 1).random() != stream(5, 2).random()
    assert stream(5, 1).random() == stream(5, 1).random()
