"""Real dlclive, for DeepLabCut exports as they are: the reference engine.

Its keypoints are those of dlclive called directly. What a caller must know of
dlclive 1.1.0 is held here: it takes every colour frame for BGR, its static and
dynamic crops do not go together (we crop ourselves), its default model type is
TensorFlow's, and the network is loaded with the first frame.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.runners.deeplabcut import (
    installed,
    quiet,
    readable,
    tensorflow_hidden,
)
from rig.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.model_file import ModelFile

__all__ = ["DlcliveModel"]


class DlcliveModel:
    """A DeepLabCut export in dlclive, single animal.

    Parameters
    ----------
    file
        A PyTorch export (``.pt``) or the folder of a TensorFlow export.
    threads
        Threads that compute.
    resize
        Factor by which dlclive shrinks the frame first; keypoints come in pixels
        of the frame as it was.

    Raises
    ------
    ModelError
        If dlclive is not installed, or the export is not one.
    """

    def __init__(self, file: ModelFile, threads: int, resize: float) -> None:
        self._file = file
        pytorch = file.form == "pytorch"
        with quiet(), installed(file):
            self._live, self.provider = (
                _pytorch(file, threads, resize)
                if pytorch
                else _tensorflow(file, threads, resize)
            )
        with readable(file):
            config = self._live.read_config()
            names = (
                config["metadata"]["bodyparts"]
                if pytorch
                else config["all_joints_names"]
            )
        self.bodyparts: tuple[str, ...] = tuple(names)
        self.name = file.path.stem
        self.sha256 = file.sha256

    def warm_up(self, height: int, width: int, channels: int) -> None:
        """Load the network and run it twice, since the first frames are slow.

        Raises
        ------
        ModelError
            If the network cannot be built, or does not give one keypoint per body
            part (several animals, several outputs per body part).
        """
        frame = np.zeros((height, width, 3)[: 2 if channels == 1 else 3], np.uint8)
        with quiet(), readable(self._file):
            if not self._live.is_initialized:
                self._live.init_inference(frame)
            pose = self._live.get_pose(frame)
            if pose.shape == (len(self.bodyparts), 3):
                return
        msg = (
            f"Expected one animal with {len(self.bodyparts)} keypoints from "
            f"{self._file.path}, got an output of shape {pose.shape}: export a "
            "single-animal model with num_outputs 1"
        )
        raise ModelError(msg)

    def infer(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the pose in a frame, (bodyparts, 3)."""
        if frame.ndim == 3:
            # dlclive turns what it takes for BGR back into the RGB that we have
            frame = np.ascontiguousarray(frame[..., ::-1])
        return np.asarray(self._live.get_pose(frame), np.float32)

    def close(self) -> None:
        """Close dlclive's session."""
        self._live.close()


def _pytorch(file: ModelFile, threads: int, resize: float) -> tuple[Any, str]:
    import torch

    with tensorflow_hidden():
        from dlclive import DLCLive

    torch.set_num_threads(threads)
    live: Any = DLCLive(str(file.path), model_type="pytorch", resize=_factor(resize))
    return live, f"torch-{live.runner.device}"


def _tensorflow(file: ModelFile, threads: int, resize: float) -> tuple[Any, str]:
    # tensorflow reads it once, when it is imported
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow
    from dlclive import DLCLive

    options = tensorflow.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1
    )
    live = DLCLive(
        str(file.path), model_type="base", tf_config=options, resize=_factor(resize)
    )
    return live, "tensorflow"


def _factor(resize: float) -> float | None:
    return None if resize == 1 else resize
