"""``springhare bench inference``: engines beside stock dlclive, on the same frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inference.convert.command import SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

__all__ = ["inference"]


@click.command(short_help="Pose networks: our engines beside dlclive.")
@click.option(
    "--model",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="A DeepLabCut export: a .pt file, or the folder of a TensorFlow export.",
)
@click.option(
    "--film",
    "--video",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A film with the animal.",
)
@click.option(
    "--converted",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same model as made by springhare convert; made anew if not given.",
)
@click.option(
    "--size",
    "sizes",
    type=SIZE,
    multiple=True,
    default=("320x240", "640x480"),
    show_default=True,
    help="To which frames are resized; may be given several times.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=2),
    default=300,
    show_default=True,
    help="How many are looked at, one after the other.",
)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
@click.option(
    "--rest",
    "rest_ms",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Pause before each look, ms, as between a camera's frames.",
)
@click.option(
    "--body",
    "body_px",
    type=click.FloatRange(min=1),
    default=200.0,
    show_default=True,
    help="Length of the animal in frames 640 px wide.",
)
@click.option(
    "--margin",
    "margin_px",
    type=click.FloatRange(min=1),
    help="Of the dynamic crop; by default the task file's.",
)
@click.option(
    "--likelihood",
    "min_likelihood",
    type=click.FloatRange(0, 1),
    default=0.4,
    show_default=True,
    help="From which a body part is believed.",
)
@click.option(
    "--whole-film", is_flag=True, help="Also follow the animal through all of it."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def inference(as_json: bool, **options: Any) -> int:
    """Let dlclive and our engines look at the same frames, in one process, in turns.

    dlclive is called as its users call it. Keypoints are compared with its own; with
    --whole-film, those of the dynamic crop also with what the whole picture shows, in
    every frame.

    Ends with 1 if a target was missed.
    """
    import json

    _let_threads_wait_as_usual()

    from inference.bench.engines import Plan, measure
    from rig.commands.bench.tables import tell
    from rig.commands.console import wide_console

    found = measure(Plan(**options), tell)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(wide_console(), found)
    return 0 if all(target["met"] for target in found["targets"]) else 1


def _let_threads_wait_as_usual() -> None:
    """Undo what a rig sets for its processes: dlclive's users have none of it.

    Threads that sleep between two layers, as in our nodes, make dlclive slower by
    a third to two, and us look better than we are.
    """
    import os

    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS"):
        os.environ.pop(name, None)


def _show(console: Console, found: Mapping[str, Any]) -> None:
    from inference.bench.targets import show_targets
    from rig.commands.bench.tables import conditions

    about = found["environment"]
    for size, figures in found["sizes"].items():
        console.print(_table(size, figures["ways"], about))
    if (film := found["film"]) is not None:
        console.print(
            f"{about['film']}, {film['frames']:,} frames, dynamic crop: median "
            f"{film['median_px']:.3f} px from the whole picture (99 %: "
            f"{film['p99_px']:.1f} px), median {film['median_pixels']:.0%} of its "
            f"pixels; {film['whole']} whole looks, {film['second']} of them second "
            f"looks; the animal outside the box in {film['lost_frames']} of the "
            f"{film['shown_frames']:,} frames in which the whole picture shows it",
            soft_wrap=True,
        )
    console.print(conditions(about), soft_wrap=True)
    show_targets(console, found["targets"])


def _table(size: str, ways: Mapping[str, Any], about: Mapping[str, Any]) -> Any:
    from rich.table import Table

    table = Table(
        title=f"{about['model']} at {size}, {about['threads']} threads, "
        f"{about['frames']} frames, {about['rest_ms']:g} ms of rest before each look"
    )
    table.add_column("engine", no_wrap=True)
    for title in (
        "on", "p50 ms", "p99 ms", "mean ms", "faster", "by mean", "median px off",
        "max px off",
    ):  # fmt: skip
        table.add_column(title, justify="right", no_wrap=True)
    for name, way in ways.items():
        table.add_row(
            name,
            way["provider"].removesuffix("ExecutionProvider"),
            *(f"{way[key]:.1f}" for key in ("p50_ms", "p99_ms", "mean_ms")),
            *(f"x {way[key]:.2f}" for key in ("times_faster", "times_faster_by_mean")),
            *(f"{way[key]:.4f}" for key in ("median_px", "max_px")),
        )
    return table
