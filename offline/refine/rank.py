"""The frames that are worth a label most: the highest scores, apart and unlike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.appearance import clusters_of, thumbnail
from offline.dataset.choosing import Candidate, Choice
from offline.dataset.pick import present

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.refine.looked import Looked

__all__ = ["Ranked", "rank"]

_MORE = 6
"""Times the wanted frames: from so many the chosen ones are chosen by their look."""
_LEAST = 0.05
"""What has a lower score is no worse than any other frame."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A frame, and what speaks for it."""

    looked: Looked
    candidate: Candidate
    """Its criterion and score are those of the strongest reason."""
    total: float
    words: tuple[str, ...]
    """All reasons, the strongest first."""

    @property
    def place(self) -> tuple[str, int]:
        """Its view and its number."""
        return self.candidate.view, self.candidate.frame


def rank(
    views: Sequence[Looked], project: Path, count: int, apart_s: float, seed: int
) -> list[Ranked]:
    """Choose frames, the best first; nothing is written.

    The second frame of a look counts for half of its score, the third for a third: of
    many that are wrong in the same way a few are taken, and the worst ones always.

    Parameters
    ----------
    views
        Of all sessions.
    project
        Frames near to those that it has are not chosen.
    count
        How many are wanted.
    apart_s
        No two of a view are closer.
    seed
        Of the clusters.
    """
    choice = Choice(apart_s)
    for looked in views:
        for number in present(project, looked.view):
            choice.exclude(looked.view.name, looked.view.seconds(number))
    best = _best(views, choice, _MORE * count)
    groups = _looks(best, count, seed)
    taken: Counter[tuple[str, int]] = Counter()
    chosen: list[Ranked] = []
    while best and len(chosen) < count:
        worth = [each.total / (1 + taken[groups[each.place]]) for each in best]
        ranked = best.pop(int(np.argmax(worth)))
        taken[groups[ranked.place]] += 1
        chosen.append(ranked)
    return sorted(chosen, key=lambda each: -each.total)


def _best(views: Sequence[Looked], choice: Choice, most: int) -> list[Ranked]:
    """Return frames by their score, none close to another."""
    all_ = [
        (total, k, frame)
        for k, looked in enumerate(views)
        for frame, total in enumerate(looked.scores.total.tolist())
        if total >= _LEAST
    ]
    found: list[Ranked] = []
    for total, k, frame in sorted(all_, key=lambda each: (-each[0], each[1:])):
        ranked = _ranked(views[k], frame, total)
        if choice.take(ranked.candidate):
            found.append(ranked)
        if len(found) == most:
            break
    return found


def _ranked(looked: Looked, frame: int, total: float) -> Ranked:
    reasons = looked.scores.reasons(frame)
    criterion, value = reasons[0]
    view = looked.view
    candidate = Candidate(view.name, frame, view.seconds(frame), criterion, value)
    words = [_words(looked, frame, name, found) for name, found in reasons]
    return Ranked(looked, candidate, total, tuple(words))


def _words(looked: Looked, frame: int, reason: str, value: float) -> str:
    if reason == "disagreement":
        return f"live and offline are {value:.0f} px apart"
    if reason == "jumps":
        return f"a part leapt by {value:.0f} px"
    if reason == "likelihood":
        return f"unsure: {value:.0%}"
    fire = looked.differences[frame]
    kind = {"missed": "was missed", "false": "fired falsely"}.get(
        fire.kind, "came late"
    )
    return f"{fire.rule} {kind}: {fire.words}"


def _looks(
    best: Sequence[Ranked], count: int, seed: int
) -> dict[tuple[str, int], tuple[str, int]]:
    """Return what each frame looks like: its view, and the number of a cluster."""
    by_view: dict[str, list[Ranked]] = {}
    for ranked in best:
        by_view.setdefault(ranked.candidate.view, []).append(ranked)
    looks: dict[tuple[str, int], tuple[str, int]] = {}
    for name, mine in by_view.items():
        frames = [each.candidate.frame for each in mine]
        small = [thumbnail(mine[0].looked.view.frame(frame)) for frame in frames]
        clusters = clusters_of(np.stack(small), max(2, -(-count // len(by_view))), seed)
        for frame, cluster in zip(frames, clusters.tolist(), strict=True):
            looks[name, frame] = name, cluster
    return looks
