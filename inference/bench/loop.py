"""``springhare bench loop``: from frame to decision, without the network's time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from inference.convert.command import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

__all__ = ["loop"]

_SMALL = (64, 48)
_STAGES = (
    ("to the network", "reached"),
    ("decided", "decided"),
    ("heard", "heard"),
    ("all done", "done"),
)


@click.command(short_help="Frame to decision: rings beside ZeroMQ.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.2),
    default=3.0,
    show_default=True,
    help="Length of one measurement.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often each way is measured, in turns with the others.",
)
@click.option(
    "--rate",
    "rate_hz",
    type=click.FloatRange(1, 1000),
    default=100.0,
    show_default=True,
    help="Frames per second.",
)
@click.option("--size", type=SIZE, help="Of a frame; 640x480, with --minutes 64x48.")
@click.option(
    "--network-ms",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="What the stand-in for a network takes.",
)
@click.option("--model", default="", help="A real network instead, e.g. bundled:mouse.")
@click.option("--plain", is_flag=True, help="Two rules, no gates and no prediction.")
@click.option("--hygiene", is_flag=True, help="Also try what may be asked of a system.")
@click.option("--fifo", is_flag=True, help="All ways with real-time priority.")
@click.option(
    "--load",
    type=click.IntRange(0, 64),
    default=0,
    show_default=True,
    help="Foreign processes that keep a core busy each.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=1),
    help="Run ours once for so long: is it as quick at the end?",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def loop(
    rounds: int,
    size: tuple[int, int] | None,
    seconds: float,
    minutes: float | None,
    hygiene: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Measure the loop with its real processes: camera, inference, actuator.

    Counted from the frame in the camera's hands, before it is copied or sent; what
    the network took is subtracted. Ours is compared with the same rings woken by
    ZeroMQ, with whole frames over ZeroMQ, and with the least there is: a copy, two
    datagrams and one comparison.

    Ends with 1 if a target was missed.
    """
    import json

    from inference.bench.looping.figures import Plan, habits, measure
    from inference.bench.looping.run import Asked
    from inference.bench.looping.soak import soak
    from rig.commands.bench.tables import tell
    from rig.commands.console import wide_console

    width, height = size or (_SMALL if minutes else (640, 480))
    seconds = 60 * minutes if minutes else seconds
    asked = Asked(seconds=seconds, shape=(height, width), **options)
    if minutes:
        found, show = soak(asked), _show_minutes
    else:
        plan = Plan(asked, rounds, habits() if hygiene else ())
        found, show = measure(plan, tell), _show
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        console = wide_console()
        show(console, found)
        _show_rest(console, found)
    return 0 if all(target["met"] for target in found["targets"]) else 1


def _show(console: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    about = found["environment"]
    height, width = about["shape"]
    table = Table(
        title=f"From a frame of {width}x{height} to its decision, less the network "
        f"({about['network']}), us: medians of {about['rounds']} rounds of "
        f"{about['seconds']:g} s at {about['rate_hz']:g} Hz, p50 / p99"
    )
    table.add_column("", no_wrap=True)
    titles = (title for title, _ in _STAGES)
    for title in (*titles, "skipped", "CPU/frame", "ours / theirs, decided"):
        table.add_column(title, justify="right")
    for name, way in found["ways"].items():
        table.add_row(name, *_cells(way), _ratio(found["ratios"].get(name)))
    console.print(table)
    rules = found["rules_us"]
    console.print(f"two rules: {rules['p50_us']} us (99 %: {rules['p99_us']})")


def _cells(way: Mapping[str, Any]) -> Iterator[str]:
    for _, stage in _STAGES:
        yield f"{way[stage]['p50_us']:.0f} / {way[stage]['p99_us']:.0f}"
    yield f"{way['skipped']} of {way['skipped'] + way['frames']}"
    yield f"{way['cpu_us_per_frame']:.0f}"


def _ratio(ratio: Mapping[str, float] | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio['decided_p50']:.2f} / {ratio['decided_p99']:.2f}"


def _show_minutes(console: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(title="From frame to decision, less the network, us")
    for title in ("minute", "frames", "p50", "p99"):
        table.add_column(title, justify="right")
    for number, minute in enumerate(found["minutes"], 1):
        figures = (f"{minute[key]:.0f}" for key in ("frames", "p50_us", "p99_us"))
        table.add_row(str(number), *figures)
    console.print(table)
    console.print(f"{found['skipped']} frames skipped")


def _show_rest(console: Console, found: Mapping[str, Any]) -> None:
    from rig.commands.bench.tables import conditions

    console.print(conditions(found["environment"]), soft_wrap=True)
    for target in found["targets"]:
        style, word = ("green", "reached") if target["met"] else ("bold red", "MISSED")
        console.print(
            f"{word}: {target['name']}: {target['value']:.4g}, wanted "
            f"{target['wanted']:g}",
            style=style,
        )
