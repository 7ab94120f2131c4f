"""Which pulse is which: two logs of one train, on two clocks, made one.

Pulses miss and spurious ones come in, offset and drift are unknown, clocks restart
and generators pause. A match says which pulse of one log is which of the other, and
whether another answer would fit as well; if so it gives none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sync.matching.curve import line_through, smooth
from sync.matching.pieces import Piece, pieces_of
from sync.matching.result import Candidate, PulseMatch, Segment, Verdict
from sync.matching.trains import as_train, robust_sd, runs_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Candidate", "PulseMatch", "Segment", "Verdict", "match_pulses"]


def match_pulses(
    source_ns: ArrayLike, target_ns: ArrayLike, *, max_drift_ppm: float = 200
) -> PulseMatch:
    """Find which pulse of the source is which of the target, if that is certain.

    Parameters
    ----------
    source_ns, target_ns
        Times of the pulses, each on its own clock, in the order they were recorded:
        one row of integers, of any length. A step back of more than 0.1 ms is read as
        a restart of the clock; what came before and after is matched separately.
    max_drift_ppm
        Largest difference of the clocks' rates that is believed.

    Returns
    -------
    PulseMatch
        Pairs only with the verdict "unique". "ambiguous" means that at least one
        alignment fits, and that the pulses do not tell which; "no_match" that none
        does. What is undecided beside something unique is left without pairs.

    Raises
    ------
    ValueError
        If the times are not one row of integers, step back too often to be restarts,
        or the drift is not positive and below 10 000 ppm.

    Examples
    --------
    >>> import numpy as np
    >>> gaps = np.random.default_rng(0).integers(100_000_000, 1_900_000_000, 200)
    >>> source = np.cumsum(gaps)
    >>> match = match_pulses(source, source[50:] + 86_400_000_000_000)
    >>> match.verdict, match.source_index[:3], match.target_index[:3]
    ('unique', array([50, 51, 52]), array([0, 1, 2]))
    """
    source = as_train("source_ns", source_ns)
    target = as_train("target_ns", target_ns)
    if not 0 < max_drift_ppm < 10_000:
        msg = f"Expected max_drift_ppm between 0 and 10 000, got {max_drift_ppm}"
        raise ValueError(msg)
    swap = _comes_first(target, source)
    ours, theirs = runs_of("source_ns", source), runs_of("target_ns", target)
    if swap:
        ours, theirs = theirs, ours
    unique, undecided = pieces_of(ours, theirs, max_drift_ppm * 1e-6)
    if swap:
        unique = [Piece(p.target, p.source, p.attempt) for p in unique]
    return _answer(source, target, unique, undecided, swap=swap)


def _comes_first(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Say which train is matched against which: the answer must not depend on it."""
    if one.size != other.size:
        return one.size < other.size
    differ = np.flatnonzero(np.diff(one) != np.diff(other))
    if not differ.size:
        return False
    at = differ[0]
    return bool(one[at + 1] - one[at] < other[at + 1] - other[at])


def _answer(
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    unique: list[Piece],
    undecided: list[Piece],
    *,
    swap: bool,
) -> PulseMatch:
    empty = np.zeros(0, np.int64)
    told = max(unique or undecided, key=_size, default=None)
    candidates = told.attempt.candidates if told else ()
    if swap:
        candidates = tuple(_swapped(c) for c in reversed(candidates))
    verdict: Verdict = "unique" if unique else "ambiguous" if undecided else "no_match"
    i = np.concatenate([empty, *(p.source for p in unique)])
    j = np.concatenate([empty, *(p.target for p in unique)])
    ends = np.cumsum([0, *(p.source.size for p in unique)]).tolist()
    weakest = unique or ([told] if told else [])
    return PulseMatch(
        source_index=i,
        target_index=j,
        verdict=verdict,
        reason=_reason(unique, undecided, i.size, source.size, target.size),
        segments=tuple(
            _segment(source, target, i, j, first, last)
            for first, last in pairwise(ends)
        ),
        candidates=candidates,
        source_only=sum(_lone(p.source) for p in unique),
        target_only=sum(_lone(p.target) for p in unique),
        z=min((p.attempt.z for p in weakest), default=0.0),
        ratio=max((p.attempt.ratio for p in weakest), default=1.0),
    )


def _size(piece: Piece) -> tuple[int, int]:
    weighed = max((c.matched for c in piece.attempt.candidates), default=0)
    return int(piece.source.size), weighed


def _lone(index: NDArray[np.int64]) -> int:
    return int(index.max() - index.min()) + 1 - index.size


def _swapped(candidate: Candidate) -> Candidate:
    return Candidate(
        -candidate.shift_pulses,
        -candidate.shift_ns,
        candidate.matched,
        candidate.residual_ns,
        candidate.z,
        candidate.ratio,
    )


def _segment(
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    first: int,
    last: int,
) -> Segment:
    ours, theirs = source[i[first:last]], target[j[first:last]]
    x = (ours - ours[0]).astype(np.float64)
    y = ((theirs - theirs[0]) - (ours - ours[0])).astype(np.float64)
    centre, level, slope = line_through(x, y)
    at_first = int(theirs[0]) - int(ours[0])
    curve = smooth(x, y)
    return Segment(
        start=first,
        stop=last,
        offset_ns=at_first + round(level - slope * centre),
        drift_ppm=slope * 1e6,
        residual_ns=robust_sd(y + x - curve(x)),
        matched=last - first,
    )


def _reason(
    unique: list[Piece],
    undecided: list[Piece],
    pairs: int,
    ours: int,
    theirs: int,
) -> str:
    if unique:
        longest = max(unique, key=_size)
        parts = "" if len(unique) == 1 else f" in {len(unique)} segments"
        rest = (
            f"; {len(undecided)} further stretch(es) stayed undecided and unpaired"
            if undecided
            else ""
        )
        return f"{pairs} pulses match{parts}: {longest.attempt.why}{rest}."
    if undecided:
        why = max(undecided, key=_size).attempt.why
        return f"No pulse is paired since the alignment is ambiguous: {why}."
    if min(ours, theirs) < 12:
        return f"Too few pulses to match: {ours} in the source, {theirs} in the target."
    return "No alignment of the trains pairs more pulses than chance would."
