"""The processes of a benchmark: started afresh, talked to, never left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from rig.errors import SpringhareError
from rig.system import end_with_parent, hold_one_core_per_library

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

__all__ = ["PATIENCE_S", "Workers", "hear"]

PATIENCE_S = 60.0
"""For a word that must come."""
_FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True)
class _Failure:
    """A process's word that it cannot go on, and why."""

    reason: str


class Workers:
    """Processes, each at the far end of a pipe; all are gone when the block ends."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._links: list[Connection] = []
        self._processes: list[BaseProcess] = []

    def start(self, task: Callable[..., None], *arguments: object) -> Connection:
        """Start ``task(*arguments, link)`` as a process; return our end of its link."""
        hold_one_core_per_library()
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_enter, args=(os.getpid(), task, arguments, theirs), daemon=True
        )
        resource_tracker.ensure_running()  # which would unblock what we block now
        # Ctrl-C is ours, from the child's first moment on: it inherits what is blocked
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self._links.append(ours)
        self._processes.append(process)
        return ours

    def end(self) -> None:
        """End all of them; may be called twice."""
        for link in self._links:
            link.close()
        for process in self._processes:
            process.join(_FAREWELL_S)
            process.kill()
            process.join()
            process.close()
        self._links.clear()
        self._processes.clear()

    def __enter__(self) -> Workers:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all of them."""
        self.end()


def hear(link: Connection, seconds: float = PATIENCE_S) -> Any:
    """Return the next word of a process.

    Raises
    ------
    SpringhareError
        If it cannot go on, has ended, or says nothing.
    """
    if not link.poll(seconds):
        msg = f"Expected a word from a process within {seconds:g} s, got none"
        raise SpringhareError(msg)
    try:
        word = link.recv()
    except EOFError as error:
        msg = "Expected a word from a process, got its end: see its own message"
        raise SpringhareError(msg) from error
    if isinstance(word, _Failure):
        raise SpringhareError(word.reason)
    return word


def _enter(
    parent_pid: int,
    task: Callable[..., None],
    arguments: tuple[object, ...],
    link: Connection,
) -> None:
    end_with_parent(parent_pid)
    try:
        task(*arguments, link)
    except EOFError:
        pass  # the parent has given up
    except (SpringhareError, OSError) as error:
        with suppress(OSError):
            link.send(_Failure(str(error)))
