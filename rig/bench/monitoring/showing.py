"""The monitor's side: its window as a process, which counts what it draws."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.errors import SpringhareError
from rig.monitor.health import Level
from rig.system import step_back
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection

    from rig.monitor.live.link import Link
    from rig.monitor.window.live_window import LiveWindow

__all__ = ["Counts", "Opened", "Red", "Showing", "TellRed", "show"]


@dataclass(frozen=True, slots=True)
class Showing:
    """What is asked of a window."""

    width_px: int
    height_px: int
    screen: Mapping[str, str]
    """Environment that tells Qt where to draw."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A window's word that it waits for a session, or shows it."""

    pid: int
    platform: str
    """Of Qt."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a window has drawn until now."""

    at_ns: int
    drawn: int
    """Ticks with a new picture."""
    painted: Mapping[str, int]
    """Pictures painted, by camera."""


@dataclass(frozen=True, slots=True)
class TellRed:
    """Asks for a `Red` when a node's light and the banner are red."""

    node: str


@dataclass(frozen=True, slots=True)
class Red:
    """When they were."""

    at_ns: int
    headline: str


def show(work: Showing, parent: Connection) -> None:
    """Show the session that runs, until the parent says ``end``; run as a process.

    `Opened` is sent when the window is there, and again when a session is on it.
    ``counts`` is answered with `Counts`.
    """
    os.setsid()  # as `run` opens it
    step_back()  # as the command does
    os.environ.update(work.screen)
    from PySide6.QtCore import QSettings

    from rig.monitor.live.link import LocalLink, find_session
    from rig.monitor.window.app import application
    from rig.monitor.window.live_window import LiveWindow

    def find() -> Link | None:
        streams = find_session()
        return None if streams is None else LocalLink(streams)

    app = application()
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    window = LiveWindow(find)
    window.resize(work.width_px, work.height_px)
    window.show()
    if window.size().toTuple() != (work.width_px, work.height_px):
        msg = (
            f"Expected a window of {work.width_px}x{work.height_px} px, got "
            f"{window.width()}x{window.height()}: use a larger screen"
        )
        raise SpringhareError(msg)
    opened = Opened(os.getpid(), app.platformName())
    attendant = _Attendant(window, parent, opened)
    window.ticked.connect(attendant.attend)
    parent.send(opened)
    app.exec()


class _Attendant:
    """Listens to the parent between two ticks."""

    def __init__(self, window: LiveWindow, parent: Connection, opened: Opened) -> None:
        self._window = window
        self._parent = parent
        self._opened = opened
        self._attached = False
        self._awaited: str | None = None
        self._clock = MonotonicClock()

    def attend(self) -> None:
        """Answer what was asked."""
        try:
            self._listen()
        except (EOFError, OSError):  # the parent has given up
            self._end()

    def _listen(self) -> None:
        while self._parent.poll(0):
            word = self._parent.recv()
            if isinstance(word, TellRed):
                self._awaited = word.node
            elif word == "counts":
                self._parent.send(self._counts())
            else:
                self._end()
        if self._window.feed is not None and not self._attached:
            self._attached = True
            self._parent.send(self._opened)
        if self._awaited is not None and self._is_red(self._awaited):
            self._awaited = None
            self._after_painting(self._tell_red)

    def _counts(self) -> Counts:
        tiles = {} if self._window.tiles is None else self._window.tiles.tiles
        return Counts(
            self._clock.now(),
            self._window.drawn,
            {name: tile.canvas.painted for name, tile in tiles.items()},
        )

    def _is_red(self, node: str) -> bool:
        lights = self._window.lights.health.of("nodes")
        own = any(
            light.subject == node and light.level is Level.BAD for light in lights
        )
        return own and self._window.banner.level is Level.BAD

    @staticmethod
    def _after_painting(does: Callable[[], None]) -> None:
        """Let Qt paint first, which it does before a timer of no time."""
        from PySide6.QtCore import QTimer

        QTimer.singleShot(0, does)

    def _tell_red(self) -> None:
        self._parent.send(Red(self._clock.now(), self._window.banner.text))

    @staticmethod
    def _end() -> None:
        from rig.monitor.window.app import application

        application().quit()
