"""How a camera is made to expose: by itself, by wire, or by the host.

Each way sees to it that every trigger is accounted for exactly once: it became a
frame, a failed grab or a missing ID, or it is counted as ignored, with the cause.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from rig.devices.triggers import SentTriggers, WiredTriggers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rig.devices.camera_driver import CameraDriver, Grab
    from rig.devices.camera_output import CameraOutput
    from rig.devices.triggers import Trigger, TriggerFollower
    from rig.messages import StreamStatus
    from sync.clock import Clock

__all__ = ["ByHost", "ByItself", "ByWire", "Triggering"]

_LATEST_NS = 1_000_000_000
"""A trigger that is older is not carried out: its picture would be of another moment.
So many may wait; each frame's own exposure tells how late it was."""
_PATIENCE_NS = 20_000_000
"""Time after an exposure in which its image should be there; then we ask the camera
whether it is ready although the image is not."""
_GIVE_UP_NS = 3_000_000_000
"""Longer than any image is on its way: none may come of a trigger that was given up."""
_HELD_UP_NS = 200_000_000
_LATENCIES = 256

NO_FRAME = "no frame came: the camera did not hear the trigger"
TOO_LATE = "the camera was busy for too long: lower rate or exposure"
UNPLUGGED = "the camera was unplugged"
STOPPED = "the acquisition was stopped"


class Triggering(Protocol):
    """One way; the camera's node calls these."""

    def listen(self) -> None:
        """Learn of new triggers."""
        ...

    def work(self, driver: CameraDriver) -> None:
        """Send triggers if that is the host's task, and give up on lost ones."""
        ...

    def frame(self, grab: Grab, exposed_ns: int, missing: int) -> tuple[int, int]:
        """Match a frame, whole or not.

        Parameters
        ----------
        grab
            The frame.
        exposed_ns
            Host time at which its exposure began.
        missing
            Frames that were lost on the way before it.

        Returns
        -------
        tuple of int
            `seq` of its trigger, -1 where there is none or it is not known yet; and
            of how many missing frames the triggers were given up before.
        """
        ...

    def unplugged(self) -> None:
        """Account for the triggers that came, or come, while there is no camera."""
        ...

    def replugged(self) -> None:
        """Begin anew with a camera that is back."""
        ...

    def waiting(self) -> int:
        """Return how many triggers are not accounted for yet."""
        ...

    def hurried(self) -> bool:
        """Tell whether a trigger waits for nothing but the camera's being ready."""
        ...

    def finish(self) -> None:
        """Account for all that is left: the camera has stopped."""
        ...

    def latencies_ns(self) -> Iterable[int]:
        """Return the last times from a trigger's arrival here to its image's."""
        ...

    def status(self) -> StreamStatus | None:
        """Return how we stand with the stream of triggers, if there is one."""
        ...


class ByItself:
    """The camera paces itself."""

    def listen(self) -> None:
        """Do nothing: there are no triggers."""

    def work(self, driver: CameraDriver) -> None:
        """Do nothing: there is nothing to send."""

    def frame(self, grab: Grab, exposed_ns: int, missing: int) -> tuple[int, int]:
        """Return (-1, 0): no trigger asked for the frame."""
        del grab, exposed_ns, missing
        return -1, 0

    def unplugged(self) -> None:
        """Do nothing: the node estimates from the rate what is missing."""

    def replugged(self) -> None:
        """Do nothing: there is nothing to begin anew."""

    def waiting(self) -> int:
        """Return 0."""
        return 0

    def hurried(self) -> bool:
        """Return False."""
        return False

    def finish(self) -> None:
        """Do nothing: there is nothing left."""

    def latencies_ns(self) -> Iterable[int]:
        """Return none."""
        return ()

    def status(self) -> StreamStatus | None:
        """Return None: no stream is read."""
        return None


class _Account:
    """What the triggered ways share: the triggers' books."""

    def __init__(
        self, follower: TriggerFollower, output: CameraOutput, clock: Clock
    ) -> None:
        self.follower = follower
        self.output = output
        self.clock = clock
        self.latencies: deque[int] = deque(maxlen=_LATENCIES)
        self._looked_ns = self._patient_ns = clock.now()
        self._given_up = 0

    def may_give_up(self, now_ns: int) -> bool:
        """Tell whether we have looked long enough: not just after we were held up."""
        if now_ns - self._looked_ns > _HELD_UP_NS:
            self._patient_ns = now_ns + _GIVE_UP_NS
        self._looked_ns = now_ns
        return now_ns >= self._patient_ns

    def take(self) -> list[Trigger]:
        triggers = self.follower.take()
        if triggers:
            self.output.count("triggers_seen", len(triggers))
        return triggers

    def ignore(self, triggers: Iterable[Trigger], cause: str) -> None:
        for trigger in triggers:
            self.output.lose("triggers_ignored", 1, cause, trigger.seq)

    def give_up(self, triggers: Sequence[Trigger]) -> None:
        self.ignore(triggers, NO_FRAME)
        self._given_up += len(triggers)

    def matched(
        self, trigger: Trigger | None, grab: Grab, missing: int
    ) -> tuple[int, int]:
        known = min(missing, self._given_up)
        self._given_up = 0
        if trigger is None:
            return -1, known
        self.latencies.append(grab.arrival_ns - trigger.host_ns)
        return trigger.seq, known


class ByHost:
    """The host sends a software trigger for each trigger in the stream.

    Never before the last exposure has ended: a camera, and Basler's emulator above
    all, swallows such a trigger without a word.

    Parameters
    ----------
    follower
        Reads the triggers.
    output
        Where losses go.
    clock
        Host clock.
    exposure_ns
        Length of an exposure.
    """

    def __init__(
        self,
        follower: TriggerFollower,
        output: CameraOutput,
        clock: Clock,
        exposure_ns: int,
    ) -> None:
        self._books = _Account(follower, output, clock)
        self._exposure_ns = exposure_ns
        self._waiting: deque[Trigger] = deque()
        self._sent = SentTriggers()
        self._ready = False

    def listen(self) -> None:
        """Learn of new triggers."""
        self._waiting.extend(self._books.take())

    def work(self, driver: CameraDriver) -> None:
        """Send the next trigger as soon as the camera can hear it."""
        now_ns = self._books.clock.now()
        if self._books.may_give_up(now_ns):
            late_ns = now_ns - self._exposure_ns - _GIVE_UP_NS
            self._books.give_up(self._sent.overdue(late_ns))
        while self._waiting and now_ns - self._waiting[0].host_ns > _LATEST_NS:
            self._books.ignore([self._waiting.popleft()], TOO_LATE)
        # asked ahead of the next trigger, because some cameras take long to answer
        if not self._ready and self._may_ask(now_ns):
            self._ready = driver.ready()
        if self._waiting and self._ready:
            self._send(driver)

    def frame(self, grab: Grab, exposed_ns: int, missing: int) -> tuple[int, int]:
        """Match a frame."""
        began_ns = exposed_ns if grab.device_ns >= 0 else None
        trigger, unheard = self._sent.frame(began_ns, missing)
        self._books.ignore(unheard, NO_FRAME)
        return self._books.matched(trigger, grab, missing)

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
        """Tell whether a trigger waits for nothing but the camera's being ready."""
        return bool(self._waiting) and self._may_ask(self._books.clock.now())

    def finish(self) -> None:
        """Account for all that is left: the camera has stopped."""
        self._drop(STOPPED)

    def latencies_ns(self) -> Iterable[int]:
        """Return the last times from a trigger's arrival here to its image's."""
        return self._books.latencies

    def status(self) -> StreamStatus | None:
        """Return how we stand with the stream of triggers."""
        return self._books.follower.status

    def _may_ask(self, now_ns: int) -> bool:
        oldest_ns = self._sent.oldest_ns
        return (
            oldest_ns is None or now_ns - oldest_ns > self._exposure_ns + _PATIENCE_NS
        )

    def _send(self, driver: CameraDriver) -> None:
        trigger = self._waiting.popleft()
        self._ready = False
        sent_ns = self._books.clock.now()
        self._sent.send(trigger, sent_ns)
        driver.trigger(trigger)
        self._books.output.count("triggers_sent")

    def _drop(self, cause: str) -> None:
        left = [*self._sent.overdue(2**63 - 1), *self._waiting]
        self._waiting.clear()
        self._books.ignore(left, cause)


class ByWire:
    """A pulse on one of the camera's lines; the host only keeps the books.

    Parameters
    ----------
    follower
        Reads the triggers that the wire carried.
    output
        Where losses go.
    clock
        Host clock.
    exposure_ns
        Length of an exposure.
    rate_hz
        Nominal rate of the triggers.
    """

    def __init__(
        self,
        follower: TriggerFollower,
        output: CameraOutput,
        clock: Clock,
        exposure_ns: int,
        rate_hz: float,
    ) -> None:
        self._books = _Account(follower, output, clock)
        self._wired = WiredTriggers(rate_hz)
        self._exposure_ns = exposure_ns

    def listen(self) -> None:
        """Learn of new triggers."""
        for trigger in self._books.take():
            self._wired.expect(trigger)

    def work(self, driver: CameraDriver) -> None:
        """Give up on triggers that no frame came of."""
        del driver
        self._books.ignore(self._wired.unheard(), NO_FRAME)
        now_ns = self._books.clock.now()
        if self._books.may_give_up(now_ns):
            late_ns = now_ns - self._exposure_ns - _GIVE_UP_NS
            self._books.give_up(self._wired.overdue(late_ns))

    def frame(self, grab: Grab, exposed_ns: int, missing: int) -> tuple[int, int]:
        """Match a frame."""
        self.listen()  # its trigger may have come just now
        trigger = self._wired.frame(grab.device_ns, exposed_ns, missing)
        return self._books.matched(trigger, grab, missing)

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
        return self._books.follower.status

    def _drop(self, cause: str) -> None:
        self._books.ignore(self._wired.unheard(), NO_FRAME)
        self._books.ignore(self._wired.overdue(2**63 - 1), cause)
