"""The rings of a session, as their maker sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.messages import NodeEvent, StreamSpec, StreamStatus
from rig.recording.balance import LOSS_COUNTERS
from rig.supervisor.status import RateMeter, StreamFigures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rig.bus.directory import StreamDirectory, StreamWriter
    from sync.clock import Clock

__all__ = ["SessionRings"]

_OWN = StreamSpec(name="node_events", kind="node_events", node="supervisor")


class SessionRings:
    """Makes the rings, writes the session's own events, measures the rates.

    Parameters
    ----------
    streams
        The session's folder in shared memory.
    clock
        Host clock.
    """

    def __init__(self, streams: StreamDirectory, clock: Clock) -> None:
        self.streams = streams
        self._clock = clock
        self._meters: dict[str, RateMeter] = {}
        self._notes: StreamWriter | None = None

    def make(self, specs: Iterable[StreamSpec]) -> None:
        """Make a ring for each stream, and one for the session's own events.

        Raises
        ------
        StreamError
            If shared memory does not suffice, or two streams share a name.
        """
        for spec in (_OWN, *specs):
            ring = self.streams.create_ring(spec)
            self._meters[spec.name] = RateMeter(ring, self._clock)
        self._notes = self.streams.writer(_OWN.name)

    @property
    def now_ns(self) -> int:
        """Host time."""
        return self._clock.now()

    def note(self, node: str, state: str, detail: str = "") -> None:
        """Record what happened to a node or to the session."""
        host_ns = self.now_ns
        self.record(NodeEvent(host_ns=host_ns, node=node, state=state, detail=detail))

    def record(self, event: NodeEvent) -> None:
        """Record an event, with a time of its own."""
        if self._notes is not None:
            self._notes.append(event)

    def close_of(self, node: str) -> None:
        """Close the streams of a node that cannot do it any more."""
        for meter in self._meters.values():
            if meter.ring.spec.node == node:
                meter.ring.mark_closed()

    def close_notes(self) -> None:
        """Close the session's own events: nothing more will be noted."""
        if self._notes is not None:
            self._notes.close()
            self._notes = None

    def figures(self, reads: Mapping[str, StreamStatus]) -> list[StreamFigures]:
        """Return every stream at a glance.

        Parameters
        ----------
        reads
            How the recorder stands with each stream, by name.
        """
        figures: list[StreamFigures] = []
        for name, meter in self._meters.items():
            spec, head, counters = meter.ring.spec, meter.ring.head, meter.ring.counters
            read = reads.get(name, StreamStatus())
            figures.append(
                StreamFigures(
                    name,
                    published=head,
                    rate_hz=meter.rate_hz(),
                    nominal_hz=spec.rate_hz,
                    lost=sum(counters.get(counter, 0) for counter in LOSS_COUNTERS),
                    unrecorded=read.lost,
                    waiting=head - read.taken - read.lost,
                    age_s=meter.age_s(),
                    kind=spec.kind,
                    slots=spec.slots,
                )
            )
        return figures
