"""A stream's values at other times: nothing is made up where something is missing.

Pure: arrays in, arrays out. Before the first
element, after the last one and across gaps the answer is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from offline.session.data import blank
from offline.session.line import Line
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from offline.session.data import StreamData

__all__ = ["Method", "Resampled", "Way", "chosen", "regular_period_ns", "resample_at"]

Method = Literal["auto", "linear", "nearest", "previous", "mean"]
_DOWN = 2.0
"""Going to less than one element of this many, `auto` takes the mean."""
_REGULAR_SHARE, _REGULAR_SPREAD = 0.9, 0.2
"""Times are regular when so many intervals differ by no more from their median."""


@dataclass(frozen=True, slots=True)
class Way:
    """How values are taken at other times."""

    method: Literal["linear", "nearest", "previous", "mean"]
    gap_ns: float
    """Longest time between two elements that is no gap."""
    width_ns: float = 0.0
    """Length of the interval of a mean."""

    @property
    def reach_ns(self) -> float:
        """How far from a time elements may lie that its value hangs on."""
        return self.gap_ns + self.width_ns / 2


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Values at m times."""

    values: NDArray[Any]
    """(m, …); nothing where `present` is False."""
    present: NDArray[np.bool_]
    """(m,)."""
    sd_ns: NDArray[np.float32]
    """(m,) of the time of the element that a value comes from."""


def chosen(
    data: StreamData, method: Method, gap_ns: float, width_ns: float | None
) -> Way:
    """Return how to take values of a stream at times that are `width_ns` apart.

    Parameters
    ----------
    data
        The stream; an empty stretch will do.
    method
        ``auto``: what is no number with a fraction is taken from the nearest element,
        a mean is taken when there would be less than one value of two elements, and
        else what lies between two elements is interpolated.
    gap_ns
        Longest time between two elements that is no gap.
    width_ns
        Interval between the times; None if they are not regular.

    Raises
    ------
    SessionError
        If the values cannot be averaged or interpolated, or a mean has no interval.
    """
    numbers = data.values.dtype.kind == "f"
    if method == "auto":
        return Way(*_automatic(data, numbers, gap_ns, width_ns))
    if method in {"linear", "mean"} and not numbers:
        msg = (
            f"Expected numbers to take a {method} of, got {data.info.kind} in "
            f"{data.name}: give method='nearest' or 'previous'"
        )
        raise SessionError(msg)
    if method == "mean" and not (width_ns and width_ns > 0):
        msg = "Expected regular times to take means at, got others: give width_s"
        raise SessionError(msg)
    return Way(method, gap_ns, (width_ns or 0.0) if method == "mean" else 0.0)


def _automatic(
    data: StreamData, numbers: bool, gap_ns: float, width_ns: float | None
) -> tuple[Literal["linear", "nearest", "mean"], float, float]:
    if not numbers:
        return "nearest", gap_ns, 0.0
    period_ns = data.info.period_ns
    if width_ns and period_ns and width_ns > _DOWN * period_ns:
        return "mean", gap_ns, width_ns
    return "linear", gap_ns, 0.0


def regular_period_ns(time_ns: NDArray[np.int64]) -> float | None:
    """Return the time between times (n,) that are regular; None if they are not."""
    steps = np.diff(time_ns)
    if len(steps) < 2:
        return None
    middle = float(np.median(steps))
    near = np.abs(steps - middle) <= _REGULAR_SPREAD * middle
    return middle if middle > 0 and near.mean() >= _REGULAR_SHARE else None


def resample_at(data: StreamData, time_ns: NDArray[np.int64], way: Way) -> Resampled:
    """Return a stream's values at session times (m,)."""
    if not len(data):
        values = blank((len(time_ns), *data.values.shape[1:]), data.values.dtype)
        nothing = np.full(len(time_ns), np.nan, np.float32)
        return Resampled(values, np.zeros(len(time_ns), np.bool_), nothing)
    values, present, element = _METHODS[way.method](data, time_ns, way)
    values[~present] = blank((), values.dtype)
    sd_ns = np.where(present, data.sd_ns[element], np.float32(np.nan))
    return Resampled(values, present, sd_ns)


_Taken = tuple["NDArray[Any]", "NDArray[np.bool_]", "NDArray[np.intp]"]
"""Values (m, …), whether there are some, and the elements that they come from."""


def _nearest(data: StreamData, time_ns: NDArray[np.int64], way: Way) -> _Taken:
    after = np.minimum(np.searchsorted(data.time_ns, time_ns), len(data) - 1)
    before = np.maximum(after - 1, 0)
    to_after = np.abs(data.time_ns[after] - time_ns)
    to_before = np.abs(time_ns - data.time_ns[before])
    element = np.where(to_before <= to_after, before, after)
    near = np.minimum(to_before, to_after) <= way.gap_ns / 2
    return data.values[element], near & data.present[element], element


def _previous(data: StreamData, time_ns: NDArray[np.int64], way: Way) -> _Taken:
    place = np.searchsorted(data.time_ns, time_ns, "right") - 1
    element = np.maximum(place, 0)
    near = (place >= 0) & (time_ns - data.time_ns[element] <= way.gap_ns)
    return data.values[element], near & data.present[element], element


def _linear(data: StreamData, time_ns: NDArray[np.int64], way: Way) -> _Taken:
    line = Line(data, data.values, way.gap_ns)
    place = line.place(line.relative(time_ns))
    return line.at(place), place.known, place.left


def _mean(data: StreamData, time_ns: NDArray[np.int64], way: Way) -> _Taken:
    line = Line(data, data.values.astype(np.float64), way.gap_ns)
    middle = line.relative(time_ns)
    values, known = line.mean(middle - way.width_ns / 2, middle + way.width_ns / 2)
    return values.astype(data.values.dtype), known, line.place(middle).left


_METHODS: dict[str, Callable[[StreamData, NDArray[np.int64], Way], _Taken]] = {
    "nearest": _nearest,
    "previous": _previous,
    "linear": _linear,
    "mean": _mean,
}
