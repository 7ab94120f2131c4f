"""ONNX Runtime: the engine of the base install, and the fast one.

A model carries what the rig must know of it in its own metadata
(`metadata_props`), so that one file is the whole model: ``format``, ``name``,
``bodyparts`` (a JSON list) and, when it gives heat maps, ``stride`` and
``locref_stdev``. It takes uint8 pixels, (1, H, W), (1, H, W, 1) or (1, H, W, 3),
and gives ``keypoints`` or ``heatmap`` and ``locref``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from onnxruntime.capi import (  # its errors have no other home
    onnxruntime_pybind11_state as engine,  # pyright: ignore[reportAttributeAccessIssue]
)

from inference.runners.peaks import decode_peaks
from rig.errors import ModelError, VersionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from inference.model_file import ModelFile

__all__ = ["MODEL_FORMAT", "OnnxModel"]

MODEL_FORMAT = "springhare-pose/1"
"""What ``format`` in a model's metadata must be."""

_UNREADABLE = (
    engine.Fail,
    engine.InvalidArgument,
    engine.InvalidGraph,
    engine.InvalidProtobuf,
    engine.NotImplemented,
    engine.RuntimeException,
)


class OnnxModel:
    """A pose network in ONNX Runtime, on the processor.

    Parameters
    ----------
    file
        The model.
    threads
        Threads that compute; none of them spins while it waits.

    Raises
    ------
    ModelError
        If the file is not a pose model.
    """

    def __init__(self, file: ModelFile, threads: int) -> None:
        self._session = _open(file, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.name = metadata.get("name") or file.path.stem
        self.sha256 = file.sha256
        self.bodyparts = _bodyparts(file, metadata)
        self.provider = self._session.get_providers()[0]
        self._outputs = _outputs(file, self._session)
        if self._outputs != ["keypoints"]:
            self._stride_px = _number(file, metadata, "stride")
            self._locref_stdev_px = _number(file, metadata, "locref_stdev")
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(uint8)":
            got = ", ".join(f"{node.name}: {node.type}" for node in inputs)
            msg = f"Expected one uint8 input in {file.path}, got {got}: export it anew"
            raise ModelError(msg)
        self._input = inputs[0].name
        self._input_shape: list[int | str | None] = inputs[0].shape
        colour = len(self._input_shape) == 4 and self._input_shape[3] == 3
        self._input_channels = 3 if colour else 1
        self._rgb: dict[tuple[int, ...], NDArray[np.uint8]] = {}

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
                "pixel_format to Mono8, or take a model for colour"
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
        outputs = self._session.run(self._outputs, {self._input: self._as_input(frame)})
        if len(outputs) == 1:
            return _as_array(outputs[0]).reshape(-1, 3)
        heatmap, locref = (_as_array(output)[0] for output in outputs)
        if heatmap.shape[0] != len(self.bodyparts):
            heatmap, locref = np.moveaxis(heatmap, -1, 0), np.moveaxis(locref, -1, 0)
        return decode_peaks(
            heatmap,
            locref,
            stride_px=self._stride_px,
            locref_stdev_px=self._locref_stdev_px,
        )

    def close(self) -> None:
        """Nothing to let go of: the session ends with the object."""

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


def _open(file: ModelFile, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # a thread that spins between frames takes a core from the camera's process
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(file.path), options, providers=["CPUExecutionProvider"]
        )
    except _UNREADABLE as error:
        msg = f"Expected an ONNX model in {file.path}, got {error}: export it anew"
        raise ModelError(msg) from error


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
