"""What a pose network is to the rig: a frame goes in, keypoints come out.

Every engine stands behind `PoseModel`, so that node, replay and bench know
none of them. `load_engine` finds the file that a task names, checks that the
engine can read it, and imports that one engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from inference.model_file import find_model
from rig.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.model_file import ModelFile
    from rig.config.task import InferenceConfig

__all__ = ["PoseModel", "load_engine"]

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
