"""DeepLabCut's ``.pt`` exports, driven by torch as fast as torch can.

The layers are dlclive's own; what is around them is not. Pixels go up as bytes and
are turned, normalised and resized where the network runs; the peaks are found there
too, so that a few numbers come back. On a GPU each shape of picture is recorded once
as a CUDA graph, and frames go up through pinned memory, the next one while the one
before is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.runners.batches import by_shape
from inference.runners.deeplabcut import quiet
from inference.runners.pytorch_export import read_export
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from inference.model_file import ModelFile
    from inference.runners.pytorch_export import PytorchExport

__all__ = ["TorchModel"]


class TorchModel:
    """A PyTorch export in torch, on a GPU where there is one.

    Parameters
    ----------
    file
        The export.
    threads
        Threads that compute, on a processor.
    provider
        ``cuda``, ``cpu``, or ``auto`` for the best.
    half
        Half precision; on a GPU only.
    resize
        Factor by which the picture is shrunk first.

    Raises
    ------
    ModelError
        If torch or dlclive is not installed, the file is no export, or the device
        is not there.
    """

    batches = True

    def __init__(
        self,
        file: ModelFile,
        threads: int,
        *,
        provider: str = "auto",
        half: bool = False,
        resize: float = 1.0,
    ) -> None:
        export = read_export(file)
        device = _device(provider, half=half)
        import torch

        torch.set_num_threads(threads)
        self.name = file.path.stem
        self.sha256 = file.sha256
        self.bodyparts = export.bodyparts
        self.align_px = round(export.network.backbone.stride)
        self.dear_shapes = device == "cuda"
        self.provider = f"torch-{device}{'-half' if half else ''}"
        self._resize = resize
        network = _Network(export, device, half=half, resize=resize)
        if device == "cuda":
            from inference.runners.torch_graphs import GraphedNetwork

            self._run = GraphedNetwork(network)
        else:
            self._run = _Plain(network)

    def warm_up(self, height: int, width: int, channels: int) -> None:
        """Make ready for frames of one size: on a GPU, record the graph.

        Raises
        ------
        ModelError
            If the network does not give one keypoint per body part.
        """
        shape = (height, width) if channels == 1 else (height, width, 3)
        frame = np.zeros(shape, np.uint8)
        with quiet():
            self.infer(frame)
            keypoints = self.infer(frame)
        if keypoints.shape != (len(self.bodyparts), 3):
            msg = (
                f"Expected {len(self.bodyparts)} keypoints from {self.name}, got an "
                f"output of shape {keypoints.shape}: run it with inference.engine "
                "dlclive"
            )
            raise ModelError(msg)

    def infer(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the pose in a frame, (bodyparts, 3)."""
        return self._scaled([self._run([frame])[0]])[0]

    def infer_together(
        self, frames: Sequence[NDArray[np.uint8]]
    ) -> list[NDArray[np.float32]]:
        """Return the pose in each of some frames, those of one shape as a batch."""
        return self._scaled(self._run.each(frames))

    def _scaled(self, poses: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        if self._resize != 1:
            for pose in poses:
                pose[:, :2] *= np.float32(1 / self._resize)
        return poses

    def close(self) -> None:
        """Let go of the network and, on a GPU, of its memory."""
        self._run.close()


class _Network:
    """Bytes on the device in, keypoints on the device out; one picture or several."""

    def __init__(
        self, export: PytorchExport, device: str, *, half: bool, resize: float
    ) -> None:
        import torch

        self.device = device
        self._export = export
        self._resize = resize
        self._dtype = torch.float16 if half else torch.float32
        network = export.network.to(device=device, dtype=self._dtype)
        self._network = network.to(memory_format=torch.channels_last)

        def by_colour(values: Sequence[float]) -> Any:
            return torch.tensor(values, device=device).view(1, 3, 1, 1)

        self._mean, self._scale = by_colour(export.mean), by_colour(export.scale)

    def __call__(self, pixels: Any) -> Any:
        """Return (n, bodyparts, 3) float32 of pixels (n, h, w, 1 or 3) uint8."""
        import torch

        picture = pixels.permute(0, 3, 1, 2).float()
        if self._resize != 1:
            # as dlclive rounds
            size = [int(side * self._resize) for side in picture.shape[2:]]
            picture = torch.nn.functional.interpolate(
                picture, size=size, mode="bilinear", align_corners=False
            )
            picture = (picture + 0.5).floor()  # whole grey levels, as dlclive's are
        picture = ((picture - self._mean) / self._scale).to(
            self._dtype, memory_format=torch.channels_last
        )
        return self._peaks(self._network(picture)["bodypart"])

    def _peaks(self, maps: Any) -> Any:
        import torch

        export = self._export
        heatmap = maps["heatmap"].float()
        if export.sigmoid:
            heatmap = torch.sigmoid(heatmap)
        columns = heatmap.shape[3]
        likelihood, best = heatmap.flatten(2).max(dim=2)
        cells = torch.stack([best % columns, best // columns], dim=2)
        places = (cells.float() + 0.5) * export.stride_px
        if export.locref_stdev_px is not None:
            offsets = maps["locref"].float().flatten(2)
            offsets = offsets.unflatten(1, (len(export.bodyparts), 2))
            wanted = best[:, :, None, None].expand(-1, -1, 2, 1)
            moved = offsets.gather(3, wanted).squeeze(3)
            places = places + moved * export.locref_stdev_px
        if export.clip:
            likelihood = likelihood.clamp(0, 1)
        return torch.cat([places, likelihood.unsqueeze(2)], dim=2)


class _Plain:
    """A network that is simply called."""

    def __init__(self, network: _Network) -> None:
        self._network = network

    def __call__(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        import torch

        pixels = np.stack(frames)
        pixels = pixels[..., None] if pixels.ndim == 3 else pixels
        with torch.inference_mode():
            return self._network(torch.from_numpy(pixels)).numpy()

    def each(self, frames: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        return by_shape(frames, self)

    def close(self) -> None:
        """Nothing to let go of."""


def _device(provider: str, *, half: bool) -> str:
    """Return ``cuda`` or ``cpu``."""
    import torch

    there = torch.cuda.is_available()
    if provider in {"tensorrt", "openvino"}:
        msg = (
            f"Expected inference.provider auto, cuda or cpu for engine torch, got "
            f"{provider}: convert the model (springhare convert) and set engine to onnx"
        )
        raise ModelError(msg)
    if provider == "cuda" and not there:
        msg = (
            "Expected a GPU that torch can use, got none: install torch for CUDA and "
            "the driver, or set inference.provider to cpu"
        )
        raise ModelError(msg)
    device = "cuda" if there and provider != "cpu" else "cpu"
    if half and device == "cpu":
        msg = (
            "Expected inference.precision single without a GPU, got half: a processor "
            "is slower with it"
        )
        raise ModelError(msg)
    return device
