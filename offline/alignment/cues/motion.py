"""Motion in the picture against a signal: a cue where no LED is seen.

What moves in the picture, the mean difference of successive frames, goes with how fast
the animal moves. A force plate knows that: the force beyond the weight, summed up, is
momentum, in the air as well. (The force itself would not do: it is strongest when the
animal is slowest, and so comes some frames before or after the motion.) Of any other
signal its changes are taken, and then the body's own delay is in the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment.cues.gaze import read_frames, spread_windows
from offline.alignment.result import NO_TIME
from sync.cues import window_shifts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from offline.alignment.cues.gaze import View
    from offline.alignment.cues.spot import Spot
    from offline.alignment.streams import Placed, Session
    from sync.cues import WindowShifts

__all__ = [
    "MotionLook",
    "MotionReader",
    "MotionWish",
    "Moved",
    "compare_motion",
    "moved_by",
]

_PIXELS = 20_000
"""About so many of a frame are compared."""
_STILL_S = 2.0
"""Slower changes of the momentum are the force plate's own drift."""
_REACH_S = 1.0
_RATE_HZ = 250.0
"""Signals are averaged down to about this: motion is slower."""
_CHUNK = 1 << 16


class MotionReader:
    """Keeps how much each frame differs from the one before it.

    Parameters
    ----------
    shape
        Of a frame: height and width first.
    spot
        An LED, which is no motion; None if there is none.
    """

    def __init__(self, shape: tuple[int, ...], spot: Spot | None) -> None:
        step = max(1, round(np.sqrt(shape[0] * shape[1] / _PIXELS)))
        self._part = (slice(None), slice(None, None, step), slice(None, None, step))
        y, x = np.ogrid[: shape[0] : step, : shape[1] : step]
        self._left_out = np.zeros(np.broadcast(y, x).shape, bool)
        if spot is not None:
            far = np.hypot(y - spot.y_px, x - spot.x_px)
            self._left_out = far <= 3 * spot.radius_px
        self._last: tuple[int, NDArray[Any]] | None = None
        self._rows: list[NDArray[np.int64]] = []
        self._energy: list[NDArray[np.float64]] = []

    def take(self, frames: NDArray[Any], rows: NDArray[np.int64]) -> None:
        """Keep what frames show."""
        part = frames[self._part]
        part = part[..., 1] if part.ndim > 3 else part
        numbers = rows
        if self._last is not None:
            part = np.concatenate([self._last[1], part])
            numbers = np.append(self._last[0], rows)
        self._last = int(rows[-1]), part[-1:].copy()
        # without a sign, in the pixels' own type
        differs = np.maximum(part[1:], part[:-1]) - np.minimum(part[1:], part[:-1])
        differs[:, self._left_out] = 0
        follows = np.diff(numbers) == 1
        self._rows.append(numbers[1:][follows])
        total = differs.sum(axis=(1, 2), dtype=np.int64)[follows]
        self._energy.append(total / max(np.count_nonzero(~self._left_out), 1))

    @property
    def begun(self) -> bool:
        """Whether any frame was seen."""
        return self._last is not None

    def energy(self, view: View) -> NDArray[np.float64]:
        """Return the difference of each place to the one before it (n,), or NaN."""
        found = np.full(len(view.middle_ns), np.nan)
        if self._rows:
            at = view.places_of(np.concatenate(self._rows))
            # over a lost frame, more has moved
            near = (at > 0) & (view.row[at - 1] >= 0)
            found[at[near]] = np.concatenate(self._energy)[near]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """How fast something moved, as a signal tells."""

    stream: str
    time_ns: NDArray[np.int64]
    """(n,) session time of its samples."""
    speed: NDArray[np.float64]
    """(n,) in a unit of its own."""
    by_force: bool
    """Whether it is the momentum on a force plate, which motion follows at once."""

    def between(self, middle_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the speed about each frame and the one before it (n,); the first NaN.

        NaN where the signal has not begun, or has ended.
        """
        found = np.full(len(middle_ns), np.nan)
        if len(self.time_ns) < 2 or len(middle_ns) < 2:
            return found
        total = np.concatenate([[0.0], np.cumsum(self.speed)])
        ends = np.interp(middle_ns, self.time_ns, np.arange(len(self.time_ns)))
        sums = np.interp(ends + 0.5, np.arange(len(total)), total)
        count = np.diff(ends)
        good = count > 0
        found[1:][good] = np.diff(sums)[good] / count[good]
        found[middle_ns < self.time_ns[0]] = np.nan
        found[middle_ns > self.time_ns[-1]] = np.nan
        return found


def moved_by(session: Session, placed: Mapping[str, Placed]) -> Moved | None:
    """Return what a session's signals know of motion; a force plate is asked first."""
    streams = session.recorded.recording.streams
    names = [name for name, spec in streams.items() if spec.kind == "samples"]
    names.sort(key=lambda name: not name.endswith("/force_plate"))
    for name in names:
        if name in placed and len(placed[name].stream.time_ns) > 2:
            return _moved(session, name, placed[name].stream.time_ns)
    return None


def _moved(session: Session, name: str, time_ns: NDArray[np.int64]) -> Moved:
    recording = session.recorded.recording
    about = recording.attributes(name)
    rate_hz = float(about["rate_hz"])
    units = [str(unit) for unit in about["units"]]
    forces = [k for k, unit in enumerate(units) if unit == "mN"]
    by_force = name.endswith("/force_plate") and bool(forces)
    used = forces if by_force else list(range(len(units)))
    of_one = max(int(rate_hz / _RATE_HZ), 1)
    count = len(time_ns) // of_one
    means = np.empty((count, len(used)), np.float32)
    for first in range(0, count, _CHUNK):
        end = min(first + _CHUNK, count)
        part = recording.payload(name, first * of_one, end * of_one)[:, used]
        part = part * np.asarray(about["scale"], np.float32)[used]
        if not by_force:
            part = np.abs(np.diff(part, axis=0, prepend=part[:1]))
        means[first:end] = part.reshape(end - first, of_one, -1).mean(axis=1)
    begins, ends = (time_ns[at : count * of_one : of_one] for at in (0, of_one - 1))
    timed = (begins != NO_TIME) & (ends != NO_TIME)
    middles = begins[timed] + (ends[timed] - begins[timed]) // 2
    if by_force:
        speed = _momentum(means[timed], max(int(_STILL_S * rate_hz / of_one), 1))
    else:
        speed = (means / (np.median(means, axis=0) + 1e-9)).mean(axis=1)[timed]
    return Moved(name, middles, speed.astype(np.float64), by_force)


def _momentum(force: NDArray[np.float32], still: int) -> NDArray[np.float64]:
    """Return the size of the momentum (n,), by forces (n, axes) beyond the weight."""
    momentum = np.cumsum(force - np.median(force, axis=0), axis=0, dtype=np.float64)
    total = np.concatenate([np.zeros((1, force.shape[1])), np.cumsum(momentum, axis=0)])
    first = np.clip(np.arange(len(force)) - still // 2, 0, None)
    end = np.clip(np.arange(len(force)) + still // 2 + 1, None, len(force))
    drift = (total[end] - total[first]) / (end - first)[:, None]
    return np.linalg.norm(momentum - drift, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class MotionWish:
    """The frames that motion is to be seen in."""

    places: NDArray[np.bool_]
    """(n,) those in which most moves, by the signal."""
    reader: MotionReader

    @staticmethod
    def of(view: View, moved: Moved, most_frames: int, spot: Spot | None) -> MotionWish:
        """Choose frames, at most so many; a `spot` is an LED, which is no motion."""
        worth = np.nan_to_num(moved.between(view.middle_ns))
        places = spread_windows(len(worth), view.window, most_frames, worth)
        return MotionWish(places, MotionReader(view.shape, spot))

    def read(self, view: View, progress: Callable[[int, int], object]) -> None:
        """Read the frames, unless they were shown already."""
        if not self.reader.begun:
            read_frames(view, [(self.places, self.reader)], progress)


@dataclass(frozen=True, slots=True, eq=False)
class MotionLook:
    """What the windows say of a camera."""

    view: View
    moved: Moved
    windows: WindowShifts


def compare_motion(view: View, moved: Moved, energy: NDArray[np.float64]) -> MotionLook:
    """Hold the motion in the picture (n,) against what a signal knows of it."""
    reach = max(int(_REACH_S * 1e9 / view.period_ns), 10)
    windows = window_shifts(
        energy,
        moved.between(view.middle_ns),
        length=view.window,
        reach=reach,
    )
    return MotionLook(view, moved, windows)
