"""A line, and cameras that look at its LED: with a delay that is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from sync.cues import Line, Looks
from sync.sync_line import SyncLine, segment_edges_us


def _line(seconds, seed=1, width_us=10_000, codes=True):
    made = SyncLine(seed, width_us, bar_us=20_000 if codes else None)
    edges = [segment_edges_us(made, k) for k in range(int(seconds // 30) + 1)]
    times = [edge + k * made.period_us for k, (edge, _) in enumerate(edges)]
    times = np.concatenate(times) * 1000
    ways = np.concatenate([way for _, way in edges])
    kept = times < seconds * 1e9
    return Line.of_edges(times[kept], ways[kept])


@dataclass
class Camera:
    """Looks at an LED of 100 grey levels on a picture of 40."""

    rate_hz: float = 100.0
    exposure_ms: float = 2.0
    delay_us: float = 0.0
    """Seen minus line: what a frame at t shows was at t minus this."""
    noise: float = 2.0
    jitter_us: float = 0.0
    """Of when a frame really is."""
    excess: float = 1.0
    """So many times more light than it can show."""
    gain: float = 100.0

    def look(self, line, seconds, seed=0):
        rng = np.random.default_rng(seed)
        period = 1e9 / self.rate_hz
        count = int(seconds * self.rate_hz)
        exposure = self.exposure_ms * 1e6
        begin = np.arange(count) * period + rng.uniform(-1e5, 1e5, count)
        really = begin - self.delay_us * 1e3
        really = really + rng.normal(0, 1, count) * self.jitter_us * 1e3
        share = line.share(really, really + exposure)
        level = 40 + self.gain * np.minimum(self.excess * share, 1)
        level += self.noise * rng.normal(size=count)
        return Looks(begin, begin + exposure, level)


@pytest.fixture(scope="session")
def sync_line():
    """Make a sync line: random pulses, and a code every 30 s."""
    return _line


@pytest.fixture(scope="session")
def camera():
    """Make a camera."""
    return Camera
