"""What `springhare doctor` finds: a state, in words, and what to do about it."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Finding", "State", "verdict"]

State = Literal["ok", "warn", "fail"]
_WORST_FIRST: tuple[State, ...] = ("fail", "warn")


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    topic: str
    """Group of findings, e.g. ``drivers``."""
    name: str
    state: State
    text: str
    remedy: str = ""
    """What to do about it; empty when nothing is to be done."""


def verdict(findings: list[Finding]) -> State:
    """Return the worst state of all."""
    states = {finding.state for finding in findings}
    for state in _WORST_FIRST:
        if state in states:
            return state
    return "ok"
