"""The streams that inference writes: declared, opened, and written to."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from inference.feed import COUNTERS
from inference.follow import ESTIMATE_COLUMNS
from inference.space import POINT_COLUMNS
from rig.devices.dead_man import BEATS
from rig.messages import Loss, PayloadSpec, StreamSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from inference.features.intake import Heard
    from inference.feed import FrameFeed
    from inference.space import InSpace
    from inference.step import StepConfig, StepResult
    from rig.bus.directory import StreamDirectory, StreamWriter
    from rig.config.task import TaskConfig
    from rig.geometry import Camera
    from rig.messages import Decision

__all__ = ["POINTS", "Outlets", "declare"]

POINTS = "points/space"
_SLOTS = 4096


def declare(
    node: str,
    cameras: Sequence[str],
    bodyparts: Sequence[str],
    attributes: Mapping[str, Any],
    task: TaskConfig,
    config: StepConfig,
) -> list[StreamSpec]:
    """Return the streams that a task's inference writes.

    Estimates are written only where there is something to estimate, points where
    something is seen in space, features where the task has some.
    """
    n = len(bodyparts)
    specs = [
        StreamSpec(
            name=f"poses/{camera}",
            kind="poses",
            node=node,
            payload=PayloadSpec("<f4", (n, 3)),
            slots=_SLOTS,
            counters=COUNTERS,
            attributes=dict(attributes),
        )
        for camera in cameras
    ]
    if _estimates(task, config):
        shape = PayloadSpec("<f4", (n, len(ESTIMATE_COLUMNS)))
        told: dict[str, Any] = {
            "bodyparts": list(bodyparts),
            "columns": list(ESTIMATE_COLUMNS),
        }
        specs += [
            StreamSpec(
                name=f"estimates/{camera}",
                kind="estimates",
                node=node,
                payload=shape,
                slots=_SLOTS,
                attributes=told,
            )
            for camera in cameras
        ]
    if config.space is not None:
        told: dict[str, Any] = {
            "bodyparts": list(bodyparts),
            "columns": list(POINT_COLUMNS),
            "cameras": list(config.space.views.cameras),
            "calibration": _as_text(config.space.triangulator.cameras),
        }
        specs.append(
            StreamSpec(
                name=POINTS,
                kind="points",
                node=node,
                payload=PayloadSpec("<f4", (n, len(POINT_COLUMNS))),
                slots=_SLOTS,
                attributes=told,
            )
        )
    if task.features:
        name = "features"
        specs.append(StreamSpec(name=name, kind="features", node=node, slots=_SLOTS))
    return [
        *specs,
        StreamSpec(
            name="decisions",
            kind="decisions",
            node=node,
            slots=_SLOTS,
            counters=(BEATS,),
        ),
        StreamSpec(name=f"losses/{node}", kind="losses", node=node),
    ]


def _as_text(cameras: Iterable[Camera]) -> str:
    """Return calibrated cameras as JSON: a session keeps what it was decided with."""
    return json.dumps([asdict(camera) for camera in cameras])


def _estimates(task: TaskConfig, config: StepConfig) -> bool:
    processor = None if task.inference is None else task.inference.processor
    follower = config.follower
    return bool(processor or follower.gates or follower.predictor)


class Outlets:
    """The writers of a session's streams.

    Parameters
    ----------
    node
        The node's name.
    declared
        What it declared, poses apart: those are written by their camera's feed.
    streams
        The session's streams.
    """

    def __init__(
        self, node: str, declared: Iterable[StreamSpec], streams: StreamDirectory
    ) -> None:
        self._losses = f"losses/{node}"
        self._writers: dict[str, StreamWriter] = {}
        self._held = ExitStack()
        with ExitStack() as held:  # what was taken is closed, if not all can be
            for spec in declared:
                if spec.kind != "poses":
                    writer = held.enter_context(closing(streams.writer(spec.name)))
                    self._writers[spec.name] = writer
            self._held = held.pop_all()

    @property
    def decision_id(self) -> int:
        """Of the next decision: its place in the stream, also after a restart."""
        return self._writers["decisions"].seq

    @property
    def points_seq(self) -> int:
        """Of the next points in space."""
        writer = self._writers.get(POINTS)
        return 0 if writer is None else writer.seq

    def beat(self) -> None:
        """Give a sign of life: without one the actuator's board drops its outputs."""
        self._writers["decisions"].count(BEATS)

    def publish(self, feed: FrameFeed, result: StepResult) -> None:
        """Write a pose and what is known of it; its decisions are written before."""
        feed.publish(result.pose, result.keypoints)
        self.place(result.points)
        estimates = self._writers.get(f"estimates/{feed.camera}")
        if estimates is not None:
            estimates.append(result.estimate, result.followed.estimate())

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Write decisions; a fired one is the command to the actuator."""
        for decision in decisions:
            self._writers["decisions"].append(decision)

    def place(self, points: Iterable[InSpace]) -> None:
        """Write points in space."""
        for moment in points:
            self._writers[POINTS].append(moment.record, moment.points)

    def hear(self, heard: Iterable[Heard], now_ns: int) -> None:
        """Write the features that rules are asked with now."""
        for each in heard:
            self._writers["features"].append(each.record(now_ns))

    def overwritten(self, feed: FrameFeed, seq: int, now_ns: int) -> None:
        """Note a frame that was overwritten while the network looked at it."""
        loss = Loss(
            host_ns=now_ns,
            stream=feed.stream,
            stage="inference",
            first_id=seq,
            count=1,
            cause="overwritten while the network looked at it",
        )
        self._writers[self._losses].append(loss)

    def close(self) -> None:
        """Close the streams; may be called twice."""
        self._held.close()
