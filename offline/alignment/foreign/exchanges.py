"""A clock that was asked for its time: fitted, however few its answers are.

From two or three answers nobody can tell jitter from drift; a fit would go through
them and seem exact. Of few the jitter is taken to be no less than usual.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from sync.drift import ClockModel, ClockSegment, Jitter, fit_clock, split_at_resets
from sync.drift.noise import rough_jitter_ns
from sync.drift.smoother import Knots, run_filter, smooth

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ENOUGH", "USUAL_JITTER_NS", "fit_measurements"]

ENOUGH = 10
"""Measurements from which the fit may tell their jitter."""
USUAL_JITTER_NS = 100_000.0
"""Of an answer over a network; LSL's own fit takes it as its scale too."""
_USUAL_SKEW_PPB = 50_000.0
"""Of two crystals of which nothing is known."""
_USUAL_WANDER = 100.0
"""ppb²/s, as `sync.drift.fit` thinks of a crystal that it has not seen wander."""
_S = 1e-9


def fit_measurements(
    own_ns: NDArray[np.int64], recorder_ns: NDArray[np.int64]
) -> ClockModel:
    """Return how a stream's clock goes on the recorder's.

    Parameters
    ----------
    own_ns, recorder_ns
        (n,) measurements, in the order of asking, at least one. The own times must
        not repeat.
    """
    segments: list[ClockSegment] = []
    for part in split_at_resets(own_ns, recorder_ns):
        own, recorder = own_ns[part], recorder_ns[part]
        if len(own) >= ENOUGH:
            segments += fit_clock(own, recorder).segments
        else:
            segments.append(_of_few(own, recorder))
    return ClockModel(tuple(segments))


def _of_few(own: NDArray[np.int64], recorder: NDArray[np.int64]) -> ClockSegment:
    origin, offset = int(own[0]), int(recorder[0] - own[0])
    time_s = (own - origin) * _S
    offset_ns = (recorder - own - offset).astype(np.float64)
    jitter_ns = max(USUAL_JITTER_NS, rough_jitter_ns(time_s, offset_ns))
    return ClockSegment(
        first_source_ns=origin,
        last_source_ns=int(own[-1]),
        pulses=len(own),
        jitter=Jitter(jitter_ns, inf),
        nis=1.0,
        wander_ppb=_USUAL_WANDER**0.5,
        origin_ns=origin,
        offset_ns=offset,
        line_ppb=0.0,
        knots=_knots(time_s, offset_ns, jitter_ns),
        inflation=1.0,
    )


def _knots(
    time_s: NDArray[np.float64], offset_ns: NDArray[np.float64], jitter_ns: float
) -> Knots:
    if len(time_s) == 1:
        variances = [[jitter_ns**2, 0.0, _USUAL_SKEW_PPB**2]]
        return Knots(
            time_s=time_s,
            offset_ns=offset_ns,
            skew_ppb=np.zeros(1),
            covariance=np.array(variances),
            cross=np.empty((0, 2, 2)),
            wander=_USUAL_WANDER,
        )
    variance = [jitter_ns**2] * len(time_s)
    times = time_s.tolist()
    filtered = run_filter(times, offset_ns.tolist(), variance, _USUAL_WANDER)
    return smooth(times, filtered, _USUAL_WANDER)
