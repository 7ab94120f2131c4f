"""Lines of boards on the session's time, and which of them may drive an LED."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.cues import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offline.alignment.streams import Session

__all__ = ["Wire", "driven_line", "line_of", "possible_wires"]

_LEAST_PULSES = 8


@dataclass(frozen=True, slots=True)
class Wire:
    """An output line, by the board that drives it."""

    board: str
    line: str

    def __str__(self) -> str:
        """Return it as a person reads it."""
        return f"events/{self.board} {self.line}"


def line_of(session: Session, wire: Wire) -> Line | None:
    """Return a line's pulses on the session's time.

    None where its board's clock is joined to nothing, or no pulse was recorded.
    """
    if wire.board not in session.tree.clocks:
        return None
    edges = session.recorded.edges(wire.board, wire.line)
    times_ns, _ = session.to_session(wire.board, edges.time_ns)
    line = Line.of_edges(times_ns, edges.rising)
    return line if len(line.rise_ns) else None


def driven_line(session: Session, wire: Wire) -> tuple[Line | None, str]:
    """Return a line's pulses, or none and why there is none."""
    line = line_of(session, wire)
    if line is not None:
        return line, ""
    if wire.board not in session.tree.clocks:
        return None, f"nothing joins the clock of {wire.board} to the session's"
    return None, f"{wire} has no pulse in this recording"


def possible_wires(session: Session) -> Iterator[tuple[Wire, Line]]:
    """Yield the output lines that pulsed, sync lines first: an LED may hang on any."""
    wires = [
        Wire(board, config.sync_line.line)
        for board, config in session.recorded.rig.harp_devices.items()
        if config.sync_line is not None
    ]
    wires += [
        Wire(board, line)
        for board, config in session.recorded.rig.harp_devices.items()
        for line in (config.actuator.lines if config.actuator else ())
    ]
    for wire in wires:
        line = line_of(session, wire)
        if line is not None and len(line.rise_ns) >= _LEAST_PULSES:
            yield wire, line
