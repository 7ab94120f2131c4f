"""A bench for cameras: rings in a place of their own, a train of triggers, a loop."""

import gc
import os
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from rig.bus.directory import StreamDirectory
from rig.messages import EDGE_FALLING, EDGE_RISING, Event, StreamSpec
from rig.node import NodeContext
from rig.sim.epoch import Epoch
from sync.clock import MonotonicClock

os.environ.setdefault("PYLON_CAMEMU", "4")  # counts only before pypylon is imported

RATE_HZ = 100.0


class TriggerTrain:
    """The device that triggers: a stream of edges, on a clock of its own."""

    def __init__(self, streams, epoch, count, rate_hz, extra_line=False, skip=()):
        self._thread = threading.Thread(target=self._run)
        self._ended = threading.Event()
        self.began = threading.Event()
        self._streams, self._epoch, self._count = streams, epoch, count
        self._period_ns = round(1e9 / rate_hz)
        self._extra_line, self._skip = extra_line, set(skip)
        self._thread.start()

    def _run(self):
        clock = MonotonicClock()
        writer = self._streams.writer("events/daq")
        first_ns = clock.now() + 5_000_000
        self._epoch.begin(first_ns)
        for n in range(self._count):
            due_ns = first_ns + n * self._period_ns
            while (left_ns := due_ns - clock.now()) > 0 and not self._ended.is_set():
                self._ended.wait(left_ns / 1e9)
            if self._ended.is_set():
                break
            if n not in self._skip:
                self._fire(writer, n, clock.now(), due_ns - first_ns)
            self.began.set()
        writer.close()

    def _fire(self, writer, n, now_ns, elapsed_ns):
        device_ns = 77_000_000_000 + round(elapsed_ns * (1 + 50e-6))
        lines = [("camera_trigger", EDGE_RISING)]
        if self._extra_line:
            lines += [("camera_trigger", EDGE_FALLING), ("frame_clock", EDGE_RISING)]
        for k, (line, edge) in enumerate(lines):
            event = Event(
                host_ns=now_ns,
                device_ns=device_ns + 1000 * k,
                device_seq=n * len(lines) + k,
                line=line,
                edge=edge,
            )
            writer.append(event)

    def end(self):
        self._ended.set()
        self.join()

    def join(self):
        self._thread.join()


class CameraBench:
    """Runs the node of one camera, as the supervisor would."""

    name = "left"

    def __init__(self, folder):
        self.folder = folder
        self.streams = StreamDirectory.create("s", folder)
        self.streams.create_ring(
            StreamSpec(name="events/daq", kind="events", node="daq", slots=4096)
        )
        self.epoch_path = folder / "epoch"
        self.clock = MonotonicClock()
        self._nodes, self._trains = [], []

    def config(self, mode="software", rate_hz=RATE_HZ, **changes):
        trigger = {"mode": mode}
        trigger |= {"rate_hz": rate_hz} if mode == "free_running" else {"source": "daq"}
        return {
            "kind": "basler",
            "serial": "0815-0000",
            "width_px": 64,
            "height_px": 48,
            "exposure_us": 1000,
            "trigger": trigger,
            "emulator": {"pictures": None},
            "reconnect_s": 5,
        } | changes

    def context(self, config, rate_hz=RATE_HZ, **session):
        trigger = {"rate_hz": rate_hz}
        daq = {"kind": "harp", "port": "/dev/null", "camera_trigger": trigger}
        free = config["kind"] == "video" or config["trigger"]["mode"] == "free_running"
        return NodeContext(
            name=self.name,
            config=config,
            rig={
                "format": "springhare-rig/1",
                "name": "bench",
                "data_root": str(self.folder),
                "devices": {self.name: config} | ({} if free else {"daq": daq}),
            },
            task={},
            session={"epoch_path": str(self.epoch_path), "seed": 3} | session,
            session_folder=self.folder,
            clock=self.clock,
        )

    def bring_up(self, node, start=True):
        self._nodes.append(node)
        specs = node.open()
        for spec in specs:
            self.streams.create_ring(spec)
        node.attach(self.streams)
        if start:
            node.start()
        return specs

    def trigger(self, count, rate_hz=RATE_HZ, slow=1.0, **options):
        epoch = Epoch(self.epoch_path, slow)
        train = TriggerTrain(self.streams, epoch, count, rate_hz, **options)
        self._trains.append(train)
        return train

    def run(self, node, until, seconds=20):
        """Let the node work until something holds."""
        deadline_ns = self.clock.now() + seconds * 1_000_000_000
        while not until():
            assert self.clock.now() < deadline_ns, (
                self.head(),
                self.counted(),
                self.losses(),
            )
            node.step()

    def wait(self, until, seconds=10):
        """Wait for what another thread does."""
        deadline_ns = self.clock.now() + seconds * 1_000_000_000
        nothing = threading.Event()
        while not until():
            assert self.clock.now() < deadline_ns
            nothing.wait(0.01)

    def head(self):
        return self.streams.ring(f"cameras/{self.name}").head

    def frames(self):
        """Return the rows and pictures of all frames so far."""
        head = self.head()
        return self.streams.reader(f"cameras/{self.name}", 0).read(head)

    def rows(self, name):
        return self.streams.reader(name, 0).read(1000).rows

    def losses(self):
        columns = ["stage", "first_id", "count", "cause"]
        return self.rows(f"losses/{self.name}")[columns].tolist()

    def counters(self):
        return self.streams.ring(f"cameras/{self.name}").counters

    def counted(self):
        """Return the counters that are not 0."""
        return {name: n for name, n in self.counters().items() if n}

    def warm_up(self, node):
        """Let libraries open what they never close again."""
        node.open()
        node.close()

    def forget(self):
        """Let go of the nodes and of all rings that are mapped."""
        self._nodes.clear()
        gc.collect()

    def accounted(self):
        """Return how many triggers are explained."""
        names = ("failed_grabs", "missing_ids", "triggers_ignored")
        counters = self.counters()
        return self.head() + sum(counters[name] for name in names)

    def close(self):
        for train in self._trains:
            train.end()
        for node in self._nodes:
            node.close()


@pytest.fixture
def memory(monkeypatch):
    """A folder for shared memory of the test's own (short: sockets lie in it)."""
    folder = Path(tempfile.mkdtemp(prefix="sh-", dir="/dev/shm"))
    monkeypatch.setenv("SPRINGHARE_SHM", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # a rig takes its folder with it


@pytest.fixture
def camera_bench(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="sh-", dir="/dev/shm"))  # short, for sockets
    monkeypatch.setenv("SPRINGHARE_SHM", str(folder / "m"))
    bench = CameraBench(folder)
    yield bench
    bench.close()
    shutil.rmtree(folder)


@pytest.fixture
def coded_pictures(tmp_path):
    """Make picture files that carry their number, and return them with their folder."""
    from rig.sim.picture_code import burn_code
    from rig.sim.pictures import tiff_of

    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 256, (9, 48, 64), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        burn_code(picture, number)
        (folder / f"{number:06d}.tiff").write_bytes(tiff_of(picture))
    return folder, pictures
