"""The firmware's outputs once more, in Python: same limits, same answers.

Line for line the logic of ``firmware/springhare_daq/outputs.h``; a test runs both on
the same commands and compares every message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.devices.harp_registers import OUTPUT_LINES, output_line, registers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NO_EDGE_US", "Outputs", "PulseCommand"]

NO_EDGE_US = (1 << 64) - 1
"""Stands for the time of an edge that never was."""

_STATUS = registers.CommandStatus


@dataclass(frozen=True, slots=True)
class PulseCommand:
    """What a Pulse message asks for."""

    decision_id: int
    line: int
    width_us: int
    count: int
    period_us: int


class _Output:
    def __init__(
        self,
        line: int,
        edge: Callable[[int, bool, int], object],
        acknowledge: Callable[[int, int, int, int], object],
    ) -> None:
        self.max_width_us = self.min_period_us = self.max_duty = 0
        self._line = line
        self._edge = edge
        self._acknowledge = acknowledge
        self._high = self._used = self._unanswered = False
        self._id = self._width_us = self._period_us = self._remaining = 0
        self._due_us = self._rise_us = self._fall_us = self._high_us = 0

    @property
    def idle(self) -> bool:
        return not self._high and not self._remaining

    def begin(self, command: PulseCommand, now_us: int) -> int:
        status = self._check(command, now_us)
        if status != _STATUS.DONE:
            return status
        self._id = command.decision_id
        self._width_us = command.width_us
        self._period_us = command.period_us
        self._remaining = command.count
        self._due_us = now_us
        self._unanswered = True
        self.poll(now_us)
        return status

    def end(self, now_us: int) -> int:
        self._remaining = 0
        return self._lower(now_us) if self._high else NO_EDGE_US

    def poll(self, now_us: int) -> None:
        if self._high and now_us >= self._fall_us:
            self._lower(now_us)
        due_us = max(self._due_us, self._legal_us())
        if not self._high and self._remaining > 0 and now_us >= due_us:
            self._raise(now_us)

    def due_us(self) -> int:
        if self._high:
            return self._fall_us
        if not self._remaining:
            return NO_EDGE_US
        return max(self._due_us, self._legal_us())

    def _by_rate_us(self) -> int:
        return self._rise_us + self.min_period_us if self._used else 0

    def _by_duty_us(self) -> int:
        if not self._used or not self.max_duty:
            return 0
        return self._rise_us - (-self._high_us * 1000 // self.max_duty)

    def _legal_us(self) -> int:
        return max(self._by_rate_us(), self._by_duty_us())

    def _check(self, command: PulseCommand, now_us: int) -> int:
        width_us, train = command.width_us, command.count > 1
        if not self.max_width_us:
            return _STATUS.REFUSED_LINE
        if not width_us or not command.count or width_us > self.max_width_us:
            return _STATUS.REFUSED_WIDTH
        busy = self._high or self._remaining > 0 or now_us < self._by_rate_us()
        if busy or (train and command.period_us < self.min_period_us):
            return _STATUS.REFUSED_RATE
        if not self.max_duty or now_us < self._by_duty_us():
            return _STATUS.REFUSED_DUTY
        over = width_us * 1000 > command.period_us * self.max_duty
        if train and (over or width_us >= command.period_us):
            return _STATUS.REFUSED_DUTY
        return _STATUS.DONE

    def _raise(self, now_us: int) -> None:
        self._high = self._used = True
        self._rise_us = now_us
        self._high_us = self._width_us
        self._fall_us = now_us + self._width_us
        self._due_us += self._period_us
        self._remaining -= 1
        self._edge(self._line, True, now_us)
        if self._unanswered:
            self._acknowledge(self._id, self._line, _STATUS.DONE, now_us)
        self._unanswered = False

    def _lower(self, now_us: int) -> int:
        self._high = False
        self._high_us = now_us - self._rise_us
        self._edge(self._line, False, now_us)
        return now_us


class Outputs:
    """All outputs of a board.

    Parameters
    ----------
    edge
        Called with (line, level, board time in us) when a line changes.
    acknowledge
        Called with (decision id, line, status, board time of the edge in us or
        `NO_EDGE_US`) when it is known what becomes of a command.
    """

    def __init__(
        self,
        edge: Callable[[int, bool, int], object],
        acknowledge: Callable[[int, int, int, int], object],
    ) -> None:
        self._acknowledge = acknowledge
        self._lines = [
            _Output(output_line(pin), edge, acknowledge) for pin in range(OUTPUT_LINES)
        ]
        self._busy: list[_Output] = []
        self.refused = 0
        """Commands that broke a limit."""

    def limits(self, name: str) -> list[int]:
        """Return one limit (max_width_us, min_period_us, max_duty) of every line."""
        return [getattr(line, name) for line in self._lines]

    def set_limits(self, name: str, values: list[int]) -> None:
        """Set one limit of every line."""
        for line, value in zip(self._lines, values, strict=True):
            setattr(line, name, value)

    def pulse(
        self, command: PulseCommand, now_us: int, permission: int = _STATUS.DONE
    ) -> None:
        """Begin a pulse or a train, unless `permission` already says why not."""
        output, status = self._find(command.line), permission
        if status == _STATUS.DONE:
            status = output.begin(command, now_us) if output else _STATUS.REFUSED_LINE
        if status == _STATUS.DONE:
            self._busy = [line for line in self._lines if not line.idle]
            return
        self.refused += 1
        self._acknowledge(command.decision_id, command.line, status, NO_EDGE_US)

    def level(
        self,
        decision_id: int,
        line: int,
        high: bool,
        now_us: int,
        permission: int = _STATUS.DONE,
    ) -> None:
        """Raise a line for its longest pulse, or lower it and end its train.

        Taking a level back needs no permission.
        """
        output = self._find(line)
        if high and output is not None:
            width_us = output.max_width_us
            command = PulseCommand(decision_id, line, width_us, 1, 0)
            self.pulse(command, now_us, permission)
            return
        if output is None or not output.max_width_us:
            self.refused += 1
            status = _STATUS.REFUSED_LINE
            self._acknowledge(decision_id, line, status, NO_EDGE_US)
            return
        edge_us = output.end(now_us)
        self._acknowledge(decision_id, line, _STATUS.DONE, edge_us)

    def poll(self, now_us: int) -> None:
        """Do what is due."""
        if not self._busy:
            return
        for line in self._busy:
            line.poll(now_us)
        self._busy = [line for line in self._busy if not line.idle]

    def end(self, now_us: int) -> None:
        """Bring all lines low and end all trains."""
        for line in self._busy:
            line.end(now_us)
        self._busy = []

    def due_us(self) -> int:
        """Return when something is due next; `NO_EDGE_US` if nothing is."""
        return min((line.due_us() for line in self._busy), default=NO_EDGE_US)

    def _find(self, line: int) -> _Output | None:
        pin = line - output_line(0)
        return self._lines[pin] if 0 <= pin < OUTPUT_LINES else None
