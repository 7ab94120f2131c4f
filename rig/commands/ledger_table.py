"""A ledger for the eye: a table that adds up, what is missing, and the remarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from rig.recording.ledger import Ledger

__all__ = ["ledger_table"]

_MOST_MISSING = 20
"""Ranges of missing elements that are shown; the file has all."""


def ledger_table(ledger: Ledger) -> RenderableType:
    """Return a ledger as rich shows it."""
    table = Table(box=None, pad_edge=False)
    table.add_column("stream")
    for heading in ("published", "recorded", "lost"):
        table.add_column(heading, justify="right")
    table.add_column("adds up")
    for name, stream in ledger.streams.items():
        table.add_row(
            name,
            f"{stream.published:,}",
            f"{stream.recorded:,}",
            Text(f"{stream.lost:,}", "bold red" if stream.lost else ""),
            Text("yes", "green") if stream.closes else Text("NO", "bold red"),
        )
    remarks = [Text(remark, "yellow") for remark in ledger.remarks]
    return Group(table, *_arithmetic(ledger), *_missing(ledger), *remarks)


def _arithmetic(ledger: Ledger) -> Iterator[Text]:
    """Yield what adds up in more than one way, and all that does not."""
    for name, stream in ledger.streams.items():
        for equation in stream.equations:
            if equation.name in {"triggers", "frames"} or not equation.closes:
                style = "" if equation.closes else "bold red"
                yield Text(f"{name}: {equation.text}", style)
    if ledger.commands is not None:
        style = "" if ledger.commands.closes else "bold red"
        yield Text(ledger.commands.text, style)
    if ledger.timeouts is not None:
        yield Text(ledger.timeouts.text, "yellow")
    for node, cause in ledger.died.items():
        yield Text(f"{node} died: {cause}", "bold red")


def _missing(ledger: Ledger) -> Iterator[Text]:
    lines = [
        f"{name}: {item.where} ({item.stage}): {item.cause}"
        for name, stream in ledger.streams.items()
        for item in stream.missing
    ]
    yield from (Text(line, "yellow") for line in lines[:_MOST_MISSING])
    if len(lines) > _MOST_MISSING:
        yield Text(f"… and {len(lines) - _MOST_MISSING} more, see --json", "yellow")
