"""What a compression did, or would do: for people and for ``--json``."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["DatasetReport", "Report", "VideoReport"]

Outcome = Literal["folded", "already folded", "planned", "not folded"]


class DatasetReport(msgspec.Struct, frozen=True):
    """One dataset: pixels, samples, poses or a table."""

    path: str
    filter: str
    """Empty where nothing was recorded."""
    raw_bytes: int
    stored_bytes: int
    """An estimate in a plan."""

    @property
    def ratio(self) -> float:
        """How many times smaller it is."""
        return self.raw_bytes / max(self.stored_bytes, 1)


class VideoReport(msgspec.Struct, frozen=True):
    """One camera's video."""

    camera: str
    path: str
    codec: str
    frames: int
    video_bytes: int
    largest_error: int
    """Of any pixel, in grey levels; 0 for a lossless codec."""
    mean_error: float
    already_there: bool = False
    """Whether an earlier run made it; then it was not compared again."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A session's compression."""

    session_id: str
    outcome: Outcome
    filter: str
    """For pixels."""
    datasets: list[DatasetReport] = []
    raw_bytes: int = 0
    stored_bytes: int = 0
    """Size of the folded file; an estimate in a plan."""
    seconds: float = 0.0
    """How long it took; an estimate in a plan."""
    carried_over_bytes: int = 0
    """Raw bytes that an earlier run had packed already."""
    free_bytes: int = 0
    """Room on the disk, beforehand."""
    raw_removed: bool = False
    videos: list[VideoReport] = []

    @property
    def ratio(self) -> float:
        """How many times smaller the session is."""
        return self.raw_bytes / max(self.stored_bytes, 1)
