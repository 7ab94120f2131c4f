"""A Harp board's node on a bench: real rings, any board behind it."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from harp.device.client import TransportError

from rig.bus.directory import StreamDirectory
from rig.config.fault_script import ScriptedFault
from rig.config.rig import RigConfig
from rig.devices.dead_man import BEATS
from rig.devices.harp import HarpDevice
from rig.devices.harp_port import SerialPort
from rig.messages import Decision, StreamSpec
from rig.node import NodeContext
from rig.sim.epoch import Epoch
from rig.sim.twins.harp import make_boards
from rig.sim.twins.harp_truth import HarpTruth, board_truth
from sync.clock import MonotonicClock

FIRMWARE = Path(__file__).parents[3] / "rig" / "devices" / "firmware"

DEVICE = {
    "kind": "harp",
    "port": "set by the test",
    "emg": {"channels": ["GL", "TA", "VL", "BF", "GL2", "TA2", "VL2", "BF2"]},
    "force_plate": {},
    "camera_trigger": {"rate_hz": 100},
    "inputs": {"lines": {"frame_clock": {"pin": 0, "edges": "rising", "rate_hz": 30}}},
    "actuator": {
        "lines": {
            "laser": {
                "pin": 1,
                "max_width_us": 50_000,
                "max_rate_hz": 40,
                "max_duty": 0.5,
            }
        }
    },
}


@pytest.fixture(scope="session")
def need():
    """Skip without a program; in CI it must be there."""

    def need(program):
        if shutil.which(program):
            return
        if os.environ.get("CI"):
            pytest.fail(f"expected {program} in CI")
        pytest.skip(f"needs {program}")

    return need


@pytest.fixture(scope="session")
def harp_emulator(need, tmp_path_factory):
    """The firmware, built for this PC, warnings being errors."""
    need("g++")
    program = tmp_path_factory.mktemp("firmware") / "emulator"
    source = FIRMWARE / "emulator" / "emulator.cpp"
    flags = ["-O2", "-std=c++11", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["g++", *flags, source, "-o", program, "-lutil"], check=True)
    return program


@pytest.fixture
def harp_device():
    """A device's section of a rig file, with changes."""

    def make(**changes):
        fields = DEVICE | changes
        return {key: value for key, value in fields.items() if value is not None}

    return make


@pytest.fixture
def harp_rig():
    """A rig of some devices."""

    def make(devices, **changes):
        return RigConfig.model_validate(
            {
                "format": "springhare-rig/1",
                "name": "test",
                "data_root": "/data",
                "devices": devices,
            }
            | changes
        )

    return make


@pytest.fixture
def harp_process():
    """Start a program that says where it serves; it is gone when the test ends."""
    running = []

    def start(command):
        child = subprocess.Popen(
            [str(word) for word in command], stdout=subprocess.PIPE, text=True
        )
        running.append(child)
        return child, msgspec.json.decode(child.stdout.readline())

    yield start
    for child in running:
        child.terminate()
        try:
            child.wait(10)
        finally:
            child.kill()
            child.communicate()


@pytest.fixture
def harp_twins(harp_process, tmp_path):
    """Serve a rig's boards from a process of their own."""

    def start(rig, faults=(), seed=1, slow=1.0):
        (tmp_path / "rig.json").write_text(rig.model_dump_json())
        (tmp_path / "faults.json").write_bytes(msgspec.json.encode(list(faults)))
        (tmp_path / "epoch").unlink(missing_ok=True)
        command = [sys.executable, "-m", "rig.sim.twins.harp"]
        command += ["--rig", tmp_path / "rig.json", "--epoch", tmp_path / "epoch"]
        command += ["--faults", tmp_path / "faults.json"]
        command += ["--truth", tmp_path / "truth.json"]
        command += ["--seed", seed, "--slow", slow]
        return harp_process(command)

    return start


class MemoryBoard:
    """A simulated board without a process, a socket or a wire; it is its own port."""

    def __init__(self, board, epoch, clock):
        self.board = board
        self._epoch = epoch
        self._clock = clock
        self._lock = threading.Lock()
        self._pause = threading.Event()
        self._cut = False

    def _check(self):
        if self._cut or not self.board.plugged:
            raise TransportError("cut")

    def open(self):
        with self._lock:
            self.board.turn(self._clock.now())
        self._check()

    def read(self):
        self._pause.wait(0.002)
        with self._lock:
            data = self.board.turn(self._clock.now())
        self._check()
        return data

    def more(self):
        return False

    def write(self, data):
        self._check()
        with self._lock:
            self.board.feed(data, self._clock.now())

    def cut(self):
        self._cut = True

    def close(self):
        pass

    def truth(self):
        found = {self.board.name: board_truth(self.board.truth, self.board.clock)}
        return HarpTruth(self._epoch.began_ns(), self._epoch.slow, found)


@pytest.fixture
def harp_in_memory(tmp_path):
    """Make a rig's first board, simulated in this process."""

    def make(rig, faults=(), seed=1, slow=1.0):
        clock = MonotonicClock()
        epoch = Epoch(tmp_path / "epoch", slow)
        script = [ScriptedFault.model_validate(fault) for fault in faults]
        now = clock.now()
        _, boards = make_boards(rig, epoch, seed, now, script, keep_edges=True)
        return MemoryBoard(boards[0], epoch, clock)

    return make


class Bench:
    """A node, its rings, and readers that keep every row."""

    def __init__(self, streams, clock, folder):
        self.streams = streams
        self.clock = clock
        self.folder = folder
        self.node = None
        self.beating = False
        self._rows = {}
        self._payload = {}
        self._decided = 0

    def open(self, config, name="daq", open_port=SerialPort, task=None, beats=False):
        context = NodeContext(
            name=name,
            config=config,
            rig={},
            task=task or {},
            session={},
            session_folder=self.folder,
            clock=self.clock,
        )
        self.node = HarpDevice(context, open_port)
        specs = self.node.open()
        counters = (BEATS,) * beats
        decided = StreamSpec(
            name="decisions", kind="decisions", node="inference", counters=counters
        )
        for spec in [*specs, decided]:
            self.streams.create_ring(spec)
        self._decisions = self.streams.writer("decisions")
        self.node.attach(self.streams)
        self._readers = {n: self.streams.reader(n, 0) for n in self.streams.names()}
        return specs

    def start(self, config, name="daq", open_port=SerialPort, task=None, beats=False):
        """Start a node; with `beats` it watches who decides, as long as `beating`."""
        self.open(config, name, open_port, task, beats)
        self.beating = beats
        self.node.start()

    def until(self, condition, seconds=20.0):
        """Turn the node's loop until something is true; fail after a deadline."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.beating:
                self._decisions.count(BEATS)
            self.node.step()
            self.drain()
            if condition():
                return
        pytest.fail("nothing came in time")

    def drain(self):
        for name, reader in self._readers.items():
            while len(batch := reader.read(1024)):
                self._rows.setdefault(name, []).append(batch.rows)
                self._payload.setdefault(name, []).append(batch.payload)

    def rows(self, name):
        found = self._rows.get(name, [])
        dtype = self.streams.ring(name).spec.row
        return np.concatenate(found) if found else np.zeros(0, dtype)

    def samples(self, name):
        blocks = np.concatenate(self._payload[name])
        return blocks.reshape(-1, blocks.shape[2])

    def numbers(self, name):
        first = self.rows(name)["device_sample"]
        return (first[:, None] + np.arange(10)).ravel()

    def count(self, name):
        return len(self.rows(name))

    def counters(self, name):
        return self.streams.ring(name).counters

    def losses(self):
        """Return (stream, first number, count, cause) of every recorded loss."""
        return [
            tuple(
                value.decode() if isinstance(value, bytes) else value
                for value in row[["stream", "first_id", "count", "cause"]].tolist()
            )
            for row in self.rows("losses/daq")
        ]

    def decide(self, **changes):
        """Publish a fired decision on a pose that is 1 ms old."""
        self._decided += 1
        now = self.clock.now()
        fields = {
            "host_ns": now,
            "decision_id": self._decided,
            "rule": "jump",
            "camera": "left",
            "frame_id": 1,
            "pose_seq": 1,
            "outcome": "fired",
            "cause": "",
            "exposure_ns": now - 1_000_000,
            "age_ns": 1_000_000,
            "max_age_ns": 2_000_000_000,
            "latency_ns": 0,
            "value": 1.0,
            "threshold": 0.5,
            "likelihood": 1.0,
            "sham_draw": 0.9,
            "armed": 1,
            "line": "laser",
            "pulse_width_us": 1000,
            "pulse_count": 1,
            "pulse_period_us": 0,
        }
        self._decisions.append(Decision(**(fields | changes)))
        return self._decided

    def levels(self, line="laser"):
        """Return (device time in ns, whether it went high) of a line's edges."""
        rows = self.rows("events/daq")
        mine = rows[rows["line"] == line.encode()]
        return [(int(row["device_ns"]), row["edge"] > 0) for row in mine]

    def acknowledged(self, decision_id):
        for row in self.rows("acknowledgements"):
            if row["decision_id"] == decision_id:
                return row
        return None

    def statuses(self, decision_id):
        """Return what was acknowledged of a decision, in order."""
        rows = self.rows("acknowledgements")
        return rows["status"][rows["decision_id"] == decision_id].tolist()

    def stop(self):
        self.node.stop()
        self.drain()

    def close(self):
        if self.node is not None:
            self.node.close()
        if hasattr(self, "_decisions"):
            self._decisions.close()


@pytest.fixture
def harp_bench(memory, tmp_path):
    """A bench for one node; everything is closed when the test ends."""
    bench = Bench(StreamDirectory.create("s", tmp_path), MonotonicClock(), tmp_path)
    yield bench
    bench.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("_Client")]
