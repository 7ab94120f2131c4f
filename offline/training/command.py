"""What ``springhare train`` does with its options."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from inference.setup import setup_step
from offline.dataset.project import open_project
from offline.evaluation.display import show
from offline.evaluation.result import as_json
from offline.gate.command import promoted, show_outcome
from offline.gate.gate import PromoteWish, require_ready
from offline.gate.trial import Limits
from offline.training.curves import draw_curves
from offline.training.prepare import TrainingTerms, plan_training, prepare
from offline.training.progress import read_progress
from offline.training.report import PAGE_FILE, report
from offline.training.running import train
from offline.training_plan import MODEL_FILE, PLAN_FILE, read_plan
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.evaluation.result import Evaluation
    from offline.gate.command import Outcome
    from offline.training_plan import TrainingPlan

__all__ = ["Promotion", "TrainWish", "run_train"]

_CURVES_FILE = "curves.png"


@dataclass(frozen=True, slots=True)
class Promotion:
    """The rig that a model is trained for."""

    rig: Path
    task: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainWish:
    """What the user asked for."""

    project: Path | None
    """None where a training goes on."""
    out: Path
    terms: TrainingTerms
    """Of a new training."""
    promote: Promotion | None
    """Where the model is to go if it passes the gate; None: nowhere."""
    resume: bool
    dry_run: bool
    as_json: bool


def run_train(wish: TrainWish) -> int:
    """Train a model, or go on with it; tell of it, and try it for a rig.

    Returns
    -------
    int
        0; 1 if it was refused for the rig.

    Raises
    ------
    LabelError
        If the project is not what it must be, or has too few labels.
    ConfigError
        If there are no such parameters.
    ModelError
        If the folder is taken, or DeepLabCut could not train.
    """
    plan = _planned(wish)
    if not wish.as_json:
        _tell_plan(plan)
    if wish.dry_run:
        if wish.as_json:
            click.echo(plan.model_dump_json(indent=2))
        return 0
    train(wish.out)
    progress = read_progress(wish.out)
    draw_curves(progress, wish.out / _CURVES_FILE, f"{wish.out.name}: {plan.about}")
    found = report(wish.out)
    if not wish.as_json:
        _show(wish, found)
    outcome = None if wish.promote is None else _promoted(wish.out, wish.promote)
    if wish.as_json:
        click.echo(json.dumps(_told(wish, found, outcome), indent=2))
    elif outcome is not None:
        show_outcome(outcome)
    return 0 if outcome is None else outcome.status


def _planned(wish: TrainWish) -> TrainingPlan:
    if wish.resume or wish.project is None:
        plan = read_plan(wish.out)
        _require_same(plan, wish)
        _require_place(wish.promote, plan.bodyparts)
        return plan
    project = open_project(wish.project)
    plan = plan_training(project, wish.terms)
    _require_place(wish.promote, plan.bodyparts)
    if not wish.dry_run:
        prepare(wish.out, project, plan)
    return plan


def _require_same(plan: TrainingPlan, wish: TrainWish) -> None:
    """Refuse to go on with the training of another project."""
    if wish.project is None:
        return
    folder = open_project(wish.project).folder.resolve()
    if folder != Path(plan.project).resolve():
        msg = (
            f"Expected {plan.project}, whose training {wish.out} is, got {folder}: "
            "leave PROJECT out, or name another --out"
        )
        raise ModelError(msg)


def _require_place(promote: Promotion | None, bodyparts: Sequence[str]) -> None:
    """Refuse, before hours of work, a rig that could not take the model."""
    if promote is None:
        return
    rig, task = require_ready(promote.rig, promote.task)
    if task.inference is not None:
        setup_step(task, task.inference, bodyparts, rig)


def _promoted(folder: Path, place: Promotion) -> Outcome:
    return promoted(
        PromoteWish(
            model=str(folder),
            rig=place.rig,
            task=place.task,
            project=None,
            split=None,
            limits=Limits(),
            dry_run=False,
        )
    )


def _tell_plan(plan: TrainingPlan) -> None:
    click.echo(
        f"{len(plan.train)} frames to learn from, {len(plan.test)} to test: "
        f"{plan.split_remark}"
    )
    click.echo(f"{plan.about} ({plan.parameters_sha256[:12]}), {plan.start_words}")


def _show(wish: TrainWish, found: Evaluation) -> None:
    show(found, Console())
    click.echo(f"model: {wish.out / MODEL_FILE}")
    click.echo(f"learning curves: {wish.out / _CURVES_FILE}")
    click.echo(f"page: {wish.out / PAGE_FILE}")


def _told(
    wish: TrainWish, found: Evaluation, outcome: Outcome | None
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "model": str(wish.out / MODEL_FILE),
        "plan": json.loads((wish.out / PLAN_FILE).read_text("utf-8")),
        "curves": str(wish.out / _CURVES_FILE),
        "evaluation": as_json(found, str(wish.out / PAGE_FILE)),
    }
    return told if outcome is None else {**told, "promotion": outcome.found}
