"""The latency budget while a session runs: said once when it is broken, once after.

The inference node judges its own times (`over_…` among its figures, 1 while a figure
is over its `budget_…`); here that becomes events of the session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.recording.remarks import OVER_BUDGET, WITHIN_BUDGET

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["INFERENCE", "LatencyWatch"]

INFERENCE = "inference"
"""The node that knows the times."""

_OVER, _BUDGET = "over_", "budget_"


class LatencyWatch:
    """Turns what a node says of its budget into events."""

    def __init__(self) -> None:
        self._worst: dict[str, tuple[int, float]] = {}
        """Figures that are over: since when, and the worst so far."""

    def changes(
        self, metrics: Mapping[str, float], now_ns: int
    ) -> list[tuple[str, str]]:
        """Return what has changed since the last time: state and detail of each.

        Parameters
        ----------
        metrics
            The node's last figures; one that has not beaten yet has none.
        now_ns
            Host time.
        """
        found = [
            self._change(name.removeprefix(_OVER), metrics, now_ns, over=bool(over))
            for name, over in metrics.items()
            if name.startswith(_OVER)
        ]
        return [change for change in found if change is not None]

    def _change(
        self, key: str, metrics: Mapping[str, float], now_ns: int, *, over: bool
    ) -> tuple[str, str] | None:
        value_ms, limit_ms = metrics.get(key, 0.0), metrics.get(_BUDGET + key, 0.0)
        known = self._worst.get(key)
        if over:
            since_ns, worst_ms = known or (now_ns, value_ms)
            self._worst[key] = since_ns, max(worst_ms, value_ms)
            detail = f"{_words(key)} {value_ms:.1f} ms, budget {limit_ms:g} ms"
            return None if known else (OVER_BUDGET, detail)
        if known is None:
            return None
        del self._worst[key]
        since_ns, worst_ms = known
        detail = (
            f"{_words(key)} within {limit_ms:g} ms again after "
            f"{(now_ns - since_ns) / 1e9:.0f} s, worst {worst_ms:.1f} ms"
        )
        return WITHIN_BUDGET, detail


def _words(key: str) -> str:
    """Return ``network p99`` for ``network_p99_ms``."""
    return key.removesuffix("_ms").replace("_", " ")
