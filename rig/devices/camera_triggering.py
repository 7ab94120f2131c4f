"""How a camera is made to expose: by itself, by the host, or by wire.

Each way sees to it that every trigger is accounted for exactly once: it became a
frame, a failed grab or a missing ID, or it is counted as ignored, with the cause.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rig.devices.camera_driver import CameraDriver, Grab
    from rig.devices.camera_output import CameraOutput
    from rig.devices.triggers import Match, Trigger, TriggerFollower
    from rig.messages import StreamStatus
    from sync.clock import Clock

__all__ = [
    "NO_FRAME",
    "STOPPED",
    "UNPLUGGED",
    "ByItself",
    "TriggerBooks",
    "Triggering",
]

_GIVE_UP_NS = 3_000_000_000
"""A camera that was silent for longer has no image on its way: none may come of a
trigger that was given up. One that still delivers may be as late as it likes, and is
found to be deaf to a trigger by the next one's frame."""
_HELD_UP_NS = 200_000_000
_LATENCIES = 256

NO_FRAME = "no frame came: the camera did not hear the trigger"
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
        """Tell whether something is to be asked soon, whatever comes."""
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


class TriggerBooks:
    """What the triggered ways share: what became of each trigger.

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
        self.exposure_ns = exposure_ns
        self._follower = follower
        self._output = output
        self._clock = clock
        self._looked_ns = self._patient_ns = clock.now()
        self._given_up = 0
        self.latencies: deque[int] = deque(maxlen=_LATENCIES)
        """From each trigger's arrival here to its image's, ns; the last ones."""

    @property
    def status(self) -> StreamStatus:
        """How we stand with the stream of triggers."""
        return self._follower.status

    def now(self) -> int:
        """Return the host time in ns."""
        return self._clock.now()

    def take(self) -> list[Trigger]:
        """Return the triggers that are new, and count them."""
        triggers = self._follower.take()
        if triggers:
            self._output.count("triggers_seen", len(triggers))
        return triggers

    def sent(self) -> None:
        """Count a trigger that the host has sent."""
        self._output.count("triggers_sent")

    def ignore(self, triggers: Iterable[Trigger], cause: str) -> None:
        """Account for triggers that no frame will come of."""
        for trigger in triggers:
            self._output.lose("triggers_ignored", 1, cause, trigger.seq)

    def give_up(self, overdue: Callable[[int], Sequence[Trigger]]) -> None:
        """Account for triggers that waited too long, if the camera is silent.

        It is not known to be while we looked away.
        """
        now_ns = self.now()
        if now_ns - self._looked_ns > _HELD_UP_NS:
            self._patient_ns = now_ns + _GIVE_UP_NS
        self._looked_ns = now_ns
        if now_ns >= self._patient_ns:
            late = overdue(now_ns - _GIVE_UP_NS - self.exposure_ns)
            self.ignore(late, NO_FRAME)
            self._given_up += len(late)

    def matched(self, match: Match, grab: Grab) -> tuple[int, int]:
        """Enter a frame; return as `Triggering.frame` does."""
        self._patient_ns = self.now() + _GIVE_UP_NS
        self.ignore(match.unheard, NO_FRAME)
        known = min(match.surplus, self._given_up)
        self._given_up = 0
        if match.trigger is None:
            return -1, known
        self.latencies.append(grab.arrival_ns - match.trigger.host_ns)
        return match.trigger.seq, known
