"""Ten keys, each a note of one stroke: what is seen often has a key of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QResizeEvent

__all__ = ["KEYS", "LabelsDialog", "NoteKeys", "load_labels", "save_labels"]

KEYS = "1234567890"
_COLUMNS = 5
_SETTING = "note_keys/{}"
_MOST_LETTERS = 60


class NoteKeys(QWidget):
    """A button for each digit; the digit itself works anywhere in the window.

    While something is typed into a field, digits are only digits.
    """

    pressed = Signal(str, str)
    """The key and its label; the label is empty where none was given."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.labels = load_labels()
        self.buttons = {key: self._button(key) for key in KEYS}
        self._shortcuts = [self._shortcut(key) for key in KEYS]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(self.fontMetrics().height() // 4)
        for k, key in enumerate(KEYS):
            grid.addWidget(self.buttons[key], k // _COLUMNS, k % _COLUMNS)
        self._write_labels()

    def set_active(self, *, active: bool) -> None:
        """Take keys, or do not."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(active)
        for button in self.buttons.values():
            button.setEnabled(active)

    def edit_labels(self) -> LabelsDialog:
        """Open the dialog in which the labels are written; does not wait for it."""
        dialog = LabelsDialog(self.labels, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._take_labels(dialog.labels))
        dialog.open()
        return dialog

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Write as much of each label as there is room for."""
        super().resizeEvent(event)
        self._write_labels()

    def _take_labels(self, labels: Mapping[str, str]) -> None:
        self.labels = dict(labels)
        save_labels(labels)
        self._write_labels()

    def _write_labels(self) -> None:
        metrics = self.fontMetrics()
        for key, button in self.buttons.items():
            label = self.labels.get(key, "")
            room = button.width() - 2 * metrics.averageCharWidth()
            words = f"{key} {label}".strip()
            short = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
            button.setText(short.replace("&", "&&"))
            words = label or "no label yet"
            button.setToolTip(f"key {key}: notes “{words}” at this very moment")
            button.setAccessibleName(f"note {key} {label}")

    def _button(self, key: str) -> QPushButton:
        button = QPushButton()
        button.setStyleSheet("QPushButton { text-align: left; padding: 0.3em 0.4em; }")
        button.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )  # ten equal ones in whatever room there is
        button.clicked.connect(lambda: self._press(key))
        return button

    def _shortcut(self, key: str) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setAutoRepeat(False)  # a key held down is one note
        shortcut.activated.connect(lambda: self._press(key))
        return shortcut

    def _press(self, key: str) -> None:
        self.pressed.emit(key, self.labels.get(key, ""))


class LabelsDialog(QDialog):
    """Ten lines to write the labels of the keys into."""

    def __init__(
        self, labels: Mapping[str, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("What the keys note")
        self.edits = {key: QLineEdit(labels.get(key, "")) for key in KEYS}
        form = QFormLayout(self)
        form.addRow(QLabel("A key notes its words, with the time of the stroke."))
        for key, edit in self.edits.items():
            edit.setMaxLength(_MOST_LETTERS)
            edit.setMinimumWidth(self.fontMetrics().averageCharWidth() * 30)
            form.addRow(f"&{key}", edit)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    @property
    def labels(self) -> dict[str, str]:
        """What is written in the lines."""
        return {key: edit.text().strip() for key, edit in self.edits.items()}


def load_labels() -> dict[str, str]:
    """Return the labels that were given, by key."""
    settings = QSettings("springhare", "monitor")
    return {key: str(settings.value(_SETTING.format(key), "")) for key in KEYS}


def save_labels(labels: Mapping[str, str]) -> None:
    """Keep the labels for the next time."""
    settings = QSettings("springhare", "monitor")
    for key, label in labels.items():
        settings.setValue(_SETTING.format(key), label)
