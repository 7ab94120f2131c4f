from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from rig.config.rig import LedgerLimits
from rig.errors import BusyError, SessionError
from rig.messages import StreamStatus
from rig.recorder import close_recording, pump
from rig.recorder import recorder as recorder_module
from rig.recording import disk
from rig.recording.count import ledger_from_recording
from rig.recording.ledger import AWAY, HELD_UP, OVERRUN
from rig.recording.reader import Recording
from rig.recording.sidecar import read_sidecar
from rig.recording.writer import SessionWriter
from sync.clock import MonotonicClock


def test_records_all_that_was_published_before_and_while_it_runs(small_rig, check_rows):
    small_rig.publish(30)  # before it is there
    small_rig.attach()
    for _ in range(20):
        small_rig.publish(17)
        small_rig.step()
    small_rig.close_sources()
    small_rig.recorder.stop()
    with Recording.open(small_rig.folder) as recording:
        for name in small_rig.names:
            assert check_rows(recording, name) == list(range(370))
        assert recording.count("losses/recorder") == 0
    reads = small_rig.recorder.reads()
    assert reads["cameras/left"] == StreamStatus(taken=370)


def test_small_blocks_wait_a_moment_and_large_ones_do_not(small_rig):
    small_rig.attach()
    camera = small_rig.sources["cameras/left"]
    with Recording.open(small_rig.folder) as recording:
        camera.publish(3)
        small_rig.recorder.step()
        assert recording.count("cameras/left") == 0
        small_rig.clock.advance(pump._PATIENCE_NS)
        small_rig.recorder.step()
        assert recording.count("cameras/left") == 3
        camera.publish(pump._BLOCK_ROWS)
        small_rig.recorder.step()
        assert recording.count("cameras/left") == 3 + pump._BLOCK_ROWS


def test_describes_the_session(small_rig):
    small_rig.attach()
    info = read_sidecar(small_rig.folder)
    assert (info.session_id, info.subject, info.task) == ("m1_s", "m1", "jump")
    assert info.state == "recording"
    assert info.configs.rig["segment_seconds"] == 0.5
    assert info.versions["numpy"]
    assert info.host.cores > 0


def test_says_how_it_stands(small_rig):
    small_rig.attach()
    assert small_rig.recorder.metrics()["ring_fill_percent_max"] == 0
    small_rig.sources["cameras/left"].publish(100)
    assert small_rig.recorder.metrics()["ring_fill_percent_max"] == 50
    small_rig.step(20)
    metrics = small_rig.recorder.metrics()
    assert metrics["ring_fill_percent_max"] == 0
    assert metrics["disk_mb_per_s"] > 0
    assert metrics["disk_free_gb"] > 0
    assert metrics["minutes_left"] > 0


def test_what_it_was_too_slow_for_is_counted_and_listed(small_rig, check_rows):
    small_rig.attach()
    small_rig.publish(50)
    small_rig.step()
    small_rig.publish(500)  # rings of 200
    small_rig.step(10)
    small_rig.publish(100)
    small_rig.step(10)
    small_rig.publish(400)
    small_rig.close_sources()
    small_rig.recorder.stop()
    reads = small_rig.recorder.reads()
    small_rig.recorder.close()
    ledger = close_recording(small_rig.folder, small_rig.streams, LedgerLimits())
    assert ledger.closes, ledger.reason
    assert ledger.verdict == "FAIL"
    with Recording.open(small_rig.folder) as recording:
        for name in small_rig.names:
            seqs = check_rows(recording, name)
            missing = sorted(set(range(1050)) - set(seqs))
            listed = [
                k
                for item in ledger.streams[name].missing
                for k in range(item.first_id, item.first_id + item.count)
            ]
            assert listed == missing
            assert len(missing) == reads[name].lost > 500
            assert reads[name].taken == len(seqs)


def test_one_that_is_overtaken_while_it_writes_keeps_only_what_is_whole(
    small_rig, check_rows, monkeypatch
):
    """The source goes on for more than a ring while a block is on its way to disk."""
    small_rig.attach()
    camera = small_rig.sources["cameras/left"]

    def publish(n):
        camera.publish(n)
        small_rig.sources["events/daq"].publish(n)

    bursts = iter([0, 130, 250, 0, 160, 0, 0])
    write = disk.BlockFile.write

    def overtaken(file, data, offset):
        if getattr(data, "shape", ())[1:] == (12, 16):
            half = len(data) // 2
            write(file, data[:half], offset)
            publish(next(bursts, 0))
            write(file, data[half:], offset + data[:half].nbytes)
        else:
            write(file, data, offset)

    monkeypatch.setattr(disk.BlockFile, "write", overtaken)
    for _ in range(6):
        publish(60)
        small_rig.step(2)
    small_rig.close_sources()
    small_rig.recorder.stop()
    small_rig.recorder.close()
    head = camera.writer.seq
    ledger = close_recording(
        small_rig.folder,
        small_rig.streams,
        LedgerLimits(warn_lost_fraction=1, fail_lost_fraction=1),
    )
    assert ledger.closes, ledger.reason
    with Recording.open(small_rig.folder) as recording:
        seqs = check_rows(recording, "cameras/left")
    listed = [
        k
        for item in ledger.streams["cameras/left"].missing
        for k in range(item.first_id, item.first_id + item.count)
    ]
    assert sorted(seqs + listed) == list(range(head))
    assert listed


def test_a_writer_that_was_restarted_goes_on_with_the_numbers(
    small_rig, check_rows, caplog
):
    small_rig.attach()
    small_rig.publish(20)
    small_rig.step()
    source = small_rig.sources["events/daq"]
    source.writer.close()
    source.writer = small_rig.streams.writer("events/daq")
    small_rig.publish(20)
    small_rig.step()
    small_rig.close_sources()
    small_rig.recorder.stop()
    with Recording.open(small_rig.folder) as recording:
        assert check_rows(recording, "events/daq") == list(range(40))
    assert "events/daq has a new writer" in caplog.text


def test_stopping_does_not_wait_for_writers_that_are_dead(small_rig, check_rows):
    small_rig.attach()
    small_rig.publish(25)  # and nobody closes
    small_rig.recorder.stop()
    with Recording.open(small_rig.folder) as recording:
        assert check_rows(recording, "cameras/left") == list(range(25))


def test_a_recorder_takes_the_place_of_one_that_died_without_a_gap(
    small_rig, check_rows
):
    small_rig.attach()
    small_rig.publish(40)
    small_rig.step()
    small_rig.recorder.close()  # without a stop
    small_rig.publish(150)  # all of it still in the rings
    small_rig.recorder = small_rig.make_recorder()
    small_rig.attach()
    assert small_rig.recorder.reads()["cameras/left"].taken == 40
    small_rig.publish(10)
    small_rig.close_sources()
    small_rig.recorder.stop()
    with Recording.open(small_rig.folder) as recording:
        for name in small_rig.names:
            assert check_rows(recording, name) == list(range(200))
        assert recording.count("losses/recorder") == 0


def test_a_loss_is_listed_once_also_when_the_recorder_died_after_it(
    small_rig, check_rows
):
    small_rig.attach()
    small_rig.publish(40)
    small_rig.step()
    small_rig.publish(500)
    small_rig.recorder.step()  # notices the loss and records one block
    small_rig.recorder.close()
    small_rig.publish(300)
    small_rig.recorder = small_rig.make_recorder()
    small_rig.attach()
    small_rig.close_sources()
    small_rig.recorder.stop()
    small_rig.recorder.close()
    ledger = close_recording(small_rig.folder, small_rig.streams, LedgerLimits())
    assert ledger.closes, ledger.reason


def causes(ledger, name="events/daq"):
    return [item.cause for item in ledger.streams[name].missing]


def test_what_nobody_was_there_to_record_has_a_cause_of_its_own(small_rig):
    small_rig.attach()
    small_rig.publish(40)
    small_rig.step(2)
    small_rig.recorder.close()  # without a stop
    small_rig.publish(500)  # rings of 200
    small_rig.recorder = small_rig.make_recorder()
    small_rig.attach()
    small_rig.step(20)
    small_rig.publish(400)
    small_rig.step(20)
    small_rig.publish(1)
    small_rig.step(2)
    small_rig.clock.advance(5_000_000_000)
    small_rig.publish(400)
    small_rig.close_sources()
    small_rig.recorder.stop()
    small_rig.recorder.close()
    ledger = close_recording(small_rig.folder, small_rig.streams, LedgerLimits())
    assert ledger.closes, ledger.reason
    assert causes(ledger) == [AWAY, OVERRUN, f"{HELD_UP} 5.0 s"]
    with Recording.open(small_rig.folder) as recording:
        assert ledger_from_recording(recording) == ledger


def test_it_knows_how_long_the_disk_will_last(small_rig, monkeypatch):
    free = {}
    monkeypatch.setattr(recorder_module, "free_bytes", lambda _: free["bytes"])
    free["bytes"] = 10**9
    small_rig.attach()
    assert "minutes_left" not in small_rig.recorder.metrics()
    seen = {}
    for second in range(4):
        small_rig.publish(100)
        small_rig.step(3)
        small_rig.clock.advance(1_000_000_000 - 3 * small_rig.step_ns)
        free["bytes"] = 10**9 * (second + 1)
        small_rig.recorder.step()
        seen[second] = small_rig.recorder.metrics()["minutes_left"]
    row_bytes = 12 * 16 + 64 + 10 * 4 * 2 + 64 + 64 + 3 * 8  # and checksums
    per_second = 100 * row_bytes
    for second in (1, 2, 3):
        free_minutes = 10**9 * (second + 1) / per_second / 60
        ahead_minutes = 16_384 / 100 / 60  # the longest segment of the three
        assert free_minutes < seen[second] < free_minutes + 2 * ahead_minutes
    assert small_rig.recorder.metrics()["disk_full"] == 0


def test_a_burst_after_a_stall_is_no_higher_rate(small_rig, monkeypatch):
    monkeypatch.setattr(recorder_module, "free_bytes", lambda _: 10**9)
    small_rig.attach()
    seen = []
    for _ in range(6):
        small_rig.publish(30)
        if len(seen) != 3:
            small_rig.step(3)
        small_rig.clock.advance(1_000_000_000)
        small_rig.recorder._measure(small_rig.recorder._emptying)
        seen.append(small_rig.recorder.metrics()["minutes_left"])
    assert max(seen) / min(seen) < 1.25


def test_it_says_that_the_next_segment_finds_no_room(small_rig, monkeypatch, caplog):
    small_rig.attach()
    monkeypatch.setattr(
        SessionWriter, "next_segment_failed", property(lambda _: "No space left")
    )
    for _ in range(3):
        small_rig.clock.advance(1_000_000_000)
        small_rig.recorder.step()
    assert small_rig.recorder.metrics()["disk_full"] == 1
    assert caplog.text.count("No space left") == 1


def test_what_a_restart_must_wait_for_is_not_loaded():
    """Of half a second that a recorder needs to be back, pydantic would be a third."""
    code = "import rig.node, rig.recorder, sys; sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_recorders_never_write_one_session(small_rig):
    small_rig.attach()
    with pytest.raises(BusyError, match="another recorder"):
        small_rig.make_recorder().attach(small_rig.streams)


def test_a_finished_session_is_not_gone_on_with(small_rig):
    small_rig.attach()
    small_rig.close_sources()
    small_rig.recorder.stop()
    close_recording(small_rig.folder, small_rig.streams, LedgerLimits())
    with pytest.raises(SessionError, match="it is complete: start a new one"):
        small_rig.make_recorder().attach(small_rig.streams)


def test_a_full_disk_ends_the_node_with_words_and_what_it_had_is_safe(
    small_rig, check_rows, monkeypatch
):
    small_rig.attach()
    small_rig.publish(30)
    small_rig.step()

    def full(_fd, _data, _offset):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    small_rig.publish(30)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(SessionError, match="No space left on device after 30 rows"):
            small_rig.step()
        small_rig.recorder.close()
    with Recording.open(small_rig.folder) as recording:
        assert check_rows(recording, "cameras/left") == list(range(30))


_RECORDER = """
import sys
from pathlib import Path
from rig.bus.directory import StreamDirectory
from rig.node import NodeContext
from rig.recorder import Recorder
session = dict(session_id="m1_s", subject="m1", started_utc="", started_host_ns=1)
recorder = Recorder(NodeContext(
    name="recorder", config={}, rig={"segment_seconds": 0.5}, task={}, session=session,
    session_folder=Path(sys.argv[2])))
recorder.attach(StreamDirectory(Path(sys.argv[1])))
print("ready", flush=True)
while True:
    recorder.step()
"""


@pytest.mark.slow
def test_a_recorder_that_was_killed_is_replaced_without_a_gap(small_rig, check_rows):
    arguments = [str(small_rig.streams.path), str(small_rig.folder)]
    published = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _RECORDER, *arguments], stdout=subprocess.PIPE
        ) as process:
            try:
                assert process.stdout.readline() == b"ready\n"
                wanted = published + 60
                deadline = time.monotonic() + 30
                with Recording.open(small_rig.folder) as recording:
                    while recording.count("events/daq") < wanted:
                        assert time.monotonic() < deadline
                        if published < wanted + 40:
                            small_rig.publish(5)
                            published += 5
            finally:
                process.send_signal(signal.SIGKILL)
    small_rig.close_sources()
    small_rig.recorder = small_rig.make_recorder(MonotonicClock())
    small_rig.attach()
    small_rig.recorder.stop()
    with Recording.open(small_rig.folder) as recording:
        for name in small_rig.names:
            assert check_rows(recording, name) == list(range(published))
        assert recording.count("losses/recorder") == 0
