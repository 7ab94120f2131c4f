"""Simulated pulses: trains, and logs of them that jitter, lose and invent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Log", "jitter_ns", "logged", "random_train", "regular_train"]

_LEAST_S, _MOST_S = 0.1, 1.9
"""Intervals of the random-interval line."""
_NS = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """What a device has recorded of a train."""

    time_ns: NDArray[np.int64]
    number: NDArray[np.int64]
    """Which pulse each one truly is; -1 for one that is none."""


def random_train(rng: np.random.Generator, span_s: float) -> NDArray[np.int64]:
    """Return pulses at random intervals of 1 s on average, in ns."""
    most = int(span_s * 1.2) + 20
    time_s = np.cumsum(rng.uniform(_LEAST_S, _MOST_S, most))
    return _ns(time_s[time_s < span_s])


def regular_train(rate_hz: float, span_s: float) -> NDArray[np.int64]:
    """Return pulses at a rate, in ns."""
    return _ns(np.arange(round(span_s * rate_hz)) / rate_hz)


def jitter_ns(
    rng: np.random.Generator, scale_us: float, count: int, tail: float | None = None
) -> NDArray[np.int64]:
    """Return errors of stamps: Gaussian, or Student's t of so many degrees of freedom.

    Parameters
    ----------
    scale_us
        Standard deviation of the Gaussian, scale of Student's t.
    """
    error = rng.normal(0, 1, count) if tail is None else rng.standard_t(tail, count)
    return np.rint(error * scale_us * 1e3).astype(np.int64)


def logged(
    rng: np.random.Generator,
    time_ns: NDArray[np.int64],
    number: NDArray[np.int64],
    *,
    jitter_us: float,
    miss: float = 0.0,
    spurious: float = 0.0,
    tick_ns: int = 1,
) -> Log:
    """Log a train.

    Parameters
    ----------
    time_ns, number
        (n,) the pulses on the device's clock, and which they are.
    miss
        Share of the pulses that is lost, one by one.
    spurious
        As many that are none, on average, as a share of the pulses; anywhere.
    tick_ns
        Of the device's clock.
    """
    kept = rng.random(time_ns.size) >= miss
    seen = time_ns[kept] + jitter_ns(rng, jitter_us, int(kept.sum()))
    count = rng.poisson(spurious * time_ns.size)
    invented = rng.integers(time_ns[0], time_ns[-1] + 1, count)
    stamps = np.concatenate([seen, invented])
    numbers = np.concatenate([number[kept], np.full(count, -1)])
    order = np.argsort(stamps, kind="stable")
    return Log(stamps[order] // tick_ns * tick_ns, numbers[order])


def _ns(time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(time_s * _NS).astype(np.int64)
