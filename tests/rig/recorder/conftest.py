"""A small rig: rings of known content, and a recorder that a test turns by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rig.bus.directory import StreamDirectory
from rig.messages import Block, Event, Frame, PayloadSpec, StreamSpec
from rig.node import NodeContext
from rig.recorder import Recorder, pump
from sync.clock import ManualClock

STEP_NS = pump._PATIENCE_NS + 10_000_000
RIG = {
    "segment_seconds": 0.5,
    "devices": {
        "left": {"trigger": {"mode": "software", "source": "daq"}},
        "daq": {"camera_trigger": {"line": "clock", "rate_hz": 100}},
    },
}


@pytest.fixture
def small_specs():
    return [
        StreamSpec(
            name="cameras/left",
            kind="frames",
            node="left",
            payload=PayloadSpec("|u1", (12, 16)),
            rate_hz=100,
            slots=200,
            counters=("failed_grabs", "missing_ids", "triggers_ignored"),
        ),
        StreamSpec(
            name="signals/daq/emg",
            kind="samples",
            node="daq",
            payload=PayloadSpec("<i2", (10, 4)),
            rate_hz=100,
            slots=200,
            counters=("missing_samples",),
        ),
        StreamSpec(
            name="events/daq",
            kind="events",
            node="daq",
            slots=200,
            counters=("missing_events",),
        ),
    ]


class Source:
    """Publishes elements that are functions of their number."""

    def __init__(self, writer):
        self.writer = writer

    def publish(self, n=1):
        for _ in range(n):
            k = self.writer.seq
            match self.writer.spec.kind:
                case "frames":
                    record = Frame(
                        host_ns=k + 1, frame_id=k, device_ns=k, exposure_ns=k
                    )
                    pixels = np.full((12, 16), k % 251, np.uint8)
                    self.writer.append(record, pixels)
                case "samples":
                    record = Block(
                        host_ns=k + 1,
                        first_sample=-1,
                        count=10,
                        device_ns=k,
                        device_sample=10 * k,
                    )
                    samples = np.arange(10 * k, 10 * k + 10, dtype=np.int16)
                    self.writer.append(record, np.repeat(samples[:, None], 4, 1))
                case _:
                    record = Event(
                        host_ns=k + 1, device_ns=k, device_seq=k, line="clock", edge=1
                    )
                    self.writer.append(record)


class SmallRig:
    """Rings, sources and a recorder."""

    def __init__(self, folder, specs, clock):
        self.folder = folder
        folder.mkdir(parents=True)
        self.clock = clock
        self.streams = StreamDirectory.create("s", folder)
        for spec in (*specs, *self.make_recorder().open()):
            self.streams.create_ring(spec)
        self.names = [spec.name for spec in specs]
        self.sources = {name: Source(self.streams.writer(name)) for name in self.names}
        self.recorder = self.make_recorder()

    def make_recorder(self, clock=None):
        context = NodeContext(
            name="recorder",
            config={},
            rig=RIG,
            task={"name": "jump"},
            session={
                "session_id": "m1_s",
                "subject": "m1",
                "started_utc": "2026-01-02T10:00:00+00:00",
                "started_host_ns": 1,
            },
            session_folder=self.folder,
            clock=clock or self.clock,
        )
        return Recorder(context)

    def attach(self):
        self.recorder.attach(self.streams)
        self.recorder.start()

    step_ns = STEP_NS
    """Time that passes in a step."""

    def publish(self, n):
        for source in self.sources.values():
            source.publish(n)

    def step(self, n=1):
        """Let the recorder turn so often, and long enough for any block."""
        for _ in range(n):
            self.recorder.step()
            self.clock.advance(STEP_NS)
            self.recorder.step()

    def close_sources(self):
        for source in self.sources.values():
            source.writer.close()


@pytest.fixture
def small_rig(memory, tmp_path, small_specs):
    made = SmallRig(
        tmp_path / "m1" / "2026-01-02_10-00-00_jump", small_specs, ManualClock(1)
    )
    yield made
    made.recorder.close()
    made.close_sources()


@pytest.fixture
def check_rows():
    """Check that what is recorded is what was published; return the numbers."""

    def check(recording, name):
        rows = recording.rows(name)
        seqs = rows["seq"]
        assert (rows["host_ns"] == seqs + 1).all()
        if name == "cameras/left":
            pixels = recording.payload(name)
            assert (pixels == (seqs % 251)[:, None, None]).all()
            assert len(pixels) == len(seqs)
        if name == "signals/daq/emg":
            wanted = (10 * seqs[:, None] + np.arange(10)).ravel()
            assert (recording.payload(name) == wanted[:, None]).all()
            assert (rows["first_sample"] == 10 * np.arange(len(seqs))).all()
        return seqs.tolist()

    return check
