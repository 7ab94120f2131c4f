"""The animal in space: the skeleton from any side, turned with the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from rig.monitor.window.style import BACKGROUND, DIM, GRID, TEXT, part_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QMouseEvent, QPaintEvent, QWheelEvent

    from rig.monitor.feed import Feed, PointsNow
    from rig.monitor.shown import Shown

__all__ = ["SpaceView", "turned"]

_GRID_MM, _GRID_HALF_MM = 20, 100
_VIEW_MM = 220.0
"""Across the smaller side of the view."""
_DEGREES_PER_PX = 0.5
_FOLLOW = 0.1
"""Of the way to the animal that the middle of the view goes at each picture."""


def turned(
    points_mm: NDArray[np.float64], azimuth_deg: float, elevation_deg: float
) -> NDArray[np.float64]:
    """Return points (n, 3) as seen from a side: right, up and towards the eye.

    Parameters
    ----------
    points_mm
        (n, 3) in the calibration's axes, z up.
    azimuth_deg
        Direction in which the eye stands, counted from the -y axis.
    elevation_deg
        Height of the eye over the floor.

    Examples
    --------
    >>> turned(np.array([[1.0, 0.0, 0.0]]), 0, 0).round(6).tolist()
    [[1.0, 0.0, 0.0]]
    """
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    right = np.array([np.cos(a), np.sin(a), 0.0])
    eye = np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
    up = np.cross(eye, right)
    return points_mm @ np.stack([right, up, eye], axis=1)


class SpaceView(QWidget):
    """Draws points in space; parallel rays, so that lengths compare.

    Parameters
    ----------
    shown
        Names and bones of the body parts in space.
    """

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self._bones = shown.bones_in_space
        self._points: PointsNow | None = None
        self._middle = np.zeros(3)
        self._azimuth_deg, self._elevation_deg = 25.0, 20.0
        self._zoom = 1.0
        self._dragged: QPointF | None = None
        self.setToolTip("drag turns, the wheel zooms, a double click resets")
        self.setAccessibleName("skeleton in space")

    def refresh(self, feed: Feed) -> None:
        """Draw the newest moment."""
        points = feed.points()
        if points is None or points is self._points:
            return
        self._points = points
        if np.isfinite(points.points_mm).any():
            middle = np.nanmedian(points.points_mm, axis=0)
            self._middle += _FOLLOW * (np.nan_to_num(middle) - self._middle)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint floor, bones and points."""
        del event
        with QPainter(self) as painter:  # ended whatever happens
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.rect(), QColor(BACKGROUND))
            self._paint_floor(painter)
            if self._points is not None:
                self._paint_animal(painter, self._points)
            painter.setPen(QColor(DIM))
            about = "in space: waiting for two cameras"
            if self._points is not None:
                seen = int(np.isfinite(self._points.points_mm[:, 0]).sum())
                error = self._points.error_px[np.isfinite(self._points.error_px)]
                typical = f"{np.median(error):.1f} px error, " if len(error) else ""
                about = f"in space   {seen} points, {typical}grid {_GRID_MM} mm"
            painter.drawText(6, painter.fontMetrics().ascent() + 2, about)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to turn."""
        self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn."""
        if self._dragged is None:
            return
        moved = event.position() - self._dragged
        self._dragged = event.position()
        self._azimuth_deg -= _DEGREES_PER_PX * moved.x()
        up = self._elevation_deg + _DEGREES_PER_PX * moved.y()
        self._elevation_deg = min(90.0, max(-10.0, up))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End turning."""
        del event
        self._dragged = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Look from where one looked first."""
        del event
        self._azimuth_deg, self._elevation_deg, self._zoom = 25.0, 20.0, 1.0
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self._zoom *= 1.0015 ** event.angleDelta().y()
        self.update()

    def _places(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points are on the screen (n, 2)."""
        seen = turned(points_mm - self._middle, self._azimuth_deg, self._elevation_deg)
        scale = self._zoom * min(self.width(), self.height()) / _VIEW_MM
        half = np.array([self.width(), self.height()]) / 2
        return half + seen[:, :2] * [scale, -scale]

    def _paint_floor(self, painter: QPainter) -> None:
        painter.setPen(QPen(QColor(GRID), 1))
        ticks = np.arange(-_GRID_HALF_MM, _GRID_HALF_MM + 1, _GRID_MM, dtype=float)
        far = np.full_like(ticks, _GRID_HALF_MM)
        zero = np.zeros_like(ticks)
        centre = np.round(self._middle / _GRID_MM) * _GRID_MM * [1, 1, 0]
        for a, b in (
            (np.stack([ticks, -far, zero], 1), np.stack([ticks, far, zero], 1)),
            (np.stack([-far, ticks, zero], 1), np.stack([far, ticks, zero], 1)),
        ):
            ends = zip(
                self._places(a + centre).tolist(),
                self._places(b + centre).tolist(),
                strict=True,
            )
            for one, other in ends:
                painter.drawLine(QPointF(*one), QPointF(*other))

    def _paint_animal(self, painter: QPainter, points: PointsNow) -> None:
        places = self._places(points.points_mm.astype(float))
        there = np.isfinite(places).all(axis=1)
        painter.setPen(QPen(QColor(TEXT), 2))
        for one, other in self._bones:
            if there[one] and there[other]:
                painter.drawLine(QPointF(*places[one]), QPointF(*places[other]))
        for k in np.flatnonzero(there):
            ink = QColor(part_colour(int(k)))
            painter.setPen(QPen(ink, 9, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoint(QPointF(*places[k]))
