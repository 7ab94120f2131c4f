"""How it stands: a light for each thing that can be wrong, with the reason in words.

A light's level is a word and a shape, not only a colour.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rig.recording.sidecar import Verdict

__all__ = ["GROUPS", "HEADINGS", "LEVEL_OF_VERDICT", "Health", "Level", "Light"]


class Level(IntEnum):
    """How bad it is."""

    GOOD = 0
    WATCH = 1
    """Look at it: nothing is lost, or little."""
    BAD = 2
    """Act now."""

    @property
    def word(self) -> str:
        """The level for whoever cannot see colours."""
        return ("good", "watch", "bad")[self]

    @property
    def symbol(self) -> str:
        """A shape of its own for each."""
        return ("●", "▲", "■")[self]


LEVEL_OF_VERDICT: dict[Verdict, Level] = {
    "PASS": Level.GOOD,
    "WARN": Level.WATCH,
    "FAIL": Level.BAD,
}
"""What a session was worth."""
HEADINGS: dict[str, tuple[str, ...]] = {
    "session": ("phase",),
    "nodes": ("state", "heard", "CPU"),
    "streams": ("rate", "age", "lost", "ring"),
    "loop": ("",),
    "latency": ("p50", "p95", "p99", "budget"),
    "inference": ("looked at", "skipped", "lost"),
    "clocks": ("error", "drift"),
    "disk": ("writes", "room"),
}
"""What the cells of each group are."""
GROUPS = tuple(HEADINGS)
"""In the order in which the worst is looked for: what stops the rest comes first."""


@dataclass(frozen=True, slots=True)
class Light:
    """How it stands with one thing."""

    group: str
    subject: str
    level: Level
    cells: tuple[str, ...]
    """Its figures, one for each of the group's `HEADINGS`."""
    reason: str = ""
    """Why it is not good, in words and numbers; what to do, where that is known."""
    past: bool = False
    """Whether it is told only because it must not be forgotten: all is well again."""

    @property
    def rank(self) -> tuple[int, bool, int]:
        """Its place among the lights: the least matters most."""
        return -self.level, self.past, GROUPS.index(self.group)

    @property
    def sentence(self) -> str:
        """The light in words."""
        figures = ", ".join(cell for cell in self.cells if cell)
        return f"{self.subject}: {self.reason or figures}"


@dataclass(frozen=True, slots=True)
class Health:
    """How it stands with everything."""

    lights: Sequence[Light] = ()

    @property
    def level(self) -> Level:
        """The worst."""
        return max((light.level for light in self.lights), default=Level.GOOD)

    @property
    def worst(self) -> Light | None:
        """The light that matters most; None while all is good."""
        return next(iter(self.troubles), None)

    @property
    def troubles(self) -> Sequence[Light]:
        """The lights that are not good, what matters most first."""
        found = [light for light in self.lights if light.level > Level.GOOD]
        return sorted(found, key=lambda light: light.rank)

    @property
    def headline(self) -> str:
        """What is to be read from two metres away."""
        troubles = self.troubles
        if troubles:
            others = len(troubles) - 1
            more = f"  (+{others} more)" if others else ""
            return f"{troubles[0].sentence}{more}"
        streams = sum(light.group == "streams" for light in self.lights)
        if not streams:
            return self._phase
        start = "" if self.ended else "all good: "
        return f"{start}{self._phase}, {streams} streams"

    @property
    def ended(self) -> bool:
        """Whether the session is over, with a verdict."""
        return self._phase.startswith("ended")

    @property
    def _phase(self) -> str:
        found = (light.cells[0] for light in self.lights if light.group == "session")
        return next(found, "")

    def of(self, group: str) -> list[Light]:
        """Return the lights of a group."""
        return [light for light in self.lights if light.group == group]

    def lines(self) -> Iterator[str]:
        """Yield it all as text."""
        yield f"{self.level.symbol} {self.level.word.upper()}: {self.headline}"
        for group in GROUPS:
            for light in self.of(group):
                figures = "  ".join(
                    f"{head} {cell}".strip()
                    for head, cell in zip(HEADINGS[group], light.cells, strict=True)
                    if cell
                )
                why = f"  <- {light.reason}" if light.reason else ""
                yield f"{light.level.symbol} {light.subject}: {figures}{why}"

    def to_dict(self) -> dict[str, Any]:
        """Return it all, ready for JSON."""
        return {
            "level": self.level.word,
            "headline": self.headline,
            "lights": [
                {**asdict(light), "level": light.level.word} for light in self.lights
            ],
        }
