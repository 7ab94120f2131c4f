"""Finished blocks of an unfinished analysis: what a killed run leaves to the next one.

Each block is a file of its own with a digest of what it holds and of what it belongs
to: a torn one, or one of another analysis, is not taken for it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from rig.errors import BusyError, SessionError
from rig.recording import disk

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Work", "open_work"]

_PLAN = "fingerprint"
_DIGEST_BYTES = 16


class Work:
    """A folder of blocks; make one with `open_work`.

    Parameters
    ----------
    folder
        The folder, which is there.
    fingerprint
        What all of its blocks have in common.
    bodyparts
        How many.
    """

    def __init__(self, folder: Path, fingerprint: bytes, bodyparts: int) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._bodyparts = bodyparts

    def load(self, start: int, stop: int) -> NDArray[np.float32] | None:
        """Return a block's poses, (stop - start, bodyparts, 3); None if it is to do."""
        try:
            data = self._path(start, stop).read_bytes()
        except FileNotFoundError:
            return None
        digest, poses = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        shape = (stop - start, self._bodyparts, 3)
        if len(poses) != 4 * np.prod(shape) or digest != self._digest(poses):
            return None
        return np.frombuffer(poses, "<f4").reshape(shape)

    def keep(self, start: int, stop: int, poses: NDArray[np.float32]) -> None:
        """Keep a block's poses.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        path = self._path(start, stop)
        hidden = path.with_name(f".{path.name}")
        data = np.ascontiguousarray(poses, "<f4").tobytes()
        try:
            hidden.write_bytes(self._digest(data) + data)
            hidden.rename(path)  # not synced: a torn one does not match its digest
        except OSError as error:
            msg = (
                f"Expected to write {path}, got {error}: make room and run it again; "
                "what was done is kept"
            )
            raise SessionError(msg) from error

    def remove(self) -> None:
        """Remove the folder: its poses have a file of their own."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, start: int, stop: int) -> Path:
        return self._folder / f"{start:09d}-{stop:09d}.poses"

    def _digest(self, data: bytes) -> bytes:
        return xxhash.xxh3_128(self._fingerprint + data).digest()


@contextmanager
def open_work(folder: Path, fingerprint: bytes, bodyparts: int) -> Generator[Work]:
    """Have a folder for blocks for this process alone; blocks of others are removed.

    Raises
    ------
    BusyError
        If another process works in it.
    SessionError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = disk.lock_folder(folder)
    except BusyError as error:
        msg = (
            f"Expected nobody at work in {folder}, got another springhare analyse: "
            "let it end first"
        )
        raise BusyError(msg) from error
    except OSError as error:
        msg = f"Expected to make {folder}, got {error}: name another place with --out"
        raise SessionError(msg) from error
    try:
        _begin(folder, fingerprint)
        yield Work(folder, fingerprint, bodyparts)
    finally:
        os.close(lock)


def _begin(folder: Path, fingerprint: bytes) -> None:
    plan = folder / _PLAN
    if not plan.exists() or plan.read_bytes() != fingerprint:
        for path in folder.iterdir():
            path.unlink()
        plan.write_bytes(fingerprint)
