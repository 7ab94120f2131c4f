"""The power fails: what was synced is there, nothing is shown that was not recorded.

Every write, name and sync of a real recording is logged in its order. For any
instant of it a disk is put together on which what was not synced yet survived in
part: of each page any state since its last sync, of each folder's names any number
of the latest changes. Then it is recovered and compared with what was recorded.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from rig.errors import SessionError
from rig.messages import PayloadSpec, StreamSpec
from rig.recording import inspection, tables
from rig.recording import writer as writer_module
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.keeper import Keeper
from rig.recording.reader import Recording
from rig.recording.recovery import recover_session, unsynced
from rig.recording.writer import SessionWriter

SHAPE, SAMPLES, CHANNELS = (50, 101), 10, 4
PAGE, SECTOR = 4096, 512
SPECS = {
    spec.name: spec
    for spec in (
        StreamSpec(
            name="cameras/left",
            kind="frames",
            node="left",
            payload=PayloadSpec("|u1", SHAPE),
            rate_hz=100,
        ),
        StreamSpec(
            name="signals/daq/emg",
            kind="samples",
            node="daq",
            payload=PayloadSpec("<i2", (SAMPLES, CHANNELS)),
            rate_hz=100,
        ),
        StreamSpec(name="events/daq", kind="events", node="daq", rate_hz=100),
    )
}


def rows_of(spec, seqs):
    rows = np.zeros(len(seqs), spec.row)
    rows["seq"], rows["host_ns"] = seqs, 1_000 + 10_000_000 * np.asarray(seqs)
    if spec.kind == "samples":
        rows["count"], rows["device_sample"] = SAMPLES, SAMPLES * np.asarray(seqs)
    return rows


def payload_of(spec, seqs):
    if spec.payload is None:
        return None
    payload = np.empty((len(seqs), *spec.payload.shape), spec.payload.dtype)
    payload[...] = (np.asarray(seqs) % 199 + 1).reshape(
        -1, *(1,) * len(spec.payload.shape)
    )
    return payload


@dataclass
class Event:
    """Something that was done to the disk."""

    kind: str
    file: int = -1
    """Which file it was done to; for a name, which it now stands for, or -1."""
    folder: str = ""
    name: str = ""
    at: int = 0
    """Offset in bytes; for a sync, how many events it had come after."""
    data: bytes = b""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows of each stream that are surely on the disk from here on."""


class DiskLog:
    """Logs what a recording does to the disk, at the system's calls."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.events = folder, []
        self._lock = threading.RLock()
        self._files, self._numbers = {}, itertools.count()
        self._real = {
            name: getattr(os, name)
            for name in ("open", "pwrite", "posix_fallocate", "rename", "unlink")
        }
        for name in self._real:
            monkeypatch.setattr(os, name, getattr(self, f"_{name}"))
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._sync)

    def durable(self, rows):
        self._add(Event("durable", rows=dict(rows)))

    def _add(self, event):
        with self._lock:
            self.events.append(event)

    def _place(self, path):
        """Return the folder and the name of a path; None if it is not the session's."""
        path = Path(os.fsdecode(path))
        if not path.parent.is_relative_to(self.folder):
            return None
        return str(path.parent.relative_to(self.folder)), path.name

    def _open(self, path, flags, *more, **named):
        fd = self._real["open"](path, flags, *more, **named)
        place = self._place(path)
        if place and flags & os.O_CREAT:
            with self._lock:
                number = self._files[os.fstat(fd).st_ino] = next(self._numbers)
                self._add(Event("name", number, *place))
        return fd

    def _pwrite(self, fd, data, offset):
        with self._lock:  # before it is done: it may be cut off
            number = self._files[os.fstat(fd).st_ino]
            self._add(Event("write", number, at=offset, data=bytes(data)))
        return self._real["pwrite"](fd, data, offset)

    def _posix_fallocate(self, fd, offset, size):
        self._real["posix_fallocate"](fd, offset, size)
        self._add(Event("size", self._files[os.fstat(fd).st_ino], at=offset + size))

    def _rename(self, source, target):
        with self._lock:
            inode = Path(source).stat().st_ino
            if Path(target).exists():
                self._files.pop(Path(target).stat().st_ino, None)
            self._real["rename"](source, target)
            if place := self._place(target):
                self._add(Event("rename", self._files[inode], *place))

    def _unlink(self, path, **named):
        with self._lock:
            place = self._place(path)
            known = place and self._files.pop(Path(path).stat().st_ino, None)
            self._real["unlink"](path, **named)
            if known is not None and place:
                self._add(Event("name", -1, *place))

    def _sync(self, fd):
        with self._lock:
            found, began = os.fstat(fd), len(self.events)
            if stat.S_ISDIR(found.st_mode):
                path = Path(f"/proc/self/fd/{fd}").readlink()
                if path.is_relative_to(self.folder):
                    name = str(path.relative_to(self.folder))
                    self._add(Event("folder", folder=name, at=began))
                return
            if found.st_ino not in self._files:
                self._written_by_others(fd, found.st_ino)
            began = len(self.events)
            self._add(Event("sync", self._files[found.st_ino], at=began))

    def _written_by_others(self, fd, inode):
        """Log a file that HDF5 or `write_bytes` made, now that it is to last."""
        path = Path(f"/proc/self/fd/{fd}").readlink()
        number = self._files[inode] = next(self._numbers)
        data = path.read_bytes()
        self._add(Event("name", number, *self._place(path)))
        self._add(Event("size", number, at=len(data)))
        self._add(Event("write", number, at=0, data=data))


class _File:
    """What may be on the disk of a file."""

    def __init__(self, unit):
        self.unit = unit
        self.sizes = [(-1, 0)]
        self.states = defaultdict(lambda: [(-1, bytes(unit))])
        """By page or sector: (event, content) as last synced, and since."""

    def take(self, number, event):
        match event.kind:
            case "write":
                self._write(number, event.at, event.data)
            case "size":
                self.sizes.append((number, event.at))
            case "sync":
                for states in (self.sizes, *self.states.values()):
                    forget(states, event.at)
            case _:
                pass

    def _write(self, event, offset, data):
        end = offset + len(data)
        for at in range(offset // self.unit, -(-end // self.unit)):
            first = at * self.unit
            begin, stop = max(offset, first), min(end, first + self.unit)
            content = bytearray(self.states[at][-1][1])
            content[begin - first : stop - first] = data[begin - offset : stop - offset]
            self.states[at].append((event, bytes(content)))

    def build(self, path, survives):
        size = survives(self.sizes)
        with path.open("wb") as file:
            file.truncate(size)
            for at, states in self.states.items():
                content = survives(states)
                if at * self.unit < size and any(content):
                    file.seek(at * self.unit)
                    file.write(content[: size - at * self.unit])


def forget(states, began):
    """Let go of the states that a sync, which began at an event, has overtaken."""
    last = sum(at < began for at, _ in states)
    del states[: max(0, last - 1)]


def renamed(held, event):
    """Return what a folder holds after one of its names has changed."""
    if event.kind == "rename":
        held = {name: file for name, file in held.items() if file != event.file}
    return {**held, event.name: event.file}


def build(events, folder, unit, survives):
    """Put together what a disk may hold after some events.

    `survives` chooses one of the states of each page, size and folder.
    """
    files = defaultdict(lambda: _File(unit))
    names = defaultdict(lambda: [(-1, {})])
    for number, event in enumerate(events):
        match event.kind:
            case "name" | "rename":
                states = names[event.folder]
                states.append((number, renamed(states[-1][1], event)))
            case "folder":
                forget(names[event.folder], event.at)
            case _:
                files[event.file].take(number, event)
    (folder / "segments").mkdir(parents=True)
    for place, states in names.items():
        for name, file in survives(states).items():
            if file >= 0:
                files[file].build(folder / place / name, survives)


def chosen(chance, newest):
    """Choose any of the states; the newest as often as told."""
    generator = np.random.default_rng(chance)

    def survives(states):
        if len(states) == 1 or generator.random() < newest:
            return states[-1][1]
        return states[generator.integers(len(states))][1]

    return survives


@dataclass
class Recorded:
    """A recording as a log of what it did to the disk."""

    events: list
    committed: dict[str, int]


def record(folder, info, monkeypatch, blocks=30):
    """Record a session with syncs now and then, finish it, and log it all."""
    generator = np.random.default_rng(1)
    monkeypatch.setattr(writer_module, "RESERVE_BYTES", 65536)
    log = DiskLog(folder, monkeypatch)
    with SessionWriter.create(folder, info, SPECS.values(), 0.3) as writer:
        for _ in range(blocks):
            name = generator.choice(list(SPECS))
            first = writer.count(name)
            seqs = np.arange(first, first + generator.integers(1, 40))
            spec = SPECS[name]
            writer.append_block(name, rows_of(spec, seqs), payload_of(spec, seqs))
            if generator.random() < 0.2:
                rows = {name: writer.count(name) for name in SPECS}
                writer.sync()
                log.durable(rows)
        committed = {name: writer.count(name) for name in SPECS}
    log.durable(committed)
    with Recording.open(folder) as recording:
        ledger = ledger_from_recording(recording)
    finish_session(folder, ledger)
    return Recorded(log.events, committed)


@pytest.fixture
def recorded(tmp_path, info):
    with pytest.MonkeyPatch.context() as patch:
        return record(tmp_path / "live", info, patch)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(inspection, "_SAMPLED", 2)
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda _fd: None)


def synced(events):
    """Return how many rows of each stream are surely there after some events."""
    rows = dict.fromkeys(SPECS, 0)
    for event in events:
        rows.update(event.rows)
    return rows


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).digest()
        for path in (folder / "segments").glob("[!.]*")
    }


def faults(folder, least):
    """Recover what is there; yield what is lost or shown and may not be."""
    held = digests(folder)
    try:
        report = recover_session(folder)
    except SessionError as error:
        if any(least.values()):
            yield f"lost all of it: {error}"
        return
    if not held.items() <= digests(folder).items():
        yield "a segment was altered"
    if recover_session(folder).changed:
        yield "a second recovery changed something"
    yield from _wrong(folder, report, least)


def _wrong(folder, report, least):
    with Recording.open(folder) as recording:
        if not ledger_from_recording(recording).closes:
            yield f"the ledger does not close: {report.reason}"
    with h5py.File(folder / "session.h5") as file:
        for name, spec in SPECS.items():
            if f"/{name}" in file:
                yield from _stream_faults(file, spec, least[name])
            elif least[name]:
                yield f"{name}: the stream is lost"


def _stream_faults(file, spec, least):
    name = spec.name
    rows = file[name if spec.payload is None else f"{name}/index"][:]
    seqs = np.arange(len(rows))
    if len(rows) < least:
        yield f"{name}: {least} rows were synced, {len(rows)} are shown"
    wanted = rows_of(spec, seqs)
    if spec.kind == "samples":
        wanted["first_sample"] = SAMPLES * seqs
    if (rows != wanted).any():
        yield f"{name}: a row is shown that was not recorded"
    if spec.payload is not None and len(rows):
        kind = "frames" if spec.kind == "frames" else "samples"
        found = file[f"{name}/{kind}"][:].reshape(len(rows), *spec.payload.shape)
        if not np.array_equal(found, payload_of(spec, seqs)):
            yield f"{name}: pixels or samples are shown that were not recorded"


def faults_at(recorded, instant, unit, survives):
    """Cut the power at an instant; return what is wrong after the recovery."""
    events = recorded.events[:instant]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "m1" / "2026-01-02_10-00-00_jump"
        build(events, folder, unit, survives)
        return list(faults(folder, synced(events)))


@pytest.mark.parametrize(
    ("start", "examples"),
    [(0, 5), *(pytest.param(k, 30, marks=pytest.mark.slow) for k in range(1, 6))],
)
def test_nothing_synced_is_lost_and_nothing_wrong_is_shown(recorded, start, examples):
    @seed(start)
    @settings(max_examples=examples)
    @given(
        instant=st.integers(0, len(recorded.events)),
        unit=st.sampled_from([PAGE, SECTOR]),
        newest=st.sampled_from([0.0, 0.5, 0.95, 1.0]),
        chance=st.integers(0, 2**32),
    )
    def check(instant, unit, newest, chance):
        assert faults_at(recorded, instant, unit, chosen(chance, newest)) == []

    check()


def test_a_disk_that_kept_everything_shows_everything(recorded):
    events = recorded.events
    assert synced(events) == recorded.committed
    assert sum(event.kind == "sync" for event in events) > 10
    assert faults_at(recorded, len(events), PAGE, lambda states: states[-1][1]) == []


def test_a_disk_that_kept_only_what_was_synced_shows_all_of_that(recorded):
    begun = next(k for k, event in enumerate(recorded.events) if event.rows)
    for instant in np.linspace(begun, len(recorded.events), 3).astype(int):
        oldest = faults_at(recorded, instant, PAGE, lambda states: states[0][1])
        assert oldest == []


# That the test would notice: recordings and recoveries with one fault each


def _caught(recorded, states=40):
    """Return what was found wrong at the first of many instants with a fault."""
    generator = np.random.default_rng(0)
    last = len(recorded.events)
    for chance in range(states):
        instant = int(generator.integers(last // 4, last))
        found = faults_at(recorded, instant, PAGE, chosen(chance, 0.5))
        if found:
            return " ".join(found)
    return ""


def test_would_notice_a_recovery_that_does_not_ask_the_checksums(recorded, monkeypatch):
    monkeypatch.setattr(unsynced, "_wrong", lambda *_: [])
    assert "were not recorded" in _caught(recorded)


def test_would_notice_checksums_that_do_not_vouch_for_the_pixels(
    tmp_path, info, monkeypatch
):
    from rig.recording import verification

    def of_rows_alone(rows, _digests):
        return real(rows, None)

    real = tables.row_checksums
    monkeypatch.setattr(tables, "row_checksums", of_rows_alone)
    monkeypatch.setattr(verification, "row_checksums", of_rows_alone)
    with pytest.MonkeyPatch.context() as patch:
        recorded = record(tmp_path / "live", info, patch)
    assert "pixels or samples are shown" in _caught(recorded)


def test_would_notice_a_sync_that_leaves_a_file_out(tmp_path, info, monkeypatch):
    monkeypatch.setattr(Keeper, "written", lambda *_: None)
    with pytest.MonkeyPatch.context() as patch:
        recorded = record(tmp_path / "live", info, patch)
    assert "rows were synced" in _caught(recorded)


def test_would_notice_a_name_that_is_not_synced(tmp_path, info, monkeypatch):
    monkeypatch.setattr(Keeper, "named", lambda *_: None)
    monkeypatch.setattr("rig.recording.recovery.draft.unnamed", lambda _: {})
    with pytest.MonkeyPatch.context() as patch:
        recorded = record(tmp_path / "live", info, patch)
    assert "rows were synced" in _caught(recorded)
