"""What the machine gives: clocks, real-time settings, memory, disk, ports."""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

from rig import system
from rig.bus import shared_memory
from rig.bus.directory import abandoned
from rig.commands.findings import Finding
from rig.recording.disk import free_bytes
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "abandoned_sessions",
    "clocks",
    "disk",
    "ports",
    "real_time",
    "shared_memory_size",
]

_GOOD_CLOCKS = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page"}
_WANTED_SHM_BYTES = 1_000_000_000
_LEAST_SHM_BYTES = 200_000_000
_WANTED_DISK_MB_S = 150
_LEAST_DISK_BYTES = 5_000_000_000
_WANTED_FILES = 1024
_SLACK_NS = 100_000
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p")
_BLOCK_BYTES = 1 << 20
_BLOCKS = 64


def clocks() -> Iterator[Finding]:
    """Tell of what the host's time is read from."""
    source = system.clock_source() or "unknown"
    good = source in _GOOD_CLOCKS
    resolution_ns = time.get_clock_info("monotonic").resolution * 1e9
    yield Finding(
        "clock",
        "source",
        "ok" if good else "warn",
        f"{source}, resolution {resolution_ns:g} ns",
        ""
        if good
        else "choose tsc in the firmware or with clocksource=tsc at boot: "
        "others are slow to read",
    )


def real_time() -> Iterator[Finding]:
    """Tell of the settings on which short waits depend."""
    priority = system.realtime_priority()
    yield Finding(
        "real time",
        "SCHED_FIFO",
        "ok" if priority else "warn",
        f"up to priority {priority} (realtime in the rig file)"
        if priority
        else "not permitted",
        "" if priority else system.ALLOW_PRIORITY,
    )
    governors = system.cpu_governors()
    slow = governors - {"performance"}
    yield Finding(
        "real time",
        "CPU governor",
        "warn" if slow else "ok",
        ", ".join(sorted(governors)) or "none to be seen (a virtual machine)",
        "sudo cpupower frequency-set -g performance" if slow else "",
    )
    cores = os.cpu_count() or 1
    yield Finding(
        "real time",
        "cores",
        "ok" if cores > 1 else "warn",
        str(cores),
        "" if cores > 1 else "each device is a process: use two cores or more",
    )
    slack_ns = system.timer_slack_ns() or 0
    yield Finding(
        "real time",
        "timer slack",
        "ok" if slack_ns <= _SLACK_NS else "warn",
        f"{slack_ns / 1000:g} us",
        "" if slack_ns <= _SLACK_NS else "start from a shell with the default of 50 us",
    )
    files = system.open_files_limit()
    unlimited = files < 0
    enough = unlimited or files >= _WANTED_FILES
    yield Finding(
        "real time",
        "open files",
        "ok" if enough else "warn",
        "unlimited" if unlimited else str(files),
        "" if enough else f"ulimit -n {_WANTED_FILES}",
    )


def shared_memory_size() -> Iterator[Finding]:
    """Tell whether four seconds of every stream will find room."""
    free = shared_memory.free_bytes()
    state = "ok" if free >= _WANTED_SHM_BYTES else "warn"
    if free < _LEAST_SHM_BYTES:
        state = "fail"
    yield Finding(
        "memory",
        "shared memory",
        state,
        f"{free / 1e9:.1f} GB free: 4 s of 640 x 480 at {free / 4 / 307_200:.0f} Hz",
        ""
        if state == "ok"
        else "sudo mount -o remount,size=50% /dev/shm (containers: "
        "--shm-size), or end programs that use it",
    )


def abandoned_sessions() -> Iterator[Finding]:
    """Tell of streams that a killed session left in shared memory."""
    left = abandoned()
    for streams in left:
        nbytes = sum(file.stat().st_size for file in streams.path.glob("*.ring"))
        yield Finding(
            "memory",
            f"abandoned session {streams.path.name}",
            "warn",
            f"{nbytes / 1e6:.0f} MB, belongs to {streams.owner.session_folder}",
            "the next springhare run or demo salvages it first",
        )
    if not left:
        yield Finding("memory", "abandoned sessions", "ok", "none")


def disk(folder: Path) -> Iterator[Finding]:
    """Tell of the disk that recordings go to, after a short try."""
    kind = system.file_system_of(folder)
    remote = kind in _NETWORK
    yield Finding(
        "disk",
        "kind",
        "warn" if remote else "ok",
        f"{kind} at {folder.resolve()}",
        "record on a local disk and copy afterwards" if remote else "",
    )
    free = free_bytes(folder)
    enough = free >= _LEAST_DISK_BYTES
    yield Finding(
        "disk",
        "free",
        "ok" if enough else "warn",
        f"{free / 1e9:.0f} GB: {free / 61.44e6 / 60:.0f} minutes of two cameras of "
        "640 x 480 at 100 Hz",
        "" if enough else "make room, or name another data_root in the rig file",
    )
    yield _speed(folder, free)


def _speed(folder: Path, free: int) -> Finding:
    if free < 2 * _BLOCK_BYTES * _BLOCKS or not os.access(folder, os.W_OK):
        remedy = "name a data_root that you may write to, with room"
        return Finding("disk", "speed", "fail", "nothing can be written", remedy)
    mb_s = _written_mb_s(folder)
    fast = mb_s >= _WANTED_DISK_MB_S
    return Finding(
        "disk",
        "speed",
        "ok" if fast else "warn",
        f"{mb_s:.0f} MB/s, written and synced",
        ""
        if fast
        else "two cameras of 640 x 480 at 100 Hz need 61 MB/s: use an NVMe disk for "
        "more",
    )


def _written_mb_s(folder: Path) -> float:
    """Write some blocks beside the data, whatever the page cache thinks of it."""
    clock, block = MonotonicClock(), os.urandom(_BLOCK_BYTES)
    path = folder / f".springhare-doctor-{os.getpid()}"
    try:
        with closing(path.open("wb", buffering=0)) as file:
            start = clock.now()
            for _ in range(_BLOCKS):
                file.write(block)
            os.fsync(file.fileno())
            return _BLOCKS * _BLOCK_BYTES / 1e6 / ((clock.now() - start) / 1e9)
    finally:
        path.unlink(missing_ok=True)


def ports(access: Callable[[str, int], bool]) -> Iterator[Finding]:
    """Tell of the serial ports that Harp boards may be at.

    Parameters
    ----------
    access
        `os.access`: whether this user may open a port.
    """
    from serial.tools.list_ports import comports

    found = [port for port in comports() if port.hwid != "n/a"]
    for port in found:
        allowed = access(port.device, os.R_OK | os.W_OK)
        yield Finding(
            "ports",
            port.device,
            "ok" if allowed else "warn",
            port.description if allowed else f"{port.description}, but not for you",
            "" if allowed else "sudo usermod -aG dialout $USER, then log in again",
        )
    if not found:
        yield Finding(
            "ports",
            "serial ports",
            "ok",
            "none",
            "if a Harp board should be there: power, cable, dmesg",
        )
