"""Small sessions with pictures: an LED, an animal that jumps, wires to channels.

Everything is on the host's clock but for two offsets, so that the truth is plain: what
is late is late because a test wants it so.

And pictures that say what a model will see in them, with models that read it.
"""

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from onnx import TensorProto
from PIL import Image

from offline.dataset.adding import new_project
from offline.dataset.labels import Labels
from offline.dataset.tables import write_table
from rig.config.rig import RigConfig
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import Configs, SessionInfo
from rig.recording.writer import SessionWriter
from sync.cues import Line
from sync.pulses import trigger_times_ns
from sync.sync_line import SyncLine, segment_edges_us

START_NS = 5_000_000_000_000
DAQ_NS, SCOPE_NS, CAMERA_NS = 100_000_000_000, 7_000_000_000, 900_000_000_000
PERIOD_NS, EXPOSURE_NS = 10_000_000, 2_000_000
HEIGHT, WIDTH = 48, 64
SAMPLES = 10
PARTS = ("nose", "hip", "tail")
LIKELIHOOD = 204  # of 255: 0.8
GAIN, DARK = 120.0, 40.0


def _rig():
    return {
        "format": "springhare-rig/1",
        "name": "bench",
        "data_root": "data",
        "devices": {
            "cam": {
                "kind": "basler",
                "serial": "1",
                "width_px": WIDTH,
                "height_px": HEIGHT,
                "exposure_us": EXPOSURE_NS / 1000,
                "trigger": {"mode": "hardware", "source": "daq"},
                "led": {
                    "source": "daq",
                    "line": "sync",
                    "x_px": 50,
                    "y_px": 12,
                    "radius_px": 3,
                },
            },
            "daq": {
                "kind": "harp",
                "port": "/dev/null",
                "emg": {
                    "rate_hz": 2000,
                    "channels": ["GL", "TA"],
                    "test_pulse": {"line": "sync", "channel": "TA"},
                },
                "force_plate": {
                    "rate_hz": 1000,
                    "channels": ["Fx", "Fz"],
                },
                "camera_trigger": {"rate_hz": 100, "dither_us": 100},
                "sync_line": {},
                "actuator": {
                    "lines": {
                        "laser": {"pin": 1, "max_width_us": 50000, "max_rate_hz": 40}
                    }
                },
            },
            "scope": {
                "kind": "harp",
                "port": "/dev/zero",
                "inputs": {
                    "lines": {"sync": {"pin": 1, "edges": "both", "sync_source": "daq"}}
                },
            },
        },
    }


@dataclass
class Scene:
    """What is recorded; a test changes it before it is written."""

    seconds: float = 10.0
    seed: int = 1
    rig: dict = field(default_factory=_rig)
    led_xy: tuple[float, float] | None = (50, 12)
    """Where the LED really is."""
    led_line: str = "sync"
    """What it is really wired to."""
    light: float = 1.0
    """Of `GAIN`; what is beyond white is cut off."""
    delay_us: float = 0.0
    """So long after its stamp an exposure really begins."""
    emg_delay_us: float = 0.0
    pulse_uv: float = 2000.0
    """Of the test pulse; 0: the wire is not plugged in."""
    places_off: int = 0
    """Frames are noted with a trigger so many later than their own."""
    jumps: bool = True
    lost: tuple[int, ...] = ()
    subject: str = "m1"
    started_utc: str = "2026-01-02T10:00:00+00:00"
    simulate: bool = False

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        self.lines = {"sync": self._sync(), "laser": self._laser()}
        """Edges of each line, (n, 2): true time, 1 for a rise and 0 for a fall."""

    @property
    def triggers_ns(self):
        trigger = self.rig["devices"]["daq"]["camera_trigger"]
        count = int(self.seconds * 1e9 / PERIOD_NS) - 30
        dither_ns = round(trigger["dither_us"] * 1000)
        due = trigger_times_ns(self.seed, np.arange(count), PERIOD_NS, dither_ns)
        return START_NS + 150_000_000 + due

    def line(self, name):
        edges = self.lines[name]
        return Line.of_edges(edges[:, 0], edges[:, 1] == 1)

    def _sync(self):
        made, edges = SyncLine(seed=self.seed), []
        for k in range(int(self.seconds // 30) + 1):
            times, rising = segment_edges_us(made, 7000 + k)
            true = START_NS + 100_000_000 + k * 30 * 10**9 + times * 1000
            edges.append(np.stack([true, rising], axis=1))
        edges = np.concatenate(edges).astype(np.int64)
        return edges[edges[:, 0] < START_NS + int(self.seconds * 1e9)]

    def _laser(self):
        rises = np.cumsum(self.rng.uniform(0.3, 1.4, int(self.seconds)))
        rises = START_NS + (rises[rises < self.seconds - 0.1] * 1e9).astype(np.int64)
        edges = np.stack([rises, rises + 30_000_000], axis=1).ravel()
        return np.stack([edges, np.arange(len(edges)) % 2 == 0], axis=1).astype(int)

    def regular(self, period_ns, width_ns=10_000_000):
        """Make the sync line a regular one."""
        rises = START_NS + np.arange(
            100_000_000, int((self.seconds - 0.2) * 1e9), period_ns
        )
        edges = np.stack([rises, rises + width_ns], axis=1).ravel()
        ways = np.arange(len(edges)) % 2 == 0
        self.lines["sync"] = np.stack([edges, ways], axis=1).astype(np.int64)

    def speed(self, time_s):
        """How fast the animal moves up, in m/s."""
        found = np.zeros_like(time_s)
        jumps = np.random.default_rng(self.seed + 50)
        at = np.cumsum(jumps.uniform(0.5, 1.2, int(self.seconds * 2)))
        for start in at[at < self.seconds - 0.4] if self.jumps else ():
            within = (time_s - start) / jumps.uniform(0.15, 0.3)
            swing = np.sin(2 * np.pi * within) * jumps.uniform(0.4, 1.0)
            found += np.where((within > 0) & (within < 1), swing, 0.0)
        return found

    def pictures(self, middle_ns):
        """Draw the frames of exposures with these middles."""
        rng = np.random.default_rng(self.seed + 9)
        y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
        back = DARK + rng.uniform(0, 10, (HEIGHT, WIDTH))
        grid = np.arange(0, self.seconds, 1e-3)
        height = np.cumsum(self.speed(grid)) * 1e-3 * 120
        at = np.interp((middle_ns - START_NS) / 1e9, grid, height)
        line = self.line(self.led_line)
        lit = line.share(middle_ns - EXPOSURE_NS // 2, middle_ns + EXPOSURE_NS // 2)
        grains = back + rng.normal(0, 2, (64, HEIGHT, WIDTH))
        grain = rng.integers(0, len(grains), len(middle_ns))
        spot = np.zeros((HEIGHT, WIDTH))
        if self.led_xy is not None:
            far = np.hypot(x - self.led_xy[0], y - self.led_xy[1])
            spot = self.light * GAIN * np.clip(3.5 - far, 0, 1)
        frames = np.empty((len(middle_ns), HEIGHT, WIDTH), np.uint8)
        for k in range(len(frames)):
            picture = grains[grain[k]]
            if self.jumps:
                body = np.clip(6.5 - np.abs(y[:, 8:30] - 30 + at[k]), 0, 1)
                picture = picture.copy()
                picture[:, 8:30] += 90 * body
            if lit[k]:
                picture = picture + lit[k] * spot
            frames[k] = np.clip(picture, 0, 255)
        return frames

    def write(self, folder):
        config = RigConfig.model_validate(self.rig)
        info = SessionInfo(
            session_id=folder.name,
            subject=self.subject,
            task="jump",
            started_utc=self.started_utc,
            started_host_ns=START_NS,
            configs=Configs(
                rig=config.model_dump(mode="json"),
                session={"simulate": self.simulate},
            ),
        )
        folder.parent.mkdir(parents=True, exist_ok=True)
        specs = self._specs()
        with SessionWriter.create(folder, info, specs.values(), 60) as writer:
            self._write_events(writer, specs["events/daq"], DAQ_NS, self._driven())
            heard = [("sync", *edge) for edge in self.lines["sync"].tolist()]
            self._write_events(writer, specs["events/scope"], SCOPE_NS, heard)
            self._write_frames(writer, specs["cameras/cam"])
            self._write_emg(writer, specs)
            self._write_force(writer, specs)
            for device, offset in (("daq", DAQ_NS), ("scope", SCOPE_NS)):
                self._write_clock(writer, specs[f"clocks/{device}"], offset)
        with Recording.open(folder) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(folder, ledger)
        return folder

    def _specs(self):
        specs = [
            StreamSpec(
                name="cameras/cam",
                kind="frames",
                node="cam",
                payload=PayloadSpec("|u1", (HEIGHT, WIDTH)),
                rate_hz=100,
                attributes={
                    "device_stamp": "exposure_start",
                    "exposure_us": EXPOSURE_NS / 1000,
                    "pixel_format": "Mono8",
                },
            ),
            *(StreamSpec(name=f"events/{b}", kind="events", node=b)
              for b in ("daq", "scope")),
            *(StreamSpec(name=f"clocks/{b}", kind="clocks", node=b)
              for b in ("daq", "scope")),
        ]  # fmt: skip
        if self.rig["devices"]["daq"].get("emg"):
            specs.append(_samples("emg", 2000, ["GL", "TA"], ["uV", "uV"], 0.2))
        if self.rig["devices"]["daq"].get("force_plate"):
            specs.append(_samples("force_plate", 1000, ["Fx", "Fz"], ["mN"] * 2, 0.5))
        return {spec.name: spec for spec in specs}

    def _driven(self):
        events = [
            (name, at, way) for name, e in self.lines.items() for at, way in e.tolist()
        ]
        events += [("camera_trigger", at, 1) for at in self.triggers_ns.tolist()]
        return sorted(events, key=lambda event: event[1])

    def _write_events(self, writer, spec, offset_ns, events):
        times = np.array([at for _, at, _ in events])
        rows = _rows(spec, len(events))
        rows["device_ns"] = (times + offset_ns) // 1000 * 1000
        rows["host_ns"] = np.maximum.accumulate(self._arrival(times))
        rows["device_seq"] = np.arange(len(rows))
        rows["line"] = np.array([name for name, _, _ in events]).astype("S24")
        rows["edge"] = [1 if way else -1 for _, _, way in events]
        _append(writer, spec, rows)

    def _write_frames(self, writer, spec):
        seqs = np.array(
            [
                k
                for k, event in enumerate(self._driven())
                if event[0] == "camera_trigger"
            ]
        )
        triggers = self.triggers_ns
        numbers = np.arange(len(triggers) - abs(self.places_off))
        starts = triggers[: len(numbers)] if self.places_off <= 0 else None
        asked = numbers + self.places_off if self.places_off > 0 else numbers
        if starts is None:
            starts = triggers[numbers]
        elif self.places_off < 0:
            starts = triggers[numbers - self.places_off]
        kept = np.setdiff1d(numbers, self.lost)
        rows = _rows(spec, len(kept))
        rows["device_ns"] = starts[kept] + CAMERA_NS
        rows["host_ns"] = np.maximum.accumulate(
            self._arrival(starts[kept] + EXPOSURE_NS)
        )
        rows["exposure_ns"] = rows["host_ns"] - EXPOSURE_NS // 2
        rows["frame_id"] = kept
        rows["trigger_seq"] = seqs[asked[kept]]
        middle = starts[kept] + round(self.delay_us * 1000) + EXPOSURE_NS // 2
        self.frames, self.middle_ns = rows, middle
        _append(writer, spec, rows, self.pictures(middle))

    def _write_emg(self, writer, specs):
        if "signals/daq/emg" not in specs:
            return
        true = self._sample_times(500_000)
        late = true - round(self.emg_delay_us * 1000)
        share = self.line("sync").share(late - 250_000, late + 250_000)
        uv = self.rng.normal(0, 30, (len(true), 2))
        uv[:, 1] += self.pulse_uv * share
        self._write_samples(writer, specs["signals/daq/emg"], true, uv / 0.2)

    def _write_force(self, writer, specs):
        if "signals/daq/force_plate" not in specs:
            return
        true = self._sample_times(1_000_000)
        speed = self.speed((true - START_NS) / 1e9)
        force = self.rng.normal(0, 1, (len(true), 2))
        force[:, 1] += 250 + 25 * np.gradient(speed) * 1e3
        self._write_samples(writer, specs["signals/daq/force_plate"], true, force / 0.5)

    def _sample_times(self, period_ns):
        count = int((self.seconds - 0.5) * 1e9 / period_ns) // SAMPLES * SAMPLES
        return START_NS + 50_000_000 + np.arange(count) * period_ns

    def _write_samples(self, writer, spec, true, counts):
        first = true[::SAMPLES]
        rows = _rows(spec, len(first))
        rows["device_ns"] = first + DAQ_NS
        rows["host_ns"] = np.maximum.accumulate(self._arrival(first + 10_000_000))
        rows["count"] = SAMPLES
        rows["first_sample"] = rows["device_sample"] = np.arange(len(rows)) * SAMPLES
        samples = np.clip(np.rint(counts), -32768, 32767).astype(np.int16)
        _append(writer, spec, rows, samples)

    def _write_clock(self, writer, spec, offset_ns):
        asked = START_NS + np.arange(0, int(self.seconds * 1e9), 10**8)
        there = 80_000 + self.rng.exponential(60_000, len(asked)).astype(np.int64)
        back = 80_000 + self.rng.exponential(60_000, len(asked)).astype(np.int64)
        rows = _rows(spec, len(asked))
        answered = asked + there + offset_ns
        if "asked_ns" in rows.dtype.names:
            rows["answered_ns"] = answered
            rows["asked_ns"], rows["received_ns"] = asked, asked + there + back
        rows["device_ns"] = answered
        rows["host_ns"] = asked + there + back
        rows["offset_ns"] = asked + (there + back) // 2 - answered
        rows["sd_ns"] = 50_000
        _append(writer, spec, rows)

    def _arrival(self, true_ns):
        delay = 300_000 + self.rng.exponential(200_000, len(true_ns))
        return np.asarray(true_ns) + delay.astype(np.int64)


def _samples(part, rate_hz, channels, units, scale):
    return StreamSpec(
        name=f"signals/daq/{part}",
        kind="samples",
        node="daq",
        payload=PayloadSpec("<i2", (SAMPLES, len(channels))),
        rate_hz=rate_hz / SAMPLES,
        attributes={"channels": channels, "units": units, "scale": [scale] * 2},
    )


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


@pytest.fixture(scope="session")
def scene():
    """Make a scene; what is wrong with it is put in by the test."""
    return Scene


@pytest.fixture
def model_of(tmp_path):
    """A model whose keypoints are a grey picture's first pixels: x, y, 255 p of each.

    `shift_px` is added to x; it has one parameter.
    """

    def make(name, shift_px=0.0, bodyparts=PARTS, metadata=None):
        n = len(bodyparts)
        constants = {
            "start": np.array([0], np.int64),
            "end": np.array([3 * n], np.int64),
            "flat": np.array([-1], np.int64),
            "first": np.array([0], np.int64),
            "shape": np.array([n, 3], np.int64),
            "scale": np.array([1, 1, 1 / 255], np.float32),
            "shift": np.array([shift_px, 0, 0], np.float32),
        }
        nodes = [
            oh.make_node("Cast", ["frame"], ["real"], to=TensorProto.FLOAT),
            oh.make_node("Reshape", ["real", "flat"], ["all"]),
            oh.make_node("Slice", ["all", "start", "end", "first"], ["some"]),
            oh.make_node("Reshape", ["some", "shape"], ["raw"]),
            oh.make_node("Mul", ["raw", "scale"], ["scaled"]),
            oh.make_node("Add", ["scaled", "shift"], ["keypoints"]),
        ]
        graph = oh.make_graph(
            nodes,
            "dials",
            [oh.make_tensor_value_info("frame", TensorProto.UINT8, [1, "h", "w"])],
            [oh.make_tensor_value_info("keypoints", TensorProto.FLOAT, [n, 3])],
            [onnx.numpy_helper.from_array(a, key) for key, a in constants.items()],
        )
        model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)])
        model.ir_version = 9
        told = {"format": "springhare-pose/1", "bodyparts": json.dumps(bodyparts)}
        oh.set_model_props(model, told | (metadata or {}))
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        onnx.save(model, str(path))
        return path

    return make


@pytest.fixture
def make_project(tmp_path):
    """A project of grey pictures, some bytes of each saying what is seen in it.

    Nose 3 px off and hip 4 px off in y; the tail is labelled in every second picture
    and 40 px off in the very first.
    """

    def make(videos=("m1", "m2"), each=3, size=(48, 64), colour=False):
        folder = tmp_path / "project"
        new_project(folder, task="t", scorer="me", bodyparts=PARTS)
        for v, video in enumerate(videos):
            place = folder / "labeled-data" / video
            place.mkdir()
            labels = np.empty((each, 3, 2))
            for k in range(each):
                seen = np.array([[20 + k, 15], [30 + v, 20], [40, 30]])
                labels[k] = seen - [[0, 3], [0, 4], [0, 40 if v + k == 0 else 1]]
                if k % 2:
                    labels[k, 2] = np.nan
                pixels = np.full(size, 90, np.uint8)
                dials = np.column_stack([seen, np.full(3, LIKELIHOOD)])
                pixels.flat[:9] = dials.ravel()
                picture = Image.fromarray(pixels)
                picture = picture.convert("RGB") if colour else picture
                picture.save(place / f"img{k:03d}.png")
            images = tuple(
                PurePosixPath("labeled-data", video, f"img{k:03d}.png")
                for k in range(each)
            )
            write_table(place, Labels(images, PARTS, labels), "me")
        return folder

    return make
