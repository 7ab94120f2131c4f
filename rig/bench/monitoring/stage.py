"""One session, with the monitor's window on it or not, looked at from outside."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.bench.machine import Usage
from rig.bench.monitoring.session import Begun, Recorded, record
from rig.bench.monitoring.showing import Counts, Opened, Showing, show
from rig.bench.survival.processes import processes_of
from rig.bench.workers import Workers, hear
from rig.bus import shared_memory
from rig.errors import SpringhareError
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.connection import Connection
    from pathlib import Path

    from rig.bench.monitoring.display import Display
    from rig.bench.monitoring.experiment import Experiment

__all__ = ["Seen", "Size", "Stage", "own_memory"]

Size = tuple[int, int]
"""Width and height of a window, px."""
MONITOR, SCREEN, SUPERVISOR = "monitor", "screen", "supervisor"
_SHARED_MEMORY = "SPRINGHARE_SHM"
_PATIENCE_S = 120.0
"""For a session that begins or is closed on a machine that has much to do."""


@contextmanager
def own_memory() -> Iterator[Path]:
    """Keep our sessions apart from those that run: shared memory of their own."""
    before = os.environ.get(_SHARED_MEMORY)
    place = shared_memory.root() / f"bench-{os.getpid()}"
    os.environ[_SHARED_MEMORY] = str(place)
    try:
        yield place
    finally:
        if before is None:
            del os.environ[_SHARED_MEMORY]
        else:
            os.environ[_SHARED_MEMORY] = before
        shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # others are using it
            place.parent.rmdir()


@dataclass(frozen=True, slots=True)
class Seen:
    """A moment: what every process has used, and the window has drawn."""

    at_ns: int
    used: Mapping[str, Usage]
    """By role."""
    counts: Counts | None


class Stage:
    """A session that records; over at the end of the block, and removed.

    Parameters
    ----------
    experiment
        What is recorded.
    screen
        Where the window is drawn.
    size
        Of the window; None for none.

    Raises
    ------
    SpringhareError
        If a process cannot go on.
    """

    def __init__(
        self, experiment: Experiment, screen: Display, size: Size | None = None
    ) -> None:
        self.window: Connection | None = None
        self.platform = ""
        """Of Qt; empty without a window."""
        self.clock = MonotonicClock()
        self._pids: dict[str, int] = {}
        self._stack = ExitStack()
        try:
            self._begin(experiment, screen, size)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Stage:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes and remove what was recorded."""
        self._stack.close()

    def pid(self, role: str) -> int:
        """Return the process that plays a role."""
        return self._pids[role]

    def watch(self, seconds: float) -> None:
        """Let it play for so long.

        Raises
        ------
        SpringhareError
            If the session ends meanwhile.
        """
        if self._session.poll(seconds):
            word = hear(self._session)
            reason = word.reason if isinstance(word, Recorded) else word
            msg = f"Expected the session to go on, it ended: {reason}"
            raise SpringhareError(msg)

    def look(self) -> Seen:
        """Return how it stands at this moment."""
        used: dict[str, Usage] = {}
        for role, pid in self._pids.items():
            with suppress(OSError):  # it was killed
                used[role] = Usage.of(pid)
        counts = None
        if self.window is not None:
            self.window.send("counts")
            counts = hear(self.window)
        return Seen(self.clock.now(), used, counts)

    def finish(self) -> Recorded:
        """Stop the session in order, and return what came of it."""
        self._session.send("stop")
        recorded = hear(self._session, _PATIENCE_S)
        if self.window is not None:
            self.window.send("end")
        return recorded

    def _begin(
        self, experiment: Experiment, screen: Display, size: Size | None
    ) -> None:
        place = self._stack.enter_context(own_memory())
        self._stack.callback(
            shutil.rmtree, experiment.folder / "data", ignore_errors=True
        )
        workers = self._stack.enter_context(Workers())
        if size is not None:
            self.window = workers.start(show, Showing(*size, screen.screen))
            opened: Opened = hear(self.window)
            self.platform = opened.platform
            self._pids[MONITOR] = opened.pid
            if screen.server_pid is not None:
                self._pids[SCREEN] = screen.server_pid
        self._session = workers.start(record, experiment)
        begun: Begun = hear(self._session, _PATIENCE_S)
        nodes = processes_of(place).items()
        self._pids |= {name: pid for pid, name in nodes if name != SUPERVISOR}
        self._pids[SUPERVISOR] = begun.pid
        if self.window is not None:
            hear(self.window)  # it shows the session
