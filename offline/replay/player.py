"""The steps of a session, taken again one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

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
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from inference.space import InSpace
    from offline.replay.arming import Armed
    from offline.replay.moments import Moment
    from rig.messages import Decision

    Believed = Callable[[str, NDArray[np.float32], int], NDArray[np.bool_]]
    """Which keypoints of a camera's pose, of a frame exposed then (ns), can be
    believed."""

__all__ = ["Played", "Player", "Sight"]


class Sight(Protocol):
    """What looks at the frames of a session anew."""

    def begin(self, believed: Believed | None) -> None:
        """Begin with fresh eyes; None believes what is likely."""
        ...

    def look(self, moment: PoseMoment) -> NDArray[np.float32]:
        """Return the keypoints (bodyparts, 3) of a pose; asked in order of time."""
        ...


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
    sight
        The network that looks at the frames; None where the keypoints are there.
    """

    def __init__(
        self,
        config: StepConfig,
        armed: Armed,
        *,
        asks_signals: bool,
        own: bool,
        sight: Sight | None = None,
    ) -> None:
        self.played = Played()
        self._config = config
        self._armed = armed
        self._asks_signals = asks_signals
        self._own = own
        self._sight = sight
        self._heard: tuple[int, ...] = ()
        self._features: Any = {}
        self._state: StepState = begin(config)
        self._open_eyes()

    def begin(self) -> None:
        """Begin anew, as a node does that had died."""
        done = self.played
        self._state = begin(self._config, len(done.decisions), len(done.points))
        self._heard = ()
        self._open_eyes()

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

    def _open_eyes(self) -> None:
        if self._sight is not None:
            gated = self._config.follower.gates is not None
            self._sight.begin(self._trusted if gated else None)

    def _trusted(
        self, camera: str, keypoints: NDArray[np.float32], exposure_ns: int
    ) -> NDArray[np.bool_]:
        """Return which keypoints of a camera's next pose will pass the gates."""
        before = self._state.cameras.get(camera)
        return self._config.follower.trusted(before, keypoints, exposure_ns)

    def _pose(self, moment: PoseMoment) -> None:
        inputs = StepInputs.of_pose(
            moment.camera,
            moment.pose,
            armed=self._armed(moment.now_ns),
            latency_ns=moment.latency_ns,
            features=moment.features,
            shown=moment.shown,
        )
        keypoints = moment.keypoints
        if self._sight is not None:
            keypoints = self._sight.look(moment)
        result = step(keypoints, inputs, self._state, self._config)
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
