"""A pulse by hand: which line, how long; once per session, whether it is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from rig.monitor.window.confirm import ask_first
from rig.monitor.window.style import DIM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.config.actuator import ActuatorLine

__all__ = ["PulseRow"]

_USUAL_MS = 1.0
_LEAST_MS = 0.01
_NO_BUTTONS = "QDoubleSpinBox::up-button, QDoubleSpinBox::down-button { width: 0; }"
"""The arrow keys do it; in a dark window the buttons could not be seen."""


class PulseRow(QWidget):
    """Chooses a pulse, within what the line allows."""

    asked = Signal(str, int)
    """Line and width in us, once a person has said that it is safe."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines = QComboBox()
        self.lines.setAccessibleName("output line")
        self.width_ms = QDoubleSpinBox(decimals=2, minimum=_LEAST_MS, suffix=" ms")
        self.width_ms.setAccessibleName("width of the pulse")
        self.width_ms.setValue(_USUAL_MS)
        self.width_ms.setStyleSheet(_NO_BUTTONS)
        self.button = QPushButton("&Pulse")
        self.button.setAutoDefault(False)
        self.limits = QLabel()
        """What the chosen line allows; the owner puts it where it likes."""
        self.limits.setStyleSheet(f"color: {DIM}")
        self.limits.setWordWrap(True)
        self._known: Mapping[str, ActuatorLine] = {}
        self._safe = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.lines, 1)
        row.addWidget(self.width_ms)
        row.addWidget(self.button)
        self.lines.currentTextChanged.connect(self._take_limits)
        self.button.clicked.connect(self._press)
        self.set_lines(None)

    def set_lines(self, lines: Mapping[str, ActuatorLine] | None) -> None:
        """Offer the lines of a rig; whether they are safe is asked anew.

        Parameters
        ----------
        lines
            None while nobody knows.
        """
        self._known, self._safe = lines or {}, False
        self.lines.clear()
        self.lines.addItems(list(self._known))
        if not lines:
            none = "This rig has no output line."
            self.limits.setText("" if lines is None else none)

    def set_active(self, *, active: bool) -> None:
        """Take presses, or do not."""
        for widget in (self.lines, self.width_ms, self.button):
            widget.setEnabled(active and bool(self._known))

    @property
    def width_us(self) -> int:
        """The width that was chosen."""
        return round(1000 * self.width_ms.value())

    def _take_limits(self, name: str) -> None:
        if name not in self._known:
            return
        line = self._known[name]
        most_ms = line.max_width_us / 1000
        self.width_ms.setMaximum(most_ms)
        self.width_ms.setValue(min(_USUAL_MS, most_ms))
        self.limits.setText(
            f"{name}: at most {most_ms:g} ms long and {line.max_rate_hz:g} a second"
        )

    def _press(self) -> None:
        if self._safe:
            self._ask()
            return
        ask_first(
            self,
            f"Give a pulse on {self.lines.currentText()}?",
            f"The output {self.lines.currentText()} goes high for "
            f"{self.width_us / 1000:g} ms, whatever the rules say. Later pulses of "
            "this session are given without asking again.",
            "Give &pulse",
            self._agree,
        )

    def _agree(self) -> None:
        self._safe = True
        self._ask()

    def _ask(self) -> None:
        self.asked.emit(self.lines.currentText(), self.width_us)
