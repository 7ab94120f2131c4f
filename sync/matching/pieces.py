"""Run against run, the best first, then what is left before and after it.

Restarts cut a train into runs, pauses and jumps leave a part of a run unmatched. Both
are met alike: the longest unique stretch is taken, and the pulses before it, in both
trains, are matched anew, as are those after it. So pairs ascend in both trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sync.matching.attempt import LEAST_PAIRS, Attempt
from sync.matching.irregular import attempt_irregular
from sync.matching.regular import attempt_regular, grids_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sync.matching.trains import Run

__all__ = ["Piece", "pieces_of"]

_LEAST_RUN = 6
_MOST_RUNS = 12
_MOST_DEPTH = 12
_HOLE = 15
_LOOSE = 0.02
"""Jitter, as a share of the period, from which intervals may tell by themselves."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An attempt, in the positions of the whole trains."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    attempt: Attempt


def pieces_of(
    sources: list[Run], targets: list[Run], drift: float
) -> tuple[list[Piece], list[Piece]]:
    """Return the unique pieces in order, and those that stayed undecided."""
    last_source = int(sources[-1].index[-1]) + 1 if sources else 0
    last_target = int(targets[-1].index[-1]) + 1 if targets else 0
    open_: list[tuple[int, int, int, int, int]] = [(0, last_source, 0, last_target, 0)]
    unique: list[Piece] = []
    undecided: list[Piece] = []
    while open_:
        low, high, left, right, depth = open_.pop()
        if min(high - low, right - left) < LEAST_PAIRS:
            continue
        found = _best(
            [run.cut(low, high) for run in sources],
            [run.cut(left, right) for run in targets],
            drift,
        )
        if found is None:
            continue
        if not found.attempt.unique:
            undecided.append(found)
            continue
        parts = _parts(found)
        unique += parts
        if depth == _MOST_DEPTH:
            continue
        for part in parts:
            first, begin = int(part.source.min()), int(part.target.min())
            open_.append((low, first, left, begin, depth + 1))
            low, left = int(part.source.max()) + 1, int(part.target.max()) + 1
        open_.append((low, high, left, right, depth + 1))
    return sorted(unique, key=lambda p: int(p.source[0])), undecided


def _parts(piece: Piece) -> list[Piece]:
    """Cut a piece where both trains have a row of pulses without partner.

    There a clock has leapt by so little that one curve nearly followed.
    """
    lone = np.minimum(np.diff(piece.source), np.diff(piece.target)) - 1
    cuts = np.flatnonzero(lone >= _HOLE) + 1
    return [
        Piece(source, target, piece.attempt)
        for source, target in zip(
            np.split(piece.source, cuts), np.split(piece.target, cuts), strict=True
        )
    ]


def _best(sources: list[Run], targets: list[Run], drift: float) -> Piece | None:
    """Return the best of all attempts of a source run at a target run."""
    pieces = [
        Piece(s.index[attempt.source], t.index[attempt.target], attempt)
        for s in _longest(sources)
        for t in _longest(targets)
        if (attempt := _attempt(s.ns, t.ns, drift)) is not None
    ]
    return max(pieces, key=_rank, default=None)


def _rank(piece: Piece) -> tuple[bool, int, int]:
    weighed = max((c.matched for c in piece.attempt.candidates), default=0)
    return piece.attempt.unique, int(piece.source.size), weighed


def _longest(runs: list[Run]) -> list[Run]:
    long = [run for run in runs if run.ns.size >= _LEAST_RUN]
    return sorted(long, key=lambda run: -run.ns.size)[:_MOST_RUNS]


def _attempt(
    source: NDArray[np.float64], target: NDArray[np.float64], drift: float
) -> Attempt | None:
    source, target = source - source[0], target - target[0]
    if min(source.size, target.size) < LEAST_PAIRS:
        return None
    grids = grids_of(source, target)
    if grids is None:
        return attempt_irregular(source, target, drift)
    attempt = attempt_regular(source, target, grids, drift)
    loose = min(grid.sd_ns / grid.period_ns for grid in grids) > _LOOSE
    if loose and (attempt is None or not attempt.unique):
        return attempt_irregular(source, target, drift) or attempt
    return attempt
