"""What every camera's node must do: on Basler's emulator and on the twin."""

import threading

import numpy as np
import pytest

from rig.devices.basler import BaslerCamera
from rig.sim.picture_code import read_code
from rig.sim.twins.camera import CameraTwin

N = 40
RATE_HZ = 100.0


class CameraContract:
    """Subclass it and give `make`, `spoil` and `unplug`."""

    @pytest.fixture
    def make(self, camera_bench):
        """Make a node: (mode, **config) -> node that runs."""
        raise NotImplementedError

    def spoil(self, node, count):
        """Let the next grabs fail."""
        raise NotImplementedError

    def unplug(self, node):
        """Pull the cable, and put it back."""
        raise NotImplementedError

    faults = ()

    def check_rows(self, rows):
        assert np.all(np.diff(rows["seq"]) == 1)
        assert np.all(np.diff(rows["host_ns"]) > 0)
        assert np.all(np.diff(rows["device_ns"]) > 0)
        assert np.all(np.diff(rows["exposure_ns"]) > 0)
        assert np.all(rows["exposure_ns"] < rows["host_ns"])

    def test_one_frame_for_each_trigger(self, camera_bench, make):
        node = make("software")
        camera_bench.trigger(N, extra_line=True)
        camera_bench.run(node, lambda: camera_bench.head() == N)
        node.stop()
        batch = camera_bench.frames()
        self.check_rows(batch.rows)
        assert np.all(np.diff(batch.rows["frame_id"]) == 1)
        triggers = camera_bench.rows("events/daq")
        assert batch.rows["trigger_seq"].tolist() == triggers["seq"][::3].tolist()
        assert np.all(batch.rows["exposure_ns"] > triggers["host_ns"][::3])
        expected = {"triggers_seen": N, "triggers_sent": N}
        counters = camera_bench.counters()
        assert {name: n for name, n in counters.items() if n} == expected
        assert camera_bench.losses() == []
        reads = node.reads()["events/daq"]
        assert (reads.taken, reads.lost) == (3 * N, 0)

    def test_pictures_come_in_the_order_of_their_numbers(
        self, camera_bench, make, played
    ):
        node = make("software")
        camera_bench.trigger(20)
        camera_bench.run(node, lambda: camera_bench.head() == 20)
        numbers = [read_code(picture) for picture in camera_bench.frames().payload]
        assert numbers == [n % played for n in range(20)]

    def test_paces_itself(self, camera_bench, make):
        node = make("free_running")
        camera_bench.run(node, lambda: camera_bench.head() >= N)
        node.stop()
        rows = camera_bench.frames().rows
        self.check_rows(rows)
        assert np.all(np.diff(rows["frame_id"]) == 1)
        assert np.all(rows["trigger_seq"] == -1)
        assert not any(camera_bench.counters().values())

    @pytest.mark.parametrize("mode", ["software", "free_running"])
    def test_failed_grabs_are_counted_and_leave_a_hole(self, camera_bench, make, mode):
        node = make(mode, faults=[("failed_grab", 0.15, 3)])
        if mode == "software":
            camera_bench.trigger(N)
        camera_bench.run(node, lambda: camera_bench.head() >= 10)
        self.spoil(node, 3)
        done = N - 3
        camera_bench.run(node, lambda: camera_bench.head() >= done)
        node.stop()
        rows = camera_bench.frames().rows
        gaps = np.diff(rows["frame_id"]) - 1
        assert gaps.sum() == 3
        assert camera_bench.counters()["failed_grabs"] == 3
        assert camera_bench.counters()["missing_ids"] == 0
        losses = camera_bench.losses()
        assert sum(count for _, _, count, _ in losses) == 3
        hole = rows["frame_id"][np.flatnonzero(gaps)[0]] + 1
        assert losses[0][:2] == (b"transport", hole)
        if mode == "software":
            assert camera_bench.accounted() == N

    def test_is_waited_for_when_it_is_unplugged(self, camera_bench, make):
        node = make("software", faults=[("unplug", 0.3, 1)])
        train = camera_bench.trigger(300)
        camera_bench.run(node, lambda: camera_bench.head() >= 20)
        self.unplug(node)
        camera_bench.run(node, lambda: camera_bench.counters()["disconnections"] == 1)
        before = camera_bench.head()
        camera_bench.run(node, lambda: camera_bench.head() >= before + 20)
        train.end()
        node.stop()
        rows = camera_bench.frames().rows
        assert np.all(np.diff(rows["host_ns"]) > 0)
        assert np.all(np.diff(rows["frame_id"]) == 1)
        counters = camera_bench.counters()
        assert counters["triggers_ignored"] >= 1
        assert camera_bench.accounted() == counters["triggers_seen"]
        causes = {cause for *_, cause in camera_bench.losses()}
        assert causes == {b"the camera was unplugged"}
        lost = sum(count for _, _, count, _ in camera_bench.losses())
        assert lost == counters["triggers_ignored"]

    def test_frames_missed_while_unplugged_are_estimated(self, camera_bench, make):
        node = make("free_running", faults=[("unplug", 0.3, 1)])
        camera_bench.run(node, lambda: camera_bench.head() >= 20)
        self.unplug(node)
        camera_bench.run(node, lambda: camera_bench.counters()["disconnections"] == 1)
        before = camera_bench.head()
        camera_bench.run(node, lambda: camera_bench.head() >= before + 5)
        node.stop()
        rows = camera_bench.frames().rows
        missing = camera_bench.counters()["missing_ids"]
        assert missing >= 1
        assert (np.diff(rows["frame_id"]) - 1).sum() == missing
        assert [loss[2] for loss in camera_bench.losses()] == [missing]

    def test_a_camera_that_stays_away_ends_the_node(self, camera_bench, make):
        pytest.skip("needs a camera that can be kept away")

    def test_stop_and_close_leave_nothing(self, camera_bench, make):
        node = make("software")
        camera_bench.trigger(10)
        camera_bench.run(node, lambda: camera_bench.head() == 10)
        node.stop()
        for stream in (f"cameras/{camera_bench.name}", f"losses/{camera_bench.name}"):
            assert camera_bench.streams.ring(stream).closed
        node.close()
        node.close()
        assert node.metrics()["plugged_in"] == 0.0
        again = self.node(camera_bench, "software")
        assert [spec.name for spec in again.open()][0] == "cameras/left"
        again.close()
