from __future__ import annotations

import pytest

from rig.supervisor.restart import Restarter

SECOND_NS = 1_000_000_000


@pytest.fixture
def restarter(crew, clock, tmp_path):
    arguments = {
        "open": lambda name: {"name": name},
        "attach": lambda _: {"directory": "x"},
        "start": lambda _: {},
    }
    return Restarter(crew, clock, tmp_path, arguments)


def bring_back(crew, clock, restarter, seconds=1):
    """Let the fresh process do all that is asked of it; return what `turn` says."""
    assert restarter.turn() is None
    crew.children["recorder"].connected = True
    clock.advance(seconds * SECOND_NS)
    for _ in range(3):
        assert restarter.turn() is None
        crew.answer()
    return restarter.turn()


def test_takes_the_steps_of_the_first_start_and_waits_for_none(crew, clock, restarter):
    old = crew.add("recorder")
    old.process.die()
    assert restarter.refusal(old) == ""
    restarter.begin(old, "signal 9")
    assert restarter.busy
    assert restarter.turn() is None
    assert crew.sent == []  # it has not said hello
    fresh = crew.children["recorder"]
    assert fresh is not old
    states = []
    fresh.connected = True
    for _ in range(3):
        assert restarter.turn() is None
        assert restarter.turn() is None  # no answer yet: nothing is asked twice
        states.append(fresh.state)
        crew.answer()
    clock.advance(1_200_000_000)
    back = restarter.turn()
    assert (back.name, back.detail) == (
        "recorder",
        "died (signal 9) and was restarted after 1.2 s",
    )
    assert [request for _, request, _ in crew.sent] == ["open", "attach", "start"]
    assert crew.sent[0][2] == {"name": "recorder"}
    assert states == ["starting", "open", "ready"]
    assert fresh.state == "running"
    assert not restarter.busy
    assert restarter.turn() is None


def test_three_times_in_a_minute_and_no_more(crew, clock, restarter):
    child = crew.add("recorder")
    for _ in range(3):
        child.process.die()
        assert restarter.refusal(child) == ""
        restarter.begin(child, "signal 9")
        assert bring_back(crew, clock, restarter) is not None
        child = crew.children["recorder"]
    child.process.die()
    assert "3 times within a minute" in restarter.refusal(child)
    clock.advance(60 * SECOND_NS)
    assert restarter.refusal(child) == ""


def test_one_that_said_why_is_not_restarted(crew, restarter):
    child = crew.add("recorder")
    child.process.die(2)
    assert "said why" in restarter.refusal(child)
    child.process.returncode = 1  # a bug, or a library's
    assert restarter.refusal(child) == ""


@pytest.mark.parametrize("on_death", ["stop", "continue"])
def test_others_are_not_restarted(crew, restarter, on_death):
    child = crew.add("left", on_death)
    child.process.die()
    assert restarter.refusal(child) != ""


def test_a_death_on_the_way_back_counts_from_the_first(crew, clock, restarter):
    old = crew.add("recorder")
    restarter.begin(old, "signal 9")
    clock.advance(2 * SECOND_NS)
    assert restarter.turn() is None
    second = crew.children["recorder"]
    second.process.die(-11)
    assert restarter.refusal(second) == ""
    restarter.begin(second, "signal 11")
    back = bring_back(crew, clock, restarter)
    assert back.detail == (
        "died (signal 9, then signal 11) and was restarted after 3.0 s"
    )


def test_one_that_refuses_is_never_told_to_be_back(crew, restarter):
    restarter.begin(crew.add("recorder"), "signal 9")
    fresh = crew.children["recorder"]
    fresh.connected = True
    restarter.turn()
    crew.answer(error="Expected room on the disk, got none")
    for _ in range(5):
        assert restarter.turn() is None
    assert restarter.busy
    assert len(crew.sent) == 1
    restarter.give_up(crew.add("left"))
    assert restarter.busy
    restarter.give_up(fresh)
    assert not restarter.busy
    assert fresh.cause == "signal 9"


def test_one_that_does_not_come_is_killed(crew, clock, restarter):
    restarter.begin(crew.add("recorder"), "signal 9")
    fresh = crew.children["recorder"]
    clock.advance(20 * SECOND_NS)
    restarter.turn()
    assert fresh.process.poll() is None
    clock.advance(1)
    restarter.turn()
    assert fresh.process.poll() == -9
