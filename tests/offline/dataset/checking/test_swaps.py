import numpy as np

from offline.dataset.checking.shape import fit_shape
from offline.dataset.checking.swaps import exchanged, swapped

BODY = np.array([40, 20 - 10j, 20 + 10j, -40])


def frames(count, seed=0):
    rng = np.random.default_rng(seed)
    turn = np.exp(1j * rng.uniform(0, 2 * np.pi, count)) * rng.uniform(0.9, 1.1, count)
    jitter = rng.normal(0, 1, (count, 4)) + 1j * rng.normal(0, 1, (count, 4))
    return 100 + 100j + turn[:, None] * BODY + jitter


def swaps_of(places):
    shape = fit_shape(places, np.zeros(len(places), np.int64))
    return {frame for frame, _, _ in swapped(shape, places, [(1, 2)])}


def test_few_frames_tell_no_shape():
    assert fit_shape(frames(9), np.zeros(9, np.int64)) is None


def test_a_clean_animal_of_any_seed():
    for seed in range(20):
        assert swaps_of(frames(40, seed)) == set()


def test_every_fifth_frame_exchanged():
    places = frames(40)
    bad = list(range(0, 40, 5))
    places[bad] = exchanged(places[bad], [(1, 2)])
    assert swaps_of(places) == set(bad)


def test_sides_without_an_order_are_never_suspect():
    """Paws of an animal seen from its side: now one, now the other is in front."""
    places = frames(60)
    step = np.random.default_rng(5).normal(0, 15, 60)
    places[:, 1] = places.mean(axis=1) + step
    places[:, 2] = places.mean(axis=1) - step
    assert swaps_of(places) == set()
