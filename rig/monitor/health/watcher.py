"""Keeps the health of a session: the lights of now, and what must not be forgotten.

A `Watcher` looks on from outside and reads the session's events and losses; an
`OwnWatcher` sits beside the supervisor and has its reports only.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rig.messages import Loss, NodeEvent, from_row
from rig.monitor.health.judgement import (
    Memory,
    Remembered,
    Terms,
    clock_words,
    health_of,
    session_light,
)
from rig.monitor.health.judging import MAKING_READY
from rig.monitor.health.lights import Health, Level
from rig.recording.remarks import DIED, RESTARTED, STOPPED_EARLY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rig.monitor.shown import Shown
    from rig.recording.sidecar import Verdict
    from rig.supervisor.status import NodeFigures, Status, StreamFigures

__all__ = ["OwnWatcher", "Watcher", "clock_words"]

_LAST_WORD = ("supervisor", "stopped")
"""Node and state of what a session writes when all devices have stopped."""


class Watcher:
    """Watches one session from outside.

    Parameters
    ----------
    shown
        The session.
    """

    def __init__(self, shown: Shown) -> None:
        self.health = Health()
        self._started_ns = shown.started_host_ns
        self._terms = Terms.of(shown.rig, shown.plan)
        self._memory = Memory()
        self._causes: dict[str, Counter[str]] = {}
        """By stream: what was lost by each cause."""
        self._closing = False

    def lost(self, rows: NDArray[np.void]) -> None:
        """Take in rows of losses."""
        for row in rows:
            loss = from_row(Loss, row)
            self._memory.lost_when[loss.stream] = self._told(loss)

    def _told(self, loss: Loss) -> str:
        """Return the last loss in words, after the cause of most where that differs."""
        causes = self._causes.setdefault(loss.stream, Counter())
        causes[loss.cause] += loss.count
        last = f", last at {self._clock(loss.host_ns)}: {loss.cause}"
        cause, count = causes.most_common(1)[0]
        return last if cause == loss.cause else f", most ({count}) by: {cause}{last}"

    def heard(self, rows: NDArray[np.void]) -> None:
        """Take in rows of events."""
        for row in rows:
            event = from_row(NodeEvent, row)
            if (event.node, event.state) == _LAST_WORD:
                self._closing = True
            self._remember(event)

    def look(
        self,
        status: Status | None,
        *,
        silent_s: float,
        gone: bool,
        verdict: Verdict | None = None,
        trouble: str = "",
    ) -> None:
        """Judge how it stands.

        Parameters
        ----------
        status
            The session at a glance; None before anything was heard.
        silent_s
            Seconds since the supervisor was last heard.
        gone
            Whether its process has ended.
        verdict
            Of the session, once it has been closed.
        trouble
            Why nothing is heard, where the link knows.
        """
        session = session_light(
            status,
            silent_s=silent_s,
            gone=gone,
            closing=self._closing,
            verdict=verdict,
            trouble=trouble,
        )
        over = gone or verdict is not None
        self.health = health_of(status, session, self._terms, self._memory, over=over)

    def _remember(self, event: NodeEvent) -> None:
        at, happened = self._clock(event.host_ns), self._memory.happened
        match event.state:
            case s if s == DIED:
                words = f"died at {at}: {event.detail}"
                happened[event.node] = Remembered(Level.BAD, words)
            case s if s == RESTARTED:
                words = f"{event.detail}, at {at}"
                happened[event.node] = Remembered(Level.WATCH, words)
            case s if s == STOPPED_EARLY:
                words = f"stopped early at {at}: {event.detail}"
                happened["session"] = Remembered(Level.WATCH, words)
            case _:
                pass

    def _clock(self, host_ns: int) -> str:
        return clock_words((host_ns - self._started_ns) / 1e9)


class OwnWatcher:
    """Watches the session of this process, from what its supervisor reports.

    Parameters
    ----------
    terms
        What the session is held to.
    """

    def __init__(self, terms: Terms) -> None:
        self.health = Health()
        self._terms = terms
        self._memory = Memory()
        self._lost: dict[str, int] = {}
        self._away: dict[str, str] = {}
        """Nodes that are being started again: since when."""

    def look(self, status: Status) -> None:
        """Judge how it stands."""
        at = clock_words(status.session_s)
        for stream in status.streams:
            self._notice_loss(stream, at)
        if status.phase == "recording":
            for node in status.nodes:
                self._notice_restart(node, at)
        session = session_light(status)
        self.health = health_of(status, session, self._terms, self._memory)

    def _notice_loss(self, stream: StreamFigures, at: str) -> None:
        lost = stream.lost + stream.unrecorded
        if lost > self._lost.get(stream.name, 0):
            self._memory.lost_when[stream.name] = f", last at {at}"
        self._lost[stream.name] = lost

    def _notice_restart(self, node: NodeFigures, at: str) -> None:
        if node.state in MAKING_READY:
            self._away.setdefault(node.name, at)
        elif node.state == "running" and (since := self._away.pop(node.name, "")):
            words = f"died at {since} and was started again"
            self._memory.happened[node.name] = Remembered(Level.WATCH, words)
