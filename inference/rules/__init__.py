"""Rules: what is known goes in, decisions come out.

Pure: no clock, no socket, the same in replay. `compile_rules` makes conditions of a
task file, `evaluate` asks them about a `Scene`.
"""

from __future__ import annotations

from inference.rules.compiling import compile_rules
from inference.rules.engine import (
    NO_DRAW,
    Outcome,
    Rule,
    RulesState,
    RuleState,
    evaluate,
    initial_state,
    sham_draw,
)
from inference.rules.scene import Feature, Reading, Scene, Seen

__all__ = [
    "NO_DRAW",
    "Feature",
    "Outcome",
    "Reading",
    "Rule",
    "RuleState",
    "RulesState",
    "Scene",
    "Seen",
    "compile_rules",
    "evaluate",
    "initial_state",
    "sham_draw",
]
