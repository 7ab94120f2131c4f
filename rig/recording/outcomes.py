"""What became of each rule's decisions: counts by outcome and by board's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from rig.messages import Acknowledgement, row_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["DELIVERED", "TIMEOUT", "RuleOutcomes", "outcomes_of", "settled"]

TIMEOUT = b"timeout"
"""Status of a command that was not answered in time."""
_DONE, _DONE_LATE = b"done", b"done_late"
DELIVERED = frozenset({"done", "done_late"})
"""Statuses, as `settled` has them, of commands whose edge came."""


class RuleOutcomes(msgspec.Struct, frozen=True):
    """One rule's decisions."""

    decided: dict[str, int]
    """By outcome: fired, sham, disarmed, suppressed_…"""
    answered: dict[str, int]
    """Those that were fired, by status: done, done_late, stale, late, refused_…"""

    @property
    def text(self) -> str:
        """The counts in words."""
        parts = [f"{count} {outcome}" for outcome, count in self.decided.items()]
        if not self.answered:
            return ", ".join(parts)
        answers = ", ".join(f"{n} {status}" for status, n in self.answered.items())
        return ", ".join(
            f"{part} ({answers})" if part.endswith(" fired") else part for part in parts
        )


def outcomes_of(recording: Recording) -> dict[str, RuleOutcomes]:
    """Return the outcomes of each rule that decided anything, by its name."""
    if "decisions" not in recording.streams:
        return {}
    decisions = recording.rows("decisions")
    answers = np.zeros(0, row_dtype(Acknowledgement))
    if "acknowledgements" in recording.streams:
        answers = settled(recording.rows("acknowledgements"))
    found: dict[str, RuleOutcomes] = {}
    for rule in np.unique(decisions["rule"]).tolist():
        mine = decisions[decisions["rule"] == rule]
        fired = mine["decision_id"][mine["outcome"] == b"fired"]
        answered = answers["status"][np.isin(answers["decision_id"], fired)]
        found[_text(rule)] = RuleOutcomes(_counts(mine["outcome"]), _counts(answered))
    return found


def settled(answers: NDArray[np.void]) -> NDArray[np.void]:
    """Return acknowledgements, one for each command.

    A timeout gives way to the answer that came after it. If that is ``done``, its
    status is ``done_late``: the animal saw it, and the session learnt of it late.

    Parameters
    ----------
    answers
        (n,) as they were recorded.
    """
    numbers, statuses = answers["decision_id"], answers["status"]
    overdue = statuses == TIMEOUT
    late = np.isin(numbers, numbers[overdue]) & ~overdue
    stands = ~(overdue & np.isin(numbers, numbers[late]))
    found = answers[stands]
    found["status"][late[stands] & (found["status"] == _DONE)] = _DONE_LATE
    return found


def _counts(words: NDArray[np.bytes_]) -> dict[str, int]:
    """Return how often each word is there, the most frequent first."""
    values, counts = np.unique(words, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    names = [_text(word) for word in values.tolist()]
    return {names[k]: int(counts[k]) for k in order}


def _text(word: bytes) -> str:
    return word.decode("utf-8", "replace")
