import gc
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from rig.bus.control import ControlServer
from rig.errors import DeviceError, StreamError
from rig.messages import (
    Heartbeat,
    Hello,
    Reply,
    Request,
    StreamSpec,
    StreamStatus,
)
from rig.node import Finding, NodeProcess
from rig.system import is_alive, process_started
from sync.clock import ManualClock

SPEC = StreamSpec(name="cameras/left", kind="frames", node="left")


class FakeNode:
    """Notes what is asked of it; fails where it is told to."""

    def __init__(self, context, fails="", bug=""):
        self.context = context
        self.calls = []
        self._fails, self._bug = fails, bug

    def _note(self, call):
        self.calls.append(call)
        if call == self._fails:
            msg = f"Expected a camera, got none in {call}: plug it in"
            raise DeviceError(msg)
        if call == self._bug:
            raise ZeroDivisionError(call)

    def open(self):
        self._note("open")
        return [SPEC]

    def attach(self, streams):
        self.directory = streams.path
        self._note("attach")

    def start(self):
        self._note("start")

    def step(self):
        self._note("step")

    def stop(self):
        self._note("stop")

    def close(self):
        self._note("close")

    def reads(self):
        return {"poses/left": StreamStatus(taken=5, skipped=1)}

    def metrics(self):
        return {"latency_p50_ms": 1.5}


class Talker(FakeNode):
    def handle(self, name, arguments):
        if name != "stop_triggers":
            msg = f"Expected stop_triggers, got {name}"
            raise StreamError(msg)
        self.calls.append((name, dict(arguments)))
        return {"done": True}


class FakeLink:
    """Plays the supervisor: a script of requests, one for each turn of the loop."""

    def __init__(self, script, clock):
        self.script = list(script)
        self.sent = []
        self._clock = clock
        self._count = 0

    def send(self, message):
        self.sent.append(message)

    def receive(self, timeout_ms):
        self._clock.advance(100_000_000)
        if not self.script:
            pytest.fail("the script is over and the node goes on")
        word = self.script.pop(0)
        if word is None:
            return None
        self._count += 1
        name, arguments = word if isinstance(word, tuple) else (word, {})
        return Request(request_id=self._count, name=name, arguments=arguments)

    def close(self):
        pass

    @property
    def replies(self):
        return [message for message in self.sent if isinstance(message, Reply)]

    @property
    def beats(self):
        return [message for message in self.sent if isinstance(message, Heartbeat)]


@pytest.fixture
def quiet_log():
    """Take away the log file that a node opens."""
    root = logging.getLogger()
    before, level, hook = list(root.handlers), root.level, sys.excepthook
    yield
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    sys.excepthook = hook
    gc.unfreeze()


@pytest.fixture
def opening(tmp_path):
    return (
        "open",
        {
            "config": {"kind": "basler"},
            "rig": {"name": "r"},
            "task": {},
            "session": {"slow": 1.0},
            "session_folder": str(tmp_path / "session"),
        },
    )


@pytest.fixture
def play(quiet_log):
    """Run a script; gives the process, its link and its node."""

    def play(script, kind=FakeNode, raises=None, **behaviour):
        clock = ManualClock()
        link = FakeLink(script, clock)
        nodes = []

        def make(context):
            nodes.append(kind(context, **behaviour))
            return nodes[-1]

        process = NodeProcess("left", make, link, clock)
        if raises:
            with pytest.raises(raises):
                process.run()
        else:
            process.run()
        return process, link, nodes[0] if nodes else None

    return play


ATTACH = ("attach", {"directory": "/dev/shm/x"})


def test_a_whole_life(play, opening, tmp_path):
    script = [None, opening, ATTACH, None, "start", None, None, "stop", None, "end"]
    process, link, node = play(script)
    assert node.calls == ["open", "attach", "start", "step", "step", "stop", "close"]
    assert process.state == "stopped"
    assert all(reply.ok for reply in link.replies)
    assert [reply.request_id for reply in link.replies] == [1, 2, 3, 4, 5]
    opened, _, started, stopped, _ = (reply.result for reply in link.replies)
    assert msgspec.convert(opened["streams"], list[StreamSpec]) == [SPEC]
    assert started["host_ns"] > 0
    assert stopped["reads"]["poses/left"]["taken"] == 5
    assert stopped["metrics"] == {"latency_p50_ms": 1.5}
    assert node.directory == Path("/dev/shm/x")
    assert node.context.name == "left"
    assert node.context.config == {"kind": "basler"}
    assert (tmp_path / "session" / "log" / "left.jsonl").exists()


class Seer(FakeNode):
    def findings(self):
        self._note("findings")
        return [Finding("pose of left", ok=False, detail="too slow", remedy="hurry")]


def test_what_a_node_finds_when_it_opens_is_told(play, opening):
    _, link, node = play([opening, "end"], kind=Seer)
    assert node.calls == ["open", "findings", "close"]
    assert link.replies[0].result["findings"] == [
        {"name": "pose of left", "ok": False, "detail": "too slow", "remedy": "hurry"}
    ]


def test_a_node_without_findings_tells_none(play, opening):
    _, link, _ = play([opening, "end"])
    assert link.replies[0].result["findings"] == []


@pytest.fixture
def hurried(opening):
    """The opening words, where the rig file asks for a priority."""
    name, arguments = opening
    return name, {**arguments, "rig": {"realtime": {"left": 40, "right": 50}}}


def test_a_priority_is_taken_when_all_is_warm(play, hurried, monkeypatch):
    taken = []
    monkeypatch.setattr("rig.node.realtime_priority", lambda: 80)
    monkeypatch.setattr("rig.node.take_priority", taken.append)
    _, link, _ = play([hurried, ATTACH, "end"])
    assert taken == []
    _, link, _ = play([hurried, ATTACH, "start", None, "stop", "end"])
    assert taken == [40]
    assert link.replies[0].result["findings"] == []


def test_a_priority_that_is_not_allowed_is_told_and_done_without(
    play, hurried, monkeypatch
):
    monkeypatch.setattr("rig.node.realtime_priority", lambda: 0)
    monkeypatch.setattr("rig.node.take_priority", pytest.fail)
    _, link, node = play([hurried, ATTACH, "start", None, "stop", "end"])
    [finding] = link.replies[0].result["findings"]
    assert not finding["ok"]
    assert finding["detail"] == "realtime asks for 40, none is allowed"
    assert "rtprio" in finding["remedy"]
    assert "step" in node.calls


def test_every_state_is_told(play, opening):
    script = [None, opening, *[None] * 6, ATTACH, *[None] * 6, "start", *[None] * 6]
    _, link, _ = play([*script, "stop", *[None] * 6, "end"])
    states = list(dict.fromkeys(beat.state for beat in link.beats))
    assert states == ["starting", "open", "ready", "running", "stopped"]
    for beat in link.beats:
        attached = beat.state in {"ready", "running", "stopped"}
        assert bool(beat.reads) == attached
        assert ("latency_p50_ms" in beat.metrics) == attached
        assert "cpu_percent" in beat.metrics
        assert beat.detail == ""


def test_the_heart_beats_twice_a_second(play, opening):
    _, link, _ = play([opening, ATTACH, "start", *[None] * 50, "stop", "end"])
    gaps = {
        later.host_ns - sooner.host_ns
        for sooner, later in zip(link.beats, link.beats[1:], strict=False)
    }
    assert gaps == {500_000_000}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (["attach"], "Expected left to be open, it is starting"),
        (["start"], "Expected left to be ready, it is starting"),
        (["stop"], "Expected left to be ready or running, it is starting"),
        (["OPEN", "start"], "Expected left to be ready, it is open"),
        (["OPEN", "ATTACH", "ATTACH"], "Expected left to be open, it is ready"),
        (["OPEN", "ATTACH", "start", "start"], "to be ready, it is running"),
        (["OPEN", "ATTACH", "start", "stop", "stop"], "it is stopped"),
    ],
)
def test_steps_out_of_order_end_the_node(play, opening, script, message):
    words = {"OPEN": opening, "ATTACH": ATTACH, "attach": ATTACH}
    process, link, node = play(
        [words.get(word, word) for word in script], raises=StreamError
    )
    last = link.replies[-1]
    assert not last.ok
    assert message in last.error
    assert process.state == "failed"
    assert link.beats[-1].state == "failed"
    assert message in link.beats[-1].detail
    assert node is None or node.calls[-1] == "close"


@pytest.mark.parametrize("step", ["open", "attach", "start", "stop"])
def test_a_step_that_fails_is_told_and_cleaned_up(play, opening, step):
    script = [opening, ATTACH, "start", None, "stop", "end"]
    process, link, node = play(script, fails=step, raises=DeviceError)
    assert not link.replies[-1].ok
    assert "plug it in" in link.replies[-1].error
    assert node.calls[-1] == "close"
    assert process.state == "failed"
    beat = link.beats[-1]
    assert (beat.state, beat.reads) == ("failed", {})
    assert "plug it in" in beat.detail


def test_a_turn_that_fails(play, opening):
    script = [opening, ATTACH, "start", None]
    process, link, node = play(script, fails="step", raises=DeviceError)
    assert node.calls[-2:] == ["step", "close"]
    assert process.state == "failed"
    assert "plug it in" in link.beats[-1].detail


@pytest.mark.parametrize("step", ["open", "step", "stop"])
def test_a_bug_is_loud_and_cleaned_up(play, opening, step):
    script = [opening, ATTACH, "start", None, "stop", "end"]
    _, _, node = play(script, bug=step, raises=ZeroDivisionError)
    assert node.calls[-1] == "close"


def test_told_to_end_while_it_runs_it_stops_first(play, opening):
    _, _, node = play([opening, ATTACH, "start", None, "end"])
    assert node.calls == ["open", "attach", "start", "step", "stop", "close"]


@pytest.mark.parametrize(
    "script", [["end"], ["OPEN", "end"], ["OPEN", "ATTACH", "end"]]
)
def test_told_to_end_before_it_runs(play, opening, script):
    words = {"OPEN": opening, "ATTACH": ATTACH}
    _, _, node = play([words.get(word, word) for word in script])
    assert node is None or (node.calls[-1] == "close" and "stop" not in node.calls)


def test_a_question_of_its_own(play, opening):
    script = [opening, ATTACH, "start", ("stop_triggers", {"now": 1}), None]
    _, link, node = play([*script, "dance", None, "stop", "end"], kind=Talker)
    assert ("stop_triggers", {"now": 1}) in node.calls
    assert link.replies[3].result == {"done": True}
    assert not link.replies[4].ok, "refused, and life goes on"
    assert "Expected stop_triggers, got dance" in link.replies[4].error
    assert node.calls[-3:] == ["step", "stop", "close"]


def test_a_question_that_nobody_knows(play, opening):
    _, link, node = play([opening, "dance", ATTACH, "start", None, "stop", "end"])
    assert "a request that left knows, got 'dance'" in link.replies[1].error
    assert "step" in node.calls


_NODE = """
import sys
from importlib.metadata import EntryPoint
from rig import node, registry

class Quiet:
    def __init__(self, context):
        self.context = context
    def open(self):
        return []
    def attach(self, streams):
        pass
    def start(self):
        print("started", flush=True)
    def step(self):
        pass
    def stop(self):
        print("stopped", flush=True)
    def close(self):
        print("closed", flush=True)
    def reads(self):
        return {}
    def metrics(self):
        return {}

registry.load = lambda group, name: Quiet
sys.exit(node.main(sys.argv[1:]))
"""

_PARENT = """
import os, subprocess, sys
words = [word.replace("PARENT", str(os.getpid())) for word in sys.argv[1:]]
child = subprocess.Popen([sys.executable, "-c", *words])
print(child.pid, flush=True)
sys.stdin.readline()
"""


class TestProcess:
    """A node as a real process, with a real supervisor's socket."""

    @pytest.fixture
    def server(self):
        folder = Path(tempfile.mkdtemp(prefix="sh-", dir="/dev/shm"))
        server = ControlServer(folder / "control")
        yield server
        server.close()
        shutil.rmtree(folder)

    @pytest.fixture
    def words(self, server):
        return [
            _NODE,
            *("--name", "left", "--kind", "basler", "--control", str(server.path)),
        ]

    @pytest.fixture
    def child(self, words):
        words = [*words, "--parent", str(os.getpid())]
        child = subprocess.Popen(
            [sys.executable, "-c", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        yield child
        child.kill()
        child.communicate()

    def hear(self, server, kind):
        for _ in range(200):
            for _, message in server.receive(100):
                if isinstance(message, kind):
                    return message
        return pytest.fail(f"no {kind.__name__}")

    def ask(self, server, name, **arguments):
        server.send("left", Request(request_id=1, name=name, arguments=arguments))
        reply = self.hear(server, Reply)
        assert reply.ok, reply.error
        return reply.result

    def begin(self, server, opening):
        self.hear(server, Hello)
        self.ask(server, "open", **opening[1])
        self.ask(server, "attach", directory="/dev/shm/none")
        self.ask(server, "start")

    @pytest.mark.slow
    def test_a_life(self, server, child, opening, tmp_path):
        assert self.hear(server, Hello).pid == child.pid
        assert self.hear(server, Heartbeat).state == "starting"
        self.ask(server, "open", **opening[1])
        self.ask(server, "attach", directory="/dev/shm/none")
        self.ask(server, "start")
        self.ask(server, "stop")
        self.ask(server, "end")
        out, err = child.communicate(timeout=20)
        assert child.returncode == 0, err
        assert out.split() == ["started", "stopped", "closed"]

    @pytest.mark.slow
    def test_ctrl_c_is_not_for_nodes_and_a_request_to_end_is(
        self, server, child, opening
    ):
        self.begin(server, opening)
        child.send_signal(signal.SIGINT)
        assert self.hear(server, Heartbeat).state == "running"
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=20)
        assert child.returncode == 0
        assert out.split() == ["started", "stopped", "closed"]

    @pytest.mark.slow
    def test_it_ends_when_its_parent_was_killed(self, server, words, opening):
        parent = subprocess.Popen(
            [sys.executable, "-c", _PARENT, *words, "--parent", "PARENT"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        pid = int(parent.stdout.readline())
        started = process_started(pid)
        try:
            self.begin(server, opening)
            assert is_alive(pid, started)
            parent.kill()
            lines = parent.communicate(timeout=20)[0].split()
            assert lines == ["started", "stopped", "closed"], "in order, to the end"
            assert parent.returncode == -signal.SIGKILL
        finally:
            parent.kill()
            parent.communicate()
            if is_alive(pid, started):
                os.kill(pid, signal.SIGKILL)

    @pytest.mark.slow
    def test_a_fault_of_the_users_has_no_traceback(self, server, child, tmp_path):
        self.hear(server, Hello)
        server.send(
            "left",
            Request(request_id=1, name="start", arguments={}),
        )
        assert "it is starting" in self.hear(server, Reply).error
        _, err = child.communicate(timeout=20)
        assert child.returncode == 2
        assert "Traceback" not in err
        assert "Expected left to be ready" in err


def test_the_log_is_lines_of_json(play, opening, tmp_path):
    class Talks(FakeNode):
        def start(self):
            logging.getLogger("rig.test").warning("Lost %d frames", 3)

    play([opening, ATTACH, "start", "stop", "end"], kind=Talks)
    path = tmp_path / "session" / "log" / "left.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    [line] = [line for line in lines if line["logger"] == "rig.test"]
    assert line["message"] == "Lost 3 frames"
    assert line["level"] == "warning"
    assert line["host_ns"] > 0
    assert line["utc"].endswith("+00:00")
