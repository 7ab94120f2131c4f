"""A device may be held by one process only, even where its driver allows two.

Basler's emulator lets a camera be opened twice. The claim is a lock that the system
takes back when its holder ends, however it ends, so that none is ever stale.
"""

from __future__ import annotations

import fcntl
import os
import re
from typing import TYPE_CHECKING

from rig.bus import shared_memory
from rig.errors import BusyError

if TYPE_CHECKING:
    from typing import IO

__all__ = ["DeviceClaim"]


class DeviceClaim:
    """Holds a device for this process.

    Parameters
    ----------
    kind, number
        Which device: its kind and its serial number.

    Raises
    ------
    BusyError
        If it is held already; the message names the process.
    """

    def __init__(self, kind: str, number: str) -> None:
        folder = shared_memory.root() / "devices"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{kind}-{number}")
        file = (folder / f"{name}.lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            msg = (
                f"Expected {kind} {number} to be free, got it held by process "
                f"{holder}: end that session, or give this rig another device"
            )
            raise BusyError(msg) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file: IO[str] | None = file

    def release(self) -> None:
        """Let go of the device; may be called twice."""
        if self._file is not None:
            self._file.close()
            self._file = None
