"""A recovery for the eye: first the sentence that one looks for at seven o'clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from rig.commands.console import wide_console
from rig.recording.ledger import STOPPED

if TYPE_CHECKING:
    from rig.recording.recovery import RecoveryReport

__all__ = ["tell"]

_COLOUR = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}


def tell(report: RecoveryReport) -> None:
    """Print a report."""
    console = wide_console()
    whole = not any(stream.cut for stream in report.streams.values())
    console.print(Text(f"{report.headline}.", "bold green" if whole else "bold red"))
    console.print(Text(f"{report.session_id}: {_how_it_ended(report)}"))
    console.print(_table(report))
    would = "Would be done" if report.dry_run else "Done"
    for step in report.done:
        console.print(Text(f"{would}: {step}"))
    if not report.changed:
        console.print(Text("The session is clean: nothing was changed."))
    for finding in report.findings:
        console.print(Text(finding, "yellow"))
    colour = _COLOUR[report.verdict]
    verdict = Text(report.verdict, f"bold {colour}")
    console.print(Text.assemble("\n", verdict, f": {report.reason}"))


def _how_it_ended(report: RecoveryReport) -> str:
    if report.ended == STOPPED:
        return report.ended
    restarted = {
        True: "the computer was restarted since (its memory is gone)",
        False: "the computer was not restarted since",
        None: "whether the computer was restarted since is not known",
    }
    return f"{report.ended}; {restarted[report.restarted]}"


def _table(report: RecoveryReport) -> Table:
    memory = "in memory" if report.dry_run else "from memory"
    table = Table(box=None, pad_edge=False)
    table.add_column("stream", no_wrap=True)
    for heading in ("rows kept", memory, "cut", "lost in all", "ends earlier"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, stream in report.streams.items():
        rows = stream.in_memory if report.dry_run else stream.salvaged
        table.add_row(
            name,
            f"{stream.rows:,}",
            f"{rows:,}",
            _lost(stream.cut, stream.cut_ms),
            _lost(stream.lost, stream.lost_ms),
            _lasted(stream.ends_before_ms) if stream.ends_before_ms else "",
        )
    return table


def _lost(count: int, duration_ms: float | None) -> Text:
    duration = "" if duration_ms is None else f" ({_lasted(duration_ms)})"
    return Text(f"{count:,}{duration}", "bold red" if count else "")


def _lasted(duration_ms: float) -> str:
    return (
        f"{duration_ms:,.0f} ms"
        if duration_ms < 1000
        else f"{duration_ms / 1e3:,.2f} s"
    )
