"""Commands that make pose models, and judge them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rig.commands.extras import require_packages
from rig.commands.outputs import OutFile, OutFolder, may_replace

if TYPE_CHECKING:
    from offline.models import Engine

__all__ = ["evaluate", "promote", "train"]

_OFFLINE = ("offline", "PIL", "pandas", "tables")
"""The extra, and what these commands need of it."""


@click.command(short_help="Train a pose model on labelled frames, with DeepLabCut 3.")
@click.argument("project", required=False, type=click.Path(path_type=Path))
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
@click.option(
    "--rig",
    "rig_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rig file: afterwards as springhare promote does, with --task.",
)
@click.option(
    "--task",
    "task_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Task that will run it on that rig.",
)
@click.option("--dry-run", is_flag=True, help="Only tell the plan; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def train(
    project: Path | None,
    out: Path | None,
    parameters: str,
    start: str | None,
    minutes: float | None,
    test_share: float,
    seed: int,
    device: str,
    resume: bool,
    rig_file: Path | None,
    task_file: Path | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Train a pose model on the labelled frames of a DeepLabCut PROJECT.

    PROJECT stays as it is. The training's folder keeps the plan with the hash of its
    parameters, the split, the log, learning curves, and the model (model.pt, which
    springhare convert makes fast), and its errors on what it learnt and on what was
    kept for the test. Killed or stopped, it goes on with --resume --out FOLDER, as
    it was planned. With --rig and --task the model is tried for that rig, and becomes
    its model if it passes.
    """
    require_packages("train", "PIL", "matplotlib", "pandas", "tables")
    from offline.training.command import Promotion, TrainWish, run_train
    from offline.training.prepare import TrainingTerms

    if (rig_file is None) != (task_file is None):
        msg = "expected --rig and --task together, got one of them"
        raise click.UsageError(msg)
    promote = None if not (rig_file and task_file) else Promotion(rig_file, task_file)
    if project is not None:
        out = out or project / "trainings" / f"{Path(parameters).stem}-{seed}"
    elif out is None or not resume:
        msg = "expected PROJECT, got none: it can be left out with --resume and --out"
        raise click.UsageError(msg)
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
        out=out,
        terms=terms,
        promote=promote,
        resume=resume,
        dry_run=dry_run,
        as_json=as_json,
    )
    return run_train(wish)


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
    require_packages(*_OFFLINE)
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


@click.command(short_help="Make a model the rig's, if it is better and fast enough.")
@click.argument("model", required=False)
@click.option(
    "--rig",
    "rig_file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rig file, whose model it is to be.",
)
@click.option(
    "--task",
    "task_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Task that will run it: its latency_budget, its rules and its cameras.",
)
@click.option(
    "--on",
    "project",
    type=click.Path(path_type=Path, exists=True),
    help="DeepLabCut project with labelled frames that MODEL has not learnt; by "
    "default those that its training kept for the test.",
)
@click.option(
    "--split",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Only the test frames of this split: JSON with train and test.",
)
@click.option(
    "--margin",
    "margin_px",
    type=click.FloatRange(min=0),
    metavar="PX",
    help="By so much its median error may be larger than the current model's; by "
    "default 0.5, and 0.1 where the difference is sure.",
)
@click.option(
    "--most",
    "most_px",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PX",
    help="Its median error must be at most this.",
)
@click.option("--back", is_flag=True, help="Return to the model before this one.")
@click.option("--dry-run", is_flag=True, help="Only tell; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def promote(
    model: str | None,
    rig_file: Path,
    task_file: Path | None,
    project: Path | None,
    split: Path | None,
    margin_px: float | None,
    most_px: float | None,
    back: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Make MODEL the model of a rig, if it passes.

    MODEL is the folder of a training, a DeepLabCut export, or an .onnx file. It is
    brought into the fast form, held against dlclive, against the rig's current model
    on frames that it has not learnt, and against the time that the task allows. Only
    then the rig file names it. Ends with 1 if it was refused.
    """
    require_packages(*_OFFLINE)
    from offline.gate.command import run_back, run_promote
    from offline.gate.gate import PromoteWish
    from offline.gate.trial import Limits

    if back:
        if model is not None:
            msg = f"expected MODEL or --back, got both ({model}): leave one out"
            raise click.UsageError(msg)
        return run_back(rig_file, dry_run=dry_run, as_json=as_json)
    if model is None or task_file is None:
        msg = "expected MODEL and --task (or --back)"
        raise click.UsageError(msg)
    wish = PromoteWish(
        model=model,
        rig=rig_file,
        task=task_file,
        project=project,
        split=split,
        limits=Limits(margin_px, most_px),
        dry_run=dry_run,
        as_json=as_json,
    )
    return run_promote(wish)
