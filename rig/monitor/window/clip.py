"""Draws the pictures of a clip, as the window draws them; and asks what is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QWidget,
)

from rig.errors import SpringhareError
from rig.monitor.health import Level
from rig.monitor.recorded.clip import ClipRequest, clip_frames
from rig.monitor.window.overlay import Overlay, Place
from rig.monitor.window.style import BACKGROUND, DIM, LEVEL_INKS, MARK_COLOURS, TEXT

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from rig.monitor.feed import Look
    from rig.monitor.recorded import RecordedFeed
    from rig.monitor.recorded.clip import Still
    from rig.monitor.shown import ShownCamera

__all__ = ["ClipDialog", "ClipPainter", "painter_of"]

_BORDER = 0.016
"""Of the height of the pictures: what is left around them, for a fire's border."""
_WORDS = 0.035
"""Of the same: the size of words."""
_PLATE = 0.7
"""Opacity of what is behind a camera's name."""


class ClipPainter:
    """Draws one picture of a film after the other.

    There must be a Qt application, with or without a screen.

    Parameters
    ----------
    cameras
        Side by side, in this order.
    """

    def __init__(self, cameras: Sequence[ShownCamera]) -> None:
        self._cameras = cameras
        self._overlays = [Overlay(camera) for camera in cameras]
        height = max(camera.height_px for camera in cameras)
        self._font = QFont()
        self._font.setPixelSize(max(round(_WORDS * height), 12))
        self._line = round(1.8 * self._font.pixelSize())
        self.border = 2 * max(round(_BORDER * height / 2), 2)
        """Pixels around the pictures."""
        self._width = sum(camera.width_px for camera in cameras) + 2 * self.border
        self._height = height + self._line + 2 * self.border
        self._white: dict[str, float] = {}

    def __call__(self, still: Still) -> NDArray[np.uint8]:
        """Return a picture (height, width, 3)."""
        canvas = QImage(self._width, self._height, QImage.Format.Format_RGB888)
        canvas.fill(QColor(BACKGROUND))
        painter = QPainter(canvas)
        left = self.border
        for camera, overlay, look in zip(
            self._cameras, self._overlays, still.looks, strict=True
        ):
            if look is not None:
                self._paint_camera(painter, camera, overlay, look, left)
            left += camera.width_px
        self._paint_words(painter, still)
        painter.end()
        return _pixels(canvas)

    def _paint_camera(
        self,
        painter: QPainter,
        camera: ShownCamera,
        overlay: Overlay,
        look: Look,
        left: int,
    ) -> None:
        top = self.border
        painter.save()
        painter.setClipRect(QRectF(left, top, camera.width_px, camera.height_px))
        picture = self._eight_bits(camera.name, look.picture)
        painter.drawImage(QPointF(left, top), _image(picture))
        painter.setFont(self._font)
        plate = QRectF(left, top, 0, self._line)
        plate.setWidth(painter.fontMetrics().horizontalAdvance(camera.name))
        plate.setWidth(plate.width() + self._line)
        ground = QColor(BACKGROUND)
        ground.setAlphaF(_PLATE)
        painter.fillRect(plate, ground)
        painter.setPen(QColor(TEXT))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, camera.name)
        # the overlay's (0, 0) is the middle of the first pixel
        overlay.paint(painter, Place(left + 0.5, top + 0.5, 1.0), look)
        painter.restore()

    def _paint_words(self, painter: QPainter, still: Still) -> None:
        half = self.border / 2
        top = self._height - self._line - self.border
        colour = TEXT if still.flash is None else MARK_COLOURS[still.flash]
        painter.setFont(self._font)
        painter.setPen(QColor(colour))
        rect = QRectF(3 * half, top, self._width - 6 * half, self._line)
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, still.caption)
        if still.flash is not None:
            pen = QPen(QColor(colour), self.border)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(
                QRectF(half, half, self._width - 2 * half, self._height - 2 * half)
            )

    def _eight_bits(self, camera: str, picture: NDArray[np.generic]) -> NDArray:
        """Return a picture of eight bits; a deeper one by the first one's brightest."""
        if picture.dtype == np.uint8:
            return picture
        white = self._white.setdefault(camera, float(max(picture.max(), 1)))
        scaled = picture.astype(np.float32) * (255 / white)
        return np.clip(scaled, 0, 255).astype(np.uint8)


def painter_of(feed: RecordedFeed, cameras: Sequence[str] = ()) -> ClipPainter:
    """Return what draws some cameras of a session, or all."""
    shown = feed.shown
    chosen = [shown.camera(name) for name in cameras] or list(shown.cameras)
    return ClipPainter(chosen)


class ClipDialog(QDialog):
    """Asks what a clip is to be, and makes it while the window goes on.

    Parameters
    ----------
    feed
        The session.
    folder
        Where a clip is put if nobody says otherwise.
    """

    def __init__(
        self, feed: RecordedFeed, folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export a clip")
        self._feed = feed
        self._frames: Generator[tuple[int, int]] | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._go_on)
        at_s = feed.now_s
        self.start = _seconds(max(at_s - 0.5, 0.0), feed.end_s)
        self.end = _seconds(min(at_s + 0.5, feed.end_s), feed.end_s)
        self.speed = _seconds(0.1, 20.0, least=0.01)
        self.fps = _seconds(30.0, 240.0, least=1.0)
        self.cameras = QListWidget()
        for camera in feed.shown.cameras:
            item = QListWidgetItem(camera.name, self.cameras)
            item.setCheckState(Qt.CheckState.Checked)
        name = f"{feed.shown.session_id}_{at_s:.1f}s.mp4"
        self.path = QLineEdit(str(folder / name))
        browse = QPushButton("…")
        browse.setAccessibleName("choose a file")
        browse.clicked.connect(self._browse)
        self.bar = QProgressBar()
        self.words = QLabel()
        self.words.setWordWrap(True)
        buttons = QDialogButtonBox()
        self.make = buttons.addButton("Make", QDialogButtonBox.ButtonRole.ApplyRole)
        self.make.clicked.connect(self.begin)
        self.shut = buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        place = QHBoxLayout()
        place.addWidget(self.path, 1)
        place.addWidget(browse)
        form.addRow("from (s)", self.start)
        form.addRow("to (s)", self.end)
        form.addRow("speed (×)", self.speed)
        form.addRow("pictures a second", self.fps)
        form.addRow("cameras", self.cameras)
        form.addRow("file", place)
        form.addRow(self.bar)
        form.addRow(self.words)
        form.addRow(buttons)

    @property
    def request(self) -> ClipRequest:
        """What is wanted."""
        items = (self.cameras.item(k) for k in range(self.cameras.count()))
        chosen = [i.text() for i in items if i.checkState() == Qt.CheckState.Checked]
        return ClipRequest(
            path=Path(self.path.text()).expanduser(),
            start_s=self.start.value(),
            end_s=self.end.value(),
            cameras=tuple(chosen),
            speed=self.speed.value(),
            fps=self.fps.value(),
        )

    def begin(self) -> None:
        """Begin to make it."""
        request = self.request
        try:
            painter = painter_of(self._feed, request.cameras)
            frames = clip_frames(self._feed, request, painter)
            self._take(next(frames))
        except SpringhareError as error:
            self._say(str(error), bad=True)
            return
        self._frames = frames
        self.make.setEnabled(False)
        self._timer.start(0)

    def reject(self) -> None:
        """Give up what is being made, or close."""
        self._timer.stop()
        if self._frames is None:
            super().reject()
            return
        self._frames.close()
        self._frames = None
        self.make.setEnabled(True)
        self._say("given up: nothing was written")

    def _go_on(self) -> None:
        if self._frames is None:
            return
        try:
            self._take(next(self._frames))
        except StopIteration:
            self._end(f"written: {self.request.path}")
        except SpringhareError as error:
            self._end(str(error), bad=True)

    def _take(self, progress: tuple[int, int]) -> None:
        done, total = progress
        self.bar.setMaximum(total)
        self.bar.setValue(done)
        self._say(f"{done} of {total} pictures")

    def _end(self, words: str, *, bad: bool = False) -> None:
        self._timer.stop()
        self._frames = None
        self.make.setEnabled(True)
        self.shut.setText("Close")
        self._say(words, bad=bad)

    def _say(self, words: str, *, bad: bool = False) -> None:
        colour = LEVEL_INKS[Level.BAD] if bad else DIM
        self.words.setStyleSheet(f"color: {colour};")
        self.words.setText(words)

    def _browse(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Export a clip", self.path.text(), "Films (*.mp4 *.mkv *.mov)"
        )
        if path:
            self.path.setText(path)


def _seconds(value: float, most: float, least: float = 0.0) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(3 if least == 0.0 else 2)
    box.setRange(least, most)
    box.setValue(value)
    return box


def _image(picture: NDArray[np.uint8]) -> QImage:
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    grey = picture.ndim == 2
    kind = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888
    return QImage(picture.data, width, height, picture.strides[0], kind)


def _pixels(image: QImage) -> NDArray[np.uint8]:
    lines = np.frombuffer(image.constBits(), np.uint8)
    lines = lines.reshape(image.height(), image.bytesPerLine())
    return lines[:, : 3 * image.width()].reshape(image.height(), -1, 3).copy()
