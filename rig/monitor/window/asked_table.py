"""What was asked and answered, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from rig.monitor.health import Level
from rig.monitor.window.style import DIM, LEVEL_INKS, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QResizeEvent

    from rig.monitor.control.asked import Asked

__all__ = ["AskedTable", "clock_text"]

_ANSWERS = {
    "sent": ("…", "sent", DIM),
    "silent": ("▲", "no answer yet", LEVEL_INKS[Level.WATCH]),
    "done": ("✓", "done", LEVEL_INKS[Level.GOOD]),
    "refused": ("✗", "refused", LEVEL_INKS[Level.BAD]),
    "lost": ("✗", "no answer", LEVEL_INKS[Level.BAD]),
}


class AskedTable(QTableWidget):
    """A line for each request: when, what, and what came of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.setHorizontalHeaderLabels(["Time", "Asked", "Answer"])
        self.setAccessibleName("requests and their answers")
        self.verticalHeader().hide()
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.setStyleSheet("QTableWidget::item { padding: 0.2em; }")
        self.verticalHeader().setMinimumSectionSize(self.fontMetrics().height())
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self._shown: tuple[Sequence[Asked], int | None] = ((), None)

    def show_lines(self, lines: Sequence[Asked], zero_ns: int | None) -> None:
        """Show requests, oldest first, in time since the session's start."""
        if (lines, zero_ns) == self._shown:
            return
        self._shown = (lines, zero_ns)
        self.setRowCount(len(lines))
        for row, asked in enumerate(reversed(lines)):
            symbol, word, colour = _ANSWERS[asked.outcome]
            answer = f"{symbol} {word}" + (f": {asked.why}" if asked.why else "")
            self._put(row, 0, clock_text(asked.at_ns, zero_ns), DIM)
            self._put(row, 1, asked.words, TEXT)
            self._put(row, 2, answer, colour)
        self.resizeRowsToContents()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break lines anew."""
        super().resizeEvent(event)
        self.resizeRowsToContents()

    def _put(self, row: int, column: int, text: str, colour: str) -> None:
        item = QTableWidgetItem(text)
        item.setForeground(QBrush(QColor(colour)))
        item.setToolTip(text)
        item.setTextAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.setItem(row, column, item)


def clock_text(at_ns: int, zero_ns: int | None) -> str:
    """Return a host time as minutes and seconds of the session.

    Examples
    --------
    >>> clock_text(75_300_000_000, 0)
    '1:15.3'
    """
    if zero_ns is None:
        return ""
    tenths = (at_ns - zero_ns) // 100_000_000
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"
