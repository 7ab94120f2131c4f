"""That a converted model finds what the original finds: a record inside its file.

Written by ``springhare convert``, read by the runner, which refuses a converted
model without it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["LIMIT_PX", "ORIGIN", "PROOF", "Proof", "read_proof", "require_proof"]

LIMIT_PX = 0.1
"""A model that is further off its original is not made, and not loaded."""
ORIGIN = "converted_from"
"""Key in a model's metadata: JSON with ``file``, ``form`` and ``sha256``."""
PROOF = "parity"
"""Key in a model's metadata: a `Proof` as JSON."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a converted model was from its original, at worst and usually."""

    reference: str
    """What ran the original, with its version."""
    provider: str
    """What ran the converted one."""
    frames: int
    source: str
    """Where the frames came from."""
    sizes: tuple[str, ...]
    """Of the frames: ``640x480``, …"""
    max_px: float
    median_px: float
    max_likelihood: float
    """Greatest difference of likelihoods."""

    def to_json(self) -> str:
        """Return it as it stands in the metadata."""
        return json.dumps(asdict(self))


def read_proof(metadata: Mapping[str, str]) -> Proof | None:
    """Return the proof in a model's metadata; None where it was not converted.

    What a later version has added is left out.
    """
    if PROOF not in metadata:
        return None
    told = json.loads(metadata[PROOF])
    known = {field.name: told[field.name] for field in fields(Proof)}
    return Proof(**{**known, "sizes": tuple(known["sizes"])})


def require_proof(path: Path, metadata: Mapping[str, str]) -> None:
    """Refuse a converted model that was not shown to be as good as its original.

    A model that was not converted needs no proof.

    Raises
    ------
    ModelError
        If the record is missing, cannot be read, or tells of too much deviation.
    """
    if ORIGIN not in metadata and PROOF not in metadata:
        return
    try:
        max_px = float(json.loads(metadata[PROOF])["max_px"])
    except (KeyError, TypeError, ValueError):
        got = "none that can be read"
    else:
        if max_px <= LIMIT_PX:
            return
        got = f"{max_px:.3g} px"
    msg = (
        f"Expected proof in {path} that it finds what its original finds, within "
        f"{LIMIT_PX:g} px, got {got}: make it anew with springhare convert"
    )
    raise ModelError(msg)
