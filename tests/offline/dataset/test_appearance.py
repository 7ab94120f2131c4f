import numpy as np

from offline.dataset.appearance import by_appearance, thumbnail


def test_a_thumbnail_is_the_mean_of_blocks():
    frame = np.zeros((64, 128), np.uint8)
    frame[:32, :64] = 200
    small = thumbnail(frame, 32)
    assert small.shape == (16, 32)
    assert (small[:8, :16] == 200).all()
    assert (small[8:] == 0).all()
    colour = np.stack([frame, frame, frame], axis=2)
    assert np.allclose(thumbnail(colour, 32), small)
    assert thumbnail(frame[:5, :7]).shape == (5, 7)


def test_one_of_each_kind_before_a_second_of_any():
    random = np.random.default_rng(1)
    kind = np.repeat([0, 1, 2], [40, 15, 5])
    looks = random.normal(0, 1, (3, 8, 8)) * 50
    pictures = (looks[kind] + random.normal(0, 1, (60, 8, 8))).astype(np.float32)
    order, share = by_appearance(pictures, 3, seed=0)
    assert sorted(order) == list(range(60))
    assert list(kind[order[:3]]) == [0, 1, 2], "the largest first"
    assert np.allclose(share[:3], (40 / 60, 15 / 60, 5 / 60))
    again, _ = by_appearance(pictures, 3, seed=0)
    assert np.array_equal(order, again)


def test_fewer_pictures_than_clusters():
    order, _ = by_appearance(np.zeros((2, 4, 4), np.float32), 5, seed=0)
    assert sorted(order) == [0, 1]
