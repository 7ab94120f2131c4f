"""Figures over seeds: medians with their range, and what all seeds say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

__all__ = ["mean", "rms", "spread"]


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return the median and the range."""
    every = [float(value) for value in values]
    return {"median": float(np.median(every)), "least": min(every), "most": max(every)}


def mean(values: Iterable[float]) -> dict[str, float | None]:
    """Return the mean, its standard error (None of one value) and the range."""
    every = np.array(list(values), float)
    several = every.size > 1
    error = float(every.std(ddof=1) / every.size**0.5) if several else None
    return {
        "mean": float(every.mean()),
        "standard_error": error,
        "least": float(every.min()),
        "most": float(every.max()),
    }


def rms(values: ArrayLike) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(np.asarray(values, float)))))
