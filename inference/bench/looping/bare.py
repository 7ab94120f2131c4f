"""The least that the job takes on this machine: what no way can be below.

One copy into shared memory, a wake-up by datagram, one comparison after the
network, another datagram: no rows, no account, no gates, no rules. What a way takes
beyond it is its own work; the rest is the system's.
"""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from inference.bench.looping.peer import StreamlessNode
from inference.bench.looping.work import BODYPARTS, CAMERA, LINE_PX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from inference.bench.looping.network import TimedNetwork
    from rig.bus.directory import StreamDirectory
    from rig.messages import Frame
    from sync.clock import Clock

__all__ = ["BareActuator", "BareCamera", "BareNode"]

_NOTE = struct.Struct("<qq")
"""A frame's number, and the slot that it lies in."""
_WAIT = struct.pack("ll", 0, 20_000)
"""For as long as that a listener waits: a timeval of 20 ms."""
_HIP = BODYPARTS.index("hip")


class BareCamera:
    """Copies a frame into the ring's memory and wakes whoever waits for it."""

    def __init__(self, streams: StreamDirectory) -> None:
        self._slots = streams.ring(f"cameras/{CAMERA}").payload
        self._speaker = _Speaker(streams.path, "frames")

    def send(self, frame: Frame, pixels: NDArray[np.uint8]) -> None:
        """Send one frame."""
        slot = frame.frame_id % len(self._slots)
        self._slots[slot] = pixels
        self._speaker.send(frame.frame_id, slot)

    def close(self) -> None:
        """Close the socket."""
        self._speaker.close()


class BareNode(StreamlessNode):
    """Lets the network look at the newest frame, and says when the line is crossed."""

    def __init__(self, model: TimedNetwork, clock: Clock) -> None:
        self._model = model
        self._clock = clock
        self._held = ExitStack()
        self._was_below = False

    def attach(self, streams: StreamDirectory) -> None:
        """Open the sockets."""
        self._slots = streams.ring(f"cameras/{CAMERA}").payload
        self._frames = self._held.enter_context(_listener(streams.path, "frames"))
        self._speaker = _Speaker(streams.path, "decisions")
        self._held.callback(self._speaker.close)

    def step(self) -> None:
        """Look at one frame, or wait for one."""
        note = _newest(self._frames)
        if not note:
            return
        number, slot = _NOTE.unpack(note)
        is_below = self._model.infer(self._slots[slot]).item(_HIP, 1) > LINE_PX
        if is_below is not self._was_below:
            self._was_below = is_below
            self._model.decided(self._clock.now())
            self._speaker.send(number, slot)

    def close(self) -> None:
        """Close the sockets; may be called twice."""
        self._held.close()


class BareActuator:
    """Hears decisions."""

    def __init__(self, streams: StreamDirectory) -> None:
        self._socket = _listener(streams.path, "decisions")

    def decisions(self) -> Iterator[int]:
        """Yield the number of the frame of each."""
        with suppress(BlockingIOError):
            yield _NOTE.unpack(self._socket.recv(_NOTE.size))[0]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _newest(listener: socket.socket) -> bytes:
    """Return the last of the notes that are there, or the next; empty if none comes."""
    note = b""
    with suppress(BlockingIOError):
        note = listener.recv(_NOTE.size)
        while True:
            note = listener.recv(_NOTE.size, socket.MSG_DONTWAIT)
    return note


def _listener(folder: Path, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(_address(folder, name))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _WAIT)
    return listener


class _Speaker:
    """Connects when it first has something to say: its listener is there by then."""

    def __init__(self, folder: Path, name: str) -> None:
        self._address = _address(folder, name)
        self._socket: socket.socket | None = None

    def send(self, number: int, slot: int) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.connect(self._address)
            self._socket.setblocking(False)
        with suppress(BlockingIOError):  # nobody waits for a listener that is late
            self._socket.send(_NOTE.pack(number, slot))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _address(folder: Path, name: str) -> str:
    return str(folder / f"{name}.bare")
