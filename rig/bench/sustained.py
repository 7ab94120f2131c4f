"""Whether the recorder keeps up, for as long as one likes, with others at work.

Cameras are processes that fill real rings at their rate; the recorder is the real
node in its own process; foreign processes keep the cores busy. Afterwards the
session is read back with plain h5py: every number, and the pixels of some frames.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from rig.bench.machine import Conditions, require_memory, require_room
from rig.bench.pictures import (
    Pictures,
    committed_rows,
    faults_in_frames,
    faults_in_rows,
)
from rig.bench.sustained_run import Cast, Run, Stretch, run
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.layout import SESSION_FILE, StreamLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Plan", "measure"]

_OTHER_BYTES = 32 * 1024 * 1024
"""The session's reserve and its small streams."""

_h5: Any = h5py


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be endured."""

    cameras: int = 4
    rate_hz: float = 200.0
    seconds: float = 60.0
    width_px: int = 640
    height_px: int = 480
    load: int = 0
    """Foreign processes, each of which would take a core of its own."""
    ring_seconds: float = 4.0
    segment_seconds: float = 10.0

    @property
    def frames(self) -> int:
        """Frames of each camera."""
        return max(1, round(self.seconds * self.rate_hz))

    @property
    def frame_bytes(self) -> int:
        """Size of a frame."""
        return self.width_px * self.height_px

    @property
    def mb_per_s(self) -> float:
        """What comes in."""
        return self.cameras * self.rate_hz * self.frame_bytes / 1e6

    @property
    def specs(self) -> list[StreamSpec]:
        """The cameras' streams."""
        return [
            StreamSpec(
                name=f"cameras/camera_{k + 1}",
                kind="frames",
                node=f"camera_{k + 1}",
                payload=PayloadSpec("|u1", (self.height_px, self.width_px)),
                rate_hz=self.rate_hz,
                slots=max(8, round(self.ring_seconds * self.rate_hz)),
            )
            for k in range(self.cameras)
        ]

    @property
    def disk_bytes(self) -> int:
        """Room that the session takes at most, with the segments laid out ahead."""
        layout = StreamLayout.of(self.specs[0], self.segment_seconds)
        segments = self.frames // layout.rows_per_segment + 2
        return self.cameras * segments * layout.segment_bytes + _OTHER_BYTES

    @property
    def memory_bytes(self) -> int:
        """Shared memory that the rings take."""
        return sum(spec.slots for spec in self.specs) * self.frame_bytes


def measure(
    plan: Plan, folder: Path, told: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Run cameras and recorder, read back what was recorded, return the figures.

    Parameters
    ----------
    plan
        What is to be endured.
    folder
        An empty folder; the session stays in it, under ``session``.
    told
        Is told how it goes, every few seconds.

    Returns
    -------
    dict
        The figures, ready for JSON; ``faults`` is empty if nothing is wrong.

    Raises
    ------
    SpringhareError
        If disk or shared memory lack the room, or the recorder dies.
    """
    conditions = Conditions(folder)
    told(
        f"needs {plan.disk_bytes / 1e9:.1f} GB of disk and "
        f"{plan.memory_bytes / 1e9:.1f} GB of shared memory"
    )
    require_room(folder, plan.disk_bytes)
    require_memory(plan.memory_bytes)
    session = folder / "session"
    session.mkdir()
    cast = Cast(plan.specs, plan.frames, plan.load, plan.segment_seconds)
    seen = run(cast, session, lambda stretch: told(_sentence(plan, stretch)))
    told("reading back what was recorded")
    recorded, faults = _read_back(session, plan.specs, seen.published)
    figures = _figures(plan, seen, recorded)
    return {"environment": conditions.noted(), **figures, "faults": faults}


def _figures(plan: Plan, seen: Run, recorded: int) -> dict[str, Any]:
    published = sum(seen.published)
    return {
        "plan": {**asdict(plan), "mb_per_s": round(plan.mb_per_s, 1)},
        "frames": {
            "published": published,
            "recorded": recorded,
            "lost": published - recorded,
            "overruns": seen.overruns,
        },
        "recorder": _recorder(plan, seen),
        "cameras": {
            "core": [round(one.cpu_s / seen.seconds, 4) for one in seen.filmed],
            "late_ms_p50_p99_max": [
                [round(value, 2) for value in one.late_ms] for one in seen.filmed
            ],
        },
        "load_core": [round(cpu_s / seen.seconds, 3) for cpu_s in seen.burnt_s],
        "stretches": [
            {name: round(value, 4) for name, value in asdict(stretch).items()}
            for stretch in seen.stretches
        ],
        "verdict": seen.verdict,
        "reason": seen.reason,
    }


def _recorder(plan: Plan, seen: Run) -> dict[str, float]:
    """Return what the recorder did and took, over all stretches."""
    began, ended = seen.began, seen.ended
    pixels_mb = sum(seen.published) * plan.frame_bytes / 1e6
    return {
        "mb_per_s": round(pixels_mb / seen.seconds, 1),
        "core": round((ended.cpu_s - began.cpu_s) / seen.seconds, 4),
        "polling_core": round(
            (ended.main_thread_s - began.main_thread_s) / seen.seconds, 4
        ),
        "cpu_ms_per_mb": round(1e3 * (ended.cpu_s - began.cpu_s) / pixels_mb, 4),
        "memory_mb_at_start": round(began.memory_bytes / 1e6, 1),
        "memory_mb_at_end": round(ended.memory_bytes / 1e6, 1),
        "memory_mb_most": round(max(s.recorder_memory_mb for s in seen.stretches), 1),
        "fullest_ring_percent": round(
            max(stretch.fullest_ring_percent for stretch in seen.stretches), 2
        ),
        "longest_wait_ms": round(
            max(stretch.longest_wait_ms for stretch in seen.stretches), 1
        ),
        "stop_s": round(seen.stop_s, 3),
        "stop_cpu_s": round(seen.stop_cpu_s, 3),
    }


def _sentence(plan: Plan, stretch: Stretch) -> str:
    return (
        f"{min(stretch.until_s, plan.seconds):.0f} of {plan.seconds:g} s: "
        f"{stretch.mb_per_s:.0f} MB/s, recorder {100 * stretch.recorder_core:.1f} % "
        f"of a core and {stretch.recorder_memory_mb:.0f} MB, fullest ring "
        f"{stretch.fullest_ring_percent:.1f} %, longest wait "
        f"{stretch.longest_wait_ms:.0f} ms"
    )


def _read_back(
    session: Path, specs: Sequence[StreamSpec], published: Sequence[int]
) -> tuple[int, list[str]]:
    """Return how many frames are recorded, and what is wrong with them."""
    recorded, faults = 0, []
    with _h5.File(session / SESSION_FILE, "r") as file:
        for seed, (spec, count) in enumerate(zip(specs, published, strict=True)):
            camera = file[spec.name]
            rows = committed_rows(camera["index"][()])
            recorded += len(rows)
            found = faults_in_rows(rows, np.arange(count))
            frames = camera["frames"]
            pictures = Pictures.of_camera(frames.shape[1:], seed)
            found += faults_in_frames(frames, rows["seq"], pictures)
            faults += [f"{spec.name}: {fault}" for fault in found]
    return recorded, faults
