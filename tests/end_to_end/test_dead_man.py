"""Whoever dies in the middle of a train, the board drops its outputs.

The board is the firmware itself, compiled for this machine, in a process that
outlives the session; a film is the camera.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from rig.bus.control import ControlClient
from rig.devices import harp_registers
from rig.messages import Reply, Request
from rig.recording.reader import Recording
from rig.sim.cameras import cameras_for
from rig.sim.render import Renderer
from rig.sim.world import World

pytestmark = pytest.mark.slow

DEAD_MAN_S = 0.5
MOST_S = 5.0
"""A drop may take so long on a machine that is busy; a train takes 50 s."""

RIG = """\
format: springhare-rig/1
name: dead_man
data_root: {place}/data
devices:
  left:
    kind: video
    source: {place}/film.mkv
    width_px: 320
    height_px: 240
    rate_hz: 30
    loop: true
  daq:
    kind: harp
    port: {port}
    on_death: continue
    inputs: {{lines: {{key: {{pin: 1, edges: both}}}}}}
    actuator:
      lines: {{laser: {{pin: 1, max_width_us: 50000, max_rate_hz: 40}}}}
      dead_man_ms: 500
      arm_line: key
ledger: {{fail_lost_fraction: 1}}
"""
TASK = """\
format: springhare-task/1
name: jump
inference: {model: "bundled:mouse", cameras: [left], on_death: continue}
rules:
  - name: up
    camera: left
    when: {kind: crosses, keypoint: hip, axis: y, direction: falling, threshold_px: 125}
    max_pose_age_ms: 500
    action: {line: laser, pulse_width_us: 10000, count: 2000, period_us: 25000}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The firmware, built for this machine."""
    if not shutil.which("g++"):
        if os.environ.get("CI"):
            pytest.fail("expected g++ in CI")
        pytest.skip("needs g++")
    program = tmp_path_factory.mktemp("firmware") / "emulator"
    folder = Path(harp_registers.__file__).parent / "firmware" / "emulator"
    source = folder / "emulator.cpp"
    flags = ["-O2", "-std=c++11", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["g++", *flags, source, "-o", program, "-lutil"], check=True)
    return program


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A mouse that jumps again and again."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    [camera] = cameras_for("jump", 1, 320, 240)
    renderer = Renderer(World(1, "jump", 4.0), camera, seed=1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "gray"
        for k in range(27, 45):  # one jump
            picture = renderer.render(k / 30, k)
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


class Board:
    """The firmware's process, and what its output did."""

    def __init__(self, program, folder):
        self.key, self._log = folder / "key", folder / "outputs.txt"
        self.key.touch()
        words = [program, "--key", self.key, "--log", self._log]
        self.child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.port = msgspec.json.decode(self.child.stdout.readline())["port"]

    def levels(self):
        """Return (host time in ns, whether it went high) of the laser's changes."""
        lines = self._log.read_text("ascii").splitlines()
        rows = [[int(word) for word in line.split()] for line in lines]
        return [(row[0], bool(row[2])) for row in rows if len(row) == 3]

    def low_since(self, since_ns):
        """Return for how long after a time the output went on, in seconds."""
        last_ns, high = self.levels()[-1]
        assert not high
        return (last_ns - since_ns) / 1e9


@pytest.fixture
def board(program, tmp_path):
    board = Board(program, tmp_path)
    yield board
    board.child.terminate()
    board.child.communicate(timeout=10)


class Session:
    """A session whose rule has fired: its processes, and requests to it."""

    def __init__(self, springhare, supervisor, board, until):
        self._springhare, self.supervisor = springhare, supervisor
        self._board, self._until = board, until

    def wait_for_a_train(self):
        """Wait until the laser pulses; return since when."""
        since_ns = time.monotonic_ns()

        def pulsing():
            assert self.supervisor.poll() is None, self.supervisor.communicate()
            return sum(at > since_ns for at, _ in self._board.levels()) > 20

        self._until(pulsing, "a train of pulses")

    def wait_for_silence(self):
        """Wait until the laser has been low for half a second."""

        def silent():
            last_ns, high = self._board.levels()[-1]
            return not high and time.monotonic_ns() - last_ns > 500_000_000

        self._until(silent, "a board that drops its output")

    def strike(self, name, number):
        """Send a node a signal; return when."""
        [process] = [
            process
            for process in self._springhare.running()
            if f"--name={name}" in process.cmdline()
        ]
        at_ns = time.monotonic_ns()
        process.send_signal(number)
        return at_ns

    def ask(self, word):
        """Ask the supervisor for something; return when."""
        [path] = self._springhare.shm.glob("*/control")
        client = ControlClient(path, "test")
        try:
            at_ns = time.monotonic_ns()
            client.send(Request(request_id=1, name=word, arguments={}))
            answer = self._until(lambda: client.receive(100), "an answer")
            assert isinstance(answer, Reply)
            assert answer.ok, answer.error
        finally:
            client.close()
        return at_ns


@pytest.fixture
def session(springhare, board, film, tmp_path, until):
    """A session in the middle of a train."""
    (tmp_path / "film.mkv").symlink_to(film)
    (tmp_path / "rig.yaml").write_text(
        RIG.format(place=tmp_path, port=board.port), "utf-8"
    )
    (tmp_path / "task.yaml").write_text(TASK, "utf-8")
    (tmp_path / "session.yaml").write_text(
        "format: springhare-session-plan/1\nsubject: m1\nplanned_minutes: 1\n", "utf-8"
    )
    files = [f"--{name}={name}.yaml" for name in ("rig", "task", "session")]
    session = Session(springhare, springhare.start("run", *files), board, until)
    session.wait_for_a_train()
    return session


def test_a_hand_and_the_one_who_decides_hold_the_outputs(
    session, board, springhare, tmp_path
):
    # who decides hangs
    struck_ns = session.strike("inference", signal.SIGSTOP)
    session.wait_for_silence()
    assert board.low_since(struck_ns) < DEAD_MAN_S + MOST_S
    session.strike("inference", signal.SIGCONT)
    session.wait_for_a_train()
    # a hand disarms
    struck_ns = session.ask("disarm")
    session.wait_for_silence()
    assert board.low_since(struck_ns) < MOST_S
    session.ask("arm")
    session.wait_for_a_train()
    # a key is turned off
    struck_ns = time.monotonic_ns()
    board.key.unlink()
    session.wait_for_silence()
    assert board.low_since(struck_ns) < MOST_S
    board.key.touch()
    session.wait_for_a_train()
    # who decides dies
    struck_ns = session.strike("inference", signal.SIGKILL)
    session.wait_for_silence()
    assert board.low_since(struck_ns) < DEAD_MAN_S + MOST_S
    session.supervisor.send_signal(signal.SIGINT)
    springhare.finish(session.supervisor)
    _check_events(tmp_path)


def _check_events(place):
    [folder] = (place / "data").glob("*/*")
    with Recording.open(folder) as recording:
        events = recording.rows("node_events")
        keys = recording.rows("events/daq")
    words = [(row["node"].decode(), row["state"].decode()) for row in events]
    hand = [state for node, state in words if node == "inference"]
    assert [state for state in hand if state in {"arm", "disarm"}] == [
        "arm",
        "disarm",
        "arm",
    ]
    board = [state for node, state in words if node == "daq"]
    assert board.count("not_permitted") >= 3
    assert [state for state in board if state.startswith("key")] == [
        "key_on",
        "key_off",
        "key_on",
    ]
    turned = keys[keys["line"] == b"key"]["edge"]
    assert turned[-2:].tolist() == [-1, 1]
    assert np.all(np.diff(events["host_ns"]) >= 0)


def test_the_board_needs_its_node(session, board):
    # it hangs
    struck_ns = session.strike("daq", signal.SIGSTOP)
    session.wait_for_silence()
    assert board.low_since(struck_ns) < DEAD_MAN_S + MOST_S
    session.strike("daq", signal.SIGCONT)
    session.wait_for_a_train()
    # it dies
    struck_ns = session.strike("daq", signal.SIGKILL)
    session.wait_for_silence()
    assert board.low_since(struck_ns) < DEAD_MAN_S + MOST_S


def test_and_the_node_its_supervisor(session, board):
    struck_ns = time.monotonic_ns()
    session.supervisor.kill()
    session.wait_for_silence()
    assert board.low_since(struck_ns) < MOST_S
