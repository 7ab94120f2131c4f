"""A session's processes: started, watched, and never left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.errors import DeviceError
from rig.registry import module_of
from rig.system import hold_one_core_per_library

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rig.messages import Heartbeat, NodeState
    from rig.supervisor.plan import NodePlan

__all__ = ["Child", "StandIn", "end_all"]

_PATIENCE_S = 3.0


@dataclass(slots=True)
class Child:
    """A node's process and what is known of it."""

    plan: NodePlan
    process: subprocess.Popen[bytes]
    stderr_path: Path
    started_ns: int
    """Host time at which the process was started."""
    state: NodeState = "starting"
    connected: bool = False
    heartbeat: Heartbeat | None = None
    heard_ns: int = 0
    hung: bool = False
    """It was killed because it was silent for too long."""
    gone: bool = False
    """Its end was noticed and reported."""
    cause: str = ""
    """Why it died, or could not be stopped in order; empty if neither."""

    @property
    def name(self) -> str:
        """The node's name."""
        return self.plan.name

    @staticmethod
    def start(
        plan: NodePlan,
        control: Path,
        log_folder: Path,
        started_ns: int,
        attempt: int = 1,
    ) -> Child:
        """Start a node's process in a process group of its own: Ctrl-C is ours.

        Parameters
        ----------
        plan
            What the node is.
        control
            The session's control socket.
        log_folder
            Where its standard error goes.
        started_ns
            Host time, now.
        attempt
            How many processes the node has had, this one included.
        """
        log_folder.mkdir(parents=True, exist_ok=True)
        number = f".{attempt}" if attempt > 1 else ""
        stderr_path = log_folder / f"{plan.name}{number}.stderr"
        command = [
            str(plan.interpreter or sys.executable),
            "-P",  # a folder named sync or inference where we are started is not ours
            "-m",
            "rig.node",
            f"--name={plan.name}",
            f"--kind={plan.kind}",
            f"--control={control}",
            f"--parent={os.getpid()}",
            *(["--twin"] if plan.twin else []),
        ]
        return Child(plan, _spawn(command, stderr_path), stderr_path, started_ns)

    def why_gone(self) -> str:
        """Return why the process ended, in words."""
        words, status = self.last_words(), self.process.returncode
        if self.hung:
            return "silent for 10 s, killed"
        if status is not None and status < 0:
            return f"signal {-status}" + (f": {words}" if words else "")
        return words or f"exit status {status}"

    def last_words(self) -> str:
        """Return the last line of what the process wrote to its standard error."""
        text = self.stderr_path.read_text(encoding="utf-8", errors="replace").strip()
        return text.splitlines()[-1] if text else ""


@dataclass(slots=True)
class StandIn:
    """The process that speaks Harp in place of the rig's boards."""

    process: subprocess.Popen[bytes]
    ports: Mapping[str, str]
    """Port of each Harp device, by its name in the rig file."""

    @staticmethod
    def start(arguments: Sequence[str], log_folder: Path) -> StandIn:
        """Start it and wait until it says where it listens.

        Raises
        ------
        DeviceError
            If it ends instead.
        """
        log_folder.mkdir(parents=True, exist_ok=True)
        stderr_path = log_folder / "stand_in.stderr"
        command = [
            sys.executable,
            "-P",
            "-m",
            module_of("springhare.twins", "harp"),
            *arguments,
        ]
        process = _spawn(command, stderr_path, stdout=subprocess.PIPE)
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            process.wait()
            words = stderr_path.read_text(encoding="utf-8").strip().splitlines()
            msg = (
                "Expected the simulated Harp boards to start, they ended: "
                f"{words[-1] if words else 'no message'}; see {stderr_path}"
            )
            raise DeviceError(msg)
        return StandIn(process, json.loads(line))


def _spawn(
    command: Sequence[str], stderr_path: Path, stdout: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    hold_one_core_per_library()
    with stderr_path.open("wb") as stderr:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


def end_all(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End processes: asked first, then killed; may be called twice."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
