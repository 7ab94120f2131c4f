"""Inference as peers do it: whole frames come over ZeroMQ, poses go out by it.

The network, the gates, the prediction and the rules are the same as the node's, called
the same way. Only what carries frames and results is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.bench.looping.work import CAMERA
from inference.bench.looping.zeromq import FrameSocket, publisher, send_record
from inference.setup import setup_step
from inference.step import StepInputs, begin, foresee, step
from inference.view.viewer import Viewer
from rig.config.task import InferenceConfig, TaskConfig
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inference.bench.looping.network import TimedNetwork
    from inference.bench.looping.work import Work
    from rig.bus.directory import StreamDirectory
    from rig.messages import StreamSpec, StreamStatus
    from rig.node import NodeContext

__all__ = ["PeerNode", "StreamlessNode"]

_WAIT_MS = 20
_LANDING_NS = 3_000_000


class StreamlessNode:
    """What a node must have that declares no streams and reads none."""

    def open(self) -> Sequence[StreamSpec]:
        """Declare no streams."""
        return ()

    def start(self) -> None:
        """Nothing to begin."""

    def stop(self) -> None:
        """Nothing is left to publish."""

    def reads(self) -> Mapping[str, StreamStatus]:
        """Return nothing: no ring is read."""
        return {}

    def metrics(self) -> Mapping[str, float]:
        """Return nothing."""
        return {}


class PeerNode(StreamlessNode):
    """A node like inference's, without rings."""

    def __init__(self, context: NodeContext, work: Work, model: TimedNetwork) -> None:
        self._work = work
        self._model = model
        self._clock = MonotonicClock()
        self._inference = InferenceConfig.model_validate(context.config)
        task = TaskConfig.model_validate(context.task)
        self._config = setup_step(task, self._inference, model.bodyparts, None)
        self._state = begin(self._config)
        self._poses = 0

    def attach(self, streams: StreamDirectory) -> None:
        """Open the sockets."""
        self._frames = FrameSocket(streams.path, CAMERA)
        self._sent = publisher(streams.path, "decisions")
        height, width = self._work.shape
        self._viewer = Viewer(self._model, self._inference, height, width, 1)
        self._viewer.warm_up()

    def step(self) -> None:
        """Look at the newest frame, and send what follows from it."""
        found = self._frames.newest(self._work.shape, _WAIT_MS)
        if found is None:
            return
        frame, pixels = found
        dequeued_ns = self._clock.now()
        look = self._viewer.look(pixels, frame.exposure_ns)
        inputs = StepInputs.of_frame(
            CAMERA,
            frame,
            pose_seq=self._poses,
            dequeued_ns=dequeued_ns,
            inferred_ns=self._clock.now(),
            now_ns=self._clock.now(),
            armed=True,
            latency_ns=_LANDING_NS,
        )
        result = step(look.keypoints, inputs, self._state, self._config)
        self._poses += 1
        for decision in result.decisions:
            self._model.decided(self._clock.now())
            send_record(self._sent, decision)
        self._state = foresee(result, inputs, self._config).state
        send_record(self._sent, result.pose, result.keypoints)

    def close(self) -> None:
        """Close the sockets; may be called twice."""
        if self._poses:
            self._frames.close()
            self._sent.close(linger=0)
