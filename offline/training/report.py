"""What a training has come to: errors of train and test, in px, with gates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.project import open_project
from offline.evaluation.command import EvaluateWish, evaluate
from offline.evaluation.errors import GateLimits
from offline.evaluation.judging import Terms
from offline.evaluation.page import page
from offline.training_plan import MODEL_FILE, PLAN_FILE, TrainingPlan, read_plan
from rig.recording.disk import replace_file

if TYPE_CHECKING:
    from offline.dataset.labels import Labels
    from offline.evaluation.result import Evaluation

__all__ = ["PAGE_FILE", "farthest_px", "report"]

PAGE_FILE = "evaluation.html"
_LIKELY = 0.5
_LEAST_PARTS = 3
_ROOM = 1.25
"""Beyond the farthest place that was labelled."""


def report(folder: Path) -> Evaluation:
    """Hold a training's model against its own split, and write the page.

    The gates are a likelihood of 0.5, and a distance from the middle of the pose that
    is a quarter larger than any in the frames that were learnt from.

    Parameters
    ----------
    folder
        Of a training that has ended.

    Raises
    ------
    LabelError
        If the project has changed so that its frames cannot be found.
    ModelError
        If dlclive is not there to read the model.
    """
    plan = read_plan(folder)
    project = open_project(Path(plan.project))
    limits = GateLimits(_LIKELY, _jump_px(project.require_labels(), plan))
    wish = EvaluateWish(
        models=(str(folder / MODEL_FILE),),
        project=Path(plan.project),
        engine=None,
        resize=1.0,
        frames=None,
        split=folder / PLAN_FILE,
        limits=limits,
        terms=Terms(is_gated=True),
        out=None,
        as_json=False,
    )
    found = evaluate(wish, project)
    replace_file(folder / PAGE_FILE, page(found, project.folder).encode())
    return found


def _jump_px(labels: Labels, plan: TrainingPlan) -> float | None:
    learnt = {plan.images[k] for k in plan.train}
    rows = [k for k, image in enumerate(labels.images) if str(image) in learnt]
    far_px = farthest_px(labels.of(rows))
    return None if far_px is None else _ROOM * far_px


def farthest_px(labels: Labels) -> float | None:
    """Return how far a part lies from the middle of its pose, at most.

    The middle is the median of three labelled parts or more, as the gate has it.

    Returns
    -------
    float or None
        None where no picture has so many.
    """
    many = labels.is_labelled.sum(axis=1) >= _LEAST_PARTS
    if not many.any():
        return None
    places = labels.xy_px[many]
    apart = places - np.nanmedian(places, axis=1, keepdims=True)
    return float(np.nanmax(np.hypot(apart[..., 0], apart[..., 1])))
