"""What every board must do: the firmware on a pseudo-terminal, the twin behind a
socket, and the twin in memory all pass the same tests, through the real node."""

import threading

import numpy as np
import pytest
from harp.protocol import RegisterU8

from rig.devices.harp_link import HarpLink, _Tee
from rig.devices.harp_plan import plan_board
from rig.devices.harp_port import SerialPort
from rig.devices.harp_registers import registers
from rig.devices.line_limits import LineLimits
from rig.errors import DeviceError
from rig.sim.twins.harp_truth import HarpTruth
from rig.sim.world import World
from sync.clock import MonotonicClock

SEED = 1


class EmulatedBoard:
    """The firmware itself; its samples are a pattern of their numbers."""

    def __init__(self, program, start, folder):
        self._program, self._start, self._key = program, start, folder / "key"
        self._key.touch()

    def turn_key(self, on):
        self._key.touch() if on else self._key.unlink()

    def plug(self, config, corrupt=False):
        options = ["--signal", "--frame-clock", "30", "--key", self._key]
        options += ["--corrupt", "53"] if corrupt else []
        self._child, info = self._start([self._program, *options])
        return config | {"port": info["port"]}, SerialPort

    def unplug(self):
        self._child.terminate()
        self._child.wait(10)

    def expected(self, source, numbers):
        emg = source.stream.endswith("/emg")
        step, lane = (7919, 1013) if emg else (104729, 2003)
        channels = np.arange(len(source.channels))
        value = numbers[:, None] * step + channels * lane
        return value.astype(np.uint32).astype(np.uint16).view(np.int16)


class ServedTwin:
    """The twin in a process of its own."""

    def __init__(self, start, make_rig, folder):
        self._start, self._make_rig, self._folder = start, make_rig, folder

    def plug(self, config, corrupt=False):
        rig = self._make_rig({"daq": config})
        self._child, urls = self._start(rig, faults_of(corrupt), SEED)
        return config | {"port": urls["daq"]}, SerialPort

    def turn_key(self, on):
        """Do nothing: the script does."""

    def unplug(self):
        self._child.terminate()
        self._child.wait(10)

    def expected(self, source, numbers):
        self.unplug()
        truth = HarpTruth.read(self._folder / "truth.json")
        return truth.samples(World(SEED, "jump"), "daq", source, numbers)


class TwinInMemory:
    """The twin in this very process."""

    def __init__(self, make, make_rig):
        self._make, self._make_rig = make, make_rig

    def plug(self, config, corrupt=False):
        self._board = self._make(self._make_rig({"daq": config}), faults_of(corrupt))
        return config, lambda _: self._board

    def turn_key(self, on):
        """Do nothing: the script does."""

    def unplug(self):
        self._board.cut()

    def expected(self, source, numbers):
        return self._board.truth().samples(World(SEED, "jump"), "daq", source, numbers)


def faults_of(corrupt):
    if not corrupt:  # for the one test that looks at the key
        return [{"device": "daq", "at_s": 0.6, "fault": "key_off", "seconds": 0.4}]
    return [
        {"device": "daq", "at_s": 0.1 + 0.1 * k, "fault": "corrupt_bytes", "count": 3}
        for k in range(10)
    ]


@pytest.fixture(
    params=["emulator", pytest.param("twin", marks=pytest.mark.slow), "memory"]
)
def board(request, tmp_path, harp_rig):
    if request.param == "emulator":
        program = request.getfixturevalue("harp_emulator")
        start = request.getfixturevalue("harp_process")
        return EmulatedBoard(program, start, tmp_path)
    if request.param == "twin":
        return ServedTwin(request.getfixturevalue("harp_twins"), harp_rig, tmp_path)
    return TwinInMemory(request.getfixturevalue("harp_in_memory"), harp_rig)


@pytest.fixture
def link(board, harp_device):
    """A bare link to the board, identity checked."""
    config, open_port = board.plug(harp_device())
    link = HarpLink(open_port(config["port"]), "it", MonotonicClock(), lambda *_: None)
    link.open()
    yield link
    link.close()


class TestHarpBoard:
    def test_holds_what_is_written(self, link):
        assert link.write(registers.EmgPeriod, 250_000) == 250_000
        assert link.read(registers.EmgPeriod) == 250_000
        widths = np.arange(8, dtype="<u4") * 1000
        np.testing.assert_array_equal(link.write(registers.MaxWidth, widths), widths)
        np.testing.assert_array_equal(link.read(registers.MaxWidth), widths)

    def test_refuses_what_it_must_not_hold(self, link):
        for name, value in {
            "EmgPeriod": 1,
            "MaxWidth": np.full(8, 10_000_001, "<u4"),
            "MaxDuty": np.full(8, 1001, "<u2"),
            "StreamControl": 0x20,
            "MapDigest": 0,
        }.items():
            with pytest.raises(DeviceError, match="refused"):
                link.write(getattr(registers, name), value)
        with pytest.raises(DeviceError, match="refused"):
            link.read(RegisterU8(99))

    def test_every_sample_arrives_and_is_the_right_one(
        self, board, harp_bench, harp_device
    ):
        config, open_port = board.plug(harp_device())
        harp_bench.start(config, open_port=open_port)
        harp_bench.until(lambda: harp_bench.count("signals/daq/emg") >= 150)
        harp_bench.stop()
        for source in plan_board("daq", harp_bench.node._config).sources:
            numbers = harp_bench.numbers(source.stream)
            np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
            samples = harp_bench.samples(source.stream)
            np.testing.assert_array_equal(samples, board.expected(source, numbers))
            assert samples.astype(int).std() > 5
        assert not harp_bench.losses()
        assert harp_bench.node.metrics()["bad_messages"] == 0

    def test_numbers_and_stamps_of_edges_have_no_holes(
        self, board, harp_bench, harp_device
    ):
        config, open_port = board.plug(harp_device())
        harp_bench.start(config, open_port=open_port)
        harp_bench.until(lambda: harp_bench.count("events/daq") >= 60)
        harp_bench.stop()
        rows = harp_bench.rows("events/daq")
        np.testing.assert_array_equal(rows["device_seq"], np.arange(len(rows)))
        triggers = rows[rows["line"] == b"camera_trigger"]
        frames = rows[rows["line"] == b"frame_clock"]
        assert len(triggers) > 2 * len(frames) > 10
        assert set(rows["edge"]) == {1}
        # the emulator is as late as this machine, but in the long run keeps its rate
        assert abs(np.median(np.diff(triggers["device_ns"])) / 1e7 - 1) < 0.2
        assert np.all(np.diff(triggers["device_ns"]) > 0)
        assert not harp_bench.losses()

    def test_a_pulse_is_acknowledged_with_its_real_edge(
        self, board, harp_bench, harp_device
    ):
        config, open_port = board.plug(harp_device())
        harp_bench.start(config, open_port=open_port)
        harp_bench.until(lambda: harp_bench.count("events/daq") > 20)
        sent = harp_bench.decide(pulse_width_us=2000)
        harp_bench.until(lambda: harp_bench.acknowledged(sent) is not None)
        harp_bench.until(
            lambda: (harp_bench.rows("events/daq")["line"] == b"laser").sum() == 2
        )
        row = harp_bench.acknowledged(sent)
        harp_bench.stop()
        events = harp_bench.rows("events/daq")
        rise, fall = events[events["line"] == b"laser"][:2]
        assert row["status"] == b"done"
        assert row["edge_device_ns"] == rise["device_ns"]
        assert (rise["edge"], fall["edge"]) == (1, -1)
        assert fall["device_ns"] - rise["device_ns"] >= 2_000_000
        assert row["sent_ns"] <= row["host_ns"]
        # the board's clock has nothing to do with ours: it was mapped, not copied
        slack_ns = 50_000_000
        assert row["edge_host_ns"] > row["sent_ns"] - slack_ns
        assert row["edge_host_ns"] < row["host_ns"] + slack_ns
        assert row["age_ns"] >= 1_000_000

    def test_commands_beyond_the_limits_are_refused(
        self, board, harp_bench, harp_device
    ):
        config, open_port = board.plug(harp_device())
        harp_bench.start(config, open_port=open_port)
        width, pulse, train = "pulse_width_us", "pulse_period_us", "pulse_count"
        commands = {
            b"refused_width": {width: 50_001},
            b"refused_rate": {train: 2, pulse: 24_000},
            b"refused_duty": {width: 20_000, train: 2, pulse: 30_000},
            b"refused_line": {"line": "shutter"},
        }
        asked = {harp_bench.decide(**c): status for status, c in commands.items()}
        harp_bench.until(lambda: harp_bench.count("acknowledgements") == len(asked))
        harp_bench.stop()
        for row in harp_bench.rows("acknowledgements"):
            assert row["status"] == asked[row["decision_id"]]
            assert row["edge_device_ns"] == row["edge_host_ns"] == -1
        assert not harp_bench.levels()

    def test_the_board_knows_its_limits_without_the_host(
        self, board, harp_bench, harp_device, monkeypatch
    ):
        monkeypatch.setattr(LineLimits, "refusal", lambda *_: None)
        self.test_commands_beyond_the_limits_are_refused(board, harp_bench, harp_device)

    def test_a_command_that_is_held_up_on_its_way_is_late(
        self, board, harp_bench, harp_device, monkeypatch
    ):
        config, open_port = board.plug(harp_device())
        harp_bench.start(config, open_port=open_port)
        harp_bench.until(lambda: harp_bench.count("clocks/daq") > 5)
        write, held = _Tee.write, threading.Event()

        def hold(tee, data):
            """Hold a command between the last look at the clock and the wire."""
            if data[2] == registers.Pulse.address:
                held.wait(0.1)
            write(tee, data)

        monkeypatch.setattr(_Tee, "write", hold)
        asked = harp_bench.decide(max_age_ns=60_000_000)
        harp_bench.until(lambda: harp_bench.acknowledged(asked) is not None)
        held.set()
        soon = harp_bench.decide(max_age_ns=2_000_000_000)
        harp_bench.until(lambda: harp_bench.acknowledged(soon) is not None)
        harp_bench.stop()
        row = harp_bench.acknowledged(asked)
        assert row["status"] == b"late"
        assert row["age_ns"] < 60_000_000  # it left in time, for all the host knows
        assert harp_bench.acknowledged(soon)["status"] == b"done"
        assert len(harp_bench.levels()) == 2

    def test_damaged_bytes_are_counted_and_only_their_messages_are_lost(
        self, board, harp_bench, harp_device
    ):
        config, open_port = board.plug(harp_device(), corrupt=True)
        harp_bench.start(config, open_port=open_port)
        harp_bench.until(lambda: len(harp_bench.losses()) >= 8)
        harp_bench.stop()
        missing = 0
        for source in plan_board("daq", harp_bench.node._config).sources:
            numbers = harp_bench.numbers(source.stream)
            samples = harp_bench.samples(source.stream)
            np.testing.assert_array_equal(samples, board.expected(source, numbers))
            counted = harp_bench.counters(source.stream)["missing_samples"]
            assert numbers[-1] + 1 - len(numbers) <= counted
            missing += counted
        bad = harp_bench.counters("losses/daq")["bad_messages"]
        assert bad >= 2  # places: messages that follow one another are one
        assert missing >= 10
        signals = [
            loss for loss in harp_bench.losses() if loss[0].startswith("signals")
        ]
        assert sum(loss[2] for loss in signals) == missing
        assert "damaged on the way" in {loss[3] for loss in harp_bench.losses()}

    def test_a_board_that_is_gone_is_seen_and_ends_the_node(
        self, board, harp_bench, harp_device
    ):
        config, open_port = board.plug(harp_device(reconnect_s=0.2))
        harp_bench.start(config, open_port=open_port)
        harp_bench.until(lambda: harp_bench.count("events/daq") > 5)
        board.unplug()
        with pytest.raises(DeviceError, match="unplugged"):
            harp_bench.until(lambda: False)
        asked = harp_bench.decide()
        harp_bench.stop()
        assert harp_bench.acknowledged(asked)["status"] == b"unplugged"
        lost = {loss[0]: loss[3] for loss in harp_bench.losses()}
        assert lost == dict.fromkeys(
            ["signals/daq/emg", "signals/daq/force_plate", "events/daq"], "unplugged"
        )
        assert harp_bench.counters("losses/daq")["unplugged"] == 1


TRAIN = {"pulse_width_us": 10_000, "pulse_count": 900, "pulse_period_us": 25_000}
"""22 s of pulses."""


class TestPermission:
    """An output is low unless the one who decides, this node and a hand hold it."""

    @pytest.fixture
    def stimulating(self, board, harp_bench, harp_device):
        """A node in the middle of a train, watching the one who decides."""
        actuator = harp_device()["actuator"] | {"dead_man_ms": 150}
        config, open_port = board.plug(harp_device(actuator=actuator))
        harp_bench.start(config, open_port=open_port, beats=True)
        harp_bench.until(lambda: harp_bench.node.metrics().get("permitted") == 1)
        harp_bench.decide(**TRAIN)
        harp_bench.until(lambda: len(harp_bench.levels()) > 6)
        return harp_bench

    @staticmethod
    def is_over(bench):
        """Let a while go by; return for how long a train went on."""
        began, before = bench.levels()[0][0], bench.count("events/daq")
        bench.until(lambda: bench.count("events/daq") > before + 20)
        (last_ns, high), edges = bench.levels()[-1], len(bench.levels())
        bench.until(lambda: bench.count("events/daq") > before + 35)
        assert not high
        assert len(bench.levels()) == edges
        return (last_ns - began) / 1e9

    def test_a_train_goes_on_while_who_decides_is_alive(self, stimulating):
        count = len(stimulating.levels())
        stimulating.until(lambda: len(stimulating.levels()) > count + 16)
        assert stimulating.acknowledged(1)["status"] == b"done"

    def test_it_ends_when_who_decides_is_silent(self, stimulating):
        stimulating.beating = False
        stimulating.until(lambda: stimulating.node.metrics()["permitted"] == 0)
        assert self.is_over(stimulating) < 10
        stimulating.beating = True  # and does not begin again by itself
        stimulating.until(lambda: stimulating.node.metrics()["permitted"] == 1)
        before = stimulating.count("events/daq")
        stimulating.until(lambda: stimulating.count("events/daq") > before + 10)
        edges = len(stimulating.levels())
        asked = stimulating.decide()
        stimulating.until(lambda: stimulating.acknowledged(asked) is not None)
        stimulating.until(lambda: len(stimulating.levels()) == edges + 2)
        assert stimulating.acknowledged(asked)["status"] == b"done"

    def test_it_ends_when_the_node_hangs(self, stimulating):
        pause = threading.Event()
        pause.wait(0.4)  # nobody turns the node's loop
        assert self.is_over(stimulating) < 10

    def test_it_ends_at_once_when_it_is_disarmed(self, stimulating):
        assert stimulating.node.handle("disarm", {}) == {"armed": False}
        asked = stimulating.decide()
        assert self.is_over(stimulating) < 10
        assert stimulating.acknowledged(asked)["status"] == b"disarmed"
        assert stimulating.node.metrics()["permitted"] == 0
        stimulating.node.handle("arm", {})
        again = stimulating.decide()
        stimulating.until(lambda: stimulating.acknowledged(again) is not None)
        assert stimulating.acknowledged(again)["status"] == b"done"

    def test_a_task_that_is_not_armed_begins_so(self, board, harp_bench, harp_device):
        config, open_port = board.plug(harp_device())
        harp_bench.start(config, open_port=open_port, task={"armed": False})
        asked = harp_bench.decide()
        harp_bench.until(lambda: harp_bench.acknowledged(asked) is not None)
        assert harp_bench.acknowledged(asked)["status"] == b"disarmed"
        harp_bench.until(lambda: "permitted" in harp_bench.node.metrics())
        assert harp_bench.node.metrics()["permitted"] == 0
        assert "key_on" not in harp_bench.node.metrics()

    def test_a_key_on_the_board_is_above_all(self, board, harp_bench, harp_device):
        key = {"key": {"pin": 1, "edges": "both"}}
        lines = harp_device()["inputs"]["lines"] | key
        actuator = harp_device()["actuator"] | {"arm_line": "key"}
        config = harp_device(actuator=actuator, inputs={"lines": lines})
        config, open_port = board.plug(config)
        harp_bench.start(config, open_port=open_port)
        statuses = []
        for on in (True, False, True):
            if statuses:
                board.turn_key(on)
            harp_bench.until(
                lambda on=on: harp_bench.node.metrics().get("key_on") == on
            )
            asked = harp_bench.decide()
            harp_bench.until(lambda k=asked: harp_bench.acknowledged(k) is not None)
            statuses.append(harp_bench.acknowledged(asked)["status"])
        harp_bench.until(lambda: len(harp_bench.levels()) == 4)
        harp_bench.stop()
        assert statuses == [b"done", b"refused_key", b"done"]
        assert [high for _, high in harp_bench.levels("key")][-2:] == [False, True]
