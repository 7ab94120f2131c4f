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

    from offline.alignment.cues.gaze import View, Wish
    from offline.alignment.cues.lines import Wire
    from offline.alignment.cues.motion import MotionWish
    from offline.alignment.cues.spot import Spot
    from sync.cues import Delay, Line

__all__ = ["REACH", "LedLook", "compare", "exposures", "look_at"]

_EDGES = 60
"""So many are enough for a cue."""
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
    beside: MotionWish | None = None,
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
    beside
        Who wants to see frames as well, and has not yet.
    progress
        Told how many frames are read, and of how many.
    """
    reader = SpotReader(spot, view.shape, view.white)
    wishes: list[Wish] = [(_places(view, line, most_frames, beside), reader)]
    if beside is not None and not beside.reader.begun:
        wishes.append((beside.places, beside.reader))
    read_frames(view, wishes, progress)
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


def _places(
    view: View, line: Line, most_frames: int, beside: MotionWish | None
) -> NDArray[np.bool_]:
    """Choose the places to look at (n,): others' where the line has edges enough."""
    order = np.sort(view.middle_ns)
    edges = np.searchsorted(order, line.edges_ns)
    has_edge = np.bincount(edges, minlength=len(order) + 1)[: len(order)] > 0
    if beside is not None and has_edge[beside.places].sum() >= _EDGES:
        return beside.places
    worth = has_edge.astype(np.float64)
    return spread_windows(len(order), view.window, most_frames, worth)
