"""Lines of a terminal: columns that stand below each other, colours of levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from rig.monitor.health import Level

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rig.monitor.health import Light

__all__ = ["BAND", "STYLE", "columns", "flowing", "symbol"]

STYLE = {Level.GOOD: "", Level.WATCH: "bold yellow", Level.BAD: "bold red"}
BAND = {
    Level.GOOD: "bold green",
    Level.WATCH: "bold black on yellow",
    Level.BAD: "bold white on red",
}
_GAP = 2


def symbol(light: Light) -> Text:
    """Return a light's shape in its colour; what is good stays quiet."""
    return Text(light.level.symbol, STYLE[light.level] or "green")


def columns(
    rows: Sequence[Sequence[Text]], right: Collection[int] = (), gap: int = _GAP
) -> list[Text]:
    """Return rows as lines, each column as wide as its widest cell.

    Parameters
    ----------
    rows
        Cells; all rows have as many.
    right
        Columns that are aligned to the right, by number.
    gap
        Spaces between two columns.
    """
    widths = [max(cell.cell_len for cell in cells) for cells in zip(*rows, strict=True)]
    return [_line(row, widths, right, gap) for row in rows]


def _line(
    row: Sequence[Text], widths: Sequence[int], right: Collection[int], gap: int
) -> Text:
    line = Text()
    for k, (cell, width) in enumerate(zip(row, widths, strict=True)):
        if not width:
            continue
        space = " " * (width - cell.cell_len)
        before, after = (space, "") if k in right else ("", space)
        line.append(before).append_text(cell).append(after + " " * gap)
    line.rstrip()
    return line


def flowing(parts: Sequence[Text], width: int, gap: int = _GAP) -> list[Text]:
    """Return parts one after the other, as many on a line as there is room for."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + gap + part.cell_len <= width:
            lines[-1].append(" " * gap).append_text(part)
        else:
            lines.append(part.copy())
    return lines
