"""A line of text, typed key by key where keys come without Enter."""

from __future__ import annotations

from typing import Literal

__all__ = ["LineInput"]

_ENTER = frozenset("\r\n")
_BACK = frozenset("\x7f\b")
_ESCAPE = "\x1b"


class LineInput:
    """Takes keys until Enter or Escape."""

    def __init__(self) -> None:
        self.text = ""

    def feed(self, key: str) -> Literal["goes on", "done", "left"]:
        """Take one key; tell whether the line is done, or was left."""
        if key in _ENTER:
            return "done" if self.text.strip() else "left"
        if key == _ESCAPE:
            return "left"
        if key in _BACK:
            self.text = self.text[:-1]
        elif key.isprintable():
            self.text += key
        return "goes on"
