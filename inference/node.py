"""The inference node: the loop around `inference.step`.

It waits for the cameras' wake-ups, takes the newest frame of the camera that has
waited longest, lets the network look at it where it lies in the ring, and
publishes the pose and what the rules decided. Where cameras look together, frames
that were exposed at the same moment are taken together. Frames that a newer one
overtook are skipped and counted.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from inference import gates
from inference.eyes import Eyes
from inference.feed import COUNTERS, FrameFeed
from inference.latency import LatencyMeter, RateMeter
from inference.model import load_engine
from inference.pace import measure, pace_findings
from inference.rules import compile_rules
from inference.step import StepConfig, StepInputs, begin, step
from inference.view.viewer import Viewer
from rig.config.rig import RigConfig
from rig.config.task import InferenceConfig, TaskConfig
from rig.errors import ModelError, StreamError
from rig.messages import Loss, PayloadSpec, StreamSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from inference.eyes import Seen
    from inference.model import PoseModel
    from inference.pace import Pace
    from inference.view.viewer import Trust
    from rig.bus.directory import StreamDirectory, StreamWriter
    from rig.bus.notice import Waiter
    from rig.messages import StreamStatus
    from rig.node import Finding, NodeContext

__all__ = ["InferenceNode"]

_WAIT_MS = 20
_SLOTS = 4096

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Attached:
    """What the node holds while the session's rings are there."""

    feeds: tuple[FrameFeed, ...]
    eyes: Eyes
    waiter: Waiter
    decisions: StreamWriter
    losses: StreamWriter


class InferenceNode:
    """One pose network for all cameras of a task, and the task's rules.

    Parameters
    ----------
    context
        Its `config` is the ``inference`` section of the task file, its `task` the
        whole of it.
    """

    def __init__(self, context: NodeContext) -> None:
        self._name = context.name
        self._clock = context.clock
        self._rig = context.rig
        self._config = InferenceConfig.model_validate(context.config)
        self._task = TaskConfig.model_validate(context.task)
        self._armed = self._task.armed
        self._model: PoseModel | None = None
        self._step_config = StepConfig()
        self._state = begin(self._step_config)
        self._attached: _Attached | None = None
        self._held = ExitStack()
        self._latency = LatencyMeter()
        self._rates = {camera: RateMeter() for camera in self._config.cameras}
        self._exposures_ns: dict[str, int] = {}
        self._fired = 0

    def open(self) -> Sequence[StreamSpec]:
        """Load the model, fit the rules to its body parts, declare the streams.

        Raises
        ------
        ModelError
            If the model cannot be loaded.
        ConfigError
            If a rule uses a body part that the model does not have.
        """
        model = self._model = load_engine(self._config)
        self._step_config = StepConfig(
            compile_rules(self._task.rules, model.bodyparts, self._task.seed)
        )
        poses = [
            StreamSpec(
                name=f"poses/{camera}",
                kind="poses",
                node=self._name,
                payload=PayloadSpec("<f4", (len(model.bodyparts), 3)),
                slots=_SLOTS,
                counters=COUNTERS,
                attributes=self._attributes(model),
            )
            for camera in self._config.cameras
        ]
        name = self._name
        return [
            *poses,
            StreamSpec(name="decisions", kind="decisions", node=name, slots=_SLOTS),
            StreamSpec(name=f"losses/{name}", kind="losses", node=name),
        ]

    def findings(self) -> Sequence[Finding]:
        """Return whether the model keeps up with the cameras of the rig file."""
        if not self._rig:
            return ()
        rig = RigConfig.model_validate(self._rig)
        paces = []
        for name in self._config.cameras:
            camera = rig.cameras[name]
            channels = 3 if camera.pixel_format == "RGB8" else 1
            viewer = self._viewer(name, camera.height_px, camera.width_px, channels)
            paces.append(self._paced(name, viewer, rig.camera_rate_hz(name)))
        return pace_findings(paces)

    def attach(self, streams: StreamDirectory) -> None:
        """Take readers and writers, and warm the model up at each frame size.

        Raises
        ------
        StreamError
            If a camera is missing.
        ModelError
            If the model cannot see a camera's frames.
        """
        with ExitStack() as held:  # what was taken is closed, if not all can be
            feeds = tuple(
                held.enter_context(closing(FrameFeed(camera, streams)))
                for camera in self._config.cameras
            )
            names = [feed.stream for feed in feeds]
            self._attached = _Attached(
                feeds=feeds,
                eyes=self._eyes(feeds),
                waiter=held.enter_context(closing(streams.waiter(names))),
                decisions=held.enter_context(closing(streams.writer("decisions"))),
                losses=held.enter_context(
                    closing(streams.writer(f"losses/{self._name}"))
                ),
            )
            self._held = held.pop_all()
        # a decision's number is its place in the stream, also after a restart
        self._state = begin(self._step_config, self._attached.decisions.seq)
        self._attached.eyes.warm_up()

    def start(self) -> None:
        """Nothing to begin: frames come when the cameras start."""

    def step(self) -> None:
        """Look at one frame, or wait for one for 20 ms at most."""
        attached = self._require()
        feed = attached.eyes.waiting()
        if feed is None and attached.waiter.wait(_WAIT_MS):
            feed = attached.eyes.waiting()
        if feed is not None:
            self._look(feed, attached)

    def stop(self) -> None:
        """Count what was not looked at as skipped and close the streams."""
        attached = self._require()
        for feed in attached.feeds:
            feed.close()
        attached.decisions.close()
        attached.losses.close()

    def close(self) -> None:
        """Let go of streams, sockets and model; may be called twice."""
        self._held.close()
        if self._model is not None:
            self._model.close()

    def reads(self) -> Mapping[str, StreamStatus]:
        """Return the account of each camera."""
        feeds = self._attached.feeds if self._attached else ()
        return {feed.stream: feed.status() for feed in feeds}

    def metrics(self) -> Mapping[str, float]:
        """Return latencies (ms) of the last poses, rate and age by camera."""
        now_ns = self._clock.now()
        figures = self._latency.figures()
        for camera, rate in self._rates.items():
            figures[f"pose_hz_{camera}"] = rate.rate_hz(now_ns)
        for camera, exposure_ns in self._exposures_ns.items():
            figures[f"pose_age_ms_{camera}"] = (now_ns - exposure_ns) / 1e6
        if self._attached is not None:
            figures |= self._attached.eyes.figures()
        return {**figures, "fired": float(self._fired), "armed": float(self._armed)}

    def handle(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Arm or disarm the loop: whether a fire is carried out.

        Raises
        ------
        StreamError
            On any other request.
        """
        del arguments
        if name not in {"arm", "disarm"}:
            msg = f"Expected arm or disarm for {self._name}, got {name!r}"
            raise StreamError(msg)
        self._armed = name == "arm"
        logger.info("%sed", name)
        return {"armed": self._armed}

    def _look(self, feed: FrameFeed, attached: _Attached) -> None:
        dequeued_ns = self._clock.now()
        looked_at = attached.eyes.look(feed, dequeued_ns)
        inferred_ns = self._clock.now()
        for seen in looked_at:
            self._decide(seen, dequeued_ns, inferred_ns, attached)

    def _decide(
        self, seen: Seen, dequeued_ns: int, inferred_ns: int, attached: _Attached
    ) -> None:
        """Publish a pose and what the rules make of it, if its frame was whole."""
        feed, frame = seen.feed, seen.frame
        if not feed.done(seen.view):
            loss = _overwritten(feed, seen.view.first_seq, inferred_ns)
            attached.losses.append(loss)
            return
        inputs = StepInputs.of_frame(
            feed.camera,
            frame,
            pose_seq=feed.pose_seq,
            dequeued_ns=dequeued_ns,
            inferred_ns=inferred_ns,
            now_ns=self._clock.now(),
            armed=self._armed,
        )
        result = step(seen.look.keypoints, inputs, self._state, self._step_config)
        self._state = result.state
        feed.publish(result.pose, result.keypoints)
        for decision in result.decisions:
            attached.decisions.append(decision)
            self._fired += decision.outcome == "fired"
        self._latency.add(result.pose)
        self._rates[feed.camera].add(result.pose.host_ns)
        self._exposures_ns[feed.camera] = frame.exposure_ns

    def _eyes(self, feeds: Sequence[FrameFeed]) -> Eyes:
        together = self._config.batch and bool(getattr(self._model, "batches", False))
        viewers = {
            feed.camera: self._viewer(
                feed.camera, feed.height, feed.width, feed.channels
            )
            for feed in feeds
        }
        return Eyes(feeds, viewers, together=together)

    def _viewer(self, camera: str, height: int, width: int, channels: int) -> Viewer:
        if self._model is None:
            msg = f"Expected {self._name} to have a model, open it first"
            raise ModelError(msg)
        trust = None if self._step_config.gates is None else self._trust(camera)
        return Viewer(self._model, self._config, height, width, channels, trust)

    def _trust(self, camera: str) -> Trust:
        """Return what tells, as `step` will, which keypoints pass the gates."""

        def passed(
            keypoints: NDArray[np.float32], exposure_ns: int
        ) -> NDArray[np.bool_]:
            asked = self._step_config.gates or gates.Gates(())
            before = self._state.cameras.get(camera)
            state = gates.begin(asked) if before is None else before.gates
            return gates.gate(asked, state, keypoints, exposure_ns)[1] == gates.GOOD

        return passed

    def _paced(self, camera: str, viewer: Viewer, rate_hz: float) -> Pace:
        """Measure how long a usual look of a camera takes."""
        viewer.warm_up()
        look = partial(viewer.model.infer, viewer.usual_picture())
        pace = measure(camera, rate_hz, look, self._clock)
        logger.info("%s: %.1f ms a frame", camera, pace.p50_ms)
        return pace

    def _attributes(self, model: PoseModel) -> dict[str, Any]:
        crop_px, dynamic = self._config.crop_px, self._config.dynamic_crop
        return {
            "bodyparts": list(model.bodyparts),
            "model": model.name,
            "model_sha256": model.sha256,
            "engine": self._config.engine,
            "provider": model.provider,
            "threads": self._config.threads,
            "resize": self._config.resize,
            **({} if crop_px is None else {"crop_px": list(crop_px)}),
            **({} if dynamic is None else {"dynamic_crop": dynamic.model_dump_json()}),
        }

    def _require(self) -> _Attached:
        if self._attached is None:
            msg = f"Expected {self._name} to be attached to its streams, it is not"
            raise StreamError(msg)
        return self._attached


def _overwritten(feed: FrameFeed, seq: int, now_ns: int) -> Loss:
    return Loss(
        host_ns=now_ns,
        stream=feed.stream,
        stage="inference",
        first_id=seq,
        count=1,
        cause="overwritten while the network looked at it",
    )
