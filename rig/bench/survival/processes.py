"""The processes of one session, known by the shared memory that they were given."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from rig.registry import module_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["processes_of", "strike"]

_NAME = "--name="


def processes_of(shm: Path) -> dict[int, str]:
    """Return the running processes of a session: who each is, by its number.

    A node has its name, the stand-in of the boards is ``boards``, and what runs the
    session, or cannot be told, is ``supervisor``.

    Parameters
    ----------
    shm
        Their ``SPRINGHARE_SHM``.
    """
    mark = f"SPRINGHARE_SHM={shm}".encode()
    boards = module_of("springhare.twins", "harp").encode()
    found: dict[int, str] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark not in (place / "environ").read_bytes().split(b"\0"):
                continue
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # gone meanwhile, or somebody else's
        found[int(place.name)] = _role(words, boards)
    return found


def _role(words: Iterable[bytes], boards: bytes) -> str:
    role = "supervisor"
    for word in words:
        if word == boards:
            role = "boards"
        elif word.startswith(_NAME.encode()):
            role = word.decode().removeprefix(_NAME)
    return role


def strike(pid: int) -> bool:
    """Kill a process at once; return whether it was there to be killed."""
    try:
        # a process that ended and was not waited for has no memory any more
        alive = bool(Path(f"/proc/{pid}/statm").read_bytes().strip(b"0 \n"))
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return alive
