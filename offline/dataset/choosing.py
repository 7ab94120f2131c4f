"""The frames to be labelled: the best of each criterion, none beside another. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["CRITERIA", "Candidate", "Choice", "Criterion", "in_turns"]

Criterion = Literal[
    "appearance", "likelihood", "jumps", "disagreement", "fires", "instant"
]
CRITERIA: tuple[Criterion, ...] = (
    "appearance",
    "likelihood",
    "jumps",
    "disagreement",
)
"""Those that propose frames; an ``instant`` is another camera's view of one, ``fires``
are wrong ones that `offline.refine` looks for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame that one criterion proposes."""

    view: str
    """Which camera of which session."""
    frame: int
    at_s: float
    """Time in the session."""
    criterion: Criterion
    score: float
    """What speaks for it, in the criterion's own unit; larger is better."""


@dataclass(slots=True)
class Choice:
    """What is chosen until now: no frame lies close to another of its view."""

    apart_s: float
    chosen: list[Candidate] = field(default_factory=list)
    _times_s: dict[str, list[float]] = field(default_factory=dict)

    def exclude(self, view: str, at_s: float) -> None:
        """Have nothing close to a frame that is labelled already."""
        self._times_s.setdefault(view, []).append(at_s)

    def take(self, candidate: Candidate) -> bool:
        """Take a frame, unless one close to it is taken; tell whether it was."""
        taken = self._times_s.setdefault(candidate.view, [])
        if any(abs(at_s - candidate.at_s) < self.apart_s for at_s in taken):
            return False
        taken.append(candidate.at_s)
        self.chosen.append(candidate)
        return True


def in_turns(
    proposed: Mapping[Criterion, Sequence[Candidate]], choice: Choice
) -> Iterator[Candidate]:
    """Take frames in turns: one of each criterion, its best first; yield what is taken.

    Parameters
    ----------
    proposed
        By criterion, the best first.
    choice
        Grows by what is yielded, until no frame is apart from the others.
    """
    turns = [iter(found) for found in proposed.values()]
    while turns:
        for turn in list(turns):
            taken = next((c for c in turn if choice.take(c)), None)
            if taken is None:
                turns.remove(turn)
            else:
                yield taken
