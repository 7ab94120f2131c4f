"""Which frame belongs to which trigger, and which triggers no frame came of.

Pure but for `TriggerFollower`, which reads the stream of the device that triggers.
A camera tells nothing of a trigger that it did not hear: its numbers go on without
a hole. So each trigger is held until it is told what became of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.messages import EDGE_RISING, StreamStatus

if TYPE_CHECKING:
    from rig.bus.reader import RingReader

__all__ = ["Match", "SentTriggers", "Trigger", "TriggerFollower", "WiredTriggers"]

_MOST = 256
_RESET_NS = 1_000_000_000
_SLACK_NS = 500_000
"""By so much an exposure may seem to have begun before its trigger was sent."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One edge on the line that triggers cameras."""

    seq: int
    """Its number in the stream of events."""
    host_ns: int
    """Host time at which the host knew of it."""
    device_ns: int
    """Device time of the edge, by the clock of the device that triggers."""


class TriggerFollower:
    """Reads the triggers out of a device's stream of events.

    Parameters
    ----------
    reader
        Of the stream ``events/<device>``.
    line
        Name of the line that triggers.
    """

    def __init__(self, reader: RingReader, line: str) -> None:
        self._reader = reader
        self._line = line.encode()

    @property
    def finished(self) -> bool:
        """Whether no trigger will come any more."""
        return self._reader.finished

    @property
    def status(self) -> StreamStatus:
        """How we stand with the stream."""
        reader = self._reader
        return StreamStatus(
            taken=reader.taken, skipped=reader.skipped, lost=reader.lost
        )

    def take(self) -> list[Trigger]:
        """Return the triggers that were not taken yet, maybe none."""
        found: list[Trigger] = []
        while self._reader.available > 0:
            # row by row: mostly there is one, and an array operation costs more
            for row in self._reader.read(_MOST).rows.tolist():
                seq, host_ns, device_ns, _, line, edge = row
                if line == self._line and edge == EDGE_RISING:
                    found.append(Trigger(seq, host_ns, device_ns))
        return found


@dataclass(frozen=True, slots=True)
class Match:
    """What a frame tells of the triggers."""

    trigger: Trigger | None = None
    """Its own; None if there was none, or the host does not know of it yet."""
    unheard: tuple[Trigger, ...] = ()
    """Triggers before it that the camera did not hear."""
    surplus: int = 0
    """Of how many missing frames the triggers are not waiting any more."""


class SentTriggers:
    """Triggers that the host has sent to a camera, until their frames are there."""

    def __init__(self) -> None:
        self._sent: deque[tuple[Trigger, int]] = deque()

    def __len__(self) -> int:
        """Return how many wait for their frames."""
        return len(self._sent)

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest one was sent."""
        return self._sent[0][1] if self._sent else None

    def send(self, trigger: Trigger, sent_ns: int) -> None:
        """Note a trigger that was sent."""
        self._sent.append((trigger, sent_ns))

    def frame(self, exposed_ns: int | None, missing: int) -> Match:
        """Match a frame.

        Parameters
        ----------
        exposed_ns
            Host time at which its exposure began; None where the camera does not
            tell. Then only the order counts.
        missing
            Frames that were lost on the way before it.
        """
        if not self._sent:
            return Match(surplus=missing)
        place = min(missing, len(self._sent) - 1)
        if exposed_ns is not None:
            began_ns = exposed_ns + _SLACK_NS
            earlier = sum(sent_ns <= began_ns for _, sent_ns in self._sent)
            place = max(earlier - 1, 0)
        before = tuple(self._sent.popleft()[0] for _ in range(place))
        trigger, _ = self._sent.popleft()
        return Match(trigger, before[missing:], max(missing - place, 0))

    def overdue(self, before_ns: int) -> list[Trigger]:
        """Give up, and return, the triggers that were sent before then."""
        late: list[Trigger] = []
        while self._sent and self._sent[0][1] < before_ns:
            late.append(self._sent.popleft()[0])
        return late


@dataclass(frozen=True, slots=True)
class _Exposure:
    device_ns: int
    host_ns: int
    missing: int


class WiredTriggers:
    """Triggers that reach a camera by wire, matched to frames by both clocks.

    Both devices stamp what they see, so from one frame to the next as much time
    passes as from its trigger to the next one's: that tells which triggers the
    camera did not hear. The first frame belongs to the first trigger that the host
    did not know of before (but for half a period).

    Parameters
    ----------
    rate_hz
        Nominal rate of the triggers.
    """

    def __init__(self, rate_hz: float) -> None:
        self._half_ns = round(0.5e9 / rate_hz)
        self._waiting: deque[Trigger] = deque()
        self._early: deque[_Exposure] = deque()
        self._last: tuple[Trigger, int] | None = None
        self._unheard: list[Trigger] = []

    def __len__(self) -> int:
        """Return how many triggers wait for their frames."""
        return len(self._waiting)

    def restart(self) -> None:
        """Match the next frame like the first."""
        self._last = None
        self._early.clear()

    def expect(self, trigger: Trigger) -> None:
        """Note a trigger that the camera should have heard."""
        self._waiting.append(trigger)
        while self._early and (match := self._settle(self._early[0])) is not None:
            self._early.popleft()
            self._unheard.extend(match.unheard)

    def frame(self, device_ns: int, exposed_ns: int, missing: int) -> Match:
        """Match a frame.

        Parameters
        ----------
        device_ns
            The camera's stamp of it; negative without one.
        exposed_ns
            Host time at which its exposure began.
        missing
            Frames that were lost on the way before it.
        """
        exposure = _Exposure(device_ns, exposed_ns, missing)
        settled = None if self._early else self._settle(exposure)
        if settled is None:
            self._early.append(exposure)
            return Match()
        return settled

    def unheard(self) -> list[Trigger]:
        """Return, once, what was found out when a trigger came after its frame."""
        found, self._unheard = self._unheard, []
        return found

    def overdue(self, before_ns: int) -> list[Trigger]:
        """Give up, and return, the triggers that the host knew of before then."""
        late: list[Trigger] = []
        while self._waiting and self._waiting[0].host_ns < before_ns:
            late.append(self._waiting.popleft())
        return late

    def _settle(self, exposure: _Exposure) -> Match | None:
        """Decide about a frame; None when more triggers must be known."""
        if not self._waiting:
            return None
        if exposure.device_ns < 0 or self._is_reset(exposure):
            return self._match(exposure, min(exposure.missing, len(self) - 1))
        offs = self._offs(exposure)
        if self._last is None:
            # the host may learn of a trigger late, but not before it happens
            first = (k for k, off in enumerate(offs) if off >= -self._half_ns)
            k = next(first, None)
            return None if k is None else self._match(exposure, k)
        k = min(range(len(offs)), key=lambda i: abs(offs[i]))
        if abs(offs[k]) <= self._half_ns:
            return self._match(exposure, k)
        # the frame is later than all that is known, or its trigger is not known
        return None if offs[k] < 0 else Match()

    def _match(self, exposure: _Exposure, place: int) -> Match:
        before = tuple(self._waiting.popleft() for _ in range(place))
        trigger = self._waiting.popleft()
        missing, stamp_ns = exposure.missing, exposure.device_ns
        self._last = (trigger, stamp_ns) if stamp_ns >= 0 else None
        return Match(trigger, before[missing:], max(missing - place, 0))

    def _offs(self, exposure: _Exposure) -> list[int]:
        """Return by how much each waiting trigger is later than the frame's own."""
        if self._last is None:
            return [t.host_ns - exposure.host_ns for t in self._waiting]
        trigger, stamp_ns = self._last
        wanted_ns = trigger.device_ns + exposure.device_ns - stamp_ns
        return [t.device_ns - wanted_ns for t in self._waiting]

    def _is_reset(self, exposure: _Exposure) -> bool:
        """Tell whether a clock was set anew: then only the order is left."""
        if self._last is None:
            return False
        return min(abs(off) for off in self._offs(exposure)) > _RESET_NS
