"""Commands that ask a model, or a rule, about recorded sessions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from offline.picture_file import PictureFile
from rig.commands.outputs import OutFolder, may_replace

if TYPE_CHECKING:
    from offline.models import Engine

__all__ = ["analyse", "parity", "replay"]


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


class _NumberOr(click.ParamType):
    """An option's type: a number above 0, or a word."""

    name = "number"

    def __init__(self, word: str) -> None:
        self._word = word

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """Return the number, or the word."""
        if value == self._word:
            return value
        try:
            return click.FloatRange(min=0, min_open=True).convert(value, param, ctx)
        except click.BadParameter:
            self.fail(
                f"expected {self._word} or a number above 0, got {value!r}", param, ctx
            )


@click.command(short_help="A session decided on again: as it was, or as it would be.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option(
    "--task",
    type=click.Path(path_type=Path, exists=True),
    help="Another task: its file, or a session that was recorded with it.",
)
@click.option(
    "--model",
    help="Let a network look at the frames again: bundled:mouse, an .onnx file, a "
    "DeepLabCut .pt export, or the folder of a TensorFlow export.",
)
@click.option(
    "--engine",
    type=click.Choice(["onnx", "torch", "dlclive"]),
    help="Of --model; by default the task's for the model that looked live, else the "
    "one that reads it best.",
)
@click.option(
    "--network-ms",
    type=_NumberOr("measured"),
    metavar="X|measured",
    help="Of --model: choose the frames anew, as the live node would if a look took so "
    "long; measured times it here. By default frames and times are the recorded ones.",
)
@click.option(
    "--within-ms",
    type=click.FloatRange(min=0, min_open=True),
    show_default="100, times the slowness of a slowed simulation",
    help="Fires that are farther apart are not the same one.",
)
@click.option(
    "--speed",
    type=_NumberOr("max"),
    metavar="max|FACTOR",
    default="max",
    show_default=True,
    help="1 plays it as it happened, 2 twice as fast, and tells each decision as it "
    "comes.",
)
@click.option("--list", "listed", is_flag=True, help="Tell what became of each fire.")
@click.option(
    "--picture",
    "drawn",
    type=PictureFile(),
    help="Draw recorded and replayed fires over time.",
)
@may_replace
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def replay(
    session: Path,
    task: Path | None,
    model: str | None,
    engine: Engine | None,
    network_ms: float | Literal["measured"] | None,
    within_ms: float | None,
    speed: float | Literal["max"],
    listed: bool,
    drawn: Path | None,
    as_json: bool,
) -> int:
    """Decide on SESSION again, through the same step as live.

    Without options its own task is asked again, with the poses, signals and times that
    were recorded: it must decide as it did, bit for bit. --task asks another task, and
    --model lets another network look at the same frames: the table tells which fires
    are kept, gained or lost, earlier or later. The model that looked live must see the
    same again on the same machine. The exit status is 1 where what must be the same is
    not. Nothing is written but the --picture.
    """
    from offline.replay.command import ReplayWish, run_replay
    from offline.replay.work import Asked

    if model is None and (engine is not None or network_ms is not None):
        given = "--engine" if network_ms is None else "--network-ms"
        msg = f"expected --model with {given}, got none: name the network that looks"
        raise click.UsageError(msg)
    wish = ReplayWish(
        session=session,
        task=task,
        asked=Asked(
            model=model, engine=engine, network_ms=network_ms, within_ms=within_ms
        ),
        speed=None if speed == "max" else speed,
        listed=listed,
        picture=drawn,
        as_json=as_json,
    )
    return run_replay(wish)


@click.command(short_help="Live against offline: pixels, skipped frames, triggers.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option("--camera", "cameras", multiple=True, help="Only this; several times.")
@click.option(
    "--poses",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Offline poses of one camera: a file of springhare analyse, or of DeepLabCut.",
)
@click.option(
    "--model",
    help="Offline poses of this model: its name, or the beginning of its hash; by "
    "default those that springhare analyse made last.",
)
@click.option(
    "--within-ms",
    type=click.FloatRange(min=0, min_open=True),
    show_default="100, times the slowness of a slowed simulation",
    help="Fires that are farther apart are not the same one.",
)
@click.option(
    "--shift-ms",
    type=click.FloatRange(min=0, min_open=True),
    show_default="20, times the slowness of a slowed simulation",
    help="A live fire that is farther from the ideal one is a shifted one.",
)
@click.option(
    "--picture",
    "drawn",
    type=PictureFile(),
    help="Draw skipped frames, pixel error and fires over time.",
)
@may_replace
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def parity(
    session: Path,
    cameras: tuple[str, ...],
    poses: Path | None,
    model: str | None,
    within_ms: float | None,
    shift_ms: float | None,
    drawn: Path | None,
    as_json: bool,
) -> int:
    """Hold what was seen and decided live in SESSION against poses made afterwards.

    The offline poses are those of springhare analyse, of every recorded frame. How far
    the live ones are from them, by body part; which frames were skipped live; and what
    the session's rules would have decided on every frame without delay: which fires
    were found live, missed, false or shifted, and why.
    """
    from offline.parity.command import ParityWish, run_parity

    if poses is not None and model is not None:
        msg = "expected --poses or --model, got both"
        raise click.UsageError(msg)
    wish = ParityWish(
        session=session,
        cameras=cameras,
        poses=poses,
        model=model,
        within_ms=within_ms,
        shift_ms=shift_ms,
        picture=drawn,
        as_json=as_json,
    )
    return run_parity(wish)
