"""A training's folder before it begins: the plan, and the project to train in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from offline.dataset.sources import animals_of
from offline.training.parameters import load_parameters
from offline.training.split import split_frames
from offline.training.working_project import in_order, make_working_project
from offline.training_plan import PLAN_FILE, SCRATCH, TrainingPlan, write_plan
from rig.errors import ModelError

if TYPE_CHECKING:
    from offline.dataset.labels import Labels
    from offline.dataset.project import Project

__all__ = ["TrainingTerms", "plan_training", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTerms:
    """What a person asks of a training."""

    parameters: str
    """Name of a set, or a file."""
    start: str | None
    """File of weights to begin with, or `SCRATCH`; None for DeepLabCut's choice."""
    test_share: float
    seed: int
    device: str
    minutes: float | None


def plan_training(project: Project, terms: TrainingTerms) -> TrainingPlan:
    """Return the plan of a training; nothing is written.

    Raises
    ------
    LabelError
        If the project has too few labelled frames.
    ConfigError
        If there are no such parameters.
    ModelError
        If there are no such start weights.
    """
    labels = in_order(project.require_labels())
    parameters = load_parameters(terms.parameters)
    split = split_frames(
        labels.videos,
        animals_of(project.folder, labels.images),
        terms.test_share,
        terms.seed,
    )
    return TrainingPlan(
        springhare=version("springhare"),
        project=str(project.folder.resolve()),
        images=[str(image) for image in labels.images],
        labels_sha256=_labels_sha256(labels),
        bodyparts=list(labels.bodyparts),
        train=split.train.tolist(),
        test=split.test.tolist(),
        split_by=split.by,
        split_remark=split.remark,
        parameters=parameters.model_dump(),
        parameters_name=terms.parameters,
        parameters_sha256=parameters.sha256,
        start=_place(terms.start),
        start_sha256=_file_sha256(terms.start),
        seed=terms.seed,
        device=terms.device,
        minutes=terms.minutes,
    )


def prepare(folder: Path, project: Project, plan: TrainingPlan) -> None:
    """Make the folder of a training.

    Raises
    ------
    ModelError
        If something is there already.
    """
    if folder.exists() and any(folder.iterdir()):
        what = "a training" if (folder / PLAN_FILE).exists() else "other files"
        msg = (
            f"Expected an empty folder for a training, got {what} in {folder}: name "
            "another with --out, or go on with it (--resume)"
        )
        raise ModelError(msg)
    labels = in_order(project.require_labels())
    share = len(plan.train) / len(plan.images)
    make_working_project(folder / "project", project, labels, share)
    write_plan(folder, plan)  # last: with it the training is there


def _labels_sha256(labels: Labels) -> str:
    told = hashlib.sha256()
    for image in labels.images:
        told.update(str(image).encode() + b"\0")
    told.update(labels.xy_px.astype("<f8").tobytes())
    return told.hexdigest()


def _place(start: str | None) -> str | None:
    return start if start in {None, SCRATCH} else str(Path(str(start)).resolve())


def _file_sha256(path: str | None) -> str | None:
    if path is None or path == SCRATCH:
        return None
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"Expected start weights at {path}, got {error.strerror}"
        raise ModelError(msg) from error
