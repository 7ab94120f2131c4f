"""The main window: puts the parts together and lets them draw at their own rates."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QByteArray,
    QPoint,
    QRectF,
    QSettings,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QPainter, QPdfWriter
from PySide6.QtWidgets import (
    QMainWindow,
    QMenu,
    QMessageBox,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rig.errors import SpringhareError
from rig.monitor.health import Level
from rig.monitor.window.banner import Banner
from rig.monitor.window.lights import Lights
from rig.monitor.window.pace import Pace
from rig.monitor.window.style import SHEET
from rig.monitor.window.tiles import Tiles
from rig.monitor.window.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtGui import QCloseEvent

    from rig.monitor.feed import Feed

__all__ = ["MonitorWindow"]

_TICK_MS = 33
_TRACES_EVERY, _LIGHTS_EVERY = 4, 8
"""Ticks: traces are drawn seven times a second, for they cost as much as all pictures;
lights four times."""


class MonitorWindow(QMainWindow):
    """Shows a feed, or that there is none.

    Parameters
    ----------
    beside
        Widgets below the lights: controls of a running session, a list of past ones.
    below
        A bar below everything: that of a review.
    """

    ticked = Signal()
    """Everything that was due has been drawn."""

    def __init__(
        self, beside: QWidget | None = None, below: QWidget | None = None
    ) -> None:
        super().__init__()
        self.setStyleSheet(SHEET)
        self.setWindowTitle("Springhare")
        self.feed: Feed | None = None
        self.asks_before_closing = False
        self.before_drawing: Callable[[], None] = lambda: None
        """Called at each tick, before anything is drawn."""
        self.drawn = 0
        """Ticks in which a picture was drawn."""
        self.banner = Banner()
        self.lights = Lights()
        self.tiles: Tiles | None = None
        self.traces: Traces | None = None
        self._stack = QStackedWidget()
        self._page: QWidget | None = None
        self._whole = QWidget()
        self._holders: list[QWidget] = [w for w in (beside, below) if w is not None]
        """Whose actions have keys: menus, too."""
        self._pace = Pace(_TICK_MS)
        self._ticks = 0
        self._fault = ""
        self._lay_out(beside, below)
        self._make_actions()
        self.banner.rest("looking for a session…")
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start()

    # -- what is shown

    def show_feed(self, feed: Feed) -> None:
        """Show another session."""
        self.feed = feed
        shown = feed.shown
        self.setWindowTitle(f"{shown.session_id} - Springhare")
        self.tiles, self.traces = Tiles(shown), Traces(shown)
        page = QSplitter(Qt.Orientation.Vertical)
        page.addWidget(self.tiles)
        page.addWidget(self.traces)
        page.setStretchFactor(0, 3)
        page.setStretchFactor(1, 2)
        page.setSizes([600, 400])
        if self._page is not None:
            self._stack.removeWidget(self._page)
            self._page.deleteLater()
        self._page = page
        self._stack.addWidget(page)
        self._ticks = 0

    def tick(self) -> None:
        """Draw what is due; called by a timer."""
        began_ns = time.thread_time_ns()
        try:
            self.before_drawing()
            if self.feed is not None and not self.isMinimized():
                self._draw(self.feed)
        except SpringhareError as error:
            self.banner.say(Level.BAD, f"this window: {error}")
        self._ticks += 1
        wait_ms = self._pace.next_ms(time.thread_time_ns() - began_ns)
        if wait_ms != self._timer.interval():
            self._timer.setInterval(wait_ms)
        self.ticked.emit()

    def show_fault(self, words: str) -> None:
        """Say from now on that this window has a fault, whatever the health is."""
        self._fault = (
            f"this window has a fault, close it and open another; the recording goes "
            f"on ({words})"
        )
        self.banner.say(Level.BAD, self._fault)

    def draw_all(self) -> None:
        """Draw everything now, whatever is due."""
        self._ticks = 0
        self.tick()

    def _draw(self, feed: Feed) -> None:
        feed.poll()
        if self.tiles is not None and self.tiles.refresh(feed):
            self.drawn += 1
        if self.traces is not None and self._ticks % _TRACES_EVERY == 0:
            self.traces.refresh(feed)
        if self._ticks % _LIGHTS_EVERY == 0:
            shown = feed.shown
            who = f"animal {shown.subject}   task {shown.task}"
            if not self._fault:
                self.banner.show_health(feed.health, feed.now_s, who)
            self.lights.show_health(feed.health)

    # -- what a person asks of it

    def save_figure(self, path: Path) -> None:
        """Save what the window shows: .png, .svg or .pdf."""
        size = self._whole.size()
        if path.suffix == ".pdf":
            writer = QPdfWriter(str(path))
            painter = QPainter(writer)
            page = painter.viewport()
            scale = min(page.width() / size.width(), page.height() / size.height())
            painter.scale(scale, scale)
            self._whole.render(painter, QPoint())
            painter.end()
        elif path.suffix == ".svg":
            self._save_svg(path, size)
        else:
            self._whole.grab().save(str(path))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask before closing while something is recorded, which goes on anyway."""
        if self.asks_before_closing and not self._may_close():
            event.ignore()
            return
        settings = QSettings("springhare", "monitor")
        settings.setValue("geometry", self.saveGeometry())
        super().closeEvent(event)

    def restore_place(self) -> None:
        """Stand where the window stood last."""
        geometry = QSettings("springhare", "monitor").value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        else:
            room = QGuiApplication.primaryScreen().availableGeometry()
            self.resize(min(1600, room.width()), min(950, room.height()))

    def _may_close(self) -> bool:
        answer = QMessageBox.question(
            self,
            "Springhare",
            "A session is being recorded. It goes on without this window, and "
            "springhare monitor opens it again.\n\nClose the window?",
            QMessageBox.StandardButton.Close | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        return answer == QMessageBox.StandardButton.Close

    def _save_svg(self, path: Path, size: QSize) -> None:
        from PySide6.QtSvg import QSvgGenerator

        generator = QSvgGenerator()
        generator.setFileName(str(path))
        generator.setSize(size)
        generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
        painter = QPainter(generator)
        self._whole.render(painter, QPoint())
        painter.end()

    # -- how it is put together

    def _lay_out(self, beside: QWidget | None, below: QWidget | None) -> None:
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.lights)
        if beside is not None:
            right.addWidget(beside)
            right.setSizes([550, 450])
        middle = QSplitter(Qt.Orientation.Horizontal)
        middle.addWidget(self._stack)
        middle.addWidget(right)
        middle.setStretchFactor(0, 5)
        middle.setStretchFactor(1, 2)
        middle.setSizes([5000, 2000])
        middle.setChildrenCollapsible(False)
        column = QVBoxLayout(self._whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.banner)
        column.addWidget(middle, 1)
        if below is not None:
            column.addWidget(below)
        self.setCentralWidget(self._whole)

    def _make_actions(self) -> None:
        view = self._menu("&View")
        for words, keys, action in (
            ("&Pause or go on", "P", self._toggle_pause),
            ("Now (&live)", "Home", self._go_live),
            ("&Longer time", "-", lambda: self._with_traces(lambda t: t.widen(1))),
            ("&Shorter time", "+", lambda: self._with_traces(lambda t: t.widen(-1))),
            ("&Back", "PgUp", lambda: self._with_traces(lambda t: t.look_back(-0.5))),
            ("&Forth", "PgDown", lambda: self._with_traces(lambda t: t.look_back(0.5))),
            ("&Zoom out", "Z", lambda: self.tiles and self.tiles.show_all()),
            ("&Full screen", "F11", self._toggle_full_screen),
        ):
            self._add(view, words, keys, action)
        rules = QAction("&Rules in the pictures", self, checkable=True, checked=True)
        rules.setShortcut(QKeySequence("R"))
        rules.toggled.connect(
            lambda on: self.tiles and self.tiles.set_rules_shown(shown=on)
        )
        view.addAction(rules)
        cameras = self._menu("&Cameras")
        self._add(cameras, "&All", "Ctrl+0", lambda: self._show_camera(0))
        for k in range(1, 10):
            self._add(
                cameras,
                f"Camera &{k} large",
                f"Ctrl+{k}",
                lambda k=k: self._show_camera(k),
            )
        keys = self._menu("&Help")
        self._add(keys, "&Keys", "F1", self._show_keys)

    def _menu(self, name: str) -> QMenu:
        self._holders.append(menu := self.menuBar().addMenu(name))
        return menu

    def _add(
        self, menu: QMenu, words: str, keys: str, does: Callable[[], object]
    ) -> None:
        action = QAction(words, self)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: does())
        menu.addAction(action)

    def _with_traces(self, does: Callable[[Traces], None]) -> None:
        if self.traces is not None:
            does(self.traces)

    def _toggle_pause(self) -> None:
        self._with_traces(lambda traces: traces.pause(paused=not traces.paused))

    def _go_live(self) -> None:
        self._with_traces(lambda traces: traces.pause(paused=False))

    def _show_camera(self, number: int) -> None:
        if self.tiles is not None:
            self.tiles.show_number(number)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    @property
    def keys(self) -> str:
        """Each key and what it does, a line each."""
        lines = [
            f"{action.shortcut().toString()}\t{action.text().replace('&', '')}"
            for holder in self._holders
            for action in holder.actions()
            if not action.shortcut().isEmpty()
        ]
        return "\n".join(lines)

    def _show_keys(self) -> None:
        QMessageBox.information(self, "Keys", self.keys)
