"""The firmware's permission once more, in Python: the host's word, a key, a deadline.

Line for line the logic of ``firmware/springhare_daq/permission.h``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.devices.harp_registers import (
    NO_DEADLINE_US,
    NO_KEY,
    output_line,
    registers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Permission"]

_FLAGS = registers.OutputFlags
_STATUS = registers.CommandStatus
_MOST_AHEAD_US = 10_000_000


class Permission:
    """What lets a board's outputs be driven.

    Parameters
    ----------
    sense
        Gives the level of an input line.
    """

    def __init__(self, sense: Callable[[int], bool]) -> None:
        self.timeout_ms = 0
        self.key_line = NO_KEY
        self._sense = sense
        self._given = False
        self._given_us = 0

    def write(self, value: int, now_us: int) -> bool:
        """Give the permission or take it back; False for what is neither."""
        if value > 1:
            return False
        self._given, self._given_us = value == 1, now_us
        return True

    def write_key_line(self, line: int) -> bool:
        """Say where the key is; False for what is no input."""
        if line != NO_KEY and line >= output_line(0):
            return False
        self.key_line = line
        return True

    def flags(self, now_us: int) -> int:
        """Return what holds now, as the register Permit says it."""
        permitted = _FLAGS.PERMITTED if self._permitted(now_us) else 0
        return int(permitted | (_FLAGS.KEY_ON if self._key_on() else 0))

    def take_back(self) -> None:
        """Forget the host's permission."""
        self._given = False

    def holds(self, now_us: int) -> bool:
        """Tell whether the outputs may be high; what has run out is over."""
        if not self._permitted(now_us):
            self._given = False
        return self._permitted(now_us) and self._key_on()

    def check(self, now_us: int, device_us: int, not_after_us: int) -> int:
        """Return whether a pulse may begin: the status done, or why not."""
        if not self._key_on():
            return _STATUS.REFUSED_KEY
        if not self._permitted(now_us):
            return _STATUS.REFUSED_PERMIT
        soon = 0 <= not_after_us - device_us <= _MOST_AHEAD_US
        if soon or not_after_us == NO_DEADLINE_US:
            return _STATUS.DONE
        return _STATUS.LATE

    def due_us(self) -> int:
        """Return when it runs out; `NO_DEADLINE_US` if it does not."""
        return self._end_us if self._given and self.timeout_ms else NO_DEADLINE_US

    @property
    def _end_us(self) -> int:
        return self._given_us + self.timeout_ms * 1000 + 1

    def _permitted(self, now_us: int) -> bool:
        return not self.timeout_ms or (self._given and now_us < self._end_us)

    def _key_on(self) -> bool:
        return self.key_line == NO_KEY or self._sense(self.key_line)
