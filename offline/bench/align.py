"""``springhare bench align``: clocks and pulses against the limit and against peers."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from offline.bench.aligning.plan import SECTIONS, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["align"]

_FULL_TRAINS = 10_000


@click.command(short_help="Clock models and matching, beside the limit and others.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often each is repeated: with the seeds 0, 1, 2 …",
)
@click.option(
    "--only",
    type=click.Choice(SECTIONS),
    multiple=True,
    help="Measure this alone; may be given several times.",
)
@click.option(
    "--full", is_flag=True, help=f"Verdicts on {_FULL_TRAINS:,} trains, not 1,000."
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0.02),
    default=2.0,
    show_default=True,
    help="Length of a session.",
)
@click.option(
    "--trains",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Trains whose verdict is looked at.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="one a core",
    help="Processes that share the work, but for speed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def align(
    seeds: int,
    only: tuple[str, ...],
    full: bool,
    hours: float,
    trains: int,
    workers: int,
    as_json: bool,
) -> int:
    """Relate simulated clocks, whose truth is known, and count the errors.

    Clock models are compared with the theoretical limit and with the ways of others,
    on the same pulses in turns; the stated errors with the true ones, also where the
    jitter has heavy tails; matching with one who knows both clocks; verdicts with
    what was truly the same pulse.

    Ends with 1 if a target was missed.
    """
    import json

    from rig.system import hold_one_core_per_library

    hold_one_core_per_library()

    from offline.bench.aligning.run import measure
    from offline.bench.aligning.tables import show
    from rig.commands.console import wide_console

    plan = Plan(
        seeds=seeds,
        span_s=hours * 3600,
        trains=max(trains, _FULL_TRAINS) if full else trains,
        workers=workers,
        only=only,
    )
    found = measure(plan, _phase)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        show(wide_console(), found)
    return 0 if all(target["met"] for target in found["targets"]) else 1


@contextmanager
def _phase(name: str, steps: int) -> Generator[Callable[[], None]]:
    """Show how far a section is: a bar where somebody looks, else a line."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.print(f"  {name}")
        yield lambda: None
        return
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
    with bar:
        task = bar.add_task(name, total=steps)
        yield lambda: bar.advance(task)
