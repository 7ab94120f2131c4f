"""What ``springhare train`` does with its options."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from offline.dataset.project import open_project
from offline.training.curves import draw_curves
from offline.training.plan import MODEL_FILE, PLAN_FILE, read_plan
from offline.training.prepare import TrainingTerms, plan_training, prepare
from offline.training.progress import read_progress
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from offline.training.plan import TrainingPlan

__all__ = ["TrainWish", "run_train"]

_LOG_FILE = "log.txt"
_CURVES_FILE = "curves.png"
_LOOK_S = 1.0
_LAST_LINES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainWish:
    """What the user asked for."""

    project: Path
    out: Path
    terms: TrainingTerms
    resume: bool
    dry_run: bool
    as_json: bool


def run_train(wish: TrainWish) -> int:
    """Train a model, or go on with it; tell of it.

    Raises
    ------
    LabelError
        If the project is not what it must be, or has too few labels.
    ConfigError
        If there are no such parameters.
    ModelError
        If the folder is taken, or DeepLabCut could not train.
    """
    if wish.resume:
        plan = read_plan(wish.out)
    else:
        project = open_project(wish.project)
        plan = plan_training(project, wish.terms)
        if not wish.dry_run:
            prepare(wish.out, project, plan)
    if not wish.as_json:
        _tell_plan(plan)
    if wish.dry_run:
        if wish.as_json:
            click.echo(plan.model_dump_json(indent=2))
        return 0
    _train(wish.out)
    progress = read_progress(wish.out)
    draw_curves(progress, wish.out / _CURVES_FILE, f"{wish.out.name}: {plan.about}")
    _tell(wish)
    return 0


def _tell_plan(plan: TrainingPlan) -> None:
    click.echo(
        f"{len(plan.train)} frames to learn from, {len(plan.test)} to test: "
        f"{plan.split_remark}"
    )
    click.echo(f"{plan.about} ({plan.parameters_sha256[:12]}), {plan.start_words}")


def _train(folder: Path) -> None:
    """Run the worker and show how far it is, until it ends.

    Ctrl-C ends it; what its last snapshot knows is kept.
    """
    with (folder / _LOG_FILE).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "offline.training.worker", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
        )
        try:
            with _shown(folder) as show:
                while not _ended(process):
                    show()
        except KeyboardInterrupt as stopped:
            process.send_signal(signal.SIGTERM)
            process.wait()
            msg = f"stopped: springhare train --resume --out {folder} goes on"
            raise ModelError(msg) from stopped
    if process.returncode or not (folder / MODEL_FILE).exists():
        lines = (folder / _LOG_FILE).read_text("utf-8", "replace").splitlines()
        last = "\n".join(lines[-_LAST_LINES:])
        msg = (
            f"Expected DeepLabCut to train, got exit status {process.returncode}; the "
            f"end of {folder / _LOG_FILE}:\n{last}"
        )
        raise ModelError(msg)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_LOOK_S)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _shown(folder: Path) -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn())
    columns = (*columns, TextColumn("{task.fields[words]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("DeepLabCut begins", total=None, words="")

        def show() -> None:
            now = read_progress(folder)
            words = ""
            if now.train_loss:
                words = f"loss {list(now.train_loss.values())[-1]:.5f}"
            if now.test_rmse_px:
                words += f", test RMSE {list(now.test_rmse_px.values())[-1]:.1f} px"
            if now.left_s is not None:
                minutes, seconds = divmod(round(now.left_s), 60)
                words += f", {minutes}:{seconds:02d} left"
            epochs = "" if now.epochs is None else f" {now.epoch} of {now.epochs}"
            bar.update(
                task,
                description=f"{now.state}{epochs}",
                completed=now.epoch,
                total=now.epochs,
                words=words,
            )

        yield show


def _tell(wish: TrainWish) -> None:
    model = wish.out / MODEL_FILE
    if wish.as_json:
        found = {
            "model": str(model),
            "plan": json.loads((wish.out / PLAN_FILE).read_text("utf-8")),
            "curves": str(wish.out / _CURVES_FILE),
        }
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"model: {model}")
    click.echo(f"learning curves: {wish.out / _CURVES_FILE}")
