"""What a task acts upon: which body parts, and how likely they must be. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.config.rules import keypoints_of, leaves

if TYPE_CHECKING:
    from rig.config.rules import RuleConfig
    from rig.config.task import TaskConfig

__all__ = ["acted_parts", "likelihood"]

_LIKELY = 0.5
"""Where the task asks for nothing."""


def acted_parts(task: TaskConfig) -> frozenset[str]:
    """Return the body parts that conditions of rules look at."""
    return frozenset(part for rule in task.rules for part in _parts(rule))


def likelihood(task: TaskConfig) -> float:
    """Return how likely a point must be, so that every rule acts upon it."""
    asked = [rule.min_likelihood for rule in task.rules if _parts(rule)]
    gates = None if task.inference is None else task.inference.gates
    if gates is not None and gates.likelihood:
        asked.append(gates.likelihood)
    return max(asked, default=_LIKELY)


def _parts(rule: RuleConfig) -> list[str]:
    return [part for _, leaf in leaves(rule.when) for part in keypoints_of(leaf)]
