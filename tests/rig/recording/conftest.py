"""Sessions of known content: every row and payload is a function of its number."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from rig.messages import PayloadSpec, StreamSpec
from rig.recording.sidecar import SessionInfo

HEIGHT, WIDTH, SAMPLES, CHANNELS = 12, 16, 10, 4


@pytest.fixture
def files_held():
    """Return a function that gives the files below a folder this process has open."""

    def held(folder):
        found = []
        for fd in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                found.append(str(fd.readlink()))
        return [path for path in found if path.startswith(str(folder))]

    return held


@pytest.fixture
def info():
    return SessionInfo(
        session_id="m1_2026-01-02_10-00-00_jump",
        subject="m1",
        task="jump",
        started_utc="2026-01-02T10:00:00+00:00",
        started_host_ns=1000,
    )


@pytest.fixture
def specs():
    """One stream of each shape: pixels, samples, keypoints, and a table."""
    return {
        spec.name: spec
        for spec in (
            StreamSpec(
                name="cameras/left",
                kind="frames",
                node="left",
                payload=PayloadSpec("|u1", (HEIGHT, WIDTH)),
                rate_hz=100,
                attributes={"serial": "1", "offsets_px": [1, 2], "notes": ["a", "b"]},
            ),
            StreamSpec(
                name="signals/daq/emg",
                kind="samples",
                node="daq",
                payload=PayloadSpec("<i2", (SAMPLES, CHANNELS)),
                rate_hz=100,
                counters=("missing_samples",),
                attributes={"units": "uV", "channels": ["a", "b", "c", "d"]},
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
    }


def _rows(spec, seqs):
    rows = np.zeros(len(seqs), spec.row)
    rows["seq"] = seqs
    rows["host_ns"] = 1_000_000 + 10 * np.asarray(seqs)
    for name in ("frame_id", "device_seq", "frame_seq"):
        if name in rows.dtype.names:
            rows[name] = seqs
    if spec.kind == "samples":
        rows["count"] = SAMPLES
        rows["device_sample"] = SAMPLES * np.asarray(seqs)
    if spec.kind == "events":
        rows["line"], rows["edge"] = b"frame_clock", 1
    return rows


def _payload(spec, seqs):
    if spec.payload is None:
        return None
    shape = spec.payload.shape
    first = np.asarray(seqs, np.int64).reshape(-1, *(1,) * len(shape))
    within = np.arange(np.prod(shape)).reshape(shape)
    return ((7 * first + within) % 251).astype(spec.payload.dtype)


@pytest.fixture
def rows_of():
    """Rows of a stream, from their numbers."""
    return _rows


@pytest.fixture
def payload_of():
    """Payloads of a stream, from their numbers."""
    return _payload
