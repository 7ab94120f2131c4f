"""Which light was answered by which edge, and how soon. Pure.

What a camera saw of an LED tells itself when there was something to answer: a run of
frames that are not dark, one of them bright for sure, after a dark one. A pulse that
fell between two exposures is not the loop's fault and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BRIGHT", "DARK", "THRESHOLD", "Answered", "Fires", "Pulses", "answered"]

DARK, THRESHOLD, BRIGHT = 0.15, 0.3, 0.45
"""Parts of the full light: below the first a frame is dark, from the last on it is
bright for sure; the rule's threshold lies between. A pulse as long as the frame period
lights at least one of two exposures by half."""
_SLACK_NS = 2_000_000
"""So much earlier than its pulse light may seem to come: a camera's constant delay."""
_LATEST = 2.5
"""Light that came more frame periods after a pulse is not that pulse's."""


@dataclass(frozen=True, slots=True, eq=False)
class Pulses:
    """What the LED's line did (p,)."""

    rise_ns: NDArray[np.int64]
    """On the host's clock, in order."""
    own_ns: NDArray[np.int64]
    """The same on the clock on which edges are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Fires:
    """What the loop did (k,)."""

    frame: NDArray[np.int64]
    """Place of the frame that each was decided on."""
    edge_ns: NDArray[np.int64]
    """Edge on the clock of `Pulses.own_ns`; -1 where none came back."""
    held_back: NDArray[np.int64]
    """(h,) places of frames on which a fire was suppressed."""


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What became of the light."""

    pulses: int
    """Of the line, while frames were recorded."""
    seen: int
    """Times that a camera saw the light come on."""
    held_back: int
    """Of these, not fired at on purpose: too soon after the last."""
    missed: NDArray[np.int64]
    """Places of frames at which the light came on and nothing was fired."""
    false: int
    """Fires on a dark frame."""
    light_to_frame_ns: NDArray[np.int64]
    """(a,) light to the middle of the exposure that was fired on."""
    light_to_edge_ns: NDArray[np.int64]
    """(a,) light to the edge of the answer."""


def answered(
    pulses: Pulses,
    exposure_ns: NDArray[np.int64],
    share: NDArray[np.float64],
    fires: Fires,
) -> Answered:
    """Bring light and edges together.

    Parameters
    ----------
    pulses
        Of the LED's line.
    exposure_ns
        (f,) middle of each recorded frame's exposure on the host's clock.
    share
        (f,) how much of the full light each shows.
    fires
        Of the loop.
    """
    begins, ends = _runs(share)
    pulse = _pulse_of(pulses, exposure_ns, begins)
    begins, ends, pulse = begins[pulse >= 0], ends[pulse >= 0], pulse[pulse >= 0]
    order = np.argsort(fires.frame, kind="stable")
    first = np.searchsorted(fires.frame[order], begins)
    padded = np.append(fires.frame[order], np.iinfo(np.int64).max)
    fired = padded[first] <= ends
    held = _any_within(fires.held_back, begins, ends) & ~fired
    fire = order[first[fired]]
    edge = fires.edge_ns[fire] >= 0
    fire, on = fire[edge], pulse[fired][edge]
    window = _inside(pulses.rise_ns, exposure_ns)
    dark = share[np.clip(fires.frame, 0, max(len(share) - 1, 0))] <= DARK
    return Answered(
        pulses=int(window.sum()),
        seen=len(begins),
        held_back=int(held.sum()),
        missed=begins[~fired & ~held],
        false=int(dark.sum()),
        light_to_frame_ns=exposure_ns[fires.frame[fire]] - pulses.rise_ns[on],
        light_to_edge_ns=fires.edge_ns[fire] - pulses.own_ns[on],
    )


def _runs(share: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and last frame of each stretch of light that came on for sure."""
    lit = np.concatenate([[True], share > DARK, [False]])  # what was on from the start
    steps = np.diff(lit.astype(np.int8))
    begins, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1
    ends = ends[len(ends) - len(begins) :]
    sure = np.array(
        [share[a : b + 1].max() >= BRIGHT for a, b in zip(begins, ends, strict=True)],
        bool,
    )
    return begins[sure], ends[sure]


def _pulse_of(
    pulses: Pulses, exposure_ns: NDArray[np.int64], begins: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return which pulse lit each frame; -1 where none did."""
    if not len(pulses.rise_ns) or len(exposure_ns) < 2:
        return np.full(len(begins), -1)
    period_ns = float(np.median(np.diff(exposure_ns)))
    seen_ns = exposure_ns[begins]
    newest = np.searchsorted(pulses.rise_ns, seen_ns + _SLACK_NS, side="right") - 1
    ago_ns = seen_ns - pulses.rise_ns[np.maximum(newest, 0)]
    return np.where((newest >= 0) & (ago_ns <= _LATEST * period_ns), newest, -1)


def _any_within(
    places: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.bool_]:
    ordered = np.sort(places)
    first = np.searchsorted(ordered, begins)
    return np.searchsorted(ordered, ends, side="right") > first


def _inside(
    times_ns: NDArray[np.int64], exposure_ns: NDArray[np.int64]
) -> NDArray[np.bool_]:
    if not len(exposure_ns):
        return np.zeros(len(times_ns), bool)
    return (times_ns >= exposure_ns[0]) & (times_ns <= exposure_ns[-1])
