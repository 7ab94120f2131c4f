"""What depends on the operating system, apart from shared memory: one seam.

Linux is what we promise. Another system follows by answering these questions
its own way; nothing else in the tree asks the kernel for anything of its kind.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import resource
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

__all__ = [
    "ALLOW_PRIORITY",
    "as_before",
    "boot_id",
    "clock_source",
    "cpu_governors",
    "end_with_parent",
    "file_system_of",
    "hold_one_core_per_library",
    "is_alive",
    "open_files_limit",
    "process_started",
    "realtime_priority",
    "require_store_order",
    "step_back",
    "take_priority",
    "timer_slack_ns",
]

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_CAP_SYS_NICE = 23
_RUNAWAY_US = 1_000_000
"""Computing for so long without a pause, a process gives its priority back."""

ALLOW_PRIORITY = (
    "add '@audio - rtprio 80' to /etc/security/limits.d/springhare.conf, join that "
    "group and log in again (in a container: --cap-add=SYS_NICE)"
)
"""What a person does so that real-time priorities are allowed."""
_MODEST = 5
"""By so much a program that only looks is nicer: a third of the share of others."""
_AUTOGROUP = Path("/proc/self/autogroup")
"""Where a desktop's Linux shares between terminals, the niceness of this one."""
_before: ThreadPoolExecutor | None = None
"""Its thread has the priority from before `step_back`."""
_T = TypeVar("_T")
_STORE_ORDERED = {"x86_64", "amd64"}


def end_with_parent(parent_pid: int) -> None:
    """Ask the kernel to end this process (SIGTERM) when its parent is gone.

    Parameters
    ----------
    parent_pid
        The parent that was meant; if it is gone already, the process is told
        so at once.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGTERM)


def process_started(pid: int) -> int | None:
    """Return when a process began, in clock ticks since boot; None if it is gone.

    With it a process is known again: a process number alone is used anew. A
    process that ended and was not yet waited for (a zombie) counts as gone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    """Tell whether the process that began at `started` still runs."""
    return process_started(pid) == started


def step_back() -> None:
    """Let others go first from now on: for who only looks, while a rig works.

    What this thread starts is as modest: processes that must not be are started by
    `as_before`, for no process may take back by itself what it gave.

    Linux may share first between terminals and services ("autogroup"), and a niceness
    counts only within one. Who leads a group of its own therefore makes the group
    nicer; in another's, as behind a shell, it is the shell's and is left alone.
    """
    global _before
    if _before is None:
        from concurrent.futures import ThreadPoolExecutor

        _before = ThreadPoolExecutor(1, "as-before")
        _before.submit(int).result()  # the thread is there, and keeps its priority
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + _MODEST)
        if os.getsid(0) == os.getpid():
            with suppress(OSError):  # a kernel without groups, or read-only
                _AUTOGROUP.write_text(str(_MODEST), encoding="utf-8")


def as_before(does: Callable[[], _T]) -> _T:
    """Do something with the priority that this process had before `step_back`."""
    return does() if _before is None else _before.submit(does).result()


def require_store_order() -> None:
    """Refuse a processor that may reorder stores: the seqlock relies on the order.

    Raises
    ------
    SpringhareError
        On anything but x86-64.
    """
    if platform.machine().lower() not in _STORE_ORDERED:
        msg = (
            "Expected an x86-64 processor, whose stores keep their order, got "
            f"{platform.machine()}: the rings have no memory barriers yet"
        )
        raise SpringhareError(msg)


def hold_one_core_per_library() -> None:
    """Keep number-crunching libraries from spinning on cores that others need.

    Must run before they are imported. What the user has set is left alone.
    """
    for name, value in (
        ("OMP_NUM_THREADS", "1"),
        ("OPENBLAS_NUM_THREADS", "1"),
        ("MKL_NUM_THREADS", "1"),
        ("OMP_WAIT_POLICY", "passive"),
    ):
        os.environ.setdefault(name, value)


def realtime_priority() -> int:
    """Return the highest real-time priority that this process may take; 0 for none."""
    if _capabilities() >> _CAP_SYS_NICE & 1:
        return os.sched_get_priority_max(os.SCHED_FIFO)
    return resource.getrlimit(resource.RLIMIT_RTPRIO)[0]


def take_priority(priority: int) -> None:
    """Let all threads of this process go before those of a lower priority, or none.

    A process that computes for a second without a pause gives its priority back, and
    logs it: the others need the core as well. To be called from the main thread.

    Raises
    ------
    PermissionError
        If this process may not.
    """
    signal.signal(signal.SIGXCPU, _give_priority_back)
    _, most = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (_RUNAWAY_US, most))
    _schedule(os.SCHED_FIFO, priority)


def _give_priority_back(_signal: int, _frame: object) -> None:
    _schedule(os.SCHED_OTHER, 0)
    logger.warning("computed for a second without a pause: has no priority any more")


def _schedule(policy: int, priority: int) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))


def open_files_limit() -> int:
    """Return how many files and sockets a process of this user may hold open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def timer_slack_ns() -> int | None:
    """Return by how much the kernel may put off waking this process."""
    return _number("/proc/self/timerslack_ns")


def boot_id() -> str | None:
    """Return what tells this start of the computer from every other."""
    return _word("/proc/sys/kernel/random/boot_id")


def clock_source() -> str | None:
    """Return what the kernel reads time from, e.g. ``tsc``."""
    folder = "/sys/devices/system/clocksource/clocksource0"
    return _word(f"{folder}/current_clocksource")


def cpu_governors() -> set[str]:
    """Return how the processors' speed is governed; empty where nobody says."""
    files = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")
    return {word for file in files if (word := _word(str(file)))}


def file_system_of(path: Path) -> str:
    """Return the type of the file system that a path is on, e.g. ``ext4``."""
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, found, *_ = line.split(" ")
        inside = path.resolve().is_relative_to(place)
        if inside and len(place) >= len(best):
            best, kind = place, found
    return kind


def _capabilities() -> int:
    """Return what this process may beyond what any may, as the kernel's bits."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return int(value, 16)
    return 0


def _word(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None


def _number(path: str) -> int | None:
    word = _word(path)
    return int(word) if word is not None else None
