"""What is published of a device's clock follows it through all that happens to it."""

import threading

import numpy as np
import pytest

from rig.devices.basler import BaslerCamera
from rig.devices.camera_driver import CameraInfo, IdRule
from rig.devices.clock_rows import MUTE_HZ, Exchange, clock_row
from rig.sim.twins.camera import CameraTwin
from sync.online import ClockState

SIGNALS_ONLY = {"camera_trigger": None, "inputs": None, "actuator": None}


def exchanges(rows):
    return rows[rows["asked_ns"] >= 0]


def check_between(rows):
    """By the model, each answer was given between the question and its arrival."""
    rows = exchanges(rows)
    answered_ns = rows["answered_ns"] + rows["offset_ns"]
    slack_ns = 2 * rows["sd_ns"]
    assert np.all(answered_ns > rows["asked_ns"] - slack_ns)
    assert np.all(answered_ns < rows["received_ns"] + slack_ns)


def test_a_row_says_all_that_is_known():
    state = ClockState(
        device_ns=5, offset_ns=7, skew_ppb=1.5, sd_ns=9, segment=2, skew_sd_ppb=0.5
    )
    row = clock_row(state, 100, Exchange(11, 12, 13))
    assert (row.host_ns, row.device_ns, row.offset_ns) == (100, 5, 7)
    assert (row.skew_ppb, row.skew_sd_ppb, row.sd_ns, row.segment) == (1.5, 0.5, 9, 2)
    assert (row.asked_ns, row.answered_ns, row.received_ns) == (11, 12, 13)
    silent = clock_row(state, 100)
    assert (silent.asked_ns, silent.answered_ns, silent.received_ns) == (-1, -1, -1)


class HeldPort:
    """A board whose host can be held up: nothing is read until it goes on."""

    def __init__(self, board):
        self.board = board
        self.going = threading.Event()
        self.going.set()

    def __getattr__(self, name):
        return getattr(self.board, name)

    def read(self):
        data = self.board.read()
        while not self.going.is_set():
            data += self.board.read()
        return data

    def set_back(self, by_us):
        """Let the device's clock have stood still for so long."""
        with self.board._lock:
            twin, now_ns = self.board.board, self.board._clock.now()
            now_us = twin.clock.now_us(now_ns)
            twin.core.set_time(twin.core.device_us(now_us) - by_us, now_us)
            twin.truth.offsets.append((now_ns, twin.core.offset_us))
            for train in twin._trains.values():
                train.forget()


@pytest.mark.slow
class TestBoard:
    @pytest.fixture
    def running(self, harp_in_memory, harp_bench, harp_device, harp_rig):
        def run(*faults):
            config = harp_device(**SIGNALS_ONLY)
            script = [{"device": "daq"} | fault for fault in faults]
            port = HeldPort(harp_in_memory(harp_rig({"daq": config}), script))
            harp_bench.start(config, open_port=lambda _url: port)
            return port

        return run

    def rows_until(self, bench, more):
        """Let the node run until so many exchanges more are published."""
        before = len(exchanges(bench.rows("clocks/daq")))
        bench.until(lambda: len(exchanges(bench.rows("clocks/daq"))) >= before + more)
        return bench.rows("clocks/daq")

    def check(self, bench, port, jumps):
        bench.stop()
        rows, truth = bench.rows("clocks/daq"), port.truth()
        check_between(rows)
        asked = exchanges(rows)
        jumped = np.abs(np.diff(asked["offset_ns"])) > 100_000_000
        assert np.count_nonzero(jumped) == jumps
        # a busy machine may seem to have jumped, and is found not to have
        new_segment = np.diff(asked["segment"])
        assert np.all(new_segment >= 0)
        assert np.all(new_segment[jumped] > 0)
        host_ns = (asked["device_ns"] + asked["offset_ns"]).astype(float)
        error_ns = asked["device_ns"] - 1e3 * truth.device_us("daq", host_ns)
        assert np.mean(np.abs(error_ns) <= 2 * asked["sd_ns"]) >= 0.9
        assert np.abs(error_ns).max() < 50_000_000
        return asked

    def test_each_answer_is_a_row_and_true(self, running, harp_bench):
        port = running()
        self.rows_until(harp_bench, 20)
        asked = self.check(harp_bench, port, jumps=0)
        assert len(asked) >= 20
        assert harp_bench.streams.ring("clocks/daq").spec.rate_hz == 10.0

    def test_a_clock_that_is_reset(self, running, harp_bench):
        port = running({"at_s": 0.5, "fault": "clock_reset"})
        harp_bench.until(lambda: (harp_bench.rows("clocks/daq")["segment"] > 0).any())
        rows = self.rows_until(harp_bench, 10)
        assert rows["device_ns"][-1] < 60_000_000_000 + rows["device_ns"][0]
        assert rows["answered_ns"][-1] < rows["answered_ns"].max()
        self.check(harp_bench, port, jumps=1)

    def test_a_board_that_is_unplugged(self, running, harp_bench):
        port = running({"at_s": 0.5, "fault": "unplug", "seconds": 0.4})
        harp_bench.until(lambda: (harp_bench.rows("clocks/daq")["segment"] > 0).any())
        self.rows_until(harp_bench, 5)
        self.check(harp_bench, port, jumps=1)

    def test_a_clock_that_stood_still(self, running, harp_bench):
        port = running()
        self.rows_until(harp_bench, 20)
        port.set_back(300_000)
        harp_bench.until(lambda: (harp_bench.rows("clocks/daq")["segment"] > 0).any())
        self.rows_until(harp_bench, 5)
        self.check(harp_bench, port, jumps=1)

    def test_a_host_that_stood_still(self, running, harp_bench):
        """No answer is heard for 1.5 s, then all at once: the clock has not jumped."""
        port = running()
        self.rows_until(harp_bench, 10)
        before = harp_bench.count("clocks/daq")
        port.going.clear()
        harp_bench.until(lambda: harp_bench.count("clocks/daq") >= before + 3)
        port.going.set()
        self.rows_until(harp_bench, 10)
        asked = self.check(harp_bench, port, jumps=0)
        assert np.diff(asked["received_ns"]).max() > 1_000_000_000


class TestCamera:
    @pytest.fixture
    def twin(self, camera_bench):
        def run(*faults):
            script = [{"device": "left", **fault} for fault in faults]
            config = camera_bench.config("free_running", rate_hz=20.0)
            node = CameraTwin(camera_bench.context(config, 20.0, faults=script))
            camera_bench.bring_up(node)
            return node

        return run

    def rows(self, bench):
        return bench.rows("clocks/left")

    def test_each_answer_is_a_row(self, camera_bench, twin):
        node = twin()
        camera_bench.run(node, lambda: len(exchanges(self.rows(camera_bench))) >= 6)
        node.stop()
        rows = self.rows(camera_bench)
        check_between(rows)
        assert set(rows["segment"].tolist()) == {0}
        assert camera_bench.streams.ring("clocks/left").spec.rate_hz == 5.0

    @pytest.mark.parametrize(
        "fault",
        [
            {"fault": "clock_reset", "at_s": 0.5},
            {"fault": "unplug", "at_s": 0.5, "seconds": 0.3},
        ],
        ids=lambda fault: fault["fault"],
    )
    def test_a_clock_that_begins_anew(self, camera_bench, twin, fault):
        node = twin(fault)
        camera_bench.run(
            node, lambda: np.sum(self.rows(camera_bench)["segment"] > 0) >= 4
        )
        node.stop()
        rows = self.rows(camera_bench)
        check_between(rows)
        assert set(rows["segment"].tolist()) == {0, 1}
        assert np.all(np.diff(rows["segment"]) >= 0)

    def test_a_camera_that_does_not_answer(self, camera_bench):
        class Mute:
            info = CameraInfo("mute", "1", IdRule(), 1_000_000, "exposure_start")

            def latch(self):
                return None

            def close(self):
                pass

        config = camera_bench.config("free_running")
        node = BaslerCamera(camera_bench.context(config), lambda *_: Mute())
        specs = camera_bench.bring_up(node, start=False)
        assert specs[2].rate_hz == MUTE_HZ
