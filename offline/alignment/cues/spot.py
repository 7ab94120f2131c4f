"""How bright a spot of the picture is: its disc against the ring about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Spot", "SpotReader"]

_RING = (1.7, 2.6)
"""Inner and outer radius of the ring, in those of the disc."""
_MOST_PIXELS = 48
"""A side of what is kept of a frame; of larger spots every other pixel, or fewer."""
_FULL = 0.99
"""Of white: a pixel that reaches it does not follow the light any more."""
_OFTEN = 3
_LEAST_PIXELS = 4


@dataclass(frozen=True, slots=True)
class Spot:
    """A disc in a picture."""

    x_px: float
    """From the left edge."""
    y_px: float
    """From the upper edge."""
    radius_px: float

    def __str__(self) -> str:
        """Return it as a person reads it."""
        return f"x {self.x_px:.0f}, y {self.y_px:.0f} px"


class SpotReader:
    """Keeps what frames show about a spot; of each some hundred pixels.

    Parameters
    ----------
    spot
        Where to look.
    shape
        Of a frame: height and width first.
    white
        The highest level of a pixel.
    """

    def __init__(self, spot: Spot, shape: tuple[int, ...], white: float) -> None:
        outer = max(_RING[1] * spot.radius_px, spot.radius_px + 3)
        step = max(1, int(2 * outer) // _MOST_PIXELS)
        sides = [
            slice(max(int(at - outer), 0), max(min(int(at + outer) + 2, size), 1), step)
            for at, size in zip((spot.y_px, spot.x_px), shape[:2], strict=True)
        ]
        self._crop = (slice(None), *sides)
        y, x = (np.arange(size)[side] for size, side in zip(shape, sides, strict=False))
        far = np.hypot(*np.meshgrid(y - spot.y_px, x - spot.x_px, indexing="ij"))
        self._disc = far <= spot.radius_px
        self._ring = (far >= _RING[0] * spot.radius_px) & (far <= outer)
        self._white = white
        self._rows: list[NDArray[np.int64]] = []
        self._inside: list[NDArray[Any]] = []
        self._about: list[NDArray[np.float64]] = []

    def take(self, frames: NDArray[Any], rows: NDArray[np.int64]) -> None:
        """Keep what frames show."""
        crop = frames[self._crop]
        self._rows.append(rows)
        self._inside.append(crop[:, self._disc].reshape(len(rows), -1))
        about = crop[:, self._ring].reshape(len(rows), -1)
        none = np.zeros(len(rows))
        self._about.append(np.median(about, axis=1) if about.shape[1] else none)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows that were seen (k,), in order."""
        return np.concatenate(self._rows) if self._rows else np.empty(0, np.int64)

    def levels(self) -> tuple[NDArray[np.float64], bool]:
        """Return how bright the spot was (k,), and whether it was ever blinded.

        Pixels that reach white are left out; where too few others are left, all are
        taken, and the spot counts as blinded.
        """
        if not self._rows:
            return np.empty(0), False
        inside = np.concatenate(self._inside)
        full = (inside >= _FULL * self._white).sum(axis=0) >= _OFTEN
        blinded = bool(full.any() and (~full).sum() < _LEAST_PIXELS)
        used = np.ones(len(full), bool) if blinded else ~full
        return inside[:, used].mean(axis=1) - np.concatenate(self._about), blinded
