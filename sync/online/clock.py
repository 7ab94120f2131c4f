"""The clock of one device on the host's, over all its jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync.online.segment import News, Segment

if TYPE_CHECKING:
    from sync.online.state import ClockState

__all__ = ["OnlineClock"]

_TRIAL = 5
"""Messages in which a new segment may turn out to be a stray stamp."""


class OnlineClock:
    """The clock of one device on the host's, fed with every message of the device.

    A jump of the device's clock (a reset, a pause, a step) begins a new segment, in
    which nothing of the old one counts but its skew. A single stray stamp is found
    out by the messages after it; then the old one goes on under a new number.

    Examples
    --------
    >>> clock = OnlineClock()
    >>> clock.update(device_ns=1_000, host_ns=501_000)
    >>> clock.to_host(2_000)[0]
    502000
    """

    def __init__(self) -> None:
        self._number = -1
        self.restart()

    @property
    def state(self) -> ClockState | None:
        """The newest state; None before the first message.

        It is replaced whole, so that another thread may read it.
        """
        return self._state

    def restart(self) -> None:
        """Begin a new segment, as when a device was plugged in anew."""
        self._number += 1
        self._segment: Segment | None = None
        self._former: Segment | None = None
        self._trial = 0
        self._state: ClockState | None = None

    def update(self, device_ns: int, host_ns: int) -> None:
        """Take a message: it was stamped at `device_ns`, and here at `host_ns`."""
        offset_ns = host_ns - device_ns
        segment = self._segment or self._begin(device_ns, offset_ns)
        if self._trial:
            segment = self._reconsider(segment, device_ns, offset_ns)
        news = segment.take_message(device_ns, offset_ns)
        if news is News.JUMP:
            segment = self._begin(device_ns, offset_ns)
            news = segment.take_message(device_ns, offset_ns)
        if news is not News.NONE:
            self._state = segment.state(self._number)

    def update_two_way(self, device_ns: int, sent_ns: int, received_ns: int) -> None:
        """Take an answer: asked at `sent_ns`, stamped in between, here in the end."""
        segment = self._segment
        if segment is not None and segment.is_too_old(device_ns, sent_ns - device_ns):
            self._begin(device_ns, received_ns - device_ns)
        self.update(device_ns, received_ns)
        segment = self._segment
        if segment is None:
            return
        if segment.take_exchange(device_ns, sent_ns, received_ns) is News.STATE:
            self._state = segment.state(self._number)

    def to_host(self, device_ns: int) -> tuple[int, int]:
        """Return the host time of a device time, and its standard deviation.

        Raises
        ------
        ValueError
            If there was no message yet.
        """
        state = self._state
        if state is None:
            msg = "Expected at least one message of the device before its time is asked"
            raise ValueError(msg)
        return state.to_host(device_ns)

    def _begin(self, device_ns: int, offset_ns: int) -> Segment:
        former = self._segment
        if former is not None:
            self._number += 1
            if former.settled:
                self._former, self._trial = former, _TRIAL
        known = None if self._former is None else self._former.floor
        self._segment = segment = Segment(device_ns, offset_ns, known)
        return segment

    def _reconsider(self, segment: Segment, device_ns: int, offset_ns: int) -> Segment:
        """Go back to the former segment if a message is of that one."""
        self._trial -= 1
        former = self._former
        if former is not None and former.fits(device_ns, offset_ns):
            self._number += 1
            self._segment = segment = former
            self._state = segment.state(self._number)
            self._trial = 0
        if not self._trial:
            self._former = None
        return segment
