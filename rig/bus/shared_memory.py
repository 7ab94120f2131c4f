"""Shared memory, the system's seam: where it lies, how it is made and mapped.

Plain files on the memory file system are used rather than
`multiprocessing.shared_memory`, which before Python 3.13 hands each segment to
a tracker process that unlinks it behind our back.
"""

from __future__ import annotations

import mmap
import os
import shutil
from pathlib import Path

from rig.errors import StreamError

__all__ = ["attach", "free_bytes", "publish", "root"]


def root() -> Path:
    """Return the folder in shared memory for this user's sessions.

    ``SPRINGHARE_SHM`` names another place, for tests that want one of their own.
    """
    named = os.environ.get("SPRINGHARE_SHM")
    return Path(named) if named else Path(f"/dev/shm/springhare-{os.getuid()}")


def free_bytes() -> int:
    """Return how much shared memory is free."""
    place = root()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def publish(path: Path, header: bytes, size: int) -> None:
    """Make a file of `size` bytes that begins with `header`, whole or not at all.

    It is filled under a temporary name and gets its own name last, so that no
    reader ever sees half a header.

    Raises
    ------
    StreamError
        If there is not enough shared memory.
    """
    hidden = path.with_name(f".{path.name}")
    fd = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.posix_fallocate(fd, 0, size)
        os.pwrite(fd, header, 0)
    except OSError as error:
        hidden.unlink(missing_ok=True)
        msg = (
            f"Expected {size / 1e6:.0f} MB of shared memory for {path.name}, got "
            f"{error.strerror}: free {path.parent}, or lower ring_seconds"
        )
        raise StreamError(msg) from error
    finally:
        os.close(fd)
    hidden.rename(path)


def attach(path: Path) -> mmap.mmap:
    """Map a published file, writable, with its pages in place."""
    with path.open("r+b") as file:
        return mmap.mmap(
            file.fileno(), 0, flags=mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
        )
