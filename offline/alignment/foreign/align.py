"""Other people's files, aligned: read, grouped by clock, matched, fitted, placed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.checks import check_relation
from offline.alignment.foreign.describe import describe
from offline.alignment.foreign.meeting import meet
from offline.alignment.foreign.reading import read_files
from offline.alignment.foreign.reference import grouped
from offline.alignment.foreign.verdicts import check_train, sentence_of, summary_of
from offline.alignment.judgement import own_versions
from offline.alignment.pipeline import Aligned
from offline.alignment.result import NO_TIME, AlignedStream, Alignment, worst
from offline.alignment.summaries import Frame, refused, summarise
from rig.config.alignment import AlignmentLimits, Limit
from rig.errors import SessionError
from rig.recording.sidecar import installed_versions
from sync.alignment import ClockTree
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.alignment.foreign.clocks import Group, Member
    from offline.alignment.foreign.describe import Description
    from offline.alignment.foreign.meeting import Meeting
    from offline.alignment.foreign.train import Options, Train
    from offline.alignment.joints.joint import Joint
    from offline.alignment.result import (
        Evidence,
        Finding,
        RelationSummary,
        StreamSummary,
    )
    from sync.alignment import Relation

__all__ = ["align_files", "align_trains"]

_LIMITS = AlignmentLimits(
    unmatched_fraction=Limit(warn=0.001, fail=1),
    lost_fraction=Limit(warn=0.001, fail=1),
    gap_s=Limit(warn=60, fail=1e9),
)
"""What is a fault of a rig that can be mended is a warning in an old file: what it
costs is in the errors."""
_MOST_DRIFT_PPM = 10_000
_NOT_OF_THEM = {"residual_over_jitter", "innovations"}
"""Checks that ask how a sound rig of ours would be: these files are from anywhere."""
_READ_BY = ("pyxdf", "harp-protocol")


def align_files(paths: Sequence[Path], options: Options) -> Aligned:
    """Put the times in other people's files on one clock.

    The trains of the first file, or `Options.reference`, are what all others are
    matched with.

    Parameters
    ----------
    paths
        Tables (.csv, .tsv, .txt), NumPy arrays (.npy, .npz), XDF or Harp .bin files.
    options
        How they are to be read and matched.

    Returns
    -------
    Aligned
        Its streams are the trains. A train that matches nothing, or more than one
        way, is there with level FAIL, the reason, and no times.

    Raises
    ------
    SessionError
        If a file cannot be read, or does not tell what its numbers are.
    """
    return align_trains(read_files(paths, options), options)


def align_trains(trains: Sequence[Train], options: Options) -> Aligned:
    """Put trains on one clock; see `align_files`."""
    if not 0 < options.max_drift_ppm < _MOST_DRIFT_PPM:
        msg = (
            f"Expected a drift of more than 0 and less than {_MOST_DRIFT_PPM:,} ppm, "
            f"got {options.max_drift_ppm:g}: crystals differ by 100 at most"
        )
        raise SessionError(msg)
    joined = _joined(*grouped(trains, options.reference), options.max_drift_ppm)
    relations, evidence = _relations(joined)
    of_clocks = [
        found
        for relation in relations
        for found in check_relation(relation, _LIMITS)
        if found.check not in _NOT_OF_THEM
    ]
    placed = {
        member.train.name: _place(joined, group, member, of_clocks)
        for group in joined.groups
        for member in group.members
    }
    in_order = [placed[train.name] for train in trains]
    summaries = tuple(one.summary for one in in_order)
    findings = (*of_clocks, *(found for one in in_order for found in one.findings))
    reference = joined.groups[0].clock
    alignment = Alignment(
        source=", ".join(dict.fromkeys(train.file for train in trains)),
        started_utc=None,
        made_utc=utc_now().isoformat(),
        reference=reference,
        origin_ns=joined.frame.origin_ns,
        level=worst(one.level for one in (*findings, *summaries)),
        sentence=sentence_of(summaries, findings, reference),
        findings=findings,
        relations=tuple(relations),
        streams=summaries,
        counts={one.summary.stream: one.counts for one in in_order},
        sha256={train.file: train.sha256 for train in trains},
        versions=_versions(),
    )
    streams = {one.stream.name: one.stream for one in in_order}
    return Aligned(alignment, streams, evidence)


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    """Groups of trains, the reference first, and how their clocks go on its clock."""

    groups: tuple[Group, ...]
    met: dict[str, Meeting]
    """Of each group's clock but the reference's."""
    frame: Frame

    def refusal(self, group: Group) -> str | None:
        """Return why a group has no times; None where it has."""
        meeting = self.met.get(group.clock)
        if meeting is None or meeting.relation is not None:
            return None
        return meeting.joint.reason

    def stamp_sd_ns(self, group: Group, member: Member) -> float:
        """Return how exact one stamp is, beside the clocks' relation.

        Pulses show the jitter of both clocks' stamps together, and nobody knows whose
        it is: all of it is taken to be this one's.
        """
        ticks = member.train.tick_ns / 12**0.5
        meeting = self.met.get(group.clock)
        if meeting is None or meeting.relation is None:
            return ticks
        segments = meeting.relation.model.segments
        jitter = float(np.median([one.jitter.scale_ns for one in segments]))
        return max(ticks, jitter)

    def epochs(self, group: Group) -> frozenset[int]:
        """Return the epochs of a group's clock that are joined to the reference."""
        meeting = self.met.get(group.clock)
        return frozenset({group.main_epoch}) if meeting is None else meeting.epochs


def _joined(reference: Group, others: list[Group], max_drift_ppm: float) -> _Joined:
    met = {group.clock: meet(group, reference, max_drift_ppm) for group in others}
    ways: list[Relation] = [relation for _, relation in reference.fitted]
    for group in others:
        way = met[group.clock].relation
        if way is not None:
            ways += [way, *(relation for _, relation in group.fitted)]
    tree = ClockTree(reference.clock, ways)
    return _Joined((reference, *others), met, Frame(tree, _origin_ns(reference)))


def _origin_ns(reference: Group) -> int:
    """Return the first moment on the reference: the session's time is counted on."""
    firsts = [
        int(member.shared_ns[member.epoch == reference.main_epoch].min())
        for member in reference.members
        if np.any(member.epoch == reference.main_epoch)
    ]
    return min(firsts, default=0)


def _relations(
    joined: _Joined,
) -> tuple[list[RelationSummary], dict[tuple[str, str], Evidence]]:
    summaries: list[RelationSummary] = []
    evidence: dict[tuple[str, str], Evidence] = {}
    for group in joined.groups:
        fitted, failed = _ways(joined, group)
        for joint, relation in fitted:
            summary, proof = summarise(joint, relation, joined.frame, primary=True)
            summaries.append(summary)
            evidence[relation.source, relation.target] = proof
        summaries += [refused(joint) for joint in failed]
    return summaries, evidence


def _ways(
    joined: _Joined, group: Group
) -> tuple[list[tuple[Joint, Relation]], list[Joint]]:
    """Return the relations of a group's clocks, and what no relation came of."""
    meeting = joined.met.get(group.clock)
    if meeting is None:
        return [*group.fitted], [*group.refused]
    if meeting.relation is None:
        return [], [meeting.joint]
    return [(meeting.joint, meeting.relation), *group.fitted], [*group.refused]


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    stream: AlignedStream
    summary: StreamSummary
    findings: list[Finding]
    counts: dict[str, int]


def _place(
    joined: _Joined,
    group: Group,
    member: Member,
    of_clocks: Sequence[Finding],
) -> _Placed:
    refusal = joined.refusal(group) or next(
        (one.reason for one in group.refused if one.one == member.train.clock), None
    )
    stream = _timed(joined, group, member, refused=refusal is not None)
    session_s = np.where(stream.time_ns == NO_TIME, np.nan, stream.time_ns * 1e-9)
    about = describe(member.train.times_ns, member.order.runs, session_s)
    findings = [
        found
        for found in check_train(member, stream, about, _LIMITS)
        if refusal is None or found.check != "untimed"
    ]
    path = (member.train.clock,)
    if refusal is None:
        path = joined.frame.tree.path(member.train.clock)
    steps = {f"{one} - {other}" for one, other in pairwise(path)}
    of_path = [one for one in of_clocks if one.subject in steps]
    summary = summary_of(member, stream, about, path, [*findings, *of_path], refusal)
    return _Placed(stream, summary, findings, _counts(member, stream, about))


def _timed(
    joined: _Joined, group: Group, member: Member, *, refused: bool
) -> AlignedStream:
    """Return the session times of a train."""
    train = member.train
    time_ns = np.full(len(train.times_ns), NO_TIME)
    sd_ns = np.full(len(train.times_ns), np.nan, np.float32)
    if not refused:
        known = np.isin(member.epoch, list(joined.epochs(group)))
        tree = joined.frame.tree
        there, sd = tree.to_reference(train.clock, member.own_ns[known])
        time_ns[known] = there - joined.frame.origin_ns
        sd_ns[known] = np.hypot(sd, joined.stamp_sd_ns(group, member))
    return AlignedStream(train.name, time_ns, sd_ns, row=train.row)


def _counts(
    member: Member, stream: AlignedStream, about: Description
) -> dict[str, int]:
    order = member.order
    return {
        "recorded": len(stream.time_ns),
        "timed": int(np.count_nonzero(stream.time_ns != NO_TIME)),
        "missing": about.lost,
        "pauses": about.pauses,
        "restarts": order.restarts,
        "steps back": order.within_tick + order.small_steps,
        "late": order.late,
        "doubles": order.doubles,
    }


def _versions() -> dict[str, str]:
    installed = installed_versions()
    read_by = {name: installed[name] for name in _READ_BY if name in installed}
    return {**own_versions(), **read_by}
