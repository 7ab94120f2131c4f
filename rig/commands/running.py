"""Run a session from the command line: Ctrl-C, the live table, the last word."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click
import msgspec

from rig.commands.console import wide_console
from rig.commands.ledger_table import ledger_table
from rig.commands.live import LiveTable
from rig.recording.latency import latencies
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rig.recording.latency import Latency
    from rig.supervisor.session import Result, Session
    from rig.supervisor.status import Status

__all__ = ["EXIT_STATUS", "run_session", "tell"]

EXIT_STATUS = {"PASS": 0, "WARN": 0, "FAIL": 1}


def run_session(
    make: Callable[[Callable[[Status], None]], Session], *, quiet: bool = False
) -> Result:
    """Run a session with the live table; one Ctrl-C stops it in order.

    Parameters
    ----------
    make
        Makes the session from the function that it is to report to.
    quiet
        Whether nothing is shown while it runs.
    """
    table = nullcontext(lambda _status: None) if quiet else LiveTable()
    with table as show:
        session = make(show)
        with _one_interrupt(session):
            return session.run()


@contextmanager
def _one_interrupt(session: Session) -> Iterator[None]:
    def ask(number: int, _frame: object) -> None:
        session.stop(f"{signal.Signals(number).name} received")

    before = {
        number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tell(result: Result, *, as_json: bool) -> None:
    """Print what came of a session, for a person or for a program."""
    with Recording.open(result.folder) as recording:
        took = latencies(recording)
    if as_json:
        click.echo(json.dumps(_as_dict(result, took), indent=2))
        return
    console = wide_console()
    console.print(ledger_table(result.ledger))
    colour = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}[result.verdict]
    for check in result.checks:
        if not check.ok:
            text = f"{check.name}: {check.detail}: {check.remedy}"
            console.print(text, style="yellow", markup=False)
    for name, latency in took.items():
        console.print(
            f"{name}: {latency.p50_ms:.1f} ms (p50), {latency.p99_ms:.1f} ms (p99)"
        )
    console.print(f"\nended: {result.reason}")
    console.print(
        f"verdict: [bold {colour}]{result.verdict}[/], {result.ledger.reason}"
    )
    console.print(f"session: {result.folder}", markup=False)


def _as_dict(result: Result, took: Mapping[str, Latency]) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "reason": result.reason,
        "session_id": result.session_id,
        "folder": str(result.folder),
        "latencies": msgspec.to_builtins(took),
        "ledger": result.ledger.to_dict(),
    }
