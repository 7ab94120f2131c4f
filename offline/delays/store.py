"""Calibrations on disk: one file each, never changed, and which one a session goes by.

::

    <data root>/calibrations/<rig>/latency_20260102T101500Z.json
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from offline.alignment.recorded import Recorded
from offline.alignment.result import Latency
from offline.delays.calibration import FORMAT, Calibration, rig_sha256
from rig.errors import SessionError, VersionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rig.config.rig import RigConfig
    from rig.recording.reader import Recording

__all__ = [
    "calibration_folders",
    "find_calibration",
    "read_calibration",
    "store_calibration",
]

_log = logging.getLogger(__name__)
_FOLDER = "calibrations"
_TRIES = 100


def find_calibration(
    recording: Recording, path: Path | None = None
) -> dict[str, Latency]:
    """Return the constant delays that a session's streams have, by stream.

    Each stream goes by the newest calibration of this rig file that was recorded
    before the session, or with it; else by the first one after it; else by those of
    another rig file of the same name, in the same order. Simulated rigs go by
    simulated ones.

    Parameters
    ----------
    recording
        Of the session.
    path
        One file, to go by that alone.

    Raises
    ------
    SessionError
        If the file that was asked for is no calibration. One that was only found is
        passed over, and told in the log.
    VersionError
        If it is of another version.
    """
    rig = Recorded(recording).rig
    if path is not None:
        return _latencies([read_calibration(path)], rig)
    started = datetime.fromisoformat(recording.info.started_utc)
    simulated = bool(recording.info.configs.session.get("simulate", False))
    wanted = rig_sha256(rig)

    def rank(one: Calibration) -> tuple[bool, bool, float]:
        ago = (started - datetime.fromisoformat(one.recorded_utc)).total_seconds()
        return one.rig_sha256 != wanted, ago < 0, abs(ago)

    found = [one for one in _stored(recording, rig) if one.simulated == simulated]
    # of two that were made of one session, the later
    found.sort(key=lambda one: one.made_utc, reverse=True)
    return _latencies(sorted(found, key=rank), rig)


def read_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises
    ------
    SessionError
        If it is none.
    VersionError
        If it is of another version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"Expected a calibration at {path}, got {error.strerror}"
        raise SessionError(msg) from error
    try:
        _require_format(path, data)
        found = msgspec.json.decode(data, type=Calibration)
        datetime.fromisoformat(found.recorded_utc)
    except (msgspec.MsgspecError, ValueError) as error:
        msg = (
            f"Expected a latency calibration in {path}, got: {error}: measure again "
            "with springhare calibrate-latency"
        )
        raise SessionError(msg) from error
    return found


def store_calibration(root: Path, calibration: Calibration) -> Path:
    """Store a calibration below a data root; an older one is never overwritten.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    SessionError
        If it cannot be written.
    """
    made = datetime.fromisoformat(calibration.made_utc)
    folder = root / _FOLDER / calibration.rig
    stem = f"latency_{made:%Y%m%dT%H%M%SZ}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(_TRIES):
            path = folder / f"{stem}{f'_{k + 1}' if k else ''}.json"
            if _write_new(path, calibration.to_json()):
                return path
    except OSError as error:
        msg = f"Expected to write a calibration in {folder}, got {error.strerror}"
        raise SessionError(msg) from error
    msg = f"Expected a free name like {stem}.json in {folder}, got {_TRIES} taken ones"
    raise SessionError(msg)


def calibration_folders(recording: Recording, rig: RigConfig) -> tuple[Path, ...]:
    """Return the data roots that a session may have its calibrations in.

    The one that it lies in, which may have been moved, and the one it was written to.
    """
    written = rig.data_root.expanduser()
    if recording.folder.absolute().parent.name != recording.info.subject:
        return (written,)
    return recording.folder.absolute().parent.parent, written


def _stored(recording: Recording, rig: RigConfig) -> Iterator[Calibration]:
    folders = [
        root / _FOLDER / rig.name for root in calibration_folders(recording, rig)
    ]
    for folder in {folder.resolve() for folder in folders}:
        for path in sorted(folder.glob("latency_*.json")):
            try:
                yield read_calibration(path)
            except (SessionError, VersionError) as error:
                _log.warning("passed over: %s", error)


def _latencies(ranked: Iterable[Calibration], rig: RigConfig) -> dict[str, Latency]:
    """Return what the first calibration says that knows a stream, by stream."""
    found: dict[str, Latency] = {}
    wanted = rig_sha256(rig)
    for calibration in ranked:
        for stream, latency in calibration.streams.items():
            if stream not in found:
                found[stream] = Latency(
                    stream=stream,
                    delay_ns=latency.delay_ns,
                    sd_ns=latency.sd_ns,
                    count=latency.count,
                    method=latency.method,
                    made_utc=calibration.recorded_utc,
                    rig_matches=calibration.rig_sha256 == wanted,
                )
    return found


def _require_format(path: Path, data: bytes) -> None:
    found = msgspec.json.decode(data, type=dict).get("format")
    if found == FORMAT:
        return
    name = FORMAT.split("/")[0]
    if isinstance(found, str) and found.split("/")[0] == name:
        msg = (
            f"Expected a calibration of version {FORMAT} in {path}, got {found}: use "
            "that version of springhare, or measure again"
        )
        raise VersionError(msg)
    msg = f"no {name} file, its format is {found!r}"
    raise ValueError(msg)


def _write_new(path: Path, data: bytes) -> bool:
    """Write a file whole; tell whether there was none of that name."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True
