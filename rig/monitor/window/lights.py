"""The lights: all that can be wrong, with its figures and the reason in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
)

from rig.monitor.health import GROUPS, HEADINGS, Health, Level
from rig.monitor.window.style import DIM, LEVEL_INKS, TEXT

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QResizeEvent

    from rig.monitor.health import Light

__all__ = ["Lights"]

_CELLS = max(len(heads) for heads in HEADINGS.values())
_LEVEL = Qt.ItemDataRole.UserRole
_SHARES = (0.33, 0.22, 0.16, 0.16, 0.13)
"""Of the width, by column."""


class Lights(QTreeWidget):
    """A row for each light, by group. Ctrl+C copies all of it as text."""

    def __init__(self) -> None:
        super().__init__()
        self.health = Health()
        self._groups: dict[str, QTreeWidgetItem] = {}
        self._rows: dict[tuple[str, str], QTreeWidgetItem] = {}
        self._reasons: dict[tuple[str, str], QTreeWidgetItem] = {}
        self.setColumnCount(1 + _CELLS)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(10)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        font = QFont(self.font())
        font.setPointSizeF(0.92 * font.pointSizeF())
        self.setFont(font)
        self.setAccessibleName("lights")

    def show_health(self, health: Health) -> None:
        """Show a health; rows stay where they are."""
        self.health = health
        there = {(light.group, light.subject) for light in health.lights}
        for key in [key for key in self._rows if key not in there]:
            self._remove(self._rows, key)
            self._remove(self._reasons, key)
        for light in health.lights:
            self._show(light)
        for name, group in self._groups.items():
            empty = not any(light.group == name for light in health.lights)
            if group.isHidden() != empty:
                group.setHidden(empty)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width: to measure the words at each change would cost too much."""
        super().resizeEvent(event)
        width = self.viewport().width()
        for k, share in enumerate(_SHARES):
            self.header().resizeSection(k, int(share * width))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy everything as text with Ctrl+C."""
        copies = event.key() == Qt.Key.Key_C and (
            event.modifiers() & Qt.KeyboardModifier.ControlModifier
        )
        if copies:
            QGuiApplication.clipboard().setText("\n".join(self.health.lines()))
            return
        super().keyPressEvent(event)

    def _show(self, light: Light) -> None:
        key = (light.group, light.subject)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = QTreeWidgetItem(self._group(light.group))
            for k in range(_CELLS):
                row.setTextAlignment(k + 1, Qt.AlignmentFlag.AlignRight)
            row.setData(0, _LEVEL, -1)
        for k, cell in enumerate(
            (f"{light.level.symbol} {light.subject}", *light.cells)
        ):
            if row.text(k) != cell:
                row.setText(k, cell)
        if row.data(0, _LEVEL) != int(light.level):
            self._colour(row, light.level)
        self._give_reason(key, row, light)

    @staticmethod
    def _colour(row: QTreeWidgetItem, level: Level) -> None:
        row.setData(0, _LEVEL, int(level))
        ink = QBrush(QColor(LEVEL_INKS[level]))
        plain = QBrush(QColor(TEXT))
        for k in range(1 + _CELLS):
            row.setForeground(k, ink if level > Level.GOOD or k == 0 else plain)

    def _give_reason(
        self, key: tuple[str, str], row: QTreeWidgetItem, light: Light
    ) -> None:
        """Write the reason into a row of its own, under the light."""
        if not light.reason:
            self._remove(self._reasons, key)
            return
        words = self._reasons.get(key)
        if words is None:
            words = self._reasons[key] = QTreeWidgetItem()
            group = self._group(light.group)
            group.insertChild(group.indexOfChild(row) + 1, words)
            words.setFirstColumnSpanned(True)
        text = f"    {light.reason}"
        if words.text(0) != text:
            words.setText(0, text)
            words.setToolTip(0, light.reason)
            words.setForeground(0, QBrush(QColor(LEVEL_INKS[light.level])))

    def _group(self, name: str) -> QTreeWidgetItem:
        if name not in self._groups:
            group = QTreeWidgetItem()
            before = [g for g in GROUPS[: GROUPS.index(name)] if g in self._groups]
            self.insertTopLevelItem(len(before), group)
            for k, text in enumerate((name, *HEADINGS[name])):
                group.setText(k, text)
                group.setForeground(k, QBrush(QColor(DIM)))
                if k:
                    group.setTextAlignment(k, Qt.AlignmentFlag.AlignRight)
            font = QFont(self.font())
            font.setBold(True)
            group.setFont(0, font)
            group.setExpanded(True)
            self._groups[name] = group
        return self._groups[name]

    @staticmethod
    def _remove(
        rows: dict[tuple[str, str], QTreeWidgetItem], key: tuple[str, str]
    ) -> None:
        item = rows.pop(key, None)
        parent = None if item is None else item.parent()
        if item is not None and parent is not None:
            parent.removeChild(item)
