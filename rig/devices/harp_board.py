"""One board, as the rig file wants it: found, set up, started, brought to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from harp.device.core import EnableFlag, OperationControl, OperationMode

from rig.devices.harp_link import HarpLink
from rig.devices.harp_registers import registers
from rig.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rig.devices.harp_plan import BoardPlan
    from rig.devices.harp_port import BytePort
    from sync.clock import Clock

__all__ = ["Board"]

_CAMERA_TRIGGER = int(registers.StreamFlags.CAMERA_TRIGGER)
_EDGES = int(registers.StreamFlags.EDGES)
_ASK_TIME = registers.Microseconds.format()
_PERMIT = [registers.Permit.format(value) for value in (0, 1)]


class Board:
    """A connected board.

    Parameters
    ----------
    plan
        What it is for.
    port
        The way to it.
    port_name
        What the port is called in messages.
    clock
        Host clock.
    on_message
        Called in the reading thread with each message and its arrival.
    """

    def __init__(
        self,
        plan: BoardPlan,
        port: BytePort,
        port_name: str,
        clock: Clock,
        on_message: Callable[[bytes, int], None],
    ) -> None:
        self._plan = plan
        self._link = HarpLink(port, port_name, clock, on_message)

    @property
    def bad(self) -> int:
        """Places in the stream where bytes were no message."""
        return self._link.bad

    @property
    def healthy(self) -> bool:
        """Whether messages still can come."""
        return self._link.healthy

    @property
    def failed(self) -> bool:
        """Whether the thread that reads was ended by a fault of ours."""
        return self._link.failed

    @property
    def taken_ns(self) -> int:
        """Host time up to which all that had come was handed on."""
        return self._link.taken_ns

    def connect(self) -> None:
        """Open the link, check who answers, write the settings and read them back.

        Raises
        ------
        DeviceError
            If the board is not there, is another one or does not take a setting.
        VersionError
            If its firmware or register map is not ours.
        """
        self._link.open()
        try:
            self._operate(OperationMode.STANDBY)
            self._link.write(registers.StreamControl, 0)
            for register, value in self._plan.settings:
                self._set(register, value)
        except DeviceError:
            self.close()
            raise

    def start(self, numbers: Mapping[Any, int], *, triggers: bool = True) -> None:
        """Set the running numbers, and start all streams at one instant.

        Parameters
        ----------
        numbers
            Next number by register (EmgSample, ForcePlateSample, EdgeSequence).
        triggers
            Whether the cameras are triggered as well.
        """
        for register, number in numbers.items():
            self._set(register, number % (1 << 32))
        self._operate(OperationMode.ACTIVE)
        flags = self._plan.flags if triggers else self._plan.flags & ~_CAMERA_TRIGGER
        self._set(registers.StreamControl, flags)

    def stop_triggers(self) -> None:
        """Trigger the cameras no more; all else goes on."""
        self._set(registers.StreamControl, self._plan.flags & ~_CAMERA_TRIGGER)

    def stop_samples(self) -> None:
        """Stop everything but the reporting of edges."""
        self._set(registers.StreamControl, self._plan.flags & _EDGES)

    def rest(self) -> None:
        """Bring all outputs low and stop everything."""
        self._operate(OperationMode.STANDBY)

    def number(self, register: Any) -> int:
        """Return the next number that the board would give."""
        return int(self._link.read(register))

    def counters(self) -> dict[str, int]:
        """Return what went wrong on the board since it was started."""
        fields = self._link.read(registers.Counters)
        return {
            "dropped_by_board": int(fields.dropped_messages),
            "missed_by_board": int(fields.missed_samples) + int(fields.missed_triggers),
        }

    def ask_time(self) -> None:
        """Ask for the board's time; the answer comes as a message."""
        self._link.send(_ASK_TIME)

    def permit(self, value: int) -> None:
        """Let the board drive its outputs for a while (1), or no more (0)."""
        self._link.send(_PERMIT[value])

    def send(self, frame: bytes, latest_ns: int) -> int:
        """Send a command, unless it is later than `latest_ns`.

        Returns
        -------
        int
            Host time at which it left, in ns; if that is later, it did not.
        """
        return self._link.send(frame, latest_ns)

    def close(self) -> None:
        """Let go of the board; may be called twice."""
        self._link.close()

    def _set(self, register: Any, value: Any) -> None:
        held = self._link.write(register, value)
        if not np.array_equal(np.asarray(held), np.asarray(value)):
            msg = (
                f"Expected {register.__name__} of {self._plan.device} to hold {value}, "
                f"the board says {held}: is the firmware that of this rig?"
            )
            raise DeviceError(msg)

    def _operate(self, mode: OperationMode) -> None:
        wanted = OperationControl.payload_class(
            operation_mode=mode,
            visual_indicators=EnableFlag.ENABLED,
            operation_led=EnableFlag.ENABLED,
            heartbeat=EnableFlag.ENABLED,
        )
        self._link.write(OperationControl, wanted)
