"""Pre-flight: what can be known before a device is opened.

Each check says what it found and what to do; all are made, so that a student at
7 am reads every fault at once. Devices check themselves when they are opened.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rig.bus import shared_memory
from rig.config.rig import HarpConfig
from rig.errors import PreflightError
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rig.config.rig import RigConfig
    from rig.config.session import SessionConfig

__all__ = ["Check", "bytes_per_second", "preflight", "require"]

_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
_BYTES_PER_PIXEL = {"Mono8": 1, "RGB8": 3}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def preflight(
    rig: RigConfig, session: SessionConfig, data_root: Path, folder: Path
) -> list[Check]:
    """Make every check that needs no device."""
    return [
        _check_folder(data_root, folder),
        _check_disk(rig, session, data_root),
        _check_memory(rig),
        _check_clock(),
    ]


def require(checks: Sequence[Check]) -> None:
    """Refuse to go on when a check failed.

    Raises
    ------
    PreflightError
        With every failed check and its remedy.
    """
    failed = [check for check in checks if not check.ok]
    if failed:
        lines = [f"{check.name}: {check.detail}: {check.remedy}" for check in failed]
        raise PreflightError("\n".join(lines))


def bytes_per_second(rig: RigConfig) -> float:
    """Return what the rig records in a second, in bytes."""
    pixels = sum(
        rig.camera_rate_hz(name)
        * camera.width_px
        * camera.height_px
        * _BYTES_PER_PIXEL.get(camera.pixel_format, 2)
        for name, camera in rig.cameras.items()
    )
    signals = sum(
        2 * len(part.channels) * part.rate_hz
        for device in rig.devices.values()
        if isinstance(device, HarpConfig)
        for part in (device.emg, device.force_plate)
        if part is not None
    )
    return pixels + signals


def _check_folder(data_root: Path, folder: Path) -> Check:
    name = "output folder"
    if folder.exists():
        return Check(name, ok=False, detail=f"{folder} exists", remedy="wait a second")
    try:
        data_root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_root):
            pass
    except OSError as error:
        return Check(
            name,
            ok=False,
            detail=f"cannot write to {data_root} ({error.strerror})",
            remedy="set data_root in the rig file to a folder of yours",
        )
    return Check(name, ok=True, detail=str(folder))


def _check_disk(rig: RigConfig, session: SessionConfig, data_root: Path) -> Check:
    place = data_root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    per_second = bytes_per_second(rig)
    # a segment is laid out whole before it is filled
    wanted = per_second * (session.planned_minutes * 60 + rig.segment_seconds)
    minutes = free / per_second / 60 if per_second else float("inf")
    return Check(
        "disk space",
        ok=free > wanted,
        detail=(
            f"{free / 1e9:.1f} GB free, {wanted / 1e9:.1f} GB planned "
            f"({per_second / 1e6:.1f} MB/s, room for {minutes:.0f} min)"
        ),
        remedy="free the disk, choose another data_root, or lower planned_minutes",
    )


def _check_memory(rig: RigConfig) -> Check:
    deepest = max(device.ring_seconds for device in rig.devices.values())
    wanted = bytes_per_second(rig) * deepest * 1.1 + 16e6
    free = shared_memory.free_bytes()
    return Check(
        "shared memory",
        ok=free > wanted,
        detail=f"{free / 1e9:.1f} GB free, {wanted / 1e9:.2f} GB for the rings",
        remedy="enlarge it (mount -o remount,size=… /dev/shm) or lower ring_seconds",
    )


def _check_clock() -> Check:
    now = utc_now()
    return Check(
        "wall clock",
        ok=now > _EARLIEST,
        detail=now.isoformat(timespec="seconds"),
        remedy="set the date: it names the session",
    )
