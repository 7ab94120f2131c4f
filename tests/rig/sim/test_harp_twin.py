"""The simulated boards: one world, clocks of their own, faults on a script."""

import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.loading import load_rig
from rig.devices.harp_plan import plan_board
from rig.devices.harp_registers import input_line
from rig.sim.epoch import Epoch
from rig.sim.twins.device_clock import ClockErrors, DeviceClock, seeded_errors
from rig.sim.twins.harp import make_boards
from rig.sim.twins.harp_lines import Exposures, Metronome, Ticks, line_models
from rig.sim.twins.harp_truth import HarpTruth
from rig.sim.world import World

SECOND_NS = 1_000_000_000


@pytest.fixture
def recorded(harp_in_memory, harp_bench, harp_device, harp_rig):
    """Record a board under a script of faults; return its truth."""

    def record(*faults, until, device=None, slow=1.0):
        config = device or harp_device()
        script = [{"device": "daq"} | fault for fault in faults]
        board = harp_in_memory(harp_rig({"daq": config}), script, slow=slow)
        harp_bench.start(config, open_port=lambda _url: board)
        harp_bench.until(until)
        harp_bench.node.handle("stop_triggers", {})
        harp_bench.stop()
        return board.truth()

    return record


def check_samples(bench, truth):
    """Every recorded sample is the one that the board took, by its number."""
    for source in plan_board("daq", bench.node._config).sources:
        numbers = bench.numbers(source.stream)
        expected = truth.samples(World(1, "jump"), "daq", source, numbers)
        np.testing.assert_array_equal(bench.samples(source.stream), expected)


def check_edges(bench, truth):
    """Every recorded edge is the one that the board saw, by its number."""
    rows, edges = bench.rows("events/daq"), truth.boards["daq"]["edges"]
    device_us = dict(zip(edges["number"], edges["device_us"], strict=True))
    for row in rows:
        assert row["device_ns"] == device_us[int(row["device_seq"])] * 1000
    return rows


def check_ledger(bench):
    """What is missing from the numbers is what was recorded as lost."""
    losses = bench.losses()
    for source in plan_board("daq", bench.node._config).sources:
        first = bench.rows(source.stream)["device_sample"]
        lost = sum(count for stream, _, count, _ in losses if stream == source.stream)
        inside = int((np.diff(first) - 10).sum() + first[0])
        tail = [loss for loss in losses if loss[:2] == (source.stream, first[-1] + 10)]
        assert inside + sum(loss[2] for loss in tail) == lost
        assert bench.counters(source.stream)["missing_samples"] == lost
    rows = bench.rows("events/daq")["device_seq"]
    lost = sum(count for stream, _, count, _ in losses if stream == "events/daq")
    inside = int((np.diff(rows) - 1).sum() + rows[0])
    tail = [loss for loss in losses if loss[:2] == ("events/daq", rows[-1] + 1)]
    assert inside + sum(loss[2] for loss in tail) == lost


class TestTruth:
    def test_a_recording_equals_the_world(self, recorded, harp_bench):
        truth = recorded(until=lambda: harp_bench.count("signals/daq/emg") >= 200)
        check_samples(harp_bench, truth)
        check_ledger(harp_bench)
        rows = check_edges(harp_bench, truth)
        assert harp_bench.losses() == []
        # the boards' stamps, told back into world time, are the world's own grid
        edges = truth.boards["daq"]["edges"]
        host_ns = dict(zip(edges["number"], edges["host_ns"], strict=True))
        for line, rate_hz in ((b"camera_trigger", 100), (b"frame_clock", 30)):
            numbers = rows["device_seq"][rows["line"] == line]
            at_s = [(host_ns[int(n)] - truth.epoch_ns) / 1e9 for n in numbers]
            grid = np.arange(len(at_s)) / rate_hz
            np.testing.assert_allclose(at_s, grid, atol=2e-9)
        # and the sample at each trigger is of the same moment
        emg = harp_bench.numbers("signals/daq/emg")[:20:20]
        np.testing.assert_allclose(
            truth.sample_world_s("daq", "signals/daq/emg", emg), emg / 2000, atol=2e-6
        )

    def test_a_slower_world_shows_the_same_story(
        self, recorded, harp_bench, harp_device
    ):
        slow = harp_device(
            emg={"rate_hz": 500, "channels": ["GL", "TA"]},
            force_plate={"rate_hz": 250},
            camera_trigger={"rate_hz": 25},
        )
        truth = recorded(
            until=lambda: harp_bench.count("signals/daq/emg") >= 60,
            device=slow,
            slow=4.0,
        )
        check_samples(harp_bench, truth)
        emg = np.array([0, 100, 200])
        at_s = truth.sample_world_s("daq", "signals/daq/emg", emg)
        np.testing.assert_allclose(at_s, emg / 2000, atol=1e-4)
        rows = check_edges(harp_bench, truth)
        frames = rows[rows["line"] == b"frame_clock"]
        period_ns = np.diff(frames["device_ns"])
        np.testing.assert_allclose(period_ns, 4 * SECOND_NS / 30, rtol=1e-4)

    def test_the_clock_model_finds_the_boards_clock(self, recorded, harp_bench):
        truth = recorded(until=lambda: harp_bench.count("clocks/daq") >= 4)
        rows = harp_bench.rows("clocks/daq")[2:]
        host_ns = rows["device_ns"] + rows["offset_ns"]
        shown_us = truth.device_us("daq", host_ns.astype(float))
        error_us = rows["device_ns"] / 1e3 - shown_us
        # loose: this machine may be busy; 10 ms is a hundredth of what is mapped
        assert np.abs(error_us).max() < 10_000


class TestFaults:
    def test_damaged_and_dropped_messages(self, recorded, harp_bench):
        truth = recorded(
            {"at_s": 0.3, "fault": "corrupt_bytes", "count": 5},
            {"at_s": 0.6, "fault": "drop_message", "count": 4},
            until=lambda: harp_bench.count("signals/daq/emg") >= 180,
        )
        check_samples(harp_bench, truth)
        check_edges(harp_bench, truth)
        check_ledger(harp_bench)
        causes = {loss[3] for loss in harp_bench.losses()}
        assert causes == {"damaged on the way", "not received"}
        assert harp_bench.counters("losses/daq")["bad_messages"] >= 1
        assert [fault["fault"] for fault in truth.boards["daq"]["faults"]] == [
            "corrupt_bytes",
            "drop_message",
        ]

    def test_unplugged_and_plugged_in_again(self, recorded, harp_bench):
        back = []

        def has_come_back():
            if any(loss[3] == "unplugged" for loss in harp_bench.losses()):
                back.append(harp_bench.count("signals/daq/emg"))
            return back and back[-1] > back[0] + 60

        truth = recorded(
            {"at_s": 0.5, "fault": "unplug", "seconds": 0.4}, until=has_come_back
        )
        check_samples(harp_bench, truth)
        check_edges(harp_bench, truth)
        check_ledger(harp_bench)
        counters = harp_bench.counters("losses/daq")
        assert (counters["unplugged"], counters["clock_jumps"]) == (1, 0)
        # it came back on the world's grid: pictures still show their own moment
        edges = truth.boards["daq"]["edges"]
        at_ns = [
            host_ns - truth.epoch_ns
            for line, host_ns in zip(edges["line"], edges["host_ns"], strict=True)
            if line == 24
        ]
        assert {at % 10_000_000 for at in at_ns} == {0}
        assert len(truth.boards["daq"]["runs"]) == 4

    def test_a_clock_that_is_reset(self, recorded, harp_bench):
        truth = recorded(
            {"at_s": 0.5, "fault": "clock_reset"},
            until=lambda: harp_bench.count("signals/daq/emg") >= 180,
        )
        check_samples(harp_bench, truth)
        check_edges(harp_bench, truth)
        check_ledger(harp_bench)
        assert harp_bench.losses() == []
        device_ns = harp_bench.rows("signals/daq/emg")["device_ns"]
        assert (np.diff(device_ns) < 0).sum() == 1
        assert harp_bench.counters("losses/daq")["clock_jumps"] == 1

    def test_missed_and_extra_triggers(self, recorded, harp_bench):
        truth = recorded(
            {"at_s": 0.2, "fault": "missed_trigger", "count": 2},
            {"at_s": 0.4, "fault": "extra_trigger"},
            until=lambda: harp_bench.count("signals/daq/emg") >= 150,
        )
        rows = check_edges(harp_bench, truth)
        assert harp_bench.losses() == []
        triggers = rows[rows["line"] == b"camera_trigger"]["device_ns"]
        beats = np.round((triggers - triggers[0]) / 5_000_000).astype(int)
        expected = {*range(0, beats[-1] + 1, 2), 81} - {40, 42}
        assert beats.tolist() == sorted(expected)


class TestBoards:
    def test_all_boards_of_a_rig_are_served_by_one_process(
        self, harp_twins, harp_rig, harp_device, harp_bench, tmp_path
    ):
        inputs = {"lines": {"start": {"pin": 1, "edges": "both"}}}
        scope = {"kind": "harp", "port": "x", "inputs": inputs}
        rig = harp_rig({"daq": harp_device(), "scope": scope})
        child, urls = harp_twins(rig)
        assert set(urls) == {"daq", "scope"}
        assert all(url.startswith("socket://127.0.0.1:") for url in urls.values())
        harp_bench.start(harp_device(port=urls["daq"]))
        harp_bench.until(lambda: harp_bench.count("signals/daq/emg") >= 20)
        harp_bench.stop()
        harp_bench.node.close()
        child.terminate()
        assert child.wait(10) == 0
        truth = HarpTruth.read(tmp_path / "truth.json")
        assert set(truth.boards) == {"daq", "scope"}
        check_samples(harp_bench, truth)
        check_edges(harp_bench, truth)

    def test_they_end_with_their_parent(self, harp_rig, harp_device, tmp_path):
        (tmp_path / "rig.json").write_text(
            harp_rig({"daq": harp_device()}).model_dump_json()
        )
        code = (
            "import subprocess, sys\n"
            "p = subprocess.Popen([sys.executable, '-m', 'rig.sim.twins.harp',\n"
            "    '--rig', sys.argv[1], '--epoch', sys.argv[2]], stdout=-1)\n"
            "p.stdout.readline()\n"
            "print(p.pid, flush=True)\n"
            "sys.stdin.read()\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "rig.json", tmp_path / "epoch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.communicate()
        deadline = time.monotonic() + 10
        while (stat := Path(f"/proc/{pid}/stat")).exists():
            if stat.read_text(encoding="ascii").split()[2] == "Z":
                break
            assert time.monotonic() < deadline

    def test_a_board_waits_for_the_world_that_another_one_begins(
        self, harp_rig, harp_device, tmp_path
    ):
        ticking = {"lines": {"frame_clock": {"pin": 0, "rate_hz": 30}}}
        rig = harp_rig(
            {
                "daq": harp_device(),
                "scope": {"kind": "harp", "port": "x", "inputs": ticking},
            }
        )
        epoch = Epoch(tmp_path / "epoch")
        _, (daq, scope) = make_boards(rig, epoch, 1, 0)
        masks = {43: 0xFFFFFFFF, 44: 0, 33: 0}
        scope.core.values.update(masks)
        scope.core._operation = 1
        scope.core._control_streams(4, scope._now_us)
        assert scope.turn(2 * SECOND_NS)[:1] in {b"", b"\x03"}
        assert epoch.began_ns() is None
        epoch.begin(3 * SECOND_NS)
        assert scope.turn(3 * SECOND_NS + 1) is not None
        edges = [scope.turn(3 * SECOND_NS + k * 10_000_000) for k in range(1, 101)]
        assert sum(part.count(b"\x03\x12\x3a\xff") for part in edges) in {30, 31}
        assert daq.turn(3 * SECOND_NS) == b""


class TestLines:
    @given(
        cuts=st.lists(st.integers(0, 500_000_000), min_size=1, max_size=6),
        missed=st.sets(st.integers(0, 50), max_size=4),
        extra=st.sets(st.integers(0, 50), max_size=4),
    )
    def test_beats_do_not_depend_on_how_they_are_asked_for(self, cuts, missed, extra):
        metronome = Metronome(1000, 1e9 / 120, 100, missed, extra)
        end_ns = 500_000_000
        places = sorted({0, end_ns, *cuts})
        parts = [beat for a, b in pairwise(places) for beat in metronome.beats(a, b)]
        assert parts == metronome.beats(0, end_ns)
        assert len(parts) == 60 - len(missed) + len(extra)

    def test_a_line_is_known_by_its_name(self, harp_rig, harp_device):
        inputs = {
            "exposure_left": {"pin": 0, "edges": "both"},
            "frame_clock": {"pin": 1, "edges": "rising"},
            "start": {"pin": 2, "edges": "both"},
            "toggling": {"pin": 3, "edges": "both", "rate_hz": 20},
        }
        camera = {"kind": "basler", "serial": "1", "width_px": 640, "height_px": 480}
        trigger = {"mode": "hardware", "source": "daq"}
        rig = harp_rig(
            {
                "daq": harp_device(inputs={"lines": inputs}),
                "left": camera | {"trigger": trigger, "exposure_us": 1500},
            }
        )
        own = Metronome(0, 1e7, 0)
        exposure, clock, start, toggling = line_models(rig, "daq", 0, 1.0, own)
        assert isinstance(exposure, Exposures)
        assert exposure.metronome is own
        rise, fall = exposure.changes(0, 10_000_000)
        assert fall.host_ns - rise.host_ns == 1_500_000
        assert isinstance(clock, Ticks)
        assert sum(c.level for c in clock.changes(0, SECOND_NS)) == 30
        assert [c.level for c in start.changes(0, SECOND_NS)] == [True]
        ticks = toggling.changes(0, SECOND_NS)
        assert [c.level for c in ticks] == [True, False] * 10
        assert {c.line for c in ticks} == {input_line(3)}


class TestDeviceClock:
    @given(
        ppm=st.floats(-200, 200),
        wander=st.floats(0, 1),
        at_s=st.lists(st.floats(0, 5000), min_size=1, max_size=5),
    )
    def test_there_and_back(self, ppm, wander, at_s):
        clock = DeviceClock(10**15, ClockErrors(7, ppm, 3.0, 100.0, wander), seed=5)
        host_ns = 1e15 + np.round(np.array(at_s) * 1e9)
        device_us = clock.device_us(host_ns)
        np.testing.assert_allclose(clock.host_ns(device_us), host_ns, rtol=0, atol=2)
        for one, us in zip(host_ns, device_us, strict=True):
            assert abs(clock.now_us(int(one)) - us) <= 1
            due_ns = clock.due_ns(int(us) + 100, int(one))
            if int(one) // SECOND_NS == due_ns // SECOND_NS:
                assert clock.now_us(due_ns) in {int(us) + 100, int(us) + 101}

    def test_its_errors_are_what_was_asked_for(self):
        clock = DeviceClock(0, ClockErrors(offset_us=5, ppm=20.0, warm_up_ppm=10.0))
        hour_ns = 3600 * SECOND_NS
        fast_us = float(clock.device_us(hour_ns)) - hour_ns / 1000 - 5
        assert fast_us == pytest.approx(20e-6 * 3.6e9 + 10e-6 * 120e6, rel=0.01)

    def test_a_seed_decides_it(self):
        assert seeded_errors(1, 0) == seeded_errors(1, 0)
        assert seeded_errors(1, 0) != seeded_errors(1, 1)
        one, same, other = (
            DeviceClock(0, ClockErrors(wander_ppm=1.0), seed) for seed in (3, 3, 4)
        )
        at = np.array([1e12])
        assert one.device_us(at) == same.device_us(at) != other.device_us(at)


def test_every_example_rig_has_its_boards_simulated(tmp_path):
    folder = Path(__file__).parents[3] / "configs" / "rig"
    for path in sorted(folder.glob("*.yaml")):
        rig = load_rig(path)
        _, boards = make_boards(rig, Epoch(tmp_path / path.stem), 1, 0)
        assert [board.name for board in boards] == list(rig.harp_devices)
