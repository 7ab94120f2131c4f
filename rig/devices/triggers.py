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
    from rig.bus.reader import StreamReader

__all__ = ["SentTriggers", "Trigger", "TriggerFollower", "WiredTriggers"]

_MOST = 256
_RESET_NS = 1_000_000_000


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

    def __init__(self, reader: StreamReader, line: str) -> None:
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
            rows = self._reader.read(_MOST).rows
            wanted = (rows["line"] == self._line) & (rows["edge"] == EDGE_RISING)
            chosen = rows[["seq", "host_ns", "device_ns"]][wanted]
            found.extend(Trigger(*row) for row in chosen.tolist())
        return found


class SentTriggers:
    """Triggers that the host has sent to a camera, until their frames are there."""

    def __init__(self) -> None:
        self._sent: deque[tuple[Trigger, int]] = deque()

    def __len__(self) -> int:
        """Return how many wait for their frames."""
        return len(self._sent)

    def send(self, trigger: Trigger, sent_ns: int) -> None:
        """Note a trigger that was sent."""
        self._sent.append((trigger, sent_ns))

    def frame(
        self, exposed_ns: int, missing: int
    ) -> tuple[Trigger | None, list[Trigger]]:
        """Match a frame.

        Parameters
        ----------
        exposed_ns
            Host time by which its exposure had begun.
        missing
            Frames that were lost on the way before it.

        Returns
        -------
        tuple
            The frame's trigger, None if none was sent; and the triggers before it
            that the camera did not hear.
        """
        for _ in range(min(missing, len(self._sent) - 1)):
            self._sent.popleft()
        ignored: list[Trigger] = []
        found: Trigger | None = None
        while self._sent and self._sent[0][1] <= exposed_ns:
            if found is not None:
                ignored.append(found)
            found, _ = self._sent.popleft()
        return found, ignored

    def overdue(self, before_ns: int) -> list[Trigger]:
        """Give up, and return, the triggers that were sent before then."""
        late: list[Trigger] = []
        while self._sent and self._sent[0][1] < before_ns:
            late.append(self._sent.popleft()[0])
        return late

    def oldest_ns(self) -> int | None:
        """Return when the oldest one was sent."""
        return self._sent[0][1] if self._sent else None


class WiredTriggers:
    """Triggers that reach a camera by wire, matched to frames by both clocks.

    Both devices stamp what they see, so from one frame to the next as much time
    passes as from its trigger to the next one's: that tells which triggers the
    camera did not hear. The first frame belongs to the trigger that is nearest on
    the host's clock.

    Parameters
    ----------
    rate_hz
        Nominal rate of the triggers.
    """

    def __init__(self, rate_hz: float) -> None:
        self._half_ns = round(0.5e9 / rate_hz)
        self._waiting: deque[Trigger] = deque()
        self._last: tuple[Trigger, int] | None = None

    def __len__(self) -> int:
        """Return how many triggers wait for their frames."""
        return len(self._waiting)

    def expect(self, trigger: Trigger) -> None:
        """Note a trigger that the camera should have heard."""
        self._waiting.append(trigger)

    def restart(self) -> None:
        """Match the next frame like the first."""
        self._last = None

    def frame(
        self, device_ns: int, exposed_ns: int, missing: int
    ) -> tuple[Trigger | None, list[Trigger]]:
        """Match a frame.

        Parameters
        ----------
        device_ns
            The camera's stamp of it; negative without one.
        exposed_ns
            Host time at which its exposure began.
        missing
            Frames that were lost on the way before it.

        Returns
        -------
        tuple
            The frame's trigger, None if it is not known yet; and the triggers
            before it that the camera did not hear.
        """
        k = self._place(device_ns, exposed_ns, missing)
        if k is None:
            return None, []
        before = [self._waiting.popleft() for _ in range(k)]
        found = self._waiting.popleft()
        self._last = (found, device_ns) if device_ns >= 0 else None
        return found, before[min(missing, k) :]

    def overdue(self, before_ns: int) -> list[Trigger]:
        """Give up, and return, the triggers that the host knew of before then."""
        late: list[Trigger] = []
        while self._waiting and self._waiting[0].host_ns < before_ns:
            late.append(self._waiting.popleft())
        return late

    def _place(self, device_ns: int, exposed_ns: int, missing: int) -> int | None:
        """Return which of the waiting triggers is the frame's."""
        if not self._waiting:
            return None
        if device_ns < 0:
            return min(missing, len(self._waiting) - 1)
        if self._last is None:
            offs = [abs(t.host_ns - exposed_ns) for t in self._waiting]
            return offs.index(min(offs))
        last, stamp_ns = self._last
        wanted_ns = last.device_ns + device_ns - stamp_ns
        offs = [abs(t.device_ns - wanted_ns) for t in self._waiting]
        best = min(offs)
        if best > _RESET_NS:  # a clock was set anew: only the order is left
            return min(missing, len(self._waiting) - 1)
        return offs.index(best) if best <= self._half_ns else None
