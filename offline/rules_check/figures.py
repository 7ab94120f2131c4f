"""What a rule decided in a session, in numbers: how early, late, often wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from offline.fires import FIRES, held_back, matched, offsets
from offline.replay.given import landings_ns
from offline.rules_check.result import AgainstTruth, RuleFigures
from rig.recording.latency import FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from offline.replay import RecordedSession, Replay
    from offline.rules_check.truths import Truth
    from rig.config.rules import RuleConfig
    from rig.messages import Decision

__all__ = ["Actions", "against_truth", "rule_figures"]

_NO_EDGE = "no_edge"


@dataclass(frozen=True, slots=True)
class Actions:
    """When a decision's action was there, or would have been."""

    edges_ns: Mapping[int, int]
    """By decision, as acknowledged; empty for another task than the session's own."""
    landing_ns: int | None
    """Median of the session; None where nothing was acknowledged."""

    @staticmethod
    def of(session: RecordedSession, replay: Replay) -> Actions:
        """Return those of a replay."""
        took_ns = landings_ns(session)
        edges: dict[int, int] = {}
        if replay.own:
            names = ("decision_id", "edge_host_ns")
            rows = zip(*(session.answers[name].tolist() for name in names), strict=True)
            edges = {number: edge_ns for number, edge_ns in rows if edge_ns > 0}
        return Actions(edges, round(median(took_ns)) if took_ns else None)

    def at_ns(self, decision: Decision) -> int | None:
        """Return the host time of a decision's edge; None where nobody knows."""
        known = self.edges_ns.get(decision.decision_id)
        if known is None and self.landing_ns is not None:
            return decision.host_ns + self.landing_ns
        return known


def rule_figures(
    rule: RuleConfig, decisions: Sequence[Decision], started_ns: int
) -> RuleFigures:
    """Return a rule's figures, without the truth.

    Parameters
    ----------
    rule
        The rule.
    decisions
        Its own ones, in order.
    started_ns
        Host time of the session's start.
    """
    outcomes = Counter(decision.outcome for decision in decisions)
    fires = [decision for decision in decisions if decision.outcome in FIRES]
    times = np.array([decision.host_ns for decision in fires], np.int64)
    between = np.diff(times) / 1e9
    return RuleFigures(
        rule=rule.name,
        source=rule.source or FEATURES,
        fired=outcomes["fired"],
        sham=outcomes["sham"],
        disarmed=outcomes["disarmed"],
        suppressed={
            name.removeprefix("suppressed_"): count
            for name, count in sorted(outcomes.items())
            if name not in FIRES
        },
        first_s=(int(times[0]) - started_ns) / 1e9 if len(times) else None,
        median_interval_s=float(np.median(between)) if len(between) else None,
        age=offsets([decision.age_ns for decision in fires]),
    )


def against_truth(
    decisions: Sequence[Decision], truth: Truth, actions: Actions, within_ns: int
) -> AgainstTruth:
    """Hold a rule's fires against when they should have been.

    Parameters
    ----------
    decisions
        The rule's, in order.
    truth
        Of the rule.
    actions
        When what was decided was there.
    within_ns
        A fire whose decision is this near to an event is its own.
    """
    first_ns, last_ns = truth.span
    fires = [
        decision
        for decision in decisions
        if decision.outcome in FIRES
        and first_ns - within_ns <= decision.host_ns <= last_ns + within_ns
    ]
    found = matched([d.host_ns for d in fires], truth.events_ns, within_ns)
    pairs = [
        (fires[fire], int(truth.events_ns[event]))
        for fire, event in zip(found.fires, found.events, strict=True)
    ]
    acted = [
        at_ns - event_ns
        for decision, event_ns in pairs
        if (at_ns := actions.at_ns(decision)) is not None
    ]
    return AgainstTruth(
        truth=truth.words,
        within_ms=within_ns / 1e6,
        events=len(truth.events_ns),
        found=len(pairs),
        missed=len(found.missed),
        missed_by=_blamed(decisions, truth.events_ns[found.missed], within_ns),
        false=len(found.false),
        wrong_fraction=len(found.false) / len(fires) if fires else 0.0,
        seen=offsets([d.exposure_ns - at_ns for d, at_ns in pairs]),
        decided=offsets([d.host_ns - at_ns for d, at_ns in pairs]),
        action=offsets(acted),
    )


def _blamed(
    decisions: Sequence[Decision], missed_ns: NDArray[np.int64], within_ns: int
) -> dict[str, int]:
    """Return why events have no fire: what was suppressed nearest to each."""
    blamed = Counter(
        held_back(decisions, int(event_ns), within_ns) or _NO_EDGE
        for event_ns in missed_ns
    )
    return dict(sorted(blamed.items()))
