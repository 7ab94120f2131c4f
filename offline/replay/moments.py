"""When rules were asked, in order, and with what: the inputs of each step.

Live, a step is taken at a host time that is recorded with all that it gave, so the
order of the recorded times is the order of the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from typing import TYPE_CHECKING

from inference.by_hand import HandInputs
from rig.messages import BY_HAND, Decision, Pose, from_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from inference.rules import Feature
    from offline.replay.hearing import Hearing
    from offline.replay.recorded import RecordedPoses

__all__ = ["HandMoment", "Moment", "PoseMoment", "SignalMoment", "moments"]


@dataclass(frozen=True, slots=True, eq=False)
class PoseMoment:
    """A pose was there."""

    now_ns: int
    camera: str
    pose: Pose
    keypoints: NDArray[np.float32]
    """(bodyparts, 3), as the network saw them."""
    shown: NDArray[np.float32] | None
    """What a processor made of them."""
    latency_ns: int
    features: Mapping[str, Feature]


@dataclass(frozen=True, slots=True, eq=False)
class SignalMoment:
    """Signals had gone on, or a moment in space had waited long enough."""

    now_ns: int
    features: Mapping[str, Feature]
    numbers: tuple[int, ...] = ()
    """Of the features' last samples: the same again is not news."""
    points: bool = False
    """Whether points in space are recorded of it."""


@dataclass(frozen=True, slots=True, eq=False)
class HandMoment:
    """A person had asked for a pulse."""

    inputs: HandInputs

    @property
    def now_ns(self) -> int:
        """Host time of the decision."""
        return self.inputs.now_ns


Moment = PoseMoment | SignalMoment | HandMoment


def moments(
    poses: Mapping[str, RecordedPoses],
    hearing: Hearing,
    points_ns: Iterable[int],
    decisions: NDArray[np.void],
    *,
    landing_ns: int | None,
    processed: bool,
) -> Iterator[Moment]:
    """Yield the moments of a session in order.

    Parameters
    ----------
    poses
        By camera.
    hearing
        The features at each time.
    points_ns
        Host times of the points in space; those of no pose are moments of their own.
    decisions
        (k,) as recorded: those by hand are moments of their own.
    landing_ns
        From decision to action for all poses; None takes what was recorded of each.
    processed
        Whether what a processor made of the poses is to be shown to the rules.
    """
    seen = [
        _of_camera(camera, recorded, hearing, landing_ns, processed)
        for camera, recorded in poses.items()
    ]
    taken: set[int] = set()
    for recorded in poses.values():
        taken.update(recorded.rows["host_ns"].tolist())
    return merge(
        *seen,
        _without_pose(hearing, taken, points_ns),
        _by_hand(decisions),
        key=lambda each: each.now_ns,
    )


def _by_hand(decisions: NDArray[np.void]) -> Iterator[HandMoment]:
    for row in decisions[decisions["rule"] == BY_HAND.encode()]:
        yield HandMoment(HandInputs.of_decision(from_row(Decision, row)))


def _without_pose(
    hearing: Hearing, taken: set[int], points_ns: Iterable[int]
) -> list[SignalMoment]:
    placed = set(points_ns) - taken
    heard = [
        SignalMoment(now_ns, features, numbers, points=now_ns in placed)
        for now_ns, features, numbers in hearing.alone(taken)
    ]
    known = {moment.now_ns for moment in heard}
    silent = [SignalMoment(now_ns, {}, points=True) for now_ns in placed - known]
    return sorted([*heard, *silent], key=lambda moment: moment.now_ns)


def _of_camera(
    camera: str,
    recorded: RecordedPoses,
    hearing: Hearing,
    landing_ns: int | None,
    processed: bool,
) -> Iterator[Moment]:
    for k, row in enumerate(recorded.rows):
        pose = from_row(Pose, row)
        latency_ns, shown = landing_ns or 0, None
        if recorded.at_ns is not None and recorded.estimates is not None:
            known = int(recorded.at_ns[k])
            if landing_ns is None and known >= 0:
                latency_ns = known - pose.host_ns
            if processed and known >= 0:
                shown = recorded.estimates[k, :, :3]
        yield PoseMoment(
            now_ns=pose.host_ns,
            camera=camera,
            pose=pose,
            keypoints=recorded.keypoints[k],
            shown=shown,
            latency_ns=latency_ns,
            features=hearing.at_pose(pose),
        )
