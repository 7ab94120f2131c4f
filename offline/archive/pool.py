"""Workers: processes that pack and compare, or this one alone.

Results come in the order of their tasks, and only a few tasks are ahead of what
was fetched, so that memory stays bounded however long the session is.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rig.errors import SessionError
from rig.system import end_with_parent, hold_one_core_per_library

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future
    from multiprocessing.sharedctypes import Synchronized

__all__ = ["Pool", "open_pool"]

_AHEAD = 3
"""Tasks in hand for each worker."""
_NICE = 10
"""A rig that records on the same computer comes first."""

R = TypeVar("R")


class Pool(Protocol):
    """Whoever does the work."""

    def map(
        self, function: Callable[..., R], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[R]:
        """Yield what a function returns for each task, in order.

        Called with a function of a module and arguments that can be pickled. What
        it raises is raised here.
        """
        ...


@contextmanager
def open_pool(
    workers: int, begin: Callable[[int], None] | None = None
) -> Generator[Pool]:
    """Open a pool; with one worker, this process does everything itself.

    Parameters
    ----------
    workers
        How many processes.
    begin
        Called first in each, with its number; a function of a module.

    Raises
    ------
    SessionError
        If a worker was killed.
    """
    if workers == 1:
        yield _Alone()
        return
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(
        workers,
        context,
        initializer=_begin,
        initargs=(os.getpid(), context.Value("i", 0), begin),
    )
    try:
        yield _Several(executor, workers * _AHEAD)
    except BrokenProcessPool as error:
        msg = (
            "Expected every worker to live, got one that was killed (out of memory?): "
            "what was done is kept; run it again, perhaps with fewer --workers"
        )
        raise SessionError(msg) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


class _Alone:
    def map(
        self, function: Callable[..., R], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[R]:
        return (function(*task) for task in tasks)


class _Several:
    def __init__(self, executor: ProcessPoolExecutor, ahead: int) -> None:
        self._executor = executor
        self._ahead = ahead

    def map(
        self, function: Callable[..., R], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[R]:
        waiting: deque[Future[R]] = deque()
        for task in tasks:
            waiting.append(self._executor.submit(function, *task))
            if len(waiting) == self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _begin(
    parent_pid: int, count: Synchronized[int], begin: Callable[[int], None] | None
) -> None:
    # Ctrl-C reaches the whole group of processes; the parent alone answers it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent_pid)
    os.nice(_NICE)
    hold_one_core_per_library()
    if begin is not None:
        with count.get_lock():
            number, count.value = count.value, count.value + 1
        begin(number)
