"""The loop measured, way beside way, in turns; what it should reach."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.bench.looping.evaluation import rules_us
from inference.bench.looping.hygiene import HABITS
from inference.bench.looping.run import Asked, run
from inference.bench.looping.work import Way
from rig.bench.machine import Conditions, require_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from inference.bench.looping.run import Times

__all__ = ["Plan", "habits", "measure"]

OURS, NOTICES, PEERS = "springhare", "notices by ZeroMQ", "frames by ZeroMQ"
LEAST = "the least there is"
_WAYS = {
    OURS: Way(),
    NOTICES: Way(notices="zmq"),
    PEERS: Way(frames="zmq"),
    LEAST: Way(frames="bare"),
}
_STAGES = ("reached", "decided", "heard", "done")
_QUIET_LOAD = 1.0
_RING_S = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    asked: Asked
    rounds: int = 3
    """How often each way is measured, in turns with the others."""
    habits: tuple[str, ...] = ()
    """Each is tried, ours with it beside ours without."""

    @property
    def ways(self) -> dict[str, Way]:
        """What is compared, by name."""
        tried = {f"with {habit}": Way(hygiene=habit) for habit in self.habits}
        return {**_WAYS, **tried}


def measure(plan: Plan, told: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure every way in turns and return the figures, ready for JSON.

    Raises
    ------
    SpringhareError
        If there is no room, or a process cannot go on.
    """
    asked = plan.asked
    height, width = asked.shape
    require_memory(round(_RING_S * asked.rate_hz) * height * width)
    conditions = Conditions()
    load = os.getloadavg()[0]
    names = list(plan.ways)
    found: dict[str, list[Times]] = {name: [] for name in names}
    for number in range(plan.rounds):
        turned = names[number % len(names) :] + names[: number % len(names)]
        for name in turned:  # each goes first as often as the others
            told(f"round {number + 1}: {name}")
            found[name].append(run(plan.ways[name], asked))
    ways = {name: _summary(rounds) for name, rounds in found.items()}
    rules = rules_us()
    return {
        "environment": {
            **conditions.noted(),
            "rate_hz": asked.rate_hz,
            "shape": list(asked.shape),
            "seconds": asked.seconds,
            "rounds": plan.rounds,
            "network": asked.model or f"{asked.network_ms:g} ms",
            "plain": asked.plain,
            "foreign_load": asked.load,
            "fifo": asked.fifo,
        },
        "ways": ways,
        "ratios": _ratios(ways),
        "rules_us": rules,
        "targets": _targets(ways, rules, quiet=load + asked.load < _QUIET_LOAD),
    }


def _summary(rounds: Sequence[Times]) -> dict[str, Any]:
    """Return the median of the rounds' percentiles, and what each round had, in us."""
    found: dict[str, Any] = {}
    for stage in _STAGES:
        each = [np.percentile(getattr(one, f"{stage}_ns"), (50, 99)) for one in rounds]
        p50s, p99s = (np.round(np.array(each).T / 1e3, 1)).tolist()
        found[stage] = {
            "p50_us": float(np.median(p50s)),
            "p99_us": float(np.median(p99s)),
            "rounds_p50_us": p50s,
            "rounds_p99_us": p99s,
        }
    late = [np.percentile(one.late_ns, (50, 99)) / 1e3 for one in rounds]
    p50_us, p99_us = np.median(late, axis=0).tolist()
    return {
        **found,
        "camera_late": {"p50_us": round(p50_us, 1), "p99_us": round(p99_us, 1)},
        "frames": sum(len(one.decided_ns) for one in rounds),
        "skipped": sum(one.skipped for one in rounds),
        "cpu_us_per_frame": round(
            float(np.median([one.cpu_us_per_frame for one in rounds])), 1
        ),
    }


def _ratios(ways: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return how our figures compare: ours / theirs, and with a habit / without."""
    ours = ways[OURS]
    ratios: dict[str, dict[str, float]] = {}
    for name, theirs in ways.items():
        if name == OURS:
            continue
        over, under = (ours, theirs) if name in _WAYS else (theirs, ours)
        ratios[name] = {
            f"{stage}_{part}": round(over[stage][key] / under[stage][key], 3)
            for stage in ("decided", "heard")
            for part, key in (("p50", "p50_us"), ("p99", "p99_us"))
        }
    return ratios


def _targets(
    ways: Mapping[str, Any], rules: Mapping[str, float], *, quiet: bool
) -> list[dict[str, Any]]:
    decided = ways[OURS]["decided"]
    wanted = [("rule evaluation, us", rules["p50_us"], 20.0)]
    if quiet:
        wanted += [
            ("frame to decision p50, us", decided["p50_us"], 300.0),
            ("frame to decision p99, us", decided["p99_us"], 700.0),
        ]
    ratio = decided["p50_us"] / ways[PEERS]["decided"]["p50_us"]
    what = "frame to decision / full frames over ZeroMQ"
    wanted.append((what, round(ratio, 3), 0.5 if quiet else 0.6))
    return [
        {"name": name, "value": value, "wanted": limit, "met": value <= limit}
        for name, value, limit in wanted
    ]


def habits() -> tuple[str, ...]:
    """Return the names of all habits."""
    return tuple(HABITS)
