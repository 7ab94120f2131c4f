from __future__ import annotations

import pytest

from rig.recording.remarks import OVER_BUDGET
from rig.supervisor.disturb import Disturber
from rig.supervisor.ending import stop_nodes
from rig.supervisor.restart import Restarter
from rig.supervisor.watch import Watch


class Rings:
    """Takes the notes."""

    def __init__(self):
        self.notes, self.closed = [], []

    def note(self, node, state, detail=""):
        self.notes.append((node, state, detail))

    def close_of(self, node):
        self.closed.append(node)

    def states(self, node):
        return [state for name, state, _ in self.notes if name == node]


class Bench:
    """A watch and all that it looks at."""

    def __init__(self, crew, clock, folder):
        self.crew, self.rings, self.reasons = crew, Rings(), []
        self.recorder = crew.add("recorder")
        steps = {"open": lambda _: {}, "attach": lambda _: {}, "start": lambda _: {}}
        self.restarter = Restarter(crew, clock, folder, steps)
        self.watch = Watch(
            crew,
            self.rings,
            self.restarter,
            Disturber(()),
            self.reasons.append,
            clock,
        )

    def come_back(self):
        self.crew.children["recorder"].connected = True
        for _ in range(3):
            self.watch.turn(0)
            self.crew.answer()
        self.watch.turn(0)


@pytest.fixture
def bench(crew, clock, tmp_path):
    return Bench(crew, clock, tmp_path)


def test_a_recorder_that_died_comes_back_and_the_session_goes_on(bench):
    bench.recorder.process.die()
    bench.watch.turn(0)
    bench.come_back()
    assert bench.rings.states("recorder") == ["died", "restarted"]
    assert bench.rings.notes[0] == ("recorder", "died", "signal 9")
    assert bench.reasons == []
    assert bench.rings.closed == []
    assert all(not child.cause for child in bench.crew.children.values())


def test_one_that_hangs_is_killed_and_not_waited_for(bench):
    bench.recorder.state = "hung"
    bench.watch.turn(0)
    bench.come_back()
    assert bench.rings.states("recorder") == ["hung", "died", "restarted"]
    assert bench.rings.notes[1][2] == "silent for 10 s, killed"


def test_one_that_the_disk_refuses_ends_the_session(bench):
    bench.recorder.stderr_path.write_text("Expected room, got none\n", "utf-8")
    bench.recorder.process.die(2)
    bench.watch.turn(0)
    assert bench.reasons == ["recorder died: Expected room, got none"]
    assert bench.recorder.cause == "Expected room, got none"
    assert bench.rings.closed == ["recorder"]


def test_one_that_dies_again_and_again_ends_the_session(bench):
    for _ in range(3):
        bench.crew.children["recorder"].process.die()
        bench.watch.turn(0)
        bench.come_back()
        assert bench.reasons == []
    bench.crew.children["recorder"].process.die(-11)
    bench.watch.turn(0)
    assert bench.reasons == ["recorder died: signal 11"]
    assert bench.crew.children["recorder"].cause == "signal 11"


@pytest.mark.parametrize(("on_death", "ends"), [("stop", True), ("continue", False)])
def test_a_device_that_died_is_closed(bench, on_death, ends):
    child = bench.crew.add("left", on_death)
    child.process.die()
    bench.watch.turn(0)
    assert child.cause == "signal 9"
    assert bench.rings.closed == ["left"]
    assert bool(bench.reasons) is ends


def test_the_end_waits_for_who_is_on_the_way_back(bench):
    bench.recorder.process.die()
    bench.watch.turn(0)
    fresh = bench.crew.children["recorder"]
    fresh.connected = True
    listen = bench.crew.listen

    def answering(timeout_ms):
        listen(timeout_ms)
        bench.crew.answer()

    bench.watch.turn(0)
    bench.crew.listen = answering
    bench.watch.finish()
    assert bench.rings.states("recorder") == ["died", "restarted"]
    assert not fresh.cause


def test_the_end_does_not_wait_for_ever_and_who_is_not_back_is_dead(bench):
    bench.recorder.process.die()
    bench.watch.turn(0)
    bench.watch.finish()
    assert bench.crew.children["recorder"].cause == "signal 9"
    assert bench.crew.listened < 30


def test_at_the_end_nobody_is_restarted(bench):
    bench.watch.finish()
    bench.recorder.process.die()
    bench.watch.bury()
    assert bench.recorder.cause == "signal 9"
    assert not bench.restarter.busy


def test_a_low_disk_is_told_once_and_ends_the_session_in_time(bench):
    figures = bench.crew.figures
    for minutes in (9.0, 8.0, 1.0, 0.3):
        figures["recorder"] = {"minutes_left": minutes, "disk_full": 0.0}
        bench.watch.turn(0)
    assert bench.rings.notes == [
        ("recorder", "warning", "the disk has room for 9.0 min more")
    ]
    assert bench.reasons == []
    figures["recorder"] = {"minutes_left": 0.2, "disk_full": 0.0}
    bench.watch.turn(0)
    assert bench.reasons == ["the disk is nearly full: room for 12 s"]
    assert bench.rings.states("supervisor") == ["stopped_early"]
    bench.watch.finish()
    assert bench.rings.states("supervisor") == ["stopped_early"]


def test_a_broken_latency_budget_is_an_event_once_and_once_when_it_is_over(bench):
    for value, over in ((5.0, 0.0), (9.0, 1.0), (9.5, 1.0), (7.0, 0.0), (7.0, 0.0)):
        bench.crew.figures["inference"] = {
            "network_p99_ms": value,
            "budget_network_p99_ms": 8.0,
            "over_network_p99_ms": over,
        }
        bench.watch.turn(0)
    assert bench.rings.states("inference") == ["over_budget", "within_budget"]
    assert bench.reasons == []


def test_what_was_too_slow_since_the_last_heartbeat_is_judged_at_the_stop(bench):
    def figures(value):
        budget = {"budget_total_max_ms": 20.0, "over_total_max_ms": float(value > 20)}
        return {"total_max_ms": value, **budget}

    def stopped(names, request, **_):
        assert request == "stop"
        return {name: {"reads": {}, "metrics": figures(31.0)} for name in names}

    for name in ("left", "inference"):
        bench.crew.add(name)
    bench.crew.figures["inference"] = figures(9.0)
    bench.crew.ask = stopped
    bench.watch.turn(0)
    bench.watch.finish()
    stop_nodes(bench.crew, bench.rings, bench.watch, ["left", "inference"], "stop")
    assert bench.rings.notes == [
        ("left", "stopped", ""),
        ("inference", OVER_BUDGET, "total max 31.0 ms, budget 20 ms"),
        ("inference", "stopped", ""),
    ]
