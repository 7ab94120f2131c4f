"""How long it takes to get one frame out of a long session.

The sessions are real in all but their pixels: segments as the recorder makes them,
their room not laid out, so that days of film take no disk; a frame that was never
written is read as zeros, and so without a disk. What is measured is the way there:
the mapping that `session.h5` has while recording, and the one that it has after.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from rig.bench.machine import Conditions
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.hdf5 import Extent, make_segment_image, write_session_file
from rig.recording.layout import StreamLayout, segments_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Plan", "measure"]

_SHAPE = (480, 640)
_RATE_HZ = 200.0
_SEGMENT_SECONDS = 60.0

_h5: Any = h5py


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    hours: tuple[float, ...] = (1.0, 24.0)
    """Length of each session."""
    frames: int = 300
    """How many are read, at random."""


def measure(
    plan: Plan, folder: Path, told: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Measure everything and return the figures, ready for JSON.

    Parameters
    ----------
    plan
        What is to be measured.
    folder
        Where the sessions are made.
    told
        Is told what is being measured.
    """
    conditions = Conditions(folder)
    layout = StreamLayout.of(
        StreamSpec(
            name="cameras/left",
            kind="frames",
            node="left",
            payload=PayloadSpec("|u1", _SHAPE),
            rate_hz=_RATE_HZ,
        ),
        _SEGMENT_SECONDS,
    )
    sessions: list[dict[str, Any]] = []
    for hours in plan.hours:
        told(f"a session of {hours:g} h")
        rows = round(hours * 3600 * _RATE_HZ)
        place = folder / f"{hours:g}-h"
        segments = _make_segments(place, layout, rows)
        found: dict[str, Any] = {"hours": hours, "segments": segments}
        for mapping, extents in (
            ("while_recording", None),
            ("finished", {layout.name: Extent(rows, rows, rows)}),
        ):
            path = place / f"{mapping}.h5"
            write_session_file(path, {}, [layout], extents)
            found[mapping] = _time_frames(path, rows, plan.frames)
        sessions.append(found)
    return {"environment": conditions.noted(), "sessions": sessions}


def _make_segments(place: Path, layout: StreamLayout, rows: int) -> int:
    """Make empty segments for so many rows; return how many."""
    folder = segments_folder(place)
    folder.mkdir(parents=True)
    image = make_segment_image(layout, folder / "image")
    count = -(-rows // layout.rows_per_segment)
    for number in range(count):
        with (folder / layout.segment_file(number)).open("wb") as file:
            file.truncate(image.size)
            for offset, data in image.pieces:
                file.seek(offset)
                file.write(data)
    return count


def _time_frames(path: Path, rows: int, count: int) -> dict[str, float]:
    """Return how long a frame takes, at random places, in ms."""
    places = np.random.default_rng(0).integers(0, rows, count)
    took_ms: list[float] = []
    with _h5.File(path, "r") as file:
        frames = file["cameras/left/frames"]
        for k in places.tolist():
            begin = time.perf_counter_ns()
            frame = frames[k]
            took_ms.append((time.perf_counter_ns() - begin) / 1e6)
            del frame
    p50, p99 = np.percentile(took_ms, [50, 99])
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}
