"""One trial, from the session's start to what is left of it."""

from __future__ import annotations

import os
import random
import shutil
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rig.bench.survival.evidence import (
    Committed,
    Fault,
    Rings,
    committed_now,
    plainly_opened,
)
from rig.bench.survival.examination import Struck, examine
from rig.bench.survival.processes import strike
from rig.bench.survival.rig import write_experiment
from rig.bench.survival.session import LiveSession, SessionEndedError
from rig.bus.directory import abandoned
from rig.supervisor.ending import salvage_abandoned
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from rig.bench.survival.trial import Trial

__all__ = ["Outcome", "Pace", "play"]

_END_S = 90.0
"""Longest that a session may take to end after the kill."""
_LONG_S = 60.0
"""Length of a session that is to be stopped by hand."""
_SECONDS = {"start": 0.5, "steady": 2.0, "segment": 2.0, "stop": 0.8}
_AT_SEGMENT_S = 0.004
"""The kill comes so long after a segment's file appears, at most."""
_NODES_GO = 0.6
"""The nodes are dismissed after this share of the time that a stop takes."""
_TRIES = 4
"""A victim that had ended already is tried for again, earlier."""


@dataclass(slots=True)
class Pace:
    """How long the phases take on this machine, from the sessions before."""

    start_s: float = 5.0
    """From the command until it records."""
    attach_s: float = 0.8
    """The last part of it, from when the rings are made."""
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
        if "stopping" in said and ended:
            self.stop_s = (gone_ns - said["stopping"]) / 1e9


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial."""

    trial: Trial
    struck: bool
    """Whether the victim was there to be killed."""
    during: str
    """What the session said it was doing at the kill."""
    committed: int = 0
    """Rows that were committed at the kill, or right after it."""
    waiting: int = 0
    """Rows that were in the rings only."""
    recorded: int = 0
    """Rows of the session in the end."""
    segments: int = 0
    """Segment files of the session in the end."""
    verdict: str = ""
    salvage_ms: float | None = None
    """Time that the salvage took; None where the supervisor ended the session."""
    end_s: float = 0.0
    """From the kill until no process was left."""
    seconds: float = 0.0
    """Of the whole trial."""
    folder: str = ""
    """Where the session is; empty if it was removed."""
    faults: tuple[Fault, ...] = field(default=())


def play(trial: Trial, place: Path, pace: Pace, link: Connection) -> Outcome:
    """Play a trial; what it wrote is removed unless it shows a fault.

    Parameters
    ----------
    place
        Folder of all trials.
    pace
        Of the machine; is updated.
    link
        Whoever asked for it.

    Raises
    ------
    EOFError
        If nobody wants to know any more; nothing is left running.
    """
    folder = place / f"trial-{trial.number}"
    tries = 0
    while True:
        folder.mkdir()
        outcome = _play_once(trial, folder, pace, link)
        if outcome.faults:
            return replace(outcome, folder=str(folder))
        shutil.rmtree(folder)
        tries += 1
        if outcome.struck or tries == _TRIES:
            return outcome
        trial = replace(trial, share=trial.share / 2)


def _play_once(trial: Trial, folder: Path, pace: Pace, link: Connection) -> Outcome:
    shm = Path(f"/dev/shm/sprh-bench-{os.getpid()}-{trial.number}")
    before = os.environ.get("SPRINGHARE_SHM")
    os.environ["SPRINGHARE_SHM"] = str(shm)
    try:
        options = [*write_experiment(trial, folder), *_options(trial)]
        with LiveSession(folder, shm, options, link) as session:
            return _Play(trial, session, shm, pace).run()
    finally:
        shutil.rmtree(shm, ignore_errors=True)
        os.environ.pop("SPRINGHARE_SHM")
        if before is not None:
            os.environ["SPRINGHARE_SHM"] = before


def _options(trial: Trial) -> list[str]:
    by_hand = trial.phase == "stop" and trial.interrupted
    seconds = _LONG_S if by_hand else _SECONDS[trial.phase]
    return ["--simulate", f"--seconds={seconds}"]


class _Play:
    """A trial that is being played."""

    def __init__(
        self, trial: Trial, session: LiveSession, shm: Path, pace: Pace
    ) -> None:
        self._trial = trial
        self._session = session
        self._shm = shm
        self._pace = pace
        self._clock = MonotonicClock()
        self._rings = Rings(shm)
        self._faults: list[Fault] = []
        self._headless = trial.victim in {"supervisor", "all"}

    def run(self) -> Outcome:
        """Wait, strike, look, wait for the end, save what is left, look again."""
        with suppress(SessionEndedError):
            self._wait()
        self._rings.hold()
        during = list(self._session.phases)[-1] if self._session.phases else ""
        kill_ns = self._clock.now()
        struck = self._strike()
        before = self._look()
        self._rings.hold()
        waiting = sum(self._rings.heads().values()) - before.count
        self._end()
        gone_ns = self._clock.now()
        self._pace.learn(self._session, gone_ns, ended=not self._headless)
        salvage_ms = self._salvage()
        segments, recorded, verdict = self._examine(kill_ns, before)
        return Outcome(
            self._trial,
            struck,
            during,
            committed=before.count,
            waiting=max(0, waiting),
            recorded=recorded,
            segments=segments,
            verdict=verdict,
            salvage_ms=salvage_ms,
            end_s=(gone_ns - kill_ns) / 1e9,
            seconds=(self._clock.now() - self._session.began_ns) / 1e9,
            faults=tuple(self._faults),
        )

    # -- the kill

    def _wait(self) -> None:
        """Wait for the instant."""
        session, trial = self._session, self._trial
        if trial.phase == "start":
            self._wait_in_start()
            return
        session.until_phase("recording")
        self._rings.hold()
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
            session.pause(trial.share * pace.attach_s, "recording")
        else:
            session.pause(trial.share * pace.start_s, "recording")
        if not session.pids(trial.victim):
            session.until_born(trial.victim)
            session.pause(trial.share * pace.attach_s, "recording")

    def _stop_s(self) -> float:
        """Return how long the victim has still to live when the session stops."""
        return self._pace.stop_s * (1 if self._headless else _NODES_GO)

    def _strike(self) -> bool:
        """Kill the victim; return whether it was alive."""
        everybody = self._trial.victim == "all"
        struck = False
        while pids := self._session.pids(self._trial.victim):
            random.Random(self._trial.seed).shuffle(pids)
            found = [strike(pid) for pid in pids]
            struck |= any(found)
            if not everybody:
                break
            self._session.process.poll()  # its number must not stay
        return struck

    def _chance(self, what: str) -> float:
        return random.Random(f"{self._trial.seed} {what}").random()

    # -- what is left

    def _look(self) -> Committed:
        """Open the session right after the kill, while the others go on."""
        folder = self._session.folder
        if folder is None:
            return Committed()
        try:
            recording = plainly_opened(folder)
            if recording is None:
                return Committed()
            with recording:
                committed = committed_now(recording)
        except (OSError, KeyError) as error:
            self._faults.append(Fault("unopenable", f"after the kill: {error}"))
            return Committed()
        self._faults += committed.torn
        return committed

    def _end(self) -> None:
        """Wait until everybody has gone."""
        left = self._session.until_gone(_END_S)
        for pid, role in left.items():
            text = f"{role} ({pid}) still runs {_END_S:g} s later"
            self._faults.append(Fault("left_over", text))
        status = self._session.process.returncode
        if not self._headless and status not in {0, 1, 2}:
            self._faults.append(Fault("other", f"the supervisor ended with {status}"))

    def _salvage(self) -> float | None:
        """Do what the next session does first; return how long it took, in ms."""
        left = abandoned()
        began_ns = self._clock.now()
        reports = salvage_abandoned()
        took_ms = (self._clock.now() - began_ns) / 1e6
        if left and not self._headless:
            self._faults.append(Fault("left_over", "the supervisor left its rings"))
        return took_ms if reports else None

    def _examine(self, kill_ns: int, before: Committed) -> tuple[int, int, str]:
        self._faults += self._left_over()
        folder = self._session.folder
        if folder is None:
            return 0, 0, ""
        struck = Struck(self._trial, kill_ns, self._goes_until(kill_ns), before)
        try:
            recording = plainly_opened(folder)
            if recording is None:
                published = sum(self._rings.heads().values())
                if published:
                    text = f"{published} rows were published, and there is no session"
                    self._faults.append(Fault("unrecorded", text, published))
                return 0, 0, ""
            with recording:
                self._faults += examine(recording, self._rings, struck)
                recorded = sum(map(recording.count, recording.streams))
                verdict = recording.info.verdict or ""
        except (OSError, KeyError) as error:
            self._faults.append(Fault("unopenable", f"in the end: {error}"))
            return 0, 0, ""
        segments = len(list(folder.glob("segments/*.h5")))
        return segments, recorded, verdict

    def _goes_until(self, kill_ns: int) -> int:
        """Return until when whoever does not need the victim must have gone on."""
        if self._trial.phase not in {"steady", "segment"}:
            return 0
        return self._session.phases.get("stopping", kill_ns)

    def _left_over(self) -> list[Fault]:
        """Return what should have been removed, and what nobody should have said."""
        faults = [
            Fault("left_over", f"{path.name} in shared memory")
            for path in self._shm.glob("*")
            if path.is_dir()
        ]
        folder = self._session.folder
        if folder is not None:
            faults += [
                Fault("left_over", f"{path.relative_to(folder)} in the session")
                for path in folder.rglob(".*")
            ]
            faults += [
                Fault("other", f"an unforeseen error of {path.stem}")
                for path in folder.glob("log/*.stderr")
                if b"Traceback" in path.read_bytes()
            ]
        if b"Traceback" in self._session.said:
            faults.append(Fault("other", "an unforeseen error of the supervisor"))
        return faults
