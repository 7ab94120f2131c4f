"""One way in which two clocks were brought together, or were not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sync.alignment import Pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.alignment.result import How
    from sync.matching import Candidate, PulseMatch, Verdict

__all__ = ["Joint", "joint_of", "lone"]


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """What two clocks have both seen, and how sure it is which is which."""

    one: str
    other: str
    how: How
    verdict: Verdict
    reason: str
    one_ns: NDArray[np.int64] = field(default_factory=_none)
    """(n,) moments on the one's timeline that have a partner."""
    other_ns: NDArray[np.int64] = field(default_factory=_none)
    """(n,) the same on the other's."""
    one_only_ns: NDArray[np.int64] = field(default_factory=_none)
    """Moments without a partner, while both were listening; on the one's timeline."""
    other_only_ns: NDArray[np.int64] = field(default_factory=_none)
    """The same on the other's."""
    constant_sd_ns: float = 0.0
    candidates: tuple[Candidate, ...] = ()
    z: float = 0.0
    ratio: float = 0.0
    remarks: tuple[str, ...] = ()
    """What was strange and is no reason to refuse: glitches, a line turned over."""

    @property
    def pairs(self) -> Pairs:
        """What a relation can be fitted to."""
        return Pairs(
            self.one,
            self.other,
            self.one_ns,
            self.other_ns,
            self.how,
            self.constant_sd_ns,
        )


def joint_of(
    one: str,
    other: str,
    how: How,
    times: tuple[NDArray[np.int64], NDArray[np.int64]],
    match: PulseMatch,
    remarks: tuple[str, ...] = (),
) -> Joint:
    """Return what a match of two trains says.

    Parameters
    ----------
    one, other
        The clocks.
    how
        What was matched.
    times
        The trains, of the one and of the other.
    match
        Of the one, as source, with the other.
    remarks
        What else is to be said.
    """
    one_ns, other_ns = times
    return Joint(
        one,
        other,
        how,
        match.verdict,
        match.reason,
        one_ns[match.source_index],
        other_ns[match.target_index],
        lone(one_ns, match.source_index),
        lone(other_ns, match.target_index),
        candidates=match.candidates,
        z=match.z,
        ratio=match.ratio,
        remarks=remarks,
    )


def lone(times_ns: NDArray[np.int64], paired: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the times without a partner between the first and the last that has one.

    Parameters
    ----------
    times_ns
        (n,) a train.
    paired
        (m,) which of it have a partner.
    """
    if not len(paired):
        return _none()
    within = np.zeros(len(times_ns), bool)
    within[paired.min() : paired.max() + 1] = True
    within[paired] = False
    return times_ns[within]
