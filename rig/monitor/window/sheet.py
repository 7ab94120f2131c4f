"""A lane's place on the screen: times and values become points, lines, words.

Painted by hand on one widget: eight plots of a graphics scene that scroll together
cost 30 ms for each picture, this a fifth of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF

from rig.monitor.window.polygon import polygon_of
from rig.monitor.window.style import BACKGROUND, DIM, GRID

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Sheet", "ValueRange", "draw_sign", "thin_pen"]

_MARGIN = 0.06
"""Of the range, above and below."""
_SHRINK = 2.5
"""A range that is so many times too large shrinks."""


class ValueRange:
    """The range of a lane: grows at once, shrinks when it is far too large.

    Parameters
    ----------
    least
        It is never smaller.

    Examples
    --------
    >>> shown = ValueRange(1.0)
    >>> shown.show(0.0, 10.0), shown.show(2.0, 9.0), shown.show(2.0, 4.0)
    ((0.0, 10.0), (0.0, 10.0), (2.0, 4.0))
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._now: tuple[float, float] | None = None

    def show(self, low: float, high: float) -> tuple[float, float]:
        """Return a range in which everything from `low` to `high` is seen."""
        if high - low < self._least:
            middle = (low + high) / 2
            low, high = middle - self._least / 2, middle + self._least / 2
        now = self._now
        inside = now is not None and now[0] <= low and high <= now[1]
        if now is None or not inside or now[1] - now[0] >= _SHRINK * (high - low):
            now = self._now = (low, high)
        return now


@dataclass(slots=True)
class Sheet:
    """Where a lane is painted, and what of time and value is seen there."""

    painter: QPainter
    rect: QRectF
    start_s: float
    end_s: float
    low: float = 0.0
    high: float = 1.0
    """In picture rows, the larger below: give `low` and `high` the other way round."""
    _name: str = ""

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return max(10, int(self.rect.width()))

    def x(self, times_s: Any) -> Any:
        """Return where times are."""
        span_s = self.end_s - self.start_s
        return self.rect.left() + (times_s - self.start_s) * self.rect.width() / span_s

    def y(self, values: Any) -> Any:
        """Return where values are."""
        margin = _MARGIN * self.rect.height()
        height = self.rect.height() - 2 * margin
        share = (values - self.low) / ((self.high - self.low) or 1.0)
        return self.rect.bottom() - margin - share * height

    def line(
        self,
        times_s: NDArray[np.float64],
        values: NDArray[np.floating],
        colour: str | QColor,
    ) -> None:
        """Draw a line; it is broken where a value is NaN."""
        self.painter.setPen(thin_pen(colour))
        x, y = self.x(times_s), self.y(values)
        there = np.isfinite(y)
        if there.all():
            self._polyline(x, y)
            return
        edges = np.flatnonzero(np.diff(there, prepend=False, append=False))
        for first, last in edges.reshape(-1, 2).tolist():
            self._polyline(x[first:last], y[first:last])

    def dots(self, times_s: NDArray[np.float64], values: Any, colour: str) -> None:
        """Draw a dot for each value."""
        if len(times_s):
            self.painter.setPen(QPen(QColor(colour), 2.5))
            self.painter.drawPoints(polygon_of(self.x(times_s), self.y(values)))

    def level(self, value: float, colour: str, words: str) -> None:
        """Draw a dashed line at a value, with words above it."""
        pen = thin_pen(colour)
        pen.setStyle(Qt.PenStyle.DashLine)
        self.painter.setPen(pen)
        y = float(self.y(value))
        self.painter.drawLine(
            QPointF(self.rect.left(), y), QPointF(self.rect.right(), y)
        )
        width = self.painter.fontMetrics().horizontalAdvance(words)
        high_enough = y - self.rect.top() > self.painter.fontMetrics().ascent()
        below = self.painter.fontMetrics().ascent()
        at = QPointF(self.rect.right() - width - 4, y - 2 if high_enough else y + below)
        self.words(at, words, colour)

    def stems(self, times_s: list[float], colour: str) -> None:
        """Draw a line from top to bottom at each time."""
        self.painter.setPen(thin_pen(colour))
        for x in self.x(np.array(times_s, float)).tolist():
            self.painter.drawLine(
                QPointF(x, self.rect.top()), QPointF(x, self.rect.bottom())
            )

    def title(self, words: str) -> None:
        """Draw a border above the lane; its name is written when `finish` is called."""
        self.painter.setPen(thin_pen(GRID))
        self.painter.drawLine(self.rect.topLeft(), self.rect.topRight())
        self._name = words

    def finish(self) -> None:
        """Write the lane's name into its corner, over what was painted."""
        if self._name:
            ascent = self.painter.fontMetrics().ascent()
            corner = QPointF(self.rect.left() + 4, self.rect.top() + ascent)
            self.words(corner, self._name, DIM)

    def words(self, at: QPointF, words: str, colour: str) -> None:
        """Write something, readable on whatever lies under it."""
        box = _box_of(words, self.painter.font().toString())
        self.painter.fillRect(box.translated(at.toPoint()), _ground())
        self.painter.setPen(QColor(colour))
        self.painter.drawText(at, words)

    def ticks(self, ticks: list[tuple[float, str]] | None = None) -> None:
        """Write values to the left; by default two or three round ones."""
        if ticks is None:
            low, high = sorted((self.low, self.high))
            step = _round_step(high - low)
            values = step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)
            ticks = [(value, f"{value:g}") for value in values.tolist()]
        self.painter.setPen(QColor(DIM))
        ascent = self.painter.fontMetrics().ascent()
        for value, words in ticks:
            y = float(self.y(value))
            if min(y - self.rect.top(), self.rect.bottom() - y) < ascent / 2:
                continue  # it would lie over the next lane's
            box = QRectF(0, y - ascent, self.rect.left() - 4, 2 * ascent)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            self.painter.drawText(box, flags, words)

    def _polyline(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        if len(x) > 1:
            self.painter.drawPolyline(polygon_of(x, y))


def thin_pen(colour: str | QColor) -> QPen:
    """Return a pen of one pixel of the screen: wider ones take ten times as long."""
    pen = QPen(QColor(colour), 1)
    pen.setCosmetic(True)
    return pen


@lru_cache(maxsize=512)
def _box_of(words: str, font: str) -> QRect:
    """Return the room that words take; measuring takes longer than drawing them."""
    known = QFont()
    known.fromString(font)
    return QFontMetrics(known).boundingRect(words)


@lru_cache
def _ground() -> QColor:
    ground = QColor(BACKGROUND)
    ground.setAlphaF(0.7)
    return ground


def draw_sign(painter: QPainter, sign: str, at: QPointF, colour: str) -> None:
    """Draw a small sign.

    Parameters
    ----------
    sign
        ``triangle``, ``circle``, ``diamond``, ``square`` or ``flag``.
    """
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    x, y, r = at.x(), at.y(), 5.0
    match sign:
        case "circle":
            painter.drawEllipse(at, r - 1, r - 1)
        case "triangle":
            corners = [(x - r, y - r), (x + r, y - r), (x, y + r)]
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        case "diamond":
            corners = [(x, y - r), (x + r, y), (x, y + r), (x - r, y)]
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        case "square":
            painter.drawRect(QRectF(x - r + 1, y - r + 1, 2 * r - 2, 2 * r - 2))
        case _:
            corners = [(x, y - r), (x + r, y - r / 2), (x, y)]
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
            painter.drawRect(QRectF(x - 1, y - r, 1.5, 2 * r))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _round_step(span: float) -> float:
    """Return 1, 2 or 5 times a power of ten: two or three ticks in so much."""
    half = max(span, 1e-9) / 2
    decade = 10.0 ** np.floor(np.log10(half))
    return float(max(k * decade for k in (1, 2, 5) if k * decade <= half))
