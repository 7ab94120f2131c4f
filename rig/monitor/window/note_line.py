"""A line for a note; its time is when typing began, not when Enter was struck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QKeyEvent

__all__ = ["NoteLine"]

_LONGEST = 1000


class NoteLine(QLineEdit):
    """Enter sends what is written, Esc throws it away.

    Parameters
    ----------
    now_ns
        Tells the host time.
    """

    written = Signal(str, object)
    """A note and the host time, an int, at which it was begun."""
    begun = Signal()
    """Typing has begun, or there is nothing in the line any more."""

    def __init__(
        self, now_ns: Callable[[], int], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.since_ns: int | None = None
        """When typing began; None while the line is empty."""
        self._now_ns = now_ns
        self.setMaxLength(_LONGEST)
        self.setPlaceholderText("what happened")
        self.setAccessibleName("note")
        self.textChanged.connect(self._take)
        self.returnPressed.connect(self._send)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take Esc for itself: the digits are keys for notes again."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def _take(self, text: str) -> None:
        if bool(text) == (self.since_ns is not None):
            return
        self.since_ns = self._now_ns() if text else None
        self.begun.emit()

    def _send(self) -> None:
        text = self.text().strip()
        if text and self.since_ns is not None:
            self.written.emit(text, self.since_ns)
            self.clear()
