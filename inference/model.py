"""What a pose network is to the rig: a frame goes in, keypoints come out.

Every engine stands behind `PoseModel`, so that node, replay and bench know
none of them. `load_model` finds the file that a task names, checks that the
engine can read it, and imports that one engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from inference.model_file import find_model
from rig.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.model_file import ModelFile
    from rig.config.task import InferenceConfig

__all__ = ["CroppedModel", "PoseModel", "load_engine", "load_model"]

_ENGINES = {
    "onnx": ("onnx",),
    "pytorch": ("dlclive", "torch"),
    "tensorflow": ("dlclive",),
}
"""Which engines read a form of model."""


class PoseModel(Protocol):
    """A loaded pose network; used from one thread."""

    @property
    def name(self) -> str:
        """The model's name, for people."""
        ...

    @property
    def sha256(self) -> str:
        """Hash of the model's file, so that a session knows what saw it."""
        ...

    @property
    def bodyparts(self) -> tuple[str, ...]:
        """Names of the keypoints, in the order of the rows of a pose."""
        ...

    @property
    def provider(self) -> str:
        """What computes: the same session on the same one gives the same poses."""
        ...

    def warm_up(self, height: int, width: int, channels: int) -> None:
        """Make ready for frames of one size (px) and 1 or 3 channels; takes its time.

        Called for each size before the first `infer` at it.

        Raises
        ------
        ModelError
            If the network cannot see such frames.
        """
        ...

    def infer(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the pose in a frame.

        Parameters
        ----------
        frame
            (height, width) grey or (height, width, 3) RGB, uint8; only read.

        Returns
        -------
        ndarray of float32
            (bodyparts, 3): x and y in pixels of the whole frame, likelihood. It
            belongs to the caller.
        """
        ...

    def close(self) -> None:
        """Let go of the engine; may be called twice."""
        ...


def load_engine(config: InferenceConfig) -> PoseModel:
    """Load the pose network of a task with the engine that the task names.

    It sees what it is shown: crops are the `inference.view.viewer`'s.

    Raises
    ------
    ModelError
        If it is missing, the engine cannot read it or is not installed.
    """
    file = find_model(config.model)
    _require_fitting(file, config)
    if config.engine == "dlclive":
        from inference.runners.dlclive import DlcliveModel

        return DlcliveModel(file, threads=config.threads, resize=config.resize)
    half = config.precision == "half"
    if config.engine == "torch":
        from inference.runners.torch import TorchModel as Model
    else:
        from inference.runners.onnx import OnnxModel as Model

    return Model(
        file,
        config.threads,
        provider=config.provider,
        half=half,
        resize=config.resize,
    )


def load_model(config: InferenceConfig) -> PoseModel:
    """Load the pose network of a task, with its fixed crop.

    Raises
    ------
    ModelError
        If it is missing, the engine cannot read it or is not installed.
    """
    model = load_engine(config)
    return CroppedModel(model, config.crop_px) if config.crop_px else model


class CroppedModel:
    """A model that sees a part of the frame and answers in the whole frame's pixels.

    Parameters
    ----------
    model
        What sees the part.
    crop_px
        x0, y0, x1, y1 of the part; x1 and y1 are the first ones outside.
    """

    def __init__(self, model: PoseModel, crop_px: tuple[int, int, int, int]) -> None:
        self._model = model
        self._x0, self._y0, self._x1, self._y1 = crop_px
        self._offset_px = np.array([self._x0, self._y0], np.float32)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def sha256(self) -> str:
        """Hash of the model's file."""
        return self._model.sha256

    @property
    def bodyparts(self) -> tuple[str, ...]:
        """Names of the keypoints."""
        return self._model.bodyparts

    @property
    def provider(self) -> str:
        """What computes."""
        return self._model.provider

    def warm_up(self, height: int, width: int, channels: int) -> None:
        """Make ready for the part of frames of this size."""
        inside_x = 0 <= self._x0 < self._x1 <= width
        inside_y = 0 <= self._y0 < self._y1 <= height
        if not (inside_x and inside_y):
            msg = (
                f"Expected inference.crop_px (x0, y0, x1, y1) inside the picture of "
                f"{width} x {height} px, got {self._x0}, {self._y0}, {self._x1}, "
                f"{self._y1}: correct it, or the camera's ROI"
            )
            raise ModelError(msg)
        self._model.warm_up(self._y1 - self._y0, self._x1 - self._x0, channels)

    def infer(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the pose in the part, in pixels of the whole frame."""
        keypoints = self._model.infer(frame[self._y0 : self._y1, self._x0 : self._x1])
        keypoints[:, :2] += self._offset_px
        return keypoints

    def close(self) -> None:
        """Let go of the model."""
        self._model.close()


def _require_fitting(file: ModelFile, config: InferenceConfig) -> None:
    """Refuse an engine that cannot read the file, and say which can."""
    engines = _ENGINES[file.form]
    if config.engine in engines:
        return
    what = "an .onnx file" if file.form == "onnx" else "a DeepLabCut export"
    fast = "" if file.form == "onnx" else ", or convert it (springhare convert)"
    msg = (
        f"Expected a model for engine {config.engine}, got {what}: {file.path}: set "
        f"inference.engine to {' or '.join(engines)}{fast}"
    )
    raise ModelError(msg)
