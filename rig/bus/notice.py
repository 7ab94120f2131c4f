"""Notices: a wake-up for each stream, after which the reader looks at the ring.

::

    Waiter ── its name ──▶ <stream>.notice ◀── who is new? ── Notifier
       ▲                                                         │
       └───────────────────────── a datagram ────────────────────┘

A waiter has one Unix socket for all its streams and writes its name into the list
of each, a file beside the ring; whoever is there first makes it. A notifier knows
the waiters it has met, wakes them, and then looks for new ones. One that is gone
refuses, and is forgotten.

A datagram carries nothing. It is so large that a sender's buffer holds one only:
while a waiter has not taken the last one, the system refuses the next, and nothing
is lost, because the waiter will look after it has taken that. So many notices are
one wake-up, and nobody waits for a waiter that stands still.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import zmq

from rig.errors import StreamError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Notifier", "Waiter"]

_NAME_BYTES = 8
_MOST_NAMES = 64
"""Looked at in one go; the others at the next notice."""
_NOTICE = bytes(4096)
"""With the system's own share, more than the smallest buffer of a sender."""

logger = logging.getLogger(__name__)


class Notifier:
    """The sending end, held by a stream's writer."""

    def __init__(self, path: Path) -> None:
        self._list = _open_list(path)
        self._read_bytes = 0
        self._waiters: list[socket.socket] = []
        self._meet()

    def notify(self) -> None:
        """Wake the readers; never waits."""
        for waiter in self._waiters:
            try:
                waiter.send(_NOTICE)
            except ConnectionError:
                self._forget(waiter)
            except OSError:  # it has one already, or the system has no memory left
                pass
        self._meet()

    def close(self) -> None:
        """Close the sockets; may be called twice."""
        for waiter in self._waiters:
            waiter.close()
        self._waiters = []
        if self._list >= 0:
            os.close(self._list)
            self._list = -1

    def _meet(self) -> None:
        """Connect to the waiters that came since, and wake them."""
        names = os.pread(self._list, _MOST_NAMES * _NAME_BYTES, self._read_bytes)
        for begin in range(0, len(names), _NAME_BYTES):
            self._read_bytes += _NAME_BYTES
            waiter = _connected(names[begin : begin + _NAME_BYTES])
            if waiter is not None:
                self._waiters = [*self._waiters, waiter]

    def _forget(self, waiter: socket.socket) -> None:
        self._waiters = [other for other in self._waiters if other is not waiter]
        waiter.close()


class Waiter:
    """The receiving end: waits for any of some streams, and for other sockets too."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._name = secrets.token_bytes(_NAME_BYTES)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(_address(self._name))
        self._timeout_ms = -1
        self._poller: zmq.Poller | None = None
        """Made when there are other sockets to wait for."""
        for path in paths:
            self.add(path)

    def add(self, path: Path) -> None:
        """Wait for one more stream, whether its writer is there yet or not.

        Raises
        ------
        StreamError
            If the session's streams are not there.
        """
        names = _open_list(path)
        try:
            os.write(names, self._name)  # appended whole, by the system
        finally:
            os.close(names)

    def add_socket(self, other: zmq.Socket[bytes] | int) -> None:
        """Wake for another socket too, or a file descriptor; it is left as it is."""
        if self._poller is None:
            self._poller = zmq.Poller()
            self._poller.register(self._socket.fileno(), zmq.POLLIN)
        self._poller.register(other, zmq.POLLIN)

    def wait(self, timeout_ms: int) -> bool:
        """Wait for news; what is not taken yet of another socket is news, too.

        Returns
        -------
        bool
            Whether any stream may have something new; False after `timeout_ms`.
        """
        if self._poller is None:
            return self._take(timeout_ms)
        ready = self._poller.poll(timeout_ms)
        if any(found == self._socket.fileno() for found, _ in ready):
            self._take(0)
        return bool(ready)

    def _take(self, timeout_ms: int) -> bool:
        if timeout_ms != self._timeout_ms:
            self._socket.settimeout(None if timeout_ms < 0 else timeout_ms / 1000)
            self._timeout_ms = timeout_ms
        try:
            self._socket.recv(1)
        except (TimeoutError, BlockingIOError):
            return False
        return True

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._socket.close()


def _open_list(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        msg = (
            f"Expected a session's streams at {path.parent}, got nothing: is the "
            "session running?"
        )
        raise StreamError(msg) from error


def _connected(name: bytes) -> socket.socket | None:
    """Return a socket that wakes a waiter, having woken it; None if it is gone."""
    waiter = None
    try:
        waiter = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        waiter.setblocking(False)
        waiter.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0)
        waiter.connect(_address(name))
        with suppress(BlockingIOError):
            waiter.send(_NOTICE)
    except ConnectionError:
        pass
    except OSError as error:
        logger.warning("A reader of a stream cannot be woken: %s", error)
    else:
        return waiter
    if waiter is not None:
        waiter.close()
    return None


def _address(name: bytes) -> bytes:
    """Return a waiter's address, in no folder: nothing is left of it behind it."""
    return b"\0springhare/" + name.hex().encode()
