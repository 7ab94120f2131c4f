"""Moments of a recorded session that somebody wants to jump to. Pure.

Fires, what is missing, stretches in which the network was not sure, notes, events:
each from arrays of rows, in any number of pieces.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from rig.monitor.feed import Mark
    from rig.recording.ledger import Ledger

__all__ = [
    "JUMP_KINDS",
    "Jump",
    "JumpKind",
    "Jumps",
    "LowLikelihood",
    "holes_in",
    "jump_of_mark",
    "listed_gaps",
    "unlisted",
]

JumpKind = Literal["fire", "gap", "low", "note", "event"]
JUMP_KINDS: tuple[JumpKind, ...] = ("fire", "gap", "low", "note", "event")

_SAME_S = 1e-3
_HERE_S = 1e-6
"""Who stands on a jump is not brought to it again."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A moment, or a stretch of time, that is worth a look."""

    at_s: float
    kind: JumpKind
    text: str
    """What it is, in words."""
    what: str = ""
    """A fire's kind (fired, sham, or decided while nobody may know), a gap's stream, a
    low stretch's camera."""
    rule: str = ""
    """Of a fire."""
    end_s: float | None = None
    """None for a moment."""


class Jumps:
    """All jumps that were found, by kind, in order of time.

    Examples
    --------
    >>> jumps = Jumps()
    >>> jumps.add([Jump(2.0, "note", "wet"), Jump(1.0, "note", "dry")])
    >>> jumps.next_after("note", 1.0).text
    'wet'
    >>> jumps.before("note", 1.0) is None
    True
    """

    def __init__(self) -> None:
        self._found: dict[JumpKind, list[Jump]] = {kind: [] for kind in JUMP_KINDS}
        self.version = 0
        """Rises with each jump that is added."""

    def add(self, jumps: Iterable[Jump]) -> None:
        """Add jumps, in any order."""
        changed = set[JumpKind]()
        for jump in jumps:
            self._found[jump.kind].append(jump)
            self.version += 1
            changed.add(jump.kind)
        for kind in changed:
            self._found[kind].sort(key=_time)

    def of(self, kind: JumpKind, what: str = "", rule: str = "") -> Sequence[Jump]:
        """Return the jumps of a kind, or those of one rule, stream or camera."""
        found = self._found[kind]
        if not what and not rule:
            return found
        return [
            jump
            for jump in found
            if (not what or jump.what == what) and (not rule or jump.rule == rule)
        ]

    def next_after(
        self, kind: JumpKind, at_s: float, *, what: str = "", rule: str = ""
    ) -> Jump | None:
        """Return the next jump after a moment; None after the last."""
        found = self.of(kind, what, rule)
        k = bisect_right(found, at_s + _HERE_S, key=_time)
        return found[k] if k < len(found) else None

    def before(
        self, kind: JumpKind, at_s: float, *, what: str = "", rule: str = ""
    ) -> Jump | None:
        """Return the last jump before a moment; None before the first."""
        found = self.of(kind, what, rule)
        k = bisect_left(found, at_s - _HERE_S, key=_time)
        return found[k - 1] if k else None

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return it all, ready for JSON."""
        return {kind: [asdict(j) for j in found] for kind, found in self._found.items()}


class LowLikelihood:
    """Finds stretches in which the mean likelihood stays low, piece by piece.

    Parameters
    ----------
    camera
        Whose poses they are.
    limit
        Below it, a pose is not to be trusted.
    at_least
        So many poses one after the other make a stretch.
    """

    def __init__(self, camera: str, limit: float = 0.5, at_least: int = 10) -> None:
        self._camera = camera
        self._limit, self._at_least = limit, at_least
        self._run: list[tuple[float, float]] = []
        """Time and likelihood of the poses of a stretch that may go on."""

    def take(
        self, times_s: NDArray[np.float64], likelihoods: NDArray[Any]
    ) -> list[Jump]:
        """Take in further poses; return the stretches that have ended with them.

        Parameters
        ----------
        times_s
            (n,) when they were exposed.
        likelihoods
            (n, bodyparts).
        """
        if not len(times_s):
            return []
        mean = np.nan_to_num(likelihoods.astype(np.float64)).mean(axis=1)
        low = mean < self._limit
        turns = np.flatnonzero(np.diff(low)) + 1
        found: list[Jump] = []
        edges = [0, *turns.tolist(), len(low)]
        for start, stop in pairwise(edges):
            if low[start]:
                here = slice(start, stop)
                self._run += zip(
                    times_s[here].tolist(), mean[here].tolist(), strict=True
                )
            else:
                found += self.finish()
        return found

    def finish(self) -> list[Jump]:
        """Return the stretch that goes on to the end, if there is one."""
        run, self._run = self._run, []
        if len(run) < self._at_least:
            return []
        lowest = min(likelihood for _, likelihood in run)
        text = f"{self._camera}: {len(run)} poses below {self._limit:g}"
        text += f", mean likelihood down to {lowest:.2f}"
        return [Jump(run[0][0], "low", text, self._camera, end_s=run[-1][0])]


def jump_of_mark(mark: Mark) -> Jump | None:
    """Return where a mark is jumped to; None for what was only held back."""
    kinds: dict[str, JumpKind] = {
        "fired": "fire",
        "sham": "fire",
        "decided": "fire",
        "pulse": "fire",
        "note": "note",
        "event": "event",
    }
    kind = kinds.get(mark.kind)
    if kind is None:
        return None
    what = mark.kind if kind == "fire" else ""
    return Jump(mark.at_s, kind, mark.text, what, mark.rule)


def listed_gaps(ledger: Ledger) -> list[Jump]:
    """Return what the ledger lists as missing and knows the time of."""
    return [
        Jump(
            item.at_s,
            "gap",
            f"{name}: {item.where} ({item.stage}): {item.cause}",
            name,
            end_s=item.at_s + (item.duration_ms or 0.0) / 1e3,
        )
        for name, stream in ledger.streams.items()
        for item in stream.missing
        if item.at_s is not None
    ]


def holes_in(
    stream: str,
    numbers: NDArray[np.int64],
    counts: NDArray[np.int64],
    times_s: NDArray[np.float64],
) -> list[Jump]:
    """Return where the device's own numbers jump forward.

    Parameters
    ----------
    stream
        Its name.
    numbers
        (n,) number of the first element in each row.
    counts
        (n,) elements in each row.
    times_s
        (n,) when each row came.
    """
    lacking = numbers[1:] - (numbers[:-1] + counts[:-1])
    return [
        Jump(
            float(times_s[k]),
            "gap",
            f"{stream}: {lacking[k]} missing from {numbers[k] + counts[k]}",
            stream,
            end_s=float(times_s[k + 1]),
        )
        for k in np.flatnonzero(lacking > 0)
    ]


def unlisted(holes: Iterable[Jump], listed: Iterable[Jump]) -> list[Jump]:
    """Return the holes that no listed gap of the same stream lies in."""
    known: dict[str, list[Jump]] = {}
    for gap in listed:
        known.setdefault(gap.what, []).append(gap)
    return [
        hole
        for hole in holes
        if not any(_overlap(hole, gap) for gap in known.get(hole.what, ()))
    ]


def _overlap(one: Jump, other: Jump) -> bool:
    one_end = one.at_s if one.end_s is None else one.end_s
    other_end = other.at_s if other.end_s is None else other.end_s
    return one.at_s <= other_end + _SAME_S and other.at_s <= one_end + _SAME_S


def _time(jump: Jump) -> float:
    return jump.at_s
