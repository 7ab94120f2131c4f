"""What rounds and trials add up to, and what they should reach. Pure."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.bench.monitoring.stage import MONITOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.bench.monitoring.experiment import Experiment
    from rig.bench.monitoring.rounds import Drawing, Round

__all__ = [
    "about",
    "across",
    "grown",
    "quartile",
    "summary",
    "target",
    "targets_of_rounds",
]

LOOP = "pose"
"""The stage that is held against noise: from exposure to decision, of every frame."""
_STAGES = ("wait", "network", LOOP)
_WHOLE = {"session_pose": "pose", "session_total": "total"}
"""What the ledger says of the whole session, with the window's opening."""
_FRAMES_PER_S, _CORE = 25.0, 0.40


def about(experiment: Experiment) -> dict[str, Any]:
    """Return what was recorded."""
    return {
        "cameras": experiment.cameras,
        "rate_hz": experiment.rate_hz,
        "shape": [experiment.height_px, experiment.width_px],
        "mb_per_s": round(experiment.mb_per_s, 1),
    }


def target(
    name: str, value: float, wanted: float, *, at_least: bool = False
) -> dict[str, Any]:
    """Return a target, and whether it was met.

    Examples
    --------
    >>> (
    ...     target("lost", 0, 0)["met"],
    ...     target("frames/s", 24.0, 25.0, at_least=True)["met"],
    ... )
    (True, False)
    """
    return {
        "name": name,
        "value": round(value, 4),
        "wanted": wanted,
        "at_least": at_least,
        "met": value >= wanted if at_least else value <= wanted,
    }


def across(values: Sequence[float], digits: int = 3) -> dict[str, Any]:
    """Return the median of some values, and all of them.

    Examples
    --------
    >>> across([3.0, 1.0, 2.0])
    {'median': 2.0, 'worst': 3.0, 'all': [3.0, 1.0, 2.0]}
    """
    rounded = [round(value, digits) for value in values]
    return {
        "median": round(median(values), digits),
        "worst": max(rounded),
        "all": rounded,
    }


def grown(values: Sequence[float]) -> float:
    """Return the median of the last third over the median of the first.

    Examples
    --------
    >>> grown([10.0, 12.0, 12.0, 12.0, 11.0, 11.0])
    1.0
    """
    third = max(1, len(values) // 3)
    return median(values[-third:]) / median(values[:third])


def quartile(values: Sequence[float]) -> float:
    """Return the upper quartile.

    Examples
    --------
    >>> quartile([22.0, 23.0, 24.0, 26.0, 85.0])
    26.0
    """
    return round(float(np.percentile(values, 75)), 3)


def summary(rounds: Sequence[Round]) -> dict[str, Any]:
    """Return the figures of the rounds of one kind."""
    found: dict[str, Any] = {
        "verdicts": [one.recorded.verdict for one in rounds],
        "lost": [one.recorded.lost for one in rounds],
        "latency_ms": _latency(rounds),
        "core": {
            role: across([one.cores[role] for one in rounds])
            for role in sorted(rounds[0].cores)
            if all(role in one.cores for one in rounds)
        },
        "load": [round(one.load, 2) for one in rounds],
    }
    drawings = [one.drawing for one in rounds if one.drawing is not None]
    if drawings:
        found["window"] = _window(drawings)
    return found


def _latency(rounds: Sequence[Round]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for stage in _STAGES:
        if all(stage in one.latency for one in rounds):
            times = [one.latency[stage] for one in rounds]
            found[stage] = {
                "p50": across([time.p50_ms for time in times]),
                "p99": across([time.p99_ms for time in times]),
            }
    for name, stage in _WHOLE.items():
        if all(stage in one.recorded.latency for one in rounds):
            whole = [one.recorded.latency[stage]["p99_ms"] for one in rounds]
            found[name] = {"p99": across(whole)}
    return found


def _window(drawings: Sequence[Drawing]) -> dict[str, Any]:
    return {
        "platform": drawings[0].platform,
        "drawn_per_s": across([one.drawn_per_s for one in drawings], 1),
        "least_painted_per_s": across(
            [min(one.painted_per_s.values(), default=0.0) for one in drawings], 1
        ),
        "memory_mb": across([one.memory_mb for one in drawings], 1),
    }


def targets_of_rounds(
    without: Mapping[str, Any], windows: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what rounds with windows should reach beside those without.

    The loop's p99 is unchanged within noise where its median over the rounds with a
    window is no worse than the upper quartile of the rounds without any: one that was
    disturbed by others makes no noise of its own.

    Parameters
    ----------
    without, windows
        As of `summary`; with windows by their size.
    """
    found: list[dict[str, Any]] = []
    for size, figures in windows.items():
        painted = figures["window"]["least_painted_per_s"]["median"]
        core = figures["core"][MONITOR]["median"]
        found += [
            target(f"{size}: pictures/s", painted, _FRAMES_PER_S, at_least=True),
            target(f"{size}: of a core", core, _CORE),
            target(f"{size}: lost", sum(figures["lost"]), 0),
        ]
        if LOOP in figures["latency_ms"] and LOOP in without["latency_ms"]:
            here, noise = (one["latency_ms"][LOOP]["p99"] for one in (figures, without))
            name = f"{size}: loop p99, ms, and the upper quartile without a window"
            found.append(target(name, here["median"], quartile(noise["all"])))
    return found
