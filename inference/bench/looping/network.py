"""A network for the loop benchmark, which says what it took and when it was done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from inference.bench.looping.work import BODYPARTS, Decided, poses
from inference.model import load_engine
from rig.config.task import InferenceConfig
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.bench.looping.work import Work
    from inference.model import PoseModel

__all__ = ["TimedNetwork", "stamp"]

_STAMP_BYTES = 16


def stamp(pixels: NDArray[np.uint8], frame_id: int, now_ns: int) -> None:
    """Write into the first pixels which frame it is, and when the camera had it."""
    pixels.reshape(-1)[:_STAMP_BYTES].view(np.int64)[:] = frame_id, now_ns


class TimedNetwork:
    """Takes a known time, or as long as a real network; its poses are its own.

    They go to and fro over the rules' line, so that there is a decision at each frame.
    A `PoseModel`.
    """

    name = "stand-in"
    sha256 = ""
    bodyparts = BODYPARTS
    provider = "cpu"

    def __init__(self, work: Work) -> None:
        self._clock = MonotonicClock()
        self._takes_ns = round(work.network_ms * 1e6)
        self._real = _real(work) if work.model else None
        self._poses = poses()
        self._stamps = np.zeros((work.frames, 6), np.int64)
        self._cpu_s = 0.0
        self.looks = 0
        """Frames that were looked at."""

    def warm_up(self, height: int, width: int, channels: int) -> None:
        """Make the real network ready."""
        if self._real is not None:
            self._real.warm_up(height, width, channels)

    def infer(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Take the time, and note it."""
        began_ns = self._clock.now()
        if self._real is not None:
            self._real.infer(frame)
        else:
            while self._clock.now() - began_ns < self._takes_ns:
                pass
        if self.looks == 0:
            self._cpu_s = time.process_time()
        known = frame.reshape(-1)[:_STAMP_BYTES].view(np.int64)
        row = self._stamps[self.looks]
        row[:2] = known
        row[2] = began_ns
        pose = self._poses[self.looks % 2].copy()
        self.looks += 1
        row[3] = self._clock.now() - began_ns
        return pose

    def decided(self, now_ns: int) -> None:
        """Note when a decision was published."""
        self._stamps[self.looks - 1, 4] = now_ns

    def done(self, now_ns: int) -> None:
        """Note when all that followed from the last look was published."""
        self._stamps[self.looks - 1, 5] = now_ns

    def close(self) -> None:
        """Let go of the real network."""
        if self._real is not None:
            self._real.close()

    def found(self) -> Decided:
        """Return what was noted."""
        columns = np.ascontiguousarray(self._stamps[: self.looks].T)
        return Decided(*columns, cpu_s=time.process_time() - self._cpu_s)


def _real(work: Work) -> PoseModel:
    return load_engine(InferenceConfig(model=work.model, cameras=("left",)))
