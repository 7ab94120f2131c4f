"""The traces: everything over time on one axis, scrolling; stop, look back, go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QWidget

from rig.monitor.health.watcher import clock_words
from rig.monitor.window.lanes import lanes_of
from rig.monitor.window.sheet import Sheet, thin_pen
from rig.monitor.window.style import BACKGROUND, DIM, GRID, MARK_COLOURS, TEXT

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent, QPaintEvent, QWheelEvent

    from rig.monitor.feed import Feed
    from rig.monitor.shown import Shown

__all__ = ["SPANS_S", "Traces"]

SPANS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0)
_TICKS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300)
_FIRES = frozenset({"fired", "decided", "pulse"})


class Traces(QWidget):
    """All lanes of a session. The wheel zooms in time, dragging looks back.

    Parameters
    ----------
    shown
        What there is to be shown.
    """

    scrolled = Signal(float)
    """Somebody moved the time: what is at the right border; centred, in the middle."""

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self.span_s = 10.0
        self.paused = False
        self.end_s = 0.0
        self.centred = False
        """Whether now is in the middle, marked: what comes after it is known, too."""
        self._feed: Feed | None = None
        self._lanes = list(lanes_of(shown))
        self._dragged: QPointF | None = None
        font = QFont(self.font())
        font.setPointSizeF(0.9 * font.pointSizeF())
        self.setFont(font)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumHeight(60)
        self.setAccessibleName("traces")

    def refresh(self, feed: Feed) -> None:
        """Draw up to now, or again where one stopped."""
        self._feed = feed
        if self.centred:
            self.end_s = feed.now_s + self.span_s / 2
        elif not self.paused:
            self.end_s = feed.now_s
        self.update()

    def pause(self, *, paused: bool) -> None:
        """Stop scrolling, or go on at now; what comes meanwhile is kept."""
        self.paused = paused
        self.update()

    def widen(self, steps: int) -> None:
        """Show more (positive) or less of the time."""
        at = int(np.argmin([abs(span_s - self.span_s) for span_s in SPANS_S]))
        self.span_s = SPANS_S[max(0, min(len(SPANS_S) - 1, at + steps))]
        self.update()

    def look_back(self, share: float) -> None:
        """Stop, and go by a share of what is shown: back where it is negative."""
        self.paused = True
        self.end_s += share * self.span_s
        self.scrolled.emit(self.end_s - self.span_s / 2 * self.centred)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint every lane, the time below them."""
        del event
        with QPainter(self) as painter:  # ended whatever happens
            painter.fillRect(self.rect(), QColor(BACKGROUND))
            metrics = painter.fontMetrics()
            left, foot = 6 * metrics.averageCharWidth() + 8, metrics.height() + 2
            room = QRectF(left, 0, self.width() - left - 4, self.height() - foot)
            if self._feed is not None:
                self._paint_lanes(painter, room, self._feed)
            self._paint_time(painter, room)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Show more or less of the time."""
        self.widen(-1 if event.angleDelta().y() > 0 else 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to look back."""
        self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Look back."""
        if self._dragged is not None:
            moved = event.position().x() - self._dragged.x()
            self._dragged = event.position()
            self.look_back(-moved / max(self.width(), 1))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End looking back; the traces stay where they are."""
        del event
        self._dragged = None

    def _paint_lanes(self, painter: QPainter, room: QRectF, feed: Feed) -> None:
        start_s, top = self.end_s - self.span_s, room.top()
        weights = sum(lane.weight for lane in self._lanes)
        whole = Sheet(painter, room, start_s, self.end_s)
        marks = feed.happened(start_s, self.end_s)
        whole.stems([m.at_s for m in marks if m.kind in _FIRES], MARK_COLOURS["fired"])
        whole.stems([m.at_s for m in marks if m.kind == "sham"], MARK_COLOURS["sham"])
        if self.centred:
            whole.stems([self.end_s - self.span_s / 2], TEXT)
        for lane in self._lanes:
            height = room.height() * lane.weight / weights
            rect = QRectF(room.left(), top, room.width(), height)
            painter.setClipRect(QRectF(0, top, self.width(), height))
            sheet = Sheet(painter, rect, start_s, self.end_s)
            lane.paint(sheet, feed)
            sheet.finish()
            top += height
        painter.setClipping(False)

    @property
    def _stand(self) -> str:
        if self.paused:
            return "paused: P or Home goes on"
        over = self._feed is not None and self._feed.health.ended
        return "ended" if over else "live"

    def _paint_time(self, painter: QPainter, room: QRectF) -> None:
        sheet = Sheet(painter, room, self.end_s - self.span_s, self.end_s)
        metrics = painter.fontMetrics()
        step_s = next((s for s in _TICKS_S if self.span_s / s <= 7), _TICKS_S[-1])
        first = np.ceil(max(sheet.start_s, 0.0) / step_s)
        painter.setPen(thin_pen(GRID))
        painter.drawLine(room.bottomLeft(), room.bottomRight())
        painter.setPen(QColor(DIM))
        base = room.bottom() + metrics.ascent() + 2
        for k in range(int(first), int(np.floor(self.end_s / step_s)) + 1):
            words = clock_words(k * step_s)
            if step_s >= 1:
                words = words.partition(".")[0]
            x = float(sheet.x(k * step_s))
            painter.drawLine(QPointF(x, room.bottom()), QPointF(x, room.bottom() + 3))
            half = metrics.horizontalAdvance(words) / 2
            painter.drawText(QPointF(x - half, base), words)
        about = f"{self.span_s:g} s"
        if not self.centred:
            about += f", {self._stand}"
        width = metrics.horizontalAdvance(about)
        painter.fillRect(
            QRectF(room.right() - width - 8, room.bottom() + 1, width + 12, 40),
            QColor(BACKGROUND),
        )
        painter.setPen(QColor(TEXT if self.paused else DIM))
        painter.drawText(QPointF(room.right() - width - 2, base), about)
