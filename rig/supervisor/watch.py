"""The watch over a session that records: deaths, restarts, the disk, faults."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rig.recording.ledger import RECORDER
from rig.recording.remarks import DIED, RESTARTED, STOPPED_EARLY
from rig.supervisor.disk_watch import DiskWatch
from rig.supervisor.latency_watch import INFERENCE, LatencyWatch
from rig.supervisor.permission_watch import PermissionWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rig.supervisor.blinding import Blind
    from rig.supervisor.children import Child
    from rig.supervisor.crew import Crew
    from rig.supervisor.disturb import Disturber
    from rig.supervisor.restart import Restarter
    from rig.supervisor.rings import SessionRings
    from sync.clock import Clock

__all__ = ["Watch"]

_COMING_BACK_NS = 15_000_000_000
"""So long the end of a session waits for a node that is being restarted."""

logger = logging.getLogger(__name__)


class Watch:
    """Looks after a session's nodes, a little at each turn.

    Parameters
    ----------
    crew, rings
        The session's nodes and rings.
    restarter
        Brings nodes back.
    disturber
        Plays the faults of a script.
    stop
        Ends the session, for a reason.
    clock
        Host clock.
    actuator
        The device that has the actuator, if there is one.
    blind
        What must not be told while shams are drawn.
    """

    def __init__(
        self,
        crew: Crew,
        rings: SessionRings,
        restarter: Restarter,
        disturber: Disturber,
        stop: Callable[[str], None],
        clock: Clock,
        actuator: str | None = None,
        blind: Blind | None = None,
    ) -> None:
        self._crew = crew
        self._rings = rings
        self._restarter = restarter
        self._disturber = disturber
        self._stop = stop
        self._clock = clock
        self._disk = DiskWatch()
        self._latency = LatencyWatch()
        self._permission = None if actuator is None else PermissionWatch(actuator)
        self._blind = blind
        self._ending = False

    def turn(self, elapsed_s: float) -> None:
        """Look at everything once.

        Parameters
        ----------
        elapsed_s
            Seconds since the recording began.
        """
        for node, strike in self._disturber.play(elapsed_s, self._crew.children):
            self._rings.note(node, "fault", f"{strike} sent by the fault script")
        self._tend()
        self._look_at_disk()
        self._judge_latency(self._crew.metrics(INFERENCE))
        self._look_at_permission()

    def bury(self) -> None:
        """Take note of the nodes that died, and do what their plans say."""
        for child in self._crew.newly_gone():
            self._on_death(child)

    def hear_last(self, node: str, metrics: Mapping[str, float]) -> None:
        """Look at the figures that a node gave when it stopped.

        Its last heartbeat may be half a second older.
        """
        if node == INFERENCE:
            self._judge_latency(metrics)

    def finish(self) -> None:
        """Let go of what is held, and wait for who is on the way back."""
        self._disturber.relent(self._crew.children)
        until_ns = self._clock.now() + _COMING_BACK_NS
        while self._restarter.busy and self._clock.now() < until_ns:
            self._crew.listen(20)
            self._tend()
        self._restarter.give_up()
        self._ending = True

    def _tend(self) -> None:
        for child in self._crew.hung():
            self._rings.note(child.name, "hung", "no heartbeat for 10 s; killed")
            child.hung = True
            child.process.kill()  # heard of as a death, when the kernel lets it go
        self.bury()
        if (back := self._restarter.turn()) is not None:
            logger.warning("%s %s", back.name, back.detail)
            self._rings.note(back.name, RESTARTED, back.detail)

    def _on_death(self, child: Child) -> None:
        cause = child.why_gone()
        logger.error("Node %s died: %s", child.name, cause)
        self._rings.note(child.name, DIED, cause)
        refusal = "" if self._ending else self._restarter.refusal(child)
        if not (self._ending or refusal):
            self._restarter.begin(child, cause)
            return
        if child.plan.on_death == "restart" and refusal:
            logger.error("%s is not restarted: %s", child.name, refusal)
        self._restarter.give_up(child)
        child.cause = cause
        self._rings.close_of(child.name)
        if child.plan.on_death != "continue":
            self._stop(f"{child.name} died: {cause}")

    def _judge_latency(self, metrics: Mapping[str, float]) -> None:
        for state, detail in self._latency.changes(metrics, self._clock.now()):
            self._rings.note(INFERENCE, state, detail)
            if self._blind is None or not self._blind.hides(detail.replace(" ", "_")):
                logger.warning("%s: %s", INFERENCE, detail)

    def _look_at_permission(self) -> None:
        if self._permission is not None:
            device = self._permission.device
            for change in self._permission.changes(self._crew.metrics(device)):
                self._rings.note(device, *change)

    def _look_at_disk(self) -> None:
        metrics = self._crew.metrics(RECORDER)
        if warning := self._disk.warning(metrics):
            logger.warning("%s", warning.capitalize())
            self._rings.note(RECORDER, "warning", warning)
        if reason := self._disk.stop_reason(metrics):
            logger.error("Stopping: %s", reason)
            self._rings.note("supervisor", STOPPED_EARLY, reason)
            self._stop(reason)
