"""What is taken for true of each rule: labels, the story of a simulation, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.rules_check.simulated import STORY
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from offline.replay import RecordedSession
    from offline.rules_check.labels import Labels
    from offline.rules_check.simulated import Simulation, Span
    from rig.config.rules import RuleConfig
    from rig.config.task import TaskConfig

__all__ = ["CONDITION", "Truth", "Truths"]

CONDITION = "condition"
"""Asks for the moments at which the rule's condition holds of the simulated body."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """When a rule should have fired."""

    words: str
    events_ns: NDArray[np.int64]
    """(n,) host times, in order."""
    span: Span
    """Fires outside it are not judged."""


@dataclass(frozen=True, slots=True)
class Truths:
    """Where the truth of a session comes from."""

    session: RecordedSession
    task: TaskConfig
    simulation: Simulation | None
    labels: Labels | None
    asked: Mapping[str, str]
    """Event by rule, as somebody wants it."""

    def of(self, rule: RuleConfig) -> tuple[Truth | None, str]:
        """Return what is true of a rule, and what to say where that is nothing.

        Raises
        ------
        SessionError
            If somebody wants an event that there is not.
        """
        span = self.session.span_ns(rule.camera)
        if span is None:
            return None, ""
        name = self.asked.get(rule.name)
        if name is not None:
            return self._wanted(rule, name, span)
        events = {} if self.labels is None else self.labels.events
        if rule.name in events:
            return self._labelled(rule.name, span), ""
        if len(events) == 1 and len(self.task.rules) == 1:
            return self._labelled(next(iter(events)), span), ""
        if self.labels is None and self.simulation is not None:
            return self._by_condition(rule, span)
        return None, ""

    def _wanted(
        self, rule: RuleConfig, name: str, span: Span
    ) -> tuple[Truth | None, str]:
        if self.labels is not None and name in self.labels.events:
            return self._labelled(name, span), ""
        if self.simulation is not None:
            if name == CONDITION:
                return self._by_condition(rule, span)
            if name in STORY:
                found = self.simulation.story(name, span)
                if found is not None:
                    return Truth(STORY[name], found, span), ""
        msg = f"Expected one of {self._known()} for --truth {rule.name}=…, got {name!r}"
        raise SessionError(msg)

    def _known(self) -> str:
        names = [] if self.labels is None else sorted(self.labels.events)
        if self.simulation is not None:
            names += [CONDITION, *STORY]
        return ", ".join(names) or (
            "the events of --labels (a session that is not simulated, or did not keep "
            "its truth, has no others)"
        )

    def _labelled(self, name: str, span: Span) -> Truth:
        events = {} if self.labels is None else self.labels.events
        found = events.get(name, np.empty(0, np.int64))
        inside = (found >= span[0]) & (found <= span[1])
        return Truth(f"{name} in the labels", found[inside], span)

    def _by_condition(self, rule: RuleConfig, span: Span) -> tuple[Truth | None, str]:
        if self.simulation is None:
            return None, ""
        found = self.simulation.condition(
            self.task, rule.name, self.session.bodyparts, span
        )
        if isinstance(found, str):
            return None, f"{rule.name} is not held against the simulated mouse: {found}"
        words = "the condition begins to hold of the simulated mouse"
        return Truth(words, found, span), ""
