"""What a calibration says, and of which rig it says it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from rig.config.rig import RigConfig

__all__ = ["FORMAT", "Calibration", "StreamLatency", "rig_sha256"]

FORMAT = "springhare-latency/1"
_NO_DELAY = ("data_root", "description", "ledger", "alignment", "segment_seconds")
"""Of a rig file: what cannot change a delay."""


class StreamLatency(msgspec.Struct, frozen=True, kw_only=True):
    """The constant delay of one stream."""

    delay_ns: float
    """How long after the truth the stream has it: what an element shows was at its
    time minus this. Negative where a camera exposes later than it says."""
    sd_ns: float
    """Standard deviation of `delay_ns`, with what the clocks leave open."""
    spread_ns: float
    """Standard deviation of a single edge's."""
    count: int
    """Edges that it was measured with."""
    method: str
    """``LED``, ``test pulse``, or ``wire``: 0 by definition."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The constant delays of a rig."""

    format: str = FORMAT
    made_utc: str
    """When it was measured from the session, ISO 8601."""
    recorded_utc: str
    """When that session started: from when on it is true."""
    rig: str
    """Name of the rig."""
    rig_sha256: str
    """Of what its file says, see `rig_sha256`."""
    simulated: bool
    """Of a simulated rig, whose delays are not those of the real one."""
    session_id: str
    streams: dict[str, StreamLatency]

    def to_json(self) -> bytes:
        """Return it as it is stored."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def rig_sha256(rig: RigConfig) -> str:
    """Return a digest of what a rig file says that delays may hang on.

    Where data are written to, words for people, and limits of verdicts do not count;
    neither does whether the wires of test pulses are plugged in, nor what stands as it
    is by default: a later version may have further keys.
    """
    plain: dict[str, Any] = rig.model_dump(
        mode="json", exclude=set(_NO_DELAY), exclude_defaults=True
    )
    plain.setdefault("simulation", {}).pop("calibrating", None)
    return sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()
