"""Whether fires are carried out: one button that shows it and changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPushButton, QWidget

from rig.monitor.health import Level
from rig.monitor.window.style import LEVEL_COLOURS, LEVEL_INKS, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LoopButton"]


class LoopButton(QPushButton):
    """Shows what the session says, never what was only asked for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoDefault(False)
        self.armed: bool | None = None
        """None where nothing decides."""
        self.setMinimumHeight(3 * self.fontMetrics().height())
        self.show_loop({}, active=False, asking=False)

    def show_loop(
        self, metrics: Mapping[str, float], *, active: bool, asking: bool
    ) -> None:
        """Show how the loop stands.

        Parameters
        ----------
        metrics
            Of all nodes, as the session tells them.
        active
            Whether anything can be asked.
        asking
            Whether an answer is waited for.
        """
        armed = metrics.get("armed")
        self.armed = None if armed is None else bool(armed)
        self.setEnabled(active and not asking and self.armed is not None)
        text = self._words(metrics, active=active, asking=asking)
        if text != self.text():
            self.setText(text)
            self._paint(known=active and not asking)

    def _words(
        self, metrics: Mapping[str, float], *, active: bool, asking: bool
    ) -> str:
        if asking:
            return "… asking"
        if self.armed is None or not active:
            return "No loop in this session" if active else "Loop"
        if not self.armed:
            return "○ DISARMED: nothing is fired\nPress to &arm"
        if not metrics.get("key_on", 1):
            return "● ARMED, but the key is off\nPress to dis&arm"
        return "● ARMED: fires are carried out\nPress to dis&arm"

    def _paint(self, *, known: bool) -> None:
        colours = ""
        if known and self.armed:
            ground = LEVEL_COLOURS[Level.GOOD]
            colours = f"background: {ground}; color: {TEXT};"
        elif known and self.armed is False:
            ink = LEVEL_INKS[Level.WATCH]
            colours = f"color: {ink}; border: 2px solid {ink};"
        sheet = f"QPushButton {{ font-weight: bold; padding: 0.4em; {colours} }}"
        self.setStyleSheet(sheet)
