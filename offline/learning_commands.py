"""Commands of the way from sessions to a better model; each imports what it needs."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rig.commands.outputs import OutFile, OutFolder, may_replace

if TYPE_CHECKING:
    from offline.dataset.choosing import Criterion
    from offline.models import Engine

__all__ = ["analyse", "evaluate", "frames", "train"]


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


@click.command(short_help="Pose models against labelled frames: errors, and a page.")
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--on",
    "project",
    required=True,
    type=click.Path(path_type=Path),
    help="DeepLabCut project with labelled frames.",
)
@click.option(
    "--engine",
    type=click.Choice(["onnx", "torch", "dlclive"]),
    help="Of all models; by default the best for each.",
)
@click.option(
    "--resize",
    type=click.FloatRange(0.1, 1),
    default=1.0,
    show_default=True,
    help="Shrink pictures first; errors stay in px of the whole picture.",
)
@click.option(
    "--frames",
    "chosen",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Only these pictures: a JSON list, or a text file with one name a line.",
)
@click.option(
    "--split",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Train and test apart: JSON with both lists (springhare-training.json too).",
)
@click.option(
    "--gate-likelihood",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Also the figures without predictions that are less likely.",
)
@click.option(
    "--gate-jump",
    "gate_jump_px",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PX",
    help="Also those without parts farther than this from the middle of their pose.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--repeats",
    type=click.IntRange(100, 100_000),
    default=2000,
    show_default=True,
    help="Draws of the bootstrap, and flips of the test.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@may_replace
@click.option(
    "--out",
    type=OutFile(),
    help="The page; by default evaluation-PROJECT-TIME.html in the working folder.",
)
def evaluate(
    models: tuple[str, ...],
    project: Path,
    engine: Engine | None,
    resize: float,
    chosen: Path | None,
    split: Path | None,
    gate_likelihood: float | None,
    gate_jump_px: float | None,
    seed: int,
    repeats: int,
    as_json: bool,
    out: Path | None,
) -> int:
    """Hold MODELS against the labelled frames of a project, and compare them.

    A model is bundled:mouse, an .onnx file or a DeepLabCut export. Others are compared
    with the first. What a model may have been trained on is no test of it: the page
    says so where that is so, or not known.
    """
    from offline.evaluation.command import EvaluateWish, run_evaluate
    from offline.evaluation.errors import GateLimits
    from offline.evaluation.judging import Terms

    if chosen is not None and split is not None:
        msg = "expected --frames or --split, got both: leave one out"
        raise click.UsageError(msg)
    limits = GateLimits(gate_likelihood, gate_jump_px)
    wish = EvaluateWish(
        models=models,
        project=project,
        engine=engine,
        resize=resize,
        frames=chosen,
        split=split,
        limits=limits,
        terms=Terms(seed=seed, repeats=repeats, is_gated=limits.are_set),
        out=out,
        as_json=as_json,
    )
    return run_evaluate(wish)


@click.group(short_help="Frames to be labelled: choose them, and check the labels.")
def frames() -> None:
    """Frames that a pose model is trained with."""


@frames.command("pick", short_help="Choose frames of sessions that are worth a label.")
@click.argument(
    "sessions",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True),
)
@click.option(
    "--project",
    required=True,
    type=OutFolder(),
    help="DeepLabCut project that they go into; a new one is made where there is none.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="How many frames in all.",
)
@click.option(
    "--by",
    "criteria",
    multiple=True,
    type=click.Choice(["appearance", "likelihood", "jumps"]),
    help="What makes a frame worth it, in turns; by default all: that it looks unlike "
    "the others, that the live model was unsure, that a part leapt.",
)
@click.option("--camera", "cameras", multiple=True, help="Only this; several times.")
@click.option(
    "--every-camera",
    is_flag=True,
    help="With each frame what the session's other cameras saw at that instant.",
)
@click.option(
    "--apart",
    "apart_s",
    type=click.FloatRange(min=0),
    default=0.25,
    show_default=True,
    help="No two frames of a camera are closer than so many seconds.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--scorer", help="Of a new project: who labels; by default your login.")
@click.option(
    "--bodypart",
    "bodyparts",
    multiple=True,
    help="Of a new project; by default those of the sessions' live model.",
)
@click.option("--dry-run", is_flag=True, help="Only tell; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was chosen as JSON.")
def pick(
    sessions: tuple[Path, ...],
    project: Path,
    count: int,
    criteria: tuple[Criterion, ...],
    cameras: tuple[str, ...],
    every_camera: bool,
    apart_s: float,
    seed: int,
    scorer: str | None,
    bodyparts: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Choose frames of SESSIONS and put them into a DeepLabCut project.

    Each picture is the frame as it was recorded, named by its number. Frames near to
    those that the project has are not chosen. Label them with DeepLabCut's own window
    or with napari-deeplabcut.
    """
    from offline.dataset.choosing import CRITERIA
    from offline.dataset.command import PickWish, run_pick
    from offline.dataset.pick import Terms

    terms = Terms(
        count=count,
        criteria=criteria or CRITERIA,
        apart_s=apart_s,
        every_camera=every_camera,
        seed=seed,
    )
    wish = PickWish(
        sessions=sessions,
        project=project,
        terms=terms,
        cameras=cameras,
        scorer=scorer or getpass.getuser(),
        bodyparts=bodyparts,
        dry_run=dry_run,
        as_json=as_json,
    )
    return run_pick(wish)


@frames.command("check", short_help="Find errors of the labels, and show them.")
@click.argument("project", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Contact sheet; more of them beside it. By default in springhare-check in the "
    "project's folder.",
)
@click.option("--force", is_flag=True, help="Replace sheets that are there at --out.")
@click.option(
    "--all", "all_frames", is_flag=True, help="Also sheets of all labelled pictures."
)
@click.option("--strict", is_flag=True, help="End with 1 where anything is suspect.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def check(
    project: Path,
    out: Path | None,
    force: bool,
    all_frames: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Find errors of the labels of a DeepLabCut PROJECT.

    Left and right that were exchanged, parts where the animal's shape does not allow
    them, parts off the animal or the picture, labels copied from one picture to the
    next, pictures that are there twice, and what is not labelled. Suspects are drawn,
    the worst first. Nothing in the project is changed.
    """
    from offline.dataset.checking.command import CheckWish, run_check

    wish = CheckWish(
        project=project,
        out=out,
        force=force,
        all_frames=all_frames,
        strict=strict,
        as_json=as_json,
    )
    return run_check(wish)


@click.command(short_help="Train a pose model on labelled frames, with DeepLabCut 3.")
@click.argument("project", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=OutFolder(),
    help="Folder of this training; by default trainings/PARAMETERS-SEED in PROJECT.",
)
@click.option(
    "--parameters",
    default="light",
    show_default=True,
    help="Set of training parameters: light (for a processor), deeplabcut (its own "
    "ResNet-50, for a GPU), or a YAML file.",
)
@click.option(
    "--start",
    help="Weights to begin with: a snapshot or an export of DeepLabCut 3, or scratch; "
    "by default DeepLabCut fetches some from the internet.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.5),
    help="Time that it may take here; by default the set's number of epochs.",
)
@click.option(
    "--test",
    "test_share",
    type=click.FloatRange(0, 0.9, min_open=True),
    default=0.2,
    show_default=True,
    help="Share of the frames that is kept for the test: whole animals or recordings "
    "where there are enough.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda, or cuda:1.",
)
@click.option("--resume", is_flag=True, help="Go on with the training in --out.")
@click.option("--dry-run", is_flag=True, help="Only tell the plan; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def train(
    project: Path,
    out: Path | None,
    parameters: str,
    start: str | None,
    minutes: float | None,
    test_share: float,
    seed: int,
    device: str,
    resume: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Train a pose model on the labelled frames of a DeepLabCut PROJECT.

    PROJECT stays as it is. The training's folder keeps the plan with the hash of its
    parameters, the split, the log, learning curves, and the model (model.pt, which
    springhare convert makes fast). Killed or stopped, it goes on with --resume.
    """
    from offline.training.command import TrainWish, run_train
    from offline.training.prepare import TrainingTerms

    place = out or project / "trainings" / f"{Path(parameters).stem}-{seed}"
    terms = TrainingTerms(
        parameters=parameters,
        start=start,
        test_share=test_share,
        seed=seed,
        device=device,
        minutes=minutes,
    )
    wish = TrainWish(
        project=project,
        out=place,
        terms=terms,
        resume=resume,
        dry_run=dry_run,
        as_json=as_json,
    )
    return run_train(wish)
