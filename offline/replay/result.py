"""What is said of a replay, as types: the JSON is these."""

from __future__ import annotations

from typing import Literal

import msgspec

from offline.replay.compare import Sameness

__all__ = ["Became", "Fire", "Looked", "ReplayResult", "RuleWhatIf", "Shift"]

Became = Literal["kept", "earlier", "later", "gained", "lost"]


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Fires that come at another time, all earlier or all later."""

    count: int
    median_ms: float
    """By how much; never negative."""
    worst_ms: float


class RuleWhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, as it was recorded and as it was replayed."""

    rule: str
    only: Literal["recorded", "replayed"] | None
    """Where only one of the two tasks has such a rule."""
    recorded: int
    """Fires of the session."""
    replayed: int
    """Fires of the replay."""
    kept: int
    """Fires of both; at the same time, earlier or later."""
    earlier: Shift | None
    later: Shift | None
    gained: int
    lost: int
    suppressed_recorded: dict[str, int]
    """By outcome."""
    suppressed_replayed: dict[str, int]


class Fire(msgspec.Struct, frozen=True, kw_only=True):
    """One fire, and what became of it."""

    rule: str
    at_s: float
    """Of its decision, since the session's start: the recorded one's, if there is one.
    """
    frame_id: int
    """That was decided on; -1 where it was no frame."""
    became: Became
    shift_ms: float | None
    """How much later the replay decides; None for one that is gained or lost."""
    recorded: str | None
    """Outcome then."""
    replayed: str | None
    """Outcome now."""
    held_back_by: str | None = None
    """Of one that is gained or lost: what suppressed it in the other; None where
    nothing did, for the condition did not hold there, or there is no such rule."""


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """The network that looked at the frames again."""

    model: str
    sha256: str
    engine: str
    provider: str
    recorded: bool
    """Whether it is the one that looked live: weights, engine and provider."""
    differs: tuple[str, ...]
    """What is not as it was; empty where it must see the same."""
    poses: dict[str, int]
    """Frames that it looked at, by camera."""
    live: dict[str, int]
    """Those that were looked at live."""
    both: dict[str, int]
    """Those of both."""
    network_ms: float | None
    """How long a look is taken to take; None where the times are the recorded ones."""


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """A session, played again."""

    session_id: str
    folder: str
    task: str
    own: bool
    """Whether the task asks as the session's own did."""
    armed: Literal["recorded", "always"]
    """As it was, or as if always."""
    seconds: float
    """From the first pose to the last."""
    poses: dict[str, int]
    """By camera."""
    looked: Looked | None
    """None where the poses are the recorded ones."""
    sameness: tuple[Sameness, ...]
    """What can be compared: keypoints where the network is the one that looked live,
    decisions and what leads to them where the task is the session's own as well."""
    must_be_same: bool
    """Whether what is compared must be the same: nothing else was another one."""
    within_ms: float
    """Fires that are farther apart are not the same one."""
    rules: tuple[RuleWhatIf, ...]
    fires: tuple[Fire, ...]
    remarks: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether what had to be the same is not."""
        return self.must_be_same and any(not each.whole for each in self.sameness)

    def to_json(self) -> str:
        """Return it as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()
