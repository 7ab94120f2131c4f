"""Whether an alignment may be trusted: its figures against the limits.

The limits are those of `AlignmentLimits`, which a rig file may override. Each check
gives a finding, also where it passes: what was looked at is part of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.alignment import units
from offline.alignment.result import Finding, worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offline.alignment.result import Cue, Latency, Level, RelationSummary
    from rig.config.alignment import AlignmentLimits, Band, Limit

__all__ = ["Looked", "check_latency", "check_relation", "check_stream", "level_of"]

_LEAST_PULSES = 30
"""Fewer do not tell how residuals are spread."""
_LEAST_HELD_OUT = 20
_CHANCE = 2.5
"""Standard deviations by which a figure of few pulses may be off by chance."""
_AVERAGED = 10
"""Pulses that make one innovation, about."""
_START_DELAY_NS = 1e6
"""A camera that begins to expose later after its trigger is set to."""
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of a stream when it is checked."""

    name: str
    recorded: int
    lost: int
    sd_ns: float
    period_ns: float | None
    """Nominal time between two of its elements; None for events."""


def level_of(value: float, limit: Limit | Band) -> Level:
    """Return what a value means."""

    def within(bound: float | tuple[float, float]) -> bool:
        low, high = bound if isinstance(bound, tuple) else (float("-inf"), bound)
        return low <= value <= high

    if within(limit.warn):
        return "PASS"
    return "WARN" if within(limit.fail) else "FAIL"


def check_relation(
    relation: RelationSummary, limits: AlignmentLimits, cues: tuple[Cue, ...] = ()
) -> Iterator[Finding]:
    """Yield what is to be said of a relation of two clocks.

    Parameters
    ----------
    relation
        In figures.
    limits
        Of the rig.
    cues
        Of the stream that the relation is of: one that agrees settles an ambiguity.
    """
    subject = relation.subject
    yield _ambiguity(subject, relation, cues)
    if not relation.pulses:
        return
    find = _Finder(subject, limits)
    seen = relation.pulses + relation.source_only + relation.target_only
    unmatched = relation.source_only + relation.target_only
    yield find(
        "unmatched_fraction",
        unmatched / seen,
        f"{units.share_of(unmatched, seen)} of the pulses were seen by one side only",
        "look for a loose cable or for noise on the line",
    )
    if relation.how in {"sync_line", "pulses", "triggers", "exposures"}:
        yield from _of_pulses(relation, limits, find)
    yield find(
        "drift_ppm",
        abs(relation.drift_ppm),
        f"the clocks differ by {units.ppm(relation.drift_ppm)}",
        "a crystal that is so far off is damaged, or the wrong rate was set",
    )
    yield find(
        "drift_change_ppm_per_h",
        relation.drift_change_ppm_per_h,
        f"that changes by {units.ppm_per_h(relation.drift_change_ppm_per_h)} at most",
        "keep the device's temperature steady",
    )
    yield find(
        "gap_s",
        relation.longest_gap_s,
        f"the longest time without a pulse is {units.length(relation.longest_gap_s)}",
        "within it, times are less sure than elsewhere; see the band",
    )
    if relation.disagreement_ns is not None:
        yield _second_way(subject, relation)


def _of_pulses(
    relation: RelationSummary, limits: AlignmentLimits, find: _Finder
) -> Iterator[Finding]:
    if relation.pulses < _LEAST_PULSES:
        return
    yield find(
        "residual_over_jitter",
        relation.residual_ns / (limits.expected_jitter_us * 1e3),
        f"pulses scatter by {units.size(relation.residual_ns)} about the model",
        "more than a sound rig shows: look at the residuals",
    )
    # a mean of squares of so many averages of pulses scatters by itself
    chance = _CHANCE * (2 * _AVERAGED / relation.pulses) ** 0.5
    yield find(
        "innovations",
        relation.nis,
        f"squared innovations are {relation.nis:.2f} of what was expected",
        "the clocks do not wander like crystals: steps, or a device that is polled",
        judged=1.0 if abs(relation.nis - 1) <= chance else relation.nis,
    )
    coverage = relation.held_out_coverage
    if coverage is not None and relation.held_out >= _LEAST_HELD_OUT:
        # of few pulses, all or some more than usual may lie outside by chance
        chance = _CHANCE * (0.95 * 0.05 / relation.held_out) ** 0.5
        yield find(
            "held_out_coverage",
            coverage,
            f"{units.percent(coverage)} of {relation.held_out} pulses that were left "
            "out lie within their 95 % band",
            "the stated errors are not honest: trust the residuals instead",
            judged=0.95 if abs(coverage - 0.95) <= chance else coverage,
        )


def _ambiguity(
    subject: str, relation: RelationSummary, cues: tuple[Cue, ...]
) -> Finding:
    settled = [cue for cue in cues if cue.level == "PASS" and cue.shift_frames == 0]
    level: Level = "PASS" if relation.verdict == "unique" else "FAIL"
    words = relation.reason
    if relation.verdict == "ambiguous" and settled and relation.pulses:
        level = "WARN"
        words += f" A second cue settles it: {settled[0].words}"
    return Finding(
        check="ambiguity",
        subject=subject,
        level=level,
        value=relation.ratio if relation.candidates else None,
        words=words,
    )


def _second_way(subject: str, relation: RelationSummary) -> Finding:
    """Hold two ways between the same clocks against each other."""
    apart = relation.disagreement_ns or 0.0
    band = 3 * max(relation.sd_ns, 1.0)
    words = (
        f"a second way ({relation.how}) differs by {units.size(apart)}, of "
        f"{units.size(band)} that are well"
    )
    if relation.how == "triggers":
        band = _START_DELAY_NS
        words = f"exposures begin {units.size(apart)} from their triggers"
    level: Level = "PASS" if abs(apart) <= band else "WARN"
    return Finding(
        check="second_way_ns",
        subject=subject,
        level=level,
        value=abs(apart),
        words=words,
    )


def check_stream(looked: Looked, limits: AlignmentLimits) -> Iterator[Finding]:
    """Yield what is to be said of a stream's elements."""
    find = _Finder(looked.name, limits)
    total = looked.recorded + looked.lost
    if total:
        yield find(
            "lost_fraction",
            looked.lost / total,
            f"{units.share_of(looked.lost, total)} are lost",
            "their places are kept, empty; see the ledger for the cause",
        )
    if looked.period_ns and looked.recorded:
        part = 1.96 * looked.sd_ns / looked.period_ns
        yield find(
            "error_over_period",
            part,
            f"the 95 % error is {units.percent(part)} of the time between elements",
            "let the device hear the sync line, or be triggered by wire",
        )


def check_latency(
    name: str, latency: Latency, age_s: float, limits: AlignmentLimits
) -> Finding:
    """Return what is to be said of the constant delay that was taken off a stream."""
    days = abs(age_s) / _SECONDS_A_DAY
    level = level_of(days, limits.calibration_age_days)
    words = (
        f"a delay of {units.signed(latency.delay_ns)} was taken off, measured "
        f"{days:.0f} days {'before' if age_s >= 0 else 'after'} the session"
    )
    if not latency.rig_matches:
        level = worst([level, "WARN"])
        words += " with another rig file: measure it again"
    return Finding(
        check="calibration_age_days",
        subject=name,
        level=level,
        value=days,
        words=words,
    )


@dataclass(frozen=True, slots=True)
class _Finder:
    """Makes the findings of one subject."""

    subject: str
    limits: AlignmentLimits

    def __call__(
        self,
        check: str,
        value: float,
        what: str,
        remedy: str,
        judged: float | None = None,
    ) -> Finding:
        """Return what a value means; `judged` stands for it where it may be chance."""
        limit = getattr(self.limits, check)
        level = level_of(value if judged is None else judged, limit)
        words = what if level == "PASS" else f"{what}: {remedy}"
        return Finding(
            check=check, subject=self.subject, level=level, value=value, words=words
        )
