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
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.devices import harp_registers
from rig.devices.harp_frames import Framer, parse_event, payload_layouts
from rig.devices.harp_link import HarpLink
from rig.devices.harp_port import SerialPort
from rig.devices.harp_registers import NO_DEADLINE_US, registers
from rig.sim.twins.harp_core import BoardCore
from sync.clock import MonotonicClock
from sync.pulses import trigger_times_ns
from sync.sync_line import SyncLine, segment_edges_us

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
            f"{time_us} {word_of(message)}" for time_us, message in script
        )
        done = subprocess.run(
            [program], input=lines, capture_output=True, text=True, check=True
        )
        return [bytes.fromhex(line) for line in done.stdout.split()]

    return run


WORDS = {None: "-", "stuck": "!", "key on": "^", "key off": "_"}
KEY = 1
"""The input that the key is on."""


def word_of(message):
    if message is None or isinstance(message, str):
        return WORDS[message]
    return bytes(message).hex()


def twin(script):
    """Do in Python what `bench` does in C++."""
    out, level = [], {}
    core = BoardCore(out.append, sense=lambda line: level.get(line, False))
    now_us = 0
    for time_us, message in script:
        while core.due_us() <= time_us:
            now_us = max(now_us, core.due_us())
            core.poll(now_us)
        now_us = time_us
        if isinstance(message, str):
            level[KEY] = message == "key on"
            core.poll(now_us)
        elif message:
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


def pulse(number, line, width, count, period, not_after=NO_DEADLINE_US):
    command = registers.Pulse.payload_class(
        decision_id=number,
        line=line,
        width=width,
        count=count,
        period=period,
        not_after=not_after,
    )
    return registers.Pulse.format(command)


def level(number, line, high):
    command = registers.Level.payload_class(decision_id=number, line=line, high=high)
    return registers.Level.format(command)


def permit(value):
    return registers.Permit.format(value)


commands = st.one_of(
    st.tuples(
        st.just("pulse"),
        st.sampled_from([15, 16, 17, 23, 24]),
        st.sampled_from([0, 1, 900, 1000, 1001, 40_000]),
        st.sampled_from([0, 1, 1, 2, 5]),
        st.sampled_from([0, 900, 2000, 9000, 50_000]),
        st.sampled_from(
            [None, None, -2_500_001, -1, 0, 1, 400_000, 10_000_000, 10_000_001]
        ),
    ),
    st.tuples(st.just("level"), st.sampled_from([15, 16, 17, 23]), st.booleans()),
    st.tuples(st.just("timeout"), st.sampled_from([0, 50, 1000])),
    st.tuples(st.just("permit"), st.sampled_from([1, 1, 1, 0, 2])),
    st.tuples(st.just("key line"), st.sampled_from([KEY, KEY, 3, 16, 255])),
    st.tuples(st.sampled_from(["key on", "key off"])),
    st.tuples(st.just("time"), st.integers(0, 100_000)),
    st.tuples(
        st.just("read"),
        st.sampled_from(
            ["Counters", "Microseconds", "Emg", "MaxDuty", "Pulse", "Permit", "KeyLine"]
        ),
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


def timed_pulse(number, time_us, *values):
    *values, ahead_us = values
    deadline = [] if ahead_us is None else [max(time_us + ahead_us, 0)]
    return pulse(number, *values, *deadline)


MAKE = {
    "pulse": timed_pulse,
    "level": lambda number, _, *values: level(number, *values),
    "timeout": lambda *step: registers.HostTimeout.format(step[-1]),
    "permit": lambda *step: permit(step[-1]),
    "key line": lambda *step: registers.KeyLine.format(step[-1]),
    "key on": lambda *_: "key on",
    "key off": lambda *_: "key off",
    "time": lambda *step: registers.REGISTER_MAP[8].format(step[-1]),
    "read": lambda *step: getattr(registers, step[-1]).format(),
    # no half request at the end, that would have to grow old first
    "junk": lambda *step: step[-1] + bytes(64),
}


def played(limit_set, script):
    """Return (time, message) of a whole script, limits first, silence last."""
    time_us = 0
    out = []
    for message in limits(*limit_set):
        time_us += 10
        out.append((time_us, message))
    for number, (wait_us, (kind, *values)) in enumerate(script):
        time_us += wait_us
        out.append((time_us, MAKE[kind](number, time_us, *values)))
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
                lambda step: step[1][0] not in {"time", "read", "junk"}
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


@pytest.fixture(params=["firmware", "twin"])
def play(request):
    """The firmware, and its double."""
    return request.getfixturevalue("bench") if request.param == "firmware" else twin


def set_up(*messages, width_us=1_000_000):
    """Return a script that sets limits, and then writes these at 100, 110 … us."""
    script = [
        (10 * k, message) for k, message in enumerate(limits(width_us, 0, 1000), 1)
    ]
    return script + [(100 + 10 * k, message) for k, message in enumerate(messages)]


def status_of(messages):
    return [
        registers.CommandStatus(answer.status).name for answer in answers_of(messages)
    ]


class TestPermission:
    """What ends a pulse that nobody may hold any more, and what begins none."""

    def test_a_train_ends_when_the_permission_is_not_renewed(self, play):
        script = set_up(registers.HostTimeout.format(100))
        script += [(100_000 + 50_000 * k, permit(1)) for k in range(10)]
        script += [(200_000, pulse(1, 16, 1000, 1_000_000, 10_000)), (3_000_000, None)]
        edges = edges_of(play(sorted(script, key=lambda step: step[0])))[16]
        assert len(edges) > 80
        assert edges[-1][0] <= 550_000 + 100_001
        assert edges[-1][1] is False

    def test_a_long_pulse_ends_too(self, play):
        script = set_up(registers.HostTimeout.format(100), permit(1))
        script += [(1000, pulse(1, 16, 900_000, 1, 0)), (2_000_000, None)]
        messages = play(script)
        assert edges_of(messages)[16] == [(1000, True), (100_111, False)]
        assert status_of(messages) == ["DONE"]

    def test_other_words_of_the_host_are_no_permission(self, play):
        script = set_up(registers.HostTimeout.format(100), permit(1))
        script += [(1000, level(1, 16, high=1))]
        asked = [(2000 * k, registers.Microseconds.format()) for k in range(1, 200)]
        [(_, high), (fell_us, low)] = edges_of(play(script + asked))[16]
        assert (high, low, fell_us) == (True, False, 100_111)

    def test_without_permission_nothing_begins(self, play):
        script = set_up(registers.HostTimeout.format(100))
        script += [(1000, pulse(1, 16, 1000, 1, 0)), (2000, permit(1))]
        script += [(3000, pulse(2, 16, 1000, 1, 0)), (5000, permit(0))]
        script += [(6000, pulse(3, 16, 1000, 1, 0)), (7000, level(4, 17, high=1))]
        script += [(8000, permit(1)), (108_002, pulse(5, 16, 1000, 1, 0))]
        messages = play(script)
        refused = "REFUSED_PERMIT"
        assert status_of(messages) == [refused, "DONE", refused, refused, refused]
        assert [at for at, _ in edges_of(messages)[16]] == [3000, 4000]

    def test_it_is_taken_back_at_once(self, play):
        script = set_up(registers.HostTimeout.format(1000), permit(1))
        script += [(1000, pulse(1, 16, 900_000, 1, 0)), (5000, permit(0))]
        assert edges_of(play(script))[16] == [(1000, True), (5000, False)]

    def test_it_does_not_outlive_standby(self, play):
        rest, active = (
            OperationControl.format(OperationControl.payload_class(operation_mode=mode))
            for mode in (0, 1)
        )
        script = set_up(registers.HostTimeout.format(1000), permit(1), rest, active)
        script.append((1000, pulse(1, 16, 1000, 1, 0)))
        assert status_of(play(script)) == ["REFUSED_PERMIT"]

    def test_a_key_that_is_off_ends_everything_whatever_the_host_says(self, play):
        script = set_up(registers.KeyLine.format(KEY), permit(1))
        script += [(1000, pulse(1, 16, 1000, 1, 0)), (2000, "key on")]
        script += [(3000, pulse(2, 16, 1000, 100, 10_000)), (35_000, "key off")]
        script += [(36_000, permit(1)), (40_000, pulse(3, 16, 1000, 1, 0))]
        script += [(50_000, "key on"), (60_000, registers.Permit.format())]
        messages = play(script)
        assert status_of(messages) == ["REFUSED_KEY", "DONE", "REFUSED_KEY"]
        rises = [at for at, high in edges_of(messages)[16] if high]
        assert rises == [3000, 13_000, 23_000, 33_000]  # nor does it begin again
        flags = registers.OutputFlags
        assert messages[-1][11] == flags.PERMITTED | flags.KEY_ON

    def test_a_pulse_in_the_air_when_the_key_goes_off_falls(self, play):
        script = set_up(registers.KeyLine.format(KEY))
        script += [(500, "key on"), (1000, level(2, 16, high=1)), (1500, "key off")]
        assert edges_of(play(script))[16] == [(1000, True), (1500, False)]

    @pytest.mark.parametrize(
        ("not_after_us", "status"),
        [
            (0, "LATE"),
            (999_999, "LATE"),
            (1_000_000, "DONE"),
            (11_000_000, "DONE"),
            (11_000_001, "LATE"),
            (NO_DEADLINE_US, "DONE"),
        ],
    )
    def test_a_pulse_has_a_deadline(self, play, not_after_us, status):
        script = set_up()
        script.append((1_000_000, pulse(1, 16, 100, 1, 0, not_after_us)))
        assert status_of(play(script)) == [status]

    def test_the_deadline_is_of_the_device_s_own_clock(self, play):
        script = set_up(registers.REGISTER_MAP[8].format(1000))
        for number, after_us in ((1, 1_000_100_000), (2, 200_000)):
            script.append((50_000 + number, pulse(number, 16, 1, 1, 0, after_us)))
        assert status_of(play(script)) == ["DONE", "LATE"]

    def test_a_clock_that_was_set_back_makes_old_deadlines_late(self, play):
        script = set_up()
        script.append((20_000_000, registers.REGISTER_MAP[8].format(0)))
        script.append((20_000_500, pulse(1, 16, 1, 1, 0, 20_050_000)))
        assert status_of(play(script)) == ["LATE"]


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


def sync_script(line, number, length_us, start_us=1000):
    values = {
        "RisingMask": 0xFFFFFFFF,
        "FallingMask": 0xFFFFFFFF,
        "SyncSeed": line.seed,
        "SyncNumber": number,
        "SyncPeriod": line.period_us,
        "SyncPulseWidth": line.pulse_width_us,
        "BarcodeBar": line.bar_us or 0,
    }
    flags = int(registers.StreamFlags.EDGES | registers.StreamFlags.SYNC)
    return [
        (10, OperationControl.format(ACTIVE)),
        *((20, getattr(registers, name).format(v)) for name, v in values.items()),
        (start_us, registers.StreamControl.format(flags)),
        (start_us + length_us, registers.StreamControl.format(0)),
        (start_us + length_us + 10, registers.SyncNumber.format()),
        (start_us + length_us + 20, registers.Counters.format()),
        (start_us + length_us + 2_000_000, None),
    ]


words = st.integers(0, 2**32 - 1)
lines = st.builds(
    SyncLine,
    seed=words,
    pulse_width_us=st.integers(1000, 50_000),
    period_us=st.integers(20_000_000, 40_000_000),
    bar_us=st.none() | st.integers(1000, 150_000),
)
few = settings(max_examples=15)


class TestSyncLine:
    """The firmware gives off, bit for bit, what `sync` makes and reads."""

    @few
    @given(line=lines, number=words, length_us=st.integers(1, 45_000_000))
    def test_firmware_and_twin_say_the_same(self, bench, line, number, length_us):
        script = sync_script(line, number, length_us)
        assert [m.hex() for m in bench(script)] == [m.hex() for m in twin(script)]

    @few
    @given(line=lines, number=words, segments=st.integers(1, 2))
    def test_edges_are_those_of_the_generator(self, bench, line, number, segments):
        messages = bench(sync_script(line, number, segments * line.period_us - 1))
        parts = [segment_edges_us(line, number + n) for n in range(segments)]
        expected = [
            (1000 + n * line.period_us + at, level)
            for n, part in enumerate(parts)
            for at, level in zip(*(column.tolist() for column in part), strict=True)
        ]
        assert edges_of(messages)[25] == expected
        [held] = [m[11:15] for m in messages if m[:1] == b"\x01" and m[2] == 50]
        held = int.from_bytes(held, "little")
        assert held == (number + segments) % 2**32

    @pytest.mark.slow
    def test_two_hours_are_the_same(self, bench):
        line = SyncLine(seed=20_261_121)
        number, count = 0xFFFFFFF0, 240
        messages = bench(sync_script(line, number, count * line.period_us - 1))
        edges = np.array([at for at, _ in edges_of(messages)[25]])
        parts = [
            1000 + n * line.period_us + segment_edges_us(line, number + n)[0]
            for n in range(count)
        ]
        np.testing.assert_array_equal(edges, np.concatenate(parts))

    @given(stuck_us=st.lists(st.integers(1, 4_000_000), min_size=1, max_size=4))
    def test_a_loop_that_is_stuck_moves_no_later_edge(self, bench, stuck_us):
        line, wanted = SyncLine(seed=3), segment_edges_us(SyncLine(seed=3), 8)
        [*begin, _, _, counters, _] = sync_script(line, 8, 29_999_999)
        at_us, late = 1000, []
        for k, for_us in enumerate(stuck_us):
            at_us = 1000 + 7_000_000 * k + 1_000_000
            late.append((at_us, at_us + for_us))
            begin += [(at_us, None), (at_us + for_us, "stuck"), (at_us + for_us, None)]
        messages = bench([*begin, (30_000_500, counters[1])])
        edges = edges_of(messages)[25]
        assert [level for _, level in edges] == [True, False] * (len(edges) // 2)
        true = dict(zip((1000 + wanted[0]).tolist(), wanted[1].tolist(), strict=True))
        ends = {end for _, end in late}
        assert all(true.get(at) == level or at in ends for at, level in edges)
        seen = {at for at, _ in edges}
        away = {at for at in true if any(a < at <= b for a, b in late)}
        assert seen >= set(true) - away
        [missed] = [m for m in messages if m[2] == registers.Counters.address]
        missed = int.from_bytes(missed[31:35], "little")
        rises = [at for at, up in true.items() if up and at > 1000 + line.code_us]
        gone = [at for at in rises if any(a < at and at + 10_000 <= b for a, b in late)]
        assert missed == len(gone)

    def test_a_line_that_is_stopped_goes_low(self, bench):
        # in the third bar of the code's start
        messages = bench(sync_script(SyncLine(seed=1), 5, 50_000))
        assert edges_of(messages)[25] == [(1000, True), (51_000, False)]

    writes = st.lists(
        st.one_of(
            st.tuples(st.just("StreamControl"), st.sampled_from([0, 4, 8, 16, 28, 32])),
            st.tuples(
                st.just("CameraTriggerPeriod"),
                st.sampled_from([0, 99_999, 100_000, 10**6, 10**7]),
            ),
            st.tuples(
                st.just("CameraTriggerDither"),
                st.sampled_from([0, 25_000, 25_001, 250_000, 2_500_001]),
            ),
            st.tuples(st.just("CameraTriggerNumber"), words),
            st.tuples(st.just("SyncSeed"), words),
            st.tuples(st.just("SyncNumber"), words),
            st.tuples(
                st.just("SyncPeriod"),
                st.sampled_from([0, 19_999_999, 20_000_000, 600_000_000, 600_000_001]),
            ),
            st.tuples(
                st.just("SyncPulseWidth"),
                st.sampled_from([0, 999, 1000, 50_000, 50_001]),
            ),
            st.tuples(st.just("BarcodeBar"), st.sampled_from([0, 1, 150_000, 150_001])),
        ),
        max_size=20,
    )

    @given(writes=writes)
    def test_firmware_and_twin_take_and_refuse_the_same(self, bench, writes):
        script = [(10, OperationControl.format(ACTIVE))]
        for k, (name, value) in enumerate(writes):
            script.append((20 + k, getattr(registers, name).format(value)))
        said = [
            [(m[0], m[2], m[11:-1].hex()) for m in run(script) if m[0] != 3]
            for run in (bench, twin)
        ]
        # a trigger that has begun counts on in the board only
        number = registers.CameraTriggerNumber.address
        firmware, double = ([m for m in one if m[1] != number] for one in said)
        assert firmware == double


class TestTriggers:
    @given(
        seed=words,
        period_ns=st.integers(400_000, 20_000_000),
        part=st.floats(0, 0.25),
        number=st.sampled_from([0, 1, 5000, 2**32 - 3]),
    )
    def test_they_are_moved_as_the_generator_says(
        self, bench, seed, period_ns, part, number
    ):
        dither_ns = int(part * period_ns)
        values = {
            "RisingMask": 1 << 24,
            "SyncSeed": seed,
            "CameraTriggerPeriod": period_ns,
            "CameraTriggerWidth": 50,
            "CameraTriggerDither": dither_ns,
            "CameraTriggerNumber": number,
        }
        flags = int(registers.StreamFlags.EDGES | registers.StreamFlags.CAMERA_TRIGGER)
        script = [
            (10, OperationControl.format(ACTIVE)),
            *((20, getattr(registers, name).format(v)) for name, v in values.items()),
            (1_000_000, registers.StreamControl.format(flags)),
            (1_000_000 + period_ns // 10, None),
        ]
        found = [at for at, _ in edges_of(bench(script))[24]]
        numbers = number + np.arange(len(found))
        times_ns = trigger_times_ns(seed, numbers, period_ns, dither_ns)
        times_ns -= number * period_ns
        expected = 1_000_000 - (-times_ns // 1000)
        # the first one cannot be given before it was asked for
        assert found == np.maximum(expected, 1_000_000).tolist()
        assert len(found) > 90


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
                and harp_bench.rows("clocks/daq")[-1]["skew_ppb"] < -100_000
            )
        )
        harp_bench.stop()
        row = harp_bench.rows("clocks/daq")[-1]
        # what the board shows now is known: its start and its rate were told
        device_ns = int(row["device_ns"])
        host_ns = info["started_ns"] + device_ns / (1 + 5000e-6)
        assert abs(device_ns + int(row["offset_ns"]) - host_ns) < 20_000_000

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
