from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from rig.config.rig import LedgerLimits
from rig.messages import Loss, NodeEvent, row_dtype, to_row
from rig.monitor.health.judgement import Terms, clock_words
from rig.monitor.health.lights import Level
from rig.monitor.health.watcher import OwnWatcher, Watcher
from rig.supervisor.status import NodeFigures, Status, StreamFigures

GOOD, WATCH, BAD = Level
ZERO_NS = 5_000_000_000


def stream(lost=0):
    return StreamFigures(
        "cameras/left", 100_000, 100.0, 100.0, lost, 0, 1, False, 0.01,
        kind="frames", slots=400,
    )  # fmt: skip


def status(state="running", lost=0, phase="recording", reason="", at_s=60.0):
    node = NodeFigures("recorder", state, 0.1, {})
    return Status(
        phase, "m1_s", at_s - 5, [node], [stream(lost)], reason=reason, session_s=at_s
    )


@pytest.fixture
def watcher():
    shown = SimpleNamespace(rig=None, plan=None, started_host_ns=ZERO_NS)
    return Watcher(shown)


def rows(*records):
    dtype = row_dtype(type(records[0]))
    return np.array([to_row(record) for record in records], dtype)


def event(node, state, detail="", at_s=12.25):
    host_ns = ZERO_NS + round(1e9 * at_s)
    return rows(NodeEvent(host_ns=host_ns, node=node, state=state, detail=detail))


def look(watcher, shown=None, silent_s=0.1, **more):
    watcher.look(shown, silent_s=silent_s, **{"gone": False, **more})
    return watcher.health


def session_of(health):
    [light] = health.of("session")
    return light


def test_a_good_session_is_all_good(watcher):
    health = look(watcher, status())
    assert health.level is GOOD
    assert health.headline == "all good: recording, 1 streams"


@pytest.mark.parametrize(
    ("situation", "level", "cell", "words"),
    [
        pytest.param(
            {"shown": None, "silent_s": 3},
            GOOD,
            "being made ready",
            "",
            id="too early",
        ),
        pytest.param(
            {"shown": None, "silent_s": 12},
            WATCH,
            "being made ready",
            "the supervisor does not answer for 12 s: it is busy, or it hangs",
            id="silent from the first",
        ),
        pytest.param(
            {"shown": status(phase="attaching"), "silent_s": 3},
            GOOD,
            "attaching",
            "",
            id="busy with one thing",
        ),
        pytest.param(
            {"shown": status(phase="attaching"), "silent_s": 31},
            BAD,
            "attaching",
            "the supervisor does not answer for 31 s",
            id="busy for too long",
        ),
        pytest.param(
            {"shown": status(), "gone": True, "trouble": "another one is served"},
            BAD,
            "recording",
            "another one is served",
            id="nobody knows how it ended",
        ),
        pytest.param(
            {"shown": status(), "silent_s": 3.2},
            BAD,
            "recording",
            "the supervisor does not answer for 3 s",
            id="mute",
        ),
        pytest.param(
            {"shown": status(), "gone": True, "silent_s": 1},
            BAD,
            "gone",
            "the supervisor has ended without a verdict: springhare recover",
            id="killed",
        ),
        pytest.param(
            {"shown": status(), "gone": True, "verdict": "PASS"},
            GOOD,
            "ended: PASS",
            "",
            id="passed",
        ),
        pytest.param(
            {"shown": status(), "verdict": "WARN"},
            WATCH,
            "ended: WARN",
            "ended with WARN",
            id="warned",
        ),
        pytest.param(
            {"shown": status(), "gone": True, "verdict": "FAIL"},
            BAD,
            "ended: FAIL",
            "ended with FAIL",
            id="failed",
        ),
        pytest.param(
            {"shown": status(phase="stopping", reason="10 s are over")},
            GOOD,
            "stopping (10 s are over)",
            "",
            id="an end as planned is no trouble",
        ),
    ],
)
def test_the_session_as_a_whole(watcher, situation, level, cell, words):
    light = session_of(look(watcher, **situation))
    assert (light.level, light.cells, light.reason) == (level, (cell,), words)


def test_a_supervisor_that_adds_up_is_not_missed(watcher):
    watcher.heard(event("supervisor", "stopped", "asked to stop"))
    health = look(watcher, status(), silent_s=30)
    assert health.level is GOOD
    assert session_of(health).cells == ("being closed",)


def test_a_death_is_bad_before_the_supervisor_is_asked_again(watcher):
    watcher.heard(event("recorder", "died", "signal 9"))
    worst = look(watcher, status()).worst
    assert (worst.subject, worst.level) == ("recorder", BAD)
    assert worst.reason == "died at 00:12.2: signal 9"


def test_a_restart_is_not_forgotten_but_gives_way_to_what_is_now(watcher):
    watcher.heard(event("recorder", "died", "signal 9"))
    detail = "died (signal 9) and was restarted after 0.5 s"
    watcher.heard(event("recorder", "restarted", detail, at_s=13))
    worst = look(watcher, status()).worst
    assert (worst.level, worst.reason) == (WATCH, f"{detail}, at 00:13.0")
    assert worst.past


def test_a_session_that_had_to_end_early_says_so(watcher):
    watcher.heard(event("supervisor", "stopped_early", "the disk is nearly full"))
    light = session_of(look(watcher, status(), verdict="PASS"))
    assert light.level is WATCH
    assert light.reason == "stopped early at 00:12.2: the disk is nearly full"


def test_after_the_end_only_losses_and_deaths_are_told(watcher):
    assert not look(watcher, status(), verdict="PASS").of("nodes")
    dead = look(watcher, status("failed", lost=3), verdict="WARN")
    assert [light.subject for light in dead.of("nodes")] == ["recorder"]
    assert dead.of("streams")[0].reason == "3 lost (0.003 %)"


def test_after_the_end_no_pace_is_judged(watcher):
    slow = status(lost=3)
    slow = replace(slow, streams=[replace(slow.streams[0], rate_hz=20.0)])
    assert "20.0 Hz instead of 100" in look(watcher, slow).headline
    [light] = look(watcher, slow, verdict="WARN").of("streams")
    assert light.reason == "3 lost (0.003 %)"


def test_a_loss_says_when_it_was_and_why(watcher):
    loss = Loss(
        host_ns=ZERO_NS + 61_500_000_000,
        stream="cameras/left",
        first_id=7,
        count=3,
        cause="failed grab",
        stage="device",
    )
    watcher.lost(rows(loss))
    health = look(watcher, status(lost=3))
    reason = "3 lost (0.003 %), last at 01:01.5: failed grab"
    assert health.of("streams")[0].reason == reason


def test_the_cause_of_most_is_told_before_the_last(watcher):
    for k, (count, cause) in enumerate([(180, "unplugged"), (1, "failed grab")]):
        watcher.lost(
            rows(
                Loss(
                    host_ns=ZERO_NS + (k + 1) * 1_000_000_000,
                    stream="cameras/left",
                    first_id=7,
                    count=count,
                    cause=cause,
                    stage="device",
                )
            )
        )
    reason = look(watcher, status(lost=181)).of("streams")[0].reason
    assert reason.endswith("most (180) by: unplugged, last at 00:02.0: failed grab")


def test_the_limits_are_the_rigs(watcher):
    lenient = LedgerLimits(warn_lost_fraction=0.1, fail_lost_fraction=0.5)
    shown = SimpleNamespace(
        rig=SimpleNamespace(ledger=lenient), plan=None, started_host_ns=ZERO_NS
    )
    assert look(Watcher(shown), status(lost=100)).level is GOOD
    assert look(watcher, status(lost=100)).level is WATCH


class TestOwnWatcher:
    def test_a_good_session_is_all_good(self):
        watcher = OwnWatcher(Terms())
        watcher.look(status())
        assert watcher.health.level is GOOD

    def test_it_sees_by_itself_when_something_was_lost(self):
        watcher = OwnWatcher(Terms())
        for lost, at_s in ((0, 60), (2, 61), (2, 99)):
            watcher.look(status(lost=lost, at_s=at_s))
        [light] = watcher.health.of("streams")
        assert light.reason == "2 lost (0.002 %), last at 01:01.0"

    def test_a_node_that_comes_back_is_remembered(self):
        watcher = OwnWatcher(Terms())
        watcher.look(status())
        watcher.look(status("starting", at_s=62))
        assert watcher.health.worst.level is BAD
        watcher.look(status("ready", at_s=63))
        watcher.look(status("running", at_s=64))
        worst = watcher.health.worst
        assert (worst.subject, worst.level) == ("recorder", WATCH)
        assert worst.reason == "died at 01:02.0 and was started again"

    def test_starting_for_the_first_time_is_no_trouble(self):
        watcher = OwnWatcher(Terms())
        for phase in ("opening devices", "attaching", "starting"):
            watcher.look(status("ready", phase=phase))
            assert watcher.health.level is GOOD
        watcher.look(status())
        assert watcher.health.level is GOOD


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "00:00.0"), (-1, "00:00.0"), (59.99, "00:59.9"), (3723.25, "1:02:03.2")],
)
def test_a_time_reads_as_on_a_watch(seconds, words):
    assert clock_words(seconds) == words
