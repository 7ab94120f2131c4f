"""Where everything stands in a session's files, and how big its parts are.

A stream's name is its place: ``cameras/left`` has its frames in
``/cameras/left/frames`` and its rows in ``/cameras/left/index``, while a stream
without payload (``events/daq``, ``decisions``) is one table of that name. Both
lie in segment files of a fixed number of rows, ``segments/cameras+left-<k>.h5``,
which `session.h5` shows as one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rig.messages import StreamKind, StreamSpec

    Attribute = str | float | list[str | float | int]

__all__ = [
    "FOLDED",
    "FORMAT",
    "FORMAT_VERSION",
    "PAGE_BYTES",
    "RESERVE_BYTES",
    "RESERVE_FILE",
    "SEGMENT_CHECKSUM",
    "SEGMENT_INDEX",
    "SEGMENT_PAYLOAD",
    "SEGMENT_SECONDS",
    "SESSION_FILE",
    "SIDECAR_FILE",
    "DatasetLayout",
    "StreamLayout",
    "segment_name",
    "segments_folder",
]

FORMAT = "springhare-session"
FOLDED = "folded"
"""`storage` of a session file that holds its rows itself, without segments."""
FORMAT_VERSION = 1
SESSION_FILE = "session.h5"
SIDECAR_FILE = "session.json"
RESERVE_FILE = ".reserve"
"""Among the segments, while recording: room for the session's end on a full disk."""
RESERVE_BYTES = 16 * 1024 * 1024
"""Size of that room."""
SEGMENT_SECONDS = 60.0
"""Length of a segment, about, where no rig file says otherwise."""
PAGE_BYTES = 4096
"""Unit in which a killed write stops, and in which direct I/O is aligned."""

SEGMENT_CHECKSUM = "checksum"
SEGMENT_INDEX = "index"
SEGMENT_PAYLOAD = "payload"

_ROWS_WITHOUT_RATE = 16_384
_LEAST_ROWS = 16
_NAME = re.compile(r"[a-z][a-z0-9_]*(/[a-z0-9_]+)*")
_PLACE: dict[StreamKind, str] = {
    "frames": "cameras/",
    "samples": "signals/",
    "events": "events/",
    "poses": "poses/",
    "estimates": "estimates/",
    "points": "points/",
    "features": "features",
    "decisions": "decisions",
    "acknowledgements": "acknowledgements",
    "clocks": "clocks/",
    "losses": "losses/",
    "node_events": "node_events",
}
_PAYLOAD_NAME: dict[StreamKind, str] = {
    "frames": "frames",
    "samples": "samples",
    "poses": "keypoints",
    "estimates": "estimates",
    "points": "points",
}


def segment_name(stream: str, number: int | str) -> str:
    """Return the name of a stream's segment file."""
    return f"{stream.replace('/', '+')}-{number}.h5"


def segments_folder(session: Path) -> Path:
    """Return the folder of a session's segment files."""
    return session / "segments"


@dataclass(frozen=True)
class DatasetLayout:
    """One dataset: as it is called in a segment and in the session, and its size."""

    segment_name: str
    session_path: str
    dtype: np.dtype[np.generic]
    entries_per_segment: int
    """Length of the first axis in one segment."""
    entry_shape: tuple[int, ...]
    """Shape of one entry along the first axis."""

    @cached_property
    def entry_bytes(self) -> int:
        """Size of one entry in bytes."""
        return self.dtype.itemsize * math.prod(self.entry_shape)

    @property
    def nbytes(self) -> int:
        """Size in one segment, in bytes."""
        return self.entries_per_segment * self.entry_bytes


@dataclass(frozen=True)
class StreamLayout:
    """How one stream lies on disk."""

    spec: StreamSpec
    rows_per_segment: int

    @staticmethod
    def of(spec: StreamSpec, segment_seconds: float) -> StreamLayout:
        """Return the layout of a stream in segments of about so many seconds.

        A segment's index is a whole number of pages, and no row crosses from
        one page into the next, so that a killed write leaves whole rows.

        Raises
        ------
        SessionError
            If the stream's name, kind and payload do not go together.
        """
        _check(spec)
        rows = _ROWS_WITHOUT_RATE
        if spec.rate_hz is not None:
            rows = max(_LEAST_ROWS, math.ceil(segment_seconds * spec.rate_hz))
        rows_per_page = max(1, PAGE_BYTES // spec.row.itemsize)
        return StreamLayout(spec, -(-rows // rows_per_page) * rows_per_page)

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.spec.name

    @cached_property
    def units_per_row(self) -> int:
        """Entries of the payload that belong to one full row: 1, or samples a block."""
        if self.spec.payload is None or self.spec.kind != "samples":
            return 1
        return self.spec.payload.shape[0]

    @cached_property
    def index(self) -> DatasetLayout:
        """The stream's table of rows."""
        path = f"/{self.name}" if self.payload is None else f"/{self.name}/index"
        return DatasetLayout(
            SEGMENT_INDEX, path, self.spec.row, self.rows_per_segment, ()
        )

    @cached_property
    def payload(self) -> DatasetLayout | None:
        """The stream's pixels, samples or keypoints; None for a stream without."""
        if self.spec.payload is None:
            return None
        shape = self.spec.payload.shape
        return DatasetLayout(
            SEGMENT_PAYLOAD,
            f"/{self.name}/{_PAYLOAD_NAME[self.spec.kind]}",
            np.dtype(self.spec.payload.dtype),
            self.rows_per_segment * self.units_per_row,
            shape[1:] if self.spec.kind == "samples" else shape,
        )

    @cached_property
    def checksum(self) -> DatasetLayout:
        """What vouches for each row and its payload."""
        return DatasetLayout(
            SEGMENT_CHECKSUM,
            f"/checksums/{self.name}",
            np.dtype("<u8"),
            self.rows_per_segment,
            (),
        )

    @property
    def datasets(self) -> tuple[DatasetLayout, ...]:
        """The payload, if there is one, the table, the checksums."""
        tables = (self.index, self.checksum)
        return tables if self.payload is None else (self.payload, *tables)

    @property
    def row_bytes(self) -> int:
        """What a row takes on the disk with all that goes with it, in bytes."""
        return self.segment_bytes // self.rows_per_segment

    @property
    def segment_bytes(self) -> int:
        """What a segment's data take on the disk."""
        return sum(dataset.nbytes for dataset in self.datasets)

    def segment_file(self, number: int | str) -> str:
        """Return the name of a segment's file; ``%b`` gives HDF5's pattern."""
        return segment_name(self.name, number)

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """What is written beside the payload, or beside the table without one."""
        spec = self.spec
        found: dict[str, Attribute] = {"kind": spec.kind, "node": spec.node}
        if spec.rate_hz is not None:
            found["rate_hz"] = spec.rate_hz * self.units_per_row
        found.update(spec.attributes)
        return found


def _check(spec: StreamSpec) -> None:
    place = _PLACE[spec.kind]
    named = spec.name.startswith(place) if place.endswith("/") else spec.name == place
    if not named or not _NAME.fullmatch(spec.name):
        msg = (
            f"Expected a stream of {spec.kind} to be named {place!r} and in lower "
            f"case, got {spec.name!r}"
        )
        raise SessionError(msg)
    if (spec.payload is not None) != (spec.kind in _PAYLOAD_NAME):
        wanted = "a" if spec.kind in _PAYLOAD_NAME else "no"
        msg = f"Expected {wanted} payload in a stream of {spec.kind}, {spec.name!r}"
        raise SessionError(msg)
