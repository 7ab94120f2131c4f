"""The part of a fault script that a simulated board plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.devices.harp_registers import registers
from rig.sim.world.noise import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rig.config.fault_script import ScriptedFault
    from rig.sim.twins.harp_lines import Metronome

__all__ = ["FaultPlayer"]

_NEVER_NS = 1 << 62
_EVENT = 3
_PLAYED = ("corrupt_bytes", "drop_message", "unplug", "clock_reset", "key_off")
_SPOILED = frozenset(
    register.address
    for register in (registers.Emg, registers.ForcePlate, registers.Edge)
)
_LANE = 77


class FaultPlayer:
    """Plays a board's faults at their times after the first start.

    A stall and a kill strike the board's node, not the board: they are not ours.

    Parameters
    ----------
    faults
        This board's.
    seed
        Decides which byte is damaged.
    """

    def __init__(self, faults: Sequence[ScriptedFault], seed: int) -> None:
        self._faults = faults
        self._seed = seed
        self._queue: list[ScriptedFault] = []
        self._started_ns: int | None = None
        self._corrupt = self._drop = self._spoiled = 0

    @property
    def spoiling(self) -> bool:
        """Whether the next message will be spoiled."""
        return self._corrupt > 0 or self._drop > 0

    @property
    def due_ns(self) -> int:
        """Host time of the next fault."""
        return self._at_ns(self._queue[0]) if self._queue else _NEVER_NS

    def begin(self, host_ns: int) -> None:
        """Start the script's time, once."""
        if self._started_ns is None:
            self._started_ns = host_ns
            played = [fault for fault in self._faults if fault.fault in _PLAYED]
            self._queue = sorted(played, key=lambda fault: fault.at_s)

    def disturb(self, metronome: Metronome) -> None:
        """Tell the camera trigger which of its beats fail, or are one too many."""
        for fault in self._faults:
            first = metronome.number_at(self._at_ns(fault))
            beats = range(first, first + fault.count)
            if fault.fault == "missed_trigger":
                metronome.missed.update(beats)
            elif fault.fault == "extra_trigger":
                metronome.extra.update(beats)

    def due(self, now_ns: int) -> list[ScriptedFault]:
        """Return what is due now; messages are spoiled from now on by themselves."""
        found: list[ScriptedFault] = []
        while self._queue and self._at_ns(self._queue[0]) <= now_ns:
            fault = self._queue.pop(0)
            found.append(fault)
            self._corrupt += fault.count * (fault.fault == "corrupt_bytes")
            self._drop += fault.count * (fault.fault == "drop_message")
        return found

    def spoil(self, message: bytes) -> bytes | None:
        """Return a message as it arrives: whole, damaged, or not at all."""
        if not self.spoiling or message[0] != _EVENT or message[2] not in _SPOILED:
            return message
        if self._drop:
            self._drop -= 1
            return None
        self._corrupt -= 1
        self._spoiled += 1
        place = int(word(self._seed, _LANE, self._spoiled)[0]) % len(message)
        return bytes(
            byte ^ 0x55 if k == place else byte for k, byte in enumerate(message)
        )

    def _at_ns(self, fault: ScriptedFault) -> int:
        return (self._started_ns or 0) + round(fault.at_s * 1e9)
