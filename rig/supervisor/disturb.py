"""Faults that strike a process from outside: a stall, a kill. For simulation only."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rig.config.fault_script import ScriptedFault
    from rig.supervisor.children import Child

__all__ = ["Disturber"]


class Disturber:
    """Plays the part of a fault script that strikes whole processes.

    Parameters
    ----------
    faults
        The whole script; what a twin plays itself is left to it.
    """

    def __init__(self, faults: Iterable[ScriptedFault]) -> None:
        self._due: list[tuple[float, str, signal.Signals]] = []
        for fault in faults:
            if fault.fault == "kill":
                self._due.append((fault.at_s, fault.device, signal.SIGKILL))
            elif fault.fault == "stall":
                self._due.append((fault.at_s, fault.device, signal.SIGSTOP))
                self._due.append(
                    (fault.at_s + fault.seconds, fault.device, signal.SIGCONT)
                )
        self._due.sort(key=lambda due: due[0])

    def play(
        self, elapsed_s: float, children: Mapping[str, Child]
    ) -> list[tuple[str, str]]:
        """Strike what is due.

        Returns
        -------
        list
            (node, signal) of each strike, to be recorded.
        """
        struck: list[tuple[str, str]] = []
        while self._due and self._due[0][0] <= elapsed_s:
            _, name, number = self._due.pop(0)
            child = children.get(name)
            if child is not None and child.process.poll() is None:
                child.process.send_signal(number)
                struck.append((name, number.name))
        return struck

    def relent(self, children: Mapping[str, Child]) -> None:
        """Let go of every process that is still held."""
        for _, name, number in self._due:
            child = children.get(name)
            if number is signal.SIGCONT and child and child.process.poll() is None:
                child.process.send_signal(number)
        self._due.clear()
