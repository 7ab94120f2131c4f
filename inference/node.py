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

from inference.by_hand import HandInputs, action_of
from inference.decider import Decider
from inference.eyes import Eyes, Gathering
from inference.feed import FrameFeed
from inference.latency import LatencyMeter, RateMeter
from inference.model import load_engine
from inference.outlets import Outlets, declare
from inference.pace import measure, pace_findings
from inference.processor import PoseProcessor
from inference.setup import setup_step
from inference.step import StepConfig
from inference.view.viewer import Viewer
from rig.config.rig import RigConfig
from rig.config.task import InferenceConfig, TaskConfig
from rig.errors import ModelError, StreamError
from rig.node import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from inference.eyes import Seen, Taken
    from inference.model import PoseModel
    from inference.pace import Pace
    from inference.view.viewer import Trust
    from rig.bus.directory import StreamDirectory
    from rig.bus.notice import Waiter
    from rig.messages import StreamSpec, StreamStatus
    from rig.node import NodeContext

__all__ = ["InferenceNode"]

_WAIT_MS = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Attached:
    """What the node holds while the session's rings are there."""

    feeds: tuple[FrameFeed, ...]
    eyes: Eyes
    waiter: Waiter
    decider: Decider


class InferenceNode:
    """One pose network for all cameras of a task, and the task's rules.

    Parameters
    ----------
    context
        Its `config` is the ``inference`` section of the task file, its `task` the
        whole of it.
    load
        Makes the pose network of the section.
    """

    def __init__(
        self,
        context: NodeContext,
        load: Callable[[InferenceConfig], PoseModel] = load_engine,
    ) -> None:
        self._name = context.name
        self._load = load
        self._clock = context.clock
        self._rig = RigConfig.model_validate(context.rig) if context.rig else None
        self._config = InferenceConfig.model_validate(context.config)
        self._task = TaskConfig.model_validate(context.task)
        self._armed = self._task.armed
        self._model: PoseModel | None = None
        self._processor: PoseProcessor | None = None
        self._step_config = StepConfig()
        self._declared: list[StreamSpec] = []
        self._attached: _Attached | None = None
        self._held = ExitStack()
        self._latency = LatencyMeter(self._task.latency_budget)
        self._rates = {camera: RateMeter() for camera in self._config.cameras}
        self._exposures_ns: dict[str, int] = {}

    def open(self) -> Sequence[StreamSpec]:
        """Load the model, fit gates and rules to its body parts, declare the streams.

        Raises
        ------
        ModelError
            If the model cannot be loaded.
        ConfigError
            If a rule uses a body part that the model does not have, a calibration
            does not fit the rig, or somebody's own class cannot be had.
        """
        model = self._model = self._load(self._config)
        self._step_config = setup_step(
            self._task, self._config, model.bodyparts, self._rig
        )
        if self._config.processor is not None:
            self._processor = PoseProcessor(self._config.processor)
        self._declared = declare(
            self._name,
            self._config.cameras,
            model.bodyparts,
            self._attributes(model),
            self._task,
            self._step_config,
        )
        return self._declared

    def findings(self) -> Sequence[Finding]:
        """Return whether the model keeps up with the cameras of the rig file."""
        rig = self._rig
        if rig is None:
            return ()
        paces = []
        for name in self._config.cameras:
            camera = rig.cameras[name]
            channels = 3 if camera.pixel_format == "RGB8" else 1
            viewer = self._viewer(name, camera.height_px, camera.width_px, channels)
            paces.append(self._paced(name, viewer, rig.camera_rate_hz(name)))
        return [*pace_findings(paces), *self._space_findings()]

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
            decider = held.enter_context(closing(self._decider(streams)))
            names = [*(feed.stream for feed in feeds), *decider.wakes]
            self._attached = _Attached(
                feeds=feeds,
                eyes=self._eyes(feeds),
                waiter=held.enter_context(closing(streams.waiter(names))),
                decider=decider,
            )
            self._held = held.pop_all()
        self._attached.eyes.warm_up()

    def start(self) -> None:
        """Nothing to begin: frames come when the cameras start."""

    def step(self) -> None:
        """Look at one frame, or wait for one for 20 ms at most."""
        attached = self._require()
        eyes = attached.eyes
        feed = eyes.waiting(self._clock.now())
        if feed is None:
            attached.waiter.wait(self._wait_ms(attached))
            feed = eyes.waiting(self._clock.now())
        if feed is not None:
            for taken in eyes.take(feed, self._clock.now()):
                self._look(taken, attached)
        attached.decider.turn()

    def stop(self) -> None:
        """Count what was not looked at as skipped and close the streams."""
        attached = self._require()
        for feed in attached.feeds:
            feed.close()
        attached.decider.close()
        if self._processor is not None:
            self._processor.close()
            self._processor = None

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
            figures |= self._attached.decider.figures()
        if self._processor is not None:
            figures["processor"] = 1.0
        return {**figures, "armed": float(self._armed)}

    def handle(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Arm or disarm the loop (whether a fire is carried out), or fire by hand.

        Raises
        ------
        ConfigError
            If the rig cannot give the pulse that is asked for.
        StreamError
            On any other request.
        """
        if name == "pulse":
            return self._pulse(arguments)
        if name not in {"arm", "disarm"}:
            msg = f"Expected arm, disarm or pulse for {self._name}, got {name!r}"
            raise StreamError(msg)
        self._armed = name == "arm"
        if self._attached is not None:
            self._attached.decider.armed = self._armed
        logger.info("%sed", name)
        return {"armed": self._armed}

    def _pulse(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Decide on a pulse by hand; its arguments name who asks, as ``by``."""
        by = str(arguments.get("by", "nobody"))
        wanted = {key: value for key, value in arguments.items() if key != "by"}
        action = action_of(wanted, self._rig)
        now_ns = self._clock.now()
        asked = HandInputs.of_action(action, by, now_ns=now_ns, armed=self._armed)
        decision = self._require().decider.pulse(asked)
        logger.info("by hand: %s on %s, asked by %s", decision.outcome, action.line, by)
        return {"decision_id": decision.decision_id, "outcome": decision.outcome}

    def _wait_ms(self, attached: _Attached) -> int:
        """Return how long may be waited: nobody waits longer than is agreed."""
        deadlines_ns = (attached.eyes.deadline_ns, attached.decider.deadline_ns)
        due_ns = min((due for due in deadlines_ns if due is not None), default=None)
        if due_ns is None:
            return _WAIT_MS
        left_ms = -((self._clock.now() - due_ns) // 1_000_000)
        return max(0, min(_WAIT_MS, left_ms))

    def _look(self, taken: Sequence[Taken], attached: _Attached) -> None:
        dequeued_ns = self._clock.now()
        looked_at = attached.eyes.look(taken)
        inferred_ns = self._clock.now()
        for seen in looked_at:
            self._decide(seen, dequeued_ns, inferred_ns, attached)

    def _decide(
        self, seen: Seen, dequeued_ns: int, inferred_ns: int, attached: _Attached
    ) -> None:
        """Publish a pose and what the rules make of it, if its frame was whole."""
        feed, decider = seen.feed, attached.decider
        if not feed.done(seen.view):
            decider.overwritten(feed, seen.view.first_seq, inferred_ns)
            return
        pose = decider.decide(seen, dequeued_ns, inferred_ns)
        self._latency.add(pose)
        self._rates[feed.camera].add(pose.host_ns)
        self._exposures_ns[feed.camera] = pose.exposure_ns

    def _decider(self, streams: StreamDirectory) -> Decider:
        outlets = Outlets(self._name, self._declared, streams)
        return Decider(
            self._task,
            self._config,
            self._step_config,
            streams,
            outlets,
            self._latency,
            self._processor,
            self._clock,
            armed=self._armed,
        )

    def _eyes(self, feeds: Sequence[FrameFeed]) -> Eyes:
        together = self._config.batch and bool(getattr(self._model, "batches", False))
        viewers = {
            feed.camera: self._viewer(
                feed.camera, feed.height, feed.width, feed.channels
            )
            for feed in feeds
        }
        space, gathering = self._step_config.space, None
        if space is not None:
            gathering = Gathering(frozenset(space.views.cameras), space.views.wait_ns)
        return Eyes(feeds, viewers, together=together, gathering=gathering)

    def _viewer(self, camera: str, height: int, width: int, channels: int) -> Viewer:
        if self._model is None:
            msg = f"Expected {self._name} to have a model, open it first"
            raise ModelError(msg)
        trust = None
        if self._step_config.follower.gates is not None:
            trust = self._trust(camera)
        return Viewer(self._model, self._config, height, width, channels, trust)

    def _trust(self, camera: str) -> Trust:
        """Return what tells, as `step` will, which keypoints pass the gates."""

        def passed(
            keypoints: NDArray[np.float32], exposure_ns: int
        ) -> NDArray[np.bool_]:
            follower = self._step_config.follower
            before = self._require().decider.state.cameras.get(camera)
            return follower.trusted(before, keypoints, exposure_ns)

        return passed

    def _paced(self, camera: str, viewer: Viewer, rate_hz: float) -> Pace:
        """Measure how long a usual look of a camera takes."""
        viewer.warm_up()
        look = partial(viewer.model.infer, viewer.usual_picture())
        pace = measure(camera, rate_hz, look, self._clock)
        logger.info("%s: %.1f ms a frame", camera, pace.p50_ms)
        return pace

    def _space_findings(self) -> Sequence[Finding]:
        space = self._step_config.space
        if space is None or space.triangulator.engine == "numba":
            return ()
        return (
            Finding(
                "points in space",
                ok=False,
                detail="they take milliseconds, not microseconds: numba is missing",
                remedy="pip install 'springhare[fast]'",
            ),
        )

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
