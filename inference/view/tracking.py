"""Where to look next: a box around the animal, or the whole picture again.

::

               found, and it fits a box
     whole ──────────────────────────────▶ box ──┐ all trusted, away from the border:
       ▲                                    │ ▲  │ the box follows
       │ a part lost, or near the border:   │ └──┘
       │ the same frame is seen again       │
       └────────────────────────────────────┘
         also when the last whole look, or the last look, is too long ago

The box is made from trusted places only, each part's newest. A part that is missing
may be anywhere within the animal's length of the others, and the box is made so
large; a part further away than that from most of the others is not the animal's.
So an animal that was seen cannot leave the box unnoticed but in one way: the network
puts all parts, trusted, elsewhere inside it. Whole looks, from time to time, are for
that.

What dlclive's own dynamic crop does otherwise: it follows whatever the processor
made of the pose, mixes up the coordinates of a fixed crop, and looks at a lost
animal's old place once more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from inference.view.box import Box, place_box

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Found",
    "Tracking",
    "TrackingState",
    "begin",
    "look_next",
    "looked",
    "near_most",
]

_NEVER_NS = -(2**62)


@dataclass(frozen=True, slots=True)
class Tracking:
    """What does not change during a session."""

    within: Box
    """The picture: all of the frame, or its fixed crop."""
    widths_px: tuple[int, ...]
    """Sides that a box may have, rising, up to the picture's."""
    heights_px: tuple[int, ...]
    align_px: int
    """Step of a box's corner."""
    margin_px: float
    """How far the animal is let go until the next look."""
    border_px: float
    """Nearer than this to a border inside the picture, a part is about to leave."""
    body_px: float
    """The most that two body parts of the animal are ever apart."""
    whole_every_ns: int
    """Time after which the whole picture is looked at again."""
    longest_gap_ns: int
    """Time after which a place is too old to look for the animal around it."""


@dataclass(frozen=True, slots=True)
class TrackingState:
    """What is carried from one look to the next."""

    places_px: NDArray[np.float64]
    """(bodyparts, 2): where each part was last trusted."""
    seen_ns: NDArray[np.int64]
    """(bodyparts,): exposure of the frame in which it was."""
    followed: NDArray[np.bool_]
    """(bodyparts,): whether losing the part is a reason to look again. A part that
    the whole picture did not show either is not followed until it is found."""
    whole_ns: int
    """Exposure of the last whole look."""
    looked_ns: int
    """Exposure of the last look."""


class Found(NamedTuple):
    """What a look led to."""

    state: TrackingState
    again: bool
    """Whether the same frame must be looked at as a whole."""


def begin(bodyparts: int) -> TrackingState:
    """Return the state before the first look."""
    return TrackingState(
        places_px=np.zeros((bodyparts, 2)),
        seen_ns=np.full(bodyparts, _NEVER_NS, np.int64),
        followed=np.zeros(bodyparts, np.bool_),
        whole_ns=_NEVER_NS,
        looked_ns=_NEVER_NS,
    )


def look_next(config: Tracking, state: TrackingState, exposure_ns: int) -> Box:
    """Return the part of a frame to look at: a box of known sides, or the picture."""
    whole_due = exposure_ns - state.whole_ns >= config.whole_every_ns
    if whole_due or exposure_ns - state.looked_ns > config.longest_gap_ns:
        return config.within
    fresh = exposure_ns - state.seen_ns <= config.longest_gap_ns
    place = _where(config, state.places_px, fresh)
    if place is None:
        return config.within
    return place_box(
        place, config.widths_px, config.heights_px, config.within, config.align_px
    )


def looked(
    config: Tracking,
    state: TrackingState,
    box: Box,
    keypoints: NDArray[np.float32],
    trusted: NDArray[np.bool_],
    exposure_ns: int,
) -> Found:
    """Take in what was seen.

    Parameters
    ----------
    config
        Sizes and limits.
    state
        What the look before gave.
    box
        What was looked at, as `look_next` said, or the whole picture.
    keypoints
        (bodyparts, 3): x and y in px of the frame, likelihood.
    trusted
        (bodyparts,): which of them can be believed.
    exposure_ns
        Of the frame.

    Returns
    -------
    Found
        The state for the next look. Where `again` is true, look at the whole of the
        same frame now, or at the next frame, and take that in.
    """
    places_px = keypoints[:, :2].astype(np.float64)
    mine = trusted & near_most(keypoints, trusted, config.body_px)
    whole = box == config.within
    lost = state.followed & ~mine
    leaving = mine & _near_border(config, box, places_px)
    unsure = 2 * int(mine.sum()) <= len(mine)
    if unsure or (not whole and (lost.any() or leaving.any())):
        # `looked_ns` of never: whatever comes next is a whole look
        return Found(replace(state, looked_ns=_NEVER_NS), again=not whole)
    next_state = TrackingState(
        places_px=np.where(mine[:, None], places_px, state.places_px),
        seen_ns=np.where(mine, exposure_ns, state.seen_ns),
        followed=mine if whole else state.followed | mine,
        whole_ns=exposure_ns if whole else state.whole_ns,
        looked_ns=exposure_ns,
    )
    return Found(next_state, again=False)


def _where(
    config: Tracking, places_px: NDArray[np.float64], fresh: NDArray[np.bool_]
) -> tuple[float, float, float, float] | None:
    """Return the place in which all of the animal must be; None if unknown."""
    if not fresh.any():
        return None
    low, high = places_px[fresh].min(axis=0), places_px[fresh].max(axis=0)
    if not fresh.all():
        # a missing part is within the animal's length of each one that is there
        low, high = (
            np.minimum(low, high - config.body_px),
            np.maximum(high, low + config.body_px),
        )
    low, high = low - config.margin_px, high + config.margin_px
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def near_most(
    keypoints: NDArray[np.float32], trusted: NDArray[np.bool_], body_px: float
) -> NDArray[np.bool_]:
    """Return which parts belong to one animal: those near the one with most others.

    Of equals, near the likeliest. Parts that are not trusted do not count.
    """
    apart = keypoints[:, None, :2] - keypoints[None, :, :2]
    near = np.hypot(apart[..., 0], apart[..., 1]) <= body_px
    neighbours = (near & trusted[None, :]).sum(axis=1)
    votes = neighbours + np.clip(keypoints[:, 2], 0, 0.99)
    return near[int(np.argmax(np.where(trusted, votes, -1)))]


def _near_border(
    config: Tracking, box: Box, places_px: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which places are near a border of the box that is not the picture's."""
    x, y = places_px[:, 0], places_px[:, 1]
    within, edge = config.within, config.border_px
    return (
        ((x < box.x0 + edge) & (box.x0 > within.x0))
        | ((x > box.x1 - edge) & (box.x1 < within.x1))
        | ((y < box.y0 + edge) & (box.y0 > within.y0))
        | ((y > box.y1 - edge) & (box.y1 < within.y1))
    )
