"""What the supervisor knows at a glance: for the live table and for clients."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.bus.ring import Ring
    from rig.messages import NodeState
    from sync.clock import Clock

__all__ = ["NodeFigures", "RateMeter", "Status", "StreamFigures"]

_WINDOW_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """A node at a glance."""

    name: str
    state: NodeState
    heard_s: float
    """Seconds since its last heartbeat."""
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """A stream at a glance."""

    name: str
    published: int
    rate_hz: float
    """Measured over the last two seconds."""
    nominal_hz: float | None
    lost: int
    """Lost before the recorder, by the writer's own counters."""
    unrecorded: int
    """Overwritten before the recorder took them."""
    waiting: int
    """Published and not yet taken by the recorder."""
    blind: bool = False
    """Whether published, rate and waiting are hidden: they would tell of shams."""


@dataclass(frozen=True, slots=True)
class Status:
    """A session at a glance."""

    phase: str
    session_id: str
    elapsed_s: float
    nodes: Sequence[NodeFigures] = ()
    streams: Sequence[StreamFigures] = ()
    blind: bool = False
    """Whether shams are not told from fires."""


@dataclass(slots=True)
class RateMeter:
    """Measures the rate of a ring from its head, over a sliding window."""

    ring: Ring
    clock: Clock
    _marks: deque[tuple[int, int]] = field(default_factory=deque)

    def rate_hz(self) -> float:
        """Return elements per second over the window, and remember this moment."""
        now, head = self.clock.now(), self.ring.head
        self._marks.append((now, head))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW_NS:
            self._marks.popleft()
        first_ns, first_head = self._marks[0]
        elapsed_ns = now - first_ns
        return (head - first_head) * 1e9 / elapsed_ns if elapsed_ns else 0.0
