"""What a check of labels says: a finding in words, and how grave it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePosixPath

__all__ = ["SEVERITIES", "Finding", "Kind", "Severity", "worst_first"]

Severity = Literal["wrong", "doubtful", "note"]
Kind = Literal[
    "swapped",
    "outlier",
    "same place",
    "same picture",
    "copied",
    "off the picture",
    "off the animal",
    "unreadable",
    "unlabelled",
    "seldom",
    "never",
]
SEVERITIES: tuple[Severity, ...] = ("wrong", "doubtful", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should look at."""

    severity: Severity
    """A note is no suspect: it tells what there is."""
    kind: Kind
    text: str
    """A sentence with numbers."""
    images: tuple[PurePosixPath, ...] = ()
    """The picture first, then those that it was compared with; none of a folder."""
    parts: tuple[str, ...] = ()
    score: float = 0.0
    """How far beyond what is usual; among findings of one severity."""

    @property
    def is_suspect(self) -> bool:
        """Whether something may be wrong."""
        return self.severity != "note"


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by severity, then by how far they are beyond what is usual."""
    return tuple(
        sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), -f.score))
    )
