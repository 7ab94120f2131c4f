"""The banner: what is to be read from two metres away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from rig.monitor.health import Level
from rig.monitor.health.watcher import clock_words
from rig.monitor.window.style import GRID, LEVEL_COLOURS, TEXT

if TYPE_CHECKING:
    from rig.monitor.health import Health

__all__ = ["Banner"]

_INKS = {Level.GOOD: "#d9f5ec", Level.WATCH: "#101010", Level.BAD: "#ffffff"}


class Banner(QWidget):
    """The worst light, large; and what is recorded, since when."""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._sign = QLabel()
        self._headline = QLabel()
        self._headline.setWordWrap(True)
        self._headline.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        self._time = QLabel()
        self._who = QLabel()
        for label, scale in (
            (self._sign, 2.2),
            (self._headline, 1.7),
            (self._time, 2.0),
            (self._who, 1.0),
        ):
            font = QFont(self.font())
            font.setPointSizeF(scale * self.font().pointSizeF())
            font.setBold(scale > 1)
            label.setFont(font)
        right = QVBoxLayout()
        right.setSpacing(0)
        for label in (self._time, self._who):
            label.setAlignment(Qt.AlignmentFlag.AlignRight)
            right.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 12, 4)
        row.addWidget(self._sign)
        row.addWidget(self._headline, 1)
        row.addLayout(right)
        self.level: Level | None = None
        self._colours = ("", "")
        self.setAccessibleName("health")

    @property
    def text(self) -> str:
        """What it says."""
        return f"{self._sign.text()} {self._headline.text()}"

    def show_health(self, health: Health, now_s: float | None, who: str) -> None:
        """Show a health.

        Parameters
        ----------
        health
            How it stands.
        now_s
            Session time; None where there is no session.
        who
            The animal, the task.
        """
        if health.ended and health.level is Level.GOOD:
            self.rest(health.headline, who)
        else:
            self.say(health.level, health.headline, who)
        self._time.setText(
            "" if now_s is None else clock_words(now_s).partition(".")[0]
        )

    def say(self, level: Level, words: str, who: str = "") -> None:
        """Show some words at a level."""
        sign = {Level.GOOD: "●", Level.WATCH: "▲ WATCH", Level.BAD: "■ BAD"}[level]
        self._show(sign, words, who, (LEVEL_COLOURS[level], _INKS[level]))
        self.level = level

    def rest(self, words: str, who: str = "") -> None:
        """Show some words while nothing is recorded: green is of what is going on."""
        self._show("○", words, who, (GRID, TEXT))
        self.level = Level.GOOD

    def _show(self, sign: str, words: str, who: str, colours: tuple[str, str]) -> None:
        if colours != self._colours:
            self._colours = colours
            ground, ink = colours
            self.setStyleSheet(f"background: {ground}; color: {ink};")
        self._sign.setText(sign)
        self._headline.setText(words)
        self._who.setText(who)
