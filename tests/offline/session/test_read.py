"""Windows of streams: their times, their values, and what is missing from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.alignment.layout import runs_of
from offline.alignment.result import NO_TIME
from offline.session import Session, stored
from rig.errors import SessionError


def _within(times, start_s, stop_s):
    timed = times[times != NO_TIME]
    start_ns = -(2**62) if start_s is None else round(1e9 * start_s)
    stop_ns = 2**62 if stop_s is None else round(1e9 * stop_s)
    return np.sort(timed[(timed >= start_ns) & (timed < stop_ns)])


WINDOWS = [
    (None, None),
    (2.0, 3.0),
    (None, 1.01),
    (6.9, None),
    (2.999, 3.007),  # the lost block
    (5.9, 6.6),  # the board begins anew
    (3.99, 4.01),  # and here another, a little back in time
    (100.0, 200.0),
    (0.0, 0.0),
]


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_holds_what_lies_in_it(session, world, window):
    for name, (times, *_) in world.aligned.items():
        found = session.times(name, *window)
        assert np.array_equal(found.time_ns, _within(times, *window)), name
        assert found.time_ns.dtype == np.int64
        assert (found.sd_ns == 1000).all()
        data = session.read(name, *window)
        assert np.array_equal(data.time_ns, found.time_ns)
        assert len(data.values) == len(data.present) == len(data) == len(found[0])


def test_a_window_begins_with_its_begin_and_ends_before_its_end(session, world):
    third, tenth = world.emg_ns[[2, 9]] / 1e9
    data = session.read("signals/daq/emg", third, tenth)
    assert data.time_ns.tolist() == world.emg_ns[2:9].tolist()
    assert data.element.tolist() == list(range(2, 9))


@pytest.mark.parametrize("window", [(3.0, 2.0), (float("nan"), 1.0), (0.0, np.inf)])
def test_a_window_that_is_none_is_refused(session, window):
    with pytest.raises(SessionError, match="Expected a window"):
        session.read("signals/daq/emg", *window)


def test_signals_are_in_physical_units(session, world):
    data = session.read("signals/daq/emg", 2.0, 2.5)
    assert data.units == ("uV", "uV")
    assert data.values.dtype == np.float64
    counts = np.rint(world.emg(data.time_ns))
    assert np.array_equal(data.values, counts * [0.5, 0.25])
    assert session.read("signals/daq/force", 1.0, 1.003).values.tolist() == [
        [0.0],
        [2.0],
        [4.0],
    ]


def test_poses_are_as_they_were_recorded(session, world):
    data = session["poses/left"]
    assert (data.channels, data.units) == (("nose", "hip", "toe"), ("px", "px", "1"))
    assert np.array_equal(data.values, world.keypoints(data.time_ns).astype("<f4"))


def test_a_lost_frame_keeps_its_place(session, world):
    data = session["cameras/left"]
    assert data.values.tolist() == world.frame_ids.tolist()
    assert np.flatnonzero(~data.present).tolist() == world.lost_ids.tolist()


def test_pictures_come_with_their_times_and_lost_ones_as_none(session, world):
    found = list(session.frames("left", 2.995, 3.045))
    ids = [199, 200, 201, 202, 203]
    assert [time_ns for time_ns, _ in found] == world.frame_ns[ids].tolist()
    assert [image is None for _, image in found] == [False, True, True, False, False]
    for number, (_, image) in zip(ids, found, strict=True):
        assert image is None or (image == number % 251).all()
    whole = [image for _, image in session.frames("cameras/left")]
    values = [-1 if image is None else int(image[0, 0]) for image in whole]
    wanted = np.where(
        np.isin(world.frame_ids, world.lost_ids), -1, world.frame_ids % 251
    )
    assert values == wanted.tolist()
    assert list(session.frames("idle")) == []


def test_pictures_are_read_in_batches_of_bounded_size(session, monkeypatch):
    monkeypatch.setattr("offline.session.pictures._BATCH_BYTES", 24 * 7)
    read = session.recording.payload
    sizes = []

    def spy(stream, start, stop):
        sizes.append(stop - start)
        return read(stream, start, stop)

    monkeypatch.setattr(session.recording, "payload", spy)
    assert len(list(session.frames("left"))) == 600
    assert max(sizes) == 7


def test_events_by_line_and_edge(session, world):
    rising = session.events("daq", line="laser", edge="rising")
    assert rising.time_s.tolist() == [2.0, 4.0]
    assert session.events("events/daq", line="laser").time_s.tolist() == [
        *world.laser_s
    ]
    triggers = session.events("daq", line="camera_trigger", start_s=2, stop_s=3)
    assert len(triggers) == 100
    assert (triggers.values["line"] == b"camera_trigger").all()
    assert len(session.events("daq", edge="falling")) == 2
    assert len(session.events("daq", line="spare")) == 0


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"line": "lasre"}, "a line of events/daq.*laser, camera_trigger, spare"),
        ({"edge": "up"}, "an edge.*rising, falling"),
    ],
)
def test_a_line_or_edge_that_is_none_is_refused(session, choice, words):
    with pytest.raises(SessionError, match=words):
        session.events("daq", **choice)


def test_events_that_were_recorded_out_of_order_are_in_order(session, world):
    assert (np.diff(world.event_ns) < 0).any()
    data = session["events/daq"]
    assert (np.diff(data.time_ns) >= 0).all()
    assert np.array_equal(world.event_ns[data.element], data.time_ns)
    assert np.array_equal(data.values["seq"], data.element)


def test_what_has_no_time_is_in_no_window_but_in_the_recording(session):
    data = session["acknowledgements"]
    assert data.values["decision_id"].tolist() == [0, 2]
    assert len(session.recording.rows("acknowledgements")) == 3


def test_a_clock_that_steps_back_mixes_nothing(session, world):
    data = session.read("signals/daq/force", 3.99, 4.01)
    assert (np.diff(data.time_ns) >= 0).all()
    assert np.array_equal(data.values[:, 0], 2.0 * data.element)
    assert np.array_equal(world.force_ns[data.element], data.time_ns)


def test_stretches_end_where_something_is_missing(session, world):
    emg = session["signals/daq/emg"]
    wanted = world.emg_ns[[0, 3999, 4000, 9999, 10_000, 15_999]].reshape(-1, 2)
    assert np.array_equal(emg.stretches(), wanted)
    assert np.array_equal(
        emg.stretches(0.01),
        wanted[[0, 2], :] * [[1, 0], [0, 1]] + ([[0, wanted[1, 1]], [wanted[2, 0], 0]]),
    )
    frames = session["cameras/left"].stretches()
    ids = [0, 199, 202, 349, 351, 599]
    assert np.array_equal(frames.ravel(), world.frame_ns[ids])
    assert session.read("events/daq", 1, 2).stretches().tolist() == [[10**9, 2 * 10**9]]
    assert session["cameras/idle"].stretches().shape == (0, 2)


def test_only_what_is_needed_is_read(session, monkeypatch):
    times, samples = [], []
    read_times, read_samples = stored._read, session.recording.payload

    def spy_times(dataset, blocks):
        times.append(sum(last - first for first, last in blocks))
        return read_times(dataset, blocks)

    def spy_samples(stream, start, stop):
        samples.append(stop - start)
        return read_samples(stream, start, stop)

    monkeypatch.setattr(stored, "_read", spy_times)
    monkeypatch.setattr(stored, "_NOT_HALVED", 10)
    monkeypatch.setattr(session.recording, "payload", spy_samples)
    data = session.read("signals/daq/emg", 2.0, 2.1)
    assert len(data) == 200
    assert max(times) == 200
    assert samples == [200]


def test_a_file_without_runs_gives_the_same(own_copy, session, monkeypatch):
    own_copy.align(runs=False)
    monkeypatch.setattr(stored, "_AT_ONCE", 999)
    monkeypatch.setattr(stored, "_NOT_HALVED", 10)
    with Session.open(own_copy.folder) as other:
        for name in session.streams:
            for window in WINDOWS:
                ours, theirs = session.read(name, *window), other.read(name, *window)
                assert np.array_equal(ours.time_ns, theirs.time_ns), (name, window)
                assert np.array_equal(ours.element, theirs.element)


@given(
    st.lists(st.one_of(st.just(NO_TIME), st.integers(-5, 5)), max_size=30),
    st.integers(0, 100),
)
def test_runs_hold_every_time_once_and_never_fall(times, first):
    times = np.array(times, np.int64)
    runs = runs_of(times, first)
    held = [np.arange(a, b) for a, b, *_ in (runs - [first, first, 0, 0])]
    places = np.concatenate([np.empty(0, int), *held])
    assert np.array_equal(places, np.flatnonzero(times != NO_TIME))
    for part, (*_, low, high) in zip(held, runs, strict=True):
        assert (np.diff(times[part]) >= 0).all()
        assert (times[part[0]], times[part[-1]]) == (low, high)
