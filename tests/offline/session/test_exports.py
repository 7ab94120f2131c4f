"""Streams as what others work with: datasets of xarray, objects of pynapple."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rig.errors import SpringhareError


@pytest.fixture
def xarray():
    return pytest.importorskip("xarray")


def test_poses_are_laid_out_as_movement_wants_them(session, world, xarray):
    dataset = session.to_xarray("poses/left")
    assert isinstance(dataset, xarray.Dataset)
    four = ("time", "space", "keypoints", "individuals")
    assert dataset.position.dims == four
    assert dataset.confidence.dims == ("time", "keypoints", "individuals")
    assert dataset.space.values.tolist() == ["x", "y"]
    assert dataset.keypoints.values.tolist() == ["nose", "hip", "toe"]
    assert dataset.individuals.values.tolist() == ["m1"]
    assert dataset.attrs["ds_type"] == "poses"
    assert dataset.attrs["time_unit"] == "seconds"
    assert dataset.attrs["source_software"] == "springhare"
    assert dataset.attrs["fps"] == 100
    times = world.frame_ns[world.pose_ids]
    assert np.array_equal(np.rint(1e9 * dataset.time.values).astype(int), times)
    keypoints = world.keypoints(times).astype("<f4")
    hip = dataset.sel(keypoints="hip", individuals="m1")
    assert np.array_equal(hip.position.sel(space="y"), keypoints[:, 1, 1])
    assert np.array_equal(hip.confidence, keypoints[:, 1, 2])


def test_poses_of_every_frame_have_empty_rows(session, world, xarray):
    data = session.resample("poses/left", "cameras/left", "nearest", max_gap_s=0.0)
    dataset = session.to_xarray(data)
    missing = np.isnan(dataset.position).all(["space", "keypoints", "individuals"])
    wanted = np.setdiff1d(world.frame_ids, world.pose_ids)
    assert np.array_equal(np.flatnonzero(missing), wanted)
    assert dataset.attrs["fps"] == pytest.approx(100)


def test_movement_takes_poses(session, xarray):
    datasets = pytest.importorskip("movement.validators.datasets")
    datasets.ValidPosesInputs.validate(session.to_xarray("poses/left"))


def test_signals_are_time_by_channel(session, world, xarray):
    dataset = session.to_xarray("signals/daq/emg", 2.0, 2.5)
    assert dataset.signal.dims == ("time", "channel")
    assert dataset.unit.sel(channel="TA") == "uV"
    assert dataset.attrs["rate_hz"] == 2000
    assert dataset.attrs["session_id"] == "session"
    assert dataset.attrs["reference_clock"] == "daq"
    own = session.read("signals/daq/emg", 2.0, 2.5)
    assert np.array_equal(dataset.signal, own.values)
    assert (dataset.time_sd_ns == 1000).all()


def test_all_else_is_one_variable_for_each_column(session, world, xarray):
    events = session.to_xarray(session.events("daq", line="laser"))
    assert events.line.values.tolist() == ["laser"] * 4
    assert events.edge.values.tolist() == [1, -1, 1, -1]
    assert events.time.values.tolist() == world.laser_s.tolist()
    frames = session.to_xarray("cameras/left")
    assert np.array_equal(frames.frame_id, world.frame_ids)
    assert (~frames.present).sum() == 3
    assert session.to_xarray("losses/recorder").sizes["time"] == 0


def test_signals_are_a_tsdframe_whose_support_leaves_gaps_out(session, world, pynapple):
    found = session.to_pynapple("signals/daq/emg")
    assert isinstance(found, pynapple.TsdFrame)
    assert found.columns.tolist() == ["GL", "TA"]
    assert np.array_equal(found.values, session["signals/daq/emg"].values)
    half = np.array([-0.25e-3, 0.25e-3])
    edges = world.emg_ns[[0, 3999, 4000, 9999, 10_000, 15_999]].reshape(-1, 2) / 1e9
    assert np.allclose(found.time_support.values, edges + half, atol=1e-9)
    assert len(session.to_pynapple("signals/daq/emg", max_gap_s=1).time_support) == 1


def test_poses_are_a_tensor_and_frames_their_ids(session, world, pynapple):
    poses = session.to_pynapple("poses/left")
    assert isinstance(poses, pynapple.TsdTensor)
    assert poses.shape == (len(world.pose_ids), 3, 3)
    assert len(poses.time_support) == 4  # two skipped, two lost, one lost
    frames = session.to_pynapple("cameras/left")
    assert isinstance(frames, pynapple.Tsd)
    assert np.array_equal(frames.values, world.recorded_ids)
    assert np.array_equal(frames.t, world.frame_ns[world.recorded_ids] / 1e9)


def test_events_are_a_group_by_line_and_edge_or_times(session, world, pynapple):
    group = session.to_pynapple("events/daq")
    assert isinstance(group, pynapple.TsGroup)
    kinds = list(zip(group["line"], group["edge"], strict=True))
    assert kinds == [
        ("camera_trigger", "rising"),
        ("laser", "rising"),
        ("laser", "falling"),
    ]
    assert group[1].t.tolist() == [2.0, 4.0]
    times = session.to_pynapple(session.events("daq", "laser"), 1.0, 4.005)
    assert isinstance(times, pynapple.Ts)
    assert times.t.tolist() == [2.0, 2.01, 4.0]
    assert times.time_support.values.tolist() == [[1.0, 4.005]]
    assert len(session.to_pynapple("decisions")) == 3
    assert len(session.to_pynapple("losses/recorder")) == 0


def test_what_resampling_did_not_know_is_left_out(session, pynapple):
    data = session.resample("signals/daq/emg", "cameras/left")
    found = session.to_pynapple(data)
    assert len(found) == data.present.sum()
    assert np.isfinite(found.values).all()
    assert len(found.time_support) == 3


@pytest.mark.parametrize("name", ["xarray", "pynapple"])
def test_what_is_not_installed_is_named(session, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SpringhareError, match=rf"{name} .*springhare\[offline\]"):
        getattr(session, f"to_{name}")("signals/daq/emg", 2.0, 2.1)
