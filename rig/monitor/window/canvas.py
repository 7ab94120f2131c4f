"""A picture that can be zoomed and panned, with its overlay: painted in one go.

A plain widget, because a graphics scene costs three times as much for each picture
that comes, and four cameras have to be drawn thirty times a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from rig.monitor.window.overlay import Overlay, Place
from rig.monitor.window.style import BACKGROUND

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QMouseEvent, QPaintEvent, QWheelEvent

    from rig.monitor.feed import Look
    from rig.monitor.shown import ShownCamera

__all__ = ["Canvas"]

_MOST_ZOOM = 40.0


class Canvas(QWidget):
    """Shows one camera's picture.

    Parameters
    ----------
    camera
        The camera.
    """

    double_clicked = Signal()

    def __init__(self, camera: ShownCamera) -> None:
        super().__init__()
        self.overlay = Overlay(camera)
        self.look: Look | None = None
        self.levels: tuple[float, float] | None = None
        """Black and white; None for what the picture's type can hold."""
        self._size = (camera.width_px, camera.height_px)
        self._zoom = 1.0
        self._middle = QPointF(camera.width_px / 2, camera.height_px / 2)
        self._dragged: QPointF | None = None
        self.painted = 0
        """Pictures that have been painted; one that was replaced before is not."""
        self._fresh = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(40, 30)

    @property
    def place(self) -> Place:
        """Where the picture lies on the widget."""
        width, height = self._size
        fit = min(self.width() / width, self.height() / height)
        scale = fit * self._zoom
        middle = self._middle
        return Place(
            self.width() / 2 - (middle.x() - 0.5) * scale,
            self.height() / 2 - (middle.y() - 0.5) * scale,
            scale,
        )

    @property
    def step(self) -> int:
        """Each how many pixels are worth drawing: no more than the screen can show."""
        return max(1, min(8, int(1 / (self.place.scale * self.devicePixelRatioF()))))

    def show_look(self, look: Look) -> None:
        """Show another picture."""
        self.look = look
        self._fresh = True
        self.update()

    def show_all(self) -> None:
        """Show the whole picture again."""
        width, height = self._size
        self._zoom, self._middle = 1.0, QPointF(width / 2, height / 2)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture and what is known of it."""
        del event
        with QPainter(self) as painter:  # ended whatever happens
            place, look = self.place, self.look
            self._paint_ground(painter, place, bare=look is None)
            if look is not None:
                self._paint_picture(painter, place, look)
            self.overlay.paint(painter, place, look)
        self.painted += self._fresh
        self._fresh = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        at, old = event.position(), self.place
        zoom = self._zoom * 1.0015 ** event.angleDelta().y()
        self._zoom = min(_MOST_ZOOM, max(1.0, zoom))
        new = self.place
        away = at - QPointF(self.width() / 2, self.height() / 2)
        self._middle += away / old.scale - away / new.scale
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan."""
        self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan."""
        if self._dragged is None:
            return
        self._middle -= (event.position() - self._dragged) / self.place.scale
        self._dragged = event.position()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End panning."""
        del event
        self._dragged = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask to be seen large."""
        del event
        self.double_clicked.emit()

    def _paint_ground(self, painter: QPainter, place: Place, *, bare: bool) -> None:
        """Paint what the picture leaves free."""
        whole, (width, height) = self.rect(), self._size
        picture = place.rect(0, 0, width, height).toRect().adjusted(1, 1, -1, -1)
        free = QRegion(whole) if bare else QRegion(whole).subtracted(QRegion(picture))
        parts: Any = free  # whose stub does not know that it can be gone through
        for part in parts:
            painter.fillRect(part, QColor(BACKGROUND))

    def _paint_picture(self, painter: QPainter, place: Place, look: Look) -> None:
        image, pixels = _image(look.picture, self.levels)
        height, width = pixels.shape[:2]
        # a pixel stands for the place it was taken from: the middle of its square
        half = (look.step - 1) / 2
        target = place.rect(
            -half, -half, width * look.step - half, height * look.step - half
        )
        painter.drawImage(target, image, QRectF(0, 0, width, height))


def _image(
    picture: NDArray[np.generic], levels: tuple[float, float] | None
) -> tuple[QImage, NDArray[np.uint8]]:
    """Return a picture for Qt, and the memory that it lies in."""
    pixels = np.ascontiguousarray(_grey(picture, levels))
    height, width = pixels.shape[:2]
    if pixels.ndim == 3:
        form = QImage.Format.Format_RGB888
        return QImage(pixels.data, width, height, 3 * width, form), pixels
    form = QImage.Format.Format_Grayscale8
    return QImage(pixels.data, width, height, width, form), pixels


def _grey(
    picture: NDArray[np.generic], levels: tuple[float, float] | None
) -> NDArray[np.uint8]:
    """Return 8 bits from black to white."""
    if picture.dtype == np.uint8 and levels is None:
        return picture.astype(np.uint8, copy=False)
    most = float(picture.max()) if picture.dtype != np.uint8 else 255.0
    black, white = levels or (0.0, max(most, 1.0))
    scaled = (picture.astype(np.float32) - black) * (255 / max(white - black, 1e-6))
    return np.clip(scaled, 0, 255).astype(np.uint8)
