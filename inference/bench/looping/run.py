"""One measurement of the loop: its processes started, let work, and heard."""

from __future__ import annotations

import multiprocessing.connection
import os
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from inference.bench.looping.work import CAMERA, Work, task
from inference.bench.looping.workers import act, film, infer
from rig.bench.sustained_workers import burn
from rig.bench.workers import PATIENCE_S, Workers, hear
from rig.bus.control import ControlServer
from rig.bus.directory import StreamDirectory
from rig.errors import SpringhareError
from rig.messages import PayloadSpec, Reply, Request, StreamSpec
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

    from inference.bench.looping.work import Acted, Decided, Filmed, Way

__all__ = ["Asked", "Times", "run"]

WARM_UP = 20
"""Frames at the start that are not counted."""
_RING_S = 4.0
_POLL_MS = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What one measurement is like, whatever the way."""

    seconds: float
    rate_hz: float
    shape: tuple[int, int]
    network_ms: float
    model: str = ""
    plain: bool = False
    """Two rules only, without gates and prediction."""
    load: int = 0
    """Foreign processes that keep a core busy each."""
    fifo: bool = False
    """Every way has real-time priority, whatever else it is."""


@dataclass(frozen=True, slots=True)
class Times:
    """What one measurement gave; of each frame that was looked at, in order."""

    started_ns: NDArray[np.int64]
    """When the camera had the frame."""
    reached_ns: NDArray[np.int64]
    """From there to the network: copied, woken, taken."""
    decided_ns: NDArray[np.int64]
    """From the frame in the camera's hands to the decision published, less the
    network."""
    heard_ns: NDArray[np.int64]
    """The same to the decision in the actuator's process."""
    done_ns: NDArray[np.int64]
    """The same to all that follows published, and the next frame can come."""
    late_ns: NDArray[np.int64]
    """By how much the camera itself was late."""
    skipped: int
    """Frames that a newer one overtook, or that were lost."""
    cpu_us_per_frame: float
    """Of camera and inference, the network's own time included."""


def run(way: Way, asked: Asked) -> Times:
    """Measure a way once.

    Raises
    ------
    SpringhareError
        If a process cannot go on, or nothing came.
    """
    frames = max(round(asked.seconds * asked.rate_hz), 1) + WARM_UP
    name = f"bench-{os.getpid()}"
    # the folder that it names is none: what is left of a killed benchmark is dropped
    streams = StreamDirectory.create(name, Path.cwd() / name)
    if asked.fifo and not way.hygiene:
        way = replace(way, hygiene="fifo")
    work = Work(
        way,
        streams.path,
        asked.shape,
        asked.rate_hz,
        frames,
        asked.network_ms,
        asked.model,
        asked.plain,
    )
    try:
        with closing(ControlServer(streams.path / "control")) as server:
            return _measured(work, asked, streams, _Inference(server))
    finally:
        streams.remove()


class _Inference:
    """Asks inference's node for the steps of its life, as the supervisor does."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._clock = MonotonicClock()
        self._asked = 0

    def tell(self, name: str, **arguments: Any) -> None:
        """Send a request whose answer does not matter."""
        self._asked += 1
        request = Request(request_id=self._asked, name=name, arguments=arguments)
        self._server.send("inference", request)

    def ask(self, name: str, **arguments: Any) -> Mapping[str, Any]:
        """Return the answer to a request."""
        self.tell(name, **arguments)
        deadline_ns = self._clock.now() + round(PATIENCE_S * 1e9)
        while self._clock.now() < deadline_ns:
            for _, message in self._server.receive(_POLL_MS):
                if isinstance(message, Reply) and message.request_id == self._asked:
                    if not message.ok:
                        raise SpringhareError(message.error)
                    return message.result
        msg = f"Expected inference to answer {name!r}, got nothing"
        raise SpringhareError(msg)

    def listen(self, timeout_ms: int) -> None:
        """Take in its heartbeats."""
        self._server.receive(timeout_ms)


def _measured(
    work: Work, asked: Asked, streams: StreamDirectory, node: _Inference
) -> Times:
    streams.create_ring(_camera_spec(work))
    with Workers() as workers:
        inference = workers.start(infer, work)
        hear(inference)
        node.listen(_POLL_MS)  # its first heartbeat: from now on it is known by name
        opened = node.ask("open", **_description(work))
        for spec in opened["streams"]:
            streams.create_ring(msgspec.convert(spec, StreamSpec))
        camera = workers.start(film, work)
        hear(camera)
        node.ask("attach", directory=str(streams.path))
        actuator = workers.start(act, work)
        hear(actuator)
        node.ask("start")
        burners = [workers.start(burn) for _ in range(asked.load)]
        for burner in burners:
            hear(burner)
        # subscriptions travel too: a little later they have surely arrived
        multiprocessing.connection.wait([camera], 0.2)
        filmed = _filmed(work, camera, node)
        for burner in burners:
            burner.send("end")
        node.ask("stop")
        node.tell("end")
        decided = hear(inference)
        actuator.send("end")
        acted = hear(actuator)
        camera.send("end")
    return _times(work, filmed, decided, acted)


def _filmed(work: Work, camera: Connection, node: _Inference) -> Filmed:
    """Let the camera work; listen to the node's heartbeats meanwhile."""
    camera.send("go")
    clock = MonotonicClock()
    deadline_ns = clock.now() + round((work.frames / work.rate_hz + PATIENCE_S) * 1e9)
    while not camera.poll(0):
        node.listen(_POLL_MS)
        if clock.now() > deadline_ns:
            msg = "Expected the camera to come to an end, it did not"
            raise SpringhareError(msg)
    node.listen(_POLL_MS)  # the last frames are on their way
    return hear(camera)


def _times(work: Work, filmed: Filmed, decided: Decided, acted: Acted) -> Times:
    """Return the times of the frames that a decision was made on and heard."""
    heard_ns = np.zeros(work.frames, np.int64)
    heard_ns[acted.frame_ids] = acted.heard_ns
    heard_ns = heard_ns[decided.frame_ids]
    counted = decided.frame_ids >= WARM_UP
    counted &= (decided.decided_ns > 0) & (heard_ns > 0)
    if not counted.any():
        msg = f"Expected decisions on {work.frames} frames, got none: try longer"
        raise SpringhareError(msg)
    since_ns = decided.started_ns + decided.network_ns
    return Times(
        started_ns=decided.started_ns[counted],
        reached_ns=(decided.reached_ns - decided.started_ns)[counted],
        decided_ns=(decided.decided_ns - since_ns)[counted],
        heard_ns=(heard_ns - since_ns)[counted],
        done_ns=(decided.done_ns - since_ns)[counted],
        late_ns=filmed.late_ns[WARM_UP:],
        skipped=int(work.frames - WARM_UP - np.count_nonzero(counted)),
        cpu_us_per_frame=1e6 * (filmed.cpu_s + decided.cpu_s) / work.frames,
    )


def _camera_spec(work: Work) -> StreamSpec:
    return StreamSpec(
        name=f"cameras/{CAMERA}",
        kind="frames",
        node=CAMERA,
        payload=PayloadSpec("|u1", work.shape),
        rate_hz=work.rate_hz,
        slots=max(8, round(_RING_S * work.rate_hz)),
    )


def _description(work: Work) -> dict[str, Any]:
    described = task(plain=work.plain)
    return {
        "config": described["inference"],
        "rig": {},
        "task": described,
        "session": {},
        "session_folder": str(work.streams),
    }
