"""The node of a Harp board: what it does when all is not well."""

import queue
import socket
import struct
import threading

import numpy as np
import pytest
from harp.device.client import TransportError

from rig.devices.harp_frames import Framer
from rig.devices.harp_port import SerialPort
from rig.devices.harp_registers import MAP_DIGEST, registers
from rig.errors import DeviceError, StreamError, VersionError
from rig.messages import EDGE_RISING
from rig.sim.twins.harp_core import BoardCore, stamped_message
from rig.sim.twins.harp_signals import block_messages

ONLY_COMMANDS = dict.fromkeys(["emg", "force_plate", "camera_trigger", "inputs"])


class CorePort:
    """A board whose time stands still, and whose words a test may change."""

    def __init__(self):
        self.now_us = 1_000_000
        self.clock = None
        """Given, its time is this clock's."""
        self.change = lambda message: message
        self.commands = []
        self._messages = queue.SimpleQueue()
        self._requests = Framer(None)
        self._lock = threading.Lock()
        self.core = BoardCore(self.say)

    def say(self, message):
        message = self.change(message)
        if message is not None:
            self._messages.put(message)

    def open(self):
        pass

    def read(self):
        try:
            message = self._messages.get(timeout=0.02)
        except queue.Empty:
            return b""
        if message == b"":
            raise TransportError("gone")
        return message

    def more(self):
        return not self._messages.empty()

    def write(self, data):
        self.commands += [f for f in self._requests.feed(data) if f[0] == 2]
        now_us = self.clock.now() // 1000 if self.clock else self.now_us
        with self._lock:
            self.core.feed(data, now_us)

    def unplug(self):
        self._messages.put(b"")

    def written(self, register):
        return [frame for frame in self.commands if frame[2] == register.address]

    def close(self):
        pass


class HeldPort:
    """The way to a simulated board that a test may hold up: the link, or the host.

    `late`: what the board says is kept on its way. After `stall`, until `read_on`: it
    is here, and nobody reads it.
    """

    def __init__(self, board):
        self.late = threading.Event()
        self.read_on = threading.Event()
        self.read_on.set()
        self._stalled = threading.Event()
        self._board = board
        self._kept = b""

    def open(self):
        self._board.open()

    def stall(self):
        """Read no more; return once nobody does."""
        self.read_on.clear()
        assert self._stalled.wait(5)

    def read(self):
        if not self.read_on.is_set():
            self._stalled.set()
            self.read_on.wait(5)
        self._kept += self._board.read()
        if self.late.is_set():
            return b""
        said, self._kept = self._kept, b""
        return said

    def more(self):
        return not self.read_on.is_set()

    def write(self, data):
        self._board.write(data)

    def close(self):
        self._board.close()


@pytest.fixture
def port():
    return CorePort()


@pytest.fixture
def ports(port):
    return lambda _url: port


def replace(register, payload):
    """Return a change that makes a board answer otherwise."""

    def change(message):
        if message[2] == register.address and message[0] == 1:
            return stamped_message(1, register.address, payload, 1_000_000)
        return message

    return change


def silence(*registers_):
    """Return a change that keeps a board from saying some things."""
    silent = {register.address for register in registers_}
    return lambda message: None if message[2] in silent else message


def emg_block(number, stamp_us=5_000_000):
    samples = np.zeros((1, 80), "<i2")
    first = np.array([number])
    return block_messages(registers.Emg, first, np.array([stamp_us]), samples)[
        0
    ].tobytes()


class TestOpen:
    def test_nothing_at_the_port(self, harp_bench, harp_device, tmp_path):
        with pytest.raises(DeviceError, match=r"Expected a Harp board at .*nothing"):
            harp_bench.open(harp_device(port=str(tmp_path / "nothing")))

    def test_nobody_listens(self, harp_bench, harp_device):
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(DeviceError, match="Expected a Harp board"):
            harp_bench.open(harp_device(port=url))

    def test_a_port_has_one_user(self, harp_emulator, harp_process):
        _, info = harp_process([harp_emulator])
        first, second = SerialPort(info["port"]), SerialPort(info["port"])
        first.open()
        try:
            with pytest.raises(TransportError):
                second.open()
        finally:
            first.close()
            second.close()

    def test_another_device_is_refused(self, harp_bench, harp_device, port, ports):
        port.change = replace(registers.REGISTER_MAP[0], struct.pack("<H", 1216))
        with pytest.raises(DeviceError, match=r"got SpringhareDAQ \(WhoAmI 1216\)"):
            harp_bench.open(harp_device(), open_port=ports)

    def test_another_map_is_refused(self, harp_bench, harp_device, port, ports):
        port.change = replace(registers.MapDigest, struct.pack("<I", MAP_DIGEST ^ 1))
        with pytest.raises(VersionError, match="flash the sketch"):
            harp_bench.open(harp_device(), open_port=ports)

    def test_another_firmware_is_refused(self, harp_bench, harp_device, port, ports):
        port.change = replace(registers.REGISTER_MAP[6], b"\x02")
        with pytest.raises(VersionError, match=r"got 2\."):
            harp_bench.open(harp_device(), open_port=ports)

    def test_an_older_firmware_is_refused(self, harp_bench, harp_device, port, ports):
        port.change = replace(registers.REGISTER_MAP[7], b"\x01")
        with pytest.raises(VersionError, match=r"firmware 1\.2 .* got 1\.1 .*: flash"):
            harp_bench.open(harp_device(), open_port=ports)

    def test_a_setting_that_does_not_stick_is_told(
        self, harp_bench, harp_device, port, ports
    ):
        def forget(message):
            if message[2] == registers.EmgPeriod.address and message[0] == 2:
                return stamped_message(2, message[2], struct.pack("<I", 7), 1)
            return message

        port.change = forget
        with pytest.raises(DeviceError, match="EmgPeriod of daq to hold 500000"):
            harp_bench.open(harp_device(), open_port=ports)

    def test_a_board_that_does_not_answer(
        self, harp_bench, harp_device, port, ports, monkeypatch
    ):
        monkeypatch.setattr("rig.devices.harp_link._Client.REPLY_TIMEOUT", 0.05)
        port.change = lambda _message: None
        with pytest.raises(DeviceError, match="an answer about WhoAmI"):
            harp_bench.open(harp_device(), open_port=ports)

    def test_one_lost_answer_does_not_matter(
        self, harp_bench, harp_device, port, ports, monkeypatch
    ):
        monkeypatch.setattr("rig.devices.harp_link._Client.REPLY_TIMEOUT", 0.05)
        lost = []

        def lose_one(message):
            if message[2] == registers.MapDigest.address and not lost:
                lost.append(message)
                return None
            return message

        port.change = lose_one
        specs = harp_bench.open(harp_device(), open_port=ports)
        assert lost
        assert "signals/daq/emg" in {spec.name for spec in specs}


class TestRunning:
    def test_no_stream_runs_before_the_start(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.open(harp_device(), open_port=ports)
        assert port.core.streams == 0
        assert not port.core.active
        harp_bench.node.start()
        assert port.core.streams == 0b1111
        assert port.core.active

    def test_triggers_stop_first_when_asked(self, harp_bench, harp_device, port, ports):
        harp_bench.start(harp_device(), open_port=ports)
        harp_bench.node.handle("stop_triggers", {})
        assert port.core.streams == 0b0111
        with pytest.raises(StreamError, match="stop_triggers"):
            harp_bench.node.handle("dance", {})
        harp_bench.stop()
        assert port.core.streams == 0
        assert not port.core.active

    def test_edges_carry_their_arrival_and_their_own_time(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(), open_port=ports)
        before_ns = harp_bench.clock.now()
        port.core.edge(24, True, 2_000_001)
        harp_bench.until(lambda: harp_bench.count("events/daq") == 1)
        row = harp_bench.rows("events/daq")[0]
        assert row["device_ns"] == 2_000_001_000
        assert (row["line"], row["edge"]) == (b"camera_trigger", EDGE_RISING)
        assert before_ns < row["host_ns"] < harp_bench.clock.now()

    def test_a_stale_decision_is_acknowledged_and_not_sent(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(**ONLY_COMMANDS), open_port=ports)
        now = harp_bench.clock.now()
        asked = harp_bench.decide(exposure_ns=now - 100, max_age_ns=50)
        sham = harp_bench.decide(outcome="sham")
        harp_bench.until(lambda: harp_bench.acknowledged(asked) is not None)
        assert harp_bench.acknowledged(asked)["status"] == b"stale"
        assert harp_bench.acknowledged(sham) is None
        assert not port.written(registers.Pulse)
        assert harp_bench.node.reads()["decisions"].taken == 2

    def test_a_command_without_an_answer_times_out(
        self, harp_bench, harp_device, port, ports
    ):
        config = harp_device(**ONLY_COMMANDS, acknowledge_timeout_ms=30)
        harp_bench.start(config, open_port=ports)
        port.change = silence(registers.Acknowledge)
        asked = harp_bench.decide()
        harp_bench.until(lambda: harp_bench.acknowledged(asked) is not None)
        row = harp_bench.acknowledged(asked)
        assert row["status"] == b"timeout"
        assert row["sent_ns"] > 0
        assert len(port.written(registers.Pulse)) == 1

    def test_what_is_answered_after_its_time_is_recorded_all_the_same(
        self, harp_bench, harp_device, harp_rig, harp_in_memory
    ):
        config = harp_device(**ONLY_COMMANDS, acknowledge_timeout_ms=60)
        board = harp_in_memory(harp_rig({"daq": config}))
        port = HeldPort(board)
        harp_bench.start(config, open_port=lambda _url: port)
        port.late.set()
        asked = harp_bench.decide()
        harp_bench.until(lambda: harp_bench.statuses(asked) == [b"timeout"])
        port.late.clear()
        told = [b"timeout", b"done"]
        harp_bench.until(lambda: harp_bench.statuses(asked) == told)
        harp_bench.stop()
        given_up, done = harp_bench.rows("acknowledgements")
        assert (given_up["edge_device_ns"], given_up["edge_host_ns"]) == (-1, -1)
        edges = board.truth().boards["daq"]["edges"]
        rises = np.array(edges["device_us"])[np.array(edges["level"])]
        assert [done["edge_device_ns"]] == (rises * 1000).tolist()
        assert done["sent_ns"] < done["edge_host_ns"] < given_up["host_ns"]
        assert done["host_ns"] >= given_up["host_ns"]
        assert harp_bench.counters("losses/daq")["late_answers"] == 1

    def test_what_waits_to_be_read_after_a_stall_is_no_timeout(
        self, harp_bench, harp_device, harp_rig, harp_in_memory
    ):
        config = harp_device(**ONLY_COMMANDS, acknowledge_timeout_ms=60)
        port = HeldPort(harp_in_memory(harp_rig({"daq": config})))
        harp_bench.start(config, open_port=lambda _url: port)
        port.stall()
        asked = harp_bench.decide()
        stalled_ns = harp_bench.clock.now() + 300_000_000
        harp_bench.until(lambda: harp_bench.clock.now() > stalled_ns)
        assert harp_bench.statuses(asked) == []
        port.read_on.set()
        harp_bench.until(lambda: harp_bench.statuses(asked))
        harp_bench.stop()
        assert harp_bench.statuses(asked) == [b"done"]
        assert harp_bench.counters("losses/daq")["late_answers"] == 0

    def test_decisions_that_wait_at_the_end_are_still_answered(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(**ONLY_COMMANDS), open_port=ports)
        asked = harp_bench.decide()
        harp_bench.stop()
        assert harp_bench.acknowledged(asked)["status"] == b"done"
        assert harp_bench.streams.ring("acknowledgements").closed

    def test_the_last_samples_are_missed_too(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(), open_port=ports)
        port.say(emg_block(0))
        harp_bench.until(lambda: harp_bench.count("signals/daq/emg") == 1)
        port.core.values[registers.EmgSample.address] = 40
        harp_bench.stop()
        assert harp_bench.losses() == [("signals/daq/emg", 10, 30, "not received")]
        assert harp_bench.counters("signals/daq/emg") == {"missing_samples": 30}

    def test_a_whole_message_that_makes_no_sense_is_counted(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(), open_port=ports)
        port.say(emg_block(100))
        port.say(emg_block(20))
        port.say(emg_block(110))
        harp_bench.until(lambda: harp_bench.count("signals/daq/emg") == 2)
        harp_bench.until(lambda: harp_bench.node.metrics()["bad_messages"] == 1)
        assert harp_bench.rows("signals/daq/emg")["device_sample"].tolist() == [
            100,
            110,
        ]
        assert harp_bench.losses() == [("signals/daq/emg", 0, 100, "not received")]

    def test_a_fault_of_our_own_is_not_taken_for_an_unplugged_board(
        self, harp_bench, harp_device, port, ports, monkeypatch
    ):
        raised = []
        monkeypatch.setattr(threading, "excepthook", raised.append)
        harp_bench.start(harp_device(), open_port=ports)

        def fail(*_arguments):
            raise ValueError("ours")

        monkeypatch.setattr(harp_bench.node._intake.edges, "take", fail)
        port.core.edge(24, True, 5)
        with pytest.raises(RuntimeError, match="reads daq failed"):
            harp_bench.until(lambda: False)
        assert str(raised[0].exc_value) == "ours"


class TestUnplugged:
    def test_the_numbering_goes_on_behind_the_gap(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(), open_port=ports)
        port.say(emg_block(0))
        port.core.edge(24, True, 10)
        harp_bench.until(lambda: harp_bench.count("events/daq") == 1)
        port.unplug()
        port.core = BoardCore(port.say)
        harp_bench.until(lambda: port.core.streams == 0b1111)
        number = port.core.values[registers.EmgSample.address]
        edge = port.core.values[registers.EdgeSequence.address]
        assert number >= 20
        assert edge >= 2
        port.say(emg_block(number, 50_000))
        port.core.edge(24, True, 60_000)
        harp_bench.until(lambda: harp_bench.count("events/daq") == 2)
        harp_bench.stop()
        rows = harp_bench.rows("signals/daq/emg")
        assert rows["device_sample"].tolist() == [0, number]
        assert rows["first_sample"].tolist() == [0, 10]
        assert harp_bench.rows("events/daq")["device_seq"].tolist() == [0, edge]
        losses = {stream: rest for stream, *rest in harp_bench.losses()}
        assert losses["signals/daq/emg"] == [10, number - 10, "unplugged"]
        assert losses["events/daq"] == [1, edge - 1, "unplugged"]
        assert harp_bench.counters("losses/daq")["unplugged"] == 1

    def test_triggers_that_were_stopped_do_not_start_again(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(), open_port=ports)
        harp_bench.node.handle("stop_triggers", {})
        port.unplug()
        port.core = BoardCore(port.say)
        harp_bench.until(lambda: port.core.streams != 0)
        assert port.core.streams == 0b0111

    def test_a_board_that_begins_anew_behind_our_back_is_set_up_again(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(), open_port=ports)
        port.say(emg_block(500))
        harp_bench.until(lambda: harp_bench.count("signals/daq/emg") == 1)
        port.core = BoardCore(port.say)
        for number in (0, 10, 20):
            port.say(emg_block(number))
        harp_bench.until(lambda: port.core.streams == 0b1111)
        assert port.core.values[registers.EmgSample.address] >= 520

    def test_a_broken_link_at_the_end_is_not_an_error(
        self, harp_bench, harp_device, port, ports
    ):
        harp_bench.start(harp_device(), open_port=ports)
        port.say(emg_block(0))
        harp_bench.until(lambda: harp_bench.count("signals/daq/emg") == 1)
        port.unplug()
        harp_bench.until(lambda: harp_bench.node.metrics()["plugged_in"] == 0)
        harp_bench.stop()
        assert {loss[3] for loss in harp_bench.losses()} == {"unplugged"}
        harp_bench.node.close()
        harp_bench.node.close()


class TestClock:
    @pytest.mark.slow
    def test_the_model_is_published_and_good(
        self, harp_twins, harp_bench, harp_device, harp_rig
    ):
        rig = harp_rig({"daq": harp_device()})
        _, urls = harp_twins(rig)
        harp_bench.start(harp_device(port=urls["daq"]))
        harp_bench.until(
            lambda: sum(harp_bench.rows("clocks/daq")["asked_ns"] >= 0) >= 3
        )
        harp_bench.stop()
        rows = harp_bench.rows("clocks/daq")
        assert harp_bench.node.metrics()["round_trip_us"] > 0
        assert np.all(rows["sd_ns"] > 0)
        assert np.all(rows["skew_sd_ppb"] > 0)
        assert np.all(np.abs(rows["skew_ppb"]) < 500_000)
        asked = rows[rows["asked_ns"] >= 0]
        assert len(asked) >= 3
        assert np.all(np.diff(asked["asked_ns"]) > 0)
        # the answer was given between asking and hearing: so says the model too
        answered_ns = asked["answered_ns"] + asked["offset_ns"]
        slack_ns = 2 * asked["sd_ns"]
        assert np.all(answered_ns > asked["asked_ns"] - slack_ns)
        assert np.all(answered_ns < asked["received_ns"] + slack_ns)

    def test_a_late_answer_is_not_taken_for_the_new_one(
        self, harp_bench, harp_device, port, ports
    ):
        port.now_us = 100_000_000
        harp_bench.start(harp_device(), open_port=ports)
        intake = harp_bench.node._intake
        harp_bench.until(lambda: intake.round_trip_ns > 0)
        model = intake.clock.state
        before = intake.round_trip_ns
        intake.questions.ask(harp_bench.clock.now())
        old_us = model.device_ns // 1000 - 3_000_000
        answer = stamped_message(
            1, registers.Microseconds.address, struct.pack("<Q", old_us), old_us
        )
        intake.on_message(answer, harp_bench.clock.now())
        assert intake.round_trip_ns == before
        assert intake.clock.state.segment == model.segment

    def test_each_answer_is_a_row(self, harp_bench, harp_device, port, ports):
        port.clock = harp_bench.clock
        harp_bench.start(harp_device(), open_port=ports)
        harp_bench.until(lambda: harp_bench.count("clocks/daq") >= 5)
        rows = harp_bench.rows("clocks/daq")
        assert np.all(np.diff(rows["answered_ns"]) > 0)
        assert np.all(np.diff(rows["asked_ns"]) > 0)
        assert np.all(rows["received_ns"] >= rows["asked_ns"])
        assert np.all(rows["host_ns"] >= rows["received_ns"])

    def test_a_board_that_does_not_answer_has_a_row_all_the_same(
        self, harp_bench, harp_device, port, ports
    ):
        port.change = silence(registers.Microseconds)
        harp_bench.start(harp_device(), open_port=ports)
        port.core.edge(24, True, 100_000_000)
        harp_bench.until(lambda: harp_bench.count("clocks/daq") >= 2)
        rows = harp_bench.rows("clocks/daq")
        for name in ("asked_ns", "answered_ns", "received_ns"):
            assert set(rows[name].tolist()) == {-1}
        assert np.diff(rows["host_ns"]).min() >= 500_000_000

    def test_a_clock_that_jumps_is_counted(self, harp_bench, harp_device, port, ports):
        harp_bench.start(harp_device(), open_port=ports)
        port.now_us = 100_000_000
        port.core.edge(24, True, 100_000_000)
        harp_bench.until(lambda: harp_bench.count("events/daq") == 1)
        port.core.edge(24, True, 1_000)
        harp_bench.until(lambda: harp_bench.count("events/daq") == 2)
        harp_bench.stop()
        assert harp_bench.counters("losses/daq")["clock_jumps"] >= 1
        assert harp_bench.losses() == []
