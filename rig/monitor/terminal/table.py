"""The live table: in a terminal it updates in place, in a log it is a line at times.

The terminal's size is asked for each time it is drawn; what does not fit is left out,
the least important first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from rig.monitor.health import Health, Level
from rig.monitor.health.judgement import clock_words
from rig.monitor.terminal.banner import banner, large_banner
from rig.monitor.terminal.fitting import GAPS, fit
from rig.monitor.terminal.latency import latency_line, latency_lines
from rig.monitor.terminal.sections import (
    inference_lines,
    loop_and_disk_lines,
    node_lines,
    nodes_in_brief,
    reason_lines,
    stream_lines,
    title_line,
)
from rig.monitor.terminal.trends import Trends

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from rich.console import ConsoleOptions, RenderResult

    from rig.supervisor.status import Status, StreamFigures

__all__ = ["LiveTable", "draw"]

_LINE_EVERY_S = 5.0
_WIDE, _WIDEST = 110, 160
_LARGE_FROM = 70
"""Columns from which on the headline may be large."""
_MOST_REASONS, _FEW_REASONS = 8, 3
_FEWER_STREAMS = (12, 8, 5, 3)
_GIVEN_UP = (
    "latency",
    "nodes",
    GAPS,
    "inference",
    "reasons",
    "headline",
    "latency",
    *("streams" for _ in _FEWER_STREAMS),
    "nodes",
)
"""What goes first where the terminal is too small."""


class LiveTable:
    """Shows how a session stands; use it as a context manager.

    Parameters
    ----------
    console
        Where it is drawn; by default standard error, so that ``--json`` has
        standard output for itself.
    alone
        Whether it has the whole terminal for itself and leaves nothing behind.
    """

    def __init__(self, console: Console | None = None, *, alone: bool = False) -> None:
        self.console = console or Console(stderr=True)
        self._live = Live(
            console=self.console,
            refresh_per_second=4,
            transient=not alone,
            screen=alone,
            vertical_overflow="crop",
        )
        self._trends = Trends()
        self._told: tuple[str, Level] = ("", Level.GOOD)
        self._told_s = -_LINE_EVERY_S
        self._said = ""

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop drawing and leave the terminal as it was."""
        if self.console.is_terminal:
            self._live.stop()

    def show(self, status: Status, health: Health, footer: str | Text = "") -> None:
        """Draw a session.

        Parameters
        ----------
        status
            The session at a glance.
        health
            How it stands.
        footer
            What the keys do, and what came of the last one; not for a log.
        """
        self._trends.take(status)
        if self.console.is_terminal:
            self._live.update(_Drawn(status, health, self._trends, footer))
        else:
            self._log(status, health)

    def say(self, words: str, footer: str | Text = "") -> None:
        """Draw a few words while there is no session."""
        if self.console.is_terminal:
            self._live.update(Group(Text(words, "bold"), Text(), footer))
        elif words != self._said:
            self._said = words
            self.console.print(words, highlight=False, soft_wrap=True, markup=False)

    def _log(self, status: Status, health: Health) -> None:
        told = status.phase, health.level
        due = status.session_s - self._told_s >= _LINE_EVERY_S
        if told != self._told or (due and status.streams):
            line = _line(status, health)
            self.console.print(line, highlight=False, soft_wrap=True, markup=False)
            self._told, self._told_s = told, status.session_s


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The table, drawn as large as the terminal is at that moment."""

    status: Status
    health: Health
    trends: Trends
    footer: str | Text

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Give its lines."""
        width, rows = console.width, max(console.height - 1, 1)
        yield from draw(self.status, self.health, self.trends, width, rows, self.footer)


def draw(
    status: Status,
    health: Health,
    trends: Trends,
    width: int,
    rows: int,
    footer: str | Text = "",
) -> list[Text]:
    """Return the lines of a table of a size."""
    headline = [partial(banner, health, width)]
    if width >= _LARGE_FROM:
        headline.insert(0, partial(large_banner, health, width))
    blocks = {"headline": headline, **_blocks(status, health, trends, width)}
    foot = [Text(footer, "dim") if isinstance(footer, str) else footer] * bool(footer)
    lines = [*fit(blocks, _GIVEN_UP, rows - len(foot)), *foot]
    for line in lines:
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
    return lines


def _blocks(
    status: Status, health: Health, trends: Trends, width: int
) -> dict[str, Sequence[Callable[[], list[Text]]]]:
    spark = 12 if width < _WIDE else 30 if width < _WIDEST else 60
    latency = partial(latency_lines, health, trends, spark)
    return {
        "title": [lambda: [title_line(status)]],
        "reasons": [
            partial(reason_lines, health, most)
            for most in (_MOST_REASONS, _FEW_REASONS)
        ],
        "streams": [
            partial(stream_lines, health, trends, spark, most)
            for most in (None, *_FEWER_STREAMS)
        ],
        "loop": [partial(loop_and_disk_lines, health, width)],
        "nodes": [
            partial(node_lines, status, health),
            partial(nodes_in_brief, health, width),
            list,
        ],
        "latency": [latency, partial(latency, brief=True), list],
        "inference": [partial(inference_lines, health), list],
    }


def _line(status: Status, health: Health) -> str:
    words = ""
    if health.level > Level.GOOD:
        words = f"  {health.level.symbol} {health.level.word.upper()}: "
        words += health.headline
    tail = ""
    if status.streams:
        lost = sum(stream.lost + stream.unrecorded for stream in status.streams)
        figures = ", ".join(
            _brief(s) for s in status.streams if s.kind in {"frames", "poses"}
        )
        tail = f"  {figures}  lost {lost}{latency_line(status.nodes)}"
        tail += _room(health)
    return f"[{clock_words(status.session_s)}] {status.phase}{tail}{words}"


def _brief(stream: StreamFigures) -> str:
    return f"{stream.name} {stream.rate_hz:.0f} Hz"


def _room(health: Health) -> str:
    rooms = [light.cells[1] for light in health.of("disk")]
    return f", disk: {rooms[0]} left" if rooms and rooms[0] else ""
