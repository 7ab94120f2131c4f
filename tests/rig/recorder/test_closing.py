from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from rig.bus.directory import StreamDirectory, abandoned
from rig.config.rig import LedgerLimits
from rig.errors import SessionError
from rig.recorder import close_recording, salvage
from rig.recording.count import ledger_from_recording
from rig.recording.inspection import inspect_recording
from rig.recording.reader import Recording
from rig.recording.sidecar import read_sidecar

LIMITS = LedgerLimits()


def close(small_rig, **fields):
    return close_recording(small_rig.folder, small_rig.streams, LIMITS, **fields)


def test_a_session_that_was_stopped_in_order_passes(small_rig, check_rows):
    small_rig.attach()
    for _ in range(10):
        small_rig.publish(20)
        small_rig.step()
    small_rig.close_sources()
    small_rig.recorder.stop()
    ledger = close(small_rig)
    assert (ledger.verdict, ledger.ended) == ("PASS", "stopped in order")
    with Recording.open(small_rig.folder) as recording:
        assert recording.info.state == "complete"
        assert ledger_from_recording(recording) == ledger
        inspection = inspect_recording(recording)
        assert (inspection.verdict, inspection.findings) == ("PASS", [])
        assert check_rows(recording, "cameras/left") == list(range(200))
    assert small_rig.streams.names()  # the rings are the supervisor's


def test_what_a_dead_recorder_left_in_the_rings_is_recorded(small_rig, check_rows):
    small_rig.attach()
    small_rig.publish(40)
    small_rig.step()
    small_rig.recorder.close()
    small_rig.publish(100)
    small_rig.close_sources()
    ledger = close(small_rig, died={"recorder": "killed"})
    assert ledger.verdict == "PASS"
    assert ledger.died == {"recorder": "killed"}
    with Recording.open(small_rig.folder) as recording:
        for name in small_rig.names:
            assert check_rows(recording, name) == list(range(140))


def test_a_disk_that_stays_full_is_the_cause_of_what_is_lost(
    small_rig, check_rows, monkeypatch
):
    small_rig.attach()
    small_rig.publish(40)
    small_rig.step()
    pwrite = os.pwrite

    def full(fd, data, offset):
        if "segments" in str(Path(f"/proc/self/fd/{fd}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    small_rig.publish(10)
    with pytest.raises(SessionError, match="No space left"):
        small_rig.step()
    small_rig.recorder.close()
    small_rig.close_sources()
    ledger = close(small_rig, died={"recorder": "No space left on device"})
    assert (ledger.verdict, ledger.closes) == ("FAIL", True)
    missing = ledger.streams["cameras/left"].missing
    assert [(m.first_id, m.count, m.cause) for m in missing] == [
        (40, 10, "No space left on device")
    ]
    with Recording.open(small_rig.folder) as recording:
        assert check_rows(recording, "cameras/left") == list(range(40))
        assert inspect_recording(recording).findings == []


@pytest.fixture
def killed_session(small_rig):
    """A session all of whose processes are gone; return its folder and its rings."""

    def run(how):
        if how not in {"never attached", "empty"}:
            small_rig.attach()
            small_rig.publish(40)
            small_rig.step()
        if how == "finished":
            small_rig.close_sources()
            small_rig.recorder.stop()
            small_rig.recorder.close()
            close(small_rig)
        elif how not in {"empty", "all of it"}:
            small_rig.publish(400 if how == "overrun" else 100)
        if how == "half a frame":
            small_rig.sources["cameras/left"].writer.claim()[:6] = 255
        small_rig.recorder.close()  # lets go of its lock, as a kill would
        owner = msgspec.structs.replace(small_rig.streams.owner, started=1)
        note = small_rig.streams.path / "owner.json"
        note.write_bytes(msgspec.json.encode(owner))
        [streams] = abandoned()
        return small_rig.folder, streams

    return run


@pytest.mark.parametrize("how", ["running", "half a frame"])
def test_salvages_what_was_only_in_memory(killed_session, check_rows, how):
    folder, streams = killed_session(how)
    with Recording.open(folder) as recording:
        assert check_rows(recording, "cameras/left") == list(range(40))
    report = salvage(streams)
    assert report.salvaged == {
        "cameras/left": 100,
        "signals/daq/emg": 100,
        "events/daq": 100,
    }
    assert (report.verdict, report.unreadable) == ("PASS", {})
    with Recording.open(folder) as recording:
        for name in report.salvaged:
            assert check_rows(recording, name) == list(range(140))
        assert recording.info.state == "salvaged"
        inspection = inspect_recording(recording)
        assert (inspection.verdict, inspection.findings) == ("PASS", [])
        assert inspection.ledger.ended == "session ended without stop"
    assert abandoned() == []


def test_what_was_laid_out_ahead_is_removed_though_nothing_is_left_to_record(
    small_rig, killed_session
):
    place = small_rig.folder / "segments"
    ahead = [place / ".cameras+left-1.h5", place / ".reserve"]
    folder, streams = killed_session("all of it")
    for path in ahead:
        path.write_bytes(b"laid out")
    report = salvage(streams)
    assert (report.verdict, report.salvaged) == ("PASS", {})
    assert list(folder.rglob(".*")) == []


def test_what_was_overwritten_before_the_end_is_listed(killed_session, check_rows):
    folder, streams = killed_session("overrun")
    report = salvage(streams)
    assert report.verdict == "FAIL"
    with Recording.open(folder) as recording:
        seqs = check_rows(recording, "cameras/left")
        ledger = ledger_from_recording(recording)
        assert ledger.closes, ledger.reason
        [missing] = ledger.streams["cameras/left"].missing
        assert missing.first_id == 40
        assert sorted([*seqs, *range(40, 40 + missing.count)]) == list(range(440))
        assert missing.count < 440 - 40 - 180
        assert inspect_recording(recording).findings == []


def test_a_session_whose_recorder_never_came_is_made(killed_session, check_rows):
    folder, streams = killed_session("never attached")
    report = salvage(streams)
    assert report.salvaged["cameras/left"] == 100
    with Recording.open(folder) as recording:
        assert check_rows(recording, "cameras/left") == list(range(100))
    info = read_sidecar(folder)
    assert (info.subject, info.task, info.state) == ("m1", "jump", "salvaged")


def test_a_session_that_never_began_is_only_removed(killed_session):
    folder, streams = killed_session("empty")
    assert salvage(streams).note == "it never began"
    assert list(folder.iterdir()) == []


def test_a_session_that_was_finished_is_left_as_it_is(killed_session):
    folder, streams = killed_session("finished")
    before = (folder / "session.h5").read_bytes()
    report = salvage(streams)
    assert report.note == "it was finished already"
    assert report.verdict == "PASS"
    assert (folder / "session.h5").read_bytes() == before
    assert read_sidecar(folder).state == "complete"
    assert abandoned() == []


def test_a_session_whose_folder_is_gone_is_told_and_removed(killed_session, caplog):
    folder, streams = killed_session("running")
    shutil.rmtree(folder)
    report = salvage(streams)
    assert "its folder is gone" in report.note
    assert "'cameras/left': 140" in caplog.text
    assert abandoned() == []
    assert not folder.exists()


def test_a_ring_that_is_damaged_does_not_keep_the_others(killed_session, check_rows):
    folder, streams = killed_session("running")
    os.truncate(streams.path / "signals+daq+emg.ring", 5000)
    report = salvage(streams)
    assert list(report.unreadable) == ["signals/daq/emg"]
    with Recording.open(folder) as recording:
        assert check_rows(recording, "cameras/left") == list(range(140))
        assert check_rows(recording, "signals/daq/emg") == list(range(40))


def test_a_full_disk_leaves_the_rings_for_another_time(
    killed_session, check_rows, monkeypatch
):
    folder, streams = killed_session("running")

    def full(_fd, _data, _offset):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(SessionError, match="No space left"):
            salvage(streams)
    [left] = abandoned()
    salvage(StreamDirectory(left.path))
    with Recording.open(folder) as recording:
        assert check_rows(recording, "cameras/left") == list(range(140))
