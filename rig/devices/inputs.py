"""Lines of a board and their edges: imaging frame clock, exposures, triggers, pulses.

Every line that the rig file names is one stream of events, inputs and outputs
alike: what really changed, with the device's time and a running number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.devices.harp_numbering import Numbering
from rig.devices.harp_registers import (
    CAMERA_TRIGGER_LINE,
    INPUT_LINES,
    OUTPUT_LINES,
    SYNC_LINE,
    input_line,
    output_line,
    registers,
)
from rig.errors import DeviceError
from rig.messages import EDGE_FALLING, EDGE_RISING, Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.config.rig import HarpConfig
    from rig.devices.harp_frames import Stamped

__all__ = ["DecodedEdge", "EdgeStream", "Line", "lines_of"]

_EDGE_DTYPE = registers.Edge.payload_class.payload_dtype


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the board that the rig file names."""

    name: str
    rising: bool
    """Whether its rising edges are reported."""
    falling: bool
    rate_hz: float = 0.0
    """Nominal edges per second that are nobody's doing here; 0 if it has no rate."""


def lines_of(device: str, config: HarpConfig) -> dict[int, Line]:
    """Return the named lines of a board, by the line's number.

    Raises
    ------
    DeviceError
        If a pin is asked for that the board does not have.
    """
    lines: dict[int, Line] = {}
    for name, line in (config.inputs.lines if config.inputs else {}).items():
        _check_pin(device, name, line.pin, INPUT_LINES)
        rising, falling = line.edges != "falling", line.edges != "rising"
        rate_hz = line.rate_hz or 0.0
        lines[input_line(line.pin)] = Line(name, rising, falling, rate_hz)
    for name, output in (config.actuator.lines if config.actuator else {}).items():
        _check_pin(device, name, output.pin, OUTPUT_LINES)
        lines[output_line(output.pin)] = Line(name, rising=True, falling=True)
    if config.camera_trigger is not None:
        trigger = Line(config.camera_trigger.line, rising=True, falling=False)
        lines[CAMERA_TRIGGER_LINE] = trigger
    if config.sync_line is not None:
        lines[SYNC_LINE] = Line(config.sync_line.line, rising=True, falling=True)
    return lines


def _check_pin(device: str, name: str, pin: int, count: int) -> None:
    if pin >= count:
        msg = (
            f"Expected line {name!r} of {device} on a pin below {count}, got {pin}: "
            "the board has no more"
        )
        raise DeviceError(msg)


@dataclass(frozen=True, slots=True)
class DecodedEdge:
    """One edge, decoded."""

    missing: int
    """Edges that are missing before it."""
    record: Event


class EdgeStream:
    """Turns a board's edge messages into events and keeps account of the numbers.

    Parameters
    ----------
    lines
        Named lines by number, as of `lines_of`.
    """

    def __init__(self, lines: Mapping[int, Line]) -> None:
        self.lines = lines
        self.numbering = Numbering()

    @property
    def settings(self) -> list[tuple[Any, Any]]:
        """What to write to the board: which edges are reported."""
        rising = sum(1 << n for n, line in self.lines.items() if line.rising)
        falling = sum(1 << n for n, line in self.lines.items() if line.falling)
        return [(registers.RisingMask, rising), (registers.FallingMask, falling)]

    def take(self, message: Stamped, arrival_ns: int) -> DecodedEdge | None:
        """Decode a message.

        Returns
        -------
        DecodedEdge or None
            None if its number ran backwards or its line has no name: it is damaged,
            or the board began anew.
        """
        fields = np.frombuffer(message.payload, _EDGE_DTYPE, count=1)[0]
        sequence, word = int(fields["sequence"]), int(fields["line"])
        line = self.lines.get(word & 0xFF)
        if line is None:
            return None
        missing = self.numbering.take(sequence)
        if missing is None:
            return None
        record = Event(
            host_ns=arrival_ns,
            device_ns=(message.stamp_us + (word >> 16 & 0xFF)) * 1000,
            device_seq=self.numbering.next - 1,
            line=line.name,
            edge=EDGE_RISING if word & 0x100 else EDGE_FALLING,
        )
        return DecodedEdge(missing, record)
