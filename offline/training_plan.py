"""What one training is: written before it begins, so that it can go on after a kill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rig.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "MODEL_FILE",
    "PLAN_FILE",
    "PROGRESS_FILE",
    "SCRATCH",
    "TrainingPlan",
    "read_plan",
    "write_plan",
]

PLAN_FILE, PROGRESS_FILE = "springhare-training.json", "progress.jsonl"
MODEL_FILE = "model.pt"
"""What a training ends with: an export of DeepLabCut."""

SCRATCH = "scratch"
"""Instead of start weights: nothing learnt yet."""


class TrainingPlan(BaseModel):
    """A training; all that makes its result what it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["springhare-training/1"] = "springhare-training/1"
    springhare: str
    project: str
    """Folder of the labelled frames."""
    images: list[str]
    """In DeepLabCut's order: what the numbers of the split mean."""
    labels_sha256: str
    bodyparts: list[str]
    train: list[int]
    test: list[int]
    split_by: str
    split_remark: str
    parameters: dict[str, Any]
    parameters_name: str
    parameters_sha256: str
    start: str | None
    """Weights that were begun with, or `SCRATCH`; None for those that DeepLabCut
    fetches."""
    start_sha256: str | None
    seed: int
    device: str
    minutes: float | None
    """Time that it may take; None for the set's own number of epochs."""
    epochs: int | None = None
    """Decided once the first epoch has shown how long one takes."""
    evaluations: int | None = None
    """Of the test frames, for the learning curve; decided with it."""

    @property
    def about(self) -> str:
        """The parameters, in words."""
        return str(self.parameters.get("about") or self.parameters_name)

    @property
    def start_words(self) -> str:
        """What is begun with, in words."""
        if self.start is None:
            return "start weights from the internet"
        return "from scratch" if self.start == SCRATCH else f"start: {self.start}"


def write_plan(folder: Path, plan: TrainingPlan) -> None:
    """Write it into the folder of a training, over the last one."""
    path = folder / PLAN_FILE
    draft = path.with_suffix(".new")
    draft.write_text(plan.model_dump_json(indent=1) + "\n", "utf-8")
    draft.replace(path)


def read_plan(folder: Path) -> TrainingPlan:
    """Read the plan of a training.

    Raises
    ------
    ModelError
        If there is none, or it is not what it must be.
    """
    path = folder / PLAN_FILE
    try:
        return TrainingPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        msg = f"Expected a training in {folder}, got no {PLAN_FILE} ({error.strerror})"
        raise ModelError(msg) from error
    except ValidationError as error:
        msg = f"Expected a training's plan in {path}, got: {error}"
        raise ModelError(msg) from error
