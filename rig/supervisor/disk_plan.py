"""What a session will ask of the disk, from the rig file alone.

A stream's segment is laid out whole before its first row, and from half of it on the
next one too, so that a full disk is met between two segments and not inside a block.
What is laid out is taken, filled or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from rig.config.rig import HarpConfig
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.layout import RESERVE_BYTES, StreamLayout
from rig.supervisor.disk_watch import STOP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rig.config.rig import BaslerConfig, RigConfig, VideoConfig

__all__ = ["DiskPlan", "bytes_per_second", "plan_disk"]

_DTYPE = {"Mono8": "|u1", "RGB8": "|u1"}
_BLOCK_SAMPLES = 10
"""About what a board sends at once; only the rows' share of the bytes depends on it."""
_MOST_AHEAD = 1.5
"""Segments of a stream that are laid out beyond its rows, just after half of one."""


@dataclass(frozen=True, slots=True)
class DiskPlan:
    """What a session will ask of the disk."""

    bytes_per_s: float
    """What fills it."""
    segment_seconds: float
    segment_bytes: int
    """One segment of every stream that has a rate."""
    camera_bytes: int
    """One segment of every camera."""
    fixed_bytes: int
    """Taken at the start, however long the session is."""

    @property
    def ahead_bytes(self) -> int:
        """What is laid out beyond what is recorded, at most."""
        return int(_MOST_AHEAD * self.segment_bytes) + self.fixed_bytes

    def wanted_bytes(self, seconds: float) -> int:
        """Return what a session of so many seconds takes, at most.

        Time enough to stop before the disk is full is among them.
        """
        segments = floor((seconds + STOP_SECONDS) / self.segment_seconds + 0.5) + 1
        return segments * self.segment_bytes + self.fixed_bytes


def plan_disk(rig: RigConfig) -> DiskPlan:
    """Return what a session with a rig will ask of the disk."""
    cameras = [_size(spec, rig) for spec in _cameras(rig)]
    signals = [_size(spec, rig) for spec in _signals(rig)]
    others = [_size(spec, rig) for spec in _others(rig)]
    return DiskPlan(
        bytes_per_s=bytes_per_second(rig),
        segment_seconds=rig.segment_seconds,
        segment_bytes=sum(cameras) + sum(signals),
        camera_bytes=sum(cameras),
        fixed_bytes=sum(others) + RESERVE_BYTES,
    )


def bytes_per_second(rig: RigConfig) -> float:
    """Return what the rig records in a second, in bytes."""
    return sum(
        (spec.rate_hz or 0.0) * (spec.row.itemsize + spec.payload.nbytes)
        for spec in (*_cameras(rig), *_signals(rig))
        if spec.payload is not None
    )


def _size(spec: StreamSpec, rig: RigConfig) -> int:
    return StreamLayout.of(spec, rig.segment_seconds).segment_bytes


def _cameras(rig: RigConfig) -> Iterator[StreamSpec]:
    for name, camera in rig.cameras.items():
        yield StreamSpec(
            name=f"cameras/{name}",
            kind="frames",
            node=name,
            payload=_frame(camera),
            rate_hz=rig.camera_rate_hz(name),
        )


def _frame(camera: BaslerConfig | VideoConfig) -> PayloadSpec:
    shape = (camera.height_px, camera.width_px)
    if camera.pixel_format == "RGB8":
        shape = (*shape, 3)
    return PayloadSpec(_DTYPE.get(camera.pixel_format, "<u2"), shape)


def _signals(rig: RigConfig) -> Iterator[StreamSpec]:
    for name, device in rig.harp_devices.items():
        for part in ("emg", "force_plate"):
            source = getattr(device, part)
            if source is not None:
                yield StreamSpec(
                    name=f"signals/{name}/{part}",
                    kind="samples",
                    node=name,
                    payload=PayloadSpec("<i2", (_BLOCK_SAMPLES, len(source.channels))),
                    rate_hz=source.rate_hz / _BLOCK_SAMPLES,
                )


def _others(rig: RigConfig) -> Iterator[StreamSpec]:
    """Yield the streams that have no rate: their segments last for hours."""
    yield StreamSpec(name="node_events", kind="node_events", node="supervisor")
    yield StreamSpec(name="decisions", kind="decisions", node="inference")
    yield StreamSpec(name="acknowledgements", kind="acknowledgements", node="daq")
    for name in ("recorder", "inference", *rig.devices):
        yield StreamSpec(name=f"losses/{name}", kind="losses", node=name)
    for name, device in rig.devices.items():
        if isinstance(device, HarpConfig):
            yield StreamSpec(name=f"events/{name}", kind="events", node=name)
