"""One trial, from the session's start to what is left of it."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rig.bench.survival.attack import Attack, Pace
from rig.bench.survival.evidence import Table, Witness, committed_rows
from rig.bench.survival.examination import Fault, Remains, examine
from rig.bench.survival.experiment import write_experiment
from rig.bench.survival.session import LiveSession, SessionEndedError
from rig.bus.directory import abandoned
from rig.errors import SpringhareError
from rig.recording.layout import SESSION_FILE, segments_folder
from rig.recording.ledger import Ledger
from rig.recording.reader import Recording
from rig.supervisor.ending import salvage_abandoned
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Generator
    from multiprocessing.connection import Connection

    from rig.bench.survival.trial import Trial

__all__ = ["Outcome", "play"]

_END_S = 90.0
"""Longest that a session may take to end after the kill."""
_LONG_S = 60.0
"""Length of a session that is to be stopped by hand."""
_SECONDS = {"start": 0.5, "steady": 1.8, "segment": 1.8, "stop": 0.6}
_TRIES = 4
"""A victim that had ended already is tried for again, earlier."""
_STATUSES = {0, 1, 2}
"""With which a command ends that was not killed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial."""

    trial: Trial
    struck: bool = False
    """Whether the victim was there to be killed."""
    during: str = ""
    """What the session said it was doing at the kill."""
    committed: int = 0
    """Rows that were committed right after the kill."""
    waiting: int = 0
    """Rows that were in the rings only."""
    waiting_worst: int = 0
    """The same of the stream that had the most."""
    recorded: int = 0
    """Rows of the session in the end."""
    never: int = 0
    """Rows that were published and are not recorded in the end, of the worst stream."""
    segments: int = 0
    """Segment files of the session in the end."""
    remarks: tuple[str, ...] = ()
    """Of the session's ledger, such as how long a restarted recorder was away."""
    salvage_ms: float | None = None
    """Time that the salvage took; None where the supervisor ended the session."""
    end_s: float = 0.0
    """From the kill until no process was left."""
    seconds: float = 0.0
    """Of the whole trial."""
    folder: str = ""
    """Where the session is kept; empty if it was removed."""
    faults: tuple[Fault, ...] = ()


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
        try:
            outcome = _play_once(trial, folder, pace, link)
        except EOFError:
            shutil.rmtree(folder)
            raise
        if outcome.faults:
            return replace(outcome, folder=str(folder))
        shutil.rmtree(folder)
        tries += 1
        if outcome.struck or tries == _TRIES:
            return outcome
        trial = replace(trial, share=trial.share / 2)


def _play_once(trial: Trial, folder: Path, pace: Pace, link: Connection) -> Outcome:
    shm = Path(f"/dev/shm/sprh-bench-{os.getpid()}-{trial.number}")
    options = [*write_experiment(trial, folder), *_options(trial)]
    with _own_memory(shm), LiveSession(folder, shm, options, link) as session:
        return _Play(trial, session, folder, pace).run()


@contextmanager
def _own_memory(shm: Path) -> Generator[None]:
    """Let this process see the shared memory of one session and no other's."""
    before = os.environ.get("SPRINGHARE_SHM")
    os.environ["SPRINGHARE_SHM"] = str(shm)
    try:
        yield
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
        self, trial: Trial, session: LiveSession, folder: Path, pace: Pace
    ) -> None:
        self._trial = trial
        self._session = session
        self._folder = folder
        self._pace = pace
        self._clock = MonotonicClock()
        self._witness = Witness(session.shm)
        self._faults: list[Fault] = []

    def run(self) -> Outcome:
        """Wait, strike, look, wait for the end, save what is left, look again."""
        trial, session = self._trial, self._session
        attack = Attack(trial, session, self._witness, self._pace)
        with suppress(SessionEndedError):
            attack.wait()
        self._witness.look()
        during = next(reversed(session.phases), "")
        kill_ns = self._clock.now()
        struck = attack.strike()
        before = self._look()
        self._witness.look()
        heads = self._witness.heads()
        self._end()
        gone_ns = self._clock.now()
        self._pace.learn(session, gone_ns, ended=not trial.headless)
        salvage_ms = self._save()
        remains = Remains(
            trial,
            session.folder or self._folder / "no session",
            kill_ns,
            self._goes_until(),
            before,
            self._witness.published(),
        )
        self._faults += [*self._left_over(), *examine(remains)]
        waiting = [n - _rows(before, name) for name, n in heads.items()]
        recorded, never, segments = _in_the_end(remains)
        return Outcome(
            trial,
            struck,
            during,
            committed=sum(len(table.rows) for table in before.values()),
            waiting=sum(n for n in waiting if n > 0),
            waiting_worst=max([0, *waiting]),
            recorded=recorded,
            never=never,
            segments=segments,
            remarks=_remarks(remains.folder),
            salvage_ms=salvage_ms,
            end_s=(gone_ns - kill_ns) / 1e9,
            seconds=(self._clock.now() - session.began_ns) / 1e9,
            faults=tuple(self._faults),
        )

    def _look(self) -> dict[str, Table]:
        """Open the session as anybody would; return what is committed."""
        folder = self._session.folder
        if folder is None or not (folder / SESSION_FILE).exists():
            return {}
        try:
            return committed_rows(folder / SESSION_FILE)
        except (OSError, KeyError) as error:
            self._faults.append(Fault("unopenable", f"after the kill: {error}"))
            return {}

    def _end(self) -> None:
        """Wait until everybody has gone."""
        left = self._session.until_gone(_END_S, self._witness.look)
        for pid, role in left.items():
            text = f"{role} ({pid}) still runs {_END_S:g} s later"
            self._faults.append(Fault("left_over", text))
        status = self._session.process.returncode
        if not self._trial.headless and status not in _STATUSES:
            self._faults.append(Fault("other", f"the supervisor ended with {status}"))

    def _save(self) -> float | None:
        """Salvage what nobody ended; return how long it took, in ms."""
        left = abandoned()
        if left and not self._trial.headless:
            self._faults.append(Fault("left_over", "the supervisor left its rings"))
        began_ns = self._clock.now()
        folder = self._session.folder
        if left and folder and self._trial.recover and any(folder.iterdir()):
            self._recover(folder)
        with _logged(self._folder / "salvage.log"):
            salvage_abandoned()
        return (self._clock.now() - began_ns) / 1e6 if left else None

    def _recover(self, folder: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "rig.cli", "recover", str(folder), "--json"],
            capture_output=True,
            check=False,
        )
        (self._folder / "recover.json").write_bytes(done.stdout)
        began = (folder / SESSION_FILE).exists()
        if b"Traceback" in done.stderr or (began and done.returncode not in {0, 1}):
            words = done.stderr.decode(errors="replace").strip()[-500:]
            self._faults.append(Fault("other", f"recover: {done.returncode}: {words}"))

    def _goes_until(self) -> int:
        """Return until when whoever does not need the victim must have gone on."""
        if self._trial.phase not in {"steady", "segment"}:
            return 0
        return self._session.phases.get("stopping", 0)

    def _left_over(self) -> list[Fault]:
        """Return what should have been removed, and what nobody should have said."""
        faults = [
            Fault("left_over", f"{path.name} in shared memory")
            for path in self._session.shm.glob("*")
            if path.is_dir()
        ]
        folder = self._session.folder
        if folder is not None:
            began = (folder / SESSION_FILE).exists()
            faults += [
                Fault("left_over", f"{path.relative_to(folder)} in the session")
                for path in folder.rglob(".*")
                if began  # else it is no session, and nobody will make it one
            ]
            faults += [
                Fault("other", f"an unforeseen error of {path.stem}")
                for path in folder.glob("log/*.stderr")
                if b"Traceback" in path.read_bytes()
            ]
        if b"Traceback" in self._session.said:
            faults.append(Fault("other", "an unforeseen error of the supervisor"))
        return faults


def _rows(tables: dict[str, Table], name: str) -> int:
    return len(tables[name].rows) if name in tables else 0


def _in_the_end(remains: Remains) -> tuple[int, int, int]:
    """Return its rows, those that the worst stream lacks, and its segments."""
    path = remains.folder / SESSION_FILE
    after: dict[str, Table] = {}
    if path.exists():
        with suppress(OSError, KeyError):  # a fault already
            after = committed_rows(path)
    lacking = [
        table.missing + len(table.rows) - _rows(after, name)
        for name, table in remains.published.items()
    ]
    recorded = sum(len(table.rows) for table in after.values())
    segments = len(list(segments_folder(remains.folder).glob("*.h5")))
    return recorded, max([0, *lacking]), segments


def _remarks(folder: Path) -> tuple[str, ...]:
    with suppress(SpringhareError), Recording.open(folder) as recording:
        if recording.ledger is not None:
            return tuple(Ledger.from_json(recording.ledger).remarks)
    return ()


@contextmanager
def _logged(path: Path) -> Generator[None]:
    """Write what is said meanwhile to a file instead of the screen."""
    logger = logging.getLogger("rig")
    handler = logging.FileHandler(path, delay=True)
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)
        handler.close()
