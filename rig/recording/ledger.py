"""The ledger: what was there, what was kept, and where each missing one went.

Every line is an equation whose right side must give its left; what is missing is
listed with its cause, and nothing may be left over. `rig.recording.balance` adds
it up.

Examples
--------
>>> Equation.of("published", 10, recorded=8, lost_to_recorder=2).text
'10 published = 8 recorded + 2 lost to recorder'
"""

from __future__ import annotations

from typing import Any

import msgspec

from rig.messages import Loss
from rig.recording.latency import Latency
from rig.recording.sidecar import Verdict

__all__ = [
    "AWAY",
    "CUT_OFF",
    "HELD_UP",
    "OVERRUN",
    "RECORDER",
    "STOPPED",
    "Equation",
    "Ledger",
    "Missing",
    "Recovered",
    "StreamLedger",
    "Timeouts",
]

RECORDER = "recorder"
"""Name of the node that records."""
STOPPED = "stopped in order"
"""How a session should end."""
CUT_OFF = "session ended without stop"
"""How a session ended whose processes were killed."""
OVERRUN = "overwritten in the ring before it was recorded"
"""Cause of a loss: the recorder was there, and too slow."""
HELD_UP = "overwritten in the ring: the recorder was held up for"
"""Cause of a loss, with a time after it: the recorder or its disk stood still."""
AWAY = "overwritten in the ring while no recorder was there"
"""Cause of a loss: it was published before the recorder came that found it gone."""


class Equation(msgspec.Struct, frozen=True):
    """One line of the ledger: a total and the terms that must give it."""

    name: str
    total: int
    terms: dict[str, int]

    @staticmethod
    def of(name: str, total: int, **terms: int) -> Equation:
        """Return an equation."""
        return Equation(name, total, terms)

    @property
    def unexplained(self) -> int:
        """What the terms do not account for."""
        return self.total - sum(self.terms.values())

    @property
    def closes(self) -> bool:
        """Whether nothing is left over."""
        return self.unexplained == 0

    @property
    def text(self) -> str:
        """The equation in words."""
        terms = " + ".join(
            f"{count} {term.replace('_', ' ')}" for term, count in self.terms.items()
        )
        sign = "=" if self.closes else "≠"
        return f"{self.total} {self.name.replace('_', ' ')} {sign} {terms}"


class Missing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Elements that are missing, where, and why."""

    stage: str
    first_id: int
    count: int
    """In the units of the stage: rows for the recorder, else the device's numbers."""
    cause: str
    at_s: float | None = None
    """Host time of the last element before them, in seconds since the session's
    start; where no row is beside them, when they were told of; None where nobody
    tells."""
    duration_ms: float | None = None
    """Host time between the elements before and after them, or their part of it; by
    the nominal rate where nothing came before or after; None where neither tells."""

    @property
    def where(self) -> str:
        """Which ones they are and when, in words."""
        words = f"{self.count} missing from {self.first_id}"
        if self.at_s is not None:
            words += f", {self.at_s:.3f} s after the start"
        if self.duration_ms is not None:
            words += f", {self.duration_ms:,.0f} ms"
        return words


class StreamLedger(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ledger of one stream."""

    published: int
    recorded: int
    lost: int = 0
    """Elements lost before the ring or by the recorder."""
    lost_fraction: float = 0.0
    equations: list[Equation] = []
    missing: list[Missing] = []
    counters: dict[str, int] = {}
    """The writer's counters, as they stood at the end."""

    @property
    def closes(self) -> bool:
        """Whether every equation does."""
        return all(equation.closes for equation in self.equations)


class Timeouts(msgspec.Struct, frozen=True):
    """Commands that were not answered in time.

    Examples
    --------
    >>> Timeouts(3, answered_late=2, late_answers=2).text
    '3 timed out commands = 2 answered late + 1 unanswered; 2 late answers'
    """

    commands: int
    answered_late: int
    """Of these, those whose answer is on record all the same, with its edge."""
    late_answers: int
    """As the board's node counted them."""

    @property
    def text(self) -> str:
        """The counts in words, and what they leave in doubt."""
        words = Equation.of(
            "timed_out_commands",
            self.commands,
            answered_late=self.answered_late,
            unanswered=self.commands - self.answered_late,
        ).text
        if self.late_answers:
            words += f"; {self.late_answers} late answers"
        unrecorded = self.late_answers - self.answered_late
        if unrecorded <= 0:
            return words
        return (
            f"{words}, {unrecorded} not on record: of the unanswered, so many may have "
            "been carried out"
        )


class Recovered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `recover` found out of a wreck, and no row of the session tells."""

    losses: list[Loss] = []
    left_out: dict[str, int] = {}
    """Rows that the segments hold after those of the session, by stream."""
    damage: dict[str, str] = {}
    """What is wrong with the segments after those of the session, by stream."""

    @property
    def cut(self) -> frozenset[str]:
        """Streams of which the segments hold more than belongs to the session."""
        return frozenset([*self.left_out, *self.damage])


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of a session."""

    verdict: Verdict
    reason: str
    """The verdict in a sentence."""
    closes: bool
    ended: str
    streams: dict[str, StreamLedger]
    commands: Equation | None = None
    """Fired decisions and their acknowledgements."""
    unanswered: list[int] = []
    """Fired decisions without an acknowledgement."""
    timeouts: Timeouts | None = None
    """None where every command was answered in time."""
    died: dict[str, str] = {}
    """Why a node died, by name; one that was restarted is none."""
    remarks: list[str] = []
    """What a person must know though nothing need be missing."""
    latency: dict[str, dict[str, Latency]] = {}
    """How long each stage of the loop took, by camera and stage."""
    recovered: Recovered | None = None
    """None where nothing had to be recovered."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return msgspec.to_builtins(self)

    def to_json(self) -> str:
        """Return it as JSON."""
        return msgspec.json.encode(self).decode()

    @staticmethod
    def from_json(text: str) -> Ledger:
        """Return the ledger that a session holds."""
        return msgspec.json.decode(text, type=Ledger)
