"""Pairs of logs that are hard to tell: periodic, dithered, cut anywhere.

Most of them have no answer: a regular train fits as well one pulse later. Some look as
if they had one: the same pulses missing in both, a pattern that repeats itself,
rounding to coarse ticks. A number makes a pair, always the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.bench.aligning.clocks import Crystal, run_clock
from offline.bench.aligning.trains import Log, logged

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    _Floats = NDArray[np.float64]
    _Make = Callable[[np.random.Generator, int, float], _Floats]

__all__ = ["KINDS", "Puzzle", "puzzle"]

_RATES_HZ = (1.0, 10.0, 30.0, 60.0, 100.0)
_LEAST, _MOST = 20, 6000
"""Pulses of a train."""
_TICKS_NS = (32_000, 33_333, 50_000, 100_000)
_LOST_TOGETHER = "lost together"
_COARSE = "coarse ticks"


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Two logs of one train."""

    kind: str
    source: Log
    target: Log


def _periodic(rng: np.random.Generator, count: int, period_s: float) -> _Floats:
    return np.arange(count) * period_s


def _pattern(rng: np.random.Generator, count: int, period_s: float) -> _Floats:
    length = int(rng.integers(2, min(60, max(count // 3, 3))))
    pattern = rng.normal(0, 0.02 * period_s, length)
    if rng.random() < 0.4:
        pattern[1:] = 0.0
    return _periodic(rng, count, period_s) + np.resize(pattern, count)


def _slow_wave(rng: np.random.Generator, count: int, period_s: float) -> _Floats:
    turns = np.arange(count) / rng.uniform(5, 3 * count)
    return _periodic(rng, count, period_s) + 0.05 * period_s * np.sin(2 * np.pi * turns)


def _dithered(rng: np.random.Generator, count: int, period_s: float) -> _Floats:
    most = 0.01 * period_s
    if rng.random() < 0.5:
        moved = rng.uniform(-most, most, count)
    else:
        moved = rng.choice([-most, most], count)
    return _periodic(rng, count, period_s) + moved


def _paused(rng: np.random.Generator, count: int, period_s: float) -> _Floats:
    late = np.arange(count) > count // 2
    return _dithered(rng, count, period_s) + late * rng.uniform(0, 300)


def _random(rng: np.random.Generator, count: int, period_s: float) -> _Floats:
    return np.cumsum(rng.uniform(0.1, 1.9, count))


def _loop(rng: np.random.Generator, count: int, period_s: float) -> _Floats:
    length = max(count // int(rng.integers(2, 6)), 2)
    return np.cumsum(np.resize(rng.uniform(0.1, 1.9, length), count))


_MAKE: dict[str, _Make] = {
    "periodic": _periodic,
    "pattern": _pattern,
    _COARSE: _periodic,
    _LOST_TOGETHER: _periodic,
    "slow wave": _slow_wave,
    "loop": _loop,
    "dithered": _dithered,
    "paused": _paused,
    "random": _random,
}
KINDS = tuple(_MAKE)
"""The last three have an answer, as long as what was not cut away is long enough."""


def puzzle(number: int) -> Puzzle:
    """Return the pair of a number."""
    rng = np.random.default_rng([4, number])
    kind = KINDS[number % len(KINDS)]
    period_s = 1.0 / float(rng.choice(_RATES_HZ))
    count = int(np.exp(rng.uniform(np.log(_LEAST), np.log(_MOST))))
    times = np.rint(_MAKE[kind](rng, count, period_s) * 1e9).astype(np.int64)
    numbers = np.arange(count)
    if kind == _LOST_TOGETHER:
        kept = rng.random(count) > rng.uniform(0, 0.3)
        times, numbers = times[kept], numbers[kept]
    times -= times[0]
    elsewhere = _elsewhere(rng, times)
    lose = {
        "miss": float(rng.choice([0, 0.001, 0.02, 0.2])),
        "spurious": float(rng.choice([0, 0, 0.02, 0.2])),
    }
    logs = [
        _log(rng, kind, period_s, part, numbers[cut], lose)
        for part, cut in _cut_each(rng, times, elsewhere)
    ]
    return Puzzle(kind, *logs)


def _elsewhere(rng: np.random.Generator, times: NDArray[np.int64]) -> NDArray[np.int64]:
    span_s = max(float(times[-1]) * 1e-9, 1.0)
    crystal = Crystal(
        name="any",
        walk_ppm=float(rng.choice([0.05, 1.0, 20.0])),
        walk_s=span_s,
        skew_ppm=float(rng.uniform(-190, 190)),
        warm_ppm=float(rng.choice([0.0, 3.0, 10.0])),
        cycle_ppm=0.3,
    )
    offset_ns = int(rng.uniform(-1e15, 1e15))
    return run_clock(crystal, span_s, rng, offset_ns)(times)


def _cut_each(
    rng: np.random.Generator, *logs: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], slice]]:
    cuts = [_cut(rng, log.size) for log in logs]
    return [(log[cut], cut) for log, cut in zip(logs, cuts, strict=True)]


def _cut(rng: np.random.Generator, size: int) -> slice:
    """Return what is left: mostly, up to a third is cut away at either end."""
    if rng.random() < 0.3:
        return slice(0, size)
    third = size // 3
    first, last = rng.integers(0, third + 1, 2)
    return slice(int(first), size - int(last))


def _log(
    rng: np.random.Generator,
    kind: str,
    period_s: float,
    time_ns: NDArray[np.int64],
    number: NDArray[np.int64],
    lose: dict[str, float],
) -> Log:
    tick_ns = 1
    jitter_us = min(float(rng.choice([0, 2, 10, 50, 500])), 0.01e6 * period_s)
    if kind == _COARSE:
        tick_ns, jitter_us = int(rng.choice(_TICKS_NS)), float(rng.choice([0, 1]))
    return logged(rng, time_ns, number, jitter_us=jitter_us, tick_ns=tick_ns, **lose)
