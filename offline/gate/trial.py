"""A candidate against the model that is on the rig: all checks, nothing changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.setup import setup_step
from offline.dataset.project import open_project
from offline.evaluation.command import EvaluateWish, evaluate
from offline.evaluation.errors import GateLimits
from offline.evaluation.judging import Terms
from offline.evaluation.resampling import draws, units_of
from offline.gate.accuracy import MARGIN_PX, Rival, accuracy
from offline.gate.acting import acted_parts, likelihood
from offline.gate.checks import Check, parity
from offline.gate.current import find_current
from offline.gate.frames import fair_names, unseen
from offline.gate.timing import timed
from offline.gate.usable import usable
from rig.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from offline.evaluation.result import Evaluation
    from offline.gate.candidate import FastForm
    from offline.gate.frames import Held
    from rig.config.rig import RigConfig
    from rig.config.task import InferenceConfig, TaskConfig

__all__ = ["Limits", "Trial", "try_model"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much worse a candidate may seem, and how far off it may be."""

    margin_px: float | None = None
    """None: what may be chance, see `offline.gate.accuracy`."""
    most_px: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What came of it."""

    checks: tuple[Check, ...]
    evaluation: Evaluation


def try_model(
    fast: FastForm,
    folder: Path,
    rig: RigConfig,
    task: TaskConfig,
    held: Held,
    limits: Limits,
) -> Trial:
    """Ask all that is asked of a model before it goes on the rig.

    Parameters
    ----------
    fast
        The candidate.
    folder
        A temporary one.
    rig, task
        Where it would run; the rig's own model is the current one.
    held
        Frames that it has not learnt.
    limits
        How far off it may be.

    Raises
    ------
    LabelError
        If the frames are not what they must be.
    ModelError
        If the candidate cannot see the rig's pictures.
    """
    inference = task.inference
    if inference is None:
        msg = f"Expected a task with an inference section, got {task.name} without one"
        raise ConfigError(msg)
    path = folder / f"{fast.name}.onnx"
    path.write_bytes(fast.content)
    labels = open_project(held.project).require_labels()
    current = find_current(rig, labels.bodyparts, inference.resize)
    names, left_out = fair_names(held, labels.images, current.learnt)
    found = _evaluated(path, current.model, held, names, task)
    remarks = [*filter(None, [current.why_not]), *left_out]
    checks = (
        _fits(task, inference, fast, rig),
        parity(fast.proof),
        unseen(found, held, remarks),
        _accuracy(found, current.model, task, limits),
        timed(path, current.model, rig, task, inference),
    )
    return Trial(checks, found)


def _evaluated(
    path: Path,
    current: str | None,
    held: Held,
    names: list[str] | None,
    task: TaskConfig,
) -> Evaluation:
    chosen = None
    if names is not None:
        chosen = path.with_suffix(".frames.json")
        chosen.write_text(json.dumps(names), "utf-8")
    wish = EvaluateWish(
        models=(str(path),) if current is None else (current, str(path)),
        project=held.project,
        engine=None,
        resize=1.0 if task.inference is None else task.inference.resize,
        frames=chosen,
        split=None,
        limits=GateLimits(likelihood=likelihood(task)),
        terms=Terms(is_gated=True),
        out=None,
        as_json=True,
    )
    return evaluate(wish, open_project(held.project))


def _fits(
    task: TaskConfig, inference: InferenceConfig, fast: FastForm, rig: RigConfig
) -> Check:
    try:
        setup_step(task, inference, fast.bodyparts, rig)
    except ConfigError as error:
        return Check("task", "FAIL", str(error))
    return Check("task", "PASS", f"{task.name} has the body parts that it asks for")


def _accuracy(
    found: Evaluation, current: str | None, task: TaskConfig, limits: Limits
) -> Check:
    candidate = found.sets[0].models[-1]
    room_px = MARGIN_PX if limits.margin_px is None else limits.margin_px
    rival = None if current is None else _rival(found, task, room_px)
    return accuracy(
        candidate, rival, margin_px=limits.margin_px, most_px=limits.most_px
    )


def _rival(found: Evaluation, task: TaskConfig, room_px: float) -> Rival:
    [judged], (first, other) = found.sets, found.seen
    random = np.random.default_rng(found.terms.seed)
    units = units_of(found.groups, judged.group_kind)
    only = first.parts & ~other.parts
    return Rival(
        current=judged.models[0],
        comparison=judged.comparisons[0],
        usable=usable(
            first,
            other,
            parts=found.parts,
            is_labelled=np.isfinite(found.labels_px).all(axis=2),
            weights=draws(units, found.terms.repeats, random),
            room_px=room_px,
        ),
        acted=acted_parts(task),
        lacking=tuple(
            p for p, is_lost in zip(found.parts, only, strict=True) if is_lost
        ),
    )
