"""Matching: how many pulses are found, beside one who knows both clocks already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.bench.aligning.clocks import TYPICAL, Clock, run_clock
from offline.bench.aligning.figures import spread
from offline.bench.aligning.trains import Log, logged, random_train
from sync.clock import MonotonicClock
from sync.matching import match_pulses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

__all__ = ["CASES", "Case", "oracle", "score", "summary", "trial"]

_SHARE = 0.2
"""Of the pulses that is lost, and as many invented, in each log."""
_DRIFT_PPM = 196.0
"""Warm-up, cycle and walk come on top: 200 ppm together."""
_MOST_OFFSET_NS = 40 * 86_400 * 1_000_000_000
RECALL = 0.999
"""What is wanted; what the oracle's gate is chosen for."""


@dataclass(frozen=True, slots=True)
class Case:
    """Two logs of a random train, a fifth lost and a fifth invented in each."""

    jitter_us: float
    """Of either log."""

    @property
    def title(self) -> str:
        """The case in words."""
        return f"{self.jitter_us:g} µs"


CASES = (Case(50), Case(500))


def trial(case: Case, seed: int, span_s: float) -> dict[str, Any]:
    """Match two logs, once with each sign of the drift."""
    signs = [_matched(case, seed, sign, span_s) for sign in (1, -1)]
    return {"seed": seed, "runs": signs}


def _matched(case: Case, seed: int, sign: int, span_s: float) -> dict[str, Any]:
    rng = np.random.default_rng([seed, 1 + sign, round(case.jitter_us)])
    offset_ns = int(rng.integers(-_MOST_OFFSET_NS, _MOST_OFFSET_NS))
    crystal = replace(TYPICAL, skew_ppm=sign * _DRIFT_PPM)
    clock = run_clock(crystal, span_s, rng, offset_ns)
    times = random_train(rng, span_s)
    number = np.arange(times.size)
    source, target = (
        logged(
            rng, seen, number, jitter_us=case.jitter_us, miss=_SHARE, spurious=_SHARE
        )
        for seen in (times, clock(times))
    )
    begin = MonotonicClock().now()
    match = match_pulses(source.time_ns, target.time_ns)
    took_s = (MonotonicClock().now() - begin) * 1e-9
    ours = score(source, target, (match.source_index, match.target_index))
    return {
        "drift_ppm": sign * _DRIFT_PPM,
        "offset_s": offset_ns * 1e-9,
        "verdict": match.verdict,
        "ours": {**ours, "seconds": took_s},
        "oracle": score(source, target, oracle(source, target, clock)),
    }


def score(source: Log, target: Log, pairs: Pairs) -> dict[str, int]:
    """Count the pairs that are right and wrong, and those there are to be found."""
    ours, theirs = source.number[pairs[0]], target.number[pairs[1]]
    right = int(np.count_nonzero((ours == theirs) & (ours >= 0)))
    common = np.intersect1d(source.number, target.number)
    return {
        "common": int(np.count_nonzero(common >= 0)),
        "right": right,
        "wrong": int(ours.size) - right,
    }


def oracle(source: Log, target: Log, clock: Clock) -> Pairs:
    """Pair as one who knows the clocks exactly, and nothing else.

    Pulses that are nearest to each other, within the gate that just finds `RECALL` of
    the true pairs: what the jitter alone allows. Lone pulses that lie within that gate
    by chance are paired by anybody.
    """
    expected = clock(source.time_ns)
    there = _nearest(target.time_ns, expected)
    back = _nearest(expected, target.time_ns)
    mutual = np.flatnonzero(back[there] == np.arange(expected.size))
    pairs = mutual, there[mutual]
    apart = np.abs(target.time_ns[pairs[1]] - expected[pairs[0]])
    right = (source.number[pairs[0]] == target.number[pairs[1]]) & (
        source.number[pairs[0]] >= 0
    )
    wanted = int(np.ceil(RECALL * score(source, target, pairs)["common"]))
    true = np.sort(apart[right])
    gate = true[min(wanted, true.size) - 1]
    near = apart <= gate
    return pairs[0][near], pairs[1][near]


def _nearest(among: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of those that are nearest to some times."""
    after = np.clip(np.searchsorted(among, at), 1, among.size - 1)
    return after - (at - among[after - 1] < among[after] - at)


def summary(case: Case, trials: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the trials of a case say together."""
    runs = [run for trial in trials for run in trial["runs"]]
    return {
        "title": case.title,
        "runs": len(runs),
        "unique": sum(run["verdict"] == "unique" for run in runs),
        "seconds": spread(run["ours"]["seconds"] for run in runs),
        **{who: _together([run[who] for run in runs]) for who in ("ours", "oracle")},
        "trials": list(trials),
    }


def _together(scores: Sequence[dict[str, int]]) -> dict[str, Any]:
    total = {
        key: sum(one[key] for one in scores) for key in ("common", "right", "wrong")
    }
    return {
        **total,
        "recall_together": total["right"] / total["common"],
        "false_together": total["wrong"] / max(total["right"] + total["wrong"], 1),
        "recall": spread(one["right"] / one["common"] for one in scores),
        "false": spread(
            one["wrong"] / max(one["right"] + one["wrong"], 1) for one in scores
        ),
    }
