"""When each frame of a simulated camera was really exposed, told to the truth file.

The boards' process writes the truth and says beforehand where; a camera's process adds
a row per exposure to a file beside it, which goes into the truth at the end. So a
camera that is killed takes nothing with it.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rig.config.rig import RigConfig

__all__ = ["FrameLog", "ShownFrame", "gather_frames", "invite_frames"]

_SUFFIX = ".frames"


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """One exposure, whether it became a frame or not."""

    frame_id: int
    """The camera's own number; the recorded one unless the camera was unplugged."""
    middle_ns: int
    """Host time of its middle, truly."""
    exposure_ns: int
    """Its length."""
    device_ns: int
    """The camera's stamp, as recorded."""
    arrival_ns: int
    """The recorded `host_ns`; -1 if it was lost on the way, or arrived broken."""
    led_ppm: int
    """Part of it during which the LED's line was high, in millionths; -1 without."""


_COLUMNS = tuple(field.name for field in fields(ShownFrame))
_row = Struct(f"<{len(_COLUMNS)}q")
_values = attrgetter(*_COLUMNS)


def _invitation(epoch_path: Path) -> Path:
    return epoch_path.with_name("truth")


def _part(truth_path: Path, camera: str) -> Path:
    return truth_path.with_name(f"{truth_path.stem}.{camera}{_SUFFIX}")


def invite_frames(epoch_path: Path, truth_path: Path) -> None:
    """Say to all cameras of a world that a truth will be written, and where."""
    _invitation(epoch_path).write_text(str(truth_path.absolute()), encoding="utf-8")


class FrameLog:
    """One camera's part of the truth.

    Parameters
    ----------
    path
        The file; made anew.
    """

    def __init__(self, path: Path) -> None:
        how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, how, 0o644)
        weakref.finalize(self, os.close, self._file)

    @staticmethod
    def invited(epoch_path: Path, camera: str) -> FrameLog | None:
        """Return where to tell of a camera's frames; None if nobody asked for them."""
        try:
            words = _invitation(epoch_path).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return FrameLog(_part(Path(words), camera))

    def tell(self, frame: ShownFrame) -> None:
        """Add a frame."""
        os.write(self._file, _row.pack(*_values(frame)))


def gather_frames(rig: RigConfig, truth_path: Path) -> dict[str, dict[str, Any]]:
    """Take up what the cameras told, as plain data; their own files go.

    Returns
    -------
    By camera: `delay_us`, by which its exposures begin after their stamps, and
    `frames`, the columns of `ShownFrame`. A camera that told nothing is not there.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in rig.cameras:
        part = _part(truth_path, name)
        if not part.exists():
            continue
        data = part.read_bytes()
        rows = np.frombuffer(data[: len(data) - len(data) % _row.size], "<i8")
        table = rows.reshape(-1, len(_COLUMNS)).T.tolist()
        found[name] = {
            "delay_us": rig.simulation.delays_us.get(name, 0.0),
            "frames": dict(zip(_COLUMNS, table, strict=True)),
        }
        part.unlink()
    return found
