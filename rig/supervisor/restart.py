"""A fresh process in the place of a node's that died, while the session goes on.

The steps are those of the first start: process, open, attach, start. Between them
the supervisor goes on hearing the others: a restart is advanced a little at each
turn of its loop and never waited for.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from rig.errors import DeviceError
from rig.supervisor.crew import STATE_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path

    from rig.supervisor.children import Child
    from rig.supervisor.crew import Crew
    from sync.clock import Clock

__all__ = ["Restarted", "Restarter"]

_MOST = 3
_WITHIN_NS = 60_000_000_000
"""More than three in a minute: what kills it is still there, and every time it is
away uses up what the rings can bridge."""
_PATIENCE_NS = 20_000_000_000
"""A process that is not back after so long is killed."""
_REFUSED = 2
"""Exit status of a node that said why it cannot go on: it would say so again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restarted:
    """A node that is back."""

    name: str
    detail: str
    """Why it was away, and for how long."""


@dataclass(slots=True)
class _Restart:
    """One that is under way."""

    child: Child
    steps: Iterator[None]
    cause: str
    gone_ns: int
    """When the death that it mends was noticed."""


class Restarter:
    """Restarts nodes whose plan asks for it, not too often, one at a time.

    Parameters
    ----------
    crew
        The session's nodes.
    clock
        Host clock.
    log_folder
        Where a process's standard error goes.
    arguments
        Gives the arguments of ``open``, ``attach`` and ``start`` for a node, by name.
    """

    def __init__(
        self,
        crew: Crew,
        clock: Clock,
        log_folder: Path,
        arguments: Mapping[str, Callable[[str], Mapping[str, Any]]],
    ) -> None:
        self._crew = crew
        self._clock = clock
        self._log_folder = log_folder
        self._arguments = arguments
        self._begun_ns: deque[int] = deque()
        self._attempts: dict[str, int] = {}
        self._going: _Restart | None = None

    @property
    def busy(self) -> bool:
        """Whether a restart is under way."""
        return self._going is not None

    def refusal(self, child: Child) -> str:
        """Return why a node that died is not to be restarted; empty if it is."""
        if child.plan.on_death != "restart":
            return "it is not one that is restarted"
        if child.process.returncode == _REFUSED:
            return "it said why it cannot go on"
        now = self._clock.now()
        while self._begun_ns and now - self._begun_ns[0] > _WITHIN_NS:
            self._begun_ns.popleft()
        if len(self._begun_ns) >= _MOST:
            return f"it was restarted {_MOST} times within a minute"
        return ""

    def begin(self, child: Child, cause: str) -> None:
        """Start a process in the place of one that died; `turn` does the rest.

        Parameters
        ----------
        child
            The dead one; one that died while it was being restarted counts from the
            first death.
        cause
            Why it died, in words.
        """
        now, before = self._clock.now(), self._going
        gone_ns = now
        if before is not None and before.child is child:
            gone_ns, cause = before.gone_ns, f"{before.cause}, then {cause}"
        self._begun_ns.append(now)
        attempt = self._attempts[child.name] = self._attempts.get(child.name, 1) + 1
        fresh = self._crew.replace(child.name, self._log_folder, attempt)
        self._going = _Restart(fresh, self._steps(fresh), cause, gone_ns)

    def turn(self) -> Restarted | None:
        """Go on with the restart under way; return the node when it is back."""
        going = self._going
        if going is None:
            return None
        try:
            next(going.steps)
        except StopIteration:
            self._going = None
            away_s = (self._clock.now() - going.gone_ns) / 1e9
            detail = f"died ({going.cause}) and was restarted after {away_s:.1f} s"
            return Restarted(going.child.name, detail)
        except DeviceError as error:
            # its process ends now, of which the supervisor hears as of any death
            logger.warning("%s cannot be restarted: %s", going.child.name, error)
            going.steps = repeat(None)
        return None

    def give_up(self, child: Child | None = None) -> None:
        """Leave a restart that is not done: the dead one stays dead.

        Parameters
        ----------
        child
            The only one meant; whoever it is without.
        """
        going = self._going
        if going is not None and (child is None or child is going.child):
            going.child.cause = going.cause
            self._going = None

    def _steps(self, child: Child) -> Generator[None]:
        """Bring a process up, a step at a time.

        Raises
        ------
        DeviceError
            If it refuses.
        """
        while not child.connected:
            yield from self._wait(child)
        for request, arguments in self._arguments.items():
            number = self._crew.send(child.name, request, arguments(child.name))
            while (reply := self._crew.take_reply(number)) is None:
                yield from self._wait(child)
            if not reply.ok:
                raise DeviceError(reply.error)
            child.state = STATE_AFTER[request]

    def _wait(self, child: Child) -> Generator[None]:
        if self._clock.now() - child.started_ns > _PATIENCE_NS:
            child.process.kill()
        yield
