"""Two clocks brought together by trains of pulses that both have stamped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.joints.joint import Joint, lone
from sync.alignment import Relation
from sync.drift import fit_clock
from sync.matching import match_pulses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from offline.alignment.foreign.clocks import Group, Member
    from sync.drift import ClockModel
    from sync.matching import PulseMatch

__all__ = ["Meeting", "meet"]

_FOLLOWED = 0.5
"""A scatter of less than so much of the ticks' own: the model has followed them."""
_FIT_DRIFT_PPM = 500.0


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """How two clocks came together, or that they did not."""

    joint: Joint
    relation: Relation | None
    """None where no pulses could be paired."""
    epochs: frozenset[int] = frozenset()
    """Of the source clock, in which there are pairs."""
    source: str = ""
    """Name of the train that was matched."""
    target: str = ""
    """Name of the reference's train that it was matched to."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pulses:
    """The moments of a member that are to be matched."""

    member: Member
    index: NDArray[np.int64]
    """(n,) their places in the train, within each of its runs by their time."""

    @property
    def ns(self) -> NDArray[np.int64]:
        return self.member.raw_ns[self.index]


def meet(group: Group, reference: Group, max_drift_ppm: float) -> Meeting:
    """Match a group's trains with the reference's, and fit what matches best.

    Trains of pulses are tried first, samples at a stated rate only if none of those
    matches.
    """
    best: tuple[tuple[int, int], _Pulses, _Pulses, PulseMatch] | None = None
    for regular in (False, True):
        for ours, theirs in _couples(group, reference, regular=regular):
            match = match_pulses(ours.ns, theirs.ns, max_drift_ppm=max_drift_ppm)
            rank = (_RANKS[match.verdict], len(match.source_index))
            if best is None or rank > best[0]:
                best = (rank, ours, theirs, match)
        if best is not None and best[3].verdict == "unique":
            break
    if best is None:
        reason = "Neither clock has pulses whose times are known."
        return Meeting(
            Joint(group.clock, reference.clock, "pulses", "no_match", reason), None
        )
    _, ours, theirs, match = best
    joint = _joint(group.clock, reference.clock, ours, theirs, match)
    names = (ours.member.train.name, theirs.member.train.name)
    if not len(joint.one_ns):
        return Meeting(joint, None, frozenset(), *names)
    epochs = frozenset(ours.member.epoch[ours.index[match.source_index]].tolist())
    return Meeting(*_fitted(joint, ours, theirs, max_drift_ppm), epochs, *names)


_RANKS = {"no_match": 0, "ambiguous": 1, "unique": 2}


def _couples(
    group: Group, reference: Group, *, regular: bool
) -> Iterator[tuple[_Pulses, _Pulses]]:
    main = reference.main_epoch
    for one in group.members:
        for other in reference.members:
            stated = one.train.rate_hz is not None or other.train.rate_hz is not None
            if stated != regular:
                continue
            ours = _pulses(one, one.known)
            theirs = _pulses(other, other.known & (other.epoch == main))
            if len(ours.index) and len(theirs.index):
                yield ours, theirs


def _pulses(member: Member, usable: NDArray[np.bool_]) -> _Pulses:
    rising = member.train.rising
    if rising is not None:
        usable = usable & rising
    times = member.raw_ns
    runs = member.order.runs if member.train.measured is None else (slice(None),)
    index = np.concatenate(
        [
            np.arange(len(times))[run][np.argsort(times[run], kind="stable")]
            for run in runs
        ]
    )
    return _Pulses(member, index[usable[index]])


def _joint(
    one: str, other: str, ours: _Pulses, theirs: _Pulses, match: PulseMatch
) -> Joint:
    source_ns = ours.member.shared_ns[ours.index]
    target_ns = theirs.member.shared_ns[theirs.index]
    i, j = match.source_index, match.target_index
    stretches = [slice(part.start, part.stop) for part in match.segments]
    nothing = np.empty(0, np.int64)
    one_only = [lone(source_ns, i[stretch]) for stretch in stretches]
    other_only = [lone(target_ns, j[stretch]) for stretch in stretches]
    good = _rising_pairs(source_ns[i], target_ns[j])
    return Joint(
        one=one,
        other=other,
        how="pulses",
        verdict=match.verdict,
        reason=match.reason,
        one_ns=source_ns[i][good],
        other_ns=target_ns[j][good],
        one_only_ns=np.concatenate([nothing, *one_only]),
        other_only_ns=np.concatenate([nothing, *other_only]),
        candidates=match.candidates,
        z=match.z,
        ratio=match.ratio,
    )


def _rising_pairs(
    source_ns: NDArray[np.int64], target_ns: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which pairs go on in both: a step of a tick back is no reset."""
    good = np.ones(len(source_ns), bool)
    for times in (source_ns, target_ns):
        highest = np.maximum.accumulate(times)
        good[1:] &= times[1:] > highest[:-1]
    return good


def _fitted(
    joint: Joint, ours: _Pulses, theirs: _Pulses, max_drift_ppm: float
) -> tuple[Joint, Relation]:
    drift_ppm = max(_FIT_DRIFT_PPM, max_drift_ppm)
    model = fit_clock(joint.one_ns, joint.other_ns, max_drift_ppm=drift_ppm)
    constant_ns = _ticks_followed(
        model, ours.member.train.tick_ns, theirs.member.train.tick_ns
    )
    if constant_ns:
        joint = _with_constant(joint, constant_ns)
    at_pairs = float(np.median(model(joint.one_ns)[1]))
    sd_ns = float(np.hypot(at_pairs, constant_ns))
    return joint, Relation(joint.pairs, model, sd_ns)


def _ticks_followed(model: ClockModel, one_ns: int, other_ns: int) -> float:
    """Return what coarse ticks may hide, where they look like no jitter at all.

    Regular pulses by a clock of coarse ticks are all rounded alike for a while: the
    model then goes along with the ticks, and its own error says nothing of them.
    """
    ticks = float(np.hypot(one_ns, other_ns)) / 12**0.5
    least = min(segment.jitter.scale_ns for segment in model.segments)
    return ticks if least < _FOLLOWED * ticks else 0.0


def _with_constant(joint: Joint, constant_ns: float) -> Joint:
    words = "The stamps' ticks are coarser than the jitter: their size is in the error"
    return replace(joint, constant_sd_ns=constant_ns, remarks=(*joint.remarks, words))
