"""``springhare bench transport``: a frame from process to process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["transport"]

_COLUMNS = (
    ("p50 us", "p50_us"),
    ("p99 us", "p99_us"),
    ("copied p50 us", "copied_p50_us"),
    ("CPU us/frame", "cpu_us_per_frame"),
)


@click.command(short_help="Latency and CPU of a frame from process to process.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.05),
    default=2.0,
    show_default=True,
    help="Length of one measurement.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How often each is repeated, in turns with the others.",
)
@click.option(
    "--rate",
    "rate_hz",
    type=click.FloatRange(1, 1000),
    default=100.0,
    show_default=True,
    help="Frames per second.",
)
@click.option(
    "--bytes",
    "payloads_bytes",
    type=click.IntRange(min=1),
    multiple=True,
    help="Size of a frame; may be given several times.",
)
@click.option(
    "--consumers",
    type=click.IntRange(1, 16),
    multiple=True,
    help="Number of receivers; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def transport(
    seconds: float,
    rounds: int,
    rate_hz: float,
    payloads_bytes: tuple[int, ...],
    consumers: tuple[int, ...],
    as_json: bool,
) -> None:
    """Compare the rings with whole frames over ZeroMQ (ipc).

    Latency is counted from the frame in the sender's buffer to a valid view of it in
    the receiver, and CPU over all processes, each receiver copying the frame once.
    The ratios are ring / ZeroMQ: below 1 the ring is better.
    """
    import json

    from rig.bench.transport import PAYLOADS_BYTES, Plan, measure
    from rig.commands.bench.tables import tell

    plan = Plan(
        seconds=seconds,
        rounds=rounds,
        rate_hz=rate_hz,
        payloads_bytes=payloads_bytes or PAYLOADS_BYTES,
        consumers=consumers or (1, 3),
    )

    found = measure(plan, tell)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _print(found)


def _print(found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from rig.commands.bench.tables import conditions
    from rig.commands.console import wide_console

    about = found["environment"]
    table = Table(
        title="A frame from one process to others: ring / ZeroMQ = ratio, medians of "
        f"{about['rounds']} rounds of {about['seconds']:g} s at {about['rate_hz']:g} Hz"
    )
    for title in ("payload", "to", *(title for title, _ in _COLUMNS), "missing"):
        table.add_column(title, justify="right", no_wrap=True)
    for case in found["cases"]:
        ours, theirs, ratio = case["ring"], case["zmq"], case["ratio"]
        cells = [
            f"{ours[name]:.0f} / {theirs[name]:.0f} = {ratio[name]:.2f}"
            for _, name in _COLUMNS
        ]
        missing = f"{ours['missing']} / {theirs['missing']}"
        size = f"{case['payload_bytes']:,} B"
        table.add_row(size, str(case["consumers"]), *cells, missing)
    console = wide_console()
    console.print(table)
    console.print(conditions(about), soft_wrap=True)
