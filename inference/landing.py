"""How long it takes from decision to action, as this session has shown."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import TYPE_CHECKING

from rig.errors import StreamError
from rig.messages import Acknowledgement, Decision, from_row

if TYPE_CHECKING:
    from rig.bus.directory import StreamDirectory
    from rig.bus.reader import RingReader

__all__ = ["Landing"]

_FIRST_NS = 3_000_000
"""Taken until the session has shown another: a command over USB, and its edge."""
_KEPT = 31
_MOST = 64


class Landing:
    """The usual time from decision to edge.

    Parameters
    ----------
    fixed_ns
        What the task file says; None to measure it.
    """

    def __init__(self, fixed_ns: int | None = None) -> None:
        self._fixed_ns = fixed_ns
        self._reader: RingReader | None = None
        self._decided: dict[int, int] = {}
        self._times: deque[int] = deque(maxlen=_KEPT)
        self.latency_ns = _FIRST_NS if fixed_ns is None else fixed_ns
        """Median of the last ones."""

    def attach(self, streams: StreamDirectory) -> None:
        """Follow the acknowledgements, if the rig has an actuator."""
        try:
            self._reader = streams.reader("acknowledgements")
        except StreamError:
            self._reader = None

    def decided(self, decision: Decision) -> None:
        """Note a decision that was fired: its edge will be told, if late."""
        if self._fixed_ns is None and decision.outcome == "fired":
            self._decided[decision.decision_id] = decision.host_ns
            while len(self._decided) > _KEPT:
                del self._decided[next(iter(self._decided))]

    def listen(self) -> list[Acknowledgement]:
        """Return what was acknowledged since, and learn from it."""
        if self._reader is None:
            return []
        rows = self._reader.read(_MOST).rows
        answers = [from_row(Acknowledgement, row) for row in rows]
        for answer in answers:
            self._learn(answer)
        return answers

    def _learn(self, answer: Acknowledgement) -> None:
        if answer.status == "timeout":
            return  # its edge may be told yet
        decided_ns = self._decided.pop(answer.decision_id, None)
        if decided_ns is None or answer.edge_host_ns < decided_ns:
            return
        self._times.append(answer.edge_host_ns - decided_ns)
        self.latency_ns = round(median(self._times))
