"""The key switch of a simulated board: on, where no fault script turns it off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.devices.harp_registers import input_line
from rig.sim.twins.harp_lines import Change

if TYPE_CHECKING:
    from rig.config.rig import HarpConfig

__all__ = ["KeySwitch"]

_NEVER_NS = 1 << 62


class KeySwitch:
    """A key on an input.

    Parameters
    ----------
    config
        The board's section of the rig file.
    """

    def __init__(self, config: HarpConfig) -> None:
        name = config.actuator.arm_line if config.actuator else None
        lines = config.inputs.lines if config.inputs else {}
        self._line = input_line(lines[name].pin) if name in lines else None
        self.due_ns = _NEVER_NS
        """Host time at which it is turned on again."""

    def sense(self, line: int) -> bool:
        """Return the level of an input; one without a key is low."""
        return line == self._line and self.due_ns == _NEVER_NS

    def turn_off(self, now_ns: int, seconds: float) -> list[Change]:
        """Turn it off for a while; return what that changes."""
        if self._line is None:
            return []
        was_on = self.sense(self._line)
        self.due_ns = now_ns + round(seconds * 1e9)
        return [Change(now_ns, self._line, level=False, cause_ns=now_ns)] * was_on

    def turn(self, now_ns: int) -> list[Change]:
        """Turn it on again when it is time; return what that changes."""
        if self._line is None or now_ns < self.due_ns:
            return []
        self.due_ns = _NEVER_NS
        return [Change(now_ns, self._line, level=True, cause_ns=now_ns)]
