"""The kill: waiting for its instant, and striking then."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.bench.survival.processes import strike

if TYPE_CHECKING:
    from rig.bench.survival.evidence import Witness
    from rig.bench.survival.session import LiveSession
    from rig.bench.survival.trial import Trial

__all__ = ["Attack", "Pace"]

_AT_SEGMENT_S = 0.004
"""The kill comes so long after a segment's file appears, at most."""


@dataclass(slots=True)
class Pace:
    """How long the phases take on this machine, from the sessions before."""

    start_s: float = 5.0
    """From the command until it records."""
    attach_s: float = 0.8
    """The last part of it, from when the rings are made."""
    dismiss_s: float = 0.3
    """From the stop until all nodes were asked to end."""
    stop_s: float = 0.5
    """From the stop until the processes have gone."""

    def learn(self, session: LiveSession, gone_ns: int, *, ended: bool) -> None:
        """Take over what a session took.

        Parameters
        ----------
        gone_ns
            When its last process had gone.
        ended
            Whether the supervisor was there to end it.
        """
        said = session.phases
        if "recording" in said:
            self.start_s = (said["recording"] - session.began_ns) / 1e9
            self.attach_s = (said["recording"] - said["attaching"]) / 1e9
        if "closing the ledger" in said and ended:
            self.dismiss_s = (said["closing the ledger"] - said["stopping"]) / 1e9
            self.stop_s = (gone_ns - said["stopping"]) / 1e9


class Attack:
    """One trial's kill.

    Parameters
    ----------
    trial
        Who is killed, and when.
    session
        Which is to be struck.
    witness
        Sees what is published.
    pace
        Of the machine.
    """

    def __init__(
        self, trial: Trial, session: LiveSession, witness: Witness, pace: Pace
    ) -> None:
        self._trial = trial
        self._session = session
        self._witness = witness
        self._pace = pace
        self._aim: list[int] = []
        """The victim's processes, as far as they were there before the instant."""

    def wait(self) -> None:
        """Wait for the instant.

        Raises
        ------
        SessionEndedError
            If the session ended before.
        """
        session, trial = self._session, self._trial
        if trial.phase == "start":
            self._wait_in_start()
            return
        session.until_phase("recording")
        self._witness.look()  # the rings may be gone at the end
        self._aim = session.pids(trial.victim)
        if trial.phase == "steady":
            session.pause(0.1 + trial.share)
        elif trial.phase == "segment":
            session.pause(trial.share)
            session.until_segment_changes()
            session.pause(self._chance("segment") * _AT_SEGMENT_S)
        elif trial.interrupted:
            session.pause(0.3 + 0.5 * self._chance("interrupt"))
            session.interrupt()
            session.pause(trial.share * self._stop_s())
        else:
            session.until_phase("stopping")
            session.pause(trial.share * self._stop_s())

    def _wait_in_start(self) -> None:
        session, trial, pace = self._session, self._trial, self._pace
        if trial.close:
            session.until_phase("attaching")
            self._aim = session.pids(trial.victim)
            session.pause(trial.share * pace.attach_s, "recording")
        else:
            session.pause(trial.share * pace.start_s, "recording")
        if not (self._aim or session.pids(trial.victim)):
            session.until_born(trial.victim)
            session.pause(trial.share * pace.attach_s, "recording")

    def _stop_s(self) -> float:
        """Return how long the victim has still to live when the session stops."""
        pace = self._pace
        return pace.stop_s if self._trial.headless else pace.dismiss_s

    def strike(self) -> bool:
        """Kill the victim; return whether it was alive."""
        victim = self._trial.victim
        struck = False
        pids = self._aim or self._session.pids(victim)
        while pids:
            random.Random(self._trial.seed).shuffle(pids)
            found = [strike(pid) for pid in pids]
            struck |= any(found)
            self._session.process.poll()  # its number must not stay
            # whoever was born meanwhile
            pids = self._session.pids(victim) if victim == "all" else []
        return struck

    def _chance(self, what: str) -> float:
        return random.Random(f"{self._trial.seed} {what}").random()
