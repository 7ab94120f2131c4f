"""Commands that ask a model, or a rule, about recorded sessions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from offline.models import Engine

__all__ = ["analyse"]


@click.command(short_help="A pose model over every recorded frame, after the session.")
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@click.option(
    "--model",
    required=True,
    help="bundled:mouse, an .onnx file, a DeepLabCut .pt export, or the folder of a "
    "TensorFlow export.",
)
@click.option(
    "--engine",
    type=click.Choice(["onnx", "torch", "dlclive"]),
    help="By default the one that reads the model best.",
)
@click.option(
    "--resize",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Factor by which pictures are shrunk first; poses are of the whole picture.",
)
@click.option("--camera", "cameras", multiple=True, help="Only this; several times.")
@click.option(
    "--batch",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Frames through the network at once, where the model can.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes, each with a network of its own.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Of each worker; by default its share of the cores.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="Folder for all files; by default derived/poses of each session, and beside "
    "each video.",
)
@click.option("--video", is_flag=True, help="Also a film with the keypoints in it.")
@click.option(
    "--video-from",
    "first_s",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Second with which the film begins.",
)
@click.option(
    "--video-to", "end_s", type=click.FloatRange(min=0), help="Second it ends with."
)
@click.option("--force", is_flag=True, help="Make poses that are there anew.")
@click.option("--dry-run", is_flag=True, help="Only tell; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def analyse(
    sources: tuple[Path, ...],
    model: str,
    engine: Engine | None,
    resize: float,
    cameras: tuple[str, ...],
    batch: int,
    workers: int,
    threads: int | None,
    out: Path | None,
    video: bool,
    first_s: float,
    end_s: float | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Let a pose model look at every frame of SOURCES: sessions and video files.

    Poses go into files that DeepLabCut and movement read. A run that was cut off goes
    on where it was when it is started again. Ends with 1 if a video is damaged, and so
    not all of its frames have a pose.
    """
    from offline.reanalysis.command import AnalyseWish, run_analyse
    from offline.reanalysis.labelled import Span

    wish = AnalyseWish(
        sources=sources,
        model=model,
        engine=engine,
        resize=resize,
        threads=threads,
        workers=workers,
        batch=batch,
        cameras=cameras,
        out=out,
        video=Span(first_s, end_s) if video else None,
        force=force,
        dry_run=dry_run,
        as_json=as_json,
    )
    return run_analyse(wish)
