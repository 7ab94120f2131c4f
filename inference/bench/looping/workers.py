"""The processes of the loop benchmark: a camera, inference, and an actuator's."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from inference.bench.looping.bare import BareActuator, BareCamera, BareNode
from inference.bench.looping.hygiene import take_up
from inference.bench.looping.network import TimedNetwork, stamp
from inference.bench.looping.peer import PeerNode
from inference.bench.looping.work import CAMERA, Acted, Filmed
from inference.bench.looping.zeromq import (
    ZmqStreams,
    publisher,
    send_record,
    subscriber,
)
from inference.node import InferenceNode
from rig.bus.control import ControlClient
from rig.bus.directory import StreamDirectory, StreamWriter
from rig.messages import Decision, Frame, row_dtype
from rig.node import NodeProcess
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

    from inference.bench.looping.work import Work
    from rig.bus.notice import Notifier
    from rig.messages import StreamStatus
    from rig.node import Node, NodeContext

__all__ = ["act", "film", "infer"]

_SOURCES = 8
"""Frames that are sent in turn, as a camera's buffers."""
_WAIT_MS = 20


def film(work: Work, parent: Connection) -> None:
    """Publish frames at their rate; run as a process of its own."""
    clock = MonotonicClock()
    rng = np.random.default_rng(0)
    sources = [rng.integers(0, 255, work.shape, np.uint8) for _ in range(_SOURCES)]
    late_ns = np.zeros(work.frames, np.int64)
    sender = _camera(work)
    parent.send("ready")
    parent.recv()
    take_up(work.way.hygiene, "camera")
    gc.freeze()
    period_ns = round(1e9 / work.rate_hz)
    cpu_s = time.process_time()
    due_ns = int(clock.now()) + period_ns
    for k in range(work.frames):
        time.sleep(max(0, due_ns - clock.now()) / 1e9)
        now = clock.now()
        late_ns[k] = now - due_ns
        pixels = sources[k % _SOURCES]
        stamp(pixels, k, now)
        frame = Frame(host_ns=now, frame_id=k, device_ns=now, exposure_ns=now)
        sender.send(frame, pixels)
        due_ns += period_ns
    filmed = Filmed(late_ns, time.process_time() - cpu_s)
    parent.send(filmed)
    parent.recv()
    sender.close()


def infer(work: Work, parent: Connection) -> None:
    """Be inference's node in a process of its own; the parent is its supervisor."""
    network = TimedNetwork(work)

    def make(context: NodeContext) -> Node:
        take_up(work.way.hygiene, "inference")
        return _Watched(_node(context, work, network), work, network)

    link = ControlClient(work.streams / "control", "inference")
    parent.send("ready")
    NodeProcess("inference", make, link, MonotonicClock()).run()
    link.close()
    parent.send(network.found())


def act(work: Work, parent: Connection) -> None:
    """Hear decisions as an actuator's node does; run as a process of its own."""
    take_up(work.way.hygiene, "actuator")
    clock = MonotonicClock()
    heard = np.zeros((work.frames, 2), np.int64)
    listener = _actuator(work)
    parent.send("ready")
    gc.freeze()
    n = 0
    while not parent.poll(0):
        for frame_id in listener.decisions():
            heard[n] = frame_id, clock.now()
            n += 1
    listener.close()
    parent.send(Acted(heard[:n, 0].copy(), heard[:n, 1].copy()))


def _camera(work: Work) -> _PeerCamera | _RingCamera | BareCamera:
    if work.way.frames == "zmq":
        return _PeerCamera(work)
    if work.way.frames == "bare":
        return BareCamera(_streams(work))
    return _RingCamera(work)


def _node(context: NodeContext, work: Work, network: TimedNetwork) -> Node:
    if work.way.frames == "zmq":
        return PeerNode(context, work, network)
    if work.way.frames == "bare":
        return BareNode(network, context.clock)
    return InferenceNode(context, load=lambda _: network)


def _actuator(work: Work) -> _PeerActuator | _RingActuator | BareActuator:
    if work.way.frames == "zmq":
        return _PeerActuator(work)
    if work.way.frames == "bare":
        return BareActuator(_streams(work))
    return _RingActuator(work)


class _Watched:
    """A node, and when it was done with each frame."""

    def __init__(self, node: Node, work: Work, network: TimedNetwork) -> None:
        self._node = node
        self._work = work
        self._network = network
        self._clock = MonotonicClock()
        self.open = node.open
        self.start = node.start
        self.stop = node.stop
        self.close = node.close

    def attach(self, streams: StreamDirectory) -> None:
        self._node.attach(
            cast("StreamDirectory", _Timed(_streams(self._work), self._network))
        )

    def step(self) -> None:
        looks = self._network.looks
        self._node.step()
        if self._network.looks > looks:
            self._network.done(self._clock.now())

    def reads(self) -> Mapping[str, StreamStatus]:
        return self._node.reads()

    def metrics(self) -> Mapping[str, float]:
        return self._node.metrics()


def _streams(work: Work) -> StreamDirectory:
    kind = ZmqStreams if work.way.notices == "zmq" else StreamDirectory
    return kind(work.streams)


class _Timed:
    """A session's streams; a network is told when a decision is in its ring."""

    def __init__(self, streams: StreamDirectory, network: TimedNetwork) -> None:
        self._streams = streams
        self._network = network

    def __getattr__(self, name: str) -> Any:
        return getattr(self._streams, name)

    def writer(self, name: str) -> StreamWriter:
        if name != "decisions":
            return self._streams.writer(name)
        notifier = self._streams.notifier(name)
        return StreamWriter(
            self._streams.ring(name),
            cast("Notifier", _TimedNotifier(notifier, self._network)),
        )


class _TimedNotifier:
    def __init__(self, notifier: Notifier, network: TimedNetwork) -> None:
        self._notifier = notifier
        self._network = network
        self._clock = MonotonicClock()

    def notify(self) -> None:
        # before: who is woken may take the core over at once
        self._network.decided(self._clock.now())
        self._notifier.notify()

    def close(self) -> None:
        self._notifier.close()


class _RingCamera:
    def __init__(self, work: Work) -> None:
        self._writer = _streams(work).writer(f"cameras/{CAMERA}")

    def send(self, frame: Frame, pixels: NDArray[np.uint8]) -> None:
        self._writer.claim()[...] = pixels
        self._writer.publish(frame)

    def close(self) -> None:
        self._writer.close()


class _PeerCamera:
    def __init__(self, work: Work) -> None:
        self._socket = publisher(work.streams, CAMERA)

    def send(self, frame: Frame, pixels: NDArray[np.uint8]) -> None:
        send_record(self._socket, frame, pixels)

    def close(self) -> None:
        self._socket.close(linger=0)


class _RingActuator:
    def __init__(self, work: Work) -> None:
        streams = _streams(work)
        self._reader = streams.reader("decisions", 0)
        self._waiter = streams.waiter(["decisions"])

    def decisions(self) -> Iterator[int]:
        self._waiter.wait(_WAIT_MS)
        while len(batch := self._reader.read(64)):
            yield from batch.rows["frame_id"].tolist()

    def close(self) -> None:
        self._waiter.close()


class _PeerActuator:
    def __init__(self, work: Work) -> None:
        self._socket = subscriber(work.streams, "decisions")
        self._row = row_dtype(Decision)

    def decisions(self) -> Iterator[int]:
        if self._socket.poll(_WAIT_MS):
            parts: list[Any] = self._socket.recv_multipart(copy=False)
            if len(parts) == 1:  # a pose has keypoints behind it
                yield int(np.frombuffer(parts[0].buffer, self._row)["frame_id"][0])

    def close(self) -> None:
        self._socket.close(linger=0)
