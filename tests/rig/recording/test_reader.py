from __future__ import annotations

import h5py
import msgspec
import numpy as np
import pytest

from rig.errors import SessionError, VersionError
from rig.messages import Pose, StreamSpec, from_row
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.ledger import Ledger
from rig.recording.reader import Recording
from rig.recording.recovery import recover_session
from rig.recording.sidecar import read_sidecar, write_sidecar
from rig.recording.writer import SessionWriter


@pytest.fixture
def session(tmp_path, info, specs, rows_of, payload_of):
    folder = tmp_path / "m1" / "s"
    with SessionWriter.create(folder, info, specs.values(), 0.3) as writer:
        for name, spec in specs.items():
            seqs = np.arange(100)
            writer.append_block(name, rows_of(spec, seqs), payload_of(spec, seqs))
    return folder


@pytest.fixture
def finish():
    def finish(folder, state="complete"):
        with Recording.open(folder) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(folder, ledger, state)
        return ledger

    return finish


@pytest.mark.parametrize("name", ["session.h5", ""])
def test_opens_a_folder_or_its_file(session, name):
    with Recording.open(session / name) as recording:
        assert recording.info.session_id == "m1_2026-01-02_10-00-00_jump"
        assert recording.info.state == "recording"
        assert recording.ledger is None


def test_gives_slices_and_attributes(session, specs, payload_of):
    with Recording.open(session) as recording:
        assert list(recording.streams) == list(specs)
        assert recording.streams["cameras/left"] == specs["cameras/left"]
        assert recording.rows("events/daq", 10, 20)["seq"].tolist() == [*range(10, 20)]
        assert len(recording.rows("events/daq", 95, 200)) == 5
        assert len(recording.rows("events/daq", 200)) == 0
        assert len(recording.payload("cameras/left", 100)) == 0
        wanted = payload_of(specs["cameras/left"], [99])
        assert np.array_equal(recording.payload("cameras/left", 99, 500), wanted)
        assert recording.attributes("signals/daq/emg")["channels"] == [*"abcd"]
        assert recording.attributes("poses/left")["model_sha256"] == "ab" * 32
        with pytest.raises(SessionError, match="stream with payload"):
            recording.payload("events/daq")
        with pytest.raises(SessionError, match="there are: cameras/left"):
            recording.rows("cameras/right")


def test_refuses_what_is_no_session(tmp_path, session):
    with pytest.raises(SessionError, match=r"got no session\.h5"):
        Recording.open(tmp_path)
    (tmp_path / "session.h5").write_bytes(b"not HDF5")
    with pytest.raises(SessionError, match="HDF5 refuses"):
        Recording.open(tmp_path)
    with h5py.File(tmp_path / "session.h5", "w") as file:
        file.attrs["format"] = "other"
    with pytest.raises(SessionError, match="Expected a springhare-session"):
        Recording.open(tmp_path)
    with h5py.File(session / "session.h5", "r+") as file:
        file.attrs["format_version"] = 2
    with pytest.raises(VersionError, match=r"format version 1, got 2"):
        Recording.open(session)


class TestOlderContract:
    """A session whose rows an older version wrote: they are as they were."""

    @pytest.fixture
    def old(self, tmp_path, info, rows_of):
        folder = tmp_path / "m1" / "old"
        spec = StreamSpec(
            name="clocks/daq", kind="clocks", node="daq", rate_hz=2.0, version=1
        )
        with SessionWriter.create(folder, info, [spec], 60) as writer:
            rows = rows_of(spec, np.arange(100))
            rows["offset_ns"] = rows["seq"] * 1000
            writer.append_block(spec.name, rows, None)
        return folder

    def check(self, folder):
        with Recording.open(folder) as recording:
            rows = recording.rows("clocks/daq")
            assert recording.streams["clocks/daq"].version == 1
        assert rows.dtype.itemsize == 64
        assert rows.dtype.names[-1] == "sd_ns"
        assert rows["offset_ns"].tolist() == [*range(0, 100_000, 1000)]

    def test_opens_while_it_is_recorded_and_when_it_is_finished(self, old, finish):
        self.check(old)
        finish(old)
        self.check(old)

    @pytest.mark.parametrize("lost", ["nothing", "session.h5"])
    def test_is_recovered(self, old, lost):
        (old / lost).unlink(missing_ok=True)
        report = recover_session(old)
        assert report.verdict != "FAIL", report
        assert report.streams["clocks/daq"].rows == 100
        self.check(old)

    def test_is_gone_on_with(self, old, rows_of):
        with SessionWriter.reopen(old) as writer:
            spec = writer.layouts["clocks/daq"].spec
            writer.append_block("clocks/daq", rows_of(spec, [100]), None)
        with Recording.open(old) as recording:
            assert recording.count("clocks/daq") == 101

    def test_poses_open_that_do_not_say_what_was_looked_at(
        self, tmp_path, info, specs, rows_of, payload_of
    ):
        spec = msgspec.structs.replace(specs["poses/left"], version=2)
        folder, numbers = tmp_path / "m1" / "second", np.arange(100)
        with SessionWriter.create(folder, info, [spec], 60) as writer:
            rows, keypoints = rows_of(spec, numbers), payload_of(spec, numbers)
            writer.append_block(spec.name, rows, keypoints)
        with Recording.open(folder) as recording:
            pose = from_row(Pose, recording.rows(spec.name)[7])
            assert (recording.payload(spec.name, 0, 100) == keypoints).all()
        assert (pose.frame_seq, pose.box_x0_px, pose.box_x1_px) == (7, -1, -1)

    def test_a_newer_one_is_refused(self, old):
        with h5py.File(old / "session.h5", "r+") as file:
            text = file.attrs["streams"]
            file.attrs["streams"] = text.replace('"version":1', '"version":9')
        with pytest.raises(VersionError, match="contract version"):
            Recording.open(old)


def test_finished_it_has_its_true_length_and_its_ledger(
    session, specs, rows_of, payload_of, finish
):
    segments = {p: p.read_bytes() for p in session.glob("segments/*")}
    ledger = finish(session)
    assert {p: p.read_bytes() for p in session.glob("segments/*")} == segments
    with h5py.File(session / "session.h5") as file:
        for name, spec in specs.items():
            table = file[name if spec.payload is None else f"{name}/index"]
            assert table.shape == (100,)
            assert (table["host_ns"] != 0).all()
        assert file["signals/daq/emg/samples"].shape == (1000, 4)
        assert file["cameras/left/frames"].attrs["serial"] == "1"
        assert Ledger.from_json(file["ledger"].attrs["json"]) == ledger
    sidecar = read_sidecar(session)
    assert (sidecar.state, sidecar.verdict) == ("complete", "PASS")
    assert sidecar.finished_utc
    with Recording.open(session) as recording:
        assert ledger_from_recording(recording) == ledger
        wanted = payload_of(specs["poses/left"], range(100))
        assert np.array_equal(recording.payload("poses/left"), wanted)


def test_finished_again_or_gone_on_with_nothing_is_lost(
    session, specs, rows_of, payload_of, finish
):
    finish(session)
    finish(session, "salvaged")
    assert read_sidecar(session).state == "salvaged"
    spec = specs["cameras/left"]
    with SessionWriter.reopen(session) as writer:
        assert read_sidecar(session).state == "recording"
        seqs = np.arange(100, 150)
        writer.append_block(spec.name, rows_of(spec, seqs), payload_of(spec, seqs))
        with Recording.open(session) as recording:
            assert recording.count(spec.name) == 150
    finish(session)
    with Recording.open(session) as recording:
        assert len(recording.raw_rows(spec.name)) == 150


def test_without_its_sidecar_it_still_says_what_it_is(session, finish):
    finish(session)
    (session / "session.json").unlink()
    with Recording.open(session) as recording:
        assert recording.info.subject == "m1"
        assert recording.info.state == "complete"


def test_a_sidecar_of_another_kind_is_refused(session, info):
    (session / "session.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SessionError, match="session's description"):
        read_sidecar(session)
    write_sidecar(session, info)
    text = (session / "session.json").read_text("utf-8")
    changed = text.replace('"format_version": 1', '"format_version": 7')
    (session / "session.json").write_text(changed, encoding="utf-8")
    with pytest.raises(VersionError, match="got 7"):
        read_sidecar(session)


def test_it_may_be_moved(session, tmp_path, specs, payload_of, finish):
    finish(session)
    moved = session.rename(tmp_path / "elsewhere")
    with Recording.open(moved) as recording:
        wanted = payload_of(specs["cameras/left"], range(100))
        assert np.array_equal(recording.payload("cameras/left"), wanted)


def test_a_stream_in_which_nothing_came_is_there_and_empty(
    tmp_path, info, specs, finish
):
    SessionWriter.create(tmp_path / "s", info, specs.values()).close()
    for _ in range(2):
        with Recording.open(tmp_path / "s") as recording:
            for name in recording.streams:
                assert recording.count(name) == 0
                assert len(recording.rows(name)) == 0
            assert recording.payload("cameras/left").shape == (0, 12, 16)
            assert recording.payload("signals/daq/emg").shape == (0, 4)
        finish(tmp_path / "s")
