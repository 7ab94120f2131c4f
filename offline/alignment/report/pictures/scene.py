"""What the pictures of one relation are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sync.drift import split_at_resets

if TYPE_CHECKING:
    from offline.alignment.report.markup import Html
    from offline.alignment.result import Evidence, RelationSummary

__all__ = ["Picture", "Scene", "scene_of"]


_THINGS = {"exchanges": "exchanges", "online": "rows"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and what one should see in it."""

    title: str
    caption: str
    svg: Html | None
    """None where there was too little to draw; the caption says so."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One relation, its pairs, and what the pictures' time axes span."""

    relation: RelationSummary
    evidence: Evidence
    name: str
    """Of the pieces of its pictures, different for each relation of a page."""
    first_s: float
    last_s: float
    resets_s: tuple[float, ...]
    """Where a clock began anew or has leapt."""

    @property
    def things(self) -> str:
        """What was paired, in a word."""
        return _THINGS.get(self.relation.how, "pulses")

    @property
    def pairs(self) -> int:
        """How many pulses both clocks have."""
        return len(self.evidence.time_s)

    @property
    def jitter_ns(self) -> float:
        """Of a pair, 0 where it is not known: then nothing is drawn of it."""
        jitter = self.relation.jitter_ns
        return jitter if np.isfinite(jitter) else 0.0


def scene_of(relation: RelationSummary, evidence: Evidence, name: str) -> Scene:
    """Gather what the pictures of a relation share."""
    times = np.concatenate(
        [
            evidence.time_s,
            evidence.source_only_s,
            evidence.target_only_s,
            evidence.held_out_s,
        ]
    )
    times = times[np.isfinite(times)]
    first, last = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    return Scene(relation, evidence, name, first, last, _resets_s(relation, evidence))


def _resets_s(relation: RelationSummary, evidence: Evidence) -> tuple[float, ...]:
    if relation.segments < 2:
        return ()
    parts = split_at_resets(evidence.source_ns, evidence.target_ns)
    return tuple(float(evidence.time_s[part.start]) for part in parts[1:])
