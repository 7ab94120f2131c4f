"""The link to a board: requests, and what the board sends by itself.

Requests go through Harp's own client. What the board sends by itself does not wait
in that client's queues: it is stamped with its arrival and handed on in the thread
that read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harp.device.client import Device, TransportError
from harp.device.client import DeviceError as RefusedError
from harp.device.core import (
    DeviceName,
    FirmwareVersionHigh,
    FirmwareVersionLow,
    WhoAmI,
)

from rig.devices.harp_frames import Framer, payload_layouts
from rig.devices.harp_registers import FIRMWARE_VERSION, MAP_DIGEST, registers
from rig.errors import DeviceError, VersionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.devices.harp_port import BytePort
    from sync.clock import Clock

__all__ = ["HarpLink"]

_EVENT = 3
_ATTEMPTS = 3


class _Client(Device[None]):
    """Harp's client, less patient, and asked whether its reading thread lives."""

    REPLY_TIMEOUT = 0.5

    @property
    def reading(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


class _Tee:
    """Gives the client its replies and the link everything else, stamped."""

    def __init__(
        self,
        port: BytePort,
        clock: Clock,
        own_replies: frozenset[int],
        on_message: Callable[[bytes, int], None],
    ) -> None:
        self._port = port
        self._clock = clock
        self._own_replies = own_replies
        self._on_message = on_message
        self.framer = Framer(payload_layouts())
        self.healthy = True
        """False when the port failed: nothing can come any more."""
        self.failed = False
        """Whether the thread that reads ended by a fault of ours."""
        self.taken_ns = 0
        """Host time up to which all that had come was handed on."""

    def open(self) -> None:
        self._port.open()

    def read(self) -> bytes:
        try:
            chunk = self._port.read()
        except TransportError:
            self.healthy = False
            raise
        arrival_ns = self._clock.now()
        self.failed = True  # until all is taken: what is raised ends the thread
        replies = b"".join(
            frame
            for frame in self.framer.feed(chunk)
            if not self._took(frame, arrival_ns)
        )
        self.failed = False
        if not self._port.more():
            self.taken_ns = arrival_ns
        return replies

    def _took(self, frame: bytes, arrival_ns: int) -> bool:
        if frame[0] != _EVENT and frame[2] not in self._own_replies:
            return False
        self._on_message(frame, arrival_ns)
        return True

    def write(self, data: bytes) -> None:
        self._port.write(data)

    def close(self) -> None:
        self._port.close()


class HarpLink:
    """A connection to one board.

    Parameters
    ----------
    port
        The way to it.
    name
        What the port is called in messages.
    clock
        Host clock, for arrival stamps.
    on_message
        Called in the reading thread with each event, and with each reply to
        something that was sent by `send`: the message and its arrival in ns. What
        it raises ends the thread and is seen in `failed`.
    """

    def __init__(
        self,
        port: BytePort,
        name: str,
        clock: Clock,
        on_message: Callable[[bytes, int], None],
    ) -> None:
        own = (
            registers.Microseconds,
            registers.Permit,
            registers.Pulse,
            registers.Level,
        )
        self._name = name
        self._clock = clock
        self._tee = _Tee(
            port, clock, frozenset(register.address for register in own), on_message
        )
        self._client = _Client(self._tee)

    @property
    def bad(self) -> int:
        """Places in the stream where bytes were no message."""
        return self._tee.framer.bad

    @property
    def healthy(self) -> bool:
        """Whether messages still can come."""
        return self._tee.healthy

    @property
    def failed(self) -> bool:
        """Whether the thread that reads was ended by what `on_message` raised."""
        # in this order: while the thread lives, the other is True for moments only
        return not self._client.reading and self._tee.failed

    @property
    def taken_ns(self) -> int:
        """Host time up to which all that had come was handed on.

        It stands still while messages wait that were not read yet, because this
        process or its reading thread was held up. Now, where nothing can come any more.
        """
        return self._tee.taken_ns if self._client.reading else self._clock.now()

    def open(self) -> None:
        """Connect and make sure that the right board with the right firmware answers.

        Raises
        ------
        DeviceError
            If nothing or another device answers.
        VersionError
            If its firmware or register map is not ours.
        """
        try:
            self._client.open()
        except TransportError as error:
            msg = (
                f"Expected a Harp board at {self._name}, got: {error}; is it plugged "
                "in, and used by nobody else?"
            )
            raise DeviceError(msg) from error
        try:
            self._check_identity()
        except (DeviceError, VersionError):
            self.close()
            raise

    def _check_identity(self) -> None:
        who, name = self.read(WhoAmI), self.read(DeviceName)
        if int(who) != registers.WHO_AM_I or name != registers.DEVICE_NAME:
            msg = (
                f"Expected {registers.DEVICE_NAME} (WhoAmI {registers.WHO_AM_I}) at "
                f"{self._name}, got {name or 'a device'} (WhoAmI {who}): check the port"
            )
            raise DeviceError(msg)
        version = (
            int(self.read(FirmwareVersionHigh)),
            int(self.read(FirmwareVersionLow)),
        )
        digest = int(self.read(registers.MapDigest))
        fits = version[0] == FIRMWARE_VERSION[0] and version >= FIRMWARE_VERSION
        if not fits or digest != MAP_DIGEST:
            msg = (
                f"Expected firmware {FIRMWARE_VERSION[0]}.{FIRMWARE_VERSION[1]} with "
                f"register map {MAP_DIGEST:08x} at {self._name}, got "
                f"{version[0]}.{version[1]} with {digest:08x}: flash the sketch in "
                "rig/devices/firmware"
            )
            raise VersionError(msg)

    def read(self, register: Any) -> Any:
        """Return a register's value.

        Raises
        ------
        DeviceError
            If the board refuses or does not answer.
        """
        return self._ask(register, lambda: self._client.read(register).payload)

    def write(self, register: Any, value: Any) -> Any:
        """Write a register and return what the board says it holds now.

        Raises
        ------
        DeviceError
            If the board refuses or does not answer.
        """
        return self._ask(register, lambda: self._client.write(register, value).payload)

    def send(self, frame: bytes, latest_ns: int | None = None) -> int:
        """Send a message without waiting; return the host time just before, in ns.

        Parameters
        ----------
        latest_ns
            Host time after which it must not leave any more: a later one that is
            returned says that it did not.

        Raises
        ------
        DeviceError
            If the link is broken.
        """
        sent_ns = self._clock.now()
        if latest_ns is not None and sent_ns > latest_ns:
            return sent_ns
        try:
            self._tee.write(frame)
        except TransportError as error:
            msg = f"Expected {self._name} to take a message, got: {error}"
            raise DeviceError(msg) from error
        return sent_ns

    def close(self) -> None:
        """Let go of the board; may be called twice."""
        self._client.close()

    def _ask(self, register: Any, request: Callable[[], Any]) -> Any:
        fault: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                return request()
            except RefusedError as error:
                msg = f"Expected {self._name} to accept {register.__name__}, it refused"
                raise DeviceError(msg) from error
            except TimeoutError as error:
                fault = error  # damaged on its way, there or back: all may be repeated
            except TransportError as error:
                fault = error
                break
        msg = f"Expected an answer about {register.__name__} from {self._name}: {fault}"
        raise DeviceError(msg) from fault
