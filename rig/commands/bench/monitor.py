"""``springhare bench monitor``: what the monitor's window costs the rig."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

__all__ = ["monitor"]

_WHOLE, _SMALL = (640, 480), (64, 48)
_ROLES = ("monitor", "screen", "recorder", "inference", "supervisor")


@click.command(short_help="What the monitor's window costs, and how soon it tells.")
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often a session is run with each window and without, in turns.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.5),
    default=10.0,
    show_default=True,
    help="How long each session is looked at.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=6,
    show_default=True,
    help="How often the window is opened, and a node killed.",
)
@click.option("--cameras", type=click.IntRange(2, 4), default=4, show_default=True)
@click.option(
    "--fps",
    "rate_hz",
    type=click.IntRange(5, 1000),
    default=200,
    show_default=True,
    help="Frames per second of each camera.",
)
@click.option(
    "--width", "width_px", type=click.IntRange(48), help="640; see --minutes."
)
@click.option("--height", "height_px", type=click.IntRange(48), help="480, likewise.")
@click.option(
    "--minutes",
    type=click.IntRange(min=1),
    help="Instead show one session for so long: does the window's memory grow? "
    "Frames are of 64x48 px then, for the disk's sake.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="Folder on the disk to be recorded to; by default the working folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def monitor(
    rounds: int,
    seconds: float,
    trials: int,
    width_px: int | None,
    height_px: int | None,
    minutes: int | None,
    out: Path | None,
    as_json: bool,
    **cameras: Any,
) -> int:
    """Run whole sessions with the monitor's window and without it.

    Supervisor, recorder, network, the rule that fires and the board's driver are the
    real ones; cameras play short films of the simulated mouse, and the board is
    simulated. The window is drawn at 1280x720 and at 1920x1080 px, on the display
    that there is, else on an Xvfb of its own or in memory. Then the real command is
    timed beside a session, and cameras' nodes are killed under the window's eyes.

    Ends with 1 if a target was missed.
    """
    import json

    from rig.bench.machine import scratch_folder
    from rig.bench.monitoring import Experiment, Plan, measure, soak
    from rig.commands.bench.tables import tell
    from rig.commands.console import wide_console
    from rig.commands.window import why_no_window
    from rig.errors import SessionError

    if why := why_no_window(offscreen=True):
        raise SessionError(why)
    width, height = _SMALL if minutes else _WHOLE
    with scratch_folder(out) as folder:
        experiment = Experiment(
            folder.resolve(),
            width_px=width_px or width,
            height_px=height_px or height,
            **cameras,
        )
        plan = Plan(experiment, rounds=rounds, seconds=seconds, trials=trials)
        if minutes:
            found, show = (
                soak(experiment, plan.windows[0], minutes, tell),
                _show_minutes,
            )
        else:
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
        title=f"{about['cameras']} cameras of {width}x{height} px at "
        f"{about['rate_hz']:g} Hz, EMG and force; medians of {about['rounds']} rounds "
        f"of {about['seconds']:g} s (worst)"
    )
    table.add_column("window", no_wrap=True)
    for title in (
        "pictures/s",
        "memory MB",
        "lost",
        "loop p50 ms",
        "loop p99 ms",
        "with its start p99 ms",
        *(f"{role}, core" for role in _ROLES),
    ):
        table.add_column(title, justify="right")
    ways = {"none": found["without"], **found["windows"]}
    for name, way in ways.items():
        table.add_row(name, *_cells(way))
    console.print(table)
    for what, key in (("window shown", "shown_s"), ("death red", "death_red_s")):
        times = found[key]
        each = ", ".join(f"{seconds:.2f}" for seconds in times["all"])
        console.print(f"{what} after {times['median']:.2f} s (each: {each})")


def _cells(way: Mapping[str, Any]) -> Iterator[str]:
    window, latency = way.get("window"), way["latency_ms"]
    if window is None:
        yield from ("", "")
    else:
        yield f"{window['least_painted_per_s']['median']:.1f}"
        yield f"{window['memory_mb']['median']:.0f}"
    yield str(sum(way["lost"]))
    yield from _spread(
        latency,
        (("pose", "p50"), ("pose", "p99"), ("session_pose", "p99")),
    )
    for role in _ROLES:
        core = way["core"].get(role)
        yield "" if core is None else f"{100 * core['median']:.0f} %"


def _spread(
    latency: Mapping[str, Any], stages: Iterable[tuple[str, str]]
) -> Iterator[str]:
    for stage, part in stages:
        if stage in latency:
            times = latency[stage][part]
            yield f"{times['median']:.1f} ({times['worst']:.1f})"
        else:
            yield ""


def _show_minutes(console: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(title="The window over time")
    for title in ("minute", "memory MB", "of a core", "drawn/s", "load"):
        table.add_column(title, justify="right")
    for number, minute in enumerate(found["minutes"], 1):
        table.add_row(
            str(number),
            f"{minute['memory_mb']:.1f}",
            f"{100 * minute['core']:.0f} %",
            f"{minute['drawn_per_s']:.1f}",
            f"{minute['load']:.1f}",
        )
    console.print(table)
    console.print(
        f"what can be scrolled back fills up for {found['filled_after_minutes']} "
        "minutes: growth is judged after that"
    )


def _show_rest(console: Console, found: Mapping[str, Any]) -> None:
    from rig.commands.bench.tables import conditions

    about = found["environment"]
    console.print(f"{conditions(about)}; {about['display']}", soft_wrap=True)
    for target in found["targets"]:
        style, word = ("green", "reached") if target["met"] else ("bold red", "MISSED")
        least = "at least " if target["at_least"] else ""
        console.print(
            f"{word}: {target['name']}: {target['value']:.4g}, wanted {least}"
            f"{target['wanted']:g}",
            style=style,
        )
