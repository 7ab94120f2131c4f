"""Sham trials are blind: while the session runs, nothing tells them from fires.

A sham is decided and recorded as a fire is, but not carried out. Who watches could
tell it by what a fire leaves behind: an acknowledgement, edges of the actuator's
lines, the time from exposure to edge. These are hidden from the live table and from
all who ask the supervisor; the session file has them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rig.recording.latency import COMMAND_STAGES

if TYPE_CHECKING:
    from rig.config.rig import RigConfig
    from rig.config.task import TaskConfig
    from rig.supervisor.status import NodeFigures, Status, StreamFigures

__all__ = ["Blind", "blind_of"]

_OF_COMMANDS = frozenset({"fired", "commands_waiting"})
_ABOUT_FIGURES = ("over_", "budget_")


@dataclass(frozen=True, slots=True)
class Blind:
    """Hides what only a fire leaves behind."""

    streams: frozenset[str]
    """Of which nothing is shown but losses."""

    def status(self, status: Status) -> Status:
        """Return a session at a glance, blind."""
        return replace(
            status,
            blind=True,
            nodes=[self._node(node) for node in status.nodes],
            streams=[self._stream(stream) for stream in status.streams],
        )

    def hides(self, figure: str) -> bool:
        """Tell whether a node's figure moves with fires only."""
        for prefix in _ABOUT_FIGURES:
            figure = figure.removeprefix(prefix)
        return figure in _OF_COMMANDS or figure.partition("_")[0] in COMMAND_STAGES

    def _node(self, node: NodeFigures) -> NodeFigures:
        shown = {k: v for k, v in node.metrics.items() if not self.hides(k)}
        return replace(node, metrics=shown)

    def _stream(self, stream: StreamFigures) -> StreamFigures:
        if stream.name not in self.streams:
            return stream
        return replace(
            stream, published=0, rate_hz=0.0, waiting=0, age_s=None, blind=True
        )


def blind_of(rig: RigConfig, task: TaskConfig | None, *, unblind: bool) -> Blind | None:
    """Return what hides the shams of a task; None where there is nothing to hide.

    Parameters
    ----------
    unblind
        Whether somebody wants to see which is which.
    """
    shams = task is not None and any(rule.sham_probability for rule in task.rules)
    if unblind or not shams or rig.actuator is None:
        return None
    device, _ = rig.actuator
    return Blind(frozenset({"acknowledgements", f"events/{device}"}))
