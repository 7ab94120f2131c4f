"""The recorded frames of a session, by the numbers that poses know them by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.cameras import CAMERAS, rows_of_frames
from rig.errors import ModelError, SessionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["Frames"]

_COLOUR_AXES = 3


class Frames:
    """The recorded frames of some cameras, by their numbers.

    Raises
    ------
    SessionError
        If a camera was not recorded.
    ModelError
        If its pixels are not of 8 bits.
    """

    def __init__(self, recording: Recording, cameras: Iterable[str]) -> None:
        self._recording = recording
        self.rows = {camera: _rows(recording, camera) for camera in cameras}
        """(n,) `Frame`, by camera."""

    def shape(self, camera: str) -> tuple[int, int, int]:
        """Return height, width and channels of a camera's frames."""
        payload = self._recording.streams[CAMERAS + camera].payload
        shape = tuple(payload.shape) if payload else (0, 0)
        channels = shape[2] if len(shape) == _COLOUR_AXES else 1
        return shape[0], shape[1], channels

    def places(self, camera: str, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where frames of some numbers lie; -1 for one that is not there."""
        return rows_of_frames(self.rows[camera], seqs)

    def pixels(self, camera: str, place: int) -> NDArray[np.uint8]:
        """Return a frame, (height, width) or (height, width, 3)."""
        return self._recording.payload(CAMERAS + camera, place, place + 1)[0]


def _rows(recording: Recording, camera: str) -> NDArray[np.void]:
    stream = CAMERAS + camera
    if stream not in recording.streams or not recording.count(stream):
        known = [
            name.removeprefix(CAMERAS)
            for name, spec in recording.streams.items()
            if spec.kind == "frames" and recording.count(name)
        ]
        msg = (
            f"Expected frames of {camera} in {recording.folder}, got those of "
            f"{', '.join(known) or 'no camera'}: a model has nothing to look at"
        )
        raise SessionError(msg)
    payload = recording.streams[stream].payload
    if payload is None or np.dtype(payload.dtype) != np.uint8:
        got = "none" if payload is None else np.dtype(payload.dtype).name
        msg = f"Expected pixels of 8 bits from {camera} for a pose model, got {got}"
        raise ModelError(msg)
    return recording.rows(stream)
