"""What a model must pass to become a rig's: judged from figures. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from inference.budget import exceeds
from offline.evaluation.words import px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from inference.convert.proof import Proof
    from rig.config.latency import StageLimit
    from rig.config.task import TaskConfig

__all__ = ["Check", "State", "latency", "parity", "passed"]

State = Literal["PASS", "WARN", "FAIL"]
_SLOWER = 1.25
_NETWORK, _AROUND = "network", ("pose", "total")
"""The stage that a model decides, and those that it is a part of."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was asked of a model."""

    name: str
    state: State
    told: str
    """In words, with the figures."""


def passed(checks: Sequence[Check]) -> bool:
    """Return whether a model may go on the rig."""
    return all(check.state != "FAIL" for check in checks)


def parity(proof: Proof | None) -> Check:
    """Judge whether the fast form finds what the original finds.

    Parameters
    ----------
    proof
        Of the conversion; None where nothing was converted.
    """
    if proof is None:
        told = "the file is no conversion: there is no original to be held against"
        return Check("parity", "WARN", told)
    return Check(
        "parity",
        "PASS",
        f"{px(proof.max_px)} px off {proof.reference} at most, on {proof.frames} "
        f"frames ({proof.source})",
    )


def latency(
    candidate_ns: NDArray[np.int64],
    current_ns: NDArray[np.int64] | None,
    task: TaskConfig,
) -> Check:
    """Judge the time that the network takes against what the task allows.

    Each limit of the budget's stage ``network`` is asked as it is live. Of the stages
    that hold more than the network (``pose``, ``total``), and of the oldest pose that a
    rule acts upon, the network alone must leave something.

    Parameters
    ----------
    candidate_ns, current_ns
        (looks,) times on this machine; None: there is no current one.
    task
        Its budget and its rules.
    """
    p50_ms, p99_ms = (float(np.quantile(candidate_ns, q)) / 1e6 for q in (0.5, 0.99))
    said = f"{p50_ms:.1f} ms, p99 {p99_ms:.1f} ms"
    ratio = 1.0
    if current_ns is not None:
        ratio = p50_ms / (float(np.median(current_ns)) / 1e6)
        said += f"; {ratio:.2f} times the current one"
    faults = _over_budget(candidate_ns, task)
    if faults and current_ns is not None and _over_budget(current_ns, task):
        faults.append("the current one breaks it too: is the machine busy?")
    ages_ms = [r.max_pose_age_ms for r in task.rules if r.camera is not None]
    if ages_ms and p99_ms >= min(ages_ms):
        faults.append(f"rules act on poses of at most {min(ages_ms):g} ms")
    if faults:
        return Check("latency", "FAIL", f"{said}; {'; '.join(faults)}")
    if not _limits(task) and not ages_ms:
        return Check("latency", "WARN", f"{said}; the task has no latency_budget")
    if ratio > _SLOWER:
        return Check("latency", "WARN", f"{said}: slower, within what the task allows")
    return Check("latency", "PASS", said)


def _limits(task: TaskConfig) -> list[StageLimit]:
    budget = task.latency_budget
    stages = (_NETWORK, *_AROUND)
    return [] if budget is None else [b for b in budget.limits if b.stage in stages]


def _over_budget(took_ns: NDArray[np.int64], task: TaskConfig) -> list[str]:
    ordered = np.sort(took_ns)
    return [
        f"latency_budget.{limit.stage} allows {limit.limit_ms:g} ms ({limit.figure})"
        for limit in _limits(task)
        if exceeds(ordered, limit)
    ]
