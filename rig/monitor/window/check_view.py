"""What a rehearsal found: a line for each check, with what to do where it failed."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QTextBrowser, QVBoxLayout, QWidget

from rig.monitor.health import Level
from rig.monitor.window.style import DIM, LEVEL_INKS, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rig.monitor.control.launch import Rehearsed

__all__ = ["CheckView", "check_lines"]


class CheckView(QWidget):
    """A headline that is read from afar, and what there is to it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.headline = QLabel()
        self.headline.setWordWrap(True)
        font = self.headline.font()
        font.setPointSizeF(1.3 * font.pointSizeF())
        font.setBold(True)
        self.headline.setFont(font)
        self.text = QTextBrowser()
        self.text.setAccessibleName("what was checked")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.headline)
        column.addWidget(self.text, 1)

    def say(self, words: str, level: Level | None = None) -> None:
        """Put up a headline; without a level it is neither good nor bad."""
        ink = TEXT if level is None else LEVEL_INKS[level]
        self.headline.setStyleSheet(f"color: {ink}")
        self.headline.setText(words)

    def show_words(self, words: str, level: Level | None = None) -> None:
        """Show some sentences in place of checks."""
        ink = TEXT if level is None else LEVEL_INKS[level]
        self.text.setHtml(f'<p style="color:{ink}">{_html(words)}</p>')

    def show_rehearsed(self, found: Rehearsed) -> None:
        """Show what a rehearsal found."""
        self.text.setHtml("".join(_paragraphs(check_lines(found))))


def check_lines(
    found: Rehearsed,
) -> Iterator[tuple[Level, str, str, str]]:
    """Yield level, name, detail and remedy of what was found, failures first.

    A check that did not hold fails the session only where it has an error: what a
    device told of when it was opened is a warning.
    """
    bad = Level.BAD if found.error else Level.WATCH
    if found.error and all(check.ok for check in found.checks):
        yield Level.BAD, "not ready", found.error, ""
    for check in sorted(found.checks, key=lambda check: check.ok):
        if check.ok:
            yield Level.GOOD, check.name, check.detail, ""
        else:
            yield bad, check.name, check.detail, check.remedy
    for node, streams in found.streams.items():
        seen = [s for s in streams if not s.startswith(_BESIDE)]
        yield Level.GOOD, f"{node} opened", ", ".join(seen), ""


_BESIDE = ("losses/", "clocks/")
"""Streams that every node has: nothing to look at."""
_SYMBOLS = {Level.GOOD: "✓", Level.WATCH: "▲", Level.BAD: "✗"}


def _paragraphs(lines: Iterable[tuple[Level, str, str, str]]) -> Iterator[str]:
    for level, name, detail, remedy in lines:
        ink = LEVEL_INKS[level]
        head = f'<b style="color:{ink}">{_SYMBOLS[level]} {_html(name)}</b>'
        shade = DIM if level is Level.GOOD else TEXT
        body = f'<br><span style="color:{shade}">{_html(detail)}</span>'
        todo = f"<br><b>→ {_html(remedy)}</b>" if remedy else ""
        yield f'<p style="margin:0 0 0.5em 0">{head}{body if detail else ""}{todo}</p>'


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")
