"""What ``springhare compress`` shows: bars while it works, tables when it is done."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from offline.archive.measure import Measured
    from offline.archive.progress import Advance
    from offline.archive.report import DatasetReport, Report, VideoReport

__all__ = ["ShownBars", "show_measured", "show_report"]

_SHOWN_SHARE = 0.001
"""Datasets with less of the raw bytes than this are shown as one."""


class ShownBars:
    """Shows each part of the work as a bar; a line for each where there is no terminal.

    Parameters
    ----------
    console
        By default standard error, so that ``--json`` has standard output for itself.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def phase(self, name: str, nbytes: int) -> Generator[Advance]:
        """Begin a part of the work."""
        if not self._console.is_terminal:
            self._console.print(f"{name}: {_size(nbytes)}", highlight=False)
            yield lambda nbytes, stored=0: None
            return
        with _bars(self._console) as bars:
            task = bars.add_task(name, total=nbytes, note="")
            done = stored_bytes = 0

            def advance(nbytes: int, stored: int = 0) -> None:
                nonlocal done, stored_bytes
                done, stored_bytes = done + nbytes, stored_bytes + stored
                note = f"{done / stored_bytes:.2f} : 1" if stored_bytes else ""
                bars.update(task, advance=nbytes, note=note)

            yield advance


def show_report(report: Report, *, keep_raw: bool = False) -> None:
    """Print what was done, or would be."""
    console = Console(highlight=False, soft_wrap=True)
    if report.datasets:
        console.print(_datasets(report))
    for video in report.videos:
        console.print(_video_words(video), markup=False)
    for line in _words(report, keep_raw):
        console.print(line, markup=False)


def show_measured(found: Sequence[Measured]) -> None:
    """Print a measurement: the smallest first."""
    console = Console(highlight=False)
    for frames in dict.fromkeys(one.frames for one in found):
        table = Table(title=frames, title_justify="left", box=None, pad_edge=False)
        table.add_column("filter")
        for title in ("chunk", "ratio", "pack MB/s", "unpack MB/s"):
            table.add_column(title, justify="right")
        table.add_column("needs")
        here = [one for one in found if one.frames == frames]
        for one in sorted(here, key=lambda one: -one.ratio):
            table.add_row(*_cells(one), style="bold" if one.offered else "")
        console.print(table, "")
    console.print("MB/s of raw pixels, of one core; in bold what --filter takes")


def _cells(one: Measured) -> list[str]:
    return [
        one.filter if one.exact else f"{one.filter} (NOT EXACT)",
        " × ".join(map(str, one.chunk)),
        f"{one.ratio:.2f}",
        f"{one.encode_mb_per_s:.0f}",
        f"{one.decode_mb_per_s:.0f}",
        "" if one.needs == "nothing" else one.needs,
    ]


def _bars(console: Console) -> Bars:
    return Bars(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TaskProgressColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[note]}"),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _datasets(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("dataset")
    table.add_column("filter")
    about = "about " if report.outcome == "planned" else ""
    for title in ("raw", f"{about}stored", "ratio"):
        table.add_column(title, justify="right")
    shown = [one for one in report.datasets if one.raw_bytes]
    large = [one for one in shown if one.raw_bytes >= _SHOWN_SHARE * report.raw_bytes]
    for one in large:
        table.add_row(one.path, one.filter, *_sizes(one))
    rest = [one for one in shown if one not in large]
    if rest:
        raw = sum(one.raw_bytes for one in rest)
        stored = sum(one.stored_bytes for one in rest)
        ratio = f"{raw / max(stored, 1):.2f}"
        title = f"{len(rest)} small ones"
        table.add_row(title, "", _size(raw), _size(stored), ratio, style="dim")
    return table


def _sizes(one: DatasetReport) -> tuple[str, str, str]:
    return _size(one.raw_bytes), _size(one.stored_bytes), f"{one.ratio:.2f}"


def _words(report: Report, keep_raw: bool) -> list[str]:
    sizes = f"{_size(report.raw_bytes)} → {_size(report.stored_bytes)}"
    match report.outcome:
        case "planned":
            return [
                f"{report.session_id}: about {sizes} ({report.ratio:.2f} : 1) with "
                f"{report.filter}, in about {_time(report.seconds)}; the disk has "
                f"{_size(report.free_bytes)} free",
                "Nothing was changed.",
            ]
        case "folded":
            kept = f"; {_size(report.carried_over_bytes)} carried over from before"
            rest = "the raw segments are kept" if keep_raw else "the raw is removed"
            return [
                f"{report.session_id}: {sizes} ({report.ratio:.2f} : 1) with "
                f"{report.filter} in {_time(report.seconds)}"
                f"{kept if report.carried_over_bytes else ''}",
                f"Every bit was compared; {rest}.",
            ]
        case "already folded":
            return [_already_words(report)]
        case "not folded":
            return []


def _already_words(report: Report) -> str:
    words = f"{report.session_id} was folded before, with {report.filter}"
    if report.datasets:
        words += "; every bit was compared again"
        words += ", and the raw is removed" if report.raw_removed else ""
    return f"{words}."


def _video_words(video: VideoReport) -> str:
    words = f"{video.path}: {video.frames} frames, {_size(video.video_bytes)}"
    if video.already_there:
        return f"{words}, there already"
    if video.codec == "ffv1":
        return f"{words}, compared bit for bit"
    return (
        f"{words}, errors up to {video.largest_error} grey levels, "
        f"{video.mean_error:.2f} on average"
    )


def _size(nbytes: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if nbytes >= size:
            return f"{nbytes / size:.2f} {unit}"
    return f"{nbytes:.0f} B"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"
