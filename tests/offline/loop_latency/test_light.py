"""Light and edges brought together, against a simulation that knows which is which."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.loop_latency.light import Fires, Pulses, answered
from sync.cues import Line

MS = 1_000_000
PERIOD, EXPOSURE = 10 * MS, 2 * MS


def world(seed, count=40, width=10 * MS):
    """Pulses far enough apart, frames, and what each of them shows."""
    rng = np.random.default_rng(seed)
    rise = 10**12 + 50 * MS + np.cumsum(rng.integers(45 * MS, 200 * MS, count))
    line = Line(rise, rise + width)
    frames = 10**12 + np.arange(int((rise[-1] - 10**12) / PERIOD) + 20) * PERIOD
    frames += rng.integers(-50_000, 50_000, len(frames))
    share = line.share(frames - EXPOSURE // 2, frames + EXPOSURE // 2)
    return rise, frames, share + rng.normal(0, 0.01, len(frames))


def loop(share, seed=0, threshold=0.3):
    """Fire on each frame that comes on; the edge some milliseconds later."""
    on = share > threshold
    frame = np.flatnonzero(on[1:] & ~on[:-1]) + 1
    later = np.random.default_rng(seed).integers(6 * MS, 20 * MS, len(frame))
    return frame, later


def fires(frame, edge, held=()):
    return Fires(np.array(frame, int), np.array(edge, int), np.array(held, int))


@given(st.integers(0, 10**6))
def test_every_light_has_its_edge(seed):
    rise, frames, share = world(seed)
    frame, later = loop(share, seed)
    edge = frames[frame] + later
    offset = 7 * 10**9  # edges are compared on a clock of their own
    found = answered(
        Pulses(rise, rise + offset), frames, share, fires(frame, edge + offset)
    )
    assert found.seen == found.pulses == len(rise)
    assert len(found.missed) == found.false == found.held_back == 0
    np.testing.assert_array_equal(found.light_to_edge_ns, edge - rise)
    np.testing.assert_array_equal(found.light_to_frame_ns, frames[frame] - rise)


@given(st.integers(0, 10**6), st.sets(st.integers(0, 39), min_size=1))
def test_what_is_not_answered_is_missed_or_held_back(seed, which):
    rise, frames, share = world(seed)
    frame, later = loop(share, seed)
    gone = sorted(which)
    left = np.delete(np.arange(len(frame)), gone)
    kept = fires(frame[left], (frames[frame] + later)[left])
    found = answered(Pulses(rise, rise), frames, share, kept)
    assert len(found.missed) == len(gone)
    assert len(found.light_to_edge_ns) == len(left)
    held = fires(kept.frame, kept.edge_ns, frame[gone])
    found = answered(Pulses(rise, rise), frames, share, held)
    assert (len(found.missed), found.held_back) == (0, len(gone))


def test_a_pulse_between_two_exposures_is_nobodys_fault():
    rise, frames, share = world(3, width=3 * MS)
    frame, later = loop(share)
    found = answered(
        Pulses(rise, rise), frames, share, fires(frame, frames[frame] + later)
    )
    assert 0 < found.seen < found.pulses
    assert not len(found.missed)


def test_a_fire_in_the_dark_is_false():
    rise, frames, share = world(4)
    frame, later = loop(share)
    dark = [k for k in range(5, len(share)) if (share[k - 3 : k + 3] < 0.1).all()][:3]
    both = np.sort(np.concatenate([frame, dark]))
    edge = frames[both] + 9 * MS
    found = answered(Pulses(rise, rise), frames, share, fires(both, edge))
    assert found.false == 3
    assert len(found.light_to_edge_ns) == len(frame)
    assert len(later) == found.seen


def test_light_that_no_pulse_made_is_not_the_lines():
    rise, frames, share = world(5, count=10)
    share[-6:-3] = 1.0  # the lamp in the room
    found = answered(Pulses(rise, rise), frames, share, fires([], []))
    assert found.seen == 10
    assert len(found.missed) == 10


def test_a_fire_without_an_edge_is_no_answer_and_no_miss():
    rise, frames, share = world(6)
    frame, _ = loop(share)
    found = answered(
        Pulses(rise, rise), frames, share, fires(frame, np.full(len(frame), -1))
    )
    assert len(found.missed) == len(found.light_to_edge_ns) == 0
    assert found.seen == len(rise)


@pytest.mark.parametrize("frames", [0, 1])
def test_nothing_recorded_is_nothing_seen(frames):
    found = answered(
        Pulses(np.array([5]), np.array([5])),
        np.arange(frames),
        np.ones(frames),
        fires([], []),
    )
    assert found.seen == found.false == 0
