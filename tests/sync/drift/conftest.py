"""Two clocks whose true relation is known."""

from dataclasses import dataclass

import numpy as np
import pytest

DT_S = 0.5


@dataclass(frozen=True)
class Truth:
    """The source clock is the true time; the target clock wanders."""

    time_s: np.ndarray
    drift_s: np.ndarray
    offset_ns: int
    wander: float

    def target_ns(self, source_ns):
        source_ns = np.asarray(source_ns)
        drift = np.interp(source_ns * 1e-9, self.time_s, self.drift_s)
        return source_ns + self.offset_ns + np.rint(drift * 1e9).astype(np.int64)


@pytest.fixture(scope="session")
def crystals():
    """Make a clock: ppm of skew, of random walk over it all, and of warm-up."""

    def make(span_s, seed, walk_ppm=1.0, warm_ppm=0.0, skew_ppm=40.0, offset_s=-50):
        rng = np.random.default_rng(seed)
        time = np.arange(-60, span_s + 60 + DT_S, DT_S)
        density = (walk_ppm * 1e-6) ** 2 / span_s
        skew = skew_ppm * 1e-6 + np.cumsum(
            rng.normal(0, (density * DT_S) ** 0.5, len(time))
        )
        skew += warm_ppm * 1e-6 * np.exp(-np.maximum(time, 0) / 600)
        drift = np.r_[0, np.cumsum((skew[1:] + skew[:-1]) / 2 * DT_S)]
        drift -= np.interp(0.0, time, drift)
        return Truth(time, drift, int(offset_s * 1e9), density * 1e18)

    return make


@pytest.fixture(scope="session")
def pulses():
    """Make pulses by both clocks: at random intervals, or at a rate."""

    def make(truth, span_s, seed, jitter_us=50.0, rate_hz=None, tail=None):
        rng = np.random.default_rng(1000 + seed)
        if rate_hz is None:
            time = np.cumsum(rng.uniform(0.1, 1.9, int(span_s * 1.2) + 10))
            time = time[time < span_s]
        else:
            time = np.arange(0, span_s, 1 / rate_hz)
        source = np.rint(time * 1e9).astype(np.int64)
        if tail is None:
            error = rng.normal(0, jitter_us, len(time))
        else:
            error = rng.standard_t(tail, len(time)) * jitter_us
        return source, truth.target_ns(source) + np.rint(error * 1e3).astype(np.int64)

    return make
