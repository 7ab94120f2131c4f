"""The figures of the recorder's benchmark: all rounds together, and the ratios.

Ratios are taken round by round, because a disk is not the same from one minute to
the next, and the middle one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Round", "ratios", "summary"]

_BETTER = {
    "durable_mb_per_s": "more",
    "cpu_ms_per_mb": "less",
    "polling_cpu_ms_per_mb": "less",
    "block_p50_ms": "less",
    "block_p99_ms": "less",
    "block_max_ms": "less",
    "memory_mb": "less",
}
"""Every figure of a round, and which end of it is the good one."""


@dataclass(frozen=True, slots=True)
class _Ratio:
    """How one way stands to others, in one figure of each round."""

    title: str
    field: str
    way: str
    others: tuple[str, ...]
    """The one with the most counts."""
    target: str | None = None


_SPEED, _CPU = "durable_mb_per_s", "cpu_ms_per_mb"
_RATIOS = {
    "throughput_to_raw": _Ratio(
        "Throughput / the faster raw way",
        _SPEED,
        "ours",
        ("raw_1m", "raw_block"),
        ">= 0.9",
    ),
    "throughput_to_raw_1m": _Ratio(
        "Throughput / raw in blocks of 1 MiB", _SPEED, "ours", ("raw_1m",)
    ),
    "cpu_to_h5py_rows": _Ratio(
        "CPU / h5py row by row", _CPU, "ours", ("h5py_rows",), "<= 0.1"
    ),
    "cpu_to_h5py_swmr": _Ratio(
        "CPU / h5py SWMR", _CPU, "ours", ("h5py_swmr",), "<= 0.2"
    ),
    "throughput_uneven": _Ratio(
        "Throughput of frames of no whole page / of whole pages",
        _SPEED,
        "ours_uneven",
        ("ours",),
    ),
    "cpu_uneven": _Ratio(
        "CPU of frames of no whole page / of whole pages",
        _CPU,
        "ours_uneven",
        ("ours",),
    ),
    "throughput_copied": _Ratio(
        "Throughput of the copied / not copied", _SPEED, "ours_copied", ("ours",)
    ),
    "cpu_copied": _Ratio(
        "CPU of the copied / not copied", _CPU, "ours_copied", ("ours",)
    ),
}


@dataclass(frozen=True, slots=True)
class Round:
    """One way in one round."""

    durable_mb_per_s: float
    cpu_ms_per_mb: float
    polling_cpu_ms_per_mb: float
    block_p50_ms: float
    block_p99_ms: float
    block_max_ms: float
    memory_mb: float


def summary(rounds: Sequence[Round]) -> dict[str, Any]:
    """Return each figure of a way: the middle of its rounds, their bad end, and all."""
    return {
        field: _middle([getattr(one, field) for one in rounds], better)
        for field, better in _BETTER.items()
    }


def _middle(values: Sequence[float], better: str) -> dict[str, Any]:
    """Return the median of some figures, and what only one in a hundred is beyond."""
    bad_end = 1 if better == "more" else 99
    return {
        "median": _rounded(np.median(values)),
        "p99": _rounded(np.percentile(values, bad_end)),
        "rounds": [_rounded(value) for value in values],
    }


def ratios(rounds: Mapping[str, Sequence[Round]]) -> dict[str, Any]:
    """Return how ours stands to the others, round by round."""
    return {
        name: _compared(ratio, rounds)
        for name, ratio in _RATIOS.items()
        if all(way in rounds for way in (ratio.way, *ratio.others))
    }


def _compared(ratio: _Ratio, rounds: Mapping[str, Sequence[Round]]) -> dict[str, Any]:
    def figures(way: str) -> list[float]:
        return [getattr(one, ratio.field) for one in rounds[way]]

    others = zip(*(figures(way) for way in ratio.others), strict=True)
    values = [
        ours / max(theirs)
        for ours, theirs in zip(figures(ratio.way), others, strict=True)
    ]
    return {
        "title": ratio.title,
        "value": _rounded(np.median(values)),
        "rounds": [_rounded(value) for value in values],
        "target": ratio.target,
    }


def _rounded(value: float | np.floating[Any]) -> float:
    """Return a figure with four digits: more would be noise."""
    return float(f"{value:.4g}")
