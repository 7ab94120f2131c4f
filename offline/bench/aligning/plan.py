"""What is to be measured, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SECTIONS", "Plan"]

SECTIONS = ("models", "heavy", "matching", "verdicts", "frames", "speed")
"""In the order they run; speed comes last and alone, when the workers are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be measured."""

    seeds: int = 5
    """How often each is repeated: with the seeds 0, 1, 2 …"""
    span_s: float = 7200.0
    """Length of a session."""
    trains: int = 1000
    """Pairs of trains whose verdict is looked at."""
    rounds: int = 7
    """How often times are taken, in turns."""
    workers: int = 1
    """Processes; 1 for this one alone."""
    only: tuple[str, ...] = ()
    """Of `SECTIONS`; all of them if empty."""

    @property
    def tail_seeds(self) -> int:
        """How often fits under heavy tails are repeated.

        More often, because a session holds but some dozens of independent errors, so
        that the coverage of a few says little; no peer is asked there.
        """
        return 4 * self.seeds

    @property
    def sections(self) -> tuple[str, ...]:
        """Those that are to be measured, in order."""
        return tuple(name for name in SECTIONS if not self.only or name in self.only)
