"""Speed: how long a fit takes, whether twice the pulses take twice as long."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.bench.aligning.clocks import TYPICAL
from offline.bench.aligning.figures import spread
from offline.bench.aligning.models import Row, pulses_of
from offline.bench.aligning.peers import PEERS
from sync.clock import MonotonicClock
from sync.drift import fit_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    _Array = NDArray[Any]
    _Pair = tuple[_Array, _Array]

__all__ = ["measure"]

_ROW = Row(30, 50, TYPICAL)
_TIMES = (0.5, 1, 2)
"""Lengths beside the session's, whose pulses are those of the target."""
_SCALE = ("line", "exact")
"""The least that anybody does with as many pulses: to see the machine by."""


def measure(span_s: float, rounds: int, done: Callable[[], None]) -> dict[str, Any]:
    """Time fits of several lengths, and peers of the middle one, all in turns."""
    pulses = {times: _pulses(times * span_s) for times in _TIMES}
    offsets = _offsets(pulses[1])
    fits: dict[float, list[float]] = {times: [] for times in _TIMES}
    peers: dict[str, list[float]] = {name: [] for name in _SCALE}
    for _ in range(rounds):
        for times, pair in pulses.items():
            fits[times].append(_seconds(fit_clock, pair))
        for name in _SCALE:
            peers[name].append(_seconds(_ask(name), offsets))
        done()
    return {
        "fits": [
            {"pulses": int(pulses[times][0].size), "seconds": spread(fits[times])}
            for times in _TIMES
        ],
        "doubling": [
            spread(b / a for a, b in zip(fits[less], fits[more], strict=True))
            for less, more in pairwise(_TIMES)
        ],
        "peers": {name: {"seconds": spread(peers[name])} for name in _SCALE},
        "rounds": rounds,
    }


def _pulses(span_s: float) -> _Pair:
    _, source, target = pulses_of(_ROW, span_s, np.random.default_rng([6]))
    return source, target


def _offsets(pulses: _Pair) -> _Pair:
    source, target = pulses
    offset = target - source
    return (source - source[0]) * 1e-9, (offset - offset[0]).astype(float)


def _ask(name: str) -> Callable[[_Array, _Array], object]:
    return lambda time_s, offset_ns: PEERS[name].fit(time_s, offset_ns)(time_s)


def _seconds(function: Callable[[_Array, _Array], object], pair: _Pair) -> float:
    begin = MonotonicClock().now()
    function(*pair)
    return (MonotonicClock().now() - begin) * 1e-9
