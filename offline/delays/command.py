"""What ``springhare calibrate-latency`` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console

from offline.alignment.pipeline import align
from offline.alignment.recorded import Recorded
from offline.delays.calibration import Calibration, rig_sha256
from offline.delays.display import show_measured
from offline.delays.measure import measure
from offline.delays.picture import draw_calibration
from offline.delays.record import record_session
from offline.delays.store import calibration_folders, store_calibration
from rig.errors import SessionError, SpringhareError
from rig.recording.reader import Recording
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from offline.alignment.result import Cue
    from offline.alignment.streams import Placed, Session
    from offline.delays.measure import Measured

__all__ = ["PICTURE_FILE", "Wish", "run"]

PICTURE_FILE = "derived/calibration.png"
"""In the session's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for."""

    session: Path | None
    """To be measured; None to record one with `rig`."""
    rig: Path | None
    task: Path | None
    simulate: bool
    seconds: float
    out: Path | None
    dry_run: bool
    as_json: bool


@dataclass(slots=True)
class _Done:
    calibration: Calibration
    measured: Measured
    session: Path
    stored: Path | None = None
    picture: Path | None = None
    troubles: tuple[str, ...] = ()


def run(wish: Wish) -> int:
    """Do what was asked for and tell of it.

    Returns
    -------
    int
        The exit status: 1 where nothing could be measured.
    """
    folder = wish.session
    if folder is None:
        if wish.rig is None:
            msg = "Expected a session to measure, or a rig to record one with: --rig"
            raise SessionError(msg)
        folder = record_session(
            wish.rig,
            wish.task,
            seconds=wish.seconds,
            simulate=wish.simulate,
            out=wish.out,
        )
    done = _measured(folder, wish)
    if wish.as_json:
        click.echo(_json(done))
    else:
        show_measured(
            done.calibration,
            done.measured,
            (done.stored, done.picture),
            done.troubles,
        )
    return 0 if done.calibration.streams else 1


def _measured(folder: Path, wish: Wish) -> _Done:
    console = Console(stderr=True)
    with Recording.open(folder) as recording, console.status("reading") as status:
        if recording.ledger is None:
            msg = (
                f"Expected a session that is closed in {recording.folder}, got one "
                "that is not: springhare recover mends one that was cut short"
            )
            raise SessionError(msg)
        found: list[Measured] = []

        def tell(what: str, done: int, of: int) -> None:
            status.update(f"{what} ({done} of {of})" if of > 1 else what)

        def look(session: Session, placed: Mapping[str, Placed]) -> list[Cue]:
            found.append(measure(session, placed, progress=tell))
            return []

        align(recording, look=look, progress=status.update)
        done = _Done(_calibration(recording, found[0]), found[0], recording.folder)
        if done.calibration.streams and not wish.dry_run:
            status.update("writing")
            _write(recording, done)
    return done


def _calibration(recording: Recording, measured: Measured) -> Calibration:
    info, rig = recording.info, Recorded(recording).rig
    return Calibration(
        made_utc=utc_now().isoformat(),
        recorded_utc=info.started_utc,
        rig=rig.name,
        rig_sha256=rig_sha256(rig),
        simulated=bool(info.configs.session.get("simulate", False)),
        session_id=info.session_id,
        streams=measured.streams,
    )


def _write(recording: Recording, done: _Done) -> None:
    roots = calibration_folders(recording, Recorded(recording).rig)
    done.stored = store_calibration(roots[0], done.calibration)
    if not done.measured.traces:
        return
    path = recording.folder / PICTURE_FILE
    try:
        path.parent.mkdir(exist_ok=True)
        draw_calibration(done.measured.traces, path, recording.info.session_id)
        done.picture = path
    except (SpringhareError, OSError) as error:
        done.troubles = (f"no picture: {error}",)


def _json(done: _Done) -> str:
    plain: dict[str, Any] = {
        "calibration": msgspec.to_builtins(done.calibration),
        "missing": done.measured.missing,
        "remarks": done.measured.remarks,
        "session": str(done.session),
        "stored": None if done.stored is None else str(done.stored),
        "picture": None if done.picture is None else str(done.picture),
    }
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
