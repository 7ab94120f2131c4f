import numpy as np
import pytest

from inference.convert.parity import compare


class Fixed:
    """Says the same of every frame, but for what is added."""

    name, sha256, bodyparts, provider = "fixed", "0" * 64, ("a", "b"), "test"

    def __init__(self, add=lambda frame: 0.0):
        self.add = add
        self.warmed = []

    def warm_up(self, height, width, channels):
        self.warmed.append((height, width, channels))

    def infer(self, frame):
        pose = np.array([[10, 20, 0.5], [30, 40, 0.75]], np.float32)
        return pose + np.float32(self.add(frame))

    def close(self):
        pass


def frames(*shapes):
    return [np.full(shape, k, np.uint8) for k, shape in enumerate(shapes)]


def test_the_same_is_the_same():
    parity = compare(Fixed(), Fixed(), frames((8, 8), (8, 8)))
    assert (parity.max_px, parity.median_px, parity.max_likelihood) == (0, 0, 0)
    assert parity.frames == 2


def test_the_worst_counts_and_is_named():
    def late(frame):
        return np.array([[3, 4, 0], [0, 0, 0.1]]) if frame.max() == 2 else 0

    seen = []
    parity = compare(
        Fixed(),
        Fixed(late),
        frames((8, 8), (8, 8), (8, 8), (6, 4)),
        lambda: seen.append(1),
    )
    large, small = parity.sizes
    assert (large.size, large.frames, small.size, small.frames) == ("8x8", 3, "4x6", 1)
    assert large.max_px == 5
    assert large.worst_frame == 2
    assert large.median_px == 0
    assert large.max_likelihood == pytest.approx(0.1)
    assert small.max_px == 0
    assert parity.max_px == 5
    assert len(seen) == 4


def test_each_size_is_warmed_up_once():
    ours = Fixed()
    compare(Fixed(), ours, frames((8, 8), (6, 4, 3), (8, 8), (6, 4, 3)))
    assert ours.warmed == [(8, 8, 1), (6, 4, 3)]


def test_what_is_not_finite_is_no_parity():
    parity = compare(
        Fixed(), Fixed(lambda f: np.nan if f.max() else 0), frames((8, 8), (8, 8))
    )
    assert not parity.max_px <= 0.1
