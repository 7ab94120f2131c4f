"""What the processes of the loop benchmark are told, and what they have to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "BODYPARTS",
    "CAMERA",
    "LINE_PX",
    "Acted",
    "Decided",
    "Filmed",
    "Way",
    "Work",
    "poses",
    "task",
]

CAMERA = "left"
BODYPARTS = (
    "nose", "ear_left", "ear_right", "neck", "shoulder", "elbow", "paw", "hip", "knee",
    "tail",
)  # fmt: skip
LINE_PX = 100.0
"""That the hip crosses at each frame."""
_GATES = {
    "likelihood": 0.5,
    "max_speed_px_per_s": 3000,
    "lengths": [
        {"between": ["nose", "hip"], "range_px": [1, 500]},
        {"between": ["hip", "tail"], "range_px": [1, 500]},
    ],
}


@dataclass(frozen=True, slots=True)
class Way:
    """How frames and decisions travel, and what is asked of the system."""

    frames: Literal["ring", "zmq", "bare"] = "ring"
    """zmq: whole frames, as peers send them; bare: the least that can be done."""
    notices: Literal["datagram", "zmq"] = "datagram"
    """What wakes a ring's readers."""
    hygiene: str = ""
    """One of `hygiene.HABITS`; empty for none."""


@dataclass(frozen=True, slots=True)
class Work:
    """One measurement, as every process of it is told."""

    way: Way
    streams: Path
    """Folder of the session's streams; ZeroMQ's sockets lie there too."""
    shape: tuple[int, int]
    """Of the frames: height, width."""
    rate_hz: float
    frames: int
    network_ms: float
    """What the stand-in for a network takes."""
    model: str = ""
    """A real network in its place, as a task file names it."""
    plain: bool = False
    """Two rules only, without gates and prediction."""


@dataclass(frozen=True, slots=True)
class Filmed:
    """What the camera has to say."""

    late_ns: NDArray[np.int64]
    """(frames,) by how much each came too late."""
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Decided:
    """What inference has to say of the frames that it looked at."""

    frame_ids: NDArray[np.int64]
    started_ns: NDArray[np.int64]
    """When the camera had the frame, before it copied or sent it."""
    reached_ns: NDArray[np.int64]
    """When the network began to look."""
    network_ns: NDArray[np.int64]
    """What the network took."""
    decided_ns: NDArray[np.int64]
    """When the decision was published; 0 where none was made."""
    done_ns: NDArray[np.int64]
    """When all that followed was published."""
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Acted:
    """What the actuator's process has to say of the decisions that it heard."""

    frame_ids: NDArray[np.int64]
    heard_ns: NDArray[np.int64]


def task(*, plain: bool) -> dict[str, Any]:
    """Return a task with two rules of which one always fires, gates and prediction.

    The keypoint that both look at goes to and fro over a line. A plain one has
    neither gates nor prediction.
    """
    return {
        "format": "springhare-task/1",
        "name": "bench",
        "inference": {
            "model": "stand-in",
            "cameras": [CAMERA],
            **({} if plain else {"gates": _GATES, "prediction": {}}),
        },
        "rules": [
            {
                "name": direction,
                "camera": CAMERA,
                "when": {
                    "kind": "crosses",
                    "keypoint": "hip",
                    "axis": "y",
                    "direction": direction,
                    "threshold_px": LINE_PX,
                },
                "max_pose_age_ms": 1000,
                "action": {"line": "laser", "pulse_width_us": 1000},
            }
            for direction in ("rising", "falling")
        ],
    }


def poses() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two poses on either side of the line."""
    places = np.arange(len(BODYPARTS), dtype=np.float32)
    pose = np.stack([100 + 20 * places, 80 + 5 * places, np.ones_like(places)], axis=1)
    hip = BODYPARTS.index("hip")
    above, below = pose.copy(), pose.copy()
    above[hip, 1], below[hip, 1] = LINE_PX - 1, LINE_PX + 1
    return above, below
