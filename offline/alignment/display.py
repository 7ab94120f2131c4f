"""What `springhare align` prints: the sentence, the streams, and what to look after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from offline.alignment import units

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from offline.alignment.result import Alignment, StreamSummary

__all__ = ["show_alignment", "show_files"]

_STYLE = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red"}
_WIDTH = 118
_BESIDE = {"losses", "clocks", "node_events"}
"""Kinds of streams that nobody looks for in the table."""


def show_alignment(alignment: Alignment) -> None:
    """Print an alignment in a screenful."""
    console = Console(highlight=False)
    wide = Console(width=max(console.width, _WIDTH), highlight=False, soft_wrap=True)
    verdict = Text(alignment.level, style=_STYLE[alignment.level])
    wide.print(verdict.append(f"  {alignment.sentence}", style="default"))
    shown = [one for one in alignment.streams if one.kind not in _BESIDE]
    if shown:
        wide.print(_streams(shown))
    for finding in alignment.findings:
        if finding.level != "PASS":
            line = Text(f"{finding.level}  ", style=_STYLE[finding.level])
            words = f"{finding.subject}: {finding.words}"
            wide.print(line.append(words, style="default"))


def show_files(paths: Iterable[Path]) -> None:
    """Print what was written."""
    console = Console(highlight=False, soft_wrap=True)
    for path in paths:
        console.print(f"wrote {path}", markup=False)


def _streams(streams: Iterable[StreamSummary]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("stream")
    for title in ("elements", "lost", "95 %", "worst minute"):
        table.add_column(title, justify="right")
    table.add_column("alignment")
    table.add_column("by way of")
    table.add_column("")
    for one in streams:
        table.add_row(
            one.stream,
            units.count(one.recorded + one.lost),
            units.count(one.lost),
            units.band(one.sd_ns),
            units.band(one.worst_sd_ns),
            "unique" if one.unique else "not unique",
            " > ".join(one.path),
            Text(one.level, style=_STYLE[one.level]),
        )
    return table
