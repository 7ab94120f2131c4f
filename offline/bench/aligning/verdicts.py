"""Verdicts: whether "unique" is ever said of pairs that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.bench.aligning.puzzles import KINDS, Puzzle, puzzle
from sync.matching import match_pulses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sync.matching import PulseMatch

__all__ = ["summary", "trial", "wrong_segments"]

_CHANCE_SHARE, _CHANCE_PAIRS = 0.02, 2
"""Pairs of two different pulses that a segment may hold, in a right alignment."""


def trial(numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Match the pairs of some numbers."""
    return [_judged(number) for number in numbers]


def _judged(number: int) -> dict[str, Any]:
    pair = puzzle(number)
    match = match_pulses(pair.source.time_ns, pair.target.time_ns)
    ours, theirs = _numbers(pair, match)
    return {
        "number": number,
        "kind": pair.kind,
        "verdict": match.verdict,
        "pairs": int(ours.size),
        "false_pairs": int(np.count_nonzero((ours != theirs) | (ours < 0))),
        "segments": len(match.segments),
        "wrong_segments": wrong_segments(pair, match),
    }


def wrong_segments(pair: Puzzle, match: PulseMatch) -> int:
    """Count the segments whose alignment is wrong: they pair different pulses.

    A pair with a spurious pulse is false too, but tells nothing of the alignment: in a
    right one, it lies by chance where a pulse was lost.
    """
    ours, theirs = _numbers(pair, match)
    wrong = (ours != theirs) & (ours >= 0) & (theirs >= 0)
    counts = [
        (np.count_nonzero(wrong[part.start : part.stop]), part.matched)
        for part in match.segments
    ]
    return sum(bad > max(_CHANCE_SHARE * n, _CHANCE_PAIRS) for bad, n in counts)


def _numbers(
    pair: Puzzle, match: PulseMatch
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which pulse each of the pairs truly is, in either log."""
    ours = pair.source.number[match.source_index]
    return ours, pair.target.number[match.target_index]


def summary(judged: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how often each verdict was given, and where it was wrong."""
    return {
        "trains": len(judged),
        "together": _counts(judged),
        "kinds": {
            kind: _counts([one for one in judged if one["kind"] == kind])
            for kind in KINDS
        },
        "wrong": [one for one in judged if one["wrong_segments"]],
    }


def _counts(judged: Sequence[dict[str, Any]]) -> dict[str, int]:
    verdicts = [one["verdict"] for one in judged]
    return {
        "trains": len(judged),
        "unique": verdicts.count("unique"),
        "ambiguous": verdicts.count("ambiguous"),
        "no_match": verdicts.count("no_match"),
        "wrong": sum(bool(one["wrong_segments"]) for one in judged),
        "pairs": sum(one["pairs"] for one in judged),
        "false_pairs": sum(one["false_pairs"] for one in judged),
    }
