"""EMG: what the muscles are told before the ground feels it.

A muscle's envelope is built from the force or the movement that it will cause,
read one electromechanical delay ahead; its signal is band-limited noise of that
amplitude. The noise is a function of the sample's number alone (`noise`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.sim.world.noise import gaussian
from rig.sim.world.paths import Path, Table
from rig.sim.world.plan import GRAVITY_MM_S2, Plan

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["EMG_CHANNELS", "EMG_RATE_HZ", "Muscles", "make_muscles"]

EMG_CHANNELS = ("GL", "TA", "VL", "BF", "GL2", "TA2", "VL2", "BF2")
"""Lateral gastrocnemius, tibialis anterior, vastus lateralis and biceps femoris of
the right and of the left hind limb."""
EMG_RATE_HZ = 2000.0
"""Rate for which the noise's band is made."""

_CHANNEL_STREAM = 1000
_TABLE_STEP_S = 0.0005
_TONE = 0.02
"""Activation of a muscle at rest."""
_FLEXOR_LEAD_S = 0.012
"""Biceps femoris comes before the extensors."""
_QUIET_LOAD = 0.30
"""Ground reaction on one limb, in body weights, that costs no more than tone."""
_FULL_LOAD = 2.0
"""Ground reaction on one limb, in body weights, that takes all of a muscle."""
_FULL_SPEED_MM_S = 500.0
"""Upward speed of a toe that takes all of tibialis anterior."""


@dataclass(frozen=True, slots=True)
class Muscles:
    """The eight muscles of one mouse in one story."""

    envelopes: Table
    """Activation (n, 8) of each muscle at times (n,), 0 at rest to about 1."""
    delay_s: float
    """Electromechanical delay: the ground's force follows the envelope by it."""
    other_lag_s: float
    """The left side follows the right one by it."""
    gains_uv: NDArray[np.float64]
    """(8,) standard deviation of the signal at an envelope of 1."""
    floor_uv: float
    """Standard deviation of the amplifier's own noise."""
    seed: int

    def signal(self, t_s: ArrayLike, sample_index: ArrayLike) -> NDArray[np.float64]:
        """Return the EMG (n, 8) in uV of samples with their running numbers."""
        number = np.atleast_1d(np.asarray(sample_index, dtype=np.int64))
        if number.size == 0:
            return np.empty((0, len(EMG_CHANNELS)))
        windows = self._white(number)
        carrier = np.einsum("k,nkc->nc", _BAND_PASS, windows)
        strength = self.gains_uv * self.envelopes(t_s)
        return carrier * strength + self.floor_uv * windows[:, 0]

    def _white(self, number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return white noise (n, taps, 8): each sample's own and those before it."""
        lane = _CHANNEL_STREAM + np.arange(len(EMG_CHANNELS))
        first, last = int(number.min()), int(number.max())
        back = np.arange(len(_BAND_PASS))
        if last - first > 4 * number.size + len(back):
            index = number[:, None, None] - back[None, :, None]
            return gaussian(self.seed, lane, index)
        # A block shares its neighbours: make each number once.
        every = np.arange(first - len(back) + 1, last + 1)
        white = gaussian(self.seed, lane, every[:, None])
        return white[number[:, None] - every[0] - back]


def make_muscles(
    plan: Plan, centre: Path, feet: Path, seed: int, rng: np.random.Generator
) -> Muscles:
    """Return the muscles of a mouse.

    Parameters
    ----------
    plan
        The story: who carries the body.
    centre, feet
        Paths of the centre of mass (3) and of the feet (12), mm.
    seed
        Of the noise.
    rng
        Decides the mouse's own delay, lag and gains.
    """
    delay_s = round(rng.uniform(0.012, 0.018), 4)
    other_lag_s = round(rng.uniform(0.001, 0.004), 4)
    other_gain = round(rng.uniform(0.8, 0.95), 3)
    count = round(centre.period_s / _TABLE_STEP_S)
    times = np.arange(count) * (centre.period_s / count) + delay_s
    right = _limb(plan, centre, feet, times, 0)
    left = other_gain * _limb(plan, centre, feet, times - other_lag_s, 1)
    return Muscles(
        envelopes=Table(np.concatenate([right, left], axis=1), centre.period_s),
        delay_s=delay_s,
        other_lag_s=other_lag_s,
        gains_uv=np.round(rng.uniform(400.0, 800.0, len(EMG_CHANNELS)), 1),
        floor_uv=6.0,
        seed=seed,
    )


def _limb(
    plan: Plan, centre: Path, feet: Path, t: NDArray[np.float64], side: int
) -> NDArray[np.float64]:
    """Return the four muscles (n, 4) of one limb for the time of their force."""
    load = _load(plan, centre, t, side)
    soon = _load(plan, centre, t + _FLEXOR_LEAD_S, side)
    toe = feet(t, 1)[:, 3 * side : 3 * side + 3] / _FULL_SPEED_MM_S
    lifting = np.clip(toe[:, 2], 0.0, 1.0)
    swinging = np.clip(np.hypot(toe[:, 0], toe[:, 1]), 0.0, 1.0)
    muscles = (
        load,
        0.7 * lifting + 0.25 * swinging,
        0.85 * load**1.2,
        0.5 * soon + 0.25 * swinging,
    )
    return _TONE + np.stack(muscles, axis=1)


def _load(
    plan: Plan, centre: Path, t: NDArray[np.float64], side: int
) -> NDArray[np.float64]:
    """Return the ground's force on a limb above quiet standing, in full loads."""
    weights = 1.0 + centre(t, 2)[:, 2] / GRAVITY_MM_S2
    share = plan.hind_load(np.mod(t, centre.period_s))[:, side]
    return np.maximum(share * weights - _QUIET_LOAD, 0.0) / _FULL_LOAD


def _band_pass() -> NDArray[np.float64]:
    """Return the taps of a band of about 30 to 500 Hz, for unit variance out."""
    k = np.arange(25) - 12
    window = np.hamming(25)
    low = np.sinc(2.0 * 500.0 / EMG_RATE_HZ * k) * window
    lower = np.sinc(2.0 * 60.0 / EMG_RATE_HZ * k) * window
    taps = low / low.sum() - lower / lower.sum()
    return taps / np.sqrt(np.sum(taps**2))


_BAND_PASS = _band_pass()
