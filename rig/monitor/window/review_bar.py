"""The bar of a review: where the session stands, and all that moves it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QKeySequence, QPainter, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rig.errors import SpringhareError
from rig.monitor.recorded.clip import require_outside
from rig.monitor.window.clip import ClipDialog
from rig.monitor.window.style import DIM, TEXT
from rig.monitor.window.timeline import LEGEND, SIGNS, Timeline, paint_sign, sign_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.monitor.recorded import RecordedFeed
    from rig.monitor.recorded.jumps import Jump, JumpKind

__all__ = ["SPEEDS", "ReviewBar", "parse_time"]

SPEEDS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_KEYS: dict[JumpKind, tuple[str, str]] = {
    "fire": ("F", "fire"),
    "gap": ("G", "gap"),
    "low": ("L", "low likelihood"),
    "note": ("N", "note"),
}
_MANY = 10
"""Frames, with shift."""


class ReviewBar(QWidget):
    """Plays, steps and jumps; each with a key, which are its `actions`.

    `refresh` is called at each tick of the window that it lies in.

    Parameters
    ----------
    feed
        The session.
    """

    figure_wanted = Signal(object)
    """Somebody wants the window saved at this path."""

    def __init__(self, feed: RecordedFeed) -> None:
        super().__init__()
        self._feed = feed
        self._started = datetime.fromisoformat(feed.info.started_utc).astimezone()
        self.timeline = Timeline()
        self.timeline.sought.connect(self._seek)
        self.timeline.show_jumps(feed.jumps)
        self.time = QLabel()
        self.found = QLabel()
        self.found.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.found.setStyleSheet(f"color: {DIM};")
        self.legend = QLabel()
        self.speed = QComboBox()
        self.camera = QComboBox()
        self.go_to = QLineEdit()
        self._buttons: dict[str, QToolButton] = {}
        self._make_choices()
        self._make_actions()
        self._lay_out()
        self.refresh()

    def refresh(self) -> None:
        """Show where the session stands."""
        feed = self._feed
        self.timeline.show_jumps(feed.jumps)
        self.timeline.show_time(feed.now_s, feed.end_s)
        wall = self._started + timedelta(seconds=feed.now_s)
        hour = wall.strftime("%H:%M:%S.%f")[:-3]
        words = f"{feed.now_s:.3f} s of {feed.end_s:.1f} s   {hour}"
        if feed.search_share < 1:
            words += f"   looking for jumps: {100 * feed.search_share:.0f} %"
        if self.time.text() != words:
            self.time.setText(words)
        sign = "⏸" if feed.playing else "▶"
        if self._play.iconText() != sign:
            self._play.setIconText(sign)
        self._show_legend()

    def jump(self, kind: JumpKind, *, back: bool = False) -> Jump | None:
        """Go to the next of a kind, or to the one before; None if there is none."""
        feed = self._feed
        find = feed.jumps.before if back else feed.jumps.next_after
        found = find(kind, feed.now_s)
        if found is None:
            words = _KEYS[kind][1] if kind in _KEYS else kind
            where = "before" if back else "after"
            self.found.setText(f"no {words} {where} {feed.now_s:.3f} s")
            return None
        feed.seek(found.at_s)
        self.found.setText(found.text)
        self.found.setToolTip(found.text)
        self.refresh()
        return found

    def export_clip(self) -> ClipDialog:
        """Ask what clip is wanted, and make it."""
        self._feed.pause()
        dialog = ClipDialog(self._feed, self._out_folder(), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog

    def export_figure(self) -> None:
        """Ask where a figure is to be put, and ask for it."""
        self._feed.pause()
        name = f"{self._feed.shown.session_id}_{self._feed.now_s:.3f}s.png"
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Export a figure",
            str(self._out_folder() / name),
            "Figures (*.png *.svg *.pdf)",
        )
        if not path:
            return
        try:
            require_outside(self._feed.folder, Path(path))
        except SpringhareError as error:
            self.found.setText(str(error))
            return
        self.figure_wanted.emit(Path(path))

    def _toggle(self) -> None:
        feed = self._feed
        if feed.playing:
            feed.pause()
        else:
            if feed.now_s >= feed.end_s:
                feed.seek(feed.begin_s)
            feed.play(self.speed.currentData())
        self.refresh()

    def _step(self, frames: int) -> None:
        if self.camera.count():
            self._feed.step(self.camera.currentText(), frames)
            self.refresh()

    def _seek(self, at_s: float) -> None:
        self._feed.seek(at_s)
        self.refresh()

    def _go(self) -> None:
        at_s = parse_time(self.go_to.text())
        if at_s is None:
            self.found.setText(
                f"expected seconds, m:s or h:m:s, got {self.go_to.text()!r}"
            )
            return
        self._seek(at_s)
        self.timeline.setFocus()

    def _change_speed(self) -> None:
        if self._feed.playing:
            self._feed.play(self.speed.currentData())

    def _shift_speed(self, by: int) -> None:
        k = min(max(self.speed.currentIndex() + by, 0), self.speed.count() - 1)
        self.speed.setCurrentIndex(k)

    def _out_folder(self) -> Path:
        """Return where a film or figure may be put: beside the recording, not in it."""
        derived = self._feed.folder / "derived"
        return derived if derived.is_dir() else Path.cwd()

    def _make_choices(self) -> None:
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g}×", speed)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.setToolTip("speed: , slower  . faster")
        self.speed.setAccessibleName("speed")
        self.speed.currentIndexChanged.connect(self._change_speed)
        cameras = self._feed.shown.cameras
        self.camera.addItems([camera.name for camera in cameras])
        seen = [k for k, camera in enumerate(cameras) if camera.bodyparts]
        self.camera.setCurrentIndex(seen[0] if seen else 0)
        self.camera.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.camera.setToolTip("camera whose frames are stepped by")
        self.camera.setAccessibleName("camera whose frames are stepped by")
        self.camera.setVisible(len(cameras) > 1)
        self.go_to.setPlaceholderText("go to s or h:m:s (T)")
        self.go_to.setAccessibleName("go to a time")
        em = self.fontMetrics().averageCharWidth()
        self.go_to.setMaximumWidth(32 * em)
        self.go_to.returnPressed.connect(self._go)

    def _make_actions(self) -> None:
        self._play = self._add("Play or pause", "Space", self._toggle, "▶")
        self._add("A frame back", "Left", lambda: self._step(-1), "◂")
        self._add("A frame on", "Right", lambda: self._step(1), "▸")
        self._add("Ten frames back", "Shift+Left", lambda: self._step(-_MANY))
        self._add("Ten frames on", "Shift+Right", lambda: self._step(_MANY))
        for kind, (key, words) in _KEYS.items():
            self._add(
                f"Last {words}",
                f"Shift+{key}",
                lambda kind=kind: self.jump(kind, back=True),
                "◂",
            )
            self._add(
                f"Next {words}",
                key,
                lambda kind=kind: self.jump(kind),
                f"{words} ▸",
            )
        self._add("Slower", ",", lambda: self._shift_speed(-1))
        self._add("Faster", ".", lambda: self._shift_speed(1))
        self._add("Go to a time", "T", self._ask_time)
        begin, end = "Ctrl+Home", "Ctrl+End"
        self._add("To the first picture", begin, lambda: self._seek(self._feed.begin_s))
        self._add("To the end", end, lambda: self._seek(self._feed.end_s))
        self._add("Export a clip…", "C", self.export_clip, "clip…")
        self._add("Export a figure…", "Ctrl+S", self.export_figure, "figure…")

    def _add(
        self, words: str, key: str, does: Callable[[], object], label: str = ""
    ) -> QAction:
        action = QAction(words, self)
        action.setShortcut(QKeySequence(key))
        action.setIconText(label or words)
        action.triggered.connect(lambda _checked=False: does())
        self.addAction(action)
        if label:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolTip(f"{words} ({key})")
            button.setAccessibleName(words)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # each has its key
            self._buttons[words] = button
        return action

    def _ask_time(self) -> None:
        self.go_to.setFocus()
        self.go_to.selectAll()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        buttons = list(self._buttons.values())
        for button in buttons[:3]:
            row.addWidget(button)
        row.addWidget(self.camera)
        row.addWidget(self.speed)
        for button in buttons[3:-2]:
            row.addWidget(button)
        row.addWidget(self.go_to, 1)
        for button in buttons[-2:]:
            row.addWidget(button)
        row.addStretch(1)
        told = QHBoxLayout()
        told.addWidget(self.time)
        told.addWidget(self.found, 1)
        told.addWidget(self.legend)
        column = QVBoxLayout(self)
        column.addLayout(told)
        column.addWidget(self.timeline)
        column.addLayout(row)

    def _show_legend(self) -> None:
        """Show the signs of what there is."""
        jumps = self._feed.jumps
        ratio = self.devicePixelRatioF()
        if (jumps.version, ratio) == self.legend.property("drawn"):
            return
        self.legend.setProperty("drawn", (jumps.version, ratio))
        there = {sign_of(j) for kind in (*_KEYS, "event") for j in jumps.of(kind)}
        names = [name for name in LEGEND if name in there]
        self.legend.setPixmap(_legend(names, self, ratio))
        self.legend.setAccessibleName(", ".join(LEGEND[name] for name in names))


def parse_time(text: str) -> float | None:
    """Return seconds from ``12.5``, ``1:02.5`` or ``1:00:02``; None for what is none.

    Examples
    --------
    >>> parse_time("1:02.5"), parse_time("1:00:02"), parse_time("soon")
    (62.5, 3602.0, None)
    """
    parts = text.strip().removesuffix("s").split(":")
    if len(parts) > 3:
        return None
    seconds = 0.0
    for part in parts:
        try:
            seconds = 60 * seconds + float(part)
        except ValueError:
            return None
    return seconds if 0 <= seconds < float("inf") else None


def _legend(names: list[str], widget: QWidget, ratio: float) -> QPixmap:
    """Return the signs with their words, in one line."""
    metrics = widget.fontMetrics()
    em = metrics.height()
    widths = [metrics.horizontalAdvance(LEGEND[name]) + 1.8 * em for name in names]
    size = QSize(max(round(sum(widths)), 1), em)
    pixmap = QPixmap(size * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(widget.font())
    left = 0.0
    for name, width in zip(names, widths, strict=True):
        paint_sign(painter, SIGNS[name], QPointF(left + 0.4 * em, 0.5 * em), 0.62 * em)
        painter.setPen(QColor(TEXT))
        painter.drawText(QPointF(left + em, metrics.ascent()), LEGEND[name])
        left += width
    painter.end()
    return pixmap
