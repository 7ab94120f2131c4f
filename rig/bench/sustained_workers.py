"""The processes of the sustained benchmark: cameras, and somebody else's work."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.bench.pictures import Pictures
from rig.bus.directory import StreamDirectory
from rig.messages import Frame
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

__all__ = ["Filmed", "Filming", "burn", "film"]

_SPIN = 20_000


@dataclass(frozen=True, slots=True)
class Filming:
    """What one camera does."""

    streams: Path
    """Folder of the session's streams."""
    stream: str
    seed: int
    """Of its pictures."""
    frames: int


@dataclass(frozen=True, slots=True)
class Filmed:
    """What a camera has to say when it is done."""

    cpu_s: float
    late_ms: tuple[float, float, float]
    """p50, p99 and longest time by which a frame came too late."""


def film(work: Filming, parent: Connection) -> None:
    """Publish frames at their rate, as a camera's node does; run as a process.

    One that comes late is followed by the others at once: none is left out.
    """
    writer = StreamDirectory(work.streams).writer(work.stream)
    pictures = Pictures.of_camera(writer.claim().shape, work.seed)
    period_ns = 1e9 / (writer.spec.rate_hz or 1)
    clock = MonotonicClock()
    late_ns = np.zeros(work.frames, np.int64)
    parent.send("ready")
    start_ns = parent.recv()
    gc.freeze()
    cpu_s = time.process_time()
    for k in range(work.frames):
        due_ns = start_ns + round(k * period_ns)
        time.sleep(max(0, due_ns - clock.now()) / 1e9)
        now = clock.now()
        late_ns[k] = now - due_ns
        pictures.draw(writer.claim(), k)
        writer.publish(Frame(host_ns=now, frame_id=k, device_ns=now, exposure_ns=now))
    writer.close()
    cpu_s = time.process_time() - cpu_s
    p50_ms, p99_ms, most_ms = np.percentile(late_ns / 1e6, [50, 99, 100])
    parent.send(Filmed(cpu_s, (float(p50_ms), float(p99_ms), float(most_ms))))


def burn(parent: Connection) -> None:
    """Keep a core busy until told to end; run as a process of its own."""
    parent.send("ready")
    cpu_s = time.process_time()
    while not parent.poll(0):
        sum(range(_SPIN))
    parent.recv()
    parent.send(time.process_time() - cpu_s)
