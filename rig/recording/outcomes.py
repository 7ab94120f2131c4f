"""What became of each rule's decisions: counts by outcome and by board's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["RuleOutcomes", "outcomes_of"]


class RuleOutcomes(msgspec.Struct, frozen=True):
    """One rule's decisions."""

    decided: dict[str, int]
    """By outcome: fired, sham, disarmed, suppressed_…"""
    answered: dict[str, int]
    """Those that were fired, by status: done, stale, late, refused_…"""

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
    answers = np.zeros(0, [("decision_id", "<i8"), ("status", "S24")])
    if "acknowledgements" in recording.streams:
        answers = recording.rows("acknowledgements")
    found: dict[str, RuleOutcomes] = {}
    for rule in np.unique(decisions["rule"]).tolist():
        mine = decisions[decisions["rule"] == rule]
        fired = mine["decision_id"][mine["outcome"] == b"fired"]
        answered = answers["status"][np.isin(answers["decision_id"], fired)]
        found[_text(rule)] = RuleOutcomes(_counts(mine["outcome"]), _counts(answered))
    return found


def _counts(words: NDArray[np.bytes_]) -> dict[str, int]:
    """Return how often each word is there, the most frequent first."""
    values, counts = np.unique(words, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    names = [_text(word) for word in values.tolist()]
    return {names[k]: int(counts[k]) for k in order}


def _text(word: bytes) -> str:
    return word.decode("ascii", "replace")
