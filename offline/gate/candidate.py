"""The model that wants to go on the rig: found, and brought into the fast form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from inference.convert.proof import read_proof
from inference.convert.run import Plan, convert
from inference.model_file import find_model
from inference.runners.onnx import OnnxModel
from offline.evaluation.training import read_training
from offline.training_plan import MODEL_FILE, PLAN_FILE, TrainingPlan, read_plan
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.convert.proof import Proof

__all__ = ["Candidate", "FastForm", "fast_form", "find_candidate"]

TRAINING = "training"
"""Key in a model's metadata: what it was trained on."""
_SAID = ("project", "images", "train", "test", "split_remark", "labels_sha256",
         "parameters_name", "parameters_sha256", "seed")  # fmt: skip
"""What of a training's plan goes with the model."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model, and where it comes from."""

    model: str
    """As `inference.model_file.find_model` takes it."""
    name: str
    """What its file will be called."""
    training: TrainingPlan | None
    """None where it is not known."""
    learnt: frozenset[str]
    """Pictures that it was trained on, as far as files beside it say, by
    `offline.evaluation.frames.picture_key`."""

    @property
    def held_out(self) -> list[str] | None:
        """Pictures that the training kept for the test; None where not known."""
        plan = self.training
        return None if plan is None else [plan.images[k] for k in plan.test]


@dataclass(frozen=True, slots=True)
class FastForm:
    """A model as a rig runs it."""

    name: str
    """What its file will be called."""
    content: bytes
    """Of the file."""
    sha256: str
    bodyparts: tuple[str, ...]
    proof: Proof | None
    """That it finds what the original finds; None where it was no conversion."""


def find_candidate(model: str) -> Candidate:
    """Find a model: the folder of a training, an export, or an .onnx file.

    Raises
    ------
    ModelError
        If there is none, or the training has not ended.
    """
    folder = Path(model)
    if folder.is_file() and folder.name == MODEL_FILE:
        folder = folder.parent
    if not (folder / PLAN_FILE).is_file():
        file = find_model(model)
        return Candidate(model, file.path.resolve().stem, None, _learnt(file.path))
    if not (folder / MODEL_FILE).is_file():
        msg = (
            f"Expected a training that has ended in {folder}, got no {MODEL_FILE}: go "
            f"on with it (springhare train --resume --out {folder})"
        )
        raise ModelError(msg)
    plan = read_plan(folder)
    name = f"{Path(plan.project).name}-{folder.resolve().name}"
    path = folder / MODEL_FILE
    return Candidate(str(path), name, plan, _learnt(path))


def _learnt(path: Path) -> frozenset[str]:
    return read_training("", path, {}).images or frozenset()


def fast_form(
    candidate: Candidate,
    pictures: Path | None,
    sizes_px: tuple[tuple[int, int], ...],
    *,
    colour: bool,
    progress: Callable[[str, int], Callable[[], None]],
) -> FastForm:
    """Bring a model into the form that the rig runs, with proof.

    Parameters
    ----------
    candidate
        The model; an .onnx file is taken as it is.
    pictures
        Folder of pictures on which the two forms are held against each other; None
        for drawn ones.
    sizes_px
        Width and height of the rig's pictures.
    colour
        Whether the rig's cameras see colours.
    progress
        As of `inference.convert.run.convert`.

    Raises
    ------
    ModelError
        If it cannot be converted, or finds something else than the original.
    """
    file = find_model(candidate.model)
    with TemporaryDirectory(prefix="springhare-gate-") as folder:
        path = file.path
        if file.form != "onnx":
            path = Path(folder) / f"{candidate.name}.onnx"
            plan = Plan(
                model=candidate.model,
                out=path,
                name=candidate.name,
                colour=colour,
                frames=pictures,
                sizes=sizes_px,
                facts=_facts(candidate.training),
            )
            outcome = convert(plan, progress)
            if not outcome.proven:
                msg = (
                    f"Expected the fast form of {candidate.model} within 0.1 px of "
                    f"dlclive, got {outcome.proof.max_px:.3g} px: it stays as it is"
                )
                raise ModelError(msg)
        found = find_model(str(path))
        model = OnnxModel(found, 1)
        try:
            proof = read_proof(model.metadata)
            return FastForm(
                name=candidate.name,
                content=path.read_bytes(),
                sha256=found.sha256,
                bodyparts=model.bodyparts,
                proof=proof,
            )
        finally:
            model.close()


def _facts(plan: TrainingPlan | None) -> dict[str, str]:
    if plan is None:
        return {}
    return {TRAINING: json.dumps(plan.model_dump(include=set(_SAID)))}
