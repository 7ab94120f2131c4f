"""The headline: what is to be read first, large where there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from rig.monitor.terminal.lines import BAND

if TYPE_CHECKING:
    from rig.monitor.health import Health

__all__ = ["banner", "large_banner"]

_MOST_LINES = 3
_GLYPHS = {
    "G": (".###", "#...", "#.##", "#..#", ".###"),
    "O": (".##.", "#..#", "#..#", "#..#", ".##."),
    "D": ("###.", "#..#", "#..#", "#..#", "###."),
    "W": ("#...#", "#...#", "#.#.#", "##.##", "#...#"),
    "A": (".##.", "#..#", "####", "#..#", "#..#"),
    "T": ("#####", "..#..", "..#..", "..#..", "..#.."),
    "C": (".###", "#...", "#...", "#...", ".###"),
    "H": ("#..#", "#..#", "####", "#..#", "#..#"),
    "B": ("###.", "#..#", "###.", "#..#", "###."),
}
"""Letters of the words of the levels, five rows each."""
_HALVES = {"..": " ", "#.": "▀", ".#": "▄", "##": "█"}


def banner(health: Health, width: int) -> list[Text]:
    """Return the headline across the whole width, in few lines."""
    level = health.level
    words = f"{level.symbol} {level.word.upper()}  {health.headline}"
    return [_across(line, width, BAND[level]) for line in _wrapped(words, width - 2)]


def large_banner(health: Health, width: int) -> list[Text]:
    """Return it with the word in letters of three lines."""
    level = health.level
    word = _letters(level.word.upper())
    room = width - len(word[0]) - 6
    told = _wrapped(f"{level.symbol} {health.headline}", room)
    told = ([""] if len(told) == 1 else []) + told
    told += [""] * (len(word) - len(told))
    return [
        _across(f" {letters}   {words}", width, BAND[level])
        for letters, words in zip(word, told, strict=True)
    ]


def _letters(word: str) -> list[str]:
    rows = [".".join(parts) for parts in zip(*(_GLYPHS[c] for c in word), strict=True)]
    rows.append("." * len(rows[0]))
    return [
        "".join(_HALVES[a + b] for a, b in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


def _wrapped(words: str, width: int) -> list[str]:
    text = Text(words)
    lines = [line.plain.rstrip() for line in text.wrap(Console(), max(width, 10))]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1][: width - 1]}…"]
    return lines


def _across(words: str, width: int, style: str) -> Text:
    text = Text(f" {words}", style, no_wrap=True)
    text.truncate(width, overflow="ellipsis", pad=True)
    return text
