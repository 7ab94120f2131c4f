"""What the supervisor knows at a glance: for the live table and for clients."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence  # noqa: TC003 - decoded by msgspec
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rig.messages import (  # noqa: TC001 - decoded by msgspec
    NodeState,
    StreamKind,
    StreamStatus,
)
from rig.supervisor.preflight import Check  # noqa: TC001 - decoded by msgspec

if TYPE_CHECKING:
    from rig.bus.ring import Ring
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
    detail: str = ""
    """Why it failed; empty while it has not."""


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
    """Whether published, rate, waiting and age are hidden: they would tell of shams."""
    age_s: float | None = None
    """Seconds since its newest element came; None before the first."""
    kind: StreamKind = field(kw_only=True)
    slots: int = field(kw_only=True)
    """Depth of its ring."""


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
    reason: str = ""
    """Why the session ends; empty while it goes on."""
    looked: Mapping[str, StreamStatus] = field(default_factory=dict)
    """How the network stands with each camera's frames, by stream."""
    session_s: float = 0.0
    """Seconds since the session's start, the zero of the ledger; the recording begins
    some seconds later."""
    remaining_s: float | None = None
    """Seconds until the recording's planned end; None where a person ends it."""
    checks: Sequence[Check] = ()
    """What pre-flight and the nodes have found, each good or not."""


@dataclass(slots=True)
class RateMeter:
    """Measures the rate of a ring from its head, over a sliding window."""

    ring: Ring
    clock: Clock
    _marks: deque[tuple[int, int]] = field(default_factory=deque)

    def age_s(self) -> float | None:
        """Return how long ago the newest element came; None before the first."""
        head = self.ring.head
        if not head:
            return None
        newest_ns = int(self.ring.rows[(head - 1) % self.ring.slots]["host_ns"])
        return max(0.0, (self.clock.now() - newest_ns) / 1e9)

    def rate_hz(self) -> float:
        """Return elements per second over the window, and remember this moment."""
        now, head = self.clock.now(), self.ring.head
        self._marks.append((now, head))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW_NS:
            self._marks.popleft()
        first_ns, first_head = self._marks[0]
        elapsed_ns = now - first_ns
        return (head - first_head) * 1e9 / elapsed_ns if elapsed_ns else 0.0
