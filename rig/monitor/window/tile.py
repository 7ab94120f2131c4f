"""A camera's tile: its picture with what is drawn over it, and a line of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rig.monitor.window.canvas import Canvas
from rig.monitor.window.style import DIM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pyqtgraph import HistogramLUTWidget, ImageItem

    from rig.monitor.feed import Feed, Look
    from rig.monitor.shown import ShownCamera

__all__ = ["Tile"]


class Tile(QWidget):
    """Shows one camera. The wheel zooms, dragging pans, a double click asks for more.

    Parameters
    ----------
    camera
        The camera.
    """

    wanted_large = Signal(str)
    """Its camera was double-clicked."""

    def __init__(self, camera: ShownCamera) -> None:
        super().__init__()
        self.camera = camera
        self.canvas = Canvas(camera)
        self.canvas.double_clicked.connect(lambda: self.wanted_large.emit(camera.name))
        self._words = QLabel(camera.name)
        self._words.setStyleSheet(f"color: {DIM}; background: transparent;")
        self._levels: HistogramLUTWidget | None = None
        self._histogram: ImageItem | None = None
        """Held here: the levels only know it while somebody does."""
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._row.addWidget(self.canvas, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._words)
        column.addLayout(self._row, 1)
        self.setAccessibleName(f"camera {camera.name}")

    @property
    def words(self) -> str:
        """What stands over the picture."""
        return self._words.text()

    def set_large(self, *, large: bool) -> None:
        """Show the levels of grey beside the picture, or not; they stay as set."""
        look = self.canvas.look
        if large and self._levels is None and look is not None:
            self._histogram = _image_item(look.picture, self.canvas.levels)
            self._levels = _histogram_of(self._histogram)
            self._levels.item.sigLevelsChanged.connect(self._take_levels)
            self._row.addWidget(self._levels)
        elif not large and self._levels is not None:
            self._row.removeWidget(self._levels)
            self._levels.deleteLater()
            self._levels = None

    def refresh(self, feed: Feed) -> bool:
        """Draw the newest picture; return whether there was a new one."""
        look = feed.look(self.camera.name, self.canvas.step)
        if look is None or look is self.canvas.look:
            return False
        self.canvas.show_look(look)
        self._words.setText(self._about(look, feed.now_s))
        return True

    def _take_levels(self) -> None:
        if self._levels is not None:
            levels: Any = self._levels.item.getLevels()
            self.canvas.levels = (float(levels[0]), float(levels[1]))
            self.canvas.update()

    def _about(self, look: Look, now_s: float) -> str:
        words = f"{self.camera.name}   frame {look.frame_id}   "
        words += f"{1e3 * max(0.0, now_s - look.exposed_s):.0f} ms old"
        if self.camera.bodyparts and look.keypoints is None:
            words += "   no pose"
        return words


def _image_item(
    picture: NDArray[np.generic], levels: tuple[float, float] | None
) -> ImageItem:
    """Return what levels are of; pyqtgraph takes long to come: only when asked for."""
    import pyqtgraph as pg

    pg.setConfigOptions(imageAxisOrder="row-major", antialias=False)
    image = pg.ImageItem()
    image.setImage(picture, levels=levels)
    return image


def _histogram_of(image: ImageItem) -> HistogramLUTWidget:
    import pyqtgraph as pg

    widget = pg.HistogramLUTWidget(image=image)
    widget.item.gradient.hide()
    return widget
