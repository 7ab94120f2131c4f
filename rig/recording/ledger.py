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

from rig.recording.sidecar import Verdict

__all__ = ["RECORDER", "STOPPED", "Equation", "Ledger", "Missing", "StreamLedger"]

RECORDER = "recorder"
"""Name of the node that records."""
STOPPED = "stopped in order"
"""How a session should end."""


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


class Missing(msgspec.Struct, frozen=True):
    """Elements that are missing, and why."""

    stage: str
    first_id: int
    count: int
    """In the units of the stage: rows for the recorder, else the device's numbers."""
    cause: str


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
    died: dict[str, str] = {}

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
