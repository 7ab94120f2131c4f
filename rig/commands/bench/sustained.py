"""``springhare bench sustained``: whether the recorder keeps up, beside others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

__all__ = ["sustained"]


@click.command(short_help="Many cameras for a long time, beside foreign load.")
@click.option("--cameras", type=click.IntRange(1, 32), default=4, show_default=True)
@click.option(
    "--fps",
    "rate_hz",
    type=click.FloatRange(1, 10_000),
    default=200.0,
    show_default=True,
    help="Frames per second of each camera.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.5),
    default=60.0,
    show_default=True,
    help="How long they film.",
)
@click.option(
    "--width", "width_px", type=click.IntRange(16), default=640, show_default=True
)
@click.option(
    "--height", "height_px", type=click.IntRange(1), default=480, show_default=True
)
@click.option(
    "--load",
    type=click.IntRange(0, 1024),
    default=os.cpu_count,
    show_default="one per core",
    help="Foreign processes that burn a core each.",
)
@click.option(
    "--segment-seconds",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="Length of a segment file; a session's is a minute.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="Folder on the disk to be used; by default the working folder.",
)
@click.option("--keep", is_flag=True, help="Keep the session that was recorded.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def sustained(out: Path | None, keep: bool, as_json: bool, **options: Any) -> int:
    """Let cameras film into rings while the recorder empties them to the disk.

    The cameras are processes that publish noise at their rate, the recorder is the
    real one, in a process of its own. Afterwards the session is read back with plain
    h5py: every frame's number, the pixels of some. CPU is a share of one core.

    Ends with 1 if a frame was lost or is not what was filmed.
    """
    import json

    from rig.bench.machine import scratch_folder
    from rig.bench.sustained import Plan, measure
    from rig.commands.bench.tables import show_faults, tell
    from rig.commands.console import wide_console

    with scratch_folder(out, keep=keep) as folder:
        found = measure(Plan(**options), folder, tell)
        if keep:
            tell(f"the session is in {folder / 'session'}")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        console = wide_console()
        _show(console, found)
        show_faults(console, found["faults"])
    return 1 if found["frames"]["lost"] or found["faults"] else 0


def _show(console: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from rig.commands.bench.tables import conditions

    plan = found["plan"]
    size = f"{plan['width_px']} x {plan['height_px']} px"
    table = Table(
        title=f"{plan['cameras']} cameras, {size}, {plan['rate_hz']:g} Hz, "
        f"{plan['seconds']:g} s, {plan['load']} foreign processes",
        show_header=False,
    )
    table.add_column(no_wrap=True)
    table.add_column()
    for what, words in _lines(found):
        table.add_row(what, words)
    console.print(table)
    console.print(conditions(found["environment"]), soft_wrap=True)


def _lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    frames, recorder, cameras = found["frames"], found["recorder"], found["cameras"]
    yield (
        "frames",
        f"{frames['published']:,} published, {frames['recorded']:,} recorded, "
        f"{frames['lost']:,} lost",
    )
    yield "to the disk", f"{recorder['mb_per_s']:,.0f} MB/s"
    yield (
        "recorder",
        f"{100 * recorder['core']:.1f} % of a core (its polling thread "
        f"{100 * recorder['polling_core']:.1f} %), "
        f"{recorder['cpu_ms_per_mb']:.3f} ms/MB",
    )
    yield (
        "its memory",
        f"{recorder['memory_mb_at_start']:.0f} MB at the start, "
        f"{recorder['memory_mb_at_end']:.0f} MB at the end, without the rings",
    )
    yield (
        "fullest ring",
        f"{recorder['fullest_ring_percent']:.1f} % of "
        f"{found['plan']['ring_seconds']:g} s; longest that a frame waited: "
        f"{recorder['longest_wait_ms']:.0f} ms",
    )
    yield "stop", f"{recorder['stop_s']:.2f} s until everything was on the disk"
    late_ms = max(late[-1] for late in cameras["late_ms_p50_p99_max"])
    yield (
        "cameras",
        f"{100 * sum(cameras['core']):.1f} % of a core together; latest frame "
        f"{late_ms:.0f} ms late",
    )
    yield "foreign load", f"{sum(found['load_core']):.2f} cores"
    yield "ledger", f"{found['verdict']}: {found['reason']}"
    yield "read back", "as filmed" if not found["faults"] else "NOT as filmed"
