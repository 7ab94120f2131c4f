"""What decides: the state of `inference.step` between poses, and all around it.

It gives each step what it needs (the features as they are, the time an action takes
to land, what a processor makes of the pose) and publishes what comes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.by_hand import by_hand
from inference.features.intake import FeatureIntake
from inference.landing import Landing
from inference.step import (
    SignalInputs,
    StepInputs,
    begin,
    foresee,
    heard,
    overdue,
    step,
)
from rig.config.rules import OF_SIGNALS
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from inference.by_hand import HandInputs
    from inference.eyes import Seen
    from inference.feed import FrameFeed
    from inference.latency import LatencyMeter
    from inference.outlets import Outlets
    from inference.processor import PoseProcessor
    from inference.step import StepConfig
    from rig.bus.directory import StreamDirectory
    from rig.config.task import InferenceConfig, TaskConfig
    from rig.messages import Decision, Pose
    from sync.clock import Clock

__all__ = ["Decider"]


class Decider:
    """Asks the rules about all that comes, and publishes what they decide.

    Parameters
    ----------
    task, inference
        The task, and its inference section.
    config
        Made of them by `inference.setup`.
    streams
        The session's streams, for signals and acknowledgements.
    outlets
        Where the results go.
    latency
        Is told of each decision and each acknowledgement.
    processor
        Somebody's Processor, if the task has one.
    clock
        The host's.
    armed
        Whether fires are carried out.
    """

    def __init__(
        self,
        task: TaskConfig,
        inference: InferenceConfig,
        config: StepConfig,
        streams: StreamDirectory,
        outlets: Outlets,
        latency: LatencyMeter,
        processor: PoseProcessor | None,
        clock: Clock,
        *,
        armed: bool,
    ) -> None:
        self.armed = armed
        self._config = config
        self._outlets = outlets
        self._latency = latency
        self._processor = processor
        self._clock = clock
        self._features = FeatureIntake(task.features, streams)
        self._landing = Landing(_fixed_landing_ns(inference))
        self._landing.attach(streams)
        self._asks_signals = any(rule.source == OF_SIGNALS for rule in config.rules)
        self._news = False
        """Whether signals have something that rules about them were not asked."""
        self._decided = self._too_old = 0
        # a decision's number is its place in the stream, also after a restart
        self.state = begin(config, outlets.decision_id, outlets.points_seq)
        """What `step` carries from pose to pose."""

    @property
    def wakes(self) -> list[str]:
        """Streams whose news concern the rules, beside the cameras'."""
        return self._features.streams if self._asks_signals else []

    @property
    def deadline_ns(self) -> int | None:
        """When a moment will have waited long enough for views; None if none does."""
        views = self.state.views
        return None if views is None else views.deadline_ns

    def decide(self, seen: Seen, dequeued_ns: int, inferred_ns: int) -> Pose:
        """Publish a pose and what the rules make of it; return the pose's record."""
        feed = seen.feed
        self._let_go(dequeued_ns)  # what replay knows of: no moment goes in between
        shown = self._processed(seen)
        self._listen()  # now, and not before the network looked: signals are newer
        now_ns = self._clock.now()
        inputs = StepInputs.of_frame(
            feed.camera,
            seen.frame,
            pose_seq=feed.pose_seq,
            dequeued_ns=dequeued_ns,
            inferred_ns=inferred_ns,
            now_ns=now_ns,
            armed=self.armed,
            latency_ns=self._landing.latency_ns,
            features=self._features.now(),
            shown=shown,
            box_px=seen.look.box,
        )
        result = step(seen.look.keypoints, inputs, self.state, self._config)
        self._send(result.decisions, now_ns)  # first: they are urgent
        result = foresee(result, inputs, self._config)
        self.state = result.state
        self._outlets.publish(feed, result)
        return result.pose

    def pulse(self, asked: HandInputs) -> Decision:
        """Publish what becomes of a pulse that a person asks for."""
        self.state, decision = by_hand(asked, self.state)
        self._publish((decision,))
        return decision

    def turn(self) -> None:
        """Do what no pose waits for.

        A sign of life, what the actuator answered, rules about signals alone, and
        moments that waited in vain for further views.
        """
        self._outlets.beat()
        for answer in self._landing.listen():
            self._latency.acknowledged(answer)
        self._listen()
        if self._news and self._asks_signals:
            self._news = False
            inputs = self._signal_inputs()
            self.state, decisions = heard(inputs, self.state, self._config)
            self._send(decisions, inputs.now_ns)
        self._let_go(self._clock.now())

    def _let_go(self, until_ns: int) -> None:
        """Let moments go that had waited long enough by then."""
        if self.deadline_ns is None or self.deadline_ns > until_ns:
            return
        inputs = self._signal_inputs()
        self.state, points, decisions = overdue(inputs, self.state, self._config)
        self._send(decisions, inputs.now_ns)
        self._outlets.place(points)

    def overwritten(self, feed: FrameFeed, seq: int, now_ns: int) -> None:
        """Note a frame that was overwritten while the network looked at it."""
        self._outlets.overwritten(feed, seq, now_ns)

    def figures(self) -> dict[str, float]:
        """Return how much was decided or came too late, and how views come together.

        A sham counts as a fire: nobody may see live which is which.
        """
        found = {"decided": float(self._decided), "too_old": float(self._too_old)}
        views = self.state.views
        if views is not None:
            found["views_stale"] = float(views.stale)
            found["views_alone"] = float(views.alone)
        return found

    def close(self) -> None:
        """Close the streams, and let the processor save; may be called twice."""
        self._outlets.close()
        processor, self._processor = self._processor, None
        if processor is not None:
            processor.close()

    def _processed(self, seen: Seen) -> NDArray[np.float32] | None:
        """Return what the processor makes of a pose; None without one."""
        if self._processor is None:
            return None
        age_ns = self._clock.now() - seen.frame.exposure_ns
        return self._processor.process(seen.look.keypoints, age_ns, utc_now())

    def _listen(self) -> None:
        """Take in what the signals say."""
        self._news = self._features.listen() or self._news

    def _signal_inputs(self) -> SignalInputs:
        return SignalInputs(self._clock.now(), self.armed, self._features.now())

    def _send(self, decisions: Sequence[Decision], now_ns: int) -> None:
        """Send decisions, record the features that were asked, and follow the fires."""
        self._publish(decisions)
        self._outlets.hear(self._features.values(), now_ns)

    def _publish(self, decisions: Sequence[Decision]) -> None:
        self._outlets.decide(decisions)
        for decision in decisions:
            self._landing.decided(decision)
            self._latency.decided(decision)
            self._decided += decision.outcome in {"fired", "sham"}
            self._too_old += decision.outcome == "suppressed_age"


def _fixed_landing_ns(config: InferenceConfig) -> int | None:
    prediction = config.prediction
    if prediction is None or prediction.landing_ms == "measured":
        return None
    return round(prediction.landing_ms * 1e6)
