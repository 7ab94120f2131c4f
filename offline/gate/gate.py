"""The whole way of a model to a rig: found, made fast, tried, put in place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from inference.model_file import find_model
from offline.evaluation.frames import read_split
from offline.gate.candidate import fast_form, find_candidate
from offline.gate.checks import passed
from offline.gate.folder import models_folder
from offline.gate.frames import Held
from offline.gate.history import changes
from offline.gate.promote import install, report
from offline.gate.rig_file import require_own
from offline.gate.trial import try_model
from rig.config.loading import load_rig, load_task
from rig.config.together import RIG_MODEL, with_rig_model
from rig.errors import ConfigError, LabelError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from offline.gate.candidate import Candidate, FastForm
    from offline.gate.checks import Check
    from offline.gate.trial import Limits
    from rig.config.rig import RigConfig
    from rig.config.task import TaskConfig

    Progress = Callable[[str, int], Callable[[], None]]

__all__ = ["Outcome", "PromoteWish", "promote", "require_ready"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteWish:
    """What the user asked for."""

    model: str
    rig: Path
    task: Path
    project: Path | None
    """With the labelled frames to be judged on; None for those of the training."""
    split: Path | None
    limits: Limits
    dry_run: bool
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    status: int
    """0 if it is the rig's model now, or would be; 1 if it was refused."""
    checks: tuple[Check, ...]
    told: str
    found: dict[str, Any]
    """For programs."""


def promote(wish: PromoteWish, progress: Progress) -> Outcome:
    """Try a model, and make it the rig's if it passes.

    Parameters
    ----------
    wish
        What is wanted.
    progress
        Begins a part of so many steps; returns what to call after each.

    Raises
    ------
    SpringhareError
        If the model, the files or the frames are not what they must be.
    """
    rig, task = require_ready(wish.rig, wish.task)
    candidate = find_candidate(wish.model)
    held = _held(wish, candidate)
    fast = _fast_form(candidate, held, rig, task, progress)
    if _is_there(rig, fast):
        told = f"{wish.model} is the model of {rig.name} already: nothing was changed"
        return Outcome(0, (), told, {"promoted": True, "model": rig.model})
    with TemporaryDirectory(prefix="springhare-gate-") as folder:
        trial = try_model(fast, Path(folder), rig, task, held, wish.limits)
    good = passed(trial.checks)
    found: dict[str, Any] = {
        "promoted": good and not wish.dry_run,
        "model_sha256": fast.sha256,
        "checks": [asdict(check) for check in trial.checks],
    }
    status = 0 if good else 1
    if wish.dry_run:
        words = "would be" if good else "would not be"
        told = f"It {words} promoted (--dry-run)."
        return Outcome(status, trial.checks, told, found)
    folder = models_folder(wish.rig, rig.name)
    shown = report(folder, fast, trial, held.project)
    found["page"] = str(shown)
    if good:
        path = install(wish.rig, rig, fast, shown)
        found |= {"model": str(path), "was": rig.model}
        told = (
            f"{path}\nis now the model of {rig.name}; before: {rig.model or 'none'}. "
            f"Back: springhare promote --back --rig {quote(str(wish.rig))}\n"
            f"page: {shown}"
        )
    else:
        kept = rig.model or "none"
        told = f"Not promoted: the model of {rig.name} stays {kept}.\npage: {shown}"
    return Outcome(status, trial.checks, told, found)


def require_ready(rig_file: Path, task_file: Path) -> tuple[RigConfig, TaskConfig]:
    """Read a rig and a task, and refuse those that no model could be promoted for.

    Raises
    ------
    ConfigError
        If the rig file cannot be changed or its history not be read, or the task does
        not take the rig's model, or takes another engine than onnx.
    """
    require_own(rig_file)
    rig, task = load_rig(rig_file), load_task(task_file)
    changes(models_folder(rig_file, rig.name))
    if task.inference is None or task.inference.model != RIG_MODEL:
        got = "none" if task.inference is None else task.inference.model
        msg = (
            f"Expected a task that takes the rig's model, got {got} as inference.model "
            f"in {task_file}: write `model: {RIG_MODEL}` there"
        )
        raise ConfigError(msg)
    if task.inference.engine != "onnx":
        msg = (
            f"Expected a task with inference.engine onnx, got {task.inference.engine} "
            f"in {task_file}: a promoted model is an .onnx file"
        )
        raise ConfigError(msg)
    unknown = [name for name in task.inference.cameras if name not in rig.cameras]
    if unknown:
        msg = (
            f"Expected cameras of {rig.name} in {task_file}, got {', '.join(unknown)}; "
            f"there are: {', '.join(rig.cameras)}"
        )
        raise ConfigError(msg)
    return rig, with_rig_model(rig, task)


def _held(wish: PromoteWish, candidate: Candidate) -> Held:
    if wish.split is not None:
        names = read_split(wish.split)["test"]
    elif wish.project is None:
        names = candidate.held_out
    else:
        names = None
    project = wish.project
    if project is None and candidate.training is not None:
        project = Path(candidate.training.project)
    if project is None:
        msg = (
            f"Expected labelled frames that {wish.model} has not learnt, got none: "
            "name a DeepLabCut project with --on"
        )
        raise LabelError(msg)
    folder = project.parent if project.is_file() else project
    return Held(folder, None if names is None else tuple(names), candidate.learnt)


def _fast_form(
    candidate: Candidate,
    held: Held,
    rig: RigConfig,
    task: TaskConfig,
    progress: Progress,
) -> FastForm:
    names = () if task.inference is None else task.inference.cameras
    cameras = [rig.cameras[name] for name in names]
    return fast_form(
        candidate,
        held.project / "labeled-data",
        tuple({(one.width_px, one.height_px): None for one in cameras}),
        colour=any(one.pixel_format == "RGB8" for one in cameras),
        progress=progress,
    )


def _is_there(rig: RigConfig, fast: FastForm) -> bool:
    try:
        return rig.model is not None and find_model(rig.model).sha256 == fast.sha256
    except ModelError:
        return False
