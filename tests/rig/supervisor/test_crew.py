from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from rig.bus.control import ControlClient, ControlServer
from rig.errors import StreamError
from rig.messages import Heartbeat, Hello, Request
from rig.supervisor.crew import Crew

SECOND_NS = 1_000_000_000


@pytest.fixture
def server():
    folder = Path(tempfile.mkdtemp(prefix="sh-", dir="/dev/shm"))  # short, for sockets
    server = ControlServer(folder / "control")
    yield server
    server.close()
    shutil.rmtree(folder)


@pytest.fixture
def real_crew(server, clock):
    return Crew(server, clock, lambda: False)


@pytest.fixture
def client(server):
    client = ControlClient(server.path, "recorder")
    yield client
    client.close()


def beat(state, host_ns, **metrics):
    return Heartbeat(node="recorder", state=state, host_ns=host_ns, metrics=metrics)


def test_what_the_dead_one_said_last_is_not_taken_for_the_fresh_one(
    crew, real_crew, client, clock
):
    child = crew.add("recorder")
    child.state = "starting"
    child.started_ns = clock.now()
    real_crew.children["recorder"] = child
    client.send(beat("running", clock.now() - 1, disk_full=1.0))
    client.send(Hello(node="recorder", pid=1))
    while not child.connected:
        real_crew.listen(100)
    assert child.state == "starting"
    assert real_crew.metrics("recorder") == {}
    client.send(beat("ready", clock.now(), disk_full=0.0))
    while not real_crew.metrics("recorder"):
        real_crew.listen(100)
    assert child.state == "ready"


def test_only_what_a_node_sends_must_be_understood(crew, real_crew, client, server):
    """A session does not end because a window is of another version."""
    stranger = ControlClient(server.path, "window")
    stranger._socket.send(b"junk")
    stranger.send(Request(request_id=1, name="status"))
    while not real_crew.strangers:
        real_crew.listen(100)
    assert [name for name, _ in real_crew.strangers] == ["window"]
    stranger.close()
    real_crew.children["recorder"] = crew.add("recorder")
    client._socket.send(b"junk")
    with pytest.raises(StreamError, match="Expected a control message"):
        real_crew.listen(5000)


def test_one_that_hangs_is_told_until_it_is_killed(crew, real_crew, clock):
    child = crew.add("recorder")
    real_crew.children["recorder"] = child
    child.heard_ns = clock.now()
    clock.advance(10 * SECOND_NS)
    assert real_crew.hung() == []
    clock.advance(1)
    assert real_crew.hung() == [child]
    child.hung = True
    assert real_crew.hung() == []


@pytest.mark.parametrize(
    ("status", "words", "why"),
    [
        (-9, "", "signal 9"),
        (-11, "Fatal: segfault", "signal 11: Fatal: segfault"),
        (2, "Expected room, got none", "Expected room, got none"),
        (1, "", "exit status 1"),
    ],
)
def test_says_why_a_process_ended(crew, status, words, why):
    child = crew.add("recorder")
    child.process.die(status)
    child.stderr_path.write_text(f"a warning\n{words}\n" if words else "", "utf-8")
    assert child.why_gone() == why
