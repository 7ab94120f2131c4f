"""Live fires against ideal ones, each difference with one cause. Pure.

The cause is that of the first stage in which a fire is not as in the first of all, so
there is always exactly one: see `offline.parity.stages`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offline.fires import FIRES, matched, offsets
from offline.parity.result import Difference, RuleParity
from offline.parity.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offline.parity.evidence import Evidence
    from offline.parity.result import Kind
    from offline.parity.stages import Decided

__all__ = ["Limits", "judge"]

_LAST = len(STAGES) - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What belongs together."""

    within_ns: int
    """Fires farther apart are not the same one."""
    shift_ns: int
    """A live fire farther from the ideal one is a shifted one."""


def judge(
    rule: str,
    stages: Mapping[str, Sequence[Decided]],
    evidence: Evidence,
    limits: Limits,
) -> tuple[RuleParity, tuple[Difference, ...]]:
    """Hold a rule's live fires against the ideal ones.

    Parameters
    ----------
    rule
        Its name.
    stages
        What was decided in each stage, by all rules.
    evidence
        Of the rule: what was seen around a moment.
    limits
        What belongs together.
    """
    mine = [
        [each for each in stages[name] if each.decision.rule == rule] for name in STAGES
    ]
    judged = _Judged(mine, evidence, limits)
    judged.judge_ideal()
    judged.judge_false()
    kinds = Counter(difference.kind for difference in judged.differences)
    figures = RuleParity(
        rule=rule,
        ideal=len(judged.fires[0]),
        live=len(judged.fires[_LAST]),
        found=judged.found,
        shifted=kinds["shifted"],
        missed=kinds["missed"],
        false=kinds["false"],
        shift=offsets(judged.shifts_ns),
        causes=dict(Counter(each.cause for each in judged.differences).most_common()),
    )
    return figures, tuple(sorted(judged.differences, key=lambda each: each.at_s))


@dataclass(slots=True)
class _Judged:
    """The fires of a rule in all stages, and what came of them."""

    decided: Sequence[Sequence[Decided]]
    """By stage."""
    evidence: Evidence
    limits: Limits
    found: int = 0
    shifts_ns: list[int] = field(default_factory=list[int])
    differences: list[Difference] = field(default_factory=list[Difference])
    fires: list[list[Decided]] = field(default_factory=list["list[Decided]"])
    pairs: list[dict[int, int]] = field(default_factory=list["dict[int, int]"])
    """By stage, place of the fire of each ideal one that has one."""

    def __post_init__(self) -> None:
        self.fires = [
            [each for each in decided if each.decision.outcome in FIRES]
            for decided in self.decided
        ]
        ideal_ns = [each.at_ns for each in self.fires[0]]
        for fires in self.fires:
            times_ns = [each.at_ns for each in fires]
            found = matched(times_ns, ideal_ns, self.limits.within_ns)
            pairs = zip(found.events.tolist(), found.fires.tolist(), strict=True)
            self.pairs.append(dict(pairs))

    def judge_ideal(self) -> None:
        """Say of each ideal fire what became of it live."""
        for k, ideal in enumerate(self.fires[0]):
            live = self._live(k)
            if live is None:
                lost = next(n for n in range(1, _LAST + 1) if k not in self.pairs[n])
                self._note("missed", ideal, lost)
                continue
            if _is_armed(ideal) != _is_armed(live):
                self._note("missed" if _is_armed(ideal) else "false", ideal, None)
                continue
            shift_ns = live.at_ns - ideal.at_ns
            self.shifts_ns.append(shift_ns)
            if abs(shift_ns) <= self.limits.shift_ns:
                self.found += 1
                continue
            self._note("shifted", ideal, self._first_shifted(k, ideal), shift_ns)

    def judge_false(self) -> None:
        """Say of each live fire without an ideal one where it came from."""
        for live in self._alone(_LAST):
            came = next(
                n
                for n in range(1, _LAST + 1)
                if any(
                    abs(each.at_ns - live.at_ns) <= self.limits.within_ns
                    for each in self._alone(n)
                )
            )
            self._note("false", live, came)

    def _live(self, k: int) -> Decided | None:
        place = self.pairs[_LAST].get(k)
        return None if place is None else self.fires[_LAST][place]

    def _alone(self, stage: int) -> list[Decided]:
        taken = set(self.pairs[stage].values())
        return [each for n, each in enumerate(self.fires[stage]) if n not in taken]

    def _first_shifted(self, k: int, ideal: Decided) -> int:
        for n in range(1, _LAST):
            place = self.pairs[n].get(k)
            if place is None:
                return n
            if abs(self.fires[n][place].at_ns - ideal.at_ns) > self.limits.shift_ns:
                return n
        return _LAST

    def _note(
        self, kind: Kind, at: Decided, stage: int | None, shift_ns: int | None = None
    ) -> None:
        """Write a difference down; no stage is that of arming."""
        cause, words = "disarmed", "it was armed, or not, at another moment"
        if stage is not None:
            # what is lost was held back in its stage, what is new in the one before
            where = stage - 1 if kind == "false" else stage
            held = self._held(where, at.at_ns)
            cause, words = self.evidence.cause(STAGES[stage], at, held)
        near = self.evidence.widest(at)
        self.differences.append(
            Difference(
                rule=at.decision.rule,
                kind=kind,
                at_s=self.evidence.seconds(at.at_ns),
                frame=at.frame,
                shift_ms=None if shift_ns is None else shift_ns / 1e6,
                cause=cause,
                words=words,
                apart_px=None if near is None else near[1],
                bodypart=None if near is None else near[0],
            )
        )

    def _held(self, stage: int, at_ns: int) -> Decided | None:
        """Return the decision nearest to a moment that was suppressed in a stage."""
        held = [
            each
            for each in self.decided[stage]
            if each.decision.outcome not in FIRES
            and abs(each.at_ns - at_ns) <= self.limits.within_ns
        ]
        return min(held, key=lambda each: abs(each.at_ns - at_ns), default=None)


def _is_armed(decided: Decided) -> bool:
    return decided.decision.outcome != "disarmed"
