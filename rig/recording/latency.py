"""How long each stage of the loop took, from the stamps in a session's own rows.

::

    exposure ─ arrival ─ dequeued ─ inferred ─ decided ─ sent ─ edge ─ answered
        │ camera │  wait  │ network │  decide  │  send  │ board │  answer │
        ├──────────────── pose ────────────────┤        │       │
        └──────────────────────── total ────────────────────────┘

Times are on the host's clock; the exposure and the edge are mapped there from the
clocks of camera and board, as they were mapped live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from rig.messages import BY_HAND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rig.recording.reader import Recording

    Moments = dict[str, NDArray[np.int64]]

__all__ = [
    "COMMAND_STAGES",
    "FEATURES",
    "POSE_STAGES",
    "STAGES",
    "WORDS",
    "Commands",
    "Latency",
    "command_moments",
    "durations",
    "latencies",
    "pose_moments",
]

STAGES: dict[str, tuple[str, str]] = {
    "camera": ("exposure", "arrival"),
    "wait": ("arrival", "dequeued"),
    "network": ("dequeued", "inferred"),
    "decide": ("inferred", "decided"),
    "send": ("decided", "sent"),
    "board": ("sent", "edge"),
    "answer": ("edge", "answered"),
    "pose": ("exposure", "decided"),
    "total": ("exposure", "edge"),
}
"""From which moment to which each stage lasts."""
WORDS: dict[str, str] = {
    "camera": "exposure to arrival",
    "wait": "arrival to taken from the ring",
    "network": "the network",
    "decide": "keypoints to pose",
    "send": "pose to command sent",
    "board": "command sent to edge",
    "answer": "edge to acknowledgement",
    "pose": "exposure to pose",
    "total": "exposure to edge",
}
POSE_STAGES = ("camera", "wait", "network", "decide", "pose")
"""What every pose has."""
COMMAND_STAGES = ("send", "board", "answer", "total")
"""What only a fired decision has whose edge came back."""

FEATURES = "features"
"""Stands for the camera of a decision that looked at none."""
_OF_POSE = {
    "exposure": "exposure_ns",
    "arrival": "arrival_ns",
    "dequeued": "dequeued_ns",
    "inferred": "inferred_ns",
    "decided": "host_ns",
}


class Latency(msgspec.Struct, frozen=True):
    """A duration that was measured many times; percentiles are measured values."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @staticmethod
    def of(durations_ns: NDArray[Any]) -> Latency:
        """Return the figures of some durations, at least one."""
        ordered = np.sort(durations_ns)
        n = len(ordered)
        ranks = (-(-percent * n // 100) for percent in (50, 95, 99, 100))
        found = (round(float(ordered[rank - 1]) / 1e6, 3) for rank in ranks)
        return Latency(n, *found)


@dataclass(frozen=True, slots=True, eq=False)
class Commands:
    """Fired decisions whose edge came back."""

    decision: NDArray[np.void]
    """(k,) their rows."""
    answer: NDArray[np.int64]
    """(k,) which row of the acknowledgements answers each."""
    pose: NDArray[np.int64]
    """(k,) which row of their camera's poses each was decided on; -1 where that is
    not in the recording."""
    moments: Moments
    """(k,) each; what a pose would tell is 0 where it is not in the recording."""

    def of(self, chosen: NDArray[np.bool_]) -> Commands:
        """Return some of them."""
        return Commands(
            self.decision[chosen],
            self.answer[chosen],
            self.pose[chosen],
            {name: values[chosen] for name, values in self.moments.items()},
        )


def pose_moments(poses: NDArray[np.void]) -> Moments:
    """Return when what happened to poses (n,), by the moment's name."""
    return {name: poses[field].astype(np.int64) for name, field in _OF_POSE.items()}


def command_moments(
    decisions: NDArray[np.void],
    answers: NDArray[np.void],
    poses: Mapping[str, NDArray[np.void]],
) -> Commands:
    """Return the fired decisions whose edge came back, and when what happened.

    Pulses by hand are left out: they answer nothing that was exposed.

    Parameters
    ----------
    decisions, answers
        Rows of decisions and of acknowledgements.
    poses
        Rows of poses, by camera.
    """
    edge = np.flatnonzero(answers["edge_device_ns"] >= 0)
    order = edge[np.argsort(answers["decision_id"][edge], kind="stable")]
    ruled = decisions["rule"] != BY_HAND.encode()
    fired = decisions[ruled & (decisions["outcome"] == b"fired")]
    at = _where(answers["decision_id"][order], fired["decision_id"])
    fired, answer = fired[at >= 0], order[at[at >= 0]]
    moments = {name: np.zeros(len(fired), np.int64) for name in _OF_POSE}
    place = np.full(len(fired), -1, np.int64)
    for camera, rows in poses.items():
        mine = np.flatnonzero(fired["camera"] == camera.encode())
        found = _where(rows["seq"], fired["pose_seq"][mine])
        mine, found = mine[found >= 0], found[found >= 0]
        place[mine] = found
        for name, values in pose_moments(rows[found]).items():
            moments[name][mine] = values
    moments["exposure"] = fired["exposure_ns"].astype(np.int64)
    moments["decided"] = fired["host_ns"].astype(np.int64)
    moments["sent"] = answers["sent_ns"][answer].astype(np.int64)
    moments["edge"] = answers["edge_host_ns"][answer].astype(np.int64)
    moments["answered"] = answers["host_ns"][answer].astype(np.int64)
    return Commands(fired, answer, place, moments)


def durations(moments: Moments) -> dict[str, NDArray[np.int64]]:
    """Return how long each stage lasted (ns) whose two moments are known."""
    return {
        stage: moments[end] - moments[begin]
        for stage, (begin, end) in STAGES.items()
        if begin in moments and end in moments
    }


def latencies(recording: Recording) -> dict[str, dict[str, Latency]]:
    """Return how long each stage took, by what was decided on and by the stage's name.

    That is a camera, ``3d`` or ``features``. The stages of a pose are of all poses,
    those after it of the fired decisions whose edge came back. What was not recorded
    is left out.
    """
    poses = {
        name.removeprefix("poses/"): recording.rows(name)
        for name, spec in recording.streams.items()
        if spec.kind == "poses"
    }
    found = {camera: durations(pose_moments(rows)) for camera, rows in poses.items()}
    if {"decisions", "acknowledgements"} <= set(recording.streams):
        commands = command_moments(
            recording.rows("decisions"), recording.rows("acknowledgements"), poses
        )
        for source in set(commands.decision["camera"].tolist()):
            mine = commands.of(commands.decision["camera"] == source)
            took = durations(mine.moments)
            name = source.decode("ascii", "replace") or FEATURES
            found.setdefault(name, {}).update(
                {stage: took[stage] for stage in COMMAND_STAGES}
            )
    told = {
        source: {stage: Latency.of(ns) for stage, ns in took.items() if len(ns)}
        for source, took in sorted(found.items())
    }
    return {source: stages for source, stages in told.items() if stages}


def _where(known: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """Return the place of each wanted number among rising ones; -1 where it is not."""
    if not len(known):
        return np.full(len(wanted), -1, np.int64)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, at, -1).astype(np.int64)
