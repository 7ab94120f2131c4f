"""Whether a task would be run: held against its rig and its model, as a dry run does.

Faults here are faults there, in the same words. What cannot be looked at without a rig
file, or without loading the model, is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.model import load_engine
from inference.model_file import find_model
from inference.setup import setup_step
from offline.rules_check.result import Doubt
from rig.config.base import dotted
from rig.config.document import read_document
from rig.config.session import SessionConfig
from rig.config.together import RIG_MODEL, together_faults
from rig.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from inference.model_file import ModelFile
    from rig.config.base import Fault
    from rig.config.rig import RigConfig
    from rig.config.task import InferenceConfig, TaskConfig

__all__ = ["NO_RIG", "line_misfits", "require_fitting_model", "require_fitting_rig"]

NO_RIG = "cameras, lines and signals were not checked: give --rig"
_SOMEBODY = SessionConfig(format="springhare-session-plan/1", subject="somebody")
"""Of a session nothing is asked here."""


def line_misfits(task: TaskConfig, rig: RigConfig) -> list[Doubt]:
    """Return what a rig's lines could not do: no fault where a session is replayed."""
    return [
        Doubt(rule=task.rules[k].name, where=dotted(fault.path), text=fault.text)
        for fault in _faults(task, rig)
        if fault.path[0] == "rules" and "action" in fault.path
        if isinstance(k := fault.path[1], int)
    ]


def require_fitting_rig(task: TaskConfig, rig: RigConfig, path: Path) -> None:
    """Refuse a task that a rig cannot run.

    Parameters
    ----------
    task, rig
        The two.
    path
        The task's file, whose lines are told; a session's folder has none.

    Raises
    ------
    ConfigError
        With everything that does not fit.
    """
    faults = _faults(task, rig)
    if not faults:
        return
    document = read_document(path) if path.is_file() else None
    told = [document.describe(fault) if document else str(fault) for fault in faults]
    raise ConfigError("\n".join(told))


def require_fitting_model(task: TaskConfig, rig: RigConfig | None) -> str:
    """Refuse a task that its model cannot serve.

    Parameters
    ----------
    task
        The task.
    rig
        One that it fits; None leaves points in space out.

    Returns
    -------
    str
        What could not be looked at; empty if all could.

    Raises
    ------
    ConfigError
        If it asks for body parts that the model does not have.
    ModelError, VersionError
        If there is no such model, or the engine cannot read it.
    """
    inference = task.inference
    if inference is None:
        return ""
    if inference.model == RIG_MODEL:
        return "body parts were not checked: the model is the rig's: give --rig"
    bodyparts = _bodyparts(find_model(inference.model), inference)
    if bodyparts is None:
        return (
            f"body parts were not checked: those of {inference.model} are known when "
            "it is loaded (springhare run --dry-run)"
        )
    setup_step(task, inference, bodyparts, rig)
    return ""


def _faults(task: TaskConfig, rig: RigConfig) -> list[Fault]:
    return [fault for _, fault in together_faults(rig, task, _SOMEBODY)]


def _bodyparts(file: ModelFile, inference: InferenceConfig) -> tuple[str, ...] | None:
    """Return a model's body parts; None where only its own engine can tell."""
    if file.form == "onnx":
        plainly = {"provider": "cpu", "precision": "single", "threads": 1}
        model = load_engine(inference.model_copy(update=plainly))
        try:
            return model.bodyparts
        finally:
            model.close()
    return _of_export(file.path) if file.form == "tensorflow" else None


def _of_export(folder: Path) -> tuple[str, ...] | None:
    from ruamel.yaml import YAML, YAMLError

    try:
        config: Any = YAML(typ="safe").load(folder / "pose_cfg.yaml")
        return tuple(str(name) for name in config["all_joints_names"])
    except (OSError, YAMLError, KeyError, TypeError):
        return None
