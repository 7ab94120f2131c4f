"""Aligned sessions whose every value is a known function of its session time.

The times of `World` are the truth. They are written into `derived/aligned.h5` here, by
hand, as its format says; the recording beside them is made by the real writer.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import h5py
import msgspec
import numpy as np
import pytest

from offline.alignment import layout
from offline.alignment.result import NO_TIME, Alignment, StreamSummary
from offline.session import Session
from rig.messages import PayloadSpec, StreamSpec
from rig.messages.records import EDGE_FALLING, EDGE_RISING
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo
from rig.recording.writer import SessionWriter

BLOCK = 10


def _specs():
    def signal(name, rate_hz, channels, units, scale):
        return StreamSpec(
            name=f"signals/daq/{name}",
            kind="samples",
            node="daq",
            payload=PayloadSpec("<i2", (BLOCK, len(channels))),
            rate_hz=rate_hz / BLOCK,
            attributes={"units": units, "channels": channels, "scale": scale},
        )

    def camera(name):
        return StreamSpec(
            name=f"cameras/{name}",
            kind="frames",
            node=name,
            payload=PayloadSpec("|u1", (4, 6)),
            rate_hz=100,
        )

    return {
        spec.name: spec
        for spec in (
            camera("left"),
            camera("idle"),
            signal("emg", 2000, ["GL", "TA"], ["uV", "uV"], [0.5, 0.25]),
            signal("force", 1000, ["Fz"], ["mN"], [2.0]),
            StreamSpec(
                name="poses/left",
                kind="poses",
                node="inference",
                payload=PayloadSpec("<f4", (3, 3)),
                attributes={"bodyparts": ["nose", "hip", "toe"], "model": "mouse"},
            ),
            StreamSpec(
                name="events/daq",
                kind="events",
                node="daq",
                attributes={"lines": ["laser", "camera_trigger", "spare"]},
            ),
            StreamSpec(name="decisions", kind="decisions", node="inference"),
            StreamSpec(name="acknowledgements", kind="acknowledgements", node="daq"),
            StreamSpec(name="losses/recorder", kind="losses", node="recorder"),
        )
    }


def _ns(time_s):
    return np.rint(1e9 * np.asarray(time_s, np.float64)).astype(np.int64)


@dataclass
class World:
    """Session times of all that was recorded."""

    def __post_init__(self):
        # a block is lost at 3 s; the board begins anew at 6 s, half a second later
        number = np.arange(16_010)
        time_s = 1 + number / 2000 + 0.5 * (number >= 10_010)
        self.emg_ns = _ns(np.delete(time_s, np.arange(4000, 4010)))
        # begins anew at 4 s, and its times step back by 2.5 ms
        number = np.arange(6000)
        self.force_ns = _ns(1 + number / 1000 - 0.0025 * (number >= 3000))
        self.frame_ids = np.arange(600)
        dither = np.random.default_rng(3).uniform(-1e-4, 1e-4, 600)
        self.frame_ns = _ns(1.005 + self.frame_ids / 100 + dither)
        self.lost_ids = np.array([200, 201, 350])
        self.recorded_ids = np.setdiff1d(self.frame_ids, self.lost_ids)
        self.row = np.full(600, -1)
        self.row[self.recorded_ids] = np.arange(len(self.recorded_ids))
        self.skipped_ids = np.array([100, 101])
        self.pose_ids = np.setdiff1d(self.recorded_ids, self.skipped_ids)
        self.laser_s = np.array([2.0, 2.01, 4.0, 4.01])
        trigger_ns = self.frame_ns - 1_000_000
        times = np.concatenate([trigger_ns, _ns(self.laser_s)])
        order = np.argsort(times, kind="stable")
        order[[50, 51]] = order[[51, 50]]  # two messages came in another order
        self.event_ns = times[order]
        self.laser = order >= len(trigger_ns)
        self.edge = np.where(order < 600, EDGE_RISING, EDGE_FALLING)
        self.edge[np.isin(order, [600, 602])] = EDGE_RISING
        self.decision_ns = _ns([1.99, 2.5, 3.99])
        self.answer_ns = np.array([_ns(2.0), NO_TIME, _ns(4.0)])

    def emg(self, time_ns):
        """Counts of the two channels."""
        time_s = np.asarray(time_ns) / 1e9
        return np.stack([8000 * np.sin(6 * np.pi * time_s), 1000 * time_s], axis=-1)

    def keypoints(self, time_ns):
        time_s = np.asarray(time_ns)[:, None] / 1e9 + np.arange(3)
        return np.stack([10 * time_s, 100 - 5 * time_s, 0 * time_s + 0.5], axis=-1)

    @property
    def aligned(self):
        """Times, and of frames rows and IDs, by stream."""
        nothing = np.empty(0, np.int64)
        return {
            "cameras/left": (self.frame_ns, self.row, self.frame_ids),
            "cameras/idle": (nothing, nothing, nothing),
            "signals/daq/emg": (self.emg_ns,),
            "signals/daq/force": (self.force_ns,),
            "poses/left": (self.frame_ns[self.pose_ids],),
            "events/daq": (self.event_ns,),
            "decisions": (self.decision_ns,),
            "acknowledgements": (self.answer_ns,),
            "losses/recorder": (nothing,),
        }


def _rows(spec, count):
    rows = np.zeros(count, spec.row)
    rows["seq"] = np.arange(count)
    rows["host_ns"] = 1 + np.arange(count)
    if spec.kind == "samples":
        rows["count"] = BLOCK
    return rows


def _contents(world, spec):
    """Rows and payload of a stream."""
    match spec.name:
        case "cameras/left":
            rows = _rows(spec, len(world.recorded_ids))
            rows["frame_id"] = world.recorded_ids
            pixels = (world.recorded_ids % 251).astype(np.uint8)
            return rows, np.broadcast_to(pixels[:, None, None], (len(rows), 4, 6))
        case "signals/daq/emg":
            counts = np.rint(world.emg(world.emg_ns)).astype("<i2")
            return _rows(spec, len(counts) // BLOCK), counts.reshape(-1, BLOCK, 2)
        case "signals/daq/force":
            counts = np.arange(6000, dtype="<i2")
            return _rows(spec, 600), counts.reshape(-1, BLOCK, 1)
        case "poses/left":
            rows = _rows(spec, len(world.pose_ids))
            rows["frame_id"] = world.pose_ids
            return rows, world.keypoints(world.frame_ns[world.pose_ids]).astype("<f4")
        case "events/daq":
            rows = _rows(spec, len(world.event_ns))
            rows["line"] = np.where(world.laser, b"laser", b"camera_trigger")
            rows["edge"] = world.edge
            return rows, None
        case "decisions" | "acknowledgements":
            rows = _rows(spec, 3)
            rows["decision_id"] = np.arange(3)
            return rows, None
        case _:
            return _rows(spec, 0), None


def _record(folder, world):
    info = SessionInfo(
        session_id=folder.name,
        subject="m1",
        task="jump",
        started_utc="2026-01-02T10:00:00+00:00",
        started_host_ns=1000,
    )
    specs = _specs()
    with SessionWriter.create(folder, info, specs.values(), 2.0) as writer:
        for spec in specs.values():
            rows, payload = _contents(world, spec)
            for first in range(0, len(rows), 100):
                part = slice(first, first + 100)
                writer.append_block(
                    spec.name, rows[part], None if payload is None else payload[part]
                )
    with Recording.open(folder) as recording:
        ledger = ledger_from_recording(recording)
    finish_session(folder, ledger)


def _summary(name, spec, times, row):
    timed = times[times != NO_TIME] / 1e9
    return StreamSummary(
        stream=name,
        kind=spec.kind,
        clock=spec.node,
        path=(spec.node, "daq"),
        level="PASS",
        sentence="known",
        recorded=int((row >= 0).sum()),
        lost=int((row < 0).sum()),
        rate_hz=None,
        sd_ns=1000.0,
        worst_sd_ns=1000.0,
        first_s=float(timed.min()) if len(timed) else float("nan"),
        last_s=float(timed.max()) if len(timed) else float("nan"),
        unique=True,
    )


def _align(folder, world, runs=True, **attributes):
    specs = _specs()
    path = folder / layout.ALIGNED_FILE
    path.parent.mkdir(exist_ok=True)
    summaries = []
    with h5py.File(path, "w") as file:
        for name, (times, *frame_columns) in world.aligned.items():
            group = file.create_group(name)
            group[layout.TIME] = times
            sd_ns = np.where(times == NO_TIME, np.nan, 1000).astype(np.float32)
            group[layout.SD] = sd_ns
            if frame_columns:
                group[layout.ROW], group[layout.FRAME_ID] = frame_columns
            if runs:
                group[layout.RUNS] = layout.runs_of(times)
            group.attrs["kind"] = specs[name].kind
            group.attrs["clock"] = specs[name].node
            row = frame_columns[0] if frame_columns else np.zeros(len(times))
            summaries.append(_summary(name, specs[name], times, row))
        alignment = Alignment(
            source=folder.name,
            started_utc="2026-01-02T10:00:00+00:00",
            made_utc="2026-01-02T11:00:00+00:00",
            reference="daq",
            origin_ns=123,
            level="WARN",
            sentence="camera left: frames known to ± 2 µs (95 %)",
            findings=(),
            relations=(),
            streams=tuple(summaries),
        )
        file.create_group(layout.RELATIONS).create_group("scope-daq")["time_s"] = [0.0]
        found = {
            "format": layout.ALIGNED_FORMAT,
            "format_version": layout.ALIGNED_VERSION,
            "session_id": folder.name,
            "reference": "daq",
            "origin_ns": 123,
            "started_utc": alignment.started_utc,
            "level": alignment.level,
            "json": alignment.to_json(),
        }
        for name, value in (found | attributes).items():
            file.attrs[name] = value
    return alignment


@pytest.fixture(scope="session")
def world():
    """The truth."""
    return World()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory, world):
    """A finished session that is not aligned yet; nobody writes into it."""
    folder = tmp_path_factory.mktemp("recorded") / "session"
    _record(folder, world)
    return folder


@pytest.fixture(scope="session")
def aligned(recorded, world):
    """A session with its times; nobody writes into it."""
    folder = shutil.copytree(recorded, recorded.parent.parent / "aligned" / "session")
    _align(folder, world)
    return folder


@pytest.fixture
def own_copy(recorded, tmp_path, world):
    """A copy of the recording, and how to align it."""
    folder = shutil.copytree(recorded, tmp_path / "session")
    return SimpleNamespace(
        folder=folder, align=lambda **kwargs: _align(folder, world, **kwargs)
    )


@pytest.fixture
def session(aligned):
    """The aligned session, opened."""
    with Session.open(aligned) as session:
        yield session


@pytest.fixture(scope="session")
def pynapple():
    """The package, without waiting for numba to compile it."""
    if "numba" not in sys.modules:
        os.environ["NUMBA_DISABLE_JIT"] = "1"
    return pytest.importorskip("pynapple")


@pytest.fixture(scope="session")
def alignment_of():
    """The figures in an aligned session, as plain values."""

    def read(folder):
        with h5py.File(folder / layout.ALIGNED_FILE) as file:
            return msgspec.json.decode(file.attrs["json"])

    return read
