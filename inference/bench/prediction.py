"""``springhare bench prediction``: how far off keypoints are when an action lands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["prediction"]


@click.command(short_help="Prediction over the latency, against none and dlclive's.")
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    default=(1, 2, 3, 4),
    show_default=True,
    help="Of a simulated jump; may be given several times.",
)
@click.option(
    "--rate",
    "rates_hz",
    type=click.FloatRange(20, 1000),
    multiple=True,
    default=(100.0, 200.0),
    show_default=True,
    help="Frames per second; may be given several times.",
)
@click.option(
    "--network",
    is_flag=True,
    help="Also let the bundled network look at rendered pictures (minutes).",
)
@click.option(
    "--recording",
    "recordings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Recorded poses, a session.h5 or an .npz with keypoints and exposure_ns.",
)
@click.option("--camera", help="Camera of the recording.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def prediction(
    seeds: tuple[int, ...],
    rates_hz: tuple[float, ...],
    network: bool,
    recordings: tuple[Path, ...],
    camera: str | None,
    as_json: bool,
) -> int:
    """Compare predictions of keypoints with where they really were.

    Moving is the jump, from push-off to landing (in a recording, poses more than 8 px
    from the one before); rest is everything else. Errors are distances, in px.

    Ends with 1 if a target was missed.
    """
    import json

    from inference.bench.prediction_errors import Plan, measure
    from rig.commands.bench.tables import tell

    found = measure(Plan(seeds, rates_hz, network, recordings, camera), tell)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)
    return 0 if all(target["met"] for target in found["targets"]) else 1


def _show(found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from inference.bench.targets import show_targets
    from rig.commands.bench.tables import conditions
    from rig.commands.console import wide_console

    table = Table(title="Error of a keypoint when the action lands, px")
    titles = ("motion", "Hz", "ahead", "predictor", "moving: mean", "rms", "median")
    for title in (*titles, "in 1, 2 sd", "rest: mean", "rms", "in 1, 2 sd"):
        table.add_column(title, justify="right", no_wrap=True)
    for case in found["cases"]:
        moving, resting = case["moving"], case["resting"]
        table.add_row(
            case["motion"],
            f"{case['rate_hz']:g}",
            f"{case['horizon_ms']:.3g} ms",
            case["way"],
            *_cells(moving, ("mean_px", "rms_px", "median_px")),
            *_cells(resting, ("mean_px", "rms_px")),
        )
    console = wide_console()
    console.print(table)
    took = found["step_us"]
    console.print(f"a step of our predictor: {took['p50']} us (99 %: {took['p99']})")
    console.print(conditions(found["environment"]), soft_wrap=True)
    show_targets(console, found["targets"])


def _cells(
    figures: Mapping[str, float] | None, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the errors, and how many lie within 1 and 2 sd; empty without poses."""
    if figures is None:
        return ("",) * (len(names) + 1)
    within = ""
    if "within_1_sd" in figures:
        within = f"{figures['within_1_sd']:.0%}, {figures['within_2_sd']:.0%}"
    return (*(f"{figures[name]:.2f}" for name in names), within)
