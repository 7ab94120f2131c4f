"""The disk, the system's seam: blocks at offsets, syncs, renames, a lock.

Whole pages go from the caller's memory to the device itself (O_DIRECT), past the
page cache: that costs a tenth of the CPU, and a burst cannot fill the memory with
pixels that are still to be written. What is no whole page, and all of it where the
system has no direct I/O, goes through the page cache at the same places.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import shutil
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "BlockFile",
    "free_bytes",
    "lay_out",
    "lock_folder",
    "publish",
    "release_unwritten",
    "replace_file",
    "sync_file",
    "sync_folder",
    "sync_parents",
]

_PAGE = 4096
"""Alignment of offsets, lengths and memory that every device takes."""
_LEAST_DIRECT = 64 * 1024
"""Smaller blocks are cheaper through the page cache."""
_STAGED = 4 * 1024 * 1024
"""What is not aligned in memory is copied and written in pieces of this size."""
_KEEP_SIZE_PUNCH_HOLE = 0x01 | 0x02


class BlockFile:
    """A file of fixed size that is written in blocks, at any offset."""

    def __init__(self, path: Path, *, direct: bool = True) -> None:
        self._buffered = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._direct = _open_direct(path) if direct else None
        except OSError:  # of a disk that is gone
            os.close(self._buffered)
            raise

    @staticmethod
    def create(path: Path, size: int, pieces: Iterable[tuple[int, bytes]]) -> BlockFile:
        """Lay out a file of a size, all of it real, with some pieces in place.

        Raises
        ------
        OSError
            If there is no room; nothing is left behind.
        """
        try:
            lay_out(path, size)
            file = BlockFile(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        try:
            for offset, data in pieces:
                file.write(data, offset)
            os.fsync(file._buffered)
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            raise
        return file

    @property
    def is_direct(self) -> bool:
        """Whether whole pages go past the page cache."""
        return self._direct is not None

    def write(self, data: bytes | NDArray[Any], offset: int) -> None:
        """Write all of a contiguous block at an offset.

        Raises
        ------
        OSError
            The disk's own words; some of it may have been written.
        """
        block = np.frombuffer(data, np.uint8)
        if self._direct is None or len(block) < _LEAST_DIRECT:
            _write_all(self._buffered, block, offset)
            return
        head = -offset % _PAGE
        tail = head + (len(block) - head) // _PAGE * _PAGE
        if head:
            _write_all(self._buffered, block[:head], offset)
        self._write_pages(self._direct, block[head:tail], offset + head)
        if tail < len(block):
            _write_all(self._buffered, block[tail:], offset + tail)

    def sync(self) -> None:
        """Wait until what was written is on the disk itself."""
        os.fdatasync(self._buffered)

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        for fd in (self._buffered, self._direct):
            if fd is not None and fd >= 0:
                os.close(fd)
        self._buffered, self._direct = -1, None

    def _write_pages(self, fd: int, pages: NDArray[np.uint8], offset: int) -> None:
        try:
            for piece, at in _aligned(pages, offset):
                _write_all(fd, piece, at)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # a file system that takes the flag and not the write
            os.close(fd)
            self._direct = None
            _write_all(self._buffered, pages, offset)


def lay_out(path: Path, size: int) -> None:
    """Make a file whose every byte has its place on the disk, and reads as 0.

    Raises
    ------
    OSError
        If there is no room.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.posix_fallocate(fd, 0, size)
    finally:
        os.close(fd)


def release_unwritten(path: Path) -> int:
    """Give back the room that was laid out and never written; no byte changes.

    Returns
    -------
    int
        Bytes of room given back; 0 where the file system cannot.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        before = os.fstat(fd).st_blocks
        for begin, end in _holes(fd):
            if _libc().fallocate(fd, _KEEP_SIZE_PUNCH_HOLE, begin, end - begin):
                break
        return 512 * (before - os.fstat(fd).st_blocks)
    finally:
        os.close(fd)


def free_bytes(folder: Path) -> int:
    """Return how much room the disk has for us, in bytes."""
    return shutil.disk_usage(folder).free


def sync_file(path: Path) -> None:
    """Wait until what was written to a file, by whomever, is on the disk itself."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's names are on the disk itself."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_parents(path: Path) -> None:
    """Wait until the names of all folders above a path are on the disk itself.

    Somebody made them, perhaps a moment ago; without them nothing below is found.
    """
    folder = path.resolve().parent
    device = folder.stat().st_dev
    while folder.stat().st_dev == device:
        with suppress(PermissionError):  # not ours, and so not made by us
            sync_folder(folder)
        if folder == folder.parent:
            break
        folder = folder.parent


def publish(hidden: Path, path: Path) -> None:
    """Give a finished, closed file its name, replacing what had it, for good."""
    fd = os.open(hidden, os.O_RDWR | os.O_CLOEXEC)
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


def _open_direct(path: Path) -> int | None:
    flag = getattr(os, "O_DIRECT", None)
    if flag is None:
        return None
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | flag)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return None


def _write_all(fd: int, block: NDArray[np.uint8], offset: int) -> None:
    while len(block):
        written = os.pwrite(fd, block.data, offset)
        block, offset = block[written:], offset + written


def _aligned(
    pages: NDArray[np.uint8], offset: int
) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield pages as direct I/O wants them in memory: as they are, or copied."""
    if pages.ctypes.data % _PAGE == 0:
        yield pages, offset
        return
    staging = _staging()
    for begin in range(0, len(pages), _STAGED):
        piece = pages[begin : begin + _STAGED]
        staged = staging[: len(piece)]
        np.copyto(staged, piece)
        yield staged, offset + begin


_per_thread = threading.local()


def _staging() -> NDArray[np.uint8]:
    if not hasattr(_per_thread, "staging"):
        _per_thread.staging = np.frombuffer(mmap.mmap(-1, _STAGED), np.uint8)
    return _per_thread.staging


def _holes(fd: int) -> Iterator[tuple[int, int]]:
    """Yield where a file was never written; laid out or not."""
    size = os.fstat(fd).st_size
    begin = 0
    while begin < size and (begin := os.lseek(fd, begin, os.SEEK_HOLE)) < size:
        try:
            end = os.lseek(fd, begin, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            end = size
        yield begin, end
        begin = end


@cache
def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fallocate.argtypes = (
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int64,
        ctypes.c_int64,
    )
    return libc
