"""What a window shows, wherever it comes from: a running session or a recorded one.

A feed is polled at the window's own rate and asked for what is drawn. Times are
seconds since the session's start, the zero of the ledger and of `springhare check`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rig.monitor.health import Health
    from rig.monitor.shown import Shown

__all__ = ["Feed", "Look", "Mark", "MarkKind", "PointsNow", "Series"]

MarkKind = Literal[
    "fired", "sham", "decided", "suppressed", "disarmed", "pulse", "note", "event"
]
"""``decided`` is a fire or a sham while nobody may know which."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a camera shows, and what is known of the animal in this very picture."""

    picture: NDArray[Any]
    """(height, width) or (height, width, 3): each `step`-th row and column."""
    step: int
    frame_id: int
    exposed_s: float
    keypoints: NDArray[np.float32] | None = None
    """(bodyparts, 3) x px, y px, likelihood of this frame; None where it has none."""
    marks: NDArray[np.uint8] | None = None
    """(bodyparts,) 0 for a keypoint that is trusted; None where none are judged."""
    predicted_px: NDArray[np.float32] | None = None
    """(bodyparts, 3) x, y and sd where the action lands; NaN for what is not there."""
    box_px: tuple[int, int, int, int] | None = None
    """x0, y0, x1, y1 of what the network looked at; None for the whole picture."""
    trail: NDArray[np.float32] | None = None
    """(poses, bodyparts, 3) of the last moments, oldest first."""


class PointsNow(NamedTuple):
    """The animal in space at one moment."""

    at_s: float
    points_mm: NDArray[np.float32]
    """(bodyparts, 3); NaN for what too few cameras saw."""
    error_px: NDArray[np.float32]
    """(bodyparts,)."""


class Series(NamedTuple):
    """A stretch of a trace."""

    times_s: NDArray[np.float64]
    """(n,) ascending."""
    values: NDArray[Any]
    """(n, channels), or (n,)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at one moment."""

    at_s: float
    kind: MarkKind
    text: str
    """What, in words: the rule and its cause, the note, the node and its state."""
    rule: str = ""


class Feed(Protocol):
    """What is drawn. Nothing here waits: what is not there yet is None or empty."""

    shown: Shown
    """What there is to be drawn."""

    @property
    def now_s(self) -> float:
        """The moment that is shown: the newest one, or where the slider is."""
        ...

    @property
    def health(self) -> Health:
        """How it stands with everything."""
        ...

    def poll(self) -> None:
        """Take in what is new; called some thirty times a second."""
        ...

    def look(self, camera: str, step: int = 1) -> Look | None:
        """Return a camera's picture, each `step`-th pixel, with its keypoints."""
        ...

    def points(self) -> PointsNow | None:
        """Return the animal in space."""
        ...

    def samples(self, signal: str, start_s: float, end_s: float) -> Series:
        """Return samples (n, channels) of a signal of the scene, in its unit."""
        ...

    def poses(self, camera: str, start_s: float, end_s: float) -> Series:
        """Return poses (n, bodyparts, 3) by the middle of their exposure."""
        ...

    def feature(self, name: str, start_s: float, end_s: float) -> Series:
        """Return the values (n,) of a feature that rules were asked with."""
        ...

    def pulses(self, device: str, line: str, start_s: float, end_s: float) -> Series:
        """Return rising edges of a line; the values (n,) are s since the one before."""
        ...

    def happened(self, start_s: float, end_s: float) -> Sequence[Mark]:
        """Return what happened, in order of time."""
        ...
