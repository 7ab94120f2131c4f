"""A session as its user runs it, watched from outside by what it says and writes."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

from rig.bench.survival.experiment import SUBJECT
from rig.bench.survival.processes import processes_of
from rig.recording.layout import segments_folder
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

__all__ = ["LiveSession", "SessionEndedError"]

_LINE = re.compile(r"\[\d+:[\d.]+\] ([a-z-]+(?: [a-z]+)*)")
"""What `springhare run` says of its phase, in a log."""
_LOOK_S = 0.02
_LOOK_CLOSELY_S = 0.0003


class SessionEndedError(Exception):
    """The session ended before what was waited for came."""


class LiveSession:
    """Runs a session in processes of its own; all are gone when the block ends.

    Parameters
    ----------
    folder
        Of the trial; the session is written below its ``data``.
    shm
        Shared memory of the session alone.
    options
        Of ``springhare run``.
    link
        Whoever asked for it: when the other end is gone, waiting ends.
    """

    def __init__(
        self, folder: Path, shm: Path, options: Sequence[str], link: Connection
    ) -> None:
        self.shm = shm
        self.said = b""
        """All that it wrote to its standard error."""
        self.phases: dict[str, int] = {}
        """Host time at which each phase was told."""
        self._data = folder / "data"
        self._link = link
        self._clock = MonotonicClock()
        self.began_ns = self._clock.now()
        with (folder / "stdout").open("wb") as stdout:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rig.cli", "run", *options],
                env={**os.environ, "SPRINGHARE_SHM": str(shm)},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )

    def __enter__(self) -> LiveSession:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill whatever is left of it."""
        while left := processes_of(self.shm):
            for pid in left:
                _kill(pid)
            self.process.poll()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()

    @property
    def folder(self) -> Path | None:
        """The session's folder; None before it is made."""
        return next(self._data.glob(f"{SUBJECT}/*"), None)

    @property
    def ended(self) -> bool:
        """Whether the program that runs it has ended."""
        return self.process.poll() is not None

    def pids(self, role: str) -> list[int]:
        """Return the processes that play a role; ``all`` is everybody's."""
        if role == "supervisor":
            return [self.process.pid]
        found = processes_of(self.shm)
        return [pid for pid, name in found.items() if role in {name, "all"}]

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def pause(self, seconds: float, until: str = "") -> None:
        """Listen for so long, or until a phase is told.

        Raises
        ------
        EOFError
            If nobody wants to know any more.
        """
        deadline_ns = self._clock.now() + int(seconds * 1e9)
        while until not in self.phases:
            left_s = (deadline_ns - self._clock.now()) / 1e9
            if left_s <= 0:
                break
            self._listen(left_s)

    def until_phase(self, phase: str, seconds: float = 60) -> None:
        """Wait until the session says that it has come to a phase.

        Raises
        ------
        SessionEndedError
            If it ends before, or takes longer.
        """
        self._until(lambda: phase in self.phases, seconds, _LOOK_S)

    def until_born(self, role: str, seconds: float = 60) -> None:
        """Wait until somebody plays a role.

        Raises
        ------
        SessionEndedError
            If the session ends before.
        """
        self._until(lambda: bool(self.pids(role)), seconds, _LOOK_S)

    def until_segment_changes(self, seconds: float = 10) -> None:
        """Wait until a segment is laid out or gets its name.

        Raises
        ------
        SessionEndedError
            If none does.
        """
        place = segments_folder(self.folder or self._data)

        def names() -> set[str]:
            return set(os.listdir(place))  # noqa: PTH208 - a path each is too slow

        before = names()
        self._until(lambda: bool(names() - before), seconds, _LOOK_CLOSELY_S)

    def until_gone(
        self, seconds: float, meanwhile: Callable[[], None]
    ) -> dict[int, str]:
        """Wait until no process of it runs; return who still does."""
        deadline_ns = self._clock.now() + int(seconds * 1e9)
        while left := self._unburied() or processes_of(self.shm):
            meanwhile()
            if self._clock.now() > deadline_ns:
                break
            self._listen(_LOOK_S)
        return left

    def _unburied(self) -> dict[int, str]:
        """Return the supervisor while the kernel has not told us of its end."""
        return {} if self.ended else {self.process.pid: "supervisor"}

    def _until(self, so: Callable[[], bool], seconds: float, every_s: float) -> None:
        deadline_ns = self._clock.now() + int(seconds * 1e9)
        while not so():
            if self.ended or self._clock.now() > deadline_ns:
                raise SessionEndedError
            self._listen(every_s)

    def _listen(self, seconds: float) -> None:
        """Take in what the session says within so long; return at the first of it."""
        stderr = self.process.stderr
        speaking = [] if stderr is None else [stderr]
        ready, _, _ = select.select([self._link, *speaking], [], [], seconds)
        if self._link in ready:
            _abandon()
        if stderr is not None and stderr in ready:
            words = os.read(stderr.fileno(), 65_536)
            if not words:
                stderr.close()
                self.process.stderr = None
                return
            self.said += words
            for phase in _LINE.findall(self.said.decode(errors="replace")):
                self.phases.setdefault(phase, self._clock.now())


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _abandon() -> NoReturn:
    """Stop in the middle: whoever asked for the trial says so by going away."""
    raise EOFError
