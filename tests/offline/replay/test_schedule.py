"""Which frames a network of some speed looks at, and when."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.eyes import Gathering
from offline.replay import recorded_session
from offline.replay.frames import Frames
from offline.replay.schedule import Habits, habits_of, schedule
from rig.messages import Frame, row_dtype
from rig.recording.reader import Recording

MS = 1_000_000
NONE = Habits(0, 0, 0)
HABITS = Habits(wake_ns=MS // 5, decide_ns=MS // 10, rest_ns=MS // 4)


def rows(arrivals_ms, late_ms=2.0):
    """Frames that were exposed some time before they came."""
    made = np.zeros(len(arrivals_ms), row_dtype(Frame))
    made["seq"] = made["frame_id"] = np.arange(len(made))
    made["host_ns"] = np.asarray(arrivals_ms) * MS
    made["exposure_ns"] = made["host_ns"] - late_ms * MS
    return made


def looks(planned, camera="left"):
    return [each.place for each in planned if each.camera == camera]


def test_a_quick_network_sees_every_frame_as_it_comes():
    found = schedule({"left": rows(range(10, 110, 10))}, 3 * MS, HABITS)
    assert looks(found) == list(range(10))
    first = found[0]
    assert first.dequeued_ns == 10 * MS + HABITS.wake_ns
    assert first.inferred_ns == first.dequeued_ns + 3 * MS
    assert first.host_ns == first.inferred_ns + HABITS.decide_ns


def test_a_slow_network_takes_the_newest_and_skips_those_before():
    found = schedule({"left": rows(range(10, 110, 10))}, 25 * MS, NONE)
    # at 10 ms, 35 ms, 60 ms (its own frame has just come), 85 ms, 110 ms
    assert looks(found) == [0, 2, 5, 7, 9]
    assert [each.dequeued_ns // MS for each in found] == [10, 35, 60, 85, 110]


def test_cameras_take_turns():
    found = schedule(
        {"left": rows(range(5, 205, 10)), "right": rows(range(5, 205, 10))},
        15 * MS,
        NONE,
    )
    cameras = [each.camera for each in found]
    assert cameras[:6] == ["left", "right"] * 3


def test_frames_of_one_moment_wait_for_one_another():
    gathering = Gathering(frozenset({"left", "right"}), 5 * MS)
    left, right = rows([10, 20, 30], 2.0), rows([12, 30.5], 4.0)
    right["exposure_ns"] = left["exposure_ns"][[0, 2]]
    found = schedule({"left": left, "right": right}, MS, NONE, gathering=gathering)
    assert [(each.camera, each.place, each.dequeued_ns / MS) for each in found] == [
        ("left", 0, 12),
        ("right", 0, 13),
        ("left", 1, 25),  # waited in vain
        ("right", 1, 30.5),  # looked at longest ago
        ("left", 2, 31.5),
    ]


def test_cameras_that_look_together():
    left = rows([10, 20, 30])
    found = schedule({"left": left, "right": left}, MS, NONE, together=True)
    assert [each.camera for each in found] == ["left", "right"] * 3
    for one, other in zip(found[::2], found[1::2], strict=True):
        assert one.dequeued_ns == other.dequeued_ns
        assert one.inferred_ns == other.inferred_ns


@given(
    gaps_ms=st.lists(st.integers(1, 30), min_size=1, max_size=40),
    network_ms=st.integers(0, 60),
    other_ms=st.lists(st.integers(1, 30), max_size=30),
)
def test_what_holds_of_every_schedule(gaps_ms, network_ms, other_ms):
    frames = {"left": rows(np.cumsum(gaps_ms)), "right": rows(np.cumsum(other_ms))}
    found = schedule(frames, network_ms * MS, HABITS)
    for before, after in pairwise(found):
        assert after.dequeued_ns == before.host_ns + HABITS.rest_ns or (
            after.dequeued_ns > before.host_ns
        )
    for camera, of_camera in frames.items():
        mine = looks(found, camera)
        assert mine == sorted(set(mine))
        assert not len(of_camera) or mine[-1] == len(of_camera) - 1
        for each in found:
            if each.camera == camera:
                arrived = of_camera["host_ns"] <= each.dequeued_ns
                assert each.place == np.flatnonzero(arrived)[-1]


def test_a_slower_network_looks_no_more_often():
    frames = {"left": rows(range(10, 1010, 10))}
    counts = [len(schedule(frames, ms * MS, HABITS)) for ms in (1, 5, 12, 40, 200)]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("habits", [HABITS, Habits(MS, 2 * MS, MS // 2)])
def test_habits_are_found_again_in_what_they_made(habits, live, tasks, tmp_path):
    folder = live(tasks.of(tasks.take_off()), seconds=2.2).write(tmp_path / "s")
    with Recording.open(folder) as recording:
        frames = Frames(recording, ["left", "right"])
        poses = recorded_session(recording).poses
    planned = schedule(frames.rows, 4 * MS, habits)
    made = {}
    for camera, each in poses.items():
        mine = [one for one in planned if one.camera == camera]
        rows = np.zeros(len(mine), each.rows.dtype)
        for name in ("dequeued_ns", "inferred_ns", "host_ns"):
            rows[name] = [getattr(one, name) for one in mine]
        made[camera] = replace(each, rows=rows)
    assert habits_of(made, frames.rows) == habits
    assert habits_of({}, frames.rows) == Habits()
