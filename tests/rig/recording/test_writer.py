from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

from rig.errors import BusyError, SessionError
from rig.recording.reader import Recording
from rig.recording.writer import SessionWriter


@pytest.fixture
def writer(tmp_path, info, specs):
    # 0.3 s at 100 Hz: a segment of the camera is one page of its index, 64 rows
    with SessionWriter.create(tmp_path / "s", info, specs.values(), 0.3) as writer:
        yield writer


def test_what_is_appended_is_what_is_read(writer, specs, rows_of, payload_of):
    written = dict.fromkeys(specs, 0)
    for size in (1, 63, 2, 64, 65, 17, 200):  # within, up to and across segments
        for name, spec in specs.items():
            seqs = np.arange(written[name], written[name] + size)
            rows, payload = rows_of(spec, seqs), payload_of(spec, seqs)
            assert writer.append_block(name, rows, payload) == size
            written[name] += size
    with Recording.open(writer.folder) as recording:
        for name, spec in specs.items():
            seqs = np.arange(written[name])
            rows, wanted = recording.rows(name), rows_of(spec, seqs)
            if spec.kind == "samples":
                wanted["first_sample"] = 10 * seqs
            assert rows.dtype == spec.row
            assert (rows == wanted).all()
            if spec.payload is not None:
                wanted = payload_of(spec, seqs)
                if spec.kind == "samples":
                    wanted = wanted.reshape(-1, 4)
                assert np.array_equal(recording.payload(name), wanted)
                assert recording.payload(name).dtype == np.dtype(spec.payload.dtype)
    assert len(list(writer.folder.glob("segments/cameras+left-*.h5"))) == 7


def test_plain_h5py_shows_names_and_attributes_from_anywhere(
    writer, specs, rows_of, payload_of, tmp_path, monkeypatch
):
    spec = specs["cameras/left"]
    seqs = np.arange(70)
    writer.append_block(spec.name, rows_of(spec, seqs), payload_of(spec, seqs))
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "segments").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    for path in (writer.folder / "session.h5", "../s/session.h5"):
        with h5py.File(path) as file:
            assert file.attrs["format"] == "springhare-session"
            assert file.attrs["format_version"] == 1
            assert file.attrs["subject"] == "m1"
            assert file.attrs["started_host_ns"] == 1000
            assert file["cameras/left/frames"].dtype == np.uint8
            assert np.array_equal(
                file["cameras/left/frames"][69], payload_of(spec, [69])[0]
            )
            assert file["cameras/left/frames"].attrs["rate_hz"] == 100
            assert list(file["cameras/left/frames"].attrs["notes"]) == ["a", "b"]
            assert file["signals/daq/emg/samples"].attrs["rate_hz"] == 1000
            assert file["cameras/left/index"]["frame_id"][69] == 69
            assert (file["cameras/left/index"]["host_ns"][70:] == 0).all()
            assert file["events/daq"].shape == (0,)


def test_rows_on_the_disk_are_what_was_given_between_the_fields_too(
    writer, specs, rows_of, payload_of
):
    """Nothing of the memory of this process gets into a session."""
    spec = specs["cameras/left"]
    assert sum(spec.row[name].itemsize for name in spec.row.names) < spec.row.itemsize
    seqs, rubbish = np.arange(40), np.random.default_rng(0)
    data = bytearray(rubbish.bytes(40 * spec.row.itemsize))
    rows = np.frombuffer(data, spec.row)
    for name in spec.row.names:
        rows[name] = rows_of(spec, seqs)[name]
    writer.append_block(spec.name, rows, payload_of(spec, seqs))
    with h5py.File(writer.folder / "segments" / "cameras+left-0.h5") as file:
        offset = file["index"].id.get_offset()
    on_disk = (writer.folder / "segments" / "cameras+left-0.h5").read_bytes()[offset:]
    assert on_disk[: len(data)] == data


def test_it_is_seen_to_grow_while_it_is_open(writer, specs, rows_of, payload_of):
    spec = specs["cameras/left"]
    with Recording.open(writer.folder) as recording:
        assert recording.count(spec.name) == 0
        assert len(recording.rows(spec.name)) == 0
        for k in range(40):
            seqs = np.arange(10 * k, 10 * k + 10)
            writer.append_block(spec.name, rows_of(spec, seqs), payload_of(spec, seqs))
            assert recording.count(spec.name) == 10 * k + 10
            last = recording.payload(spec.name, 10 * k + 9)
            assert np.array_equal(last, payload_of(spec, seqs[-1:]))


def test_rows_that_were_overtaken_are_dropped_and_leave_no_hole(
    writer, specs, rows_of, payload_of
):
    """The ring's writer overtakes us twice in one block."""
    spec = specs["cameras/left"]
    seqs = np.arange(20)
    rows, payload = rows_of(spec, seqs), payload_of(spec, seqs)
    answers = iter([15, 12, 12])

    def intact():
        whole = next(answers)
        payload[: 20 - whole] = 99  # what the ring's writer put there meanwhile
        rows["frame_id"][: 20 - whole] = 99
        return whole

    assert writer.append_block(spec.name, rows, payload, intact) == 12
    with Recording.open(writer.folder) as recording:
        assert recording.rows(spec.name)["seq"].tolist() == list(range(8, 20))
        assert recording.rows(spec.name)["frame_id"].tolist() == list(range(8, 20))
        assert np.array_equal(recording.payload(spec.name), payload_of(spec, seqs[8:]))


def test_a_block_that_was_overtaken_whole_leaves_nothing(
    writer, specs, rows_of, payload_of
):
    spec = specs["signals/daq/emg"]
    rows, payload = rows_of(spec, np.arange(5)), payload_of(spec, np.arange(5))
    rows["count"] = [-(2**40), 2**40, 10, 10, 10]  # torn
    assert writer.append_block(spec.name, rows, payload, lambda: 0) == 0
    assert writer.append_block(spec.name, rows, payload, lambda: 3) == 3
    with Recording.open(writer.folder) as recording:
        assert recording.rows(spec.name)["first_sample"].tolist() == [0, 10, 20]
        wanted = payload_of(spec, np.arange(2, 5)).reshape(-1, 4)
        assert np.array_equal(recording.payload(spec.name), wanted)


def test_short_blocks_of_samples_leave_no_hole(writer, specs, rows_of, payload_of):
    spec = specs["signals/daq/emg"]
    counts = np.array([10, 3, 0, 10, 7] * 60)
    rows, payload = rows_of(spec, np.arange(300)), payload_of(spec, np.arange(300))
    rows["count"] = counts
    for k in range(0, 300, 25):
        writer.append_block(spec.name, rows[k : k + 25], payload[k : k + 25])
    wanted = np.concatenate([b[:n] for b, n in zip(payload, counts, strict=True)])
    with Recording.open(writer.folder) as recording:
        assert np.array_equal(recording.payload(spec.name), wanted)
        first = recording.rows(spec.name)["first_sample"]
        assert (first == np.cumsum(counts) - counts).all()
        assert recording.payload_count(spec.name) == counts.sum()


def test_goes_on_where_it_ended(writer, specs, rows_of, payload_of):
    for name, spec in specs.items():
        writer.append_block(name, rows_of(spec, range(70)), payload_of(spec, range(70)))
    writer.close()
    with SessionWriter.reopen(writer.folder) as again:
        for name, spec in specs.items():
            assert (again.count(name), again.next_seq(name)) == (70, 70)
            seqs = range(70, 140)
            again.append_block(name, rows_of(spec, seqs), payload_of(spec, seqs))
    with Recording.open(writer.folder) as recording:
        for name, spec in specs.items():
            assert recording.rows(name)["seq"].tolist() == list(range(140))
            if spec.payload is not None:
                wanted = payload_of(spec, range(140))
                assert np.array_equal(recording.payload(name).ravel(), wanted.ravel())


def test_writes_over_nothing(writer, info, specs):
    writer.close()
    with pytest.raises(SessionError, match="never written over"):
        SessionWriter.create(writer.folder, info, specs.values())


def test_two_never_write_at_once(writer):
    with pytest.raises(BusyError, match="another recorder"):
        SessionWriter.reopen(writer.folder)
    writer.close()
    SessionWriter.reopen(writer.folder).close()


def test_a_row_without_a_stamp_is_a_fault_of_its_node(writer, specs, rows_of):
    spec = specs["events/daq"]
    rows = rows_of(spec, range(3))
    rows["host_ns"][1] = 0
    with pytest.raises(SessionError, match="host_ns that is not 0"):
        writer.append_block(spec.name, rows)
    rows["host_ns"][1] = 5
    assert writer.append_block(spec.name, rows) == 3


def test_leaves_no_hidden_files_and_may_be_closed_twice(writer):
    writer.close()
    writer.close()
    assert list(writer.folder.rglob(".*")) == []
    with pytest.raises(SessionError, match="closed"):
        writer.append_block("events/daq", np.zeros(1), None)


def fill(writer, spec, rows_of, payload_of, first=0):
    for k in range(first, 100_000, 10):
        seqs = np.arange(k, k + 10)
        writer.append_block(spec.name, rows_of(spec, seqs), payload_of(spec, seqs))


class FullDisk:
    """The operating system's edge: writes succeed until there is no room left."""

    def __init__(self, room):
        self.room = room
        self.write = os.pwrite

    def __call__(self, fd, data, offset):
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = memoryview(data)[: self.room]  # a short write first, as Linux does
        self.room -= len(data)
        return self.write(fd, data, offset)


@pytest.mark.parametrize("room", [0, 1000, 40_000, 300_000])
def test_a_full_disk_ends_the_recording_and_nothing_that_was_committed(
    writer, specs, rows_of, payload_of, monkeypatch, room
):
    spec = specs["cameras/left"]
    seqs = np.arange(50)
    writer.append_block(spec.name, rows_of(spec, seqs), payload_of(spec, seqs))
    monkeypatch.setattr(os, "pwrite", FullDisk(room))
    with pytest.raises(SessionError, match=r"No space left.* rows: what was committed"):
        fill(writer, spec, rows_of, payload_of, first=50)
    committed = writer.count(spec.name)
    with pytest.raises(SessionError, match="No space left"):
        writer.append_block("events/daq", rows_of(specs["events/daq"], range(1)))
    monkeypatch.undo()
    writer.close()
    with Recording.open(writer.folder) as recording:
        found = recording.count(spec.name)
        assert committed <= found < committed + 10
        wanted = payload_of(spec, np.arange(found))
        assert np.array_equal(recording.payload(spec.name), wanted)
    with SessionWriter.reopen(writer.folder) as again:  # there is room again
        assert again.count(spec.name) == found


def test_a_disk_that_is_gone_when_a_segment_gets_its_name_leaves_no_file_open(
    writer, specs, rows_of, payload_of, monkeypatch, files_held
):
    def broken(_path, _target):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(SessionError, match="Input/output error"):
        fill(writer, specs["cameras/left"], rows_of, payload_of)
    writer.close()
    assert files_held(writer.folder) == []


def test_a_sync_that_fails_ends_the_recording(writer, specs, rows_of, monkeypatch):
    spec = specs["events/daq"]
    writer.append_block(spec.name, rows_of(spec, range(3)))

    def broken(_fd):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(SessionError, match="Input/output error"):
        writer.sync()
    monkeypatch.undo()
    # the system says it once: what was not synced may be gone, whatever comes after
    with pytest.raises(SessionError, match="Input/output error"):
        writer.append_block(spec.name, rows_of(spec, range(3, 6)))
    with pytest.raises(SessionError, match="Input/output error"):
        writer.close()


@pytest.mark.slow
def test_a_disk_that_is_really_full(tmp_path, info, specs, rows_of, payload_of):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        spec = specs["cameras/left"]
        writer = SessionWriter.create(disk / "s", info, specs.values(), 0.3)
        with pytest.raises(SessionError, match="No space left"):
            fill(writer, spec, rows_of, payload_of)
        committed = writer.count(spec.name)
        writer.close()
        assert committed > 1000
        with Recording.open(disk / "s") as recording:
            found = recording.count(spec.name)
            assert found >= committed
            wanted = payload_of(spec, np.arange(found))
            assert np.array_equal(recording.payload(spec.name), wanted)
    finally:
        subprocess.run(["umount", disk], check=True)
