"""``springhare bench analyse``: reanalysis beside DeepLabCut's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

__all__ = ["analyse"]


@click.command(short_help="Reanalysis beside DeepLabCut's analyze_videos, in turns.")
@click.argument(
    "training", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@click.argument("film", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--frames",
    type=click.IntRange(min=10),
    default=300,
    show_default=True,
    help="Of the film, from its beginning.",
)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def analyse(
    training: Path, film: Path, frames: int, repeats: int, as_json: bool
) -> int:
    """Analyse the beginning of FILM with the model of TRAINING, in turns.

    TRAINING is a folder that springhare train made: it holds DeepLabCut's project and
    the model. DeepLabCut runs as it does by itself; Springhare runs the converted
    model, with one worker as by default, and with one for each core.

    Ends with 1 if a target was missed.
    """
    from offline.bench.analysing.run import Plan, measure

    found = measure(
        Plan(training, film, frames, repeats),
        lambda what: click.echo(f"  {what}", err=True),
    )
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)
    return 0 if all(target["met"] for target in found["targets"]) else 1


def _show(found: dict[str, Any]) -> None:
    from statistics import median

    from rich.table import Table

    from rig.commands.console import wide_console

    console = wide_console()
    table = Table(
        title=f"analyze_videos of DeepLabCut {found['deeplabcut']} and springhare "
        f"analyse; load {found['load']:.1f}"
    )
    for title in ("", "frames", "frames/s", "slowest, fastest", "times",
                  "px apart: median", "p99", "max"):  # fmt: skip
        table.add_column(title, justify="left" if not title else "right", no_wrap=True)
    for way, figures in found["ways"].items():
        rates = figures["frames_per_s"]
        table.add_row(
            way,
            str(figures["frames"]),
            f"{median(rates):.1f}",
            f"{min(rates):.1f}, {max(rates):.1f}",
            f"{figures['times_peer']:.2f}",
            f"{figures['median_px']:.1e}",
            f"{figures['p99_px']:.1e}",
            f"{figures['max_px']:.1e}",
        )
    console.print(table)
    for target in found["targets"]:
        state = "met" if target["met"] else "MISSED"
        console.print(
            f"{state}: {target['name']}: wanted {target['wanted']}, got "
            f"{target['got']:.3g}"
        )
