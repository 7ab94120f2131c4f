"""All lights of a session at once, from a glance and what must not be forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rig.config.rig import LedgerLimits
from rig.monitor.health.judging import (
    clock_lights,
    disk_light,
    inference_lights,
    latency_lights,
    loop_light,
    node_lights,
    stream_lights,
)
from rig.monitor.health.lights import LEVEL_OF_VERDICT, Health, Level, Light

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rig.config.rig import RigConfig
    from rig.config.task import TaskConfig
    from rig.recording.sidecar import Verdict
    from rig.supervisor.status import Status

__all__ = ["Memory", "Remembered", "Terms", "clock_words", "health_of", "session_light"]

_MUTE_S = 2.0
"""The supervisor is asked four times a second."""
_BUSY_S, _HUNG_S = 4.0, 20.0
"""So long it may be busy with one thing while it makes a session ready."""
_ANSWERING = frozenset({"recording", "stopping"})
"""Phases in which it answers all the time."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a session is held to."""

    limits: LedgerLimits = field(default_factory=LedgerLimits)
    """When a loss is little, and when much."""
    armed: bool = True
    """Whether the loop is meant to be armed."""

    @staticmethod
    def of(rig: RigConfig | None, task: TaskConfig | None) -> Terms:
        """Return what the rig file and the task file say."""
        return Terms(
            limits=rig.ledger if rig else LedgerLimits(),
            armed=task is None or task.armed,
        )


@dataclass(frozen=True, slots=True)
class Remembered:
    """What happened to a node or to the session."""

    level: Level
    words: str


@dataclass(slots=True)
class Memory:
    """What a glance does not tell any more."""

    lost_when: dict[str, str] = field(default_factory=dict)
    """By stream, in words: when something was lost last, and why."""
    happened: dict[str, Remembered] = field(default_factory=dict)
    """By node, or by ``session``: what happened, though all looks well again."""


def health_of(
    status: Status | None,
    session: Light,
    terms: Terms,
    memory: Memory,
    *,
    over: bool = False,
) -> Health:
    """Judge how it stands.

    Parameters
    ----------
    status
        The session at a glance; None before anything was heard.
    session
        The light of the session as a whole.
    terms
        What it is held to.
    memory
        What is known beside the glance.
    over
        Whether it has ended: what is lost, or has died, is still of interest.
    """
    lights = [*_remembered([session], memory)]
    if status is not None:
        # of what has ended no pace is to be kept any more
        last = replace(status, phase="ended") if over else status
        lights += _lights(last, terms, memory, over=over)
    return Health(lights)


def _lights(
    status: Status, terms: Terms, memory: Memory, *, over: bool
) -> Iterator[Light]:
    for light in _remembered(node_lights(status), memory):
        if not over or light.subject in memory.happened or light.cells[0] == "failed":
            yield light
    yield from stream_lights(status, terms.limits, memory.lost_when)
    yield from inference_lights(status)
    if over:
        return
    loop = loop_light(status, armed_by_plan=terms.armed)
    if loop is not None:
        yield loop
    yield from latency_lights(status.nodes)
    yield from clock_lights(status)
    disk = disk_light(status)
    if disk is not None:
        yield disk


def _remembered(lights: Iterable[Light], memory: Memory) -> Iterator[Light]:
    for light in lights:
        past = memory.happened.get(light.subject)
        if past is None or past.level <= light.level:
            yield light
        else:
            well = past.level < Level.BAD
            yield replace(light, level=past.level, reason=past.words, past=well)


def session_light(
    status: Status | None,
    *,
    silent_s: float = 0.0,
    gone: bool = False,
    closing: bool = False,
    verdict: Verdict | None = None,
    trouble: str = "",
) -> Light:
    """Return the light of the session as a whole.

    Parameters
    ----------
    status
        The session at a glance; None before anything was heard.
    silent_s
        Seconds since the supervisor was last heard.
    gone
        Whether its process has ended.
    closing
        Whether it has said that all devices have stopped: it adds up, and answers
        nobody.
    verdict
        Of the session, once it has been closed.
    trouble
        Why nothing is heard, where somebody knows more.
    """
    phase = "being made ready" if status is None else status.phase
    if verdict is not None:
        level = LEVEL_OF_VERDICT[verdict]
        reason = "" if level is Level.GOOD else f"ended with {verdict}"
        return _session(level, f"ended: {verdict}", reason)
    if gone and not trouble:
        reason = "the supervisor has ended without a verdict: springhare recover"
        return _session(Level.BAD, "gone", reason)
    if trouble:
        return _session(Level.BAD, phase, trouble)
    if closing:
        return _session(Level.GOOD, "being closed")
    level, reason = _judge_silence(phase, silent_s)
    if reason:
        return _session(level, phase, reason)
    if status is not None and status.reason:
        phase += f" ({status.reason})"
    return _session(Level.GOOD, phase)


def _judge_silence(phase: str, silent_s: float) -> tuple[Level, str]:
    """Judge a supervisor that does not answer: it is busy, or it hangs."""
    answering = phase in _ANSWERING
    if silent_s <= (_MUTE_S if answering else _BUSY_S):
        return Level.GOOD, ""
    words = f"the supervisor does not answer for {silent_s:.0f} s"
    if answering or silent_s > _HUNG_S:
        return Level.BAD, words
    return Level.WATCH, f"{words}: it is busy, or it hangs"


def _session(level: Level, cell: str, reason: str = "") -> Light:
    return Light("session", "session", level, (cell,), reason)


def clock_words(seconds: float) -> str:
    """Return a session's time as on a watch.

    Examples
    --------
    >>> clock_words(3723.25)
    '1:02:03.2'
    """
    minutes, rest = divmod(max(seconds, 0.0), 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{minutes:02d}:{int(rest * 10) / 10:04.1f}"
    return f"{hours}:{tail}" if hours else tail
