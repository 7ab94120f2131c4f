import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

_LONGEST_S = 480


class Springhare:
    """The command line, in a process of its own, with shared memory of its own."""

    def __init__(self, place: Path):
        # A unix socket's path may have 107 characters: pytest's folders are longer.
        self.shm = Path(f"/dev/shm/sprh-test-{os.getpid()}-{time.monotonic_ns()}")
        self.place = place
        self.env = {
            **os.environ,
            "SPRINGHARE_SHM": str(self.shm),
            "OMP_WAIT_POLICY": "passive",
        }
        self._started = []

    def start(self, *arguments: object) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "rig.cli", *map(str, arguments)],
            cwd=self.place,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def finish(self, process: subprocess.Popen) -> subprocess.CompletedProcess:
        out, err = process.communicate(timeout=_LONGEST_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess:
        return self.finish(self.start(*arguments))

    def result(self, *arguments: object) -> dict:
        """Run a command with ``--json`` and return what it says."""
        done = self(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def running(self) -> list[psutil.Process]:
        """Processes that belong to a session of this place."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("SPRINGHARE_SHM") == str(self.shm)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for process in self.running():
            process.send_signal(signal.SIGKILL)
        subprocess.run(["rm", "-rf", str(self.shm)], check=True)


@pytest.fixture
def springhare(tmp_path):
    command = Springhare(tmp_path)
    yield command
    command.end()


@pytest.fixture
def until():
    """Wait until something is so; fail when it does not come to pass."""

    def wait(condition, what: str, most_s: float = 60.0):
        deadline = time.monotonic() + most_s
        pause = __import__("threading").Event()
        while not (value := condition()):
            assert time.monotonic() < deadline, f"expected {what} within {most_s} s"
            pause.wait(0.05)
        return value

    return wait


@pytest.fixture
def boards_only(tmp_path):
    """Files of a small experiment without cameras: two Harp boards."""
    (tmp_path / "rig.yaml").write_text(
        f"""\
format: springhare-rig/1
name: boards
data_root: {tmp_path}/data
devices:
  daq:
    kind: harp
    port: /dev/ttyACM0
    emg: {{rate_hz: 2000, channels: [GL, TA, VL, BF, GL2, TA2, VL2, BF2]}}
    force_plate: {{rate_hz: 1000}}
    camera_trigger: {{rate_hz: 100}}
    actuator: {{lines: {{laser: {{pin: 1, max_width_us: 50000, max_rate_hz: 40}}}}}}
  scope:
    kind: harp
    port: /dev/ttyACM1
    inputs: {{lines: {{frame_clock: {{pin: 0, edges: rising, rate_hz: 30}}}}}}
""",
        encoding="utf-8",
    )
    (tmp_path / "task.yaml").write_text(
        "format: springhare-task/1\nname: none\n", encoding="utf-8"
    )
    (tmp_path / "session.yaml").write_text(
        "format: springhare-session-plan/1\nsubject: m1\nplanned_minutes: 1\n",
        encoding="utf-8",
    )
    return ["--rig=rig.yaml", "--task=task.yaml", "--session=session.yaml"]
