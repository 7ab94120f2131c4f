"""The processes of the transport benchmark: one that sends, some that receive.

Two ways are compared, both as well as they can be done from Python: our ring with
notices, and whole frames over ZeroMQ (PUB and SUB on ipc, ``copy=False`` at both
ends, so that libzmq works on the frames where they lie). Either way a receiver
gets a valid view of each frame and then copies it once into memory of its own.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import zmq

from rig.bus.directory import StreamDirectory
from rig.bus.sockets import make_socket
from rig.messages import Frame, row_dtype, to_row
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["STREAM", "Received", "Sent", "Way", "Work", "receive", "send"]

Way = Literal["ring", "zmq"]
STREAM = "cameras/bench"
_SOURCES = 8
"""Frames that are sent in turn, as a camera's buffers."""
_HIGH_WATER = 200
"""Frames that ZeroMQ may queue for a receiver before it drops some."""
_ROW = row_dtype(Frame)


@dataclass(frozen=True, slots=True)
class Work:
    """One measurement, as every process of it is told."""

    way: Way
    folder: Path
    """The streams; ZeroMQ's socket lies there too."""
    nbytes: int
    frames: int
    rate_hz: float


@dataclass(frozen=True, slots=True)
class Sent:
    """What the sender has to say."""

    cpu_s: float
    late_ns: int
    """Longest time by which a frame was sent too late."""


@dataclass(frozen=True, slots=True)
class Received:
    """What one receiver has to say."""

    cpu_s: float
    frames: int
    view_ns: NDArray[np.int64]
    """(frames,) from the frame in the sender's buffer to a valid view of it here."""
    copy_ns: NDArray[np.int64]
    """(frames,) the same to a copy in memory of the receiver's own."""


def send(work: Work, parent: Connection) -> None:
    """Send frames at their rate; run as a process of its own."""
    clock = MonotonicClock()
    rng = np.random.default_rng(0)
    sources = [rng.integers(0, 255, work.nbytes, np.uint8) for _ in range(_SOURCES)]
    sender = _RingSender(work) if work.way == "ring" else _ZmqSender(work)
    parent.send("ready")
    parent.recv()
    gc.freeze()
    period_ns = round(1e9 / work.rate_hz)
    cpu_s = time.process_time()
    due_ns, late_ns = int(clock.now()) + period_ns, 0
    for k in range(work.frames):
        time.sleep(max(0, due_ns - clock.now()) / 1e9)
        now = clock.now()
        late_ns = max(late_ns, now - due_ns)
        sender.send(
            Frame(seq=k, host_ns=now, frame_id=k, device_ns=now, exposure_ns=now),
            sources[k % _SOURCES],
        )
        due_ns += period_ns
    sent = Sent(time.process_time() - cpu_s, late_ns)
    parent.recv()
    sender.close()
    parent.send(sent)


def receive(work: Work, parent: Connection) -> None:
    """Receive every frame, stamp it and copy it once; run as a process of its own."""
    clock = MonotonicClock()
    own = np.ones(work.nbytes, np.uint8)
    stamps = np.zeros((work.frames, 2), np.int64)
    receiver = _RingReceiver(work) if work.way == "ring" else _ZmqReceiver(work)
    parent.send("ready")
    gc.freeze()
    cpu_s = time.process_time()
    taken = 0
    while taken < work.frames and not parent.poll(0):
        for sent_ns, pixels in receiver.take(50):
            seen = clock.now()
            np.copyto(own, pixels)
            stamps[taken] = seen - sent_ns, clock.now() - sent_ns
            taken += 1
    cpu_s = time.process_time() - cpu_s
    receiver.close()
    view_ns, copy_ns = stamps[:taken].T
    parent.send(Received(cpu_s, taken, view_ns.copy(), copy_ns.copy()))


class _RingSender:
    def __init__(self, work: Work) -> None:
        self._writer = StreamDirectory(work.folder).writer(STREAM)

    def send(self, record: Frame, pixels: NDArray[np.uint8]) -> None:
        self._writer.claim()[...] = pixels
        self._writer.publish(record)

    def close(self) -> None:
        self._writer.close()


class _RingReceiver:
    def __init__(self, work: Work) -> None:
        streams = StreamDirectory(work.folder)
        self._reader = streams.reader(STREAM, start=0)
        self._waiter = streams.waiter([STREAM])

    def take(self, timeout_ms: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        self._waiter.wait(timeout_ms)
        while len(view := self._reader.peek(1)):
            yield int(view.rows["host_ns"][0]), view.payload[0]
            self._reader.advance(1, view.intact())

    def close(self) -> None:
        self._waiter.close()


class _ZmqSender:
    def __init__(self, work: Work) -> None:
        self._socket = make_socket(zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, _HIGH_WATER)
        self._socket.bind(_peer_address(work))
        self._row = np.zeros(1, _ROW)

    def send(self, record: Frame, pixels: NDArray[np.uint8]) -> None:
        self._row[0] = to_row(record)
        parts: list[Any] = [self._row.tobytes(), pixels]
        self._socket.send_multipart(parts, copy=False)

    def close(self) -> None:
        self._socket.close(linger=0)


class _ZmqReceiver:
    def __init__(self, work: Work) -> None:
        self._socket = make_socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, _HIGH_WATER)
        self._socket.subscribe(b"")
        self._socket.connect(_peer_address(work))

    def take(self, timeout_ms: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        if not self._socket.poll(timeout_ms):
            return
        row, pixels = self._socket.recv_multipart(copy=False)
        sent_ns = int(np.frombuffer(row.buffer, _ROW)["host_ns"][0])
        yield sent_ns, np.frombuffer(pixels.buffer, np.uint8)

    def close(self) -> None:
        self._socket.close(linger=0)


def _peer_address(work: Work) -> str:
    return f"ipc://{work.folder}/peer"
