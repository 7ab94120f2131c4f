"""Sessions with the window and without it, in turns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rig.bench.monitoring.experiment import LOOKED_AT
from rig.bench.monitoring.stage import MONITOR, Stage
from rig.recording.latency import Latency, durations, pose_moments
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.bench.monitoring.display import Display
    from rig.bench.monitoring.experiment import Experiment
    from rig.bench.monitoring.session import Recorded
    from rig.bench.monitoring.stage import Seen, Size

__all__ = ["Drawing", "Round", "play"]

_SETTLED_S = 1.0
"""A window has laid itself out by then."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a window drew, and what it took."""

    platform: str
    drawn_per_s: float
    """Ticks with a new picture."""
    painted_per_s: Mapping[str, float]
    """Pictures, by camera."""
    memory_mb: float
    """Its own, at the end."""


@dataclass(frozen=True, slots=True)
class Round:
    """One session."""

    recorded: Recorded
    latency: Mapping[str, Latency]
    """By stage of the loop, from poses while it was looked at."""
    cores: Mapping[str, float]
    """What each process took of a core, by role."""
    drawing: Drawing | None
    load: float
    """Load average when it began."""


def play(
    experiment: Experiment, screen: Display, size: Size | None, seconds: float
) -> Round:
    """Play a session, and look at it for so long.

    Raises
    ------
    SpringhareError
        If a process cannot go on.
    """
    load = os.getloadavg()[0]
    with Stage(experiment, screen, size) as stage:
        stage.watch(_SETTLED_S)
        began = stage.look()
        stage.watch(seconds)
        ended = stage.look()
        recorded = stage.finish()
        latency = _latency(Path(recorded.folder), began.at_ns, ended.at_ns)
        drawing = _drawing(stage.platform, began, ended)
    return Round(recorded, latency, _cores(began, ended), drawing, load)


def _latency(folder: Path, began_ns: int, ended_ns: int) -> dict[str, Latency]:
    """Return what the loop took while it was looked at.

    What a window costs while it opens is left out; `Recorded.latency` has it.
    """
    with Recording.open(folder) as recording:
        poses = recording.rows(f"poses/{LOOKED_AT}")
        within = (poses["host_ns"] >= began_ns) & (poses["host_ns"] < ended_ns)
        took = durations(pose_moments(poses[within]))
    return {stage: Latency.of(ns) for stage, ns in took.items() if len(ns)}


def _cores(began: Seen, ended: Seen) -> dict[str, float]:
    seconds = (ended.at_ns - began.at_ns) / 1e9
    return {
        role: (usage.cpu_s - began.used[role].cpu_s) / seconds
        for role, usage in ended.used.items()
    }


def _drawing(platform: str, began: Seen, ended: Seen) -> Drawing | None:
    if began.counts is None or ended.counts is None:
        return None
    seconds = (ended.counts.at_ns - began.counts.at_ns) / 1e9
    painted = began.counts.painted
    return Drawing(
        platform,
        (ended.counts.drawn - began.counts.drawn) / seconds,
        {
            name: (count - painted[name]) / seconds
            for name, count in ended.counts.painted.items()
        },
        ended.used[MONITOR].memory_bytes / 1e6,
    )
