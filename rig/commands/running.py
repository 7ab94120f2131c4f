"""Run a session from the command line: Ctrl-C, the live table, the last word."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from rig.commands.console import wide_console
from rig.commands.ledger_table import ledger_table
from rig.commands.terminal_keys import TerminalKeys
from rig.commands.window import open_window
from rig.monitor.health.judgement import Terms
from rig.monitor.health.watcher import OwnWatcher
from rig.monitor.terminal.table import LiveTable
from rig.recording.latency import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rig.config.rig import RigConfig
    from rig.config.task import TaskConfig
    from rig.supervisor.session import Result, Session
    from rig.supervisor.status import Status

__all__ = ["EXIT_STATUS", "run_session", "tell"]

EXIT_STATUS = {"PASS": 0, "WARN": 0, "FAIL": 1}
_ARMS = {"a": True, "d": False}
"""Keys that arm and disarm the loop."""
_KEYS = "a arm  d disarm  Ctrl-C stops the session"
_BEFORE_STREAMS = "pre-flight"
"""Phase in which there is no session yet that a monitor could find."""


def run_session(
    make: Callable[[Callable[[Status], None]], Session],
    rig: RigConfig,
    task: TaskConfig | None,
    *,
    quiet: bool = False,
    window: bool | None = None,
) -> Result:
    """Run a session with the live table; one Ctrl-C stops it in order.

    On a terminal the key ``a`` arms the loop, ``d`` disarms it.

    Parameters
    ----------
    make
        Makes the session from the function that it is to report to.
    rig, task
        What the session is held to.
    quiet
        Whether nothing is shown while it runs.
    window
        Whether the monitor's window is opened beside it; None where there can be one.
    """
    if quiet:
        session = make(lambda _status: None)
        with _one_interrupt(session):
            return session.run()
    watcher, opened = OwnWatcher(Terms.of(rig, task)), False
    with LiveTable() as table, TerminalKeys() as keys:

        def observe(status: Status) -> None:
            nonlocal opened
            watcher.look(status)
            table.show(status, watcher.health, _KEYS)
            for key in keys.pressed():
                if key in _ARMS:
                    session.arm(armed=_ARMS[key])
            if not opened and status.phase != _BEFORE_STREAMS:
                opened = True
                open_window(rig.name, enabled=window)

        session = make(observe)
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
    if as_json:
        click.echo(json.dumps(_as_dict(result), indent=2))
        return
    console = wide_console()
    console.print(ledger_table(result.ledger))
    colour = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}[result.verdict]
    for check in result.checks:
        if not check.ok:
            text = f"{check.name}: {check.detail}: {check.remedy}"
            console.print(text, style="yellow", markup=False)
    for camera, stages in result.ledger.latency.items():
        for stage in ("pose", "network", "total"):
            if stage in stages:
                p50_ms, p99_ms = stages[stage].p50_ms, stages[stage].p99_ms
                console.print(
                    f"{camera}: {WORDS[stage]}: {p50_ms:.1f} ms (p50), "
                    f"{p99_ms:.1f} ms (p99)"
                )
    console.print(f"\nended: {result.reason}")
    console.print(
        f"verdict: [bold {colour}]{result.verdict}[/], {result.ledger.reason}"
    )
    console.print(f"session: {result.folder}", markup=False)


def _as_dict(result: Result) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "reason": result.reason,
        "session_id": result.session_id,
        "folder": str(result.folder),
        "ledger": result.ledger.to_dict(),
    }
