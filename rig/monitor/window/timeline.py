"""The slider over a whole session, with what can be jumped to drawn on it.

Each kind has a lane, a shape and a colour of its own, so that none needs the colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from rig.monitor.health import Level
from rig.monitor.recorded.jumps import JUMP_KINDS, Jumps
from rig.monitor.window.style import (
    BACKGROUND,
    DIM,
    GRID,
    LEVEL_INKS,
    MARK_COLOURS,
    TEXT,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from rig.monitor.recorded.jumps import Jump, JumpKind

__all__ = ["LEGEND", "SIGNS", "Sign", "Timeline", "paint_sign", "sign_of"]

_LANES: tuple[JumpKind, ...] = ("fire", "gap", "low", "note", "event")
_LANE_EMS, _FOOT_EMS = 0.72, 1.1
_NEAR_EMS = 0.5


class Sign(NamedTuple):
    """How something is drawn."""

    shape: str
    """triangle, circle, diamond, block, hatch, square or flag."""
    colour: str


SIGNS: dict[str, Sign] = {
    "fired": Sign("triangle", MARK_COLOURS["fired"]),
    "decided": Sign("triangle", MARK_COLOURS["decided"]),
    "sham": Sign("circle", MARK_COLOURS["sham"]),
    "pulse": Sign("diamond", MARK_COLOURS["pulse"]),
    "gap": Sign("block", LEVEL_INKS[Level.BAD]),
    "low": Sign("hatch", LEVEL_INKS[Level.WATCH]),
    "note": Sign("square", MARK_COLOURS["note"]),
    "event": Sign("flag", MARK_COLOURS["event"]),
}
LEGEND: dict[str, str] = {
    "fired": "fired",
    "decided": "fired or sham",
    "sham": "sham",
    "pulse": "by hand",
    "gap": "gap",
    "low": "low likelihood",
    "note": "note",
    "event": "event",
}
"""What each sign stands for."""


def sign_of(jump: Jump) -> str:
    """Return the name of a jump's sign."""
    return jump.what if jump.kind == "fire" else jump.kind


class Timeline(QWidget):
    """A slider over a session.

    It is dragged with the mouse; what is near the pointer is told in words. Keys are
    the bar's.
    """

    sought = Signal(float)
    """Somebody wants to be at that time (s)."""

    def __init__(self) -> None:
        super().__init__()
        self._jumps = Jumps()
        self._end_s = 0.0
        self._now_s = 0.0
        self._drawn: tuple[object, QPixmap] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("time line of the session")

    def show_jumps(self, jumps: Jumps) -> None:
        """Draw other jumps; they may go on to be found."""
        if jumps is not self._jumps:
            self._jumps = jumps
            self.update()

    def show_time(self, now_s: float, end_s: float) -> None:
        """Draw where the session stands, and how long it is."""
        if (now_s, end_s) != (self._now_s, self._end_s) or self._is_old():
            self._now_s, self._end_s = now_s, end_s
            self.setAccessibleDescription(f"{now_s:.3f} s of {end_s:.1f} s")
            self.update()

    def sizeHint(self) -> QSize:
        """Return a size that goes with the font."""
        em = self.fontMetrics().height()
        lanes = (len(_LANES) * _LANE_EMS + _FOOT_EMS) * em
        return QSize(round(30 * em), round(lanes))

    def minimumSizeHint(self) -> QSize:
        """Return the least size: as high as it wants to be."""
        return QSize(0, self.sizeHint().height())

    def x_of(self, at_s: float) -> float:
        """Return where a time is drawn."""
        left, width = self._groove()
        return left + width * at_s / self._end_s if self._end_s > 0 else left

    def time_at(self, x: float) -> float:
        """Return the time that is drawn there."""
        left, width = self._groove()
        return min(max((x - left) / width, 0.0), 1.0) * self._end_s

    def y_of(self, kind: JumpKind) -> float:
        """Return the middle of a kind's lane."""
        return (_LANES.index(kind) + 0.5) * _LANE_EMS * self.fontMetrics().height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the marks, and where it stands."""
        del event
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._marks())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, em = self.x_of(self._now_s), self.fontMetrics().height()
        painter.setPen(QPen(QColor(TEXT), 0.1 * em))
        foot = len(_LANES) * _LANE_EMS * em
        painter.drawLine(QPointF(x, 0), QPointF(x, foot))
        painter.setBrush(QColor(TEXT))
        half = 0.32 * em
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(x, foot),
                    QPointF(x - half, foot + half),
                    QPointF(x + half, foot + half),
                ]
            )
        )
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.sought.emit(self.time_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go there while dragged, else tell what is near."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.sought.emit(self.time_at(event.position().x()))
            return
        near = self.near(event.position())
        words = "" if near is None else f"{near.at_s:.3f} s: {near.text}"
        QToolTip.showText(event.globalPosition().toPoint(), words, self)

    def near(self, at: QPointF) -> Jump | None:
        """Return the jump that is drawn near a point; None where there is none."""
        em = self.fontMetrics().height()
        lane = int(at.y() / (_LANE_EMS * em))
        if not 0 <= lane < len(_LANES):
            return None
        found = self._jumps.of(_LANES[lane])
        at_s = self.time_at(at.x())
        best = min(found, key=lambda jump: _distance_s(jump, at_s), default=None)
        if best is None:
            return None
        away_px = _distance_s(best, at_s) * self._groove()[1] / max(self._end_s, 1e-9)
        return best if away_px <= _NEAR_EMS * em else None

    def _groove(self) -> tuple[float, float]:
        em = self.fontMetrics().height()
        return 0.5 * em, max(self.width() - em, 1.0)

    def _key(self) -> object:
        ratio = self.devicePixelRatioF()
        found = (id(self._jumps), self._jumps.version)
        return (*found, self.width(), self.height(), self._end_s, ratio)

    def _is_old(self) -> bool:
        return self._drawn is None or self._drawn[0] != self._key()

    def _marks(self) -> QPixmap:
        """Return all that stays while time goes on; drawn anew when there is more."""
        if self._drawn is None or self._is_old():
            ratio = self.devicePixelRatioF()
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(QColor(BACKGROUND))
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_scale(painter)
            for kind in reversed(JUMP_KINDS):  # fires above all
                self._paint_kind(painter, kind)
            painter.end()
            self._drawn = self._key(), pixmap
        return self._drawn[1]

    def _paint_scale(self, painter: QPainter) -> None:
        em = self.fontMetrics().height()
        left, width = self._groove()
        for kind in _LANES:
            painter.setPen(QPen(QColor(GRID), 1))
            y = self.y_of(kind)
            painter.drawLine(QPointF(left, y), QPointF(left + width, y))
        if self._end_s <= 0:
            return
        foot = len(_LANES) * _LANE_EMS * em
        step_s = _round_step(6 * em / width * self._end_s)
        painter.setPen(QColor(DIM))
        at_s = 0.0
        while at_s <= self._end_s:
            x = self.x_of(at_s)
            painter.drawLine(QPointF(x, foot), QPointF(x, foot + 0.2 * em))
            words = _tick_words(at_s)
            half = self.fontMetrics().horizontalAdvance(words) / 2
            x = min(max(x, half), self.width() - half)
            box = QRectF(x - half, foot + 0.2 * em, 2 * half + 1, em)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft, words)
            at_s += step_s

    def _paint_kind(self, painter: QPainter, kind: JumpKind) -> None:
        size = 0.62 * self.fontMetrics().height()
        y = self.y_of(kind)
        seen: set[tuple[int, str]] = set()
        for jump in self._jumps.of(kind):
            x = self.x_of(jump.at_s)
            end = x if jump.end_s is None else self.x_of(jump.end_s)
            name = sign_of(jump)
            place = round(x), name
            if place in seen and end - x < 1:
                continue
            seen.add(place)
            paint_sign(painter, SIGNS[name], QPointF(x, y), size, end - x)


def paint_sign(
    painter: QPainter, sign: Sign, at: QPointF, size: float, width: float = 0.0
) -> None:
    """Draw a sign at a place, so large, and so wide where it is of a stretch."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(sign.colour))
    half = size / 2
    match sign.shape:
        case "triangle":
            corners = [(0.0, half), (-0.9 * half, -half), (0.9 * half, -half)]
            painter.drawPolygon(_polygon(at, corners))
        case "diamond":
            corners = [(0.0, half), (half, 0.0), (0.0, -half), (-half, 0.0)]
            painter.drawPolygon(_polygon(at, corners))
        case "circle":
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(sign.colour), 0.2 * size))
            painter.drawEllipse(at, 0.8 * half, 0.8 * half)
        case "block":
            wide = max(width, 0.4 * size)
            painter.drawRect(QRectF(at.x(), at.y() - half, wide, size))
        case "hatch":
            _paint_hatch(painter, sign, at, size, max(width, 0.6 * size))
        case "square":
            painter.drawRect(
                QRectF(at.x() - 0.7 * half, at.y() - 0.7 * half, size, size)
            )
        case _:
            painter.setPen(QPen(QColor(sign.colour), 0.15 * size))
            painter.drawLine(at - QPointF(0, half), at + QPointF(0, half))
            flag = [(0.0, -half), (0.9 * half, -0.5 * half), (0.0, 0.0)]
            painter.drawPolygon(_polygon(at, flag))


def _paint_hatch(
    painter: QPainter, sign: Sign, at: QPointF, size: float, width: float
) -> None:
    half = size / 2
    painter.setPen(QPen(QColor(sign.colour), 0.14 * size))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    box = QRectF(at.x(), at.y() - 0.7 * half, width, 1.4 * half)
    painter.drawRect(box)
    x = box.left()
    while x < box.right():
        end = min(x + 0.7 * size, box.right())
        painter.drawLine(QPointF(x, box.bottom()), QPointF(end, box.top()))
        x += 0.5 * size


def _polygon(at: QPointF, corners: list[tuple[float, float]]) -> QPolygonF:
    return QPolygonF([at + QPointF(x, y) for x, y in corners])


def _distance_s(jump: Jump, at_s: float) -> float:
    end_s = jump.at_s if jump.end_s is None else jump.end_s
    return max(jump.at_s - at_s, at_s - end_s, 0.0)


def _round_step(least_s: float) -> float:
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800)
    return next((step for step in steps if step >= least_s), 3600.0)


def _tick_words(at_s: float) -> str:
    minutes, seconds = divmod(round(at_s, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours}:{minutes:02d}:{int(seconds):02d}"
    return (
        f"{minutes}:{seconds:04.1f}" if seconds % 1 else f"{minutes}:{int(seconds):02d}"
    )
