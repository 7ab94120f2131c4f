"""The monitor's window: whether there can be one, and one beside a session."""

from __future__ import annotations

import ctypes
import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from rig.bus import shared_memory
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "has_display",
    "open_window",
    "require_window",
    "what_qt_lacks",
    "why_no_window",
]

_NEEDED = ("PySide6", "pyqtgraph")
_INSTALL = 'pip install "springhare[monitor]"'
_INSTEAD = "springhare monitor --terminal"
_started: list[subprocess.Popen[bytes]] = []
"""Windows that were opened: held, so that nobody is missed when they end."""


def why_no_window(*, offscreen: bool = False, instead: str = _INSTEAD) -> str:
    """Return why no window can be opened here, and what to do; empty if it can.

    Parameters
    ----------
    offscreen
        Whether it need not be seen.
    instead
        What a person may use that needs none.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return (
            f"Expected {' and '.join(missing)} for the window, got none: {_INSTALL}, "
            f"or use {instead}"
        )
    if offscreen or os.environ.get("QT_QPA_PLATFORM") or has_display():
        return ""
    return (
        "Expected a display for the window, got none (DISPLAY and WAYLAND_DISPLAY are "
        f"not set): use {instead}, or ssh -X"
    )


def require_window(*, offscreen: bool = False, instead: str = _INSTEAD) -> None:
    """Make sure that a window can be opened; a picture of it needs no display.

    Parameters
    ----------
    offscreen, instead
        As for `why_no_window`.

    Raises
    ------
    SessionError
        If it cannot.
    """
    if why := why_no_window(offscreen=offscreen, instead=instead) or what_qt_lacks():
        raise SessionError(why)
    if offscreen and not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def open_window(rig: str, *, enabled: bool | None = None) -> None:
    """Open the monitor's window on a rig, in a process that nobody waits for.

    It has a session of processes of its own: Ctrl-C in the terminal does not reach it,
    and whatever becomes of it, the recording goes on. One that is still open from an
    earlier session goes on with this one.

    Parameters
    ----------
    rig
        Name of the rig.
    enabled
        None opens one where there can be one; True says why where there can be none.
    """
    if enabled is False or (enabled is None and not _is_seen()):
        return
    if why := why_no_window():
        if enabled:
            click.echo(f"springhare: {why}", err=True)
        return
    try:
        with _only_one(rig) as lock:
            if lock is not None:
                _started.append(_start(rig, lock))
    except OSError as error:
        click.echo(f"springhare: no window: {error}", err=True)


def _start(rig: str, lock: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "rig.cli", "monitor", "--rig", rig],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=[lock],
    )


@contextmanager
def _only_one(rig: str) -> Iterator[int | None]:
    """Give a lock for the window to hold while it lives; None while another does."""
    path = shared_memory.root() / f".window-{rig}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield fd if _locked(fd) else None
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def what_qt_lacks() -> str:
    """Return which of the system's libraries Qt lacks; empty if it loads.

    Without the last one Qt does not raise an error: it ends the process.
    """
    remedy = "apt-get install libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0"
    try:
        import_module("PySide6.QtWidgets")
    except ImportError as error:
        return f"Expected Qt to load for the window, got: {error}: {remedy}"
    on_x11 = os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY")
    if on_x11 and not os.environ.get("QT_QPA_PLATFORM") and not _has_xcb_cursor():
        return f"Expected libxcb-cursor.so.0 for the window, got none: {remedy}"
    return ""


def _has_xcb_cursor() -> bool:
    try:
        ctypes.CDLL("libxcb-cursor.so.0")
    except OSError:
        return False
    return True


def has_display() -> bool:
    """Tell whether there is a screen that a window would appear on."""
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _is_seen() -> bool:
    """Tell whether a window would appear where somebody sits."""
    hidden = os.environ.get("QT_QPA_PLATFORM", "") in {"offscreen", "minimal"}
    return has_display() and not hidden
