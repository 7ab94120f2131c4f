"""The form of a session plan, made of the config model: a field for each of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from rig.monitor.control.plan_values import plan_fields
from rig.monitor.health import Level
from rig.monitor.window.style import LEVEL_INKS
from rig.monitor.window.wrapped import Wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.monitor.control.plan_values import PlanField

__all__ = ["PlanForm"]

_BAD = LEVEL_INKS[Level.BAD]


class PlanForm(QWidget):
    """Fields to be filled in, each with what is wrong with it below."""

    changed = Signal()
    """Something was typed or chosen by hand."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields = plan_fields()
        self.editors = {field.name: self._editor(field) for field in self.fields}
        self.faults = {field.name: Wrapped(_BAD) for field in self.fields}
        self.whole_fault = Wrapped(_BAD)
        """What is wrong between fields."""
        self.titles: list[QLabel] = []
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for field in self.fields:
            box = QVBoxLayout()
            box.setSpacing(0)
            box.addWidget(self.editors[field.name])
            box.addWidget(self.faults[field.name])
            label = QLabel(field.label)
            label.setBuddy(self.editors[field.name])
            label.setToolTip(field.about)
            self.titles.append(label)
            form.addRow(label, box)
        form.addRow(self.whole_fault)
        self.show_faults({})

    def typed(self) -> dict[str, str]:
        """Return what stands in each field."""
        return {name: _text(editor) for name, editor in self.editors.items()}

    def fill(self, values: Mapping[str, str]) -> None:
        """Put values into the fields; those that are not named stay."""
        for name, value in values.items():
            _set_text(self.editors[name], value)

    def show_faults(self, faults: Mapping[str, str]) -> None:
        """Show what is wrong, next to the field; what is not named is right."""
        for name, label in (*self.faults.items(), ("", self.whole_fault)):
            fault = faults.get(name, "")
            label.say(f"✗ {fault}" if fault else "")

    def set_editable(self, *, editable: bool) -> None:
        """Let the fields be filled in, or only be read."""
        for editor in self.editors.values():
            if isinstance(editor, QLineEdit):
                editor.setReadOnly(not editable)
            editor.setEnabled(editable)

    def go_to_first(self, faults: Mapping[str, str]) -> None:
        """Put the keyboard where something is wrong."""
        for name, editor in self.editors.items():
            if name in faults:
                editor.setFocus()
                return

    def _editor(self, field: PlanField) -> QWidget:
        editor: QLineEdit | QComboBox | QCheckBox
        match field.kind:
            case "yes_no":
                editor = QCheckBox()
                editor.toggled.connect(self.changed)
            case "choice":
                editor = QComboBox()
                editor.addItems(field.choices)
                editor.activated.connect(self.changed)
            case _:
                editor = QLineEdit()
                editor.setPlaceholderText(field.about)
                editor.textEdited.connect(self.changed)
        _set_text(editor, field.default)
        editor.setToolTip(field.about)
        editor.setAccessibleName(field.label)
        editor.setAccessibleDescription(field.about)
        return editor


def _text(editor: QWidget) -> str:
    if isinstance(editor, QLineEdit):
        return editor.text()
    if isinstance(editor, QComboBox):
        return editor.currentText()
    return "true" if isinstance(editor, QCheckBox) and editor.isChecked() else "false"


def _set_text(editor: QWidget, text: str) -> None:
    if isinstance(editor, QLineEdit):
        editor.setText(text)
    elif isinstance(editor, QComboBox):
        editor.setCurrentText(text)
    elif isinstance(editor, QCheckBox):
        editor.setChecked(text == "true")
