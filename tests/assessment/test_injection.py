"""Injected spots: where they are put, what they add to the image, and what counts as found."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from localbg.assessment import background_map, injection
from localbg.assessment.injection import inject_spots, match_recovered

CONTRASTS = list(np.geomspace(1, 64, 7))


def surveyed(seed=0, shape=(160, 160), rise=0.0):
    rng = np.random.default_rng(seed)
    below = 100 + rise * (np.indices(shape)[1] >= shape[1] // 2)
    return background_map.map_background((below + rng.normal(0, 5, shape)).astype(np.float32), 3)


def chosen(found, each=8, seed=1, **options):
    return injection.choose_spots(found, CONTRASTS, each, 3, np.random.default_rng(seed), **options)


def test_an_injected_spot_is_where_it_is_said_as_high_and_as_wide():
    added = inject_spots(np.zeros((41, 43), np.float32), [(20.25, 17.5)], [80.0], 2.0)
    rows, columns = np.indices(added.shape)
    y, x = (added * rows).sum() / added.sum(), (added * columns).sum() / added.sum()
    assert (y, x) == pytest.approx((20.25, 17.5), abs=1e-3)
    assert added[20, 17] == pytest.approx(80 * np.exp(-(0.25**2 + 0.5**2) / 8), rel=1e-6)
    assert added.sum() == pytest.approx(80 * 2 * np.pi * 4, rel=1e-4)
    assert (added * (rows - y) ** 2).sum() / added.sum() == pytest.approx(4, rel=1e-3)


def test_spots_add_up_and_are_cut_off_at_the_border():
    both = inject_spots(np.zeros((30, 30), np.float32), [(0, 0), (3, 2)], [10, 20], 1.5)
    apart = sum(
        inject_spots(np.zeros((30, 30), np.float32), [place], [amplitude], 1.5)
        for place, amplitude in (((0, 0), 10), ((3, 2), 20))
    )
    np.testing.assert_allclose(both, apart, rtol=1e-6)


def test_integers_are_rounded_and_cut_off_and_never_wrap_around():
    bright = inject_spots(np.full((21, 21), 200, np.uint8), [(10, 10)], [100], 2)
    assert (bright.dtype, bright[10, 10], bright[0, 0]) == (np.uint8, 255, 200)
    dark = inject_spots(np.full((21, 21), 50, np.uint8), [(10, 10)], [100], 2, polarity="dark")
    assert (dark[10, 10], dark[0, 0]) == (0, 50)


def test_a_known_gain_brings_the_noise_of_photons():
    places = [(y, x) for y in range(10, 190, 20) for x in range(10, 190, 20)]
    rng = np.random.default_rng(0)
    image = np.zeros((200, 200), np.float32)
    peaks = inject_spots(image, places, [400.0] * 81, 2.0, gain=4, rng=rng)[10:190:20, 10:190:20]
    assert peaks.mean() == pytest.approx(400, rel=0.03)
    assert peaks.var() == pytest.approx(4 * 400, rel=0.5)


def test_spots_keep_clear_of_the_images_own_and_of_each_other():
    places = [(40.0, 40.0), (100.0, 120.0)]
    pixels = np.random.default_rng(0).normal(100, 5, (160, 160))
    found = background_map.map_background(
        inject_spots(pixels.astype(np.float32), places, [200, 200], 2), 3
    )
    synthetic = chosen(found)
    assert len(synthetic.places) == 56
    nearest = cKDTree(places).query(synthetic.places)[0]
    assert nearest.min() > injection.CLEAR_OF_SPOTS * 3 - 2
    for number in range(synthetic.rounds.max() + 1):
        together = synthetic.places[synthetic.rounds == number]
        if len(together) > 1:
            apart = cKDTree(together).query(together, k=2)[0][:, 1]
            assert apart.min() >= injection.CLEAR_OF_INJECTED * 3


def test_heights_are_multiples_of_the_noise_around_and_each_contrast_has_its_number():
    found = surveyed()
    synthetic = chosen(found)
    pixels = tuple(np.rint(synthetic.places).astype(int).T)
    np.testing.assert_allclose(synthetic.amplitudes, synthetic.contrasts * found.noise[pixels])
    steps = np.log(synthetic.contrasts / CONTRASTS[0]) / np.log(2)
    assert np.bincount(np.rint(steps).astype(int)).tolist() == [8] * 7
    assert np.abs(steps - np.rint(steps)).max() < 0.5


def test_half_of_the_spots_go_by_area_and_half_by_level():
    synthetic = chosen(surveyed(rise=100.0), each=60)
    right = np.mean(synthetic.places[:, 1] > 80)
    # By area half of them are on the bright side, by level all.
    assert right == pytest.approx(0.75, abs=0.06)


def test_the_same_seed_injects_the_same_and_another_one_others():
    found = surveyed()
    np.testing.assert_array_equal(chosen(found).places, chosen(found).places)
    assert not np.array_equal(chosen(found).places, chosen(found, seed=2).places)


def test_what_the_type_would_cut_off_is_not_injected():
    found = surveyed()
    synthetic = chosen(found, headroom=50.0)
    assert 0 < synthetic.amplitudes.max() <= 50
    assert len(synthetic.places) < len(chosen(found).places)
    eight_bit = np.full((160, 160), 200, np.uint8)
    room = injection.headroom(
        eight_bit, background_map.map_background(eight_bit, 3, grey_step=1), "bright"
    )
    np.testing.assert_array_equal(room, 55)


@pytest.mark.parametrize("shape", [(4, 4), (80, 80)])
def test_without_room_or_noise_nothing_is_injected(shape):
    found = background_map.map_background(np.full(shape, 7, np.float32), 3)
    assert len(chosen(found).places) == 0


def test_an_injected_spot_that_was_there_before_is_not_found():
    synthetic = [(10.0, 10.0), (30.0, 30.0), (50.0, 50.0)]
    before = [(10.4, 10.0), (70.0, 70.0)]
    found = [(70.0, 70.0), (10.4, 10.0), (30.0, 31.0)]
    pairs, distances = match_recovered(synthetic, found, before, 3)
    assert pairs.tolist() == [[1, 2]]
    assert distances.tolist() == [1.0]


def test_a_second_spot_beside_one_that_was_there_is_found():
    pairs, _ = match_recovered([(10.0, 10.0)], [(10.4, 10.0), (9.0, 9.0)], [(10.4, 10.0)], 3)
    assert pairs.tolist() == [[0, 1]]


def test_nothing_is_found_beyond_the_tolerance_or_where_nothing_is():
    assert match_recovered([(10.0, 10.0)], [(10.0, 13.1)], [], 3)[0].shape == (0, 2)
    assert match_recovered([(10.0, 10.0)], [], [], 3)[0].shape == (0, 2)
