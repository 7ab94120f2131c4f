"""The disk, the system's seam: blocks at offsets, syncs, renames, a lock.

First form: buffered writes straight from the caller's memory. Direct I/O and
preallocation of real blocks belong here too, and nowhere else.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "create_file",
    "lock_folder",
    "open_file",
    "publish",
    "replace_file",
    "sync_data",
    "sync_folder",
    "write_at",
]


def create_file(path: Path, size: int, pieces: Iterable[tuple[int, bytes]]) -> int:
    """Make a file of a size, sparse but for some pieces, safe on disk.

    Returns
    -------
    int
        Its file descriptor, open for reading and writing.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.ftruncate(fd, size)
        for offset, data in pieces:
            write_at(fd, data, offset)
        os.fsync(fd)
    except OSError:
        os.close(fd)
        raise
    return fd


def open_file(path: Path) -> int:
    """Open an existing file for writing."""
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def write_at(fd: int, data: bytes | NDArray[Any], offset: int) -> None:
    """Write all of a contiguous block at an offset, without a copy of our own."""
    rest = np.frombuffer(data, np.uint8)
    while len(rest):
        written = os.pwrite(fd, rest.data, offset)
        rest, offset = rest[written:], offset + written


def sync_data(fd: int) -> None:
    """Wait until what was written is on the disk itself."""
    os.fdatasync(fd)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's names are on the disk itself."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def publish(hidden: Path, path: Path) -> None:
    """Give a finished, closed file its name, replacing what had it, for good."""
    fd = open_file(hidden)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    hidden.rename(path)
    sync_folder(path.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Put a small file in place, whole: readers see the old or the new one."""
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(data)
    publish(hidden, path)


def lock_folder(folder: Path) -> int:
    """Take a folder for this process alone; the lock ends with the process.

    Returns
    -------
    int
        A file descriptor; closing it gives the folder back.

    Raises
    ------
    BusyError
        If another process has it.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        msg = (
            f"Expected nobody to write in {folder}, got another recorder: stop it first"
        )
        raise BusyError(msg) from error
    return fd
