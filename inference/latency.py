"""How long each stage takes lately, for the live table and the budget.

The session file has every stamp; this keeps the last few hundred in memory, so
that a heartbeat can say how long the stages take, and whether that is too long.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from inference.budget import BudgetWatch
from rig.messages import BY_HAND
from rig.recording.latency import POSE_STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rig.config.latency import LatencyBudget
    from rig.messages import Acknowledgement, Decision, Pose

__all__ = ["LatencyMeter", "RateMeter"]

_KEPT = 512
_LONGEST_NS = 60_000_000_000
"""What is older tells nothing of now; fires may be rare."""
_WAITING = 256
"""Fired decisions whose acknowledgement is waited for."""
_BEFORE_US = -1
"""Stands for when a node that has died had decided."""
_OF_EDGE = ("board", "answer", "total")
_FIGURES = (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))


class _Window:
    """The last 512 rows of some values, each with a stamp."""

    def __init__(self, columns: int = 1) -> None:
        self._values = np.zeros((columns, _KEPT), np.int64)
        self._stamps = np.zeros(_KEPT, np.int64)
        self._n = 0

    def add(self, stamp_ns: int, *row: int) -> None:
        at = self._n % _KEPT
        self._values[:, at] = row
        self._stamps[at] = stamp_ns
        self._n += 1

    def newest(self, since_ns: int) -> NDArray[np.int64]:
        """Return what is no older (columns, n)."""
        n = min(self._n, _KEPT)
        return self._values[:, :n][:, self._stamps[:n] >= since_ns]


class LatencyMeter:
    """The last 512 poses of all cameras and the last 512 edges, by stage.

    Parameters
    ----------
    budget
        Of the task file, if it has one.
    """

    def __init__(self, budget: LatencyBudget | None = None) -> None:
        self._poses, self._edges = _Window(len(POSE_STAGES)), _Window(len(_OF_EDGE))
        self._sent = _Window()
        self._decided_ns: OrderedDict[int, int | None] = OrderedDict()
        self._watch = BudgetWatch(() if budget is None else budget.limits)
        self._now_ns = 0

    def add(self, pose: Pose) -> None:
        """Take a published pose into account."""
        now_ns = pose.host_ns
        self._poses.add(  # as in POSE_STAGES
            now_ns,
            pose.arrival_ns - pose.exposure_ns,
            pose.dequeued_ns - pose.arrival_ns,
            pose.inferred_ns - pose.dequeued_ns,
            now_ns - pose.inferred_ns,
            now_ns - pose.exposure_ns,
        )
        self._now_ns = max(self._now_ns, now_ns)

    def decided(self, decision: Decision) -> None:
        """Remember a fired decision until its acknowledgement comes.

        One by hand is remembered to be left out: it answers nothing that was exposed.
        """
        if decision.outcome == "fired":
            by_hand = decision.rule == BY_HAND
            decided_ns = None if by_hand else decision.host_ns
            self._decided_ns[decision.decision_id] = decided_ns
            if len(self._decided_ns) > _WAITING:
                self._decided_ns.popitem(last=False)

    def acknowledged(self, answer: Acknowledgement) -> None:
        """Take what became of a command into account, if an edge did."""
        if answer.status == "timeout":
            return  # its edge may be told yet
        decided_ns = self._decided_ns.pop(answer.decision_id, _BEFORE_US)
        if answer.edge_device_ns < 0 or decided_ns is None:
            return
        now_ns, board_ns = answer.host_ns, answer.edge_host_ns - answer.sent_ns
        if decided_ns != _BEFORE_US:
            self._sent.add(now_ns, answer.sent_ns - decided_ns)
        self._edges.add(
            now_ns, board_ns, now_ns - answer.edge_host_ns, answer.age_ns + board_ns
        )
        self._now_ns = max(self._now_ns, now_ns)

    def figures(self) -> dict[str, float]:
        """Return ``<stage>_p50_ms``, ``_p95_ms``, ``_p99_ms`` and ``_max_ms``.

        The stages are those of `rig.recording.latency`; one that has not been lately
        is left out. With a budget, also ``budget_<figure>`` and ``over_<figure>``.
        """
        since_ns = self._now_ns - _LONGEST_NS
        windows = ((POSE_STAGES, self._poses), (_OF_EDGE, self._edges))
        ordered: dict[str, NDArray[np.int64]] = {}
        found: dict[str, float] = {}
        for stages, window in (*windows, (("send",), self._sent)):
            # by rank: numpy's percentile takes ten times as long, twice a second
            values = np.sort(window.newest(since_ns), axis=1)
            ordered |= zip(stages, values, strict=True)
            found |= _figures(stages, values)
        self._watch.look(ordered, self._now_ns)
        return found | self._watch.figures()


def _figures(stages: Sequence[str], ordered: NDArray[np.int64]) -> dict[str, float]:
    n = ordered.shape[1]
    if not n:
        return {}
    ranks = [-(-percent * n // 100) - 1 for _, percent in _FIGURES]
    return {
        f"{stage}_{figure}_ms": value_ns / 1e6
        for stage, values in zip(stages, ordered[:, ranks].tolist(), strict=True)
        for (figure, _), value_ns in zip(_FIGURES, values, strict=True)
    }


class RateMeter:
    """How often something happened within the last two seconds."""

    def __init__(self, span_ns: int = 2_000_000_000) -> None:
        self._span_ns = span_ns
        self._stamps = _Window()

    def add(self, host_ns: int) -> None:
        """Take an occurrence into account."""
        self._stamps.add(host_ns, host_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Return the rate: over the span, or over the kept stamps where it is fast."""
        recent = self._stamps.newest(now_ns - self._span_ns + 1)[0]
        if len(recent) < 2:
            return 0.0
        span_ns = max(now_ns - int(recent.min()), 1)
        return (len(recent) - 1) * 1e9 / span_ns
