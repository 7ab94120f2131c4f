"""A camera as inference sees it: the newest frame, where it lies, and the account.

Every frame that the camera published is inferred, skipped because a newer one was
there, or lost because it was overwritten while the network looked at it; nothing
else. The account lives in the header of the pose stream, so that it outlives the
node and a node that is started again goes on with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.errors import ModelError
from rig.messages import Frame, StreamStatus, from_row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rig.bus.directory import StreamDirectory
    from rig.bus.reader import View
    from rig.messages import Pose

__all__ = ["COUNTERS", "FrameFeed"]

COUNTERS = ("skipped", "lost")
"""Counters of a pose stream; its head counts the inferred ones."""


class FrameFeed:
    """Reads one camera's frames, newest wins, and writes its poses.

    Parameters
    ----------
    camera
        The camera's name.
    streams
        The session's streams, with ``cameras/<camera>`` and ``poses/<camera>``.

    Raises
    ------
    StreamError
        If the camera has no stream.
    ModelError
        If its frames are not 8-bit.
    """

    def __init__(self, camera: str, streams: StreamDirectory) -> None:
        self.camera = camera
        self.stream = f"cameras/{camera}"
        self._reader = streams.reader(self.stream)
        payload = self._reader.spec.payload
        if payload is None or payload.dtype != "|u1":
            got = payload.dtype if payload else "none"
            msg = (
                f"Expected 8-bit pixels (|u1) on {self.stream}, got {got}: set the "
                "camera's pixel_format to Mono8 or RGB8"
            )
            raise ModelError(msg)
        self._poses = streams.writer(f"poses/{camera}")
        self._reader.cursor = self._poses.seq + sum(self._poses.counters.values())
        shape = payload.shape
        self.height, self.width = shape[:2]
        self.channels = shape[2] if len(shape) == 3 else 1
        self.rate_hz = self._reader.spec.rate_hz
        self.served_ns = 0
        """When a frame was last taken."""

    @property
    def pose_seq(self) -> int:
        """`seq` that the next pose will get."""
        return self._poses.seq

    @property
    def waiting(self) -> bool:
        """Whether there is a frame that was not looked at."""
        return self._reader.available > 0

    def newest(self) -> Frame | None:
        """Return the row of the frame that `take` would give, without taking it.

        Frames before it will not be looked at any more: they are skipped.
        """
        self._skip(max(self._reader.available - 1, 0))
        view = self._reader.peek(1)
        return from_row(Frame, view.rows[0]) if len(view) else None

    def take(self, now_ns: int) -> tuple[Frame, View] | None:
        """Return the newest frame as it lies in the ring; skip the ones before it.

        Every frame that is taken must be given back with `done`.

        Returns
        -------
        Frame, View or None
            The row, and the view of one element whose payload has the pixels. None
            when there is nothing new.
        """
        older = self._reader.available - 1
        if older < 0:
            return None
        self._skip(older)
        view = self._reader.peek(1)
        if not len(view):
            return None
        self.served_ns = now_ns
        return from_row(Frame, view.rows[0]), view

    def done(self, view: View) -> bool:
        """Give a frame back; return whether it was whole all the time."""
        intact = view.intact()
        self._reader.advance(1, intact)
        if not intact:
            self._poses.count("lost")
        return bool(intact)

    def publish(self, pose: Pose, keypoints: NDArray[np.float32]) -> None:
        """Publish the pose of the frame that was taken last."""
        self._poses.append(pose, keypoints)

    def close(self) -> None:
        """Count what nobody will look at any more as skipped; close the poses."""
        self._skip(max(self._reader.available, 0))
        self._poses.close()

    def status(self) -> StreamStatus:
        """Return the account: taken, skipped and lost make up what was published."""
        counters = self._poses.counters
        return StreamStatus(
            taken=self._poses.seq, skipped=counters["skipped"], lost=counters["lost"]
        )

    def _skip(self, n: int) -> None:
        self._reader.cursor += n
        self._reader.skipped += n
        self._poses.count("skipped", n)
