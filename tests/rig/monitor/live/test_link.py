"""A link to a session on this machine, whose supervisor is slow."""

import time
from contextlib import closing

import msgspec
import pytest

from rig.bus.control import ControlServer
from rig.bus.directory import StreamDirectory
from rig.messages import Reply, Request
from rig.monitor.live.link import LocalLink
from rig.supervisor.status import Status
from sync.clock import ManualClock

STATUS = msgspec.to_builtins(Status("recording", "m1", 1.0))


@pytest.fixture
def clock():
    return ManualClock(10**9)


@pytest.fixture
def streams(tmp_path, monkeypatch):
    monkeypatch.setenv("SPRINGHARE_SHM", str(tmp_path / "shm"))
    return StreamDirectory.create("s", tmp_path / "data")


@pytest.fixture
def server(streams):
    with closing(ControlServer(streams.path / "control")) as server:
        yield server


@pytest.fixture
def link(streams, server, clock):
    del server
    with closing(LocalLink(streams, clock)) as link:
        yield link


def turn(link, clock, seconds):
    for _ in range(round(seconds / 0.05)):
        link.poll()
        clock.advance(50_000_000)


def heard(server):
    found = []
    while more := server.receive(100):
        found += more
    assert all(isinstance(request, Request) for _, request in found)
    return found


@pytest.fixture
def until():
    def wait(step, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not (found := step()) and time.monotonic() < deadline:
            pass
        return found

    return wait


def answer(server, client, request, result):
    reply = Reply(
        request_id=request.request_id, node="s", ok=True, result=result, error=""
    )
    server.send(client, reply)


def test_one_that_answers_is_asked_four_times_a_second(link, clock, server, until):
    for _ in range(4):
        turn(link, clock, 0.25)
        [(client, request)] = heard(server)
        answer(server, client, request, STATUS)
        assert until(lambda: link.poll() or link.silent_s == 0)
    assert link.status.phase == "recording"


def test_one_that_is_busy_finds_no_heap_of_questions(link, clock, server):
    turn(link, clock, 60.0)
    assert len(heard(server)) == 30


def test_an_answer_to_what_was_given_up_is_nobodys(link, clock, server):
    turn(link, clock, 120.0)
    first, *_ = heard(server)
    answer(server, *first, STATUS)
    link.ask("note", text="licks")
    [(client, request)] = heard(server)
    answer(server, client, request, {"host_ns": 1})
    found = []
    while not found:
        link.poll()
        found = link.answers()
    assert [answer.request for answer in found] == ["note"]
