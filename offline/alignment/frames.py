"""Frames in their places: recorded ones by their stamps, lost ones rebuilt.

Frames are counted by the device, never by arrival: a frame ID that is left out is a
lost frame, and so is a trigger that no frame came of, and an interval of two periods
where the IDs count on (a writer's own counter hides what it lost).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.joints.cameras import exposure_start_ns
from offline.alignment.result import NO_TIME
from rig.config.rig import BaslerConfig, HardwareTrigger, SoftwareTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from offline.alignment.recorded import Edges, Recorded

__all__ = ["LaidFrames", "hidden_losses", "lay_frames"]

_ON_GRID = 0.1
"""In periods: intervals are so near to whole periods where a camera runs freely."""
_STEADY = 0.9
"""Share of the intervals that must be, or nothing is told from them."""


@dataclass(frozen=True, slots=True, eq=False)
class LaidFrames:
    """All frames of a camera, in their order; lost ones too."""

    row: NDArray[np.int64]
    """(n,) row of the recording; -1 for a lost frame."""
    frame_id: NDArray[np.int64]
    """(n,) of the device; -1 where a lost one never had a number."""
    middle_ns: NDArray[np.int64]
    """(n,) middle of the exposure on the camera's timeline, where it stamps frames;
    on the host's clock otherwise. Lost frames lie evenly between their neighbours."""
    scatter_ns: float
    """Standard deviation of how far frames lie off the middle of their neighbours."""
    stamped: bool
    """Whether the camera stamps its frames."""
    board: str
    """The board that triggers the camera; empty where none does."""
    trigger_ns: NDArray[np.int64]
    """(n,) on that board's timeline, when each frame was asked for; `NO_TIME` if it
    is not known."""
    causes: Mapping[int, str]
    """Why frames are lost, by their place."""


def lay_frames(recorded: Recorded, camera: str) -> LaidFrames:
    """Put the frames of a camera in their places, lost ones too."""
    stream = f"cameras/{camera}"
    rows = recorded.rows(stream)
    about = recorded.recording.attributes(stream)
    half_ns = round(float(about.get("exposure_us", 0.0)) * 500)
    starts = exposure_start_ns(recorded, camera)
    stamped = bool(len(starts)) and bool((starts >= 0).all())
    middles = starts + half_ns if stamped else rows["exposure_ns"].astype(np.int64)
    triggers = _triggers(recorded, camera)
    ids = rows["frame_id"].astype(np.int64)
    steps = np.maximum(np.diff(ids), 1)
    if triggers is None:
        number, asked_ns = np.full(len(rows), -1), np.empty(0, np.int64)
        steps = steps + hidden_losses(middles, steps) if stamped else steps
        before, after = 0, 0
    else:
        seq, asked_ns = triggers.seq, triggers.time_ns
        number = _numbers(rows["trigger_seq"].astype(np.int64), seq)
        known = (number[1:] >= 0) & (number[:-1] >= 0)
        steps = np.where(known, np.maximum(steps, np.diff(number)), steps)
        before, after = _ends(number, len(seq))
    place = np.concatenate([[0], np.cumsum(steps)])[: len(rows)] + before
    total = int(place[-1]) + 1 + after if len(rows) else 0
    row = np.full(total, -1, np.int64)
    row[place] = np.arange(len(rows))
    return LaidFrames(
        row,
        _ids(ids, place, total),
        _between(place, total, middles),
        _scatter(middles, steps),
        stamped,
        "" if triggers is None else _board(recorded, camera),
        _asked(place, total, number, asked_ns),
        _causes(recorded, camera, row < 0),
    )


def hidden_losses(
    device_ns: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return by how many frames each step is longer than the IDs say (n - 1,).

    Told where frames come at a steady rate only: nine of ten intervals must be within
    a tenth of a period of a whole number of them.

    Parameters
    ----------
    device_ns
        (n,) stamps of the frames.
    steps
        (n - 1,) by how much their IDs count on.

    Examples
    --------
    >>> import numpy as np
    >>> stamps = np.array([0, 10, 20, 50, 60, 70, 80, 90, 100, 110]) * 1_000_000
    >>> hidden_losses(stamps, np.ones(9, int)).tolist()
    [0, 0, 2, 0, 0, 0, 0, 0, 0]
    """
    none = np.zeros(len(steps), np.int64)
    if len(steps) < 8:
        return none
    intervals = np.diff(device_ns)
    period = float(np.median(intervals / np.maximum(steps, 1)))
    if period <= 0:
        return none
    periods = intervals / period
    whole = np.rint(periods).astype(np.int64)
    if np.mean(np.abs(periods - whole) <= _ON_GRID) < _STEADY:
        return none
    return np.maximum(whole - steps, 0)


def _triggers(recorded: Recorded, camera: str) -> Edges | None:
    """Return the edges that asked for frames; None where the camera paces itself."""
    config = recorded.rig.cameras.get(camera)
    trigger = config.trigger if isinstance(config, BaslerConfig) else None
    if not isinstance(trigger, (HardwareTrigger, SoftwareTrigger)):
        return None
    board = recorded.rig.harp_devices[trigger.source].camera_trigger
    up = not isinstance(trigger, HardwareTrigger) or trigger.edge == "rising"
    edges = recorded.edges(trigger.source, board.line if board else "").going(up=up)
    return edges if len(edges.seq) else None


def _board(recorded: Recorded, camera: str) -> str:
    trigger = getattr(recorded.rig.cameras[camera], "trigger", None)
    return getattr(trigger, "source", "")


def _numbers(asked: NDArray[np.int64], seq: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which trigger asked for each frame (n,); -1 for none that is known."""
    at = np.clip(np.searchsorted(seq, asked), 0, len(seq) - 1)
    return np.where(seq[at] == asked, at, -1)


def _ends(number: NDArray[np.int64], triggers: int) -> tuple[int, int]:
    """Return how many triggers came before the first frame's, and after the last's."""
    if not len(number):
        return 0, 0
    before = max(int(number[0]), 0)
    return before, triggers - 1 - int(number[-1]) if number[-1] >= 0 else 0


def _asked(
    place: NDArray[np.int64],
    total: int,
    number: NDArray[np.int64],
    asked_ns: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return when each place was asked for: lost ones follow the frame before them."""
    found = np.full(total, NO_TIME)
    known = number >= 0
    if not known.any():
        return found
    anchors, numbers = place[known], number[known]
    every = np.arange(total)
    at = np.searchsorted(anchors, every, side="right") - 1
    ahead = np.where(at >= 0, every - anchors[at], every - anchors[0])
    which = np.where(at >= 0, numbers[at], numbers[0]) + ahead
    limit = np.append(numbers[1:], len(asked_ns))[at]
    limit = np.where(at >= 0, limit, numbers[0])
    good = (which >= 0) & ((which < limit) | (ahead == 0))
    found[good] = asked_ns[which[good]]
    return found


def _between(
    place: NDArray[np.int64], total: int, times_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the time of every place, those between two frames evenly apart."""
    if not len(times_ns):
        return np.empty(0, np.int64)
    origin = int(times_ns[0])
    relative = (times_ns - origin).astype(np.float64)
    found = np.rint(np.interp(np.arange(total), place, relative)).astype(np.int64)
    found += origin
    found[place] = times_ns
    return found


def _ids(
    frame_id: NDArray[np.int64], place: NDArray[np.int64], total: int
) -> NDArray[np.int64]:
    """Return the ID of every place; -1 where a lost frame was given none."""
    found = np.full(total, -1, np.int64)
    found[place] = frame_id
    for before in np.flatnonzero(np.diff(place) > 1).tolist():
        missing = int(frame_id[before + 1] - frame_id[before]) - 1
        first = int(place[before]) + 1
        known = min(missing, int(place[before + 1]) - first)
        found[first : first + known] = frame_id[before] + 1 + np.arange(known)
    return found


def _scatter(middles: NDArray[np.int64], steps: NDArray[np.int64]) -> float:
    """Return how far a frame lies off the middle of its neighbours, robustly."""
    single = np.flatnonzero((steps[:-1] == 1) & (steps[1:] == 1)) + 1
    if len(single) < 8:
        period_ns = np.median(np.diff(middles) / steps) if len(steps) else 0.0
        return float(period_ns / np.sqrt(12))
    relative = middles - middles[0]
    bent = relative[single] - (relative[single - 1] + relative[single + 1]) / 2
    return float(1.4826 * np.median(np.abs(bent)))


def _causes(recorded: Recorded, camera: str, lost: NDArray[np.bool_]) -> dict[int, str]:
    """Return the causes that the recording tells, by place: those of all, together."""
    stream = f"losses/{camera}"
    if not lost.any() or stream not in recorded.recording.streams:
        return {}
    rows = recorded.rows(stream)
    told = sorted({row["cause"].decode() for row in rows if row["count"] > 0})
    first = np.flatnonzero(lost & ~np.concatenate([[False], lost[:-1]]))
    return dict.fromkeys(first.tolist(), "; ".join(told))
