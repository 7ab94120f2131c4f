"""Streams of a session at each other's times, against what is known of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from offline.alignment.result import NO_TIME
from rig.errors import SessionError


def _broken(world, half_s=0.0):
    """For each frame: does it, or its interval, touch a gap of the muscles' signal?"""
    time_s = world.frame_ns / 1e9
    gaps = world.emg_ns[[3999, 4000, 9999, 10_000]].reshape(-1, 2) / 1e9
    hit = [(time_s + half_s > a) & (time_s - half_s < b) for a, b in gaps]
    before = time_s - half_s < world.emg_ns[0] / 1e9
    return np.any([*hit, before], axis=0)


def test_a_sine_at_the_frames_is_the_sine_there(session, world):
    found = session.resample("signals/daq/emg", "cameras/left", "linear")
    assert np.array_equal(found.time_ns, world.frame_ns)
    assert np.array_equal(found.present, ~_broken(world))
    assert (~found.present).sum() == 51  # 50 in half a second, and 1 in 5.5 ms
    wanted = world.emg(world.frame_ns) * [0.5, 0.25]
    error = np.abs(found.values - wanted)[found.present].max(axis=0)
    assert error[0] < 0.25 + 0.05  # half a count, and the chord of a sine
    assert error[1] < 0.126
    assert np.isnan(found.values[~found.present]).all()
    assert found.units == ("uV", "uV")


def test_by_itself_it_takes_the_mean_over_a_frame(session, world):
    found = session.resample("signals/daq/emg", "cameras/left")
    assert np.array_equal(found.present, ~_broken(world, 0.005))
    wanted = world.emg(world.frame_ns) * [0.5, 0.25] * [np.sinc(0.03), 1]
    error = np.abs(found.values - wanted)[found.present].max(axis=0)
    assert (error < [0.35, 0.1]).all()
    assert found.info.rate_hz == 100


def test_poses_go_up_to_the_samples_in_a_line(session, world):
    found = session.resample("poses/left", "signals/daq/emg")
    wanted = world.keypoints(world.emg_ns)
    assert np.allclose(found.values[found.present], wanted[found.present], atol=1e-4)
    time_s = found.time_s
    ids = world.frame_ns / 1e9
    for first, after in ((99, 102), (199, 202), (349, 351)):
        hole = (time_s > ids[first]) & (time_s < ids[after])
        assert hole.any()
        assert not found.present[hole].any()
    inside = (time_s > ids[102]) & (time_s < ids[199])
    assert found.present[inside].all()
    wider = session.resample("poses/left", "signals/daq/emg", max_gap_s=0.05)
    inside = (time_s > ids[0]) & (time_s < ids[-1])
    assert np.array_equal(wider.present, inside)
    assert np.allclose(wider.values[inside], wanted[inside], atol=1e-4)


def test_every_frame_gets_its_own_pose_or_none(session, world):
    found = session.resample("poses/left", "cameras/left", "nearest", max_gap_s=0)
    assert np.array_equal(np.flatnonzero(found.present), world.pose_ids)
    own = session["poses/left"].values
    assert np.array_equal(found.values[found.present], own)


def test_the_state_of_a_line_at_the_frames(session, world):
    laser = session.events("daq", line="laser")
    found = session.resample(laser, "cameras/left", "previous")
    on = found.present & (found.values["edge"] == 1)
    time_s = world.frame_ns / 1e9
    wanted = ((time_s >= 2) & (time_s < 2.01)) | ((time_s >= 4) & (time_s < 4.01))
    assert np.array_equal(on, wanted)
    assert not found.present[time_s < 2].any()  # nothing is known before the first


def test_which_frame_was_on_at_an_event(session, world):
    laser = session.events("daq", line="laser", edge="rising")
    found = session.resample("cameras/left", laser)
    assert found.values.tolist() == [
        int(np.abs(world.frame_ns - t).argmin()) for t in laser.time_ns
    ]
    at_lost = np.array([world.frame_ns[350]])
    lost = session.resample("cameras/left", at_lost)
    assert (lost.present.tolist(), lost.values.tolist()) == ([False], [-1])


def test_onto_itself_it_is_itself(session):
    for stream in ("signals/daq/emg", "signals/daq/force", "poses/left"):
        own = session[stream]
        found = session.resample(stream, stream)
        assert np.array_equal(found.values, own.values), stream
        assert np.array_equal(found.sd_ns, own.sd_ns)
    found = session.resample("cameras/left", "cameras/left")
    assert np.array_equal(found.present, session["cameras/left"].present)


def test_a_clock_that_stepped_back_is_not_interpolated_over(session, world):
    overlap = (world.force_ns[3000] + 1, world.force_ns[2999] - 1)
    targets = np.linspace(*overlap, 50).astype(np.int64)
    found = session.resample("signals/daq/force", targets, "linear")
    assert not found.present.any()
    whole = session.resample("signals/daq/force", "cameras/left", "linear")
    time_ns = world.frame_ns
    before = np.interp(time_ns, world.force_ns[:3000], 2.0 * np.arange(3000))
    after = np.interp(time_ns, world.force_ns[3000:], 2.0 * np.arange(3000, 6000))
    wanted = np.where(time_ns < overlap[0], before, after)
    assert np.allclose(whole.values[whole.present, 0], wanted[whole.present])


def test_the_error_of_a_time_is_that_of_both(session):
    found = session.resample("signals/daq/emg", "cameras/left", start_s=2, stop_s=2.5)
    assert np.allclose(found.sd_ns, 1000 * np.sqrt(2))
    times = np.array([2_200_000_000, 2_300_000_000])
    assert np.allclose(session.resample("poses/left", times).sd_ns, 1000)


def test_a_window_is_of_the_times_and_changes_no_value(session):
    whole = session.resample("signals/daq/emg", "cameras/left")
    part = session.resample("signals/daq/emg", "cameras/left", start_s=2.5, stop_s=6.7)
    inside = (whole.time_s >= 2.5) & (whole.time_s < 6.7)
    assert np.array_equal(part.time_ns, whole.time_ns[inside])
    assert np.array_equal(part.values, whole.values[inside], equal_nan=True)
    assert part.span_ns == (2_500_000_000, 6_700_000_000)


def test_what_was_read_can_be_changed_and_resampled(session):
    emg = session.read("signals/daq/emg", 1.5, 2.9)
    rectified = replace(emg, values=np.abs(emg.values))
    found = session.resample(rectified, "cameras/left", start_s=1.6, stop_s=2.8)
    ours = session.resample("signals/daq/emg", "cameras/left", start_s=1.6, stop_s=2.8)
    assert found.present.all()
    assert found.values.min() >= 0
    assert np.allclose(found.values[:, 1], ours.values[:, 1])


def test_only_the_neighbourhood_of_the_times_is_read(session, monkeypatch):
    read, sizes = session.recording.payload, []

    def spy(stream, start, stop):
        sizes.append(stop - start)
        return read(stream, start, stop)

    monkeypatch.setattr(session.recording, "payload", spy)
    times = np.array([2_000_000_000, 2_010_000_000, 2_020_000_000])
    session.resample("signals/daq/emg", times)
    assert max(sizes) < 70  # 30 ms at 2 kHz, and a little


@pytest.mark.parametrize(
    "times",
    [
        np.array([1.0, 2.0]),
        np.array([[1, 2]]),
        np.array([2, 1]),
        np.array([NO_TIME, 1]),
    ],
)
def test_times_that_are_none_are_refused(session, times):
    with pytest.raises(SessionError, match="Expected session times"):
        session.resample("signals/daq/emg", times)


def test_what_cannot_be_is_refused(session):
    with pytest.raises(SessionError, match="there are: "):
        session.resample("signals/daq/emgg", "cameras/left")
    with pytest.raises(SessionError, match="there are: "):
        session.resample("signals/daq/emg", "cameras/top")
    with pytest.raises(SessionError, match="numbers to take a mean of"):
        session.resample("events/daq", "cameras/left", "mean")
    with pytest.raises(SessionError, match="give width_s"):
        session.resample("signals/daq/emg", "decisions", "mean")


def test_a_mean_about_events_has_the_width_that_is_asked_for(session, world):
    laser = session.events("daq", line="laser", edge="rising")
    found = session.resample("signals/daq/emg", laser, "mean", width_s=0.2)
    wanted = 4000 * np.sin(6 * np.pi * laser.time_s) * np.sinc(3 * 0.2)
    assert np.allclose(found.values[:, 0], wanted, atol=0.3)


def test_empty_streams_take_part(session):
    assert len(session.resample("signals/daq/emg", "cameras/idle")) == 0
    found = session.resample("cameras/idle", "cameras/left")
    assert not found.present.any()
    assert not session.resample("losses/recorder", "cameras/left").present.any()
