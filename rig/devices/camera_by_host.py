"""A camera that the host triggers by software, on each trigger of another device."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rig.devices.camera_triggering import STOPPED, UNPLUGGED, TriggerBooks
from rig.devices.triggers import SentTriggers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.devices.camera_driver import CameraDriver, Grab
    from rig.devices.triggers import Trigger
    from rig.messages import StreamStatus

__all__ = ["ByHost"]

_LATEST_NS = 1_000_000_000
"""A trigger that is older is not carried out: its picture would be of another moment.
So many may wait; each frame's own exposure tells how late it was."""
_PATIENCE_NS = 20_000_000
"""Time after an exposure in which its image should be there; then we ask the camera
whether it is ready although the image is not."""
_TOO_LATE = "the camera was busy for too long: lower rate or exposure"


class ByHost:
    """The host sends a software trigger for each trigger in the stream.

    Never before the last exposure has ended: a camera, and Basler's emulator above
    all, swallows such a trigger without a word.

    Parameters
    ----------
    books
        What became of each trigger.
    """

    def __init__(self, books: TriggerBooks) -> None:
        self._books = books
        self._waiting: deque[Trigger] = deque()
        self._sent = SentTriggers()
        self._ready = False

    def listen(self) -> None:
        """Learn of new triggers."""
        self._waiting.extend(self._books.take())

    def work(self, driver: CameraDriver) -> None:
        """Send the next trigger as soon as the camera can hear it."""
        self._books.give_up(self._sent.overdue)
        now_ns = self._books.now()
        while self._waiting and now_ns - self._waiting[0].host_ns > _LATEST_NS:
            self._books.ignore([self._waiting.popleft()], _TOO_LATE)
        # asked ahead of the next trigger, because some cameras take long to answer
        if not self._ready and self._may_ask(now_ns):
            self._ready = driver.ready()
        if self._waiting and self._ready:
            self._send(driver)

    def frame(self, grab: Grab, exposed_ns: int, missing: int) -> tuple[int, int]:
        """Match a frame."""
        began_ns = exposed_ns if grab.device_ns >= 0 else None
        return self._books.matched(self._sent.frame(began_ns, missing), grab)

    def unplugged(self) -> None:
        """Account for the triggers of a camera that is gone."""
        self.listen()
        self._ready = False
        self._drop(UNPLUGGED)

    def replugged(self) -> None:
        """Ask anew whether the camera is ready."""
        self._ready = False

    def waiting(self) -> int:
        """Return how many triggers are not accounted for yet."""
        return len(self._waiting) + len(self._sent)

    def hurried(self) -> bool:
        """Tell whether the camera is not ready yet and may be so soon."""
        return not self._ready and self._may_ask(self._books.now())

    def finish(self) -> None:
        """Account for all that is left: the camera has stopped."""
        self._drop(STOPPED)

    def latencies_ns(self) -> Iterable[int]:
        """Return the last times from a trigger's arrival here to its image's."""
        return self._books.latencies

    def status(self) -> StreamStatus | None:
        """Return how we stand with the stream of triggers."""
        return self._books.status

    def _may_ask(self, now_ns: int) -> bool:
        oldest_ns = self._sent.oldest_ns
        if oldest_ns is None:
            return True
        return now_ns - oldest_ns > self._books.exposure_ns + _PATIENCE_NS

    def _send(self, driver: CameraDriver) -> None:
        trigger = self._waiting.popleft()
        self._ready = False
        sent_ns = self._books.now()
        self._sent.send(trigger, sent_ns)
        driver.trigger(trigger)
        self._books.sent()

    def _drop(self, cause: str) -> None:
        left = [*self._sent.overdue(2**63 - 1), *self._waiting]
        self._waiting.clear()
        self._books.ignore(left, cause)
