"""``springhare bench recorder``: what recording costs, beside other ways to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

__all__ = ["recorder"]


@click.command(short_help="Durable throughput and CPU of recording.")
@click.option(
    "--megabytes",
    type=click.FloatRange(min=1),
    default=500.0,
    show_default=True,
    help="Pixels that each way writes in a round.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often each is repeated, in turns with the others.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="Folder on the disk to be measured; by default the working folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def recorder(megabytes: float, rounds: int, out: Path | None, as_json: bool) -> int:
    """Compare ways to write camera frames to a disk, durably.

    Raw direct writing is the limit; then ours, from the ring to the closed session;
    then the page cache and h5py. All frames are read back. What is written is
    removed again. CPU is that of the process that writes, over all its threads: the
    ways that use the page cache cost the kernel more afterwards.

    Ends with 1 if anything was not read back as it was written.
    """
    import json

    from rig.bench.machine import scratch_folder
    from rig.bench.recorder import Plan, measure
    from rig.commands.bench.tables import show_faults, tell
    from rig.commands.console import wide_console

    with scratch_folder(out) as folder:
        found = measure(Plan(megabytes=megabytes, rounds=rounds), folder, tell)
    faults = [
        f"{way['title']}: {fault}"
        for way in found["ways"].values()
        for fault in way["faults"]
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        console = wide_console()
        _show(console, found)
        show_faults(console, faults)
    return 1 if faults else 0


def _show(console: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from rig.commands.bench.tables import conditions

    about = found["environment"]
    table = Table(
        title="Camera frames to the disk, until they are there: medians of "
        f"{about['rounds']} rounds of {about['megabytes']:g} MB (and the worst 1 %)",
    )
    table.add_column("way", no_wrap=True)
    for title in (
        "MB/s",
        "CPU ms/MB",
        "writing thread",
        "block p50 ms",
        "p99 ms",
        "memory MB",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    for way in found["ways"].values():
        table.add_row(way["title"], *_cells(way))
    console.print(table)
    console.print(conditions(about), soft_wrap=True)
    if not about["direct_io"]:
        console.print("No direct I/O on this disk: raw is buffered.", style="yellow")
    for sentence in _sentences(found["ratios"]):
        console.print(sentence)
    for size, cost in found["seal_ms_per_mb"].items():
        console.print(f"A camera's digest of a frame of {size} px: {cost:.3f} ms/MB")


def _cells(way: Mapping[str, Any]) -> Iterator[str]:
    speed, cpu = way["durable_mb_per_s"], way["cpu_ms_per_mb"]
    yield f"{speed['median']:,.0f} ({speed['p99']:,.0f})"
    yield f"{cpu['median']:.3f} ({cpu['p99']:.3f})"
    yield f"{way['polling_cpu_ms_per_mb']['median']:.3f}"
    yield f"{way['block_p50_ms']['median']:.1f}"
    yield f"{way['block_p99_ms']['median']:.1f}"
    yield f"{way['memory_mb']['median']:.0f}"


def _sentences(ratios: Mapping[str, Any]) -> Iterator[str]:
    for ratio in ratios.values():
        rounds = ", ".join(f"{value:.2f}" for value in ratio["rounds"])
        wanted = f", wanted {ratio['target']}" if ratio["target"] else ""
        yield f"{ratio['title']}: {ratio['value']:.3f}{wanted} (rounds: {rounds})"
