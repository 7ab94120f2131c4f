"""ONNX Runtime: the engine of the base install, and the fast one.

A model carries what the rig must know of it in its own metadata
(`metadata_props`), so that one file is the whole model: ``format``, ``name``,
``bodyparts`` (a JSON list), ``align_px``, and, when it gives heat maps, ``stride``
and ``locref_stdev``. It takes uint8 pixels, (n, H, W), (n, H, W, 1) or (n, H, W, 3),
and gives ``keypoints`` or ``heatmap`` and ``locref``. What ``springhare convert``
made also has an input ``size``, to which it resizes the picture first.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from onnxruntime.capi import (  # its errors have no other home
    onnxruntime_pybind11_state as engine,  # pyright: ignore[reportAttributeAccessIssue]
)

from inference.convert.proof import require_proof
from inference.runners.batches import by_shape
from inference.runners.peaks import decode_peaks
from inference.runners.providers import CPU, choose_providers, provider_options
from rig.errors import ModelError, VersionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from inference.model_file import ModelFile

__all__ = ["MODEL_FORMAT", "OnnxModel"]

MODEL_FORMAT = "springhare-pose/1"
"""What ``format`` in a model's metadata must be."""

_SIZE = "size"
_ALIGN_PX = "32"
"""Where a model does not say: no usual network has a coarser step."""
_UNREADABLE = (
    engine.Fail,
    engine.InvalidArgument,
    engine.InvalidGraph,
    engine.InvalidProtobuf,
    engine.NotImplemented,
    engine.RuntimeException,
)

_SPIN_IS_BOUNDED = tuple(map(int, onnxruntime.__version__.split(".")[:2])) >= (1, 31)
_SPINNING = (
    {"allow_spinning": "1", "spin_duration_us": "1000"}
    if _SPIN_IS_BOUNDED
    else {"allow_spinning": "0"}
)
"""A worker that waits wide awake for its share of the next layer is there sooner: a
tenth of the time of a small network. One that did so between frames would take a core
from a camera's process; so it may for 1 ms, or never where that cannot be said."""

logger = logging.getLogger(__name__)


class OnnxModel:
    """A pose network in ONNX Runtime.

    Parameters
    ----------
    file
        The model.
    threads
        Threads that compute; each wants a core for itself.
    provider
        What computes: see `inference.runners.providers`.
    half
        Whether half precision is allowed, where the provider has it.
    resize
        Factor by which the picture is shrunk first.
    proven
        Whether a converted model must carry its proof.

    Raises
    ------
    ModelError
        If the file is not a pose model, is not proven, or cannot do as asked.
    """

    def __init__(
        self,
        file: ModelFile,
        threads: int,
        *,
        provider: str = "cpu",
        half: bool = False,
        resize: float = 1.0,
        proven: bool = True,
    ) -> None:
        self._session = _open(file, threads, provider, half=half)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.metadata: dict[str, str] = metadata
        """What the file says of itself."""
        self.name = metadata.get("name") or file.path.stem
        self.sha256 = file.sha256
        self.bodyparts = _bodyparts(file, metadata)
        if proven:
            require_proof(file.path, metadata)
        self.provider = self._session.get_providers()[0]
        self.dear_shapes = self.provider != CPU
        self.align_px = int(
            _number(file, {"align_px": _ALIGN_PX, **metadata}, "align_px")
        )
        self._outputs = _outputs(file, self._session)
        if self._outputs != ["keypoints"]:
            self._stride_px = _number(file, metadata, "stride")
            self._locref_stdev_px = _number(file, metadata, "locref_stdev")
        self._input, self._input_shape, sizable = _inputs(file, self._session)
        colour = len(self._input_shape) == 4 and self._input_shape[3] == 3
        self._input_channels = 3 if colour else 1
        self._rgb: dict[tuple[int, ...], NDArray[np.uint8]] = {}
        self._resize = _resize(file, resize, sizable=sizable)
        self._sizable = sizable
        self._sizes: dict[tuple[int, ...], NDArray[np.int64]] = {}

    @property
    def batches(self) -> bool:
        """Whether several frames may go through the network together."""
        return not isinstance(self._input_shape[0], int)

    def warm_up(self, height: int, width: int, channels: int) -> None:
        """Make ready for frames of one size; run twice, since the first one is slow.

        Raises
        ------
        ModelError
            If the network takes another size or other channels, or does not give
            one keypoint per body part.
        """
        if channels == 3 and self._input_channels == 1:
            msg = (
                f"Expected grey frames for {self.name}, got RGB ones: set the camera's "
                "pixel_format to Mono8, or take a model for colour (springhare convert "
                "--colour)"
            )
            raise ModelError(msg)
        for axis, got, size in zip(
            ("height", "width"), (height, width), self._input_shape[1:3], strict=True
        ):
            if isinstance(size, int) and size != got:
                msg = (
                    f"Expected frames of {axis} {size} px for {self.name}, got {got}: "
                    "set the camera's ROI or inference.crop_px"
                )
                raise ModelError(msg)
        shape = (height, width) if channels == 1 else (height, width, 3)
        self.infer(np.zeros(shape, np.uint8))
        keypoints = self.infer(np.zeros(shape, np.uint8))
        if keypoints.shape != (len(self.bodyparts), 3):
            msg = (
                f"Expected {len(self.bodyparts)} keypoints from {self.name}, got an "
                f"output of shape {keypoints.shape}: its metadata does not fit it"
            )
            raise ModelError(msg)

    def infer(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the pose in a frame, (bodyparts, 3)."""
        return self._run(self._as_input(frame), frame.shape[:2])[0]

    def infer_together(
        self, frames: Sequence[NDArray[np.uint8]]
    ) -> list[NDArray[np.float32]]:
        """Return the pose in each of some frames, those of one shape as a batch."""
        return by_shape(frames, self._batch)

    def close(self) -> None:
        """Nothing to let go of: the session ends with the object."""

    def _batch(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        inputs = np.concatenate([self._as_input(frame) for frame in frames])
        return self._run(inputs, frames[0].shape[:2])

    def _run(
        self, pixels: NDArray[np.uint8], shape: tuple[int, ...]
    ) -> NDArray[np.float32]:
        """Return (n, bodyparts, 3) of (n, …) pixels."""
        feed: dict[str, Any] = {self._input: pixels}
        if self._sizable:
            feed[_SIZE] = self._size_of(shape)
        outputs = self._session.run(self._outputs, feed)
        if len(outputs) == 1:
            keypoints = _as_array(outputs[0]).reshape(len(pixels), -1, 3)
        else:
            keypoints = self._decoded(*map(_as_array, outputs))
        if self._resize != 1:
            keypoints[..., :2] *= np.float32(1 / self._resize)
        return keypoints

    def _decoded(
        self, heatmaps: NDArray[np.float32], locrefs: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        if heatmaps.shape[1] != len(self.bodyparts):  # channels last
            heatmaps = np.moveaxis(heatmaps, -1, 1)
            locrefs = np.moveaxis(locrefs, -1, 1)
        return np.stack(
            [
                decode_peaks(
                    heatmap,
                    locref,
                    stride_px=self._stride_px,
                    locref_stdev_px=self._locref_stdev_px,
                )
                for heatmap, locref in zip(heatmaps, locrefs, strict=True)
            ]
        )

    def _size_of(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return to what a frame is resized; the same array for the same frame."""
        size = self._sizes.get(shape)
        if size is None:
            # as dlclive rounds
            size = np.array([int(side * self._resize) for side in shape], np.int64)
            self._sizes[shape] = size
        return size

    def _as_input(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # a contiguous frame is handed over as it lies; only a crop is copied
        if frame.ndim == 2 and self._input_channels == 3:
            rgb = self._rgb.get(frame.shape)
            if rgb is None:
                rgb = self._rgb[frame.shape] = np.empty((1, *frame.shape, 3), np.uint8)
            rgb[0] = frame[..., np.newaxis]
            return rgb
        pixels = np.ascontiguousarray(frame)[np.newaxis]
        if frame.ndim == 2 and len(self._input_shape) == 4:
            return pixels[..., np.newaxis]
        return pixels


def _open(
    file: ModelFile, threads: int, provider: str, *, half: bool
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    for key, value in _SPINNING.items():
        options.add_session_config_entry(f"session.intra_op.{key}", value)
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # small shares of a layer: a thread that is kept waiting holds up the others less
    options.add_session_config_entry("session.dynamic_block_base", "4")
    options.log_severity_level = 3
    wanted = choose_providers(provider, onnxruntime.get_available_providers())
    settings = [
        (
            name,
            provider_options(
                name, threads=threads, half=half, model_sha256=file.sha256
            ),
        )
        for name in wanted
    ]
    try:
        session = onnxruntime.InferenceSession(
            str(file.path), options, providers=settings
        )
    except _UNREADABLE as error:
        msg = f"Expected an ONNX model in {file.path}, got {error}: export it anew"
        raise ModelError(msg) from error
    if session.get_providers()[0] != wanted[0]:
        logger.warning(
            "%s cannot be used here, %s computes: see its requirements, or set "
            "inference.provider",
            wanted[0],
            session.get_providers()[0],
        )
    return session


def _resize(file: ModelFile, resize: float, *, sizable: bool) -> float:
    if resize != 1 and not sizable:
        msg = (
            f"Expected inference.resize 1 for {file.path}, got {resize}: this model "
            "has its size inside; leave resize out"
        )
        raise ModelError(msg)
    return resize


def _inputs(
    file: ModelFile, session: onnxruntime.InferenceSession
) -> tuple[str, list[int | str | None], bool]:
    """Return name and shape of the pixels, and whether they are resized inside."""
    inputs = {node.name: node for node in session.get_inputs()}
    pixels = [node for node in inputs.values() if node.type == "tensor(uint8)"]
    others = [node.name for node in inputs.values() if node not in pixels]
    if len(pixels) != 1 or others not in ([], [_SIZE]):
        got = ", ".join(f"{node.name}: {node.type}" for node in inputs.values())
        msg = f"Expected one uint8 input in {file.path}, got {got}: export it anew"
        raise ModelError(msg)
    return pixels[0].name, pixels[0].shape, bool(others)


def _bodyparts(file: ModelFile, metadata: Mapping[str, str]) -> tuple[str, ...]:
    found = metadata.get("format")
    if found != MODEL_FORMAT:
        msg = (
            f"Expected format {MODEL_FORMAT} in the metadata of {file.path}, got "
            f"{found or 'none'}: convert it with this version of springhare"
        )
        raise VersionError(msg)
    try:
        names = json.loads(metadata.get("bodyparts", ""))
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        msg = (
            f"Expected a JSON list of names as bodyparts in the metadata of "
            f"{file.path}, got {metadata.get('bodyparts')!r}: export it anew"
        )
        raise ModelError(msg)
    return tuple(names)


def _outputs(file: ModelFile, session: onnxruntime.InferenceSession) -> list[str]:
    names = [node.name for node in session.get_outputs()]
    for wanted in (["keypoints"], ["heatmap", "locref"]):
        if set(wanted) <= set(names):
            return wanted
    msg = (
        f"Expected an output keypoints, or heatmap and locref, in {file.path}, got "
        f"{', '.join(names)}: export it anew"
    )
    raise ModelError(msg)


def _number(file: ModelFile, metadata: Mapping[str, str], key: str) -> float:
    try:
        return float(metadata[key])
    except (KeyError, ValueError) as error:
        msg = (
            f"Expected a number as {key} in the metadata of {file.path}, got "
            f"{metadata.get(key)!r}: export it anew"
        )
        raise ModelError(msg) from error


def _as_array(output: Any) -> NDArray[np.float32]:
    return np.asarray(output, np.float32)
