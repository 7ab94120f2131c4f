"""What the loop is compared with: ZeroMQ for the wake-ups, or for whole frames.

Both as well as they can be done from Python: wake-ups with one socket per stream and
CONFLATE, and whole frames by PUB and SUB on ipc with ``copy=False`` at both ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import zmq

from rig.bus.directory import StreamDirectory
from rig.bus.sockets import make_socket
from rig.messages import Frame, from_row, row_dtype, to_row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.bus.notice import Notifier, Waiter
    from rig.messages import Record

__all__ = ["FrameSocket", "ZmqStreams", "publisher", "send_record", "subscriber"]

_HIGH_WATER = 4
"""Frames that wait for a receiver at most: what waits longer is stale."""
_ROW = row_dtype(Frame)


class _ZmqNotifier:
    """As `rig.bus.notice.Notifier`."""

    def __init__(self, path: Path) -> None:
        self._socket = make_socket(zmq.PUB)
        self._socket.bind(f"ipc://{path}.zmq")

    def notify(self) -> None:
        self._socket.send(b"news")

    def close(self) -> None:
        self._socket.close(linger=0)


class _ZmqWaiter:
    """As `rig.bus.notice.Waiter`."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._poller = zmq.Poller()
        self._sockets: list[zmq.Socket[bytes]] = []
        for path in paths:
            socket = make_socket(zmq.SUB)
            socket.setsockopt(zmq.CONFLATE, 1)
            socket.subscribe(b"")
            socket.connect(f"ipc://{path}.zmq")
            self._sockets.append(socket)
            self._poller.register(socket, zmq.POLLIN)

    def wait(self, timeout_ms: int) -> bool:
        if len(self._sockets) == 1:  # without a poller it is quicker
            self._sockets[0].setsockopt(zmq.RCVTIMEO, timeout_ms)
            try:
                self._sockets[0].recv()
            except zmq.Again:
                return False
            return True
        ready = self._poller.poll(timeout_ms)
        for socket, _ in ready:
            socket.recv()
        return bool(ready)

    def close(self) -> None:
        for socket in self._sockets:
            socket.close(linger=0)


class ZmqStreams(StreamDirectory):
    """A session's streams whose readers are woken by ZeroMQ."""

    def notifier(self, name: str) -> Notifier:
        """Return what wakes a stream's readers."""
        return cast("Notifier", _ZmqNotifier(self.notice_path(name)))

    def waiter(self, names: Iterable[str] = ()) -> Waiter:
        """Return a waiter for some of the streams."""
        return cast("Waiter", _ZmqWaiter(self.notice_path(name) for name in names))


def publisher(folder: Path, name: str) -> zmq.Socket[bytes]:
    """Return a socket that sends to whoever has subscribed."""
    socket = make_socket(zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, _HIGH_WATER)
    socket.bind(f"ipc://{folder}/{name}.peer")
    return socket


def subscriber(folder: Path, name: str) -> zmq.Socket[bytes]:
    """Return a socket that hears a publisher."""
    socket = make_socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, _HIGH_WATER)
    socket.subscribe(b"")
    socket.connect(f"ipc://{folder}/{name}.peer")
    return socket


def send_record(
    socket: zmq.Socket[bytes], record: Record, payload: NDArray[Any] | None = None
) -> None:
    """Send a row, and its payload where it lies."""
    row = np.zeros(1, row_dtype(type(record)))
    row[0] = to_row(record)
    parts: list[Any] = [row.tobytes()]
    if payload is not None:
        parts.append(payload)
    socket.send_multipart(parts, copy=False)


class FrameSocket:
    """Receives frames; a newer one takes the place of those before it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._socket = subscriber(folder, name)

    def newest(
        self, shape: tuple[int, int], timeout_ms: int
    ) -> tuple[Frame, NDArray[np.uint8]] | None:
        """Return the newest frame, as it lies in ZeroMQ's memory."""
        found = None
        while self._socket.poll(timeout_ms if found is None else 0):
            found = self._socket.recv_multipart(copy=False)
        if found is None:
            return None
        row, pixels = found
        frame = from_row(Frame, np.frombuffer(row.buffer, _ROW)[0])
        return frame, np.frombuffer(pixels.buffer, np.uint8).reshape(shape)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close(linger=0)
