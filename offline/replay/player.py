"""The steps of a session, taken again one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inference.by_hand import by_hand
from inference.step import (
    SignalInputs,
    StepConfig,
    StepInputs,
    StepState,
    begin,
    foresee,
    heard,
    overdue,
    step,
)
from offline.replay.moments import HandMoment, PoseMoment, SignalMoment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from inference.space import InSpace
    from offline.replay.arming import Armed
    from offline.replay.moments import Moment
    from rig.messages import Decision

__all__ = ["Played", "Player"]


@dataclass(slots=True)
class Played:
    """What came of the steps."""

    decisions: list[Decision] = field(default_factory=list)
    points: list[InSpace] = field(default_factory=list)
    estimates: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)
    """By camera, one for each pose; kept only for the session's own task."""


class Player:
    """Takes steps.

    Parameters
    ----------
    config
        Of the steps.
    armed
        Whether the loop was, at a host time.
    asks_signals
        Whether a rule is about signals alone.
    own
        Whether the session was decided on so.
    """

    def __init__(
        self, config: StepConfig, armed: Armed, *, asks_signals: bool, own: bool
    ) -> None:
        self.played = Played()
        self._config = config
        self._armed = armed
        self._asks_signals = asks_signals
        self._own = own
        self._heard: tuple[int, ...] = ()
        self._features: Any = {}
        self._state: StepState = begin(config)

    def begin(self) -> None:
        """Begin anew, as a node does that had died."""
        done = self.played
        self._state = begin(self._config, len(done.decisions), len(done.points))
        self._heard = ()

    def take(self, moment: Moment) -> None:
        """Take the step of a moment."""
        if isinstance(moment, HandMoment):
            self._state, decision = by_hand(moment.inputs, self._state)
            self._keep((decision,), ())
            return
        if isinstance(moment, PoseMoment):
            self._let_go(moment.pose.dequeued_ns)
            self._features = moment.features
            self._pose(moment)
        else:
            self._features = moment.features
            self._signals(moment)

    def _pose(self, moment: PoseMoment) -> None:
        inputs = StepInputs.of_pose(
            moment.camera,
            moment.pose,
            armed=self._armed(moment.now_ns),
            latency_ns=moment.latency_ns,
            features=moment.features,
            shown=moment.shown,
        )
        result = step(moment.keypoints, inputs, self._state, self._config)
        result = foresee(result, inputs, self._config)
        self._state = result.state
        self._keep(result.decisions, result.points)
        if self._own:
            estimates = self.played.estimates.setdefault(moment.camera, [])
            estimates.append(result.followed.estimate())

    def _signals(self, moment: SignalMoment) -> None:
        """Ask the rules about signals, once for each news; else views were late."""
        inputs = self._inputs(moment.now_ns)
        news = moment.numbers != self._heard
        if self._asks_signals and news and not moment.points:
            self._heard = moment.numbers
            self._state, decisions = heard(inputs, self._state, self._config)
            self._keep(decisions, ())
            return
        self._state, points, decisions = overdue(inputs, self._state, self._config)
        self._keep(decisions, points)

    def _let_go(self, until_ns: int) -> None:
        """Let moments go of which no record tells when they went.

        Live that is looked after between two poses. Where it gave points their time is
        recorded, so under the session's own task none may come of it here.
        """
        views = self._state.views
        deadline_ns = None if views is None else views.deadline_ns
        if deadline_ns is None or deadline_ns > until_ns:
            return
        inputs = self._inputs(deadline_ns)
        state, points, decisions = overdue(inputs, self._state, self._config)
        if not (self._own and points):
            self._state = state
            self._keep(decisions, points)

    def _inputs(self, now_ns: int) -> SignalInputs:
        return SignalInputs(now_ns, self._armed(now_ns), self._features)

    def _keep(self, decisions: Sequence[Decision], points: Sequence[InSpace]) -> None:
        self.played.decisions.extend(decisions)
        self.played.points.extend(points)
