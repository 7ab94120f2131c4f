"""What is known of a session at the kill: its committed rows, and its rings.

The rings are mapped before they can be removed and stay readable. They are deeper
than the sessions are long, so that they hold whatever was ever published: the whole
truth against which the recording is compared afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]

from rig.bus.directory import StreamDirectory
from rig.errors import SpringhareError
from rig.recording.layout import SESSION_FILE
from rig.recording.reader import Recording
from rig.recording.verification import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rig.bus.ring import Ring

__all__ = ["Committed", "Fault", "Rings", "committed_now", "plainly_opened"]

_LAST_ROWS = 64
"""Rows whose payload is compared with their checksums right after the kill."""

_h5: Any = h5py


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that must not be."""

    kind: str
    """unopenable, lost, unrecorded, gap, left_over or other."""
    text: str
    count: int = 1
    """How many rows, or things."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What is committed of a session at some moment."""

    rows: dict[str, NDArray[np.void]] = field(default_factory=dict)
    checksums: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    torn: tuple[Fault, ...] = ()
    """Rows that are marked as committed and are not what was published."""

    @property
    def count(self) -> int:
        """Committed rows of all streams."""
        return sum(map(len, self.rows.values()))


class Rings:
    """A session's rings, as far as they were there to be mapped."""

    def __init__(self, shm: Path) -> None:
        self._shm = shm
        self._rings: dict[str, Ring] = {}

    def hold(self) -> None:
        """Map what was not there the last time."""
        for note in self._shm.glob("*/owner.json"):
            streams = StreamDirectory(note.parent)
            for name in streams.names():
                try:
                    self._rings.setdefault(name, streams.ring(name))
                except (SpringhareError, FileNotFoundError):
                    continue  # just removed

    def heads(self) -> dict[str, int]:
        """Return how many rows of each stream were ever published."""
        return {name: ring.head for name, ring in self._rings.items()}

    def __iter__(self) -> Iterator[Ring]:
        """Iterate over the rings."""
        return iter(self._rings.values())


def plainly_opened(folder: Path) -> Recording | None:
    """Open a session as anybody would; None where it has not begun.

    Raises
    ------
    OSError
        If plain h5py cannot.
    """
    path = folder / SESSION_FILE
    return Recording(folder, _h5.File(path)) if path.exists() else None


def committed_now(recording: Recording) -> Committed:
    """Return what is committed, with the payload of the last rows compared.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    rows: dict[str, NDArray[np.void]] = {}
    checksums: dict[str, NDArray[np.uint64]] = {}
    torn: list[Fault] = []
    for name in recording.streams:
        rows[name] = recording.rows(name)
        n = len(rows[name])
        checksums[name] = recording.checksums(name, 0, n)
        for _, bad in verify(recording, name, max(0, n - _LAST_ROWS), n):
            if len(bad):
                text = f"{name}: committed, but torn: rows {bad.tolist()}"
                torn.append(Fault("lost", text, len(bad)))
    return Committed(rows, checksums, tuple(torn))
