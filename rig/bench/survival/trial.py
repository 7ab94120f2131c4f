"""What a trial is: who is killed, in which phase of a session, at which instant.

Everything is drawn from the seed and the trial's number, so that one that failed
can be played again by itself. The instant is a share of its phase, whose length is
the machine's: a trial that is repeated is struck at about the same moment.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PHASES", "VICTIMS", "Phase", "Trial", "draw"]

Phase = Literal["start", "steady", "segment", "stop"]
PHASES: tuple[Phase, ...] = get_args(Phase)
"""Until all nodes run; while they do; as a segment is laid out or named; the end."""
VICTIMS = (
    "recorder",
    "left",
    "right",
    "daq",
    "laser",
    "boards",
    "inference",
    "supervisor",
    "all",
)
"""Nodes by their names; ``boards`` is the process that plays the Harp boards, as if
both cables were pulled; ``all`` is every process of the session at once."""

_WITH_INFERENCE = 0.15
"""Share of the other victims' trials in which the network runs, too."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One session and one kill."""

    number: int
    seed: int
    """Of everything that is random in it, the simulated world included."""
    victim: str
    phase: Phase
    share: float
    """Instant within the phase: 0 its beginning, 1 about its end."""
    close: bool
    """At the start: counted from when the rings are made, the last stretch."""
    interrupted: bool
    """At the stop: asked for by SIGINT, not by the end of time."""
    inference: bool
    """Whether the network runs, too."""
    goes_on: bool
    """Whether a device's death leaves the session running (``on_death: continue``)."""
    recover: bool
    """Where nobody is left to end the session: by ``springhare recover``, not by what
    the next session salvages."""

    @property
    def headless(self) -> bool:
        """Whether nobody is left to end the session in order."""
        return self.victim in {"supervisor", "all"}


def draw(number: int, seed: int, victims: Sequence[str] = VICTIMS) -> Trial:
    """Return a trial by its number.

    Any run of ``len(victims) * len(PHASES)`` numbers in a row that begins at a
    multiple of that has every victim in every phase once.

    Examples
    --------
    >>> draw(7, seed=1) == draw(7, seed=1)
    True
    >>> {draw(k, 1).victim for k in range(36)} == set(VICTIMS)
    True
    """
    cells: list[tuple[str, Phase]] = [(v, p) for v in victims for p in PHASES]
    random.Random(f"{seed}").shuffle(cells)
    victim, phase = cells[number % len(cells)]
    chance = random.Random(f"{seed} {number}")
    return Trial(
        number=number,
        seed=chance.randrange(1 << 31),
        victim=victim,
        phase=phase,
        share=chance.random(),
        close=chance.random() < 0.5,
        interrupted=chance.random() < 0.5,
        inference=chance.random() < _WITH_INFERENCE or victim == "inference",
        goes_on=chance.random() < 0.5,
        recover=chance.random() < 0.5,
    )
