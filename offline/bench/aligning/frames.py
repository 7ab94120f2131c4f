"""Frame times where frames are lost: by frame number and clock model, and otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.bench.aligning.clocks import TYPICAL, run_clock
from offline.bench.aligning.figures import mean, rms, spread
from offline.bench.aligning.trains import jitter_ns, regular_train
from sync.clock import MonotonicClock
from sync.drift import fit_clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    _Ints = NDArray[np.int64]

__all__ = ["WAYS", "by_number", "stretched", "summary", "trial", "truncated"]

_RATE_HZ = 100.0
_PULSE_US, _STAMP_US = 50.0, 10.0
_LOST = 0.001
_95 = 1.96

WAYS = {
    "ours": "by frame number, then the camera's stamps through the clock model",
    "by_number": "the pulse of the same frame number",
    "stretched": "pulses stretched over the frames (linspace)",
    "truncated": "the first pulses, as many as frames",
}


def truncated(pulses: _Ints, number: _Ints) -> _Ints:
    """Return the first pulses, as many as frames: what cutting to equal length does."""
    return pulses[: number.size]


def stretched(pulses: _Ints, number: _Ints) -> _Ints:
    """Return the pulses stretched over the frames, first to first and last to last."""
    place = np.linspace(0, pulses.size - 1, number.size)
    from_first = np.interp(place, np.arange(pulses.size), pulses - pulses[0])
    return pulses[0] + np.rint(from_first).astype(np.int64)


def by_number(pulses: _Ints, number: _Ints) -> _Ints:
    """Return the pulse of each frame's number: no frame is in the wrong place."""
    return pulses[number]


def trial(seed: int, span_s: float) -> dict[str, Any]:
    """Time a camera's frames by the pulses of its exposures."""
    rng = np.random.default_rng([5, seed])
    true = regular_train(_RATE_HZ, span_s)
    pulses = true + jitter_ns(rng, _PULSE_US, true.size)
    number = np.flatnonzero(rng.random(true.size) >= _LOST)
    stamps = run_clock(TYPICAL, span_s, rng)(true)[number]
    stamps = stamps + jitter_ns(rng, _STAMP_US, number.size)
    begin = MonotonicClock().now()
    model = fit_clock(stamps, by_number(pulses, number))
    ours, sd_ns = model(stamps)
    took_s = (MonotonicClock().now() - begin) * 1e-9
    ways = {
        "ours": ours,
        "by_number": by_number(pulses, number),
        "stretched": stretched(pulses, number),
        "truncated": truncated(pulses, number),
    }
    error = {name: (times - true[number]).astype(float) for name, times in ways.items()}
    band_ns = _95 * np.hypot(sd_ns, _STAMP_US * 1e3)
    return {
        "seed": seed,
        "frames": int(number.size),
        "lost": int(true.size - number.size),
        "rms_ns": {name: rms(values) for name, values in error.items()},
        "most_ns": {
            name: float(np.abs(values).max()) for name, values in error.items()
        },
        "relation_sd_ns": float(sd_ns.mean()),
        "coverage": float(np.mean(np.abs(error["ours"]) <= band_ns)),
        "seconds": took_s,
    }


def summary(trials: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the trials say together."""
    return {
        "frames": spread(one["frames"] for one in trials),
        "lost": spread(one["lost"] for one in trials),
        "rms_us": {
            way: spread(one["rms_ns"][way] / 1e3 for one in trials) for way in WAYS
        },
        "most_us": {
            way: spread(one["most_ns"][way] / 1e3 for one in trials) for way in WAYS
        },
        "rms_us_together": rms([one["rms_ns"]["ours"] / 1e3 for one in trials]),
        "coverage": mean(one["coverage"] for one in trials),
        "seconds": spread(one["seconds"] for one in trials),
        "trials": list(trials),
    }
