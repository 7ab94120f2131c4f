"""Which frames are looked at, and reading them once for all who want to see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from offline.alignment.result import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from offline.alignment.streams import Placed, Session

__all__ = ["Taker", "View", "Wish", "read_frames", "spread_windows", "view_of"]

_CHUNK_BYTES = 32 << 20
_WINDOW_S = 5.0


class Taker(Protocol):
    """Somebody who wants to see frames."""

    def take(self, frames: NDArray[Any], rows: NDArray[np.int64]) -> None:
        """Look at frames (k, height, width, …), and which rows they are (k,)."""
        ...


Wish = tuple["NDArray[np.bool_]", Taker]
"""The places (n,) that somebody wants to see, and who."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A camera's frames in their places, on the session's time."""

    session: Session
    stream: str
    camera: str
    middle_ns: NDArray[np.int64]
    """(n,) of each place's exposure, lost frames too."""
    row: NDArray[np.int64]
    """(n,) row of the recording, -1 where there is none."""
    exposure_ns: float
    sd_ns: float
    """Median standard deviation of a frame's time."""

    @property
    def period_ns(self) -> float:
        """Median time from frame to frame."""
        return float(np.median(np.diff(self.middle_ns)))

    @property
    def window(self) -> int:
        """Frames of a window: of some seconds."""
        return max(int(_WINDOW_S * 1e9 / self.period_ns), 20)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a frame: height, width, and channels if it has colours."""
        layout = self.session.recorded.recording.layouts[self.stream]
        payload = layout.spec.payload
        return () if payload is None else tuple(payload.shape)

    @property
    def white(self) -> float:
        """The highest level of a pixel."""
        about = self.session.recorded.recording.attributes(self.stream)
        bits = str(about.get("pixel_format", "Mono8")).removeprefix("Mono")
        return float((1 << int(bits)) - 1) if bits.isdigit() else 255.0

    def places_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of recorded rows (k,)."""
        there = np.flatnonzero(self.row >= 0)
        return there[np.searchsorted(self.row[there], rows)]


def view_of(session: Session, stream: str, placed: Placed) -> View | None:
    """Return a camera's view; None where there is too little to look at."""
    times, rows = placed.stream.time_ns, placed.stream.row
    if rows is None:
        rows = np.arange(len(times))
    timed = times != NO_TIME
    if (rows[timed] >= 0).sum() < 2:
        return None
    about = session.recorded.recording.attributes(stream)
    return View(
        session,
        stream,
        stream.removeprefix("cameras/"),
        times[timed],
        rows[timed],
        float(about.get("exposure_us", 0.0)) * 1000,
        float(np.median(placed.stream.sd_ns[timed])),
    )


def spread_windows(
    count: int, length: int, most: int, worth: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Choose windows of places that are spread over a session (count,).

    Windows begin at whole multiples of their length. The session is cut into as many
    parts as there may be windows, and of each part the one that is worth most is taken.

    Parameters
    ----------
    count
        Places there are.
    length
        Places of a window.
    most
        Places to be chosen at most; all, where there are no more.
    worth
        (count,) what each place is worth.
    """
    if count <= most:
        return np.ones(count, bool)
    windows = max(count // length, 1)
    each = np.add.reduceat(worth[: windows * length], np.arange(windows) * length)
    chosen = np.zeros(count, bool)
    for part in np.array_split(np.arange(windows), max(most // length, 1)):
        if len(part):
            first = int(part[np.argmax(each[part])]) * length
            chosen[first : first + length] = True
    return chosen


def read_frames(
    view: View,
    wishes: Sequence[Wish],
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> None:
    """Read frames in chunks, and show each taker those that it wants.

    Parameters
    ----------
    view
        Of the camera.
    wishes
        Of each taker: the places (n,) that it wants to see, and itself.
    progress
        Told how many frames are read, and of how many.
    """
    recording = view.session.recorded.recording
    there = view.row >= 0
    wanted = [(np.sort(view.row[places & there]), taker) for places, taker in wishes]
    rows = np.unique(np.concatenate([mine for mine, _ in wanted]))
    depth = recording.layouts[view.stream].spec.payload
    nbytes = 1 if depth is None else depth.nbytes
    done = 0
    for first, end in _runs(rows, max(_CHUNK_BYTES // max(nbytes, 1), 1)):
        frames = recording.payload(view.stream, first, end)
        for mine, taker in wanted:
            here = mine[slice(*np.searchsorted(mine, [first, first + len(frames)]))]
            if len(here):
                whole = len(here) == len(frames)
                taker.take(frames if whole else frames[here - first], here)
        done += end - first
        progress(done, len(rows))


def _runs(rows: NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Yield runs of rows that follow one another, none longer than `most`."""
    borders = np.flatnonzero(np.diff(rows) != 1) + 1
    for run in np.split(rows, borders):
        for first in range(0, len(run), most):
            part = run[first : first + most]
            yield int(part[0]), int(part[-1]) + 1
