"""Bad poses caught live: which keypoints can be trusted."""

from __future__ import annotations

from inference.gates.gate import (
    GOOD,
    JUMP,
    LENGTH,
    LIKELIHOOD,
    Gates,
    GatesState,
    begin,
    compile_gates,
    gate,
)

__all__ = [
    "GOOD",
    "JUMP",
    "LENGTH",
    "LIKELIHOOD",
    "Gates",
    "GatesState",
    "begin",
    "compile_gates",
    "gate",
]
