"""What is known of a session from outside: its committed rows, and its rings.

Nothing here asks the recorder, its reader or its ledger: a file is opened with plain
h5py, and a row counts as committed by the promise of the format (its ``host_ns`` is
not 0). What the nodes published is read from the rings, which are mapped before they
can be removed and are deeper than the sessions are long: the whole truth, against
which the recording is held afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from rig.bus.directory import StreamDirectory
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.bus.ring import Ring

__all__ = ["Table", "Witness", "committed_rows"]

_PAYLOADS = ("frames", "keypoints", "samples")
_h5: Any = h5py


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one stream, each with the bytes that belong to it."""

    rows: NDArray[np.void]
    payload: tuple[bytes, ...]
    """Of each row: a frame, a pose, a block of samples; nothing for an event."""
    missing: int = 0
    """Rows before these that nobody can see any more."""


def committed_rows(session_file: Path) -> dict[str, Table]:
    """Return what is committed in a session, by stream; with plain h5py.

    Raises
    ------
    OSError
        If it cannot be opened or read.
    """
    tables: dict[str, Table] = {}
    with _h5.File(session_file) as file:

        def look(name: str, found: Any) -> None:
            if "host_ns" in (getattr(found, "dtype", np.dtype("i8")).names or ()):
                stream = name.removesuffix("/index")
                tables[stream] = _table(found, file[stream])

        file.visititems(look)
    return tables


def _table(index: Any, group: Any) -> Table:
    # HDF5 refuses to read nothing from a virtual dataset
    rows: NDArray[Any] = index[:] if len(index) else np.empty(0, index.dtype)
    marks = rows["host_ns"] != 0
    rows = rows[: len(marks) if marks.all() else int(marks.argmin())]
    source = None
    if isinstance(group, _h5.Group):
        source = next(group[name] for name in _PAYLOADS if name in group)
    return Table(rows, tuple(_payload(rows, source)))


def _payload(rows: NDArray[np.void], source: Any) -> list[bytes]:
    """Return what belongs to each row of a dataset beside them."""
    if source is None or not len(rows):
        return [b""] * len(rows)
    if "first_sample" not in (rows.dtype.names or ()):
        return [entry.tobytes() for entry in source[: len(rows)]]
    ends = rows["first_sample"] + rows["count"]
    samples = source[: max(0, int(ends.max()))] if ends.max() > 0 else source[:1]
    return [
        samples[first:end].tobytes()
        for first, end in zip(rows["first_sample"].tolist(), ends.tolist(), strict=True)
    ]


class Witness:
    """Sees whatever the nodes of a session publish.

    Parameters
    ----------
    shm
        Shared memory of the session alone.
    """

    def __init__(self, shm: Path) -> None:
        self._shm = shm
        self._rings: dict[str, Ring] = {}

    def look(self) -> None:
        """Map the rings that were not there the last time."""
        for note in self._shm.glob("*/owner.json"):
            streams = StreamDirectory(note.parent)
            try:
                for name in set(streams.names()) - set(self._rings):
                    self._rings[name] = streams.ring(name)
            except (SpringhareError, FileNotFoundError):
                continue  # just removed

    def heads(self) -> dict[str, int]:
        """Return how many rows of each stream were published so far."""
        return {name: ring.head for name, ring in self._rings.items()}

    def published(self) -> Mapping[str, Table]:
        """Return what was published, by stream; to be asked when it is quiet."""
        return {name: _seen(ring) for name, ring in self._rings.items()}


def _seen(ring: Ring) -> Table:
    missing = max(0, ring.head - ring.slots)
    slots = np.arange(missing, ring.head) % ring.slots
    rows = ring.rows[slots]
    if ring.spec.payload is None:
        return Table(rows, (b"",) * len(rows), missing)
    entries = [ring.payload[slot] for slot in slots]
    if "count" in (rows.dtype.names or ()):
        counts = rows["count"].tolist()
        entries = [entry[:n] for entry, n in zip(entries, counts, strict=True)]
    return Table(rows, tuple(entry.tobytes() for entry in entries), missing)
