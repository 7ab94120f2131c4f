"""What ``springhare promote`` does with its options."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from offline.gate.gate import PromoteWish, promote
from offline.gate.promote import go_back
from offline.gate.rig_file import require_own
from rig.commands.console import wide_console
from rig.commands.progress import bars
from rig.config.loading import load_rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from offline.gate.gate import Outcome

__all__ = ["promoted", "run_back", "run_promote", "show_outcome"]

_COLOURS = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red"}


def run_promote(wish: PromoteWish) -> int:
    """Try a model, make it the rig's if it passes, and tell of it.

    Returns
    -------
    int
        0 if it is the rig's model now, 1 if it was refused.

    Raises
    ------
    SpringhareError
        If the model, the files or the frames are not what they must be.
    """
    outcome = promoted(wish)
    if wish.as_json:
        click.echo(json.dumps(outcome.found, indent=2))
    else:
        show_outcome(outcome)
    return outcome.status


def promoted(wish: PromoteWish) -> Outcome:
    """Return what comes of `offline.gate.gate.promote`, and show how far it is."""
    with _progress() as progress:
        return promote(wish, progress)


def show_outcome(outcome: Outcome) -> None:
    """Print what came of it, for people."""
    console = wide_console()
    if outcome.checks:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column("state", no_wrap=True)
        table.add_column("name", no_wrap=True)
        table.add_column("told", overflow="fold")
        for check in outcome.checks:
            state = f"[{_COLOURS[check.state]}]{check.state}[/]"
            table.add_row(state, check.name, Text(check.told))
        console.print(table)
    console.print(Text(outcome.told))


def run_back(rig_file: Path, *, dry_run: bool, as_json: bool) -> int:
    """Make the model before the present one the rig's again.

    Raises
    ------
    ConfigError, ModelError
        If there was none, or it is not there any more.
    """
    require_own(rig_file)
    rig = load_rig(rig_file)
    change = go_back(rig_file, rig, dry_run=dry_run)
    if as_json:
        found = {"written": not dry_run, "was": change.was, "model": change.model}
        click.echo(json.dumps(found, indent=2))
        return 0
    words = "would be" if dry_run else "is"
    click.echo(f"{change.model or 'no model'} {words} the model of {rig.name} again")
    click.echo(f"before: {change.was}")
    return 0


@contextmanager
def _progress() -> Iterator[Callable[[str, int], Callable[[], None]]]:
    with bars() as bar:

        def begin(what: str, steps: int) -> Callable[[], None]:
            task = bar.add_task(what, total=steps)
            return lambda: bar.advance(task)

        yield begin
