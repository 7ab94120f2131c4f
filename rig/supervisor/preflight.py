"""Pre-flight: what can be known before a device is opened.

Each check says what it found and what to do; all are made, so that a student at
7 am reads every fault at once. Devices check themselves when they are opened.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rig.bus import shared_memory
from rig.errors import PreflightError
from rig.recording.disk import free_bytes
from rig.supervisor.disk_plan import bytes_per_second, plan_disk
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rig.config.rig import RigConfig
    from rig.config.session import SessionConfig

__all__ = ["Check", "preflight", "require"]

_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)


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
    free = free_bytes(place)
    plan, minutes = plan_disk(rig), session.planned_minutes
    wanted = plan.wanted_bytes(minutes * 60)
    ahead = wanted - plan.bytes_per_s * minutes * 60
    room = max(0, free - plan.ahead_bytes)
    room_minutes = room / plan.bytes_per_s / 60 if plan.bytes_per_s else float("inf")
    remedy = "free the disk, choose another data_root, or lower planned_minutes"
    if free < 2 * plan.camera_bytes:
        remedy = (
            f"lower segment_seconds in the rig file (now {rig.segment_seconds:g}): two "
            "segments of each camera are laid out at once; or free the disk, or choose "
            "another data_root"
        )
    return Check(
        "disk space",
        ok=free > wanted,
        detail=(
            f"{free / 1e9:.1f} GB free, {wanted / 1e9:.1f} GB planned: {minutes:g} min "
            f"at {plan.bytes_per_s / 1e6:.1f} MB/s and {ahead / 1e9:.2f} GB "
            f"laid out ahead (room for {room_minutes:.0f} min)"
        ),
        remedy=remedy,
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
