"""What a match says: the pairs, the verdict, and every figure that led to it.

A scientist must be able to see why an alignment was taken or refused, so the
alternatives that were weighed are part of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Candidate", "PulseMatch", "Segment", "Verdict"]

Verdict = Literal["unique", "ambiguous", "no_match"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch over which one smooth curve takes source time to target time."""

    start: int
    """Where it begins in `PulseMatch.source_index` and `target_index`."""
    stop: int
    """Where it ends there (exclusive)."""
    offset_ns: int
    """Target minus source at the segment's first pair, by the line through it."""
    drift_ppm: float
    """Slope of that line: how much faster the target's clock counts."""
    residual_ns: float
    """Robust standard deviation of the pairs about the smooth curve."""
    matched: int
    """Number of pairs."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One alignment that was weighed against the best one."""

    shift_pulses: int
    """Slide against the best alignment in median intervals; 0 is the best itself."""
    shift_ns: int
    """The same slide in target time: positive pairs a pulse with a later one."""
    matched: int
    """Source pulses that find a partner in it."""
    residual_ns: float
    """Robust standard deviation of these pairs, a smooth curve removed."""
    z: float
    """By how many standard errors it fits worse, on pulses paired in both."""
    ratio: float
    """How near it comes to the best: 0 not at all, 1 fits as well."""


@dataclass(frozen=True, slots=True)
class PulseMatch:
    """Which pulse of the source is which of the target, and how sure that is."""

    source_index: NDArray[np.int64]
    """Positions in the source, ascending; empty unless the verdict is "unique"."""
    target_index: NDArray[np.int64]
    """Positions in the target of the same pulses, ascending, of equal length."""
    verdict: Verdict
    """Whether the pairs may be used: only "unique" comes with pairs."""
    reason: str
    """The verdict in one sentence."""
    segments: tuple[Segment, ...]
    """Stretches of the pairs: another begins at each restart, jump or pause."""
    candidates: tuple[Candidate, ...]
    """The alignments weighed for the longest stretch, by their shift."""
    source_only: int
    """Source pulses without a partner inside the segments: spurious, or missing
    in the target. From the pulses alone the two cannot be told apart."""
    target_only: int
    """Target pulses without a partner inside the segments, likewise."""
    z: float
    """The least z of all alternatives, over all segments; 0 when none was weighed.
    Above 10 when unique, but for random trains of few pulses, of which an alternative
    may lose nearly all the pairs and still be no more than 5 standard errors away."""
    ratio: float
    """The largest ratio of all alternatives, over all segments; 1 likewise."""
