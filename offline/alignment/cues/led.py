"""An LED in the picture against the line that drives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.cues.gaze import read_frames, spread_windows
from offline.alignment.cues.spot import SpotReader
from sync.cues import Looks, find_delay

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from offline.alignment.cues.gaze import View
    from offline.alignment.cues.lines import Wire
    from offline.alignment.cues.spot import Spot
    from sync.cues import Delay, Line

__all__ = ["REACH", "LedLook", "compare", "exposures", "look_at", "window_places"]

_WINDOW_S = 5.0
_FAR_S = 2.5
"""A line that is regular fits again a period later: up to here that is looked for."""
_LEAST_EXPOSURE = 0.02
"""Of the period: taken where the recording does not tell the exposure."""
REACH = 5
"""Whole frames by which an alignment may be off and still be found."""


@dataclass(frozen=True, slots=True, eq=False)
class LedLook:
    """What was seen of an LED."""

    view: View
    wire: Wire
    line: Line
    spot: Spot
    looks: Looks
    blinded: bool
    """The spot is brighter than the picture can show."""
    delay: Delay


def look_at(
    view: View,
    spot: Spot,
    wire: Wire,
    line: Line,
    *,
    most_frames: int,
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> LedLook:
    """Look at a spot, and hold it against a line.

    Parameters
    ----------
    view
        Of the camera.
    spot
        Where it sees the LED.
    wire, line
        What drives it.
    most_frames
        So many are read at most, in windows spread over the session.
    progress
        Told how many frames are read, and of how many.
    """
    reader = SpotReader(spot, view.shape, view.white)
    places = window_places(view, line, most_frames)
    read_frames(view, [(places, reader)], progress)
    levels, blinded = reader.levels()
    return compare(view, spot, wire, line, (reader.rows, levels), blinded=blinded)


def compare(
    view: View,
    spot: Spot,
    wire: Wire,
    line: Line,
    seen: tuple[NDArray[np.int64], NDArray[np.float64]],
    *,
    blinded: bool,
) -> LedLook:
    """Hold what was seen, rows (k,) and their levels (k,), against a line."""
    level = np.full(len(view.middle_ns), np.nan)
    level[view.places_of(seen[0])] = seen[1]
    looks = Looks(*exposures(view), level)
    far = max(int(np.ceil(_FAR_S * 1e9 / view.period_ns)), 10 * REACH)
    delay = find_delay(line, looks, reach=REACH, far=far)
    return LedLook(view, wire, line, spot, looks, blinded, delay)


def exposures(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when the exposure of each place began (n,), and ended."""
    half_ns = max(view.exposure_ns, _LEAST_EXPOSURE * view.period_ns) / 2
    middle = view.middle_ns.astype(np.float64)
    return middle - half_ns, middle + half_ns


def window_places(view: View, line: Line, most_frames: int) -> NDArray[np.bool_]:
    """Choose the places to look at: where the line has most edges (n,)."""
    length = max(int(_WINDOW_S * 1e9 / view.period_ns), 2 * REACH)
    order = np.sort(view.middle_ns)
    edges = np.searchsorted(order, line.edges_ns)
    worth = np.bincount(edges, minlength=len(order) + 1)[: len(order)]
    worth = np.minimum(worth.astype(np.float64), 1.0)
    return spread_windows(len(order), length, most_frames, worth)
