"""An alignment in sentences: of each stream, and of all."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from offline.alignment import units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.alignment.result import Finding, StreamSummary

__all__ = ["stream_sentence", "whole_sentence"]

_ELEMENTS = {
    "frames": "frames",
    "samples": "samples",
    "events": "edges",
    "poses": "poses",
    "acknowledgements": "edges",
    "decisions": "decisions",
}

_MEASURED = {"frames", "samples", "events"}


def stream_sentence(name: str, kind: str, sd_ns: float, lost: int, verdict: str) -> str:
    """Return a stream's state: how well known, how many lost, how sure.

    Examples
    --------
    >>> stream_sentence("cameras/left", "frames", 6_000, 7, "unique")
    'camera left: frames known to ±\u202f12\u202fµs (95 %), 7 lost, alignment unique'
    """
    if not isfinite(sd_ns):
        return f"{_said(name)}: nothing recorded"
    what = _ELEMENTS.get(kind, "rows")
    missing = f"{units.count(lost)} lost" if lost else "none lost"
    known = f"{what} known to {units.band(sd_ns)} (95 %)"
    return f"{_said(name)}: {known}, {missing}, alignment {verdict}"


def whole_sentence(
    streams: Sequence[StreamSummary], findings: Sequence[Finding], reference: str
) -> str:
    """Return the verdict on all: what fails, or else what is known least."""
    failed = [finding for finding in findings if finding.level == "FAIL"]
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        return f"{_said(failed[0].subject)}: {failed[0].words}{more}"
    warned = [finding for finding in findings if finding.level == "WARN"]
    placed = [one for one in streams if one.recorded and one.kind in _MEASURED]
    if not placed:
        return f"Nothing of the session was measured; its clock is {reference}'s."
    least = max(placed, key=lambda one: one.sd_ns)
    count = "a warning" if len(warned) == 1 else f"{len(warned)} warnings"
    said = f"{least.sentence}; all else on the clock of {reference} is known better"
    return f"{said}; {count}" if warned else said


def _said(name: str) -> str:
    place, _, rest = name.partition("/")
    one = {"cameras": "camera", "signals": "signal", "poses": "poses of"}
    return f"{one[place]} {rest}" if place in one and rest else name
