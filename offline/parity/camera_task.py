"""A task, as far as it is about one camera's poses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.config.rules import Custom, FeatureCrosses, leaves

if TYPE_CHECKING:
    from rig.config.rules import RuleConfig
    from rig.config.task import TaskConfig

__all__ = ["task_of_camera"]


def task_of_camera(task: TaskConfig, camera: str) -> TaskConfig:
    """Return a task of the rules about one camera's poses, and nothing else."""
    rules = tuple(rule for rule in task.rules if rule.source == camera)
    inference = task.inference
    if inference is not None:
        inference = inference.model_copy(update={"space": None})
    kept = task.features if any(map(_hears, rules)) else {}
    return task.model_copy(
        update={"rules": rules, "inference": inference, "features": kept}
    )


def _hears(rule: RuleConfig) -> bool:
    """Tell whether a rule is told of signals: somebody's own class may ask for any."""
    return any(
        isinstance(leaf, FeatureCrosses | Custom) for _, leaf in leaves(rule.when)
    )
