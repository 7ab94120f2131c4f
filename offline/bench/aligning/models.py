"""Clock models: error against the theoretical limit and against peers; honesty."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.bench.aligning.clocks import (
    QUIET,
    SEVERE,
    TYPICAL,
    Clock,
    Crystal,
    run_clock,
)
from offline.bench.aligning.figures import mean, rms, spread
from offline.bench.aligning.peers import PEERS
from offline.bench.aligning.trains import jitter_ns, random_train, regular_train
from sync.clock import MonotonicClock
from sync.drift import fit_clock, smoothing_limit_ns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

__all__ = [
    "EDGE_S",
    "HEAVY_ROWS",
    "MODEL_ROWS",
    "Row",
    "interior_margin_s",
    "pulses_of",
    "summary",
    "trial",
]

_GRID_S = 0.37
"""Times at which clocks are compared."""
EDGE_S = 5.0
"""What is left out at either end of the whole."""
_INTERIOR_S = 600.0
_95 = 1.96


@dataclass(frozen=True, slots=True)
class Row:
    """A train on two clocks."""

    rate_hz: int
    """1: random intervals, of 1 s on average; more: regular."""
    jitter_us: float
    crystal: Crystal
    tail: float | None = None
    """Degrees of freedom of Student's t; None for Gaussian jitter."""

    @property
    def title(self) -> str:
        """Train and jitter, in words."""
        train = "1 Hz random" if self.rate_hz == 1 else f"{self.rate_hz} Hz"
        tail = "" if self.tail is None else f", t {self.tail:g}"
        return f"{train}, {self.jitter_us:g} µs{tail}"

    def limit_ns(self) -> float:
        """Return the least error in the interior that anybody can have.

        With heavy tails, pulses are worth their Fisher information.
        """
        tail = self.tail
        worth = 1.0 if tail is None else ((tail + 3) / (tail + 1)) ** 0.5
        jitter = 1e3 * self.jitter_us * worth
        return smoothing_limit_ns(jitter, self.rate_hz, self.crystal.wander)


MODEL_ROWS = (
    Row(1, 50, QUIET),
    Row(1, 50, TYPICAL),
    Row(1, 50, SEVERE),
    Row(1, 500, TYPICAL),
    Row(30, 50, TYPICAL),
    Row(30, 500, TYPICAL),
    Row(30, 500, SEVERE),
)
HEAVY_ROWS = (
    *(
        Row(1, 50, crystal, tail)
        for tail in (2.5, 3, 5)
        for crystal in (TYPICAL, SEVERE)
    ),
    Row(1, 500, TYPICAL, 3),
    Row(30, 50, TYPICAL, 3),
)


def pulses_of(
    row: Row, span_s: float, rng: np.random.Generator
) -> tuple[Clock, NDArray[np.int64], NDArray[np.int64]]:
    """Return the true relation, and pulses by either clock."""
    clock = run_clock(row.crystal, span_s, rng)
    if row.rate_hz == 1:
        source = random_train(rng, span_s)
    else:
        source = regular_train(row.rate_hz, span_s)
    return (
        clock,
        source,
        clock(source) + jitter_ns(rng, row.jitter_us, source.size, row.tail),
    )


def trial(row: Row, seed: int, span_s: float, peers: Collection[str]) -> dict[str, Any]:
    """Relate two clocks by pulses, our way and that of others, in turns."""
    rng = np.random.default_rng(_entropy(row, seed))
    clock, source, target = pulses_of(row, span_s, rng)
    judge = _Judge(clock, span_s)
    begin = MonotonicClock().now()
    model = fit_clock(source, target)
    took_s = (MonotonicClock().now() - begin) * 1e-9
    fitted, sd_ns = model(judge.at_ns)
    held = np.abs(fitted - judge.truth_ns) <= _95 * sd_ns
    segment, *further = model.segments
    return {
        "seed": seed,
        "ours": {
            **judge.errors(fitted),
            "coverage": float(held.mean()),
            "coverage_interior": float(held[judge.interior].mean()),
            "nis": segment.nis,
            "jitter_ns": segment.jitter.scale_ns,
            "tail_found": None if isinf(segment.jitter.tail) else segment.jitter.tail,
            "wander_found": segment.wander_ppb**2 / row.crystal.wander,
            "further_segments": len(further),
            "seconds": took_s,
        },
        "peers": {
            name: judge.errors(_peer(name, source, target, judge.at_ns))
            for name in peers
        },
    }


def interior_margin_s(span_s: float) -> float:
    """Return where the interior begins: beyond the smoother's memory."""
    return min(_INTERIOR_S, span_s / 4)


class _Judge:
    """Compares with the truth, all over a session and in its interior."""

    def __init__(self, clock: Clock, span_s: float) -> None:
        at_s = np.arange(EDGE_S, span_s - EDGE_S, _GRID_S)
        margin_s = interior_margin_s(span_s)
        self.at_ns = np.rint(at_s * 1e9).astype(np.int64)
        self.truth_ns = clock(self.at_ns)
        self.interior = (at_s >= margin_s) & (at_s <= span_s - margin_s)

    def errors(self, fitted_ns: NDArray[np.int64]) -> dict[str, float]:
        error = fitted_ns - self.truth_ns
        return {"interior_ns": rms(error[self.interior]), "whole_ns": rms(error)}


def _entropy(row: Row, seed: int) -> list[int]:
    crystal = round(100 * row.crystal.walk_ppm)
    return [
        seed,
        row.rate_hz,
        round(row.jitter_us),
        crystal,
        round(10 * (row.tail or 0)),
    ]


def _peer(
    name: str,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Ask a peer; it counts times and the clocks' difference from the first pulse."""
    origin, offset = int(source[0]), int(target[0] - source[0])
    relation = PEERS[name].fit(
        (source - origin) * 1e-9, (target - source - offset).astype(float)
    )
    difference_ns = relation((at - origin) * 1e-9)
    return at + offset + np.rint(difference_ns).astype(np.int64)


def summary(row: Row, trials: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the trials of a row say together."""
    ours = [trial["ours"] for trial in trials]
    limit_ns = row.limit_ns()
    names = list(trials[0]["peers"])
    return {
        "title": row.title,
        "crystal": row.crystal.name,
        "limit_us": limit_ns / 1e3,
        "ours_us": _where(ours),
        "over_limit": spread(one["interior_ns"] / limit_ns for one in ours),
        "over_limit_together": rms([one["interior_ns"] for one in ours]) / limit_ns,
        "coverage": mean(one["coverage"] for one in ours),
        "coverage_interior": mean(one["coverage_interior"] for one in ours),
        "nis": spread(one["nis"] for one in ours),
        "peers_us": {n: _where([trial["peers"][n] for trial in trials]) for n in names},
        "over_peers": {
            where: {
                name: spread(
                    one["ours"][f"{where}_ns"] / one["peers"][name][f"{where}_ns"]
                    for one in trials
                )
                for name in names
            }
            for where in ("interior", "whole")
        },
        "trials": list(trials),
    }


def _where(errors: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        where: spread(error[f"{where}_ns"] / 1e3 for error in errors)
        for where in ("interior", "whole")
    }
