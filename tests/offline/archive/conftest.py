"""Finished sessions of known content, and the question whether two are the same."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest

from rig.messages import PayloadSpec, StreamSpec
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo
from rig.recording.writer import SessionWriter

SAMPLES, CHANNELS = 10, 4
ADDED = {"storage", "storage_filter", "storage_needs"}


def _camera(name, dtype, shape):
    return StreamSpec(
        name=f"cameras/{name}",
        kind="frames",
        node=name,
        payload=PayloadSpec(dtype, shape),
        rate_hz=100,
        attributes={"serial": "1", "offsets_px": [1, 2], "notes": ["a", "µ"]},
    )


def _specs():
    return (
        _camera("left", "|u1", (48, 90)),
        _camera("deep", "<u2", (24, 32)),
        _camera("tint", "|u1", (24, 32, 3)),
        _camera("idle", "|u1", (24, 32)),
        StreamSpec(
            name="signals/daq/emg",
            kind="samples",
            node="daq",
            payload=PayloadSpec("<i2", (SAMPLES, CHANNELS)),
            rate_hz=100,
            counters=("missing_samples",),
            attributes={"units": "uV", "scale": [0.5, 0.5, 0.25, 0.25]},
        ),
        StreamSpec(
            name="poses/left",
            kind="poses",
            node="inference",
            payload=PayloadSpec("<f4", (3, 3)),
            counters=("skipped", "lost"),
            attributes={
                "bodyparts": ["nose", "hip", "toe"],
                "model": "mouse",
                "model_sha256": "ab" * 32,
            },
        ),
        StreamSpec(name="events/daq", kind="events", node="daq"),
        StreamSpec(name="losses/recorder", kind="losses", node="recorder"),
    )


def _rows(spec, seqs):
    # what lies between the fields is not zero, so that it is seen to come along
    size = spec.row.itemsize
    rows = np.full(len(seqs) * size, 0xA5, np.uint8).view(spec.row)
    for name in spec.row.names:
        rows[name] = 0 if spec.row[name].kind in "iuf" else b""
    rows["seq"] = seqs
    rows["host_ns"] = 1_000_000 + 10_000_000 * seqs
    for name in ("frame_id", "device_seq", "frame_seq", "exposure_ns"):
        if name in rows.dtype.names:
            rows[name] = seqs + (500 if name == "exposure_ns" else 0)
    if spec.kind == "samples":
        rows["count"] = SAMPLES
        rows["first_sample"] = SAMPLES * seqs
        rows["device_sample"] = SAMPLES * seqs
    if spec.kind == "events":
        rows["line"], rows["edge"] = b"frame_clock", 1
    return rows


def _payload(spec, seqs, generator):
    if spec.payload is None:
        return None
    shape = (len(seqs), *spec.payload.shape)
    dtype = np.dtype(spec.payload.dtype)
    if dtype.kind == "f":
        values = generator.normal(100, 30, shape)
        values[:, 0, 0] = np.nan
        return values.astype(dtype)
    middle, spread = (0, 300) if dtype.kind == "i" else (100, 3)
    return np.rint(generator.normal(middle, spread, shape)).astype(dtype)


def _make(folder, rows=70, only=None, segment_seconds=0.3, finish=True):
    specs = [s for s in _specs() if only is None or s.name in only]
    info = SessionInfo(
        session_id=folder.name,
        subject="m1",
        task="jump",
        started_utc="2026-01-02T10:00:00+00:00",
        started_host_ns=1000,
    )
    generator = np.random.default_rng(5)
    with SessionWriter.create(folder, info, specs, segment_seconds) as writer:
        for spec in specs:
            if spec.name in {"cameras/idle", "losses/recorder"}:
                continue
            for first in range(0, rows, 20):
                seqs = np.arange(first, min(first + 20, rows))
                writer.append_block(
                    spec.name, _rows(spec, seqs), _payload(spec, seqs, generator)
                )
    if finish:
        with Recording.open(folder) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(folder, ledger)
    return folder


@pytest.fixture
def make_session():
    """Make a finished session; of each stream every row and payload is random."""
    return _make


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A finished session with a stream of each shape, and some without a row."""
    return _make(tmp_path_factory.mktemp("template") / "session")


@pytest.fixture
def session(template, tmp_path):
    """A copy of it, to be folded."""
    return shutil.copytree(template, tmp_path / "session")


@pytest.fixture
def raw(template):
    """The same session, which nobody touches."""
    return template


@pytest.fixture
def assert_same():
    """Compare every object, attribute and byte of two session files."""

    def compare(old_folder, new_folder):
        with (
            h5py.File(old_folder / "session.h5") as old,
            h5py.File(new_folder / "session.h5") as new,
        ):
            names = ["/"]
            old.visit(names.append)
            found = ["/"]
            new.visit(found.append)
            assert found == names
            for name in names:
                _assert_same_object(old[name], new[name], ADDED if name == "/" else ())

    return compare


def _assert_same_object(old, new, added):
    assert set(new.attrs) - set(added) == set(old.attrs) - set(added), old.name
    for name in set(old.attrs) - set(added):
        ours, theirs = old.attrs.get_id(name), new.attrs.get_id(name)
        assert ours.get_type() == theirs.get_type(), (old.name, name)
        assert np.array_equal(old.attrs[name], new.attrs[name]), (old.name, name)
        assert type(old.attrs[name]) is type(new.attrs[name])
    if isinstance(old, h5py.Dataset):
        assert not new.is_virtual
        assert (new.shape, new.dtype) == (old.shape, old.dtype), old.name
        assert new.id.get_type() == old.id.get_type()
        if len(old):
            assert new[:].tobytes() == old[:].tobytes(), old.name
