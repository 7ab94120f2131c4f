"""All sections in their order: the same seeds each time, ours and peers in turns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from offline.archive.pool import open_pool
from offline.bench.aligning import frames, matching, models, speed, verdicts
from offline.bench.aligning.peers import PEERS, missing_peers
from offline.bench.aligning.targets import targets
from rig.bench.machine import Conditions
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager

    from offline.archive.pool import Pool
    from offline.bench.aligning.models import Row
    from offline.bench.aligning.plan import Plan

__all__ = ["Phase", "measure", "silent"]

_TRAINS_AT_ONCE = 10

R = TypeVar("R")


class Phase(Protocol):
    """Shows how far a section is."""

    def __call__(
        self, name: str, steps: int
    ) -> AbstractContextManager[Callable[[], None]]:
        """Begin a section of so many steps; what is yielded is called after each."""
        ...


@contextmanager
def silent(name: str, steps: int) -> Generator[Callable[[], None]]:
    """Show nothing."""
    yield lambda: None


def measure(plan: Plan, phase: Phase = silent) -> dict[str, Any]:
    """Measure what a plan says.

    Returns
    -------
    dict
        Ready for JSON; each section under its name, and under ``targets`` what was
        wanted and what was found.
    """
    begin = MonotonicClock().now()
    conditions = Conditions()
    missing = missing_peers()
    present = [name for name in PEERS if name not in missing]
    found: dict[str, Any] = {}
    with open_pool(plan.workers) as pool:
        run = _Run(plan, pool, phase, present)
        for section in plan.sections:
            if section != "speed":
                found[section] = getattr(run, section)()
    if "speed" in plan.sections:
        with phase("speed", plan.rounds) as done:
            found["speed"] = speed.measure(plan.span_s, plan.rounds, done)
    return {
        "environment": conditions.noted(),
        "plan": {
            "seeds": list(range(plan.seeds)),
            "tail_seeds": list(range(plan.tail_seeds)),
            "span_s": plan.span_s,
            "trains": plan.trains,
            "workers": plan.workers,
        },
        "peers": {
            name: {
                "title": peer.title,
                "source": peer.source,
                "missing": missing.get(name),
            }
            for name, peer in PEERS.items()
        },
        **found,
        "targets": targets(found),
        "seconds": (MonotonicClock().now() - begin) * 1e-9,
    }


class _Run:
    """The sections that workers share."""

    def __init__(
        self, plan: Plan, pool: Pool, phase: Phase, peers: Sequence[str]
    ) -> None:
        self._plan, self._pool, self._phase = plan, pool, phase
        self._peers = tuple(peers)
        self._seeds = range(plan.seeds)

    def models(self) -> list[dict[str, Any]]:
        return self._rows("models", models.MODEL_ROWS, self._seeds, self._peers)

    def heavy(self) -> list[dict[str, Any]]:
        seeds = range(self._plan.tail_seeds)
        return self._rows("heavy", models.HEAVY_ROWS, seeds, ())

    def matching(self) -> list[dict[str, Any]]:
        cases, span_s = matching.CASES, self._plan.span_s
        tasks = [(case, seed, span_s) for seed in self._seeds for case in cases]
        trials = self._all("matching", matching.trial, tasks)
        return [
            matching.summary(case, trials[k :: len(cases)])
            for k, case in enumerate(cases)
        ]

    def verdicts(self) -> dict[str, Any]:
        trains = self._plan.trains
        parts = [
            (range(first, min(first + _TRAINS_AT_ONCE, trains)),)
            for first in range(0, trains, _TRAINS_AT_ONCE)
        ]
        judged = self._all("verdicts", verdicts.trial, parts)
        return verdicts.summary([one for part in judged for one in part])

    def frames(self) -> dict[str, Any]:
        tasks = [(seed, self._plan.span_s) for seed in self._seeds]
        return frames.summary(self._all("frames", frames.trial, tasks))

    def _rows(
        self, name: str, rows: Sequence[Row], seeds: range, peers: tuple[str, ...]
    ) -> list[dict[str, Any]]:
        span_s = self._plan.span_s
        tasks = [(row, seed, span_s, peers) for seed in seeds for row in rows]
        trials = self._all(name, models.trial, tasks)
        return [
            models.summary(row, trials[k :: len(rows)]) for k, row in enumerate(rows)
        ]

    def _all(
        self, name: str, function: Callable[..., R], tasks: Sequence[tuple[Any, ...]]
    ) -> list[R]:
        results: list[R] = []
        with self._phase(name, len(tasks)) as done:
            for result in self._pool.map(function, tasks):
                results.append(result)
                done()
        return results
