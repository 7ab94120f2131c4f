"""Which poses belong to one moment: views of several cameras, as they come.

Cameras that are triggered together expose together, but their poses come one after
the other, and some never come. Pure: a state and a view in, a new state and whole
moments out; what time it is, is said.

A view joins the moment whose exposure is nearest, within half a period. A moment goes
out when every camera has given its view or a later one (its own is skipped then, for
the poses of one camera come in order), or when it has waited long enough. Moments go
out in order of exposure, each view in one at most; what comes after its moment is
dropped, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Moment",
    "View",
    "ViewsConfig",
    "ViewsState",
    "begin",
    "collect",
    "overdue",
    "stacked",
]


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ViewsConfig:
    """What does not change during a session."""

    cameras: tuple[str, ...]
    """Names of the cameras that expose together, two or more."""
    period_ns: int
    """Time from one exposure of a camera to its next."""
    wait_ns: int
    """How long a moment waits for a further view after its last."""
    at_least: int = 2
    """With fewer views a moment is dropped."""
    most_open: int = 8
    """So many moments wait at most; one more closes the oldest."""

    def __post_init__(self) -> None:
        """Refuse what could never give a moment.

        Raises
        ------
        ValueError
            If there are too few cameras, a name twice, or a number out of range.
        """
        count = len(self.cameras)
        if count < 2 or len(set(self.cameras)) < count:
            msg = f"Expected two cameras or more, each once, got {self.cameras}"
            raise ValueError(msg)
        if not 2 <= self.at_least <= count:
            msg = f"Expected at_least in 2 to {count}, got {self.at_least}"
            raise ValueError(msg)
        if self.period_ns <= 0 or self.wait_ns < 0 or self.most_open < 1:
            msg = f"Expected a period, a wait and moments above 0, got {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One camera's pose."""

    camera: str
    exposure_ns: int
    """Exposure midpoint on the host clock."""
    keypoints: NDArray[np.floating]
    """(bodyparts, 3): x px, y px, likelihood."""
    marks: NDArray[np.uint8] | None = None
    """(bodyparts,): not 0 where a keypoint must not be trusted; None for none."""
    pose_seq: int = -1
    """`seq` of the pose in its stream."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The views of one exposure."""

    views: tuple[View | None, ...]
    """In the order of the config's cameras; None where one is missing."""

    @property
    def seen(self) -> list[View]:
        """The views that are there."""
        return [view for view in self.views if view is not None]

    @property
    def complete(self) -> bool:
        """Whether no view is missing."""
        return None not in self.views

    @property
    def exposure_ns(self) -> int:
        """Mean of the views' exposures: what the points' time is."""
        times = [view.exposure_ns for view in self.seen]
        return sum(times) // len(times)

    @property
    def oldest_ns(self) -> int:
        """The earliest of the views' exposures: what an age is counted from."""
        return min(view.exposure_ns for view in self.seen)


class _Waiting(NamedTuple):
    """A moment that is not whole yet."""

    exposure_ns: int
    """Of the view that came first."""
    deadline_ns: int
    views: tuple[View | None, ...]


class ViewsState(NamedTuple):
    """What is carried from one view to the next (a tuple: one is made per view)."""

    waiting: tuple[_Waiting, ...]
    """In order of exposure."""
    latest_ns: tuple[int | None, ...]
    """Exposure of each camera's last view."""
    closed_ns: int | None = None
    """Exposure of the last moment that went out."""
    stale: int = 0
    """Views that came after their moment, or after a later one."""
    alone: int = 0
    """Views whose moment had too few of them."""

    @property
    def deadline_ns(self) -> int | None:
        """When `overdue` is to be asked, on the host clock; None if nothing waits."""
        return min((moment.deadline_ns for moment in self.waiting), default=None)


def begin(config: ViewsConfig) -> ViewsState:
    """Return the state before the first view."""
    return ViewsState((), (None,) * len(config.cameras))


def collect(
    config: ViewsConfig, state: ViewsState, view: View, now_ns: int
) -> tuple[ViewsState, list[Moment]]:
    """Take a view; return the moments that need not wait any longer.

    Parameters
    ----------
    config, state
        What does not change, and what the last call gave.
    view
        A pose; those of one camera come in order.
    now_ns
        Host time.

    Returns
    -------
    The new state, and moments in order of exposure.

    Raises
    ------
    ValueError
        If the view's camera is not one of the config's.
    """
    camera, at_ns = config.cameras.index(view.camera), view.exposure_ns
    waiting, latest_ns, closed_ns, stale, alone = state
    latest_ns = _with(latest_ns, camera, at_ns)
    if closed_ns is not None and 2 * (at_ns - closed_ns) < config.period_ns:
        stale += 1
    else:
        place = _place_of(waiting, view, camera, config.period_ns)
        if place is None:
            blank = (None,) * len(config.cameras)
            moment = _Waiting(at_ns, now_ns, blank)
            place = sum(other.exposure_ns <= at_ns for other in waiting)
            waiting = (*waiting[:place], moment, *waiting[place:])
        first_ns, _, views = waiting[place]
        deadline_ns = now_ns + config.wait_ns  # for the next: each is looked at alone
        moment = _Waiting(first_ns, deadline_ns, _with(views, camera, view))
        waiting = _with(waiting, place, moment)
    return _closed(
        config, ViewsState(waiting, latest_ns, closed_ns, stale, alone), now_ns
    )


def overdue(
    config: ViewsConfig, state: ViewsState, now_ns: int
) -> tuple[ViewsState, list[Moment]]:
    """Return the moments that have waited long enough; otherwise as `collect`."""
    return _closed(config, state, now_ns)


def stacked(
    config: ViewsConfig, moment: Moment
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return a moment as a `Triangulator` of the same cameras wants it.

    Returns
    -------
    keypoints (cameras, bodyparts, 3), NaN where a view is missing, and marks
    (cameras, bodyparts).
    """
    shape = (len(config.cameras), len(moment.seen[0].keypoints))
    keypoints = np.full((*shape, 3), np.nan)
    marks = np.zeros(shape, np.uint8)
    for k, view in enumerate(moment.views):
        if view is not None:
            keypoints[k] = view.keypoints
            if view.marks is not None:
                marks[k] = view.marks
    return keypoints, marks


def _with(values: tuple[_T, ...], place: int, value: _T) -> tuple[_T, ...]:
    """Return a tuple with another value in a place."""
    return (*values[:place], value, *values[place + 1 :])


def _place_of(
    waiting: Sequence[_Waiting], view: View, camera: int, period_ns: int
) -> int | None:
    """Return which moment a view belongs to; None if to a new one."""
    nearest, nearest_ns = None, period_ns
    for place, moment in enumerate(waiting):
        off_ns = 2 * abs(moment.exposure_ns - view.exposure_ns)
        if off_ns < nearest_ns and moment.views[camera] is None:
            nearest, nearest_ns = place, off_ns
    return nearest


def _closed(
    config: ViewsConfig, state: ViewsState, now_ns: int
) -> tuple[ViewsState, list[Moment]]:
    """Let moments go that wait for nothing, and every older one with them."""
    waiting, latest_ns, closed_ns, stale, alone = state
    done = max(0, len(waiting) - config.most_open)
    for place, moment in enumerate(waiting[done:], done + 1):
        if moment.deadline_ns <= now_ns or _settled(config, latest_ns, moment):
            done = place
    moments: list[Moment] = []
    for moment in (Moment(ended.views) for ended in waiting[:done]):
        count = len(moment.seen)
        if count < config.at_least:
            alone += count
        elif closed_ns is not None and moment.exposure_ns <= closed_ns:
            stale += count
        else:
            moments.append(moment)
            closed_ns = moment.exposure_ns
    return ViewsState(waiting[done:], latest_ns, closed_ns, stale, alone), moments


def _settled(
    config: ViewsConfig, latest_ns: Iterable[int | None], moment: _Waiting
) -> bool:
    """Tell whether no camera can give this moment a view any more."""
    for view, last_ns in zip(moment.views, latest_ns, strict=True):
        if view is None and (
            last_ns is None or 2 * (last_ns - moment.exposure_ns) < config.period_ns
        ):
            return False
    return True
