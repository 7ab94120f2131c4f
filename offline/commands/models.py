"""Commands that make pose models, and judge them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rig.commands.outputs import OutFile, OutFolder, may_replace

if TYPE_CHECKING:
    from offline.models import Engine

__all__ = ["evaluate", "train"]


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
