"""Ways to write camera frames to a disk, each as a generator of its blocks.

A way opens what it needs, yields, then writes one block after the other, yielding
after each, and at its end makes durable what it wrote: so that whoever drives it
can time the opening, each block and the end apart. All take the frames from the
same ring of shared memory; those that compete with ours are written as well as
they can be.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from rig.errors import SpringhareError
from rig.recorder.pump import Pump
from rig.recording.layout import PAGE_BYTES, SESSION_FILE
from rig.recording.sidecar import SessionInfo
from rig.recording.writer import SessionWriter
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.bus.ring import Ring

__all__ = ["WAYS", "Way", "direct_io_works"]

_FILE = "frames"
_BLOCK_FRAMES = 16
"""What a recorder writes at once, if it keeps up."""
_BLOCK_BYTES = 32_000_000
"""What ours writes at once, if there is more."""
_RAW_BYTES = 1024 * 1024
_FLUSH_BLOCKS = 12

_h5: Any = h5py


@dataclass(frozen=True, slots=True)
class Way:
    """One way of writing."""

    title: str
    shape: tuple[int, int]
    """(height, width) of the frames, px."""
    blocks: Callable[[Ring, Path], Iterator[None]]
    """Writes all frames of a ring into a folder."""
    written: Callable[[Path, Ring], Any]
    """Context manager that gives the frames, and the rows or None, read back."""
    first: int = 0
    """Number of the first frame that it writes."""


def direct_io_works(folder: Path) -> bool:
    """Tell whether a disk takes writes that go past the page cache."""
    path = folder / "probe"
    fd = _open_direct(path)
    if fd is not None:
        os.close(fd)
    path.unlink(missing_ok=True)
    return fd is not None


# -- the ways


def _raw(block_bytes: int, ring: Ring, folder: Path) -> Iterator[None]:
    """Write preallocated bytes, nothing else: what the disk can do."""
    pixels = _frames(ring).reshape(-1)
    path = folder / _FILE
    fd = _open_direct(path)
    fd = _open(path) if fd is None else fd
    os.posix_fallocate(fd, 0, len(pixels))
    os.fsync(fd)
    yield
    for begin in range(0, len(pixels), block_bytes):
        _write(fd, pixels[begin : begin + block_bytes])
        yield
    os.fdatasync(fd)
    os.close(fd)


def _ours(first: int, ring: Ring, folder: Path) -> Iterator[None]:
    """Let the recorder's own pump empty the ring.

    A segment is two thirds of it: one change of segments is part of every
    measurement, and with it one that is laid out ahead.
    """
    spec = ring.spec
    seconds = ring.head * 2 / 3 / (spec.rate_hz or 1)
    writer = SessionWriter.create(folder, _identity(), [spec], seconds)
    pump = Pump(writer, [ring], MonotonicClock(), {spec.name: first})
    while not writer.room_bytes(spec.name) and not writer.next_segment_failed:
        time.sleep(0.001)  # a session has its first segment before its first frame
    yield
    while pump.pending():
        if pump.turn(all_of_it=True):
            msg = "Expected a ring that nobody writes, got rows that were overtaken"
            raise SpringhareError(msg)
        yield
    writer.close()


def _buffered(ring: Ring, folder: Path) -> Iterator[None]:
    """Write through the page cache, then wait for it."""
    frames = _frames(ring)
    fd = _open(folder / _FILE)
    yield
    for begin in range(0, len(frames), _BLOCK_FRAMES):
        _write(fd, frames[begin : begin + _BLOCK_FRAMES].reshape(-1))
        yield
    os.fdatasync(fd)
    os.close(fd)


def _h5py_rows(ring: Ring, folder: Path) -> Iterator[None]:
    """Let a dataset grow by one frame and one time at a time."""
    frames, times = _frames(ring), ring.rows["host_ns"]
    file, pixels, index = _new_hdf5(folder / _FILE, ring, chunk=1)
    yield
    for begin in range(0, len(frames), _BLOCK_FRAMES):
        for k in range(begin, min(begin + _BLOCK_FRAMES, len(frames))):
            pixels.resize(k + 1, axis=0)
            pixels[k] = frames[k]
            index.resize(k + 1, axis=0)
            index[k] = times[k]
        yield
    file.close()
    _sync(folder / _FILE)


def _h5py_swmr(ring: Ring, folder: Path) -> Iterator[None]:
    """Write whole chunks past the filters, in a file that others may read."""
    frames, times = _frames(ring), ring.rows["host_ns"]
    file, pixels, index = _new_hdf5(folder / _FILE, ring, chunk=_BLOCK_FRAMES)
    file.swmr_mode = True
    yield
    for number, begin in enumerate(range(0, len(frames), _BLOCK_FRAMES)):
        end = begin + _BLOCK_FRAMES
        pixels.resize(end, axis=0)
        pixels.id.write_direct_chunk((begin, 0, 0), frames[begin:end].data)
        index.resize(end, axis=0)
        index[begin:end] = times[begin:end]
        if number % _FLUSH_BLOCKS == _FLUSH_BLOCKS - 1:
            pixels.flush()
            index.flush()
        yield
    file.close()
    _sync(folder / _FILE)


# -- reading back


@contextmanager
def _plain(folder: Path, ring: Ring) -> Generator[tuple[Any, None]]:
    shape = (ring.head, *ring.payload.shape[1:])
    yield np.memmap(folder / _FILE, np.uint8, "r", shape=shape), None


@contextmanager
def _hdf5(folder: Path, _: Ring) -> Generator[tuple[Any, None]]:
    with _h5.File(folder / _FILE, "r") as file:
        yield file["frames"], None


@contextmanager
def _session(folder: Path, ring: Ring) -> Generator[tuple[Any, NDArray[np.void]]]:
    with _h5.File(folder / SESSION_FILE, "r") as file:
        stream = file[ring.spec.name]
        yield stream["frames"], stream["index"][()]


# -- parts


def _frames(ring: Ring) -> NDArray[np.uint8]:
    return ring.payload[: ring.head]


def _open(path: Path, flags: int = 0) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o644)


def _open_direct(path: Path) -> int | None:
    try:
        return _open(path, getattr(os, "O_DIRECT", 0))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return None


def _write(fd: int, block: NDArray[np.uint8]) -> None:
    while len(block):
        block = block[os.write(fd, block.data) :]


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    os.fsync(fd)
    os.close(fd)


def _new_hdf5(path: Path, ring: Ring, chunk: int) -> tuple[Any, Any, Any]:
    shape = ring.payload.shape[1:]
    file = _h5.File(path, "w", libver="latest")
    pixels = file.create_dataset(
        "frames", (0, *shape), "u1", maxshape=(None, *shape), chunks=(chunk, *shape)
    )
    index = file.create_dataset(
        "host_ns", (0,), "i8", maxshape=(None,), chunks=(PAGE_BYTES,)
    )
    return file, pixels, index


def _identity() -> SessionInfo:
    return SessionInfo(
        session_id="bench",
        subject="bench",
        task="bench",
        started_utc="",
        started_host_ns=0,
    )


_WHOLE_PAGES = (480, 640)
_BROKEN_PAGES = (540, 720)

WAYS: dict[str, Way] = {
    "raw_1m": Way("raw, 1 MiB", _WHOLE_PAGES, partial(_raw, _RAW_BYTES), _plain),
    "raw_block": Way(
        "raw, 32 MB",
        _WHOLE_PAGES,
        partial(_raw, _BLOCK_BYTES // PAGE_BYTES * PAGE_BYTES),
        _plain,
    ),
    "ours": Way("Springhare", _WHOLE_PAGES, partial(_ours, 0), _session),
    "ours_uneven": Way(
        "Springhare, 720 x 540", _BROKEN_PAGES, partial(_ours, 0), _session
    ),
    # One frame further in the ring than in the file, as when rows were lost: their
    # pages do not lie alike, so that all pixels are copied first.
    "ours_copied": Way(
        "Springhare, 720 x 540, copied",
        _BROKEN_PAGES,
        partial(_ours, 1),
        _session,
        first=1,
    ),
    "buffered": Way("page cache + fdatasync", _WHOLE_PAGES, _buffered, _plain),
    "h5py_rows": Way("h5py, row by row", _WHOLE_PAGES, _h5py_rows, _hdf5),
    "h5py_swmr": Way("h5py, SWMR chunks", _WHOLE_PAGES, _h5py_swmr, _hdf5),
}
"""Every way that is measured, by name; the raw ones are the limit."""
