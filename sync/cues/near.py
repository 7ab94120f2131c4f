"""The looks near a line's edges: what they say of a delay, each edge by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sync.cues.line import Line, Looks

__all__ = ["Light", "Near", "above_dark", "looks_near"]

_DARK = 24
"""So many dark looks about an edge tell how dark it is there, and how noisy."""
_LEAST = 5
_MODEL = 0.005
"""Of the full light: no picture follows the model better than this."""
_ROUGH = 0.02
"""The same, as long as the light is not known."""
_CLEARLY = 20.0
"""By so much must a fit be better (in squared standard deviations) to be believed."""
_TINY = 1e-9
_EXCESS = (1.0, 1.3, 1.7, 2.2, 3.0, 4.5, 7.0, 12.0)
"""How many times more light than the spot can show, as far as it is looked for."""


@dataclass(frozen=True, slots=True)
class Light:
    """How what is seen follows the line."""

    gain: float
    """What a high line adds; negative where it takes away."""
    excess: float
    """1; larger where the light is full before the exposure is: the spot saturates."""
    scatter: float
    """Standard deviation of a look that is lit throughout, in parts of `gain`."""

    def of(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much is added by a line that was high for a share of a look."""
        return self.gain * np.minimum(self.excess * shares, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Looks in which the line may have changed, in order of their edges."""

    line: Line
    begin_ns: NDArray[np.float64]
    """(k,)"""
    end_ns: NDArray[np.float64]
    """(k,)"""
    level: NDArray[np.float64]
    """(k,) above the dark about them."""
    noise: NDArray[np.float64]
    """(k,) standard deviation of a dark look about there."""
    first: NDArray[np.int64]
    """(m,) the first look of each edge."""
    edge: NDArray[np.int64]
    """(m,) which of the line's edges each is."""
    lit: NDArray[np.float64]
    """(l,) levels of looks that were lit throughout, above the dark about them."""

    @property
    def exposure_ns(self) -> float:
        """Length of a look."""
        return float(np.median(self.end_ns - self.begin_ns))

    def shares(self, delay_ns: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of each look in which the line was high, (k, delays)."""
        delays = np.atleast_1d(delay_ns)
        return self.line.share(
            self.begin_ns[:, None] - delays, self.end_ns[:, None] - delays
        )

    def light(self, grid_ns: NDArray[np.float64]) -> Light:
        """Return the light that fits best, whatever the delay of a grid."""
        shares = self.shares(grid_ns)
        rough = float(np.quantile(np.abs(self.level), 0.95))
        weight = 1.0 / (self.noise**2 + (_ROUGH * rough) ** 2 + _TINY)[:, None]
        fits = [_fit(np.minimum(g * shares, 1), self.level, weight) for g in _EXCESS]
        which = int(np.argmax([fit[0] for fit in fits]))
        which = which if fits[which][0] > fits[0][0] + _CLEARLY else 0
        _, gain, best = fits[which]
        excess = _EXCESS[which]
        lit = self.level[excess * shares[:, best] >= 1 - _TINY]
        full = np.concatenate([self.lit, lit])
        if len(full) < _LEAST:
            return Light(gain, excess, 0.02)
        gain = float(np.median(full))
        scatter = 1.4826 * float(np.median(np.abs(full - gain)))
        return Light(gain, excess, scatter / max(abs(gain), _TINY))

    def likelihoods(
        self, grid_ns: NDArray[np.float64], light: Light
    ) -> NDArray[np.float64]:
        """Return how likely each edge makes each delay, (m, delays); rows add to 1.

        No finer than the grid: what lies between its delays is not missed.
        """
        bright = light.of(self.shares(grid_ns))
        step = light.excess * (grid_ns[1] - grid_ns[0]) / (2 * self.exposure_ns)
        spread = self._variance(light.gain, min(step, 0.5))[:, None]
        spread = spread + (light.scatter * bright) ** 2
        miss = (self.level[:, None] - bright) ** 2
        logs = np.add.reduceat(-0.5 * (miss / spread + np.log(spread)), self.first)
        found = np.exp(logs - logs.max(axis=1, keepdims=True))
        return found / found.sum(axis=1, keepdims=True)

    def hidden(self, delay_ns: float, light: Light) -> NDArray[np.bool_]:
        """Return which edges were not seen though they should be (m,)."""
        expected = light.of(self.shares(delay_ns)[:, 0])
        bright = np.abs(expected) > 0.8 * abs(light.gain)
        seen = np.add.reduceat(np.where(bright, self.level * expected, 0), self.first)
        full = np.add.reduceat(np.where(bright, expected**2, 0.0), self.first)
        noise = np.sqrt(
            np.add.reduceat((bright * expected * self.noise) ** 2, self.first)
        )
        return (seen < 0.5 * full) & (seen < full - 4 * noise)

    def told(self, delay_ns: float, light: Light) -> NDArray[np.float64]:
        """Return the delay that each edge says (m,); NaN where it does not.

        By one step of Newton's from a delay that all agree on.
        """
        part_ns = self.exposure_ns / 100
        delays = delay_ns + np.array([-part_ns, 0.0, part_ns])
        early, expected, late = light.of(self.shares(delays)).T
        slope = (late - early) / (2 * part_ns)
        spread = self._variance(light.gain, 0.0) + (light.scatter * light.gain) ** 2
        miss = self.level - expected
        along = np.add.reduceat(slope * miss / spread, self.first)
        size = np.add.reduceat(slope**2 / spread, self.first)
        sure = size > (4 / self.exposure_ns) ** 2
        return np.where(sure, delay_ns + along / np.where(sure, size, 1.0), np.nan)

    def _variance(self, gain: float, blur: float) -> NDArray[np.float64]:
        """Return the variance of each look that is not lit (k,)."""
        return self.noise**2 + (_MODEL * gain) ** 2 + (blur * gain) ** 2 + _TINY


def above_dark(
    line: Line, looks: Looks, delay_ns: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle of each look (k,), and its level above the dark about it (k,).

    Parameters
    ----------
    line, looks
        As of `sync.cues.find_delay`.
    delay_ns
        How late the line is seen.
    """
    seen = looks.seen
    begin, end = looks.begin_ns[seen] - delay_ns, looks.end_ns[seen] - delay_ns
    slack_ns = 0.1 * looks.period_ns
    dark = line.share(begin - slack_ns, end + slack_ns) <= _TINY
    base, _ = _dark_about(looks.level[seen], dark)
    return (begin + end) / 2 + delay_ns, looks.level[seen] - base


def looks_near(line: Line, looks: Looks, grid_ns: NDArray[np.float64]) -> Near:
    """Return the looks that the delays of a grid make a difference to."""
    seen = looks.seen
    begin, end, level = (
        column[seen] for column in (looks.begin_ns, looks.end_ns, looks.level)
    )
    widest = line.share(begin - grid_ns[-1], end - grid_ns[0])
    base, noise = _dark_about(level, widest <= _TINY)
    lit = widest >= 1 - _TINY
    middle_ns = (begin + end) / 2 - grid_ns.mean()
    changed = np.flatnonzero(~lit & (widest > _TINY))
    edge = line.nearest(middle_ns[changed])
    order = np.argsort(edge, kind="stable")
    changed, edge = changed[order], edge[order]
    first = np.flatnonzero(np.diff(edge, prepend=-1))
    return Near(
        line,
        begin[changed],
        end[changed],
        level[changed] - base[changed],
        noise[changed],
        first,
        edge[first],
        (level - base)[lit],
    )


def _dark_about(
    level: NDArray[np.float64], dark: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how dark it is about each look (n,), and how noisy."""
    at = np.flatnonzero(dark)
    if len(at) < _LEAST:
        low, high = (float(np.quantile(level, part)) for part in (0.1, 0.3))
        return np.full(len(level), low), np.full(len(level), high - low)
    count = min(_DARK, len(at))
    windows = np.lib.stride_tricks.sliding_window_view(level[at], count)
    middles: NDArray[np.float64] = np.median(windows, axis=1)
    noises: NDArray[np.float64] = 1.4826 * np.median(
        np.abs(windows - middles[:, None]), axis=1
    )
    noises = np.maximum(noises, 0.5 * float(np.median(noises)))
    which = np.searchsorted(at, np.arange(len(level))) - count // 2
    which = np.clip(which, 0, len(middles) - 1)
    return middles[which], noises[which]


def _fit(
    shares: NDArray[np.float64],
    level: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[float, float, int]:
    """Return how well the best of some delays fits, its gain, and which it is."""
    along = (weight * shares * level[:, None]).sum(axis=0)
    size = np.maximum((weight * shares**2).sum(axis=0), _TINY)
    best = int(np.argmax(along**2 / size))
    return float(along[best] ** 2 / size[best]), float(along[best] / size[best]), best
