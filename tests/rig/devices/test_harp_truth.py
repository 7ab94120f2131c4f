"""What is recorded of a simulated board is what it did: sample for sample, edge for
edge, fault by fault."""

import numpy as np
import pytest

from rig.devices.harp_plan import plan_board
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

    @pytest.mark.slow
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

    @pytest.mark.slow
    def test_the_clock_model_finds_the_boards_clock(self, recorded, harp_bench):
        truth = recorded(until=lambda: harp_bench.count("clocks/daq") >= 4)
        rows = harp_bench.rows("clocks/daq")[2:]
        host_ns = rows["device_ns"] + rows["offset_ns"]
        shown_us = truth.device_us("daq", host_ns.astype(float))
        error_us = rows["device_ns"] / 1e3 - shown_us
        # loose: this machine may be busy; 10 ms is a hundredth of what is mapped
        assert np.abs(error_us).max() < 10_000


class TestFaults:
    @pytest.mark.slow
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

    @pytest.mark.slow
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

    @pytest.mark.slow
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


class TestServed:
    @pytest.mark.slow
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
