"""A pose network that looks at a session's frames, as the live node let it look.

The frames are those that became poses, exact from the recording; what of them the
network sees is for `inference.view.viewer` to say, which the live node asks too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.view.viewer import BatchModel, Glance, Viewer, look_together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from inference.model import PoseModel
    from inference.view.viewer import Trust
    from offline.replay.frames import Frames
    from offline.replay.moments import PoseMoment
    from offline.replay.player import Believed
    from offline.replay.recorded import RecordedPoses
    from rig.config.task import InferenceConfig

__all__ = ["NetworkSight"]


class NetworkSight:
    """Looks at the frames of poses.

    Parameters
    ----------
    model
        The network; warmed up here for all that it will be shown.
    config
        Which part of the frames, and whether cameras look together.
    frames
        Of the session.
    poses
        By camera, in order: those that will be looked at.
    looked
        Is told how many poses more were looked at.

    Raises
    ------
    ModelError
        If the network cannot see a camera's frames.
    """

    def __init__(
        self,
        model: PoseModel,
        config: InferenceConfig,
        frames: Frames,
        poses: Mapping[str, RecordedPoses],
        looked: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self.keypoints: dict[str, list[NDArray[np.float32]]] = {}
        """What was seen, by camera in the order of its poses."""
        self.without_frame = 0
        """Poses that stand as they were recorded, for their frame is not there."""
        self._model, self._config, self._frames = model, config, frames
        self._told = looked
        self._poses = poses
        self._places = {
            camera: frames.places(camera, each.rows["frame_seq"])
            for camera, each in poses.items()
        }
        self._mates = self._together()
        self._viewers: dict[str, Viewer] = {}
        self._ahead: dict[tuple[str, int], NDArray[np.float32]] = {}
        for camera in poses:
            self._viewer(camera, None).warm_up()

    def begin(self, believed: Believed | None) -> None:
        """Begin with fresh eyes; None believes what is likely."""
        self._ahead.clear()
        self._viewers = {
            camera: self._viewer(camera, believed) for camera in self._poses
        }

    def look(self, moment: PoseMoment) -> NDArray[np.float32]:
        """Return the keypoints (bodyparts, 3) of a pose.

        Where its frame was lost to the recorder they stay as they were recorded.
        """
        camera = moment.camera
        seen = self.keypoints.setdefault(camera, [])
        mine = (camera, len(seen))
        if mine not in self._ahead:
            self._look_at(self._mates.get(mine, [mine]))
        self.without_frame += mine not in self._ahead
        found = self._ahead.pop(mine, moment.keypoints)
        seen.append(found)
        self._told(1)
        return found

    def _look_at(self, looked_at: list[tuple[str, int]]) -> None:
        """Look at the frames of some poses at once."""
        there = [
            (camera, k, int(self._places[camera][k]))
            for camera, k in looked_at
            if self._places[camera][k] >= 0
        ]
        if not there:
            return
        glances = [
            Glance(
                self._viewers[camera],
                self._frames.pixels(camera, place),
                int(self._poses[camera].rows["exposure_ns"][k]),
            )
            for camera, k, place in there
        ]
        for (camera, k, _), look in zip(there, look_together(glances), strict=True):
            self._ahead[camera, k] = look.keypoints

    def _together(self) -> dict[tuple[str, int], list[tuple[str, int]]]:
        """Return the poses that went through the network with each, where several do.

        They are those that were taken at the same time.
        """
        model = self._model
        if not (self._config.batch and isinstance(model, BatchModel) and model.batches):
            return {}
        looked_at = sorted(
            (int(row["dequeued_ns"]), int(row["host_ns"]), camera, k)
            for camera, each in self._poses.items()
            for k, row in enumerate(each.rows)
        )
        by_time: dict[int, list[tuple[str, int]]] = {}
        for dequeued_ns, _, camera, k in looked_at:
            by_time.setdefault(dequeued_ns, []).append((camera, k))
        return {one: mates for mates in by_time.values() for one in mates}

    def _viewer(self, camera: str, believed: Believed | None) -> Viewer:
        height, width, channels = self._frames.shape(camera)
        trust: Trust | None = None
        if believed is not None:

            def trusted(
                keypoints: NDArray[np.float32], exposure_ns: int
            ) -> NDArray[np.bool_]:
                return believed(camera, keypoints, exposure_ns)

            trust = trusted
        return Viewer(self._model, self._config, height, width, channels, trust)
