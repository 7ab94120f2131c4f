"""Colours: dark, for a room with an animal stays dark; safe for the colour-blind.

Okabe and Ito's palette (Color Universal Design, 2008), lightened where it must be read
on black. A level is told by its shape and word, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.monitor.health import Level

if TYPE_CHECKING:
    from rig.monitor.feed import MarkKind

__all__ = [
    "BACKGROUND",
    "DIM",
    "GRID",
    "LEVEL_COLOURS",
    "LEVEL_INKS",
    "MARK_COLOURS",
    "MARK_SIGNS",
    "PANEL",
    "RULE",
    "SHEET",
    "TEXT",
    "part_colour",
    "trace_colour",
]

BACKGROUND = "#0e1216"
PANEL = "#171c22"
GRID = "#2b333c"
DIM = "#93a0ad"
TEXT = "#e8ecef"
RULE = "#ffd166"
"""Of regions and thresholds."""

LEVEL_COLOURS: dict[Level, str] = {
    Level.GOOD: "#0f3b35",
    Level.WATCH: "#e69f00",
    Level.BAD: "#d5381e",
}
"""Behind the banner's words."""
LEVEL_INKS: dict[Level, str] = {
    Level.GOOD: "#3fc9a4",
    Level.WATCH: "#f2b632",
    Level.BAD: "#ff7a5c",
}
"""Of words and symbols on a dark ground."""

MARK_COLOURS: dict[MarkKind, str] = {
    "fired": "#f0e442",
    "decided": "#f0e442",
    "sham": "#cc79a7",
    "suppressed": "#6b7782",
    "disarmed": "#93a0ad",
    "pulse": "#56b4e9",
    "note": "#ffffff",
    "event": "#b08cff",
}
MARK_SIGNS: dict[MarkKind, str] = {
    "fired": "triangle",
    "decided": "triangle",
    "sham": "circle",
    "suppressed": "tick",
    "disarmed": "tick",
    "pulse": "diamond",
    "note": "square",
    "event": "flag",
}
"""A shape for each, too."""

_PARTS = (
    "#56b4e9",
    "#f0e442",
    "#d55e00",
    "#00c08b",
    "#cc79a7",
    "#e69f00",
    "#8fd3ff",
    "#b6e388",
    "#ff9ecf",
    "#c3a6ff",
    "#ffd18a",
    "#7fe0d0",
)
_TRACES = ("#8fd3ff", "#f0c75e", "#6fd3b5", "#e59ac4", "#c3a6ff", "#ff9d7a")

SHEET = f"""
QWidget {{ background: {PANEL}; color: {TEXT}; }}
QMainWindow, QSplitter {{ background: {BACKGROUND}; }}
QSplitter::handle {{ background: {BACKGROUND}; }}
QToolTip {{ background: {GRID}; color: {TEXT}; border: 1px solid {DIM}; }}
QPushButton {{ background: {GRID}; border: 1px solid #3d4853; padding: 0.3em 0.8em; }}
QPushButton:hover, QPushButton:focus {{ border: 1px solid {LEVEL_INKS[Level.GOOD]}; }}
QPushButton:disabled {{ color: #5c6874; }}
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit, QTextEdit {{
  background: {BACKGROUND}; border: 1px solid #3d4853; padding: 0.2em; }}
QLineEdit:focus, QComboBox:focus {{ border: 1px solid {LEVEL_INKS[Level.GOOD]}; }}
QTreeView, QTableView, QListView {{ background: {BACKGROUND}; border: none; }}
QHeaderView::section {{
  background: {PANEL}; color: {DIM}; border: none; padding: 0.2em; }}
QTabBar::tab {{ background: {PANEL}; color: {DIM}; padding: 0.4em 0.9em; }}
QTabBar::tab:selected {{ background: {BACKGROUND}; color: {TEXT}; }}
QTabWidget::pane {{ border: none; }}
QMenu::item:selected, QMenuBar::item:selected {{ background: {GRID}; }}
"""


def part_colour(number: int) -> str:
    """Return the colour of a body part, by its number."""
    return _PARTS[number % len(_PARTS)]


def trace_colour(number: int) -> str:
    """Return the colour of a trace, by its number."""
    return _TRACES[number % len(_TRACES)]
