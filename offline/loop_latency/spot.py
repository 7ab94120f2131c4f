"""How bright an LED's spot is in recorded frames, dark and lit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import SessionError
from rig.messages import EDGE_RISING
from sync.cues import Line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.config.rig import LedConfig
    from rig.recording.reader import Recording

__all__ = ["Levels", "host_line", "learn_levels", "spot_box", "spot_levels"]

_AT_ONCE = 256
_LEAST_LIT = 5
_LEAST_CONTRAST = 3.0
"""Grey levels."""
_SURE = 6.0
"""The light must be so many standard deviations of the dark above it."""
_DIAGONAL = 0.7
"""Half a side of the square that fits into a disc, in its radii."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Mean grey level of a spot."""

    dark: float
    lit: float
    noise: float
    """Standard deviation of the dark."""

    def share(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much of the full light levels show."""
        return (level - self.dark) / (self.lit - self.dark)


def spot_box(led: LedConfig) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 of the square within an LED's spot."""
    half = max(1, int(_DIAGONAL * led.radius_px))
    x, y = round(led.x_px), round(led.y_px)
    return max(x - half, 0), max(y - half, 0), x + half + 1, y + half + 1


def spot_levels(
    recording: Recording, camera: str, box: tuple[int, int, int, int]
) -> NDArray[np.float64]:
    """Return the mean of a box's pixels in each recorded frame (f,)."""
    x0, y0, x1, y1 = box
    stream = f"cameras/{camera}"
    found = [
        recording.payload(stream, first, first + _AT_ONCE)[:, y0:y1, x0:x1]
        for first in range(0, recording.count(stream), _AT_ONCE)
    ]
    means = [part.reshape(len(part), -1).mean(axis=1) for part in found]
    return np.concatenate([np.empty(0), *means])


def host_line(recording: Recording, board: str, line: str) -> tuple[Line, Line]:
    """Return a line's pulses by the board's clock, and as mapped live to the host's.

    Raises
    ------
    SessionError
        If none was recorded.
    """
    events, clock = f"events/{board}", f"clocks/{board}"
    rows = recording.rows(events) if events in recording.streams else None
    known = recording.rows(clock) if clock in recording.streams else None
    if rows is not None:
        rows = rows[rows["line"] == line.encode()]
    if rows is None or known is None or not len(rows) or not len(known):
        msg = (
            f"Expected pulses of {board} {line}, which the LED hangs on, got none: an "
            "LED for this test must be on a sync line (sync_line in the rig file)"
        )
        raise SessionError(msg)
    rising = rows["edge"] == EDGE_RISING
    own = Line.of_edges(rows["device_ns"], rising)
    origin = int(known["offset_ns"][0])
    offset = np.interp(
        own.edges_ns,
        known["device_ns"].astype(np.float64),
        (known["offset_ns"] - origin).astype(np.float64),
    )
    host = own.edges_ns + np.rint(offset).astype(np.int64) + origin
    return own, Line(host[0::2], host[1::2])


def learn_levels(
    level: NDArray[np.float64],
    exposure_ns: NDArray[np.int64],
    line: Line,
    length_ns: float,
) -> Levels:
    """Return how dark and how bright a spot is, from frames and the line that lit it.

    Parameters
    ----------
    level
        (f,) mean of the spot in each frame.
    exposure_ns
        (f,) middles of the exposures, on the line's clock.
    line
        What lights it.
    length_ns
        Of an exposure.

    Raises
    ------
    SessionError
        If the spot does not follow the line.
    """
    half = 0.5 * length_ns
    whole = line.share(exposure_ns - 1.5 * half, exposure_ns + 1.5 * half) == 1.0
    never = line.share(exposure_ns - 3 * half, exposure_ns + 3 * half) == 0.0
    if whole.sum() < _LEAST_LIT or never.sum() < _LEAST_LIT:
        msg = (
            f"Expected at least {_LEAST_LIT} frames with the LED lit all through and "
            f"as many without, got {whole.sum()} and {never.sum()}: expose for less "
            "time than the line's pulses last"
        )
        raise SessionError(msg)
    dark, lit = float(np.median(level[never])), float(np.median(level[whole]))
    noise = 1.4826 * float(np.median(np.abs(level[never] - dark)))
    if lit - dark < max(_LEAST_CONTRAST, _SURE * noise):
        msg = (
            f"Expected an LED that brightens its spot, got {dark:.1f} dark and "
            f"{lit:.1f} lit, of 255: is it in view, and at the place that the rig file "
            "says? springhare calibrate-latency finds it"
        )
        raise SessionError(msg)
    return Levels(dark, lit, noise)
