"""What recording costs: durable throughput and CPU of ours beside other ways.

The ring that all take their frames from holds a whole measurement, so that nobody
has to fill it while the clock runs. Each way runs in a fresh process, in turns
with the others; CPU is that of its process. Not billed to it are the digests that
cameras make of their frames for our checksums (``seal_ms_per_mb``), and what the
kernel does afterwards for pixels in the page cache, in favour of the other ways.
"""

from __future__ import annotations

import gc
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.bench.machine import Conditions, Usage, require_memory, require_room
from rig.bench.pictures import Pictures, faults_in_frames, faults_in_rows
from rig.bench.recorder_figures import Round, ratios, summary
from rig.bench.ways import WAYS, direct_io_works
from rig.bench.workers import PATIENCE_S, Workers, hear
from rig.bus.directory import StreamDirectory
from rig.bus.ring import Ring, RingWriter
from rig.messages import Frame, PayloadSpec, StreamSpec
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from multiprocessing.connection import Connection
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Plan", "measure"]

_RATE_HZ = 200.0
_FRAMES = 16
"""Frames come in whole blocks of so many."""
_SLOWEST_MB_PER_S = 10.0
_SEED = 0
_ZEROS = bytes(1024 * 1024)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    megabytes: float = 500.0
    """Pixels that each way writes in a round."""
    rounds: int = 5
    """How often each is repeated, in turns, every second time backwards."""
    ways: tuple[str, ...] = tuple(WAYS)

    def frames(self, shape: tuple[int, int]) -> int:
        """Return how many frames of a shape are written."""
        blocks = 1e6 * self.megabytes / (_FRAMES * shape[0] * shape[1])
        return _FRAMES * max(2, round(blocks))


@dataclass(frozen=True, slots=True)
class _Written:
    """What one process has to say about what it wrote."""

    seconds: float
    """From the first block until everything was on the disk."""
    cpu_s: float
    """Of all its threads."""
    polling_cpu_s: float
    """Of the thread that wrote the blocks."""
    blocks_ms: NDArray[np.float64]
    """(n,) time that each block took."""
    memory_bytes: int
    """The most that it used, without the ring."""


@dataclass(frozen=True, slots=True)
class _Filled:
    """A ring that holds a whole measurement."""

    ring: Ring
    seal_ms_per_mb: float
    """CPU time that its camera took to digest the pixels."""


def measure(
    plan: Plan, folder: Path, told: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Measure every way and return the figures, ready for JSON.

    Parameters
    ----------
    plan
        What is to be measured.
    folder
        An empty folder on the disk that is measured.
    told
        Is told what is being measured.

    Raises
    ------
    SpringhareError
        If disk or shared memory lack the room.
    """
    conditions = Conditions(folder)
    shapes = {WAYS[name].shape for name in plan.ways}
    # ours lays out a second segment beside the one that it fills
    require_room(folder, 2 * max(plan.frames(s) * s[0] * s[1] for s in shapes))
    direct = direct_io_works(folder)
    rounds: dict[str, list[Round]] = {name: [] for name in plan.ways}
    faults: dict[str, list[str]] = {}
    with _filled_rings(plan, shapes, folder) as rings:
        for number in range(plan.rounds):
            for name in plan.ways if number % 2 == 0 else reversed(plan.ways):
                told(f"round {number + 1}: {WAYS[name].title}")
                ring, place = rings[WAYS[name].shape].ring, folder / name
                rounds[name].append(_run(name, ring, place))
                if name not in faults:
                    faults[name] = _read_back(name, ring, place)
                shutil.rmtree(place)
    return {
        "environment": {
            **conditions.noted(),
            "direct_io": direct,
            "megabytes": plan.megabytes,
            "rounds": plan.rounds,
        },
        "ways": {
            name: {
                "title": WAYS[name].title,
                "frame_px": list(reversed(WAYS[name].shape)),
                **summary(rounds[name]),
                "faults": faults[name],
            }
            for name in plan.ways
        },
        "ratios": ratios(rounds),
        "seal_ms_per_mb": {
            f"{width}x{height}": round(filled.seal_ms_per_mb, 4)
            for (height, width), filled in rings.items()
        },
    }


# -- one measurement


@contextmanager
def _filled_rings(
    plan: Plan, shapes: set[tuple[int, int]], folder: Path
) -> Generator[Mapping[tuple[int, int], _Filled]]:
    """Make a ring for each shape that holds all frames of a measurement."""
    require_memory(sum(plan.frames(shape) * shape[0] * shape[1] for shape in shapes))
    # the folder that it names is none: what is left of a killed benchmark is dropped
    streams = StreamDirectory.create(f"bench-{os.getpid()}", folder / "none")
    try:
        yield {shape: _fill(streams, shape, plan.frames(shape)) for shape in shapes}
    finally:
        streams.remove()


def _fill(streams: StreamDirectory, shape: tuple[int, int], frames: int) -> _Filled:
    spec = StreamSpec(
        name=f"cameras/width_{shape[1]}",
        kind="frames",
        node="bench",
        payload=PayloadSpec("|u1", shape),
        rate_hz=_RATE_HZ,
        slots=frames + 1,  # of a full ring, one slot may be being written
    )
    ring = streams.create_ring(spec)
    writer, pictures = RingWriter(ring), Pictures.of_camera(shape, _SEED)
    clock, seal_s = MonotonicClock(), 0.0
    for number in range(frames):
        pictures.draw(writer.claim(), number)
        now = clock.now()
        writer.publish(
            Frame(host_ns=now, frame_id=number, device_ns=-1, exposure_ns=now)
        )
        seal_s -= time.thread_time()
        writer.seal()
        seal_s += time.thread_time()
    writer.close()
    return _Filled(ring, 1e3 * seal_s / (frames * shape[0] * shape[1] / 1e6))


def _run(name: str, ring: Ring, place: Path) -> Round:
    place.mkdir()
    nbytes = ring.payload[WAYS[name].first : ring.head].nbytes
    with Workers() as workers:
        link = workers.start(_write, name, ring.path, place)
        written = hear(link, PATIENCE_S + nbytes / 1e6 / _SLOWEST_MB_PER_S)
    megabytes = nbytes / 1e6
    p50_ms, p99_ms = np.percentile(written.blocks_ms, [50, 99])
    return Round(
        durable_mb_per_s=megabytes / written.seconds,
        cpu_ms_per_mb=1e3 * written.cpu_s / megabytes,
        polling_cpu_ms_per_mb=1e3 * written.polling_cpu_s / megabytes,
        block_p50_ms=float(p50_ms),
        block_p99_ms=float(p99_ms),
        block_max_ms=float(written.blocks_ms.max()),
        memory_mb=written.memory_bytes / 1e6,
    )


def _write(name: str, ring_path: Path, place: Path, parent: Connection) -> None:
    """Write all frames of a ring in one way; run as a process of its own."""
    ring = Ring(ring_path)
    steps = WAYS[name].blocks(ring, place)
    clock = MonotonicClock()
    next(steps)  # opens what it needs
    os.sync()  # what others left to be written is not ours to wait for
    _warm_page_cache(place / "warm", ring.payload.nbytes)
    gc.freeze()
    stamps = [clock.now()]
    cpu_s, polling_cpu_s = time.process_time(), time.thread_time()
    stamps += [clock.now() for _ in steps]
    end = clock.now()
    cpu_s = time.process_time() - cpu_s
    polling_cpu_s = time.thread_time() - polling_cpu_s
    parent.send(
        _Written(
            (end - stamps[0]) / 1e9,
            cpu_s,
            polling_cpu_s,
            np.diff(stamps) / 1e6,
            Usage.of(os.getpid()).peak_memory_bytes,
        )
    )


def _warm_page_cache(path: Path, nbytes: int) -> None:
    """Fill and free so much of the page cache.

    A virtual machine gets memory from its host at the first touch: else the first of
    the buffered ways would pay for it, and the second would not.
    """
    with path.open("wb") as file:
        for _ in range(0, nbytes, len(_ZEROS)):
            file.write(_ZEROS)
    path.unlink()


def _read_back(name: str, ring: Ring, place: Path) -> list[str]:
    way = WAYS[name]
    numbers = np.arange(way.first, ring.head)
    pictures = Pictures.of_camera(way.shape, _SEED)
    with way.written(place, ring) as (frames, rows):
        faults = faults_in_frames(frames, numbers, pictures)
        if rows is not None:
            faults += faults_in_rows(rows, numbers)
    return faults
