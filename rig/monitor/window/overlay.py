"""What is drawn over a camera's picture: the animal as the network sees it, and rules.

Painted straight onto the screen: dots and lines keep their size at any zoom.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from rig.monitor.window.polygon import polygon_of
from rig.monitor.window.style import DIM, RULE, TEXT, part_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.monitor.feed import Look
    from rig.monitor.shown import ShownCamera

__all__ = ["Overlay", "Place"]

_DOT, _RING, _LINE = 8.0, 6.0, 1.0
"""Sizes on a screen of usual density."""
_FAINTEST = 0.12
"""Of a keypoint that the network does not believe in: still seen."""
_LIKELY = 0.3
"""A trail with a pose that is less likely is not drawn."""
_SHADES = 32
"""From unseen to opaque."""
_MOST_TRAIL = 12
"""Poses of a trail that are drawn."""


class Place(NamedTuple):
    """Where on the screen a picture lies; the middle of its first pixel is (0, 0)."""

    left: float
    top: float
    scale: float
    """Screen pixels for one of the picture."""

    def point(self, x: float, y: float) -> QPointF:
        """Return a point of the picture on the screen."""
        return QPointF(self.left + x * self.scale, self.top + y * self.scale)

    def points(self, points_px: NDArray[np.floating]) -> list[QPointF | None]:
        """Return points (n, 2 or more) on the screen; None for one that is nowhere."""
        x = self.left + points_px[:, 0].astype(float) * self.scale
        y = self.top + points_px[:, 1].astype(float) * self.scale
        there = np.isfinite(x) & np.isfinite(y)
        return [
            QPointF(a, b) if known else None
            for a, b, known in zip(x.tolist(), y.tolist(), there.tolist(), strict=True)
        ]

    def rect(self, x0: float, y0: float, x1: float, y1: float) -> QRectF:
        """Return the pixels from (x0, y0) to before (x1, y1) on the screen."""
        return QRectF(self.point(x0 - 0.5, y0 - 0.5), self.point(x1 - 0.5, y1 - 0.5))


class Overlay:
    """Paints keypoints, trails, skeleton, prediction, boxes and rules of one camera.

    Parameters
    ----------
    camera
        What there is to be drawn.
    """

    def __init__(self, camera: ShownCamera) -> None:
        self.show_rules = True
        self._camera = camera
        self._colours = [part_colour(k) for k in range(len(camera.bodyparts))]

    def paint(self, painter: QPainter, place: Place, look: Look | None) -> None:
        """Paint everything, the animal last.

        Parameters
        ----------
        painter
            Of the screen.
        place
            Where the picture lies.
        look
            What is known of it; None paints what is always there.
        """
        painter.setBrush(Qt.BrushStyle.NoBrush)
        camera = self._camera
        _paint_box(painter, place, camera.crop_px, DIM, Qt.PenStyle.DotLine)
        if self.show_rules:
            self._paint_rules(painter, place)
        if look is None:
            return
        if look.box_px != (0, 0, camera.width_px, camera.height_px):
            _paint_box(painter, place, look.box_px, TEXT, Qt.PenStyle.DashLine)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if look.trail is not None:
            self._paint_trails(painter, place, look.trail)
        if look.predicted_px is not None:
            self._paint_ghost(painter, place.points(look.predicted_px))
        if look.keypoints is not None:
            points = place.points(look.keypoints)
            seen = _opacities(look.keypoints[:, 2])
            self._paint_skeleton(painter, points, seen)
            self._paint_keypoints(painter, points, seen, look.marks)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_rules(self, painter: QPainter, place: Place) -> None:
        painter.setPen(_pen(RULE, _LINE))
        right, bottom = self._camera.width_px, self._camera.height_px
        for region in self._camera.regions:
            corners = [place.point(x, y) for x, y in region.corners_px]
            painter.drawPolygon(QPolygonF(corners))
            at = min(corners, key=lambda corner: corner.x() + corner.y())
            painter.drawText(at + QPointF(4, -4), region.text)
        for line in self._camera.thresholds:
            at = line.at_px
            if line.axis == "y":
                ends = QLineF(place.point(0, at), place.point(right, at))
            else:
                ends = QLineF(place.point(at, 0), place.point(at, bottom))
            painter.drawLine(ends)
            painter.drawText(ends.p1() + QPointF(6, -4), line.text)

    def _paint_trails(
        self, painter: QPainter, place: Place, trail: NDArray[np.float32]
    ) -> None:
        poses = trail[:: -max(1, len(trail) // _MOST_TRAIL)].astype(float)
        if len(poses) < 2:
            return
        x = place.left + poses[:, :, 0] * place.scale
        y = place.top + poses[:, :, 1] * place.scale
        there = np.isfinite(x) & np.isfinite(y)
        least = np.nan_to_num(poses[:, :, 2].min(axis=0))
        for part in np.flatnonzero(least >= _LIKELY).tolist():
            known, opacity = there[:, part], 0.5 * float(least[part])
            painter.setPen(_ink(self._colours[part], opacity, _LINE))
            painter.drawPolyline(polygon_of(x[known, part], y[known, part]))

    def _paint_skeleton(
        self, painter: QPainter, points: list[QPointF | None], seen: list[float]
    ) -> None:
        for one, other in self._camera.bones:
            start, end = points[one], points[other]
            if start is not None and end is not None:
                opacity = 0.75 * min(seen[one], seen[other])
                painter.setPen(_ink(TEXT, opacity, 1.4 * _LINE))
                painter.drawLine(start, end)

    def _paint_keypoints(
        self,
        painter: QPainter,
        points: list[QPointF | None],
        seen: list[float],
        marks: NDArray[np.uint8] | None,
    ) -> None:
        doubtful = [False] * len(points) if marks is None else (marks != 0).tolist()
        for part, point in enumerate(points):
            if point is None:
                continue
            colour = self._colours[part]
            if doubtful[part]:  # not trusted: hollow
                painter.setPen(_ink(colour, seen[part], 1.5 * _LINE))
                painter.drawEllipse(point, _DOT / 2, _DOT / 2)
            else:
                painter.setPen(_ink(colour, seen[part], _DOT))
                painter.drawPoint(point)

    def _paint_ghost(self, painter: QPainter, points: list[QPointF | None]) -> None:
        painter.setPen(_ink(TEXT, 0.45, _LINE))
        for one, other in self._camera.bones:
            start, end = points[one], points[other]
            if start is not None and end is not None:
                painter.drawLine(start, end)
        for point in points:
            if point is not None:
                painter.drawEllipse(point, _RING / 2, _RING / 2)


def _paint_box(
    painter: QPainter,
    place: Place,
    box: tuple[int, int, int, int] | None,
    colour: str,
    style: Qt.PenStyle,
) -> None:
    if box is not None:
        painter.setPen(_pen(colour, _LINE, style))
        painter.drawRect(place.rect(*box))


@lru_cache
def _pen(colour: str, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    return QPen(QColor(colour), width, style, Qt.PenCapStyle.FlatCap)


def _ink(colour: str, opacity: float, width: float) -> QPen:
    return _faded_pen(colour, round(_SHADES * opacity), width)


@lru_cache(maxsize=4096)
def _faded_pen(colour: str, shade: int, width: float) -> QPen:
    """Return a pen; they are kept, because a new one takes as long as a line of it."""
    faded = QColor(colour)
    faded.setAlphaF(shade / _SHADES)
    cap = Qt.PenCapStyle.RoundCap if width == _DOT else Qt.PenCapStyle.FlatCap
    return QPen(faded, width, Qt.PenStyle.SolidLine, cap)


def _opacities(likelihoods: NDArray[np.float32]) -> list[float]:
    seen = np.nan_to_num(np.clip(likelihoods, 0.0, 1.0))
    return (_FAINTEST + (1 - _FAINTEST) * seen.astype(float)).tolist()
