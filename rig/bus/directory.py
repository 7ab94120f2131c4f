"""The streams of one session: a folder in shared memory, made by the supervisor.

It holds a ring and a list of waiters per stream, and a note of who owns it. When
the owner is gone without having removed it (`kill -9`, a power cut of the
program), the folder is found by `abandoned`, and what was not recorded yet can
still be read.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import msgspec

from rig.bus import shared_memory
from rig.bus.notice import Notifier, Waiter
from rig.bus.reader import RingReader
from rig.bus.ring import Ring, RingWriter
from rig.errors import StreamError
from rig.system import is_alive, process_started

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.messages import Record, StreamSpec

__all__ = ["Owner", "StreamDirectory", "StreamWriter", "abandoned", "running"]


_LONGEST_PATH = 107 - len("/control")
"""What the system allows for a Unix socket, less the name of the one in the folder."""


class Owner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who made a session's streams, and which recording they belong to."""

    pid: int
    started: int
    """When that process began, so that a process number used anew is not taken
    for it."""
    session_folder: str


class StreamWriter:
    """A ring's writer that also wakes the readers."""

    def __init__(self, ring: Ring, notifier: Notifier) -> None:
        self._writer = RingWriter(ring)
        self._notifier = notifier

    @property
    def spec(self) -> StreamSpec:
        """What the stream is."""
        return self._writer.spec

    @property
    def seq(self) -> int:
        """The number that the next element will get."""
        return self._writer.seq

    def claim(self) -> NDArray[Any]:
        """Open the next slot and return its payload, to be filled in place."""
        return self._writer.claim()

    def publish(self, record: Record) -> int:
        """Publish the claimed slot with its row, wake the readers, return `seq`."""
        return self._announce(self._writer.publish(record))

    def append(self, record: Record, payload: NDArray[Any] | None = None) -> int:
        """Publish a row with its payload, wake the readers, return `seq`."""
        return self._announce(self._writer.append(record, payload))

    def count(self, name: str, n: int = 1) -> None:
        """Add to one of the stream's counters."""
        self._writer.count(name, n)

    @property
    def counters(self) -> dict[str, int]:
        """The stream's counters."""
        return self._writer.ring.counters

    def close(self) -> None:
        """Close the stream: nothing more will come. May be called twice."""
        self._writer.close()
        self._notifier.close()

    def _announce(self, seq: int) -> int:
        self._notifier.notify()
        self._writer.seal()
        return seq


class StreamDirectory:
    """The folder of a session's streams.

    Parameters
    ----------
    path
        The folder; `create` makes one, any process may then open it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def create(name: str, session_folder: Path) -> StreamDirectory:
        """Make the folder of a new session, owned by this process.

        Raises
        ------
        StreamError
            If a session of that name has its streams there already, or the name is
            too long.
        """
        path = shared_memory.root() / name
        if (length := len(os.fsencode(path))) > _LONGEST_PATH:
            msg = (
                f"Expected a path of at most {_LONGEST_PATH} bytes for the streams of "
                f"{name}, got {length}: shorten the names of the session's subject and "
                "task"
            )
            raise StreamError(msg)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = Owner(
            os.getpid(), process_started(os.getpid()) or 0, str(session_folder)
        )
        hidden = path.with_name(f".{name}-{os.getpid()}")
        hidden.mkdir(mode=0o700)
        (hidden / "owner.json").write_bytes(msgspec.json.encode(owner))
        try:
            hidden.rename(path)  # refused by the system where there are streams already
        except OSError as error:
            shutil.rmtree(hidden)
            msg = f"Expected no streams at {path}, got some: is that session running?"
            raise StreamError(msg) from error
        return StreamDirectory(path)

    @property
    def owner(self) -> Owner:
        """Who made the folder."""
        return msgspec.json.decode((self.path / "owner.json").read_bytes(), type=Owner)

    def create_ring(self, spec: StreamSpec) -> Ring:
        """Make the ring of one stream.

        Raises
        ------
        StreamError
            If it is there already, is described wrongly, or shared memory does not
            suffice.
        """
        return Ring.create(self._ring_path(spec.name), spec)

    def names(self) -> list[str]:
        """Return the names of all streams, sorted."""
        return sorted(
            path.stem.replace("+", "/")
            for path in self.path.glob("*.ring")
            if not path.name.startswith(".")
        )

    def ring(self, name: str) -> Ring:
        """Map a stream's ring.

        Raises
        ------
        StreamError
            If there is no such stream; the message names those there are.
        """
        path = self._ring_path(name)
        if not path.exists():
            msg = (
                f"Expected a stream named {name!r}, got none; there are: "
                f"{', '.join(self.names()) or 'no streams'}"
            )
            raise StreamError(msg)
        return Ring(path)

    def writer(self, name: str) -> StreamWriter:
        """Take a stream over as its only writer."""
        return StreamWriter(self.ring(name), self.notifier(name))

    def notifier(self, name: str) -> Notifier:
        """Return what wakes a stream's readers."""
        return Notifier(self.notice_path(name))

    def reader(self, name: str, start: int | None = None) -> RingReader:
        """Read a stream, from `start` or from what is published next."""
        return RingReader(self.ring(name), start)

    def waiter(self, names: Iterable[str] = ()) -> Waiter:
        """Return a waiter for some of the streams."""
        return Waiter(self.notice_path(name) for name in names)

    def notice_path(self, name: str) -> Path:
        """Return where the stream's waiters write their names."""
        return self.path / f"{name.replace('/', '+')}.notice"

    def remove(self) -> None:
        """Remove the folder and all in it; may be called twice."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _ring_path(self, name: str) -> Path:
        return self.path / f"{name.replace('/', '+')}.ring"


def abandoned() -> list[StreamDirectory]:
    """Return the streams of sessions whose owner is gone, oldest first.

    One that its owner is just removing is passed over.
    """
    return [streams for streams, alive in _all() if not alive]


def running() -> list[StreamDirectory]:
    """Return the streams of the sessions that run on this machine, oldest first."""
    return [streams for streams, alive in _all() if alive]


def _all() -> list[tuple[StreamDirectory, bool]]:
    found: list[tuple[int, StreamDirectory, bool]] = []
    for note in shared_memory.root().glob("*/owner.json"):
        streams = StreamDirectory(note.parent)
        try:
            made_ns, owner = note.stat().st_mtime_ns, streams.owner
        except (OSError, msgspec.MsgspecError):
            continue
        found.append((made_ns, streams, is_alive(owner.pid, owner.started)))
    found.sort(key=lambda entry: entry[0])
    return [(streams, alive) for _, streams, alive in found]
