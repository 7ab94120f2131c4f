"""Whether the loop keeps to its budget, judged over a window and said calmly.

A single slow pose is no breach of a 99th percentile, and a figure that hovers about
its limit is one breach, not fifty: it is over as soon as more times are beyond the
limit than the figure allows, and within again once it has been so for a while.
Pure: time is what the stamps say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from rig.config.latency import StageLimit

__all__ = ["CALM_NS", "BudgetWatch", "exceeds"]

CALM_NS = 5_000_000_000
"""So long a figure must have kept its limit until the breach is over."""

_PERCENT = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


@dataclass(slots=True)
class _Judged:
    limit: StageLimit
    over: bool = False
    kept_since_ns: int | None = None
    """Since when it has kept its limit; None while it does not."""


def exceeds(ordered_ns: NDArray[Any], limit: StageLimit) -> bool:
    """Tell whether times break a limit.

    From a hundred times on, that is whether the percentile is beyond the limit. Of
    fewer times one may be beyond it, whatever the percentile; none for a maximum.

    Parameters
    ----------
    ordered_ns
        (n,) times, the shortest first.
    limit
        What they are held against.
    """
    n, percent = len(ordered_ns), _PERCENT[limit.figure]
    kept = int(np.searchsorted(ordered_ns, limit.limit_ms * 1e6, side="right"))
    allowed = n * (100 - percent) // 100
    return n - kept > (allowed if percent == 100 else max(allowed, 1))


class BudgetWatch:
    """Holds what is measured against every limit of a budget.

    Parameters
    ----------
    limits
        Of the task file.
    calm_ns
        How long a figure must have kept its limit until a breach is over.
    """

    def __init__(self, limits: Iterable[StageLimit], calm_ns: int = CALM_NS) -> None:
        self._judged = [_Judged(limit) for limit in limits]
        self._calm_ns = calm_ns

    def look(self, ordered_ns: Mapping[str, NDArray[Any]], now_ns: int) -> None:
        """Judge the newest times.

        Parameters
        ----------
        ordered_ns
            By stage, the times of a window, the shortest first; an empty one, or none,
            breaks no limit.
        now_ns
            Time of the look; never falls.
        """
        for judged in self._judged:
            ordered = ordered_ns.get(judged.limit.stage)
            if ordered is not None and exceeds(ordered, judged.limit):
                judged.over, judged.kept_since_ns = True, None
            elif judged.over:
                since_ns = judged.kept_since_ns
                judged.kept_since_ns = now_ns if since_ns is None else since_ns
                judged.over = now_ns - judged.kept_since_ns < self._calm_ns

    @property
    def over(self) -> list[StageLimit]:
        """The limits that are broken."""
        return [judged.limit for judged in self._judged if judged.over]

    def figures(self) -> dict[str, float]:
        """Return ``budget_<figure>``, and ``over_<figure>``: 1 while it is broken.

        A figure is called as among those of `inference.latency`: ``network_p99_ms``.
        """
        found: dict[str, float] = {}
        for judged in self._judged:
            found[f"budget_{judged.limit.key}"] = judged.limit.limit_ms
            found[f"over_{judged.limit.key}"] = float(judged.over)
        return found
