"""The whole benchmark: rounds in turns, then the trials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rig.bench.machine import Conditions, require_memory, require_room
from rig.bench.monitoring.display import display
from rig.bench.monitoring.experiment import write_films
from rig.bench.monitoring.figures import (
    LOOP,
    about,
    across,
    summary,
    target,
    targets_of_rounds,
)
from rig.bench.monitoring.rounds import play
from rig.bench.monitoring.trials import deaths, starts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rig.bench.monitoring.display import Display
    from rig.bench.monitoring.experiment import Experiment
    from rig.bench.monitoring.rounds import Round
    from rig.bench.monitoring.stage import Size

__all__ = ["Plan", "measure"]

_SHOWN_S, _RED_S = 2.0, 1.0
_TRIAL_S = 3.0
"""A trial takes about so long."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    experiment: Experiment
    rounds: int = 5
    seconds: float = 10.0
    """How long each session is looked at."""
    windows: tuple[Size, ...] = ((1280, 720), (1920, 1080))
    trials: int = 6
    """How often the window is opened, and a node killed."""


def measure(plan: Plan, told: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure, and return the figures, ready for JSON.

    Raises
    ------
    SpringhareError
        If there is no room, or a process cannot go on.
    """
    longest_s = max(plan.seconds, _TRIAL_S * plan.trials)
    experiment = replace(plan.experiment, planned_s=longest_s)
    conditions = Conditions(experiment.folder)
    require_room(experiment.folder, experiment.disk_bytes)
    require_memory(experiment.memory_bytes)
    write_films(experiment, told)
    screen_px = (max(w for w, _ in plan.windows), max(h for _, h in plan.windows))
    with display(*screen_px) as screen:
        found = _rounds(plan, experiment, screen, told)
        told(f"opening the window {plan.trials} times")
        opened = starts(experiment, screen, plan.trials)
        told(f"killing {plan.trials} nodes")
        died = deaths(experiment, screen, plan.windows[0], plan.trials)
        name = screen.name
    without = summary(found[None])
    windows = {_words(size): summary(found[size]) for size in plan.windows}
    shown, red = across(opened.seconds), across(died.seconds)
    return {
        "environment": {
            **conditions.noted(),
            **about(experiment),
            "display": name,
            "seconds": plan.seconds,
            "rounds": plan.rounds,
        },
        "without": without,
        "windows": windows,
        "shown_s": {
            **shown,
            "verdict": opened.recorded.verdict,
            "lost": opened.recorded.lost,
            "latency_ms": opened.recorded.latency,
        },
        "death_red_s": {**red, "headlines": died.headlines},
        "targets": [
            *targets_of_rounds(without, windows),
            target("window shown, s, worst", shown["worst"], _SHOWN_S),
            target("lost while windows open", opened.recorded.lost, 0),
            target("death red, s, worst", red["worst"], _RED_S),
        ],
    }


def _rounds(
    plan: Plan,
    experiment: Experiment,
    screen: Display,
    told: Callable[[str], None],
) -> dict[Size | None, list[Round]]:
    ways: Sequence[Size | None] = (None, *plan.windows)
    found: dict[Size | None, list[Round]] = {way: [] for way in ways}
    for number in range(plan.rounds):
        first = number % len(ways)
        for way in (*ways[first:], *ways[:first]):  # each goes first as often
            one = play(experiment, screen, way, plan.seconds)
            found[way].append(one)
            told(f"round {number + 1}, {_sentence(way, one)}")
    return found


def _sentence(way: Size | None, one: Round) -> str:
    words = (
        f"{_words(way) if way else 'no window'}: {one.recorded.verdict}, "
        f"{one.recorded.lost} lost, load {one.load:.1f}"
    )
    if LOOP in one.latency:
        words += f", loop p99 {one.latency[LOOP].p99_ms:.1f} ms"
    if one.drawing is None:
        return words
    least = min(one.drawing.painted_per_s.values(), default=0.0)
    return (
        f"{words}; {least:.1f} pictures/s at {100 * one.cores['monitor']:.0f} % of a "
        f"core, {one.drawing.memory_mb:.0f} MB"
    )


def _words(size: Size) -> str:
    return "x".join(str(number) for number in size)
