"""The machine under a benchmark: its conditions, its room, what a process costs.

Figures without their conditions mean nothing, so every benchmark notes them; and
none begins what the disk or the memory cannot hold.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig.bus import shared_memory
from rig.errors import SpringhareError
from rig.recording.disk import free_bytes
from rig.system import file_system_of

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "Conditions",
    "Usage",
    "require_memory",
    "require_room",
    "scratch_folder",
]

_SPARE_BYTES = 64 * 1024 * 1024
"""Left over on a disk and in memory, beyond what is asked for."""
_TICKS_HZ = os.sysconf("SC_CLK_TCK")


class Conditions:
    """Under which a benchmark runs; made when it begins.

    Parameters
    ----------
    folder
        Where it writes; None if it writes nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._load_before = os.getloadavg()

    def noted(self) -> dict[str, Any]:
        """Return them, ready for JSON; to be called at the end."""
        return {
            "cores": os.cpu_count(),
            "load_average_before": [round(load, 2) for load in self._load_before],
            "load_average_after": [round(load, 2) for load in os.getloadavg()],
            "kernel": platform.release(),
            "python": platform.python_version(),
            **({} if self._folder is None else _disk(self._folder)),
        }


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used until now."""

    cpu_s: float
    """User and system time of all its threads, also of those that ended."""
    main_thread_s: float
    """The same of its first thread alone."""
    memory_bytes: int
    """Resident now and its own: without the shared memory that it maps."""
    peak_memory_bytes: int
    """The most that it ever was."""

    @staticmethod
    def of(pid: int) -> Usage:
        """Return the usage of a process.

        Raises
        ------
        OSError
            If it is gone.
        """
        place = Path(f"/proc/{pid}")
        text = (place / "stat").read_text(encoding="ascii", errors="replace")
        fields = text.rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        main_ns = int((place / f"task/{pid}/schedstat").read_text("ascii").split()[0])
        status = _status_kb(place)
        shared = status["RssShmem"]
        return Usage(
            ticks / _TICKS_HZ,
            main_ns / 1e9,
            1024 * (status["VmRSS"] - shared),
            1024 * (status["VmHWM"] - shared),
        )


@contextmanager
def scratch_folder(place: Path | None, *, keep: bool = False) -> Generator[Path]:
    """Make a folder in a place; remove it at the end.

    Parameters
    ----------
    place
        By default the working folder.
    keep
        Leave it there, unless something fails.

    Raises
    ------
    SpringhareError
        If nothing can be written there.
    """
    parent = place or Path.cwd()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="springhare-bench-", dir=parent))
    except OSError as error:
        msg = (
            f"Expected a folder that can be written to, got {parent}: "
            f"{error.strerror}: name another one with --out"
        )
        raise SpringhareError(msg) from error
    kept = False
    try:
        yield folder
        kept = keep
    finally:
        if not kept:
            shutil.rmtree(folder)


def require_room(folder: Path, nbytes: int) -> None:
    """Refuse to begin what does not fit on the disk.

    Raises
    ------
    SpringhareError
        If there is less room than asked for.
    """
    free = free_bytes(folder)
    if free < nbytes + _SPARE_BYTES:
        msg = (
            f"Expected {(nbytes + _SPARE_BYTES) / 1e9:.2f} GB of room in "
            f"{folder.parent}, got {free / 1e9:.2f} GB: free some, name another disk "
            "with --out, or measure less"
        )
        raise SpringhareError(msg)


def require_memory(nbytes: int) -> None:
    """Refuse to begin what does not fit in shared memory.

    Raises
    ------
    SpringhareError
        If there is less than asked for.
    """
    free = shared_memory.free_bytes()
    if free < nbytes + _SPARE_BYTES:
        msg = (
            f"Expected {(nbytes + _SPARE_BYTES) / 1e9:.2f} GB of shared memory for "
            f"the rings, got {free / 1e9:.2f} GB: free some of "
            f"{shared_memory.root().parent}, or measure less"
        )
        raise SpringhareError(msg)


def _disk(folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder.parent),
        "file_system": file_system_of(folder),
        "disk_free_gb": round(free_bytes(folder) / 1e9, 1),
    }


def _status_kb(place: Path) -> dict[str, int]:
    """Return the memory figures of a process, in KiB."""
    lines = (place / "status").read_text(encoding="ascii", errors="replace")
    pairs = (line.split(":", 1) for line in lines.splitlines())
    return {
        name: int(value.split()[0])
        for name, value in pairs
        if value.rstrip().endswith(" kB")
    }
