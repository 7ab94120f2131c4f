"""The monitor's memory over a long session: as much at the end as at the beginning."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from rig.bench.machine import Conditions, require_memory, require_room
from rig.bench.monitoring.display import display
from rig.bench.monitoring.experiment import write_films
from rig.bench.monitoring.figures import about, grown, target
from rig.bench.monitoring.stage import MONITOR, Stage
from rig.monitor.live.feed import KEPT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.bench.monitoring.experiment import Experiment
    from rig.bench.monitoring.stage import Size

__all__ = ["soak"]

_WANTED = 1.02
_FILLED_MIN = round(2 * KEPT_S / 60)
"""What can be scrolled back has taken its memory by then: it holds twice as much."""
_LEAST_MIN = 3
"""Minutes after that without which nothing is said of growth."""


def soak(
    experiment: Experiment,
    size: Size,
    minutes: int,
    told: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Show one session for so long, and return the window's memory by the minute.

    What can be scrolled back takes its memory in the first minutes: only a longer run
    tells whether it grows.

    Raises
    ------
    SpringhareError
        If there is no room, or a process cannot go on.
    """
    conditions = Conditions(experiment.folder)
    require_room(experiment.folder, experiment.disk_bytes)
    require_memory(experiment.memory_bytes)
    write_films(experiment, told)
    found: list[dict[str, float]] = []
    with display(*size) as screen, Stage(experiment, screen, size) as stage:
        before = stage.look()
        for minute in range(1, minutes + 1):
            stage.watch(60.0)
            seen = stage.look()
            seconds = (seen.at_ns - before.at_ns) / 1e9
            used, since = seen.used[MONITOR], before.used[MONITOR]
            drawn = (seen.counts.drawn if seen.counts else 0) - (
                before.counts.drawn if before.counts else 0
            )
            found.append(
                {
                    "memory_mb": round(used.memory_bytes / 1e6, 1),
                    "core": round((used.cpu_s - since.cpu_s) / seconds, 3),
                    "drawn_per_s": round(drawn / seconds, 1),
                    "load": round(os.getloadavg()[0], 2),
                }
            )
            told(
                f"minute {minute} of {minutes}: {found[-1]['memory_mb']:.1f} MB, "
                f"{100 * found[-1]['core']:.0f} % of a core"
            )
            before = seen
        recorded = stage.finish()
        place = screen.name
    settled = [minute["memory_mb"] for minute in found[_FILLED_MIN:]]
    targets = [target("lost", recorded.lost, 0)]
    if len(settled) >= _LEAST_MIN:
        name = f"memory of the last third / of the first, from minute {_FILLED_MIN + 1}"
        targets.append(target(name, grown(settled), _WANTED))
    return {
        "environment": {**conditions.noted(), **about(experiment), "display": place},
        "window": list(size),
        "minutes": found,
        "verdict": recorded.verdict,
        "lost": recorded.lost,
        "filled_after_minutes": _FILLED_MIN,
        "targets": targets,
    }
