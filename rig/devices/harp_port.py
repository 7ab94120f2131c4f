"""The way for bytes: a serial port, a pseudo-terminal, or a socket to a twin.

The one file that knows ports; another system follows by mending this one.
"""

from __future__ import annotations

import os
import select
import socket
from typing import Protocol

import serial
from harp.device.client import TransportError

__all__ = ["BytePort", "SerialPort"]

_BAUD = 1_000_000
_READ_BYTES = 4096
_PATIENCE_S = 0.05


class BytePort(Protocol):
    """A way for bytes to a board and back; `HarpLink` calls it."""

    def open(self) -> None:
        """Open it; raises TransportError."""
        ...

    def read(self) -> bytes:
        """Return what has come, or nothing after a short while; TransportError."""
        ...

    def more(self) -> bool:
        """Tell whether there is more to be read at once."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes; raises TransportError."""
        ...

    def close(self) -> None:
        """Close it; may be called twice."""
        ...


class SerialPort:
    """A serial port, a pseudo-terminal, or ``socket://host:port``.

    Parameters
    ----------
    url
        As in the rig file.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._serial: serial.SerialBase | None = None

    def open(self) -> None:
        """Open the port for ourselves alone and drop what an old session left there.

        Raises
        ------
        TransportError
            If it is not there or in use.
        """
        try:
            # no setting of modem lines by hand: a pseudo-terminal has none
            port = serial.serial_for_url(
                self._url, _BAUD, timeout=0, write_timeout=1.0, exclusive=True
            )
            if self._url.startswith("socket://"):
                _send_at_once(port.fileno())
            port.reset_input_buffer()
        except (serial.SerialException, OSError) as error:
            raise TransportError(str(error)) from error
        self._serial = port

    def read(self) -> bytes:
        """Return what has come; nothing after 50 ms of silence.

        Raises
        ------
        TransportError
            If the other end is gone.
        """
        if self._serial is None:
            msg = "the port is closed"
            raise TransportError(msg)
        try:
            fd = self._serial.fileno()
            if not select.select([fd], [], [], _PATIENCE_S)[0]:
                return b""
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return b""
        except (OSError, ValueError, serial.SerialException) as error:
            raise TransportError(str(error)) from error
        if not data:
            msg = "the other end was closed"
            raise TransportError(msg)
        return data

    def more(self) -> bool:
        """Tell whether there is more to be read at once, or the end to be seen."""
        try:
            fd = -1 if self._serial is None else self._serial.fileno()
            return bool(select.select([fd], [], [], 0)[0])
        except (OSError, ValueError, serial.SerialException):
            return True

    def write(self, data: bytes) -> None:
        """Send bytes; at most for a second.

        Raises
        ------
        TransportError
            If the other end is gone or does not take them.
        """
        if self._serial is None:
            msg = "the port is closed"
            raise TransportError(msg)
        try:
            self._serial.write(data)
        except (OSError, serial.SerialException) as error:
            raise TransportError(str(error)) from error

    def close(self) -> None:
        """Close the port; may be called twice."""
        if self._serial is not None:
            self._serial.close()


def _send_at_once(fd: int) -> None:
    with socket.socket(fileno=os.dup(fd)) as same:
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
