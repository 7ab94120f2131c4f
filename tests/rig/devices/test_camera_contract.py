"""What every camera's node must do: on Basler's emulator and on the twin."""

import operator
from pathlib import Path

import numpy as np
import pytest

from rig.devices.basler import BaslerCamera
from rig.sim.picture_code import read_code
from rig.sim.twins.camera import CameraTwin

N = 40


class CameraContract:
    """Subclass it and give `make`, `spoil`, `unplug` and `pictures`."""

    pictures = 0
    """After how many the pictures begin again."""

    @pytest.fixture
    def make(self):
        """Make a node that is open: (mode, faults, **config) -> node."""
        raise NotImplementedError

    def spoil(self, node):
        """Let three grabs fail, if no script of faults does."""
        raise NotImplementedError

    def unplug(self, node):
        """Pull the cable, and put it back, if no script of faults does."""
        raise NotImplementedError

    @pytest.fixture
    def running(self, camera_bench, make):
        def run(mode, faults=(), **config):
            node = make(mode, faults, **config)
            camera_bench.bring_up(node)
            return node

        return run

    def check(self, rows):
        assert np.all(np.diff(rows["seq"]) == 1)
        assert np.all(np.diff(rows["host_ns"]) > 0)
        assert np.all(np.diff(rows["device_ns"]) > 0)
        assert np.all(np.diff(rows["exposure_ns"]) > 0)
        assert np.all(rows["exposure_ns"] < rows["host_ns"])

    def test_one_frame_for_each_trigger(self, camera_bench, running):
        node = running("software")
        train = camera_bench.trigger(N, extra_line=True)
        camera_bench.run(node, lambda: camera_bench.head() == N)
        train.join()
        node.stop()
        rows = camera_bench.frames().rows
        self.check(rows)
        assert np.all(np.diff(rows["frame_id"]) == 1)
        triggers = camera_bench.rows("events/daq")[::3]
        assert rows["trigger_seq"].tolist() == triggers["seq"].tolist()
        assert np.all(rows["exposure_ns"] > triggers["host_ns"])
        assert camera_bench.counted() == {"triggers_seen": N, "triggers_sent": N}
        assert camera_bench.losses() == []
        reads = node.reads()["events/daq"]
        assert (reads.taken, reads.lost) == (3 * N, 0)
        assert node.metrics()["trigger_to_frame_p50_ms"] > 1.0

    def test_each_picture_is_the_one_of_its_trigger(self, camera_bench, running):
        node = running("software")
        camera_bench.trigger(20)
        camera_bench.run(node, lambda: camera_bench.head() == 20)
        numbers = [read_code(picture) for picture in camera_bench.frames().payload]
        assert numbers == [n % self.pictures for n in range(20)]

    def test_paces_itself(self, camera_bench, running):
        node = running("free_running")
        camera_bench.run(node, lambda: camera_bench.head() >= N)
        node.stop()
        rows = camera_bench.frames().rows
        self.check(rows)
        assert np.all(np.diff(rows["frame_id"]) == 1)
        assert np.all(rows["trigger_seq"] == -1)
        assert camera_bench.counted() == {}
        assert camera_bench.losses() == []

    @pytest.mark.parametrize("mode", ["software", "free_running"])
    def test_failed_grabs_leave_a_hole(self, camera_bench, running, mode):
        node = running(mode, faults=[{"fault": "failed_grab", "at_s": 0, "count": 3}])
        if mode == "software":
            camera_bench.trigger(N)
        self.spoil(node)
        camera_bench.run(node, lambda: camera_bench.head() >= N - 3)
        node.stop()
        rows = camera_bench.frames().rows
        counted = camera_bench.counted()
        assert counted["failed_grabs"] == 3
        assert "missing_ids" not in counted
        losses = camera_bench.losses()
        assert sum(count for _, _, count, _ in losses) == 3
        assert losses[0][0] == b"transport"
        assert losses[0][1] not in rows["frame_id"]
        assert losses[0][3].startswith(b"failed grab: ")
        assert rows["frame_id"][-1] == len(rows) + 3 - 1
        if mode == "software":
            assert camera_bench.accounted() == N

    @pytest.mark.slow
    def test_is_waited_for_when_it_is_unplugged(self, camera_bench, running):
        fault = {"fault": "unplug", "at_s": 0.4, "seconds": 0.5}
        node = running("software", faults=[fault])
        train = camera_bench.trigger(500)
        camera_bench.run(node, lambda: camera_bench.head() >= 10)
        self.unplug(node)
        camera_bench.run(node, lambda: camera_bench.counted().get("disconnections"))
        before = camera_bench.head()
        camera_bench.run(node, lambda: camera_bench.head() >= before + 20)
        train.end()
        node.stop()
        rows = camera_bench.frames().rows
        assert np.all(np.diff(rows["host_ns"]) > 0)
        assert np.all(np.diff(rows["exposure_ns"]) > 0)
        assert np.all(np.diff(rows["frame_id"]) == 1)
        assert np.all(np.diff(rows["trigger_seq"]) > 0)
        counted = camera_bench.counted()
        assert counted["triggers_ignored"] >= 1
        assert counted["disconnections"] == 1
        assert camera_bench.accounted() == counted["triggers_seen"]
        losses = camera_bench.losses()
        assert b"the camera was unplugged" in {cause for *_, cause in losses}
        assert sum(loss[2] for loss in losses) == counted["triggers_ignored"]

    @pytest.mark.slow
    def test_frames_missed_while_unplugged_are_estimated(self, camera_bench, running):
        fault = {"fault": "unplug", "at_s": 0.2, "seconds": 0.3}
        node = running("free_running", faults=[fault])
        camera_bench.run(node, lambda: camera_bench.head() >= 10)
        self.unplug(node)
        camera_bench.run(node, lambda: camera_bench.counted().get("disconnections"))
        before = camera_bench.head()
        camera_bench.run(node, lambda: camera_bench.head() >= before + 5)
        node.stop()
        rows = camera_bench.frames().rows
        missing = camera_bench.counted()["missing_ids"]
        assert missing >= 1
        assert np.sum(np.diff(rows["frame_id"]) - 1) == missing
        assert [loss[1:3] for loss in camera_bench.losses()] == [
            (rows["frame_id"][before - 1] + 1, missing)
        ]

    def test_stop_and_close_leave_nothing(self, camera_bench, make):
        def hold():
            itself = Path("/proc/self")
            return [len([*(itself / what).iterdir()]) for what in ("task", "fd")]

        camera_bench.warm_up(make("software"))
        before = hold()
        node = make("software")
        camera_bench.bring_up(node)
        camera_bench.trigger(5).join()
        camera_bench.run(node, lambda: camera_bench.head() == 5)
        node.stop()
        assert all(
            camera_bench.streams.ring(name).closed
            for name in camera_bench.streams.names()
        )
        node.close()
        node.close()
        assert node.metrics()["plugged_in"] == 0.0
        del node
        camera_bench.forget()
        camera_bench.wait(lambda: all(map(operator.le, hold(), before)))


class TestEmulator(CameraContract):
    pictures = 9

    @pytest.fixture
    def make(self, camera_bench, coded_pictures):
        emulator = {"pictures": str(coded_pictures[0])}

        def make(mode, faults=(), **config):
            del faults
            wanted = camera_bench.config(mode, **({"emulator": emulator} | config))
            return BaslerCamera(camera_bench.context(wanted))

        return make

    def spoil(self, node):
        features = node._driver._features
        features.set("ForceFailedBufferCount", 3)
        features.execute("ForceFailedBuffer")

    def unplug(self, node):
        node._driver._features.execute("FirePnPCallback")

    def test_pictures_are_played_bit_for_bit(
        self, camera_bench, running, coded_pictures
    ):
        node = running("software")
        camera_bench.trigger(20)
        camera_bench.run(node, lambda: camera_bench.head() == 20)
        wanted = coded_pictures[1][np.arange(20) % 9]
        assert np.array_equal(camera_bench.frames().payload, wanted)


class TestTwin(CameraContract):
    pictures = 1 << 24

    @pytest.fixture
    def make(self, camera_bench):
        def make(mode, faults=(), **config):
            script = [{"device": camera_bench.name, **fault} for fault in faults]
            wanted = camera_bench.config(mode, **config)
            return CameraTwin(camera_bench.context(wanted, faults=script))

        return make

    def spoil(self, node):
        pass

    def unplug(self, node):
        pass
