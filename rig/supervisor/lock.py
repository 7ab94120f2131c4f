"""One session per rig: a lock that the kernel drops when its holder is gone."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rig.bus import shared_memory
from rig.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["rig_lock"]


@contextmanager
def rig_lock(rig_name: str) -> Iterator[None]:
    """Hold a rig for the length of a ``with`` block.

    Raises
    ------
    BusyError
        If another session holds it; the message has its process number.
    """
    place = shared_memory.root()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place / f"{rig_name}.lock"
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            msg = (
                f"Expected rig {rig_name!r} to be free, process {file.read().strip()} "
                "is recording with it: stop that session first"
            )
            raise BusyError(msg) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
