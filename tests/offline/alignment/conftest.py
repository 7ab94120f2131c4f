"""Sessions whose truth is known to the nanosecond, and what can go wrong in them.

A daq gives a sync line and camera triggers, a scope hears the line and a microscope's
frame clock, a camera is triggered by wire. Each has a crystal of its own; the host's
clock is the true one. A test changes the `Bench` before it is written.
"""

import copy
import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest

from offline.alignment.pipeline import align
from rig.config.rig import RigConfig
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import Configs, SessionInfo
from rig.recording.writer import SessionWriter
from sync.pulses import trigger_times_ns
from sync.sync_line import SyncLine, segment_edges_us

START_NS = 5_000_000_000_000
EXPOSURE_NS = 2_000_000
SAMPLES = 10
RIG = {
    "format": "springhare-rig/1",
    "name": "bench",
    "data_root": "data",
    "devices": {
        "cam": {
            "kind": "basler",
            "serial": "1",
            "width_px": 8,
            "height_px": 8,
            "exposure_us": 2000,
            "output_line": "Line2",
            "trigger": {"mode": "hardware", "source": "daq"},
        },
        "daq": {
            "kind": "harp",
            "port": "/dev/null",
            "emg": {"rate_hz": 2000, "channels": ["GL"]},
            "camera_trigger": {"rate_hz": 100, "dither_us": 100},
            "sync_line": {},
        },
        "scope": {
            "kind": "harp",
            "port": "/dev/zero",
            "inputs": {
                "lines": {
                    "frame_clock": {"pin": 0, "edges": "both", "rate_hz": 30},
                    "sync": {"pin": 1, "edges": "both", "sync_source": "daq"},
                    "exposure": {"pin": 2, "edges": "both"},
                }
            },
        },
    },
}


@dataclass
class Crystal:
    """A clock: what it shows at true times."""

    offset_ns: int
    ppm: float
    warm_up_ppm: float = 3.0
    wander: np.ndarray | None = None
    step_s: float = 1.0

    def __call__(self, true_ns):
        elapsed = (np.asarray(true_ns, np.int64) - START_NS) / 1e9
        warm = self.warm_up_ppm * 600 * (1 - np.exp(-np.maximum(elapsed, 0) / 600))
        ahead = (self.ppm * elapsed + warm) * 1e3
        if self.wander is not None:
            ahead = ahead + np.interp(
                elapsed, np.arange(len(self.wander)) * self.step_s, self.wander
            )
        return (
            np.rint(elapsed * 1e9).astype(np.int64)
            + np.rint(ahead).astype(np.int64)
            + self.offset_ns
        )


def _wander(rng, seconds, ppb):
    """A random walk of the frequency, in ppb a second, integrated, in ns."""
    skew = np.cumsum(rng.normal(0, ppb, int(seconds) + 30))
    return np.cumsum(skew)


@dataclass
class Bench:
    seconds: float = 120.0
    seed: int = 1
    dither_us: float = 100.0
    number: int = 7 << 16
    """Of the first barcode."""
    rig: dict = field(default_factory=lambda: RIG)
    jitter_ns: float = 2000.0
    """Of the camera's stamps."""
    wander_ppb: float = 0.01

    def __post_init__(self):
        rng = self.rng = np.random.default_rng(self.seed)

        def wander():
            return _wander(rng, self.seconds, self.wander_ppb)

        self.clocks = {
            "daq": Crystal(100_000_000_000, 20.0, wander=wander()),
            "scope": Crystal(7_000_000_000, -35.0, wander=wander()),
            "cam": Crystal(900_000_000_000, 12.0, wander=wander()),
        }
        self.sync = self._sync_edges()
        """(n, 2): true time, 1 for a rise and 0 for a fall."""
        due = trigger_times_ns(
            *(self.seed, np.arange(int(self.seconds * 100)), 10_000_000),
            round(self.dither_us * 1000),
        )
        self.triggers = START_NS + 50_000_000 + due
        self.heard = self.sync.copy()
        """What the scope hears of the line."""
        starts = self.triggers + 60_000
        count = len(starts)
        self.frames = {
            "start": starts,
            "frame_id": np.arange(count),
            "trigger": np.arange(count),
        }
        pulses = START_NS + 200_000_000 + np.arange(int(self.seconds * 30)) * 33_333_333
        self.scope_clock = np.stack(
            [
                np.repeat(pulses, 2) + np.tile([0, 5_000_000], len(pulses)),
                np.tile([1, 0], len(pulses)),
            ],
            axis=1,
        )
        self.exposures = np.empty((0, 2), np.int64)
        """What the scope hears of the camera's exposures; see `show_exposures`."""
        self.swapped = False
        self.shown = dict(self.clocks)
        """What each device stamps with; a fault puts something else there."""
        self.blocks = np.arange(int(self.seconds * 200))
        """The EMG's blocks that are recorded."""

    def show_exposures(self, *, high=1):
        """Wire the camera's output to the scope."""
        self.rig = copy.deepcopy(self.rig)
        lines = self.rig["devices"]["scope"]["inputs"]["lines"]
        lines["exposure"]["exposure_of"] = "cam"
        starts = self.frames["start"]
        times = np.stack([starts, starts + EXPOSURE_NS], axis=1).ravel()
        ways = np.tile([high, 1 - high], len(starts))
        self.exposures = np.stack([times, ways], axis=1)

    def _sync_edges(self):
        line = SyncLine(seed=self.seed)
        daq, edges = self.clocks["daq"], []
        grid = START_NS + np.arange(0, int(self.seconds + 40) * 10**9, 10**8)
        for k in range(int(self.seconds // 30) + 1):
            times, rising = segment_edges_us(line, self.number + k)
            on_daq = daq(START_NS) + 100_000_000 + k * 30 * 10**9 + times * 1000
            true = np.interp(on_daq - daq(START_NS), daq(grid) - daq(START_NS),
                             (grid - START_NS).astype(float))  # fmt: skip
            edges.append(np.stack([true.astype(np.int64) + START_NS, rising], axis=1))
        edges = np.concatenate(edges)
        return edges[edges[:, 0] < START_NS + self.seconds * 1e9]

    def truth(self, found, true_ns):
        """What an alignment should say of true times: the reference, from its origin.

        How the origin lies to the host's clock is known to half a round trip only;
        session time is what the reference shows, whatever that is.
        """
        shown = np.asarray(true_ns)
        if found.alignment.reference != "host":
            shown = self.clocks[found.alignment.reference](true_ns)
        return shown - found.alignment.origin_ns

    def arrival(self, true_ns):
        """When it reaches the host: late, never early."""
        delay = 300_000 + self.rng.exponential(200_000, len(true_ns))
        return np.asarray(true_ns) + delay.astype(np.int64)

    def stamp(self, device, true_ns):
        shown = self.shown[device](true_ns)
        return shown if device == "cam" else shown // 1000 * 1000

    def board_events(self, board):
        """All edges of a board: true times, lines, edges, in order."""
        lines = {
            "daq": (("sync", self.sync), ("camera_trigger", self._rises())),
            "scope": (
                ("sync", self.heard),
                ("frame_clock", self.scope_clock),
                ("exposure", self.exposures),
            ),
        }[board]
        times = np.concatenate([edges[:, 0] for _, edges in lines])
        names = np.concatenate([[name] * len(edges) for name, edges in lines])
        ways = np.concatenate([edges[:, 1] for _, edges in lines])
        order = np.argsort(times, kind="stable")
        if board == "scope" and self.swapped:
            other = {"sync": "frame_clock", "frame_clock": "sync"}
            names = np.array([other.get(name, name) for name in names])
        return times[order], names[order], np.where(ways[order] == 1, 1, -1)

    def _rises(self):
        return np.stack([self.triggers, np.ones(len(self.triggers), np.int64)], axis=1)

    def write(self, folder):
        config = RigConfig.model_validate(self.rig)
        camera = self.rig["devices"]["cam"]
        info = SessionInfo(
            session_id=folder.name,
            subject="m1",
            task="jump",
            started_utc="2026-01-02T10:00:00+00:00",
            started_host_ns=START_NS,
            configs=Configs(rig=config.model_dump(mode="json")),
        )
        specs = _specs(camera)
        with SessionWriter.create(folder, info, specs.values(), 60) as writer:
            self._write_frames(writer, specs["cameras/cam"])
            for board in ("daq", "scope"):
                self._write_events(writer, specs[f"events/{board}"], board)
            self._write_samples(writer, specs["signals/daq/emg"])
            for device in ("daq", "scope", "cam"):
                self._write_clock(writer, specs[f"clocks/{device}"], device)
        with Recording.open(folder) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(folder, ledger)
        return folder

    def _write_frames(self, writer, spec):
        starts = self.frames["start"]
        rows = _rows(spec, len(starts))
        noise = np.rint(self.rng.normal(0, self.jitter_ns, len(starts)))
        rows["device_ns"] = self.stamp("cam", starts) + noise.astype(np.int64)
        rows["host_ns"] = np.maximum.accumulate(self.arrival(starts + EXPOSURE_NS))
        rows["exposure_ns"] = rows["host_ns"] - EXPOSURE_NS // 2
        rows["frame_id"] = self.frames["frame_id"]
        _, names, _ = self.board_events("daq")
        seqs = np.flatnonzero(names == "camera_trigger")
        asked = self.frames["trigger"]
        rows["trigger_seq"] = np.where(asked >= 0, seqs[np.clip(asked, 0, None)], -1)
        _append(writer, spec, rows, np.zeros((len(rows), 8, 8), np.uint8))

    def _write_events(self, writer, spec, board):
        times, names, ways = self.board_events(board)
        rows = _rows(spec, len(times))
        rows["device_ns"] = self.stamp(board, times)
        rows["host_ns"] = np.maximum.accumulate(self.arrival(times))
        rows["device_seq"] = np.arange(len(rows))
        rows["line"], rows["edge"] = names.astype("S24"), ways
        _append(writer, spec, rows)

    def _write_samples(self, writer, spec):
        rows = _rows(spec, len(self.blocks))
        daq = self.clocks["daq"](START_NS) + 300_000_000 + self.blocks * 5_000_000
        rows["device_ns"] = daq // 1000 * 1000
        true = START_NS + 300_000_000 + self.blocks * 5_000_000
        rows["host_ns"] = np.maximum.accumulate(self.arrival(true + 5_000_000))
        rows["count"] = SAMPLES
        rows["first_sample"] = np.arange(len(rows)) * SAMPLES
        rows["device_sample"] = self.blocks * SAMPLES
        _append(writer, spec, rows, np.zeros((len(rows) * SAMPLES, 1), np.int16))

    def _write_clock(self, writer, spec, device):
        asked = START_NS + np.arange(0, int(self.seconds * 1e9), 10**8)
        there = 80_000 + self.rng.exponential(60_000, len(asked)).astype(np.int64)
        back = 80_000 + self.rng.exponential(60_000, len(asked)).astype(np.int64)
        rows = _rows(spec, len(asked))
        answered = self.stamp(device, asked + there)
        rows["answered_ns"] = answered
        rows["asked_ns"], rows["received_ns"] = asked, asked + there + back
        rows["device_ns"] = answered
        rows["host_ns"] = asked + there + back
        rows["offset_ns"] = asked + (there + back) // 2 - answered
        rows["sd_ns"] = 50_000
        _append(writer, spec, rows)


def _specs(camera):
    frames = StreamSpec(
        name="cameras/cam",
        kind="frames",
        node="cam",
        payload=PayloadSpec("|u1", (8, 8)),
        rate_hz=100,
        attributes={
            "device_stamp": "exposure_start",
            "exposure_us": float(camera["exposure_us"]),
        },
    )
    emg = StreamSpec(
        name="signals/daq/emg",
        kind="samples",
        node="daq",
        payload=PayloadSpec("<i2", (SAMPLES, 1)),
        rate_hz=200,
        attributes={"channels": ["GL"], "units": ["uV"], "scale": [0.2]},
    )
    specs = [frames, emg, StreamSpec(name="losses/cam", kind="losses", node="cam")]
    specs += [
        StreamSpec(name=f"events/{board}", kind="events", node=board)
        for board in ("daq", "scope")
    ]
    specs += [
        StreamSpec(name=f"clocks/{device}", kind="clocks", node=device)
        for device in ("daq", "scope", "cam")
    ]
    return {spec.name: spec for spec in specs}


def _rows(spec, count):
    rows = np.zeros(count, spec.row)
    rows["seq"] = np.arange(count)
    return rows


def _append(writer, spec, rows, payload=None):
    each = SAMPLES if spec.kind == "samples" else 1
    for first in range(0, len(rows), 500):
        block = rows[first : first + 500]
        data = None
        if payload is not None:
            data = payload[first * each : (first + len(block)) * each]
            data = data.reshape(len(block), *spec.payload.shape)
        writer.append_block(spec.name, block, data)


@pytest.fixture
def bench():
    """Make a bench; its faults are put in by the test."""
    return Bench


@pytest.fixture
def aligned(tmp_path):
    """Write a bench and align it."""
    count = itertools.count()

    def write_and_align(bench, **options):
        folder = bench.write(tmp_path / f"session_{next(count)}")
        with Recording.open(folder) as recording:
            return align(recording, **options)

    return write_and_align
