"""The sync line from the rig file to the recorded events, by any kind of board."""

import numpy as np
import pytest

from rig.config.rig import HarpConfig
from rig.devices.harp_plan import plan_board
from rig.devices.harp_registers import registers
from rig.devices.sync_line import first_number, session_seed, sync_line_of
from rig.devices.triggers import Trigger
from rig.messages import EDGE_RISING
from rig.sim.epoch import Epoch
from rig.sim.twins.camera_wire import Dither, Wire
from rig.sim.twins.harp import make_boards
from sync.pulses import trigger_displacements_ns
from sync.sync_line import read_sync_line, segment_edges_us

SECOND_NS = 1_000_000_000
SYNC = {"sync_line": {}, "emg": None, "force_plate": None, "actuator": None}
STREAMS = int(
    registers.StreamFlags.EDGES
    | registers.StreamFlags.SYNC
    | registers.StreamFlags.CAMERA_TRIGGER
)


def edges_of(rows):
    rows = rows[rows["line"] == b"sync"]
    return rows["device_ns"], rows["edge"] == EDGE_RISING


class TestPlan:
    def test_a_session_has_a_seed_of_its_own(self):
        seeds = {session_seed({"session_id": f"m1/{n}"}) for n in range(1000)}
        assert len(seeds) == 1000
        assert session_seed({"session_id": "m1/2"}) == session_seed(
            {"session_id": "m1/2"}
        )
        assert first_number(0xDEADBEEF) == 0xBEEF0000

    def test_what_the_board_is_asked_for(self, harp_device):
        config = HarpConfig.model_validate(
            harp_device(
                sync_line={"pulse_width_ms": 12.5, "barcode": {"bar_ms": 40}},
                camera_trigger={"rate_hz": 100, "dither_us": 100},
            )
        )
        plan = plan_board("daq", config, seed=77)
        settings = dict(plan.settings)
        assert settings[registers.SyncSeed] == 77
        assert settings[registers.SyncPulseWidth] == 12_500
        assert settings[registers.BarcodeBar] == 40_000
        assert settings[registers.CameraTriggerDither] == 100_000
        assert plan.flags & registers.StreamFlags.SYNC
        assert plan.lines[25].name == "sync"
        assert sync_line_of(config.sync_line, 77).bar_us == 40_000

    def test_numbers_go_on_behind_a_gap(self, harp_device):
        config = HarpConfig.model_validate(harp_device(sync_line={}))
        plan = plan_board("daq", config, seed=5)
        first = plan.numbers_after(0)
        assert first == {
            registers.CameraTriggerNumber: 0,
            registers.SyncNumber: 5 << 16,
        }
        later = plan.numbers_after(65 * SECOND_NS)
        assert later[registers.SyncNumber] == (5 << 16) + 3
        assert later[registers.CameraTriggerNumber] == 6507

    def test_a_board_without_it_is_asked_for_none(self, harp_device):
        config = HarpConfig.model_validate(harp_device(camera_trigger=None))
        plan = plan_board("daq", config)
        assert not plan.flags & registers.StreamFlags.SYNC
        assert plan.numbers_after(1) == {}


class TestRecorded:
    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["twin", "emulator"])
    def test_the_first_code_is_there_at_once(
        self, kind, request, harp_bench, harp_device, harp_rig
    ):
        config = harp_device(**SYNC)
        if kind == "emulator":
            start = request.getfixturevalue("harp_process")
            _, info = start([request.getfixturevalue("harp_emulator")])
            harp_bench.start(config | {"port": info["port"]})
        else:
            make = request.getfixturevalue("harp_in_memory")
            board = make(harp_rig({"daq": config}))
            harp_bench.start(config, open_port=lambda _url: board)
        line = sync_line_of(HarpConfig.model_validate(config).sync_line, 0)
        times_us, ways = segment_edges_us(line, 0)
        wanted = int((times_us <= line.code_us).sum()) + 4
        harp_bench.until(
            lambda: (harp_bench.rows("events/daq")["line"] == b"sync").sum() >= wanted
        )
        harp_bench.stop()
        seen_ns, rising = edges_of(harp_bench.rows("events/daq"))
        assert rising[:wanted].tolist() == ways[:wanted].tolist()
        assert len(seen_ns) % 2 == 0, "it is low in the end"
        if kind == "twin":  # a busy PC may keep the emulator from its edges
            off_us = (seen_ns - seen_ns[0]) / 1e3 - times_us[: len(seen_ns)]
            assert np.abs(off_us[:wanted]).max() <= 1
            found = read_sync_line(seen_ns, rising, line)
            assert found.codes.values.tolist() == [0]
            assert len(found.pulses.rise_ns) >= 2

    @pytest.mark.slow
    def test_a_board_that_comes_back_does_not_repeat_itself(
        self, harp_in_memory, harp_bench, harp_device, harp_rig
    ):
        config = harp_device(**SYNC)
        fault = {"at_s": 0.4, "fault": "unplug", "seconds": 0.4, "device": "daq"}
        board = harp_in_memory(harp_rig({"daq": config}), [fault])
        harp_bench.start(config, open_port=lambda _url: board)
        harp_bench.until(
            lambda: (
                any(loss[3] == "unplugged" for loss in harp_bench.losses())
                and board.board.core.values[registers.SyncNumber.address] >= 2
            )
        )
        values = board.board.core.values
        assert values[registers.SyncNumber.address] == 2
        assert values[registers.CameraTriggerNumber.address] > 40
        harp_bench.stop()


@pytest.fixture
def two_boards(harp_rig, harp_device, tmp_path):
    """Return a board that makes a sync line, one that hears it, and their rig."""
    wire = {"pin": 2, "edges": "both", "sync_source": "daq"}
    rig = harp_rig(
        {
            "daq": harp_device(
                **SYNC, camera_trigger={"rate_hz": 100, "dither_us": 100}
            ),
            "scope": {"kind": "harp", "port": "y", "inputs": {"lines": {"sync": wire}}},
        }
    )
    epoch = Epoch(tmp_path / "epoch")
    _, boards = make_boards(rig, epoch, 1, 0, keep_edges=True)
    return epoch, *boards


def run(boards, begin_ns, end_ns, step_ns=4_000_000):
    for now_ns in range(begin_ns, end_ns, step_ns):
        for board in boards:
            board.turn(now_ns)


def begin(board, now_ns, streams, **values):
    settings = {"RisingMask": 0xFFFFFFFF, "FallingMask": 0xFFFFFFFF} | values
    for name, value in settings.items():
        board.core.values[getattr(registers, name).address] = value
    board.turn(now_ns)
    board.core._operation = 1
    board.core._control_streams(streams, board.clock.now_us(now_ns))


def line_of(board, line):
    """Return the host times in ns, device times in ns and levels of a line."""
    edges = [edge for edge in board.truth.edges if edge[1] == line]
    host_ns, device_us, level = (
        np.array([edge[k] for edge in edges]) for k in (4, 3, 2)
    )
    return host_ns, device_us * 1000, level


class TestSimulated:
    def test_a_board_that_was_late_tells_its_edges_in_order(self, two_boards):
        _, daq, scope = two_boards
        begin(scope, SECOND_NS, int(registers.StreamFlags.EDGES))
        begin(daq, 2 * SECOND_NS, STREAMS, SyncSeed=9)
        run((scope, daq), 2 * SECOND_NS, 6 * SECOND_NS, step_ns=170_000_000)
        for board in (daq, scope):
            device_us = [edge[3] for edge in board.truth.edges]
            assert len(device_us) > 70
            assert np.diff(device_us).min() > -2000, "but for the delay on the way"

    @pytest.mark.slow
    def test_another_board_hears_the_line_on_a_clock_of_its_own(self, two_boards):
        _, daq, scope = two_boards
        begin(scope, SECOND_NS, int(registers.StreamFlags.EDGES))
        begin(daq, 2 * SECOND_NS, STREAMS, SyncSeed=9, SyncNumber=0x90000)
        run((daq, scope), 2 * SECOND_NS, 95 * SECOND_NS)
        daq.core._control_streams(4, daq.clock.now_us(95 * SECOND_NS))
        run((daq, scope), 95 * SECOND_NS, 96 * SECOND_NS)
        sent_ns, daq_ns, level = line_of(daq, 25)
        heard_ns, scope_ns, heard_level = line_of(scope, 2)
        assert len(sent_ns) > 400
        np.testing.assert_array_equal(level, heard_level)
        np.testing.assert_allclose(heard_ns, sent_ns, atol=1)
        assert len(sent_ns) % 2 == 0
        line = sync_line_of(
            HarpConfig(kind="harp", port="x", sync_line={}).sync_line, 9
        )
        here = read_sync_line(daq_ns, level, line)
        there = read_sync_line(scope_ns, heard_level, line)
        assert here.codes.values.tolist() == [0x90000 + n for n in range(4)]
        assert there.codes.values.tolist() == here.codes.values.tolist()
        assert len(here.pulses.rise_ns) == len(there.pulses.rise_ns)
        # two crystals: the offset is not constant
        off_ns = there.pulses.rise_ns - here.pulses.rise_ns
        rate_ppm = np.polyfit(here.pulses.rise_ns / 1e9, off_ns, 1)[0] / 1e3
        expected = scope.clock.errors.ppm - daq.clock.errors.ppm
        assert rate_ppm == pytest.approx(expected, abs=7)
        assert abs(rate_ppm) > 1

    @pytest.mark.slow
    def test_the_line_ends_with_the_power_and_is_told_apart_afterwards(
        self, two_boards
    ):
        _, daq, scope = two_boards
        begin(scope, SECOND_NS, int(registers.StreamFlags.EDGES))
        begin(daq, 2 * SECOND_NS, STREAMS, SyncSeed=9, SyncNumber=50)
        run((daq, scope), 2 * SECOND_NS, 65 * SECOND_NS)
        daq._unplug(65 * SECOND_NS, daq.clock.now_us(65 * SECOND_NS), 1.0)
        run((daq, scope), 65 * SECOND_NS, 67 * SECOND_NS)
        begin(daq, 67 * SECOND_NS, STREAMS, SyncSeed=9, SyncNumber=53)
        run((daq, scope), 67 * SECOND_NS, 130 * SECOND_NS)
        _, scope_ns, level = line_of(scope, 2)
        line = sync_line_of(
            HarpConfig(kind="harp", port="x", sync_line={}).sync_line, 9
        )
        found = read_sync_line(scope_ns, level, line).codes
        assert found.values.tolist() == [50, 51, 52, 53, 54, 55]
        assert found.run.tolist() == [0, 0, 0, 1, 1, 1]

    def test_triggers_are_moved_and_cameras_expose_when_they_come(self, two_boards):
        epoch, daq, _ = two_boards
        begin(daq, 2 * SECOND_NS, STREAMS, SyncSeed=9, CameraTriggerDither=100_000)
        run((daq,), 2 * SECOND_NS, 12 * SECOND_NS)
        sent_ns, device_ns, _ = line_of(daq, 24)
        rises = sent_ns[::2]
        places = np.rint((rises - epoch.began_ns()) / 1e7).astype(int)
        assert places.tolist() == list(range(len(places)))
        moved = rises - epoch.began_ns() - places * 10_000_000
        expected = trigger_displacements_ns(9, places, 100_000)
        np.testing.assert_array_equal(moved, expected)
        assert np.abs(moved).max() > 90_000

        class Follower:
            def take(self):
                stamps = device_ns[::2].tolist()
                return [Trigger(k, 0, at) for k, at in enumerate(stamps)]

        wire = Wire(Follower(), 100.0, epoch, Dither(9, 100_000))
        heard = wire.take()
        assert [place for _, place in heard] == places.tolist()
        assert [at for at, _ in heard] == rises.tolist()
