"""Relations in figures, and the pulses behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.result import Candidate, Evidence, RelationSummary
from sync.drift import held_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.alignment.joints import Joint
    from sync.alignment import ClockTree, Relation
    from sync.drift import ClockModel, HeldOut

__all__ = ["Frame", "refused", "robust_sd_ns", "summarise", "worst_minute"]

_TOO_FEW = "Too few pairs to fit a clock to."
_HOUR_S = 3600.0
_GRID = 2000


@dataclass(frozen=True, slots=True)
class Frame:
    """Where times of a relation stand in the session."""

    tree: ClockTree
    origin_ns: int

    def session_s(self, clock: str, times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return session times in s; NaN where the clock is not joined."""
        if clock not in self.tree.clocks:
            return np.full(len(times_ns), np.nan)
        return (self.tree.to_reference(clock, times_ns)[0] - self.origin_ns) / 1e9


def robust_sd_ns(values: NDArray[np.float64]) -> float:
    """Return the standard deviation as the median of absolute values tells it."""
    return float(1.4826 * np.median(np.abs(values))) if len(values) else float("nan")


def worst_minute(time_s: NDArray[np.float64], sd_ns: NDArray[np.float64]) -> float:
    """Return the largest of the medians of each minute; NaN of nothing."""
    good = np.isfinite(time_s) & np.isfinite(sd_ns)
    if not good.any():
        return float("nan")
    minute = np.floor(time_s[good] / 60)
    order = np.argsort(minute, kind="stable")
    begins = np.flatnonzero(np.diff(minute[order])) + 1
    return max(float(np.median(part)) for part in np.split(sd_ns[good][order], begins))


def refused(joint: Joint) -> RelationSummary:
    """Return the summary of a joint that no relation came of."""
    nan = float("nan")
    return RelationSummary(
        source=joint.one,
        target=joint.other,
        how=joint.how,
        verdict="no_match" if joint.verdict == "unique" else joint.verdict,
        reason=joint.reason if not len(joint.one_ns) else _TOO_FEW,
        pulses=0,
        source_only=len(joint.one_only_ns),
        target_only=len(joint.other_only_ns),
        segments=0,
        residual_ns=nan,
        jitter_ns=nan,
        nis=nan,
        drift_ppm=nan,
        drift_change_ppm_per_h=nan,
        constant_sd_ns=joint.constant_sd_ns,
        sd_ns=nan,
        worst_sd_ns=nan,
        longest_gap_s=nan,
        held_out=0,
        held_out_rms_ns=None,
        held_out_coverage=None,
        candidates=_candidates(joint),
        z=joint.z,
        ratio=joint.ratio,
        primary=False,
    )


def summarise(
    joint: Joint, relation: Relation, frame: Frame, *, primary: bool
) -> tuple[RelationSummary, Evidence]:
    """Return a relation in figures, and what is behind them.

    Parameters
    ----------
    joint
        What it was made of, in either direction.
    relation
        The relation.
    frame
        Session time.
    primary
        Whether it is a way that times go by, not a check beside it.
    """
    pairs, model = relation.pairs, relation.model
    out = held_out(pairs.one_ns, pairs.other_ns)
    proof = _evidence(joint, relation, frame, out)
    turned = relation.source != joint.one
    gaps = np.diff(np.sort(proof.time_s))
    weights = np.array([segment.pulses for segment in model.segments], np.float64)
    summary = RelationSummary(
        source=relation.source,
        target=relation.target,
        how=joint.how,
        verdict=joint.verdict,
        reason=" ".join((joint.reason, *(f"{one}." for one in joint.remarks))),
        pulses=len(pairs.one_ns),
        source_only=len(proof.source_only_s),
        target_only=len(proof.target_only_s),
        segments=len(model.segments),
        residual_ns=robust_sd_ns(proof.residual_ns),
        jitter_ns=_mean([s.jitter.scale_ns for s in model.segments], weights),
        nis=_mean([s.nis for s in model.segments], weights),
        drift_ppm=float(np.mean(proof.ppm)),
        drift_change_ppm_per_h=_drift_change(model, pairs.one_ns),
        constant_sd_ns=pairs.constant_sd_ns,
        sd_ns=relation.sd_ns,
        worst_sd_ns=worst_minute(*_sd_over_time(relation, frame)),
        longest_gap_s=float(gaps.max(initial=0.0)),
        held_out=len(out.error_ns),
        held_out_rms_ns=out.rms_ns if len(out.error_ns) else None,
        held_out_coverage=out.coverage if len(out.error_ns) else None,
        candidates=() if turned else _candidates(joint),
        z=joint.z,
        ratio=joint.ratio,
        primary=primary,
        disagreement_ns=None if primary else _disagreement(relation, frame),
    )
    return summary, proof


def _candidates(joint: Joint) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            shift_pulses=one.shift_pulses,
            shift_ns=one.shift_ns,
            matched=one.matched,
            residual_ns=one.residual_ns,
            z=one.z,
            ratio=one.ratio,
        )
        for one in joint.candidates
    )


def _evidence(joint: Joint, relation: Relation, frame: Frame, out: HeldOut) -> Evidence:
    source, target = relation.pairs.one_ns, relation.pairs.other_ns
    said, sd_ns = relation.model(source)
    lone = {joint.one: joint.one_only_ns, joint.other: joint.other_only_ns}
    return Evidence(
        source_ns=source,
        target_ns=target,
        time_s=frame.session_s(relation.source, source),
        residual_ns=(target - said).astype(np.float64),
        sd_ns=sd_ns,
        ppm=_ppm(relation.model, source),
        source_only_s=frame.session_s(relation.source, lone[relation.source]),
        target_only_s=frame.session_s(relation.target, lone[relation.target]),
        held_out_s=frame.session_s(relation.source, out.source_ns),
        held_out_error_ns=out.error_ns,
        held_out_band_ns=out.band_ns,
    )


def _mean(values: list[float], weights: NDArray[np.float64]) -> float:
    return float(np.average(np.array(values), weights=weights))


def _ppm(model: ClockModel, source_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    which = model.segment_of(source_ns)
    found = np.empty(len(source_ns))
    for number, segment in enumerate(model.segments):
        here = which == number
        found[here] = segment.skew_ppm(source_ns[here])
    return found


def _drift_change(model: ClockModel, source_ns: NDArray[np.int64]) -> float:
    """Return the largest change of the drift within an hour, or the session if less."""
    most = 0.0
    for segment in model.segments:
        times = np.linspace(segment.first_source_ns, segment.last_source_ns, 200)
        ppm = segment.skew_ppm(times.astype(np.int64))
        within = max(1, int(np.searchsorted((times - times[0]) / 1e9, _HOUR_S)))
        for first in range(0, len(ppm), max(1, within // 4)):
            most = max(most, float(np.ptp(ppm[first : first + within])))
    return most


def _sd_over_time(
    relation: Relation, frame: Frame
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the relation's error at even times between its pairs, gaps as well."""
    grid = [
        np.linspace(s.first_source_ns, s.last_source_ns, _GRID).astype(np.int64)
        for s in relation.model.segments
    ]
    source = np.concatenate(grid)
    return frame.session_s(relation.source, source), relation(source)[1]


def _disagreement(relation: Relation, frame: Frame) -> float | None:
    """Return by how much this way to the reference differs from the chosen one."""
    source = relation.pairs.one_ns
    there, _ = relation(source)
    one = frame.session_s(relation.target, there)
    other = frame.session_s(relation.source, source)
    apart = (one - other) * 1e9
    return float(np.median(apart)) if np.isfinite(apart).all() else None
