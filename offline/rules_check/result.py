"""What is said of a task's rules, as types: the JSON is these."""

from __future__ import annotations

from typing import Literal

import msgspec

from offline.fires import Offsets
from offline.replay.compare import Sameness

__all__ = [
    "AgainstTruth",
    "Doubt",
    "FrameAgreement",
    "RuleFigures",
    "RuleWords",
    "RulesCheck",
    "SessionCheck",
]


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a rule that looks wrong."""

    rule: str
    where: str
    """In the task file."""
    text: str


class RuleWords(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, told."""

    rule: str
    words: str


class AgainstTruth(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's fires, shams among them, held against when they should have been."""

    truth: str
    """What is taken for true."""
    within_ms: float
    """A fire this near to an event is its own."""
    events: int
    found: int
    missed: int
    """Events without a fire."""
    missed_by: dict[str, int]
    """By what suppressed the fire there; no_edge where nothing did."""
    false: int
    """Fires without an event."""
    wrong_fraction: float
    """False ones of all fires; 0 without any."""
    seen: Offsets | None
    """From the event to the exposure that was decided on."""
    decided: Offsets | None
    """From the event to the decision."""
    action: Offsets | None
    """From the event to the edge at the board; None where none was acknowledged."""


class FrameAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a condition holds on single frames: by labels, and by the poses."""

    frames: int
    """That are labelled, and of which there is a pose."""
    both: int
    neither: int
    missed: int
    """By the labels it holds, by the pose it does not."""
    false: int
    """The other way round."""
    untold: int
    """It cannot be told by the labels or by the pose."""


class RuleFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule decided in a session."""

    rule: str
    source: str
    """A camera; 3d for space, features for signals."""
    fired: int
    sham: int
    disarmed: int
    suppressed: dict[str, int]
    """By cause."""
    first_s: float | None
    """Of the first fire or sham, since the session's start."""
    median_interval_s: float | None
    """From one to the next."""
    age: Offsets | None
    """From exposure to decision."""
    truth: AgainstTruth | None = None
    frames: FrameAgreement | None = None


class SessionCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A task's rules on one recorded session."""

    session_id: str
    folder: str
    poses: dict[str, int]
    """By camera."""
    seconds: float
    """From the first pose to the last."""
    own: bool
    """Whether the task asks as the session's own did."""
    armed: Literal["recorded", "always"]
    landing_ms: float | None
    """Median time from decision to edge, by the acknowledgements."""
    rules: tuple[RuleFigures, ...]
    sameness: tuple[Sameness, ...] = ()
    """Empty for another task than the session's own."""
    remarks: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the session's own task did not decide as it had."""
        return any(not each.whole for each in self.sameness)


class RulesCheck(msgspec.Struct, frozen=True, kw_only=True):
    """All that is said of a task's rules."""

    task: str
    words: tuple[RuleWords, ...]
    doubts: tuple[Doubt, ...]
    unchecked: tuple[str, ...] = ()
    """What could not be looked at, and what to do."""
    sessions: tuple[SessionCheck, ...] = ()

    def to_json(self) -> str:
        """Return it as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()
