"""All trials, some at once, and what they add up to."""

from __future__ import annotations

import signal
from collections import deque
from dataclasses import asdict, dataclass
from multiprocessing.connection import wait
from statistics import median
from typing import TYPE_CHECKING, Any

from rig.bench.machine import Conditions, require_memory, require_room
from rig.bench.survival.attack import Pace
from rig.bench.survival.examination import KINDS
from rig.bench.survival.play import Outcome, play
from rig.bench.survival.trial import PHASES, VICTIMS, draw
from rig.bench.workers import Workers
from rig.errors import SpringhareError
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

__all__ = ["Plan", "measure", "summary"]

_SESSION_BYTES = 100_000_000
"""A trial's session, what is laid out ahead included; more than it takes."""
_RING_BYTES = 40_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be survived."""

    kills: int = 200
    seed: int = 1
    victims: Sequence[str] = VICTIMS
    at_once: int = 1
    """Sessions that run side by side."""
    only: Sequence[int] = ()
    """Trials that are to be played, instead of all."""

    @property
    def numbers(self) -> Sequence[int]:
        """The trials' numbers."""
        return self.only or range(self.kills)


def measure(
    plan: Plan, folder: Path, told: Callable[[Outcome], None]
) -> dict[str, Any]:
    """Play all trials.

    Parameters
    ----------
    plan
        What is to be survived.
    folder
        On the disk that is to be written to; the sessions of trials with a fault
        stay in it.
    told
        Is told of each trial as it ends.

    Returns
    -------
    dict
        Environment, plan, a summary and every trial, ready for JSON.

    Raises
    ------
    SpringhareError
        If disk or memory do not suffice, or a trial could not be played.
    """
    require_room(folder, plan.at_once * _SESSION_BYTES)
    require_memory(plan.at_once * _RING_BYTES)
    conditions = Conditions(folder)
    clock = MonotonicClock()
    began_ns = clock.now()
    outcomes: list[Outcome] = []
    for outcome in _play_all(plan, folder):
        outcomes.append(outcome)
        told(outcome)
    outcomes.sort(key=lambda outcome: outcome.trial.number)
    return {
        "environment": conditions.noted(),
        "plan": asdict(plan),
        "summary": summary(outcomes),
        "trials": [asdict(outcome) for outcome in outcomes],
        "seconds": round((clock.now() - began_ns) / 1e9, 1),
    }


def _play_all(plan: Plan, folder: Path) -> Iterator[Outcome]:
    """Play all trials in processes of their own; yield each as it ends."""
    numbers = deque(plan.numbers)
    with Workers() as workers:
        busy: dict[Connection, int] = {}
        for _ in range(min(plan.at_once, len(numbers))):
            lane = workers.start(_lane, folder, plan.seed, tuple(plan.victims))
            busy[lane] = numbers.popleft()
            lane.send(busy[lane])
        while busy:
            ready = wait(list(busy))
            for lane in [lane for lane in busy if lane in ready]:
                yield _hear(lane, busy.pop(lane))
                if numbers:
                    busy[lane] = numbers.popleft()
                    lane.send(busy[lane])


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what trials add up to: together, by victim, by victim and phase."""
    victims = [v for v in VICTIMS if any(o.trial.victim == v for o in outcomes)]
    return {
        "together": _sum(outcomes),
        "by_victim": {
            victim: {
                **_sum([o for o in outcomes if o.trial.victim == victim]),
                "phases": {
                    phase: _sum(
                        [
                            o
                            for o in outcomes
                            if (o.trial.victim, o.trial.phase) == (victim, phase)
                        ]
                    )
                    for phase in PHASES
                },
            }
            for victim in victims
        },
    }


def _sum(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    faults: dict[str, int] = dict.fromkeys(KINDS, 0)
    for fault in (fault for outcome in outcomes for fault in outcome.faults):
        faults[fault.kind] += fault.count
    salvages = [o.salvage_ms for o in outcomes if o.salvage_ms is not None]
    return {
        "trials": len(outcomes),
        "kills": sum(outcome.struck for outcome in outcomes),
        "faulty": sum(bool(outcome.faults) for outcome in outcomes),
        "faults": faults,
        "committed_rows": sum(outcome.committed for outcome in outcomes),
        "rows_in_rings_only": sum(outcome.waiting for outcome in outcomes),
        "rows_in_ring_only_worst": max([0, *(o.waiting_worst for o in outcomes)]),
        "never_recorded_worst": max([0, *(outcome.never for outcome in outcomes)]),
        "recorded_rows": sum(outcome.recorded for outcome in outcomes),
        "segments": sum(outcome.segments for outcome in outcomes),
        "salvages": len(salvages),
        "salvage_ms_median": median(salvages) if salvages else None,
        "salvage_ms_worst": max(salvages) if salvages else None,
        "end_s_worst": max([0.0, *(outcome.end_s for outcome in outcomes)]),
        "remarks": [remark for outcome in outcomes for remark in outcome.remarks],
    }


def _hear(lane: Connection, number: int) -> Outcome:
    try:
        outcome = lane.recv()
    except EOFError as error:
        msg = (
            f"Expected an outcome of trial {number}, got the end of the process that "
            "played it: see its own message"
        )
        raise SpringhareError(msg) from error
    if not isinstance(outcome, Outcome):
        msg = f"Expected an outcome of trial {number}, got {outcome}"
        raise SpringhareError(msg)
    return outcome


def _lane(folder: Path, seed: int, victims: tuple[str, ...], link: Connection) -> None:
    """Play the trials that are asked for, one after the other."""
    # Ctrl-C is the parent's, but must not be blocked: a session inherits that
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    pace = Pace()
    while True:
        number = link.recv()
        link.send(play(draw(number, seed, victims), folder, pace, link))
