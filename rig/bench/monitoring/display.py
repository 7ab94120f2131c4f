"""Where windows are drawn: on the screen, on one that nobody sees, or nowhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Display", "display"]


@dataclass(frozen=True, slots=True)
class Display:
    """A place to draw windows."""

    name: str
    """In words."""
    screen: Mapping[str, str] = field(default_factory=dict)
    """Environment that tells Qt of it."""
    server_pid: int | None = None
    """Of the X server that was started for it."""
    pixels: Path | None = None
    """File in which its screen lies."""


@contextmanager
def display(width_px: int, height_px: int) -> Iterator[Display]:
    """Give a place for windows of that size; what was started for it is ended.

    That is where Qt is told to draw by its environment, else the display that there
    is, else an Xvfb of our own where it is installed, else Qt's own memory.
    """
    if platform := os.environ.get("QT_QPA_PLATFORM"):
        yield Display(f"Qt's platform {platform}")
    elif seen := os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY"):
        yield Display(f"the display {seen}")
    elif shutil.which("Xvfb") is None:
        yield Display("Qt's platform offscreen", {"QT_QPA_PLATFORM": "offscreen"})
    else:
        with _xvfb(width_px, height_px) as found:
            yield found


@contextmanager
def _xvfb(width_px: int, height_px: int) -> Iterator[Display]:
    with TemporaryDirectory(prefix="springhare-screen-") as folder:
        yield from _serve(Path(folder), width_px, height_px)


def _serve(folder: Path, width_px: int, height_px: int) -> Iterator[Display]:
    ours, theirs = os.pipe()
    command = ["Xvfb", "-displayfd", str(theirs), "-nolisten", "tcp", "-noreset"]
    command += ["-screen", "0", f"{width_px}x{height_px}x24", "-fbdir", str(folder)]
    with os.fdopen(ours, "rb") as told:
        try:
            server = subprocess.Popen(
                command,
                pass_fds=[theirs],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(theirs)
        number = told.readline().decode().strip()
    try:
        if not number:
            msg = "Expected Xvfb to start, it ended: see Xvfb :99, or set DISPLAY"
            raise SpringhareError(msg)
        name = f"Xvfb, {width_px}x{height_px} px"
        screen = {"DISPLAY": f":{number}"}
        yield Display(name, screen, server.pid, folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait()
