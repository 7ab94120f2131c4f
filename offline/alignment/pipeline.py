"""A recording, aligned: read, joined, fitted, placed and checked.

::

    recording ─ joints ─ clock tree ─ streams ─┬─ checks ─ Alignment
                  │          │                 │
               evidence   session time   aligned.h5
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.joints import joints_of
from offline.alignment.judgement import judge
from offline.alignment.recorded import HOST, Recorded
from offline.alignment.streams import Session, place_streams
from offline.alignment.summaries import Frame, refused, summarise
from sync.alignment import clock_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from offline.alignment.joints import Joint
    from offline.alignment.result import (
        AlignedStream,
        Alignment,
        Cue,
        Evidence,
        Latency,
        RelationSummary,
    )
    from offline.alignment.streams import Placed
    from rig.recording.reader import Recording
    from sync.alignment import ClockTree, Relation

__all__ = ["Aligned", "align"]

_STAMP_SD_NS = 1000 / np.sqrt(3)
"""Of a board's stamp: it is cut to whole microseconds, so up to one too early."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """An alignment with its arrays."""

    alignment: Alignment
    streams: dict[str, AlignedStream]
    evidence: dict[tuple[str, str], Evidence]


def align(
    recording: Recording,
    *,
    max_drift_ppm: float = 200.0,
    latencies: Mapping[str, Latency] | None = None,
    look: Callable[[Session, Mapping[str, Placed]], Sequence[Cue]] | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Aligned:
    """Put a recording on one clock.

    Parameters
    ----------
    recording
        Of a session that was closed or recovered.
    max_drift_ppm
        Largest difference of two clocks' rates that is believed.
    latencies
        Constant delays to be taken off, by stream.
    look
        Finds second cues once the streams are in place; None: no cues.
    progress
        Told what is being done.

    Raises
    ------
    SessionError
        If the session does not say what its rig was, or has no clock.
    """
    recorded = Recorded(recording)
    progress("matching")
    joints = list(joints_of(recorded, max_drift_ppm))
    reference = _reference(recorded, joints)
    progress("fitting")
    pairs = [joint.pairs for joint in joints]
    tree, spare = clock_tree(reference, pairs, max_drift_ppm=2 * max_drift_ppm)
    frame = Frame(tree, _origin(recorded, tree))
    relations, evidence = _relations(joints, tree, spare, frame)
    progress("placing")
    session = Session(
        recorded,
        tree,
        frame.origin_ns,
        _stamp_sds(recorded, relations),
        latencies or {},
    )
    placed = place_streams(session)
    progress("looking")
    cues = tuple(look(session, placed)) if look is not None else ()
    return Aligned(
        judge(session, placed, relations, cues),
        {name: one.stream for name, one in placed.items()},
        evidence,
    )


def _reference(recorded: Recorded, joints: Sequence[Joint]) -> str:
    """Return the clock that time is counted on.

    The board that gives the sync line or triggers the cameras, if it counted through
    the session; a clock that began anew is nothing to count on, and the host's is
    taken instead.
    """
    boards = [name for name in recorded.boards if not recorded.timelines[name].restarts]
    heard = [joint.other for joint in joints]
    ranked = sorted(
        boards,
        key=lambda name: (
            recorded.rig.harp_devices[name].sync_line is None,
            recorded.rig.harp_devices[name].camera_trigger is None,
            -heard.count(name),
        ),
    )
    return ranked[0] if ranked else HOST


def _origin(recorded: Recorded, tree: ClockTree) -> int:
    """Return what the reference showed when the session started."""
    started = recorded.info.started_host_ns
    if HOST not in tree.clocks:
        board = tree.reference
        stream = next(
            name
            for name, spec in recorded.recording.streams.items()
            if spec.node == board and len(recorded.rows(name))
        )
        row = recorded.rows(stream)[0]
        return int(recorded.stamps(stream)[0]) - int(row["host_ns"]) + started
    return int(tree.to_reference(HOST, np.array([started]))[0][0])


def _relations(
    joints: Sequence[Joint],
    tree: ClockTree,
    spare: Sequence[Relation],
    frame: Frame,
) -> tuple[list[RelationSummary], dict[tuple[str, str], Evidence]]:
    used: list[Joint] = []
    summaries: list[RelationSummary] = []
    evidence: dict[tuple[str, str], Evidence] = {}
    fitted = [(one, True) for one in tree.relations.values()]
    fitted += [(one, False) for one in spare]
    for relation, primary in fitted:
        joint = next(one for one in joints if _is_of(one, relation))
        used.append(joint)
        summary, proof = summarise(joint, relation, frame, primary=primary)
        summaries.append(summary)
        evidence.setdefault((relation.source, relation.target), proof)
    summaries += [refused(one) for one in joints if one not in used]
    return summaries, evidence


def _is_of(joint: Joint, relation: Relation) -> bool:
    ends = {joint.one, joint.other}
    return ends == {relation.source, relation.target} and (
        joint.how == relation.pairs.how
    )


def _stamp_sds(
    recorded: Recorded, relations: Sequence[RelationSummary]
) -> dict[str, float]:
    """Return how exact one stamp of each clock is.

    Pulses show both clocks' stamps together. A camera's is taken to be all of it; of
    two boards each half.
    """
    found = dict.fromkeys(recorded.boards, float(_STAMP_SD_NS))
    for relation in relations:
        if not relation.primary:
            continue
        if relation.how in {"triggers", "exposures"}:
            found[relation.source] = max(relation.jitter_ns, _STAMP_SD_NS)
        elif relation.how == "sync_line":
            half = relation.jitter_ns / np.sqrt(2)
            found[relation.source] = max(half, _STAMP_SD_NS)
    return found
