"""What ``springhare analyse`` shows: bars while it works, a table when it is done."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from rich.progress import Task

    from offline.reanalysis.run import Report

__all__ = ["ShownBars", "show_reports", "words_of"]

_SPEED_S = 120.0
"""Speed is that of so many last seconds."""


class ShownBars:
    """Shows each source as a bar, on a terminal only.

    Parameters
    ----------
    console
        By default standard error, so that ``--json`` has standard output for itself.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def phase(
        self, name: str, frames: int, done: int
    ) -> Generator[Callable[[int], None]]:
        """Begin a source."""
        if not self._console.is_terminal:
            yield lambda _frames: None
            return
        with _bars(self._console) as bars:
            bar = bars.add_task(name, total=frames, completed=done)
            yield lambda frames: bars.update(bar, advance=frames)


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} frames/s")


def show_reports(reports: Sequence[Report]) -> None:
    """Print what became of each source."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("source", "camera", "frames", "frames/s", "file"):
        right = title.startswith("frames")
        table.add_column(
            title, justify="right" if right else "left", overflow="fold", no_wrap=right
        )
    for one in reports:
        speed = "" if one.frames_per_s is None else f"{one.frames_per_s:.1f}"
        name = one.session_id or one.source
        done = speed or one.outcome
        table.add_row(name, one.camera or "", f"{one.frames}", done, one.file)
    Console(highlight=False).print(table)


def words_of(one: Report) -> list[str]:
    """Return what must be said of a source besides."""
    name = f"{one.source} {one.camera or ''}".strip()
    words = []
    if one.fault:
        words.append(f"{name} is DAMAGED, its poses are not complete: {one.fault}")
    if one.taken_over:
        words.append(f"{name}: {one.taken_over} frames were done before")
    if one.video:
        words.append(f"{name}: {one.video}")
    return words


def _bars(console: Console) -> Bars:
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=_SPEED_S,
    )
