"""Notices: a wake-up for each stream, after which the reader looks at the ring.

One socket per stream, single part, CONFLATE: only the newest wake-up is kept,
because a reader wants to know that there is something new, not how often. (A
CONFLATE socket would keep one of two topics only, and half of a multipart
message: hence one socket each, one part.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import zmq

from rig.bus.sockets import make_socket
from rig.messages import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Notifier", "Waiter"]


class Notifier:
    """The sending end, held by a stream's writer."""

    def __init__(self, socket_path: Path) -> None:
        self._socket = make_socket(zmq.PUB)
        self._socket.bind(f"ipc://{socket_path}")
        self._encoder = msgspec.msgpack.Encoder()

    def notify(self, head: int, generation: int) -> None:
        """Wake the readers; never waits."""
        self._socket.send(self._encoder.encode(Notice(head, generation)))

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._socket.close(linger=0)


class Waiter:
    """The receiving end: waits for any of some streams, and for other sockets too."""

    def __init__(self, socket_paths: Iterable[Path] = ()) -> None:
        self._poller = zmq.Poller()
        self._sockets: list[zmq.Socket[bytes]] = []
        self._alone: zmq.Socket[bytes] | None = None
        """The only socket, if there is one: it is waited for without a poller."""
        self._alone_ms = -1
        for path in socket_paths:
            self.add(path)

    def add(self, socket_path: Path) -> None:
        """Wait for one more stream, whether its writer is there yet or not."""
        socket = make_socket(zmq.SUB)
        socket.setsockopt(zmq.CONFLATE, 1)
        socket.subscribe(b"")
        socket.connect(f"ipc://{socket_path}")
        self._sockets.append(socket)
        self.add_socket(socket)
        self._alone = socket if len(self._poller.sockets) == 1 else None

    def add_socket(self, socket: zmq.Socket[bytes]) -> None:
        """Wake for another socket too; whoever gave it reads and closes it."""
        self._alone = None
        self._poller.register(socket, zmq.POLLIN)

    def wait(self, timeout_ms: int) -> bool:
        """Wait for news.

        Returns
        -------
        bool
            Whether any stream has something new; False after `timeout_ms`.
        """
        if self._alone is not None:
            return self._wait_alone(self._alone, timeout_ms)
        ready = self._poller.poll(timeout_ms)
        for socket, _ in ready:
            if socket in self._sockets:
                socket.recv()
        return bool(ready)

    def _wait_alone(self, socket: zmq.Socket[bytes], timeout_ms: int) -> bool:
        if timeout_ms != self._alone_ms:
            socket.setsockopt(zmq.RCVTIMEO, timeout_ms)
            self._alone_ms = timeout_ms
        try:
            socket.recv()
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        """Close the sockets; may be called twice."""
        for socket in self._sockets:
            socket.close(linger=0)
        self._sockets.clear()
