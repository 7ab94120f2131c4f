"""``springhare bench reading``: one frame out of a long session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["reading"]


@click.command(short_help="One frame out of a session of hours.")
@click.option(
    "--hours",
    type=click.FloatRange(min=0.1),
    multiple=True,
    default=(1.0, 24.0),
    show_default=True,
    help="Length of a session; may be given several times.",
)
@click.option(
    "--frames",
    type=click.IntRange(10),
    default=300,
    show_default=True,
    help="How many are read, at random.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="Where the sessions are made; by default the working folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def reading(
    hours: tuple[float, ...], frames: int, out: Path | None, as_json: bool
) -> None:
    """Time the reading of single frames, while recording and after the end.

    A camera of 640 x 480 px at 200 Hz, in segments of a minute. The pixels were
    never written, so that the disk has no part in it: what is measured is the way
    through the mapping, with plain h5py.
    """
    import json

    from rig.bench.machine import scratch_folder
    from rig.bench.reading import Plan, measure
    from rig.commands.bench.tables import tell

    with scratch_folder(out) as folder:
        found = measure(Plan(hours, frames), folder, tell)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _show(found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from rig.commands.bench.tables import conditions
    from rig.commands.console import wide_console

    table = Table(title="One frame of 640 x 480 px, ms: median (and the worst 1 %)")
    for title in ("session", "segments", "while recording", "finished"):
        table.add_column(title, justify="right", no_wrap=True)
    for session in found["sessions"]:
        cells = [
            f"{session[mapping]['p50_ms']:.2f} ({session[mapping]['p99_ms']:.2f})"
            for mapping in ("while_recording", "finished")
        ]
        table.add_row(f"{session['hours']:g} h", str(session["segments"]), *cells)
    console = wide_console()
    console.print(table)
    console.print(conditions(found["environment"]), soft_wrap=True)
