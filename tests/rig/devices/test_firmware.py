"""The firmware: built for PC and AVR, held to its map, its limits never broken."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from harp.device.core import DeviceName, OperationControl, WhoAmI
from harp.device.schema import parse_device_schema
from hypothesis import given
from hypothesis import strategies as st

from rig.devices import harp_registers
from rig.devices.harp_frames import Framer, parse_event, payload_layouts
from rig.devices.harp_link import HarpLink
from rig.devices.harp_port import SerialPort
from rig.devices.harp_registers import registers
from rig.sim.twins.harp_core import BoardCore
from sync.clock import MonotonicClock

FIRMWARE = Path(harp_registers.__file__).parent / "firmware"
SKETCH = FIRMWARE / "springhare_daq"
ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")
STRICT = ["-Wall", "-Wextra", "-Werror"]
ACTIVE = OperationControl.payload_class(operation_mode=1, heartbeat=1)
NO_EDGE_US = (1 << 64) - 1


@pytest.fixture(scope="session")
def bench(need, tmp_path_factory):
    """The firmware in a time of its own: messages and their times in, messages out."""
    need("g++")
    program = tmp_path_factory.mktemp("bench") / "bench"
    source = Path(__file__).with_name("firmware_bench.cpp")
    flags = ["-O1", "-std=c++11", *STRICT, f"-I{SKETCH}"]
    subprocess.run(["g++", *flags, source, "-o", program], check=True)

    def run(script):
        lines = "\n".join(
            f"{time_us} {bytes(message).hex() if message else '-'}"
            for time_us, message in script
        )
        done = subprocess.run(
            [program], input=lines, capture_output=True, text=True, check=True
        )
        return [bytes.fromhex(line) for line in done.stdout.split()]

    return run


def twin(script):
    """Do in Python what `bench` does in C++."""
    out = []
    core = BoardCore(out.append)
    now_us = 0
    for time_us, message in script:
        while core.due_us() <= time_us:
            now_us = max(now_us, core.due_us())
            core.poll(now_us)
        now_us = time_us
        if message:
            core.feed(bytes(message), now_us)
            core.poll(now_us)
    return out


def limits(width_us, period_us, duty):
    return [
        registers.MaxWidth.format(np.full(8, width_us, "<u4")),
        registers.MinPeriod.format(np.full(8, period_us, "<u4")),
        registers.MaxDuty.format(np.full(8, duty, "<u2")),
        registers.RisingMask.format(0xFFFFFFFF),
        registers.FallingMask.format(0xFFFFFFFF),
        OperationControl.format(ACTIVE),
        registers.StreamControl.format(int(registers.StreamFlags.EDGES)),
    ]


def pulse(number, line, width, count, period):
    command = registers.Pulse.payload_class(
        decision_id=number, line=line, width=width, count=count, period=period
    )
    return registers.Pulse.format(command)


def level(number, line, high):
    command = registers.Level.payload_class(decision_id=number, line=line, high=high)
    return registers.Level.format(command)


commands = st.one_of(
    st.tuples(
        st.just("pulse"),
        st.sampled_from([15, 16, 17, 23, 24]),
        st.sampled_from([0, 1, 900, 1000, 1001, 40_000]),
        st.sampled_from([0, 1, 1, 2, 5]),
        st.sampled_from([0, 900, 2000, 9000, 50_000]),
    ),
    st.tuples(st.just("level"), st.sampled_from([15, 16, 17, 23]), st.booleans()),
    st.tuples(st.just("timeout"), st.sampled_from([0, 50, 1000])),
    st.tuples(st.just("time"), st.integers(0, 100_000)),
    st.tuples(
        st.just("read"),
        st.sampled_from(["Counters", "Microseconds", "Emg", "MaxDuty", "Pulse"]),
    ),
    st.tuples(
        st.just("junk"),
        st.binary(max_size=12)
        | st.sampled_from(
            [b"\x01\xff", b"\x02\x3e\x40", b"\x03\x06", b"\x09\x04", b"\x01\x04\x22"]
        ),
    ),
)
scripts = st.lists(
    st.tuples(st.sampled_from([1, 500, 2000, 20_000, 100_000, 2_500_000]), commands),
    min_size=1,
    max_size=30,
)
limit_sets = st.tuples(
    st.sampled_from([0, 1000, 50_000]),
    st.sampled_from([0, 2000, 25_000]),
    st.sampled_from([0, 1, 100, 500, 1000]),
)


def played(limit_set, script):
    """Return (time, message) of a whole script, limits first, silence last."""
    time_us = 0
    out = []
    for message in limits(*limit_set):
        time_us += 10
        out.append((time_us, message))
    for number, (wait_us, (kind, *values)) in enumerate(script):
        time_us += wait_us
        match kind:
            case "pulse":
                message = pulse(number, *values)
            case "level":
                message = level(number, *values)
            case "timeout":
                message = registers.HostTimeout.format(*values)
            case "time":
                message = registers.REGISTER_MAP[8].format(*values)
            case "read":
                message = getattr(registers, values[0]).format()
            case _:
                # no half request at the end, that would have to grow old first
                message = values[0] + bytes(64)
        out.append((time_us, message))
    out.append((time_us + 12_000_000, None))
    return out


def edges_of(messages):
    """Return {line: [(time in us, level), …]}; the offset of the clock is 0."""
    found = {}
    for message in messages:
        if message[0] == 3 and message[2] == registers.Edge.address:
            event = parse_event(message)
            edge = registers.Edge.parse(event.payload)
            when = (event.stamp_us + int(edge.remainder), bool(edge.level))
            found.setdefault(int(edge.line), []).append(when)
    return found


def answers_of(messages):
    return [
        registers.Acknowledge.parse(parse_event(message).payload)
        for message in messages
        if message[0] == 3 and message[2] == registers.Acknowledge.address
    ]


class TestMap:
    def test_the_header_is_made_from_the_map(self):
        committed = harp_registers.HEADER_PATH.read_text(encoding="ascii")
        assert committed == harp_registers.cpp_header(), (
            "run python -m rig.devices.harp_registers"
        )

    def test_addresses_are_free_and_payloads_fit_a_message(self):
        model = parse_device_schema((FIRMWARE / "device.yml").read_bytes())
        addresses = [register.address for register in model.registers.values()]
        assert len(set(addresses)) == len(addresses)
        assert min(addresses) >= 32
        for _, nbytes in payload_layouts().values():
            assert nbytes <= 245

    def test_any_change_of_the_map_changes_the_digest(self, monkeypatch):
        model = harp_registers._MODEL
        changed = model.model_copy(deep=True)
        changed.registers["Emg"].payloadSpec["Samples"].offset = 4
        monkeypatch.setattr(harp_registers, "_MODEL", changed)
        assert harp_registers._canonical() != ""
        before = harp_registers.MAP_DIGEST
        assert harp_registers.zlib.crc32(harp_registers._canonical().encode()) != before


class TestBuild:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("chip", "variant"), [("atmega2560", "mega"), ("atmega328p", "standard")]
    )
    def test_the_sketch_compiles_for_avr_without_a_warning(
        self, need, tmp_path, chip, variant
    ):
        need("avr-g++")
        if not ARDUINO.exists():
            if os.environ.get("CI"):
                pytest.fail("expected arduino-core-avr in CI")
            pytest.skip("needs the package arduino-core-avr")
        out = tmp_path / "sketch.o"
        command = ["avr-g++", "-x", "c++", "-std=gnu++11", "-Os", *STRICT]
        command += ["-fno-exceptions", "-fno-threadsafe-statics", f"-mmcu={chip}"]
        command += ["-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_ARCH_AVR"]
        command += [f"-I{ARDUINO / 'cores' / 'arduino'}"]
        command += [f"-I{ARDUINO / 'variants' / variant}"]
        sketch = SKETCH / "springhare_daq.ino"
        subprocess.run([*command, "-c", sketch, "-o", out], check=True)
        size = subprocess.run(
            ["avr-size", out], capture_output=True, text=True, check=True
        )
        text, data, bss = (
            int(word) for word in size.stdout.splitlines()[1].split()[:3]
        )
        assert text + data < 30_000
        assert data + bss < 2048


class TestLimits:
    @given(limit_set=limit_sets, script=scripts)
    def test_firmware_and_twin_say_the_same(self, bench, limit_set, script):
        whole = played(limit_set, script)
        assert [m.hex() for m in bench(whole)] == [m.hex() for m in twin(whole)]

    @given(
        limit_set=limit_sets,
        script=st.lists(
            st.tuples(st.sampled_from([1, 500, 20_000, 100_000]), commands).filter(
                lambda step: step[1][0] in {"pulse", "level", "timeout"}
            ),
            max_size=40,
        ),
    )
    def test_no_command_breaks_a_limit(self, bench, limit_set, script):
        width_us, period_us, duty = limit_set
        messages = bench(played(limit_set, script))
        for edges in edges_of(messages).values():
            rises, falls = edges[::2], edges[1::2]
            assert [high for _, high in edges] == [True, False] * len(rises)
            widths = [
                fall - rise for (rise, _), (fall, _) in zip(rises, falls, strict=True)
            ]
            assert all(0 < width <= width_us for width in widths)
            periods = [other - one for (one, _), (other, _) in pairwise(rises)]
            assert all(period >= period_us for period in periods)
            for width, period in zip(widths[:-1], periods, strict=True):
                assert width * 1000 <= duty * period

    @given(limit_set=limit_sets, script=scripts)
    def test_every_command_is_answered_once(self, bench, limit_set, script):
        asked = [
            number
            for number, (_, (kind, *_)) in enumerate(script)
            if kind in {"pulse", "level"}
        ]
        answers = answers_of(bench(played(limit_set, script)))
        assert [int(answer.decision_id) for answer in answers] == asked
        assert [int(answer.sequence) for answer in answers] == list(range(len(asked)))
        for answer in answers:
            has_edge = int(answer.edge_time) != NO_EDGE_US
            assert not has_edge or answer.status == registers.CommandStatus.DONE

    def test_a_train_ends_when_the_host_is_silent(self, bench):
        script = [
            (10 * k, message) for k, message in enumerate(limits(1000, 0, 500), 1)
        ]
        script.append((100, registers.HostTimeout.format(100)))
        script.append((200, pulse(1, 16, 1000, 1_000_000, 10_000)))
        script.append((3_000_000, None))
        edges = edges_of(bench(script))[16]
        assert len(edges) >= 20
        assert edges[-1][0] < 300_000
        assert edges[-1][1] is False

    def test_a_level_ends_by_itself(self, bench):
        script = [
            (10 * k, message) for k, message in enumerate(limits(5000, 0, 1000), 1)
        ]
        script += [(200, level(1, 17, high=1)), (60_000, None)]
        assert edges_of(bench(script))[17] == [(200, True), (5200, False)]

    def test_standby_brings_outputs_low_and_tells_the_edge(self, bench):
        script = [
            (10 * k, message) for k, message in enumerate(limits(5000, 0, 1000), 1)
        ]
        standby = OperationControl.format(
            OperationControl.payload_class(operation_mode=0)
        )
        script += [(200, level(1, 17, high=1)), (300, standby), (60_000, None)]
        assert edges_of(bench(script))[17] == [(200, True), (300, False)]


class TestStreams:
    def test_blocks_are_on_the_grid_of_their_period(self, bench):
        flags = int(registers.StreamFlags.EMG | registers.StreamFlags.FORCE_PLATE)
        script = [
            (10, OperationControl.format(ACTIVE)),
            (20, registers.EmgPeriod.format(333_333)),
            (30, registers.EmgSample.format(0xFFFFFFF0)),
            (1000, registers.StreamControl.format(flags)),
            (1_001_000, registers.StreamControl.format(0)),
            (1_002_000, registers.EmgSample.format()),
        ]
        messages = bench(script)
        blocks = [m for m in messages if m[2] == registers.Emg.address]
        events = [parse_event(block) for block in blocks]
        emg = [registers.Emg.parse(event.payload) for event in events]
        times = [
            e.stamp_us + int(b.remainder) for e, b in zip(events, emg, strict=True)
        ]
        numbers = [int(block.sample_number) for block in emg]
        assert len(emg) == 300
        expected = [1000 + 10 * k * 333_333 // 1000 for k in range(300)]
        assert times == expected
        assert numbers == [(0xFFFFFFF0 + 10 * k) % (1 << 32) for k in range(300)]
        # the block that was not full does not count
        assert int.from_bytes(messages[-1][11:15], "little") == numbers[-1] + 10

    def test_a_heartbeat_comes_with_every_second(self, bench):
        script = [(10, OperationControl.format(ACTIVE)), (5_100_000, None)]
        beats = [m for m in bench(script) if m[0] == 3 and m[2] == 8]
        assert [parse_event(m).stamp_us for m in beats] == [
            k * 1_000_000 for k in range(1, 6)
        ]

    def test_all_registers_are_dumped_on_demand(self, bench):
        dump = OperationControl.payload_class(operation_mode=1, dump_registers=True)
        messages = bench([(10, OperationControl.format(dump)), (20, None)])
        dumped = {m[2] for m in messages if m[0] == 1}
        events = {registers.Emg, registers.ForcePlate, registers.Edge}
        silent = {r.address for r in events} | {
            registers.Acknowledge.address,
            registers.Pulse.address,
            registers.Level.address,
        }
        assert dumped == set(registers.REGISTER_MAP) - silent | {15}
        framer = Framer(payload_layouts())
        assert len(list(framer.feed(b"".join(m for m in messages if m[2] != 15)))) > 30
        assert framer.bad == 0


class TestEmulator:
    def test_the_official_client_knows_it(self, harp_emulator, harp_process):
        _, info = harp_process([harp_emulator])
        link = HarpLink(
            SerialPort(info["port"]), "it", MonotonicClock(), lambda *_: None
        )
        link.open()
        try:
            assert link.read(WhoAmI) == registers.WHO_AM_I
            assert link.read(DeviceName) == registers.DEVICE_NAME == info["device"]
        finally:
            link.close()

    def test_a_pin_that_does_not_follow_is_told(
        self, harp_emulator, harp_process, harp_bench, harp_device
    ):
        _, info = harp_process([harp_emulator, "--stuck", "1"])
        harp_bench.start(harp_device(port=info["port"]))
        asked = harp_bench.decide()
        harp_bench.until(lambda: harp_bench.acknowledged(asked) is not None)
        harp_bench.stop()
        row = harp_bench.acknowledged(asked)
        assert (row["status"], row["edge_device_ns"]) == (b"no_edge", -1)
        assert b"laser" not in harp_bench.rows("events/daq")["line"]

    @pytest.mark.slow
    def test_its_clock_is_off_by_what_was_asked_and_the_host_finds_out(
        self, harp_emulator, harp_process, harp_bench, harp_device
    ):
        _, info = harp_process([harp_emulator, "--ppm", "5000"])
        config = harp_device(port=info["port"], camera_trigger=None, inputs=None)
        harp_bench.start(config)
        harp_bench.until(
            lambda: (
                harp_bench.count("clocks/daq") > 5
                and abs(harp_bench.rows("clocks/daq")[-1]["skew_ppb"]) > 0
            )
        )
        harp_bench.stop()
        row = harp_bench.rows("clocks/daq")[-1]
        # what the board shows now is known: its start and its rate were told
        device_ns = int(row["device_ns"])
        host_ns = info["started_ns"] + device_ns / (1 + 5000e-6)
        assert abs(device_ns + int(row["offset_ns"]) - host_ns) < 20_000_000
        assert row["skew_ppb"] < -100_000

    def test_it_ends_when_asked(self, harp_emulator, harp_process):
        child, _ = harp_process([harp_emulator])
        child.terminate()
        assert child.wait(10) == 0

    def test_it_ends_with_its_parent(self, harp_emulator):
        code = (
            "import subprocess, sys, time\n"
            "p = subprocess.Popen([sys.argv[1]], stdout=subprocess.PIPE)\n"
            "p.stdout.readline()\n"
            "print(p.pid, flush=True)\n"
            "sys.stdin.read()\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", code, harp_emulator],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.communicate()
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists():
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2]
            if state == "Z":
                break
            assert time.monotonic() < deadline
