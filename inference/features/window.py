"""The last samples of a signal, and the numbers that are made of them. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rig.config.task import FeatureConfig

__all__ = ["Recipe", "SignalWindow"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a feature is made of samples."""

    columns: tuple[int, ...]
    """Channels that are added up."""
    window: int
    """Samples of the window."""
    baseline: int
    """Samples of the baseline; 0 for a level."""

    @staticmethod
    def of(config: FeatureConfig, channels: Sequence[str], rate_hz: float) -> Recipe:
        """Return the recipe of a task's feature for a signal's channels and rate."""
        envelope = config.kind == "envelope"
        return Recipe(
            tuple(map(list(channels).index, config.channels)),
            max(1, round(config.window_ms * rate_hz / 1e3)),
            max(1, round(config.baseline_ms * rate_hz / 1e3)) if envelope else 0,
        )

    @property
    def needed(self) -> int:
        """So many samples it takes."""
        return max(self.window, self.baseline)

    def value(self, samples: NDArray[np.float64]) -> float:
        """Return the feature of a signal's last samples.

        A level is the window's mean; an envelope its root mean square about the
        baseline's mean, the usual measure of a muscle's activity (Merletti, Standards
        for reporting EMG data, 1999).

        Parameters
        ----------
        samples
            (samples, channels) in the signal's unit, the newest last.

        Returns
        -------
        The feature in the signal's unit; NaN while there are too few samples.
        """
        if len(samples) < self.needed:
            return math.nan
        summed = samples[-self.needed :].take(self.columns, axis=1).sum(axis=1)
        last = summed[-self.window :]
        if not self.baseline:
            return float(last.mean())
        away: NDArray[np.float64] = last - summed.mean()
        return math.sqrt(float((away * away).mean()))


class SignalWindow:
    """The last samples of a signal, in its unit.

    Parameters
    ----------
    scale
        Units per count, of each channel.
    length
        How many samples are kept.
    """

    def __init__(self, scale: Sequence[float], length: int) -> None:
        self._scale = np.array(scale, np.float64)
        self._length = length
        self._kept = np.empty((2 * length, len(scale)))
        self._end = 0
        self._next: int | None = None

    @property
    def samples(self) -> NDArray[np.float64]:
        """What is kept: (samples, channels), the newest last."""
        return self._kept[max(0, self._end - self._length) : self._end]

    @property
    def last_number(self) -> int:
        """The device's number of the newest sample; -1 before any."""
        return -1 if self._next is None else self._next - 1

    def append(self, counts: NDArray[np.int16], first_number: int) -> None:
        """Take a block of samples; after a gap all begins anew.

        Parameters
        ----------
        counts
            (samples, channels) as the device gave them.
        first_number
            The device's number of the first one.
        """
        if first_number != self._next:
            self._end = 0
        self._next = first_number + len(counts)
        counts = counts[-self._length :]
        if self._end + len(counts) > len(self._kept):
            keep = self._kept[self._end - (self._length - len(counts)) : self._end]
            self._kept[: len(keep)] = keep.copy()
            self._end = len(keep)
        stop = self._end + len(counts)
        np.multiply(counts, self._scale, out=self._kept[self._end : stop])
        self._end = stop
