"""A camera that another device triggers by wire; the host only keeps the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.devices.camera_triggering import NO_FRAME, STOPPED, UNPLUGGED, TriggerBooks
from rig.devices.triggers import WiredTriggers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.devices.camera_driver import CameraDriver, Grab
    from rig.messages import StreamStatus

__all__ = ["ByWire"]


class ByWire:
    """A pulse on one of the camera's lines; the host only keeps the books.

    Parameters
    ----------
    books
        What became of each trigger.
    rate_hz
        Nominal rate of the triggers.
    """

    def __init__(
        self,
        books: TriggerBooks,
        rate_hz: float,
    ) -> None:
        self._books = books
        self._wired = WiredTriggers(rate_hz)

    def listen(self) -> None:
        """Learn of new triggers."""
        for trigger in self._books.take():
            self._wired.expect(trigger)

    def work(self, driver: CameraDriver) -> None:
        """Give up on triggers that no frame came of."""
        del driver
        self._books.ignore(self._wired.unheard(), NO_FRAME)
        self._books.give_up(self._wired.overdue)

    def frame(self, grab: Grab, exposed_ns: int, missing: int) -> tuple[int, int]:
        """Match a frame."""
        self.listen()  # its trigger may have come just now
        match = self._wired.frame(grab.device_ns, exposed_ns, missing)
        return self._books.matched(match, grab)

    def unplugged(self) -> None:
        """Account for the triggers of a camera that is gone."""
        self.listen()
        self._drop(UNPLUGGED)

    def replugged(self) -> None:
        """Match the next frame like the first."""
        self._wired.restart()

    def waiting(self) -> int:
        """Return how many triggers are not accounted for yet."""
        return len(self._wired)

    def hurried(self) -> bool:
        """Return False: the wire carries the triggers."""
        return False

    def finish(self) -> None:
        """Account for all that is left: the camera has stopped."""
        self._drop(STOPPED)

    def latencies_ns(self) -> Iterable[int]:
        """Return the last times from a trigger's arrival here to its image's."""
        return self._books.latencies

    def status(self) -> StreamStatus | None:
        """Return how we stand with the stream of triggers."""
        return self._books.status

    def _drop(self, cause: str) -> None:
        self._books.ignore(self._wired.unheard(), NO_FRAME)
        self._books.ignore(self._wired.overdue(2**63 - 1), cause)
