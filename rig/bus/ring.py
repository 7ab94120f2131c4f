"""The ring: one writer, any number of readers, and nobody waits for anybody.

A ring is a file of shared memory: a header that describes the stream, then one
sequence lock, one seal, one row and one payload per slot. The writer marks a slot
odd, fills it, marks it even and moves the head; a reader (`rig.bus.reader`) copies
or looks, then checks the mark again. A seal is the digest of a large payload,
which its writer makes after it was published, with the pixels still in its cache.
A writer that is restarted raises the ring's generation and continues the numbering.

The stores rely on x86's order (`rig.system.require_store_order`).
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from rig.bus import shared_memory
from rig.errors import StreamError, VersionError
from rig.messages import (
    RECORDS,
    Record,
    StreamSpec,
    payload_digest,
    require_version,
    row_dtype,
    to_row,
)
from rig.system import require_store_order

if TYPE_CHECKING:
    import mmap
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Ring", "RingWriter"]

_MAGIC = b"SPRHRING"
_LAYOUT_VERSION = 2
_PAGE = 4096
_MAX_COUNTERS = 32
_MOST_UNIT = 64
"""Segments are whole multiples of so many rows; no other unit would stay in step."""
_MIN_SLOTS = 2
"""One is being written while the one before it can be read."""
_HEADER = np.dtype(
    {
        "names": [
            "magic",
            "layout",
            "spec_bytes",
            "slots",
            "head",
            "generation",
            "closed",
            "writer_pid",
            "counters",
        ],
        "formats": [
            "S8",
            "<u4",
            "<u4",
            "<i8",
            "<i8",
            "<i8",
            "<i8",
            "<i8",
            ("<i8", (_MAX_COUNTERS,)),
        ],
        # the head has a cache line of its own: readers poll it
        "offsets": [0, 8, 12, 16, 64, 128, 136, 144, 256],
        "itemsize": _PAGE,
    }
)
_SEAL = np.dtype([("next_seq", "<i8"), ("digest", "<u8")])
"""`next_seq` is one more than the `seq` of the element that the digest is of."""


def _pages(nbytes: int) -> int:
    return -(-nbytes // _PAGE) * _PAGE


def _slots(spec: StreamSpec) -> int:
    """Return the depth of a stream's ring: for pixels, a lap is whole pages.

    Then a frame lies in memory as it will lie on the disk, pages and all, however
    often the ring has gone around, and can be written from where it is.
    """
    if not spec.sealed or spec.payload is None:
        return spec.slots
    unit = _PAGE // math.gcd(spec.payload.nbytes, _PAGE)
    return -(-spec.slots // unit) * unit if unit <= _MOST_UNIT else spec.slots


def _cells(mapped: mmap.mmap, name: str, count: int = 1) -> NDArray[np.int64]:
    offset = 0 if _HEADER.fields is None else _HEADER.fields[name][1]
    return np.frombuffer(mapped, "<i8", count=count, offset=offset)


class Ring:
    """A mapped ring. Make one with `create`, then write and read it with the others.

    Raises
    ------
    StreamError
        If the file is missing or is not a ring.
    VersionError
        If it was made by another version.
    """

    def __init__(self, path: Path) -> None:
        require_store_order()
        if not path.exists():
            msg = f"Expected a stream at {path}, got nothing: is the session running?"
            raise StreamError(msg)
        self.path = path
        try:
            self._map = shared_memory.attach(path)
            header = np.frombuffer(self._map, _HEADER, count=1)
            self._check(header)
            nbytes = int(header["spec_bytes"][0])
            self.spec = msgspec.json.decode(
                self._map[_PAGE : _PAGE + nbytes], type=StreamSpec
            )
            self.slots = int(header["slots"][0])
            self._lay_out(_PAGE + _pages(nbytes))
        except (ValueError, msgspec.MsgspecError) as error:
            msg = f"Expected a ring in {path}, got something else ({error}): remove it"
            raise StreamError(msg) from error
        # Each a view of its own: several times faster than through the record.
        self._head = _cells(self._map, "head")
        self._generation = _cells(self._map, "generation")
        self._closed = _cells(self._map, "closed")
        self._writer_pid = _cells(self._map, "writer_pid")
        self._counters = _cells(self._map, "counters", _MAX_COUNTERS)

    def _check(self, header: NDArray[np.void]) -> None:
        if header["magic"][0] != _MAGIC:
            msg = "no ring's header"
            raise ValueError(msg)
        if header["layout"][0] != _LAYOUT_VERSION:
            msg = (
                f"Expected ring layout {_LAYOUT_VERSION} in {self.path.name}, got "
                f"{header['layout'][0]}: use one version of springhare"
            )
            raise VersionError(msg)

    def _lay_out(self, start: int) -> None:
        slots, spec = self.slots, self.spec
        self.locks = np.frombuffer(self._map, "<i8", count=slots, offset=start)
        start += _pages(slots * 8)
        seals = slots if spec.sealed else 0
        self.seals = np.frombuffer(self._map, _SEAL, count=seals, offset=start)
        start += _pages(seals * _SEAL.itemsize)
        self.rows = np.frombuffer(self._map, spec.row, count=slots, offset=start)
        start += _pages(slots * spec.row.itemsize)
        if spec.payload is None:
            self.payload: NDArray[Any] = np.zeros((slots, 0), np.uint8)
            return
        dtype = np.dtype(spec.payload.dtype)
        flat = np.frombuffer(
            self._map,
            dtype,
            count=slots * spec.payload.nbytes // dtype.itemsize,
            offset=start,
        )
        self.payload = flat.reshape(slots, *spec.payload.shape)

    @staticmethod
    def create(path: Path, spec: StreamSpec) -> Ring:
        """Make an empty ring for a stream and map it.

        Raises
        ------
        StreamError
            If it is there already, is described wrongly, or shared memory does not
            suffice.
        """
        if spec.slots < _MIN_SLOTS or len(spec.counters) > _MAX_COUNTERS:
            msg = (
                f"Expected at least {_MIN_SLOTS} slots and at most {_MAX_COUNTERS} "
                f"counters for {spec.name}, got {spec.slots} and {len(spec.counters)}"
            )
            raise StreamError(msg)
        if path.exists():
            msg = f"Expected no stream at {path}, got one: is another session running?"
            raise StreamError(msg)
        slots = _slots(spec)
        text = msgspec.json.encode(spec)
        header = np.zeros(1, _HEADER)
        header["magic"], header["layout"] = _MAGIC, _LAYOUT_VERSION
        header["spec_bytes"], header["slots"] = len(text), slots
        payload = spec.payload.nbytes if spec.payload else 0
        size = (
            _PAGE
            + _pages(len(text))
            + _pages(slots * 8)
            + _pages(slots * spec.sealed * _SEAL.itemsize)
            + _pages(slots * spec.row.itemsize)
            + _pages(slots * payload)
        )
        shared_memory.publish(path, header.tobytes() + text, size)
        return Ring(path)

    @property
    def head(self) -> int:
        """Number of elements published so far: the `seq` that comes next."""
        return self._head.item()

    @head.setter
    def head(self, value: int) -> None:
        self._head[0] = value

    @property
    def generation(self) -> int:
        """How many writers the ring has had."""
        return self._generation.item()

    @property
    def closed(self) -> bool:
        """Whether its writer has said that nothing more will come."""
        return bool(self._closed.item())

    @property
    def writer_pid(self) -> int:
        """Process of the newest writer; 0 before the first."""
        return self._writer_pid.item()

    @property
    def counters(self) -> dict[str, int]:
        """The writer's counters, by name; they outlive the writer."""
        return {
            name: int(self._counters[k]) for k, name in enumerate(self.spec.counters)
        }

    def counter_cell(self, name: str) -> NDArray[np.int64]:
        """Return the (1,) cell in which a counter lives."""
        k = self.spec.counters.index(name)
        return self._counters[k : k + 1]

    def begin_generation(self) -> None:
        """Take the ring over as its only writer."""
        self._generation[0] += 1
        self._writer_pid[0] = os.getpid()
        self._closed[0] = 0

    def mark_closed(self) -> None:
        """Say that nothing more will come."""
        self._closed[0] = 1

    @property
    def mapping(self) -> mmap.mmap:
        """The mapped file, for writing blocks of it to disk without a copy."""
        return self._map


class RingWriter:
    """The one writer of a ring.

    Fill what `claim` gives and `publish` the row, or `append` both at once.
    A restart is noticed by the readers: each writer is a new generation.

    Raises
    ------
    VersionError
        If the rows of the ring are of another version, and so another layout.
    """

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self._record = RECORDS[ring.spec.kind]
        if ring.spec.row != row_dtype(self._record):
            require_version(f"stream {ring.spec.name!r}", ring.spec.version)
        self.ring.begin_generation()
        self._seq = ring.head
        self._cells = {name: ring.counter_cell(name) for name in ring.spec.counters}

    @property
    def spec(self) -> StreamSpec:
        """What the stream is."""
        return self.ring.spec

    @property
    def seq(self) -> int:
        """The number that the next element will get."""
        return self._seq

    def claim(self) -> NDArray[Any]:
        """Open the next slot and return its payload, to be filled in place.

        An element that is claimed and not published is claimed again.
        """
        slot = self._seq % self.ring.slots
        self.ring.locks[slot] = 2 * self._seq + 1
        return self.ring.payload[slot]

    def publish(self, record: Record) -> int:
        """Publish the claimed slot with its row.

        Returns
        -------
        int
            The element's `seq`.
        """
        seq = self._seq
        slot = seq % self.ring.slots
        self.ring.rows[slot] = (seq, *to_row(record)[1:])
        self.ring.locks[slot] = 2 * seq + 2
        self._seq = seq + 1
        self.ring.head = self._seq
        return seq

    def seal(self) -> None:
        """Digest the newest payload, if the stream has large ones.

        To be called when the readers were woken: it takes 7 µs for 640 x 480 px that
        are still in the cache, and five times as long for whoever comes later.
        """
        seq = self._seq - 1
        if len(self.ring.seals) and seq >= 0:
            slot = seq % self.ring.slots
            digest = payload_digest(self.ring.payload[slot])
            self.ring.seals[slot] = (0, digest)
            self.ring.seals["next_seq"][slot] = seq + 1

    def append(self, record: Record, payload: NDArray[Any] | None = None) -> int:
        """Publish a row with its payload.

        Raises
        ------
        StreamError
            If the record is not the stream's, or the payload has another shape.
        """
        if not isinstance(record, self._record):
            msg = (
                f"Expected a {self._record.__name__} on {self.spec.name}, got a "
                f"{type(record).__name__}"
            )
            raise StreamError(msg)
        target = self.claim()
        if payload is not None:
            if payload.shape != target.shape:
                msg = (
                    f"Expected a payload of shape {target.shape} on "
                    f"{self.spec.name}, got {payload.shape}"
                )
                raise StreamError(msg)
            target[...] = payload
        return self.publish(record)

    def count(self, name: str, n: int = 1) -> None:
        """Add to one of the stream's counters."""
        self._cells[name][0] += n

    def close(self) -> None:
        """Say that nothing more will come; may be called twice."""
        self.ring.mark_closed()
