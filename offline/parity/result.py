"""What is said of live against offline, as types: the JSON is these."""

from __future__ import annotations

from typing import Literal

import msgspec

from offline.fires import Offsets

__all__ = [
    "CAUSES",
    "CameraParity",
    "Coverage",
    "Difference",
    "Gap",
    "Model",
    "Parity",
    "PixelError",
    "RuleParity",
    "TooOld",
]

Kind = Literal["missed", "false", "shifted"]
CAUSES = {
    "skipped": "frames were skipped live",
    "age": "the pose was too old",
    "disarmed": "the loop was armed, or not, at another moment",
    "refractory": "the refractory time of a fire before, which differed",
    "likelihood": "a body part was sure on one side only",
    "pose": "the poses differed",
    "signals": "signals were known later",
    "other": "none of these",
}
"""Why live is not as it would have been; one for each difference."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Who saw the poses of a side."""

    name: str
    sha256: str
    """Empty where nobody has noted it."""
    engine: str
    provider: str
    resize: float | None


class PixelError(msgspec.Struct, frozen=True, kw_only=True):
    """Live minus offline, of a body part, in frames that both have seen."""

    bodypart: str
    """``all`` for all of them together."""
    count: int
    """Places that both find likely: the figures are of these."""
    live_only: int
    """Places that only the live pose finds likely."""
    offline_only: int
    median_px: float | None
    p90_px: float | None
    p99_px: float | None
    max_px: float | None


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Frames in a row that were not seen live."""

    first_frame: int
    """Its row in the recording."""
    frames: int
    blind_ms: float
    """From the exposure of the last frame that was seen to the next one that was."""
    at_s: float
    """Of the first, since the session's start."""


class TooOld(msgspec.Struct, frozen=True, kw_only=True):
    """Poses on which a rule does not fire."""

    rule: str
    limit_ms: float
    poses: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which frames had a live pose, and when."""

    frames: int
    """That were recorded."""
    seen: int
    skipped: int
    runs: int
    """Of skipped frames."""
    longest: Gap | None
    not_recorded: int
    """Live poses of frames that are not in the recording."""
    offline: int
    """Frames that have a pose of afterwards."""
    age_median_ms: float | None
    """From exposure to publication."""
    age_max_ms: float | None
    too_old: tuple[TooOld, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A fire that is not live what it would have been."""

    rule: str
    kind: Kind
    at_s: float
    """Exposure that it should have been decided on; of a false one, that it was."""
    frame: int
    """Row of that frame in the recording; -1 where it is not there."""
    shift_ms: float | None
    """Live after ideal; None where there is only one of them."""
    cause: str
    """One of `CAUSES`."""
    words: str
    apart_px: float | None
    """Of the rule's body parts at that moment, where live and offline differ most."""
    bodypart: str | None


class RuleParity(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's live fires against those on every frame without delay."""

    rule: str
    ideal: int
    live: int
    found: int
    shifted: int
    missed: int
    false: int
    shift: Offsets | None
    """From the ideal exposure to the one decided on live, found and shifted ones."""
    causes: dict[str, int]


class CameraParity(msgspec.Struct, frozen=True, kw_only=True):
    """All that is said of a camera."""

    camera: str
    file: str
    """Of the offline poses."""
    live: Model
    offline: Model
    same_model: bool | None
    """By the hash; None where one has none."""
    same_engine: bool
    """Engine, provider and size of the pictures."""
    cropped: int
    """Live poses for which the network looked at a part of the picture only."""
    pixels: tuple[PixelError, ...]
    coverage: Coverage
    rules: tuple[RuleParity, ...]
    differences: tuple[Difference, ...]


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """Live against offline, for a session."""

    session_id: str
    folder: str
    within_ms: float
    shift_limit_ms: float
    cameras: tuple[CameraParity, ...]
    remarks: tuple[str, ...] = ()
    """What could not be compared, and why."""

    def to_json(self) -> str:
        """Return it as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()
