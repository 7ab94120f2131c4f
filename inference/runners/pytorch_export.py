"""DeepLabCut's PyTorch exports (``.pt``): the network itself, in dlclive's layers.

For the runner that drives it with torch, and for `inference.convert`. What cannot
be run frame by frame with one keypoint per body part is refused here, by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference.runners.deeplabcut import installed, quiet, readable, tensorflow_hidden
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.model_file import ModelFile

__all__ = ["PytorchExport", "read_export"]

_MEAN = (0.485, 0.456, 0.406)
_SCALE = (0.229, 0.224, 0.225)
"""What dlclive normalises by: ImageNet's, of pixels from 0 to 1."""
_WHITE = 255.0


@dataclass(frozen=True, slots=True)
class PytorchExport:
    """A network and what must be known to feed it and to read its maps."""

    network: Any
    """A torch module, in evaluation: normalised pictures (n, 3, h, w) in; a dict
    out, with ``heatmap`` and ``locref`` under ``bodypart``."""
    bodyparts: tuple[str, ...]
    mean: tuple[float, float, float]
    """Subtracted from red, green and blue, in grey levels."""
    scale: tuple[float, float, float]
    """By which the difference is divided, in grey levels."""
    stride_px: float
    sigmoid: bool
    """Whether the heat map must still be turned into likelihoods."""
    clip: bool
    """Whether likelihoods are cut to 0 to 1."""
    locref_stdev_px: float | None
    """None where offsets are not refined."""


def read_export(file: ModelFile) -> PytorchExport:
    """Read a ``.pt`` export and build its network.

    Raises
    ------
    ModelError
        If dlclive is not installed, the file is not an export, or a model of a kind
        that finds animals first or several of them.
    """
    with quiet(), installed(file):
        import torch

        with tensorflow_hidden():
            from dlclive.pose_estimation_pytorch import models
    with quiet(), readable(file):
        raw = torch.load(file.path, map_location="cpu", weights_only=True)
        config = raw["config"]
        _require_simple(file, config, raw.get("detector"))
        network: Any = models.PoseModel.build(config["model"])
        network.load_state_dict(raw["pose"])
        network.eval()
        head = network.heads["bodypart"]
        predictor = head.predictor
        stride_px = float(
            network.backbone.stride / head.stride
            if head.stride > 0
            else network.backbone.stride * -head.stride
        )
        normalised = bool(config["data"]["inference"].get("normalize_images", False))
        refined = predictor.location_refinement
        return PytorchExport(
            network=network,
            bodyparts=tuple(config["metadata"]["bodyparts"]),
            mean=_by_colour(_MEAN if normalised else (0.0, 0.0, 0.0)),
            scale=_by_colour(_SCALE if normalised else (1.0, 1.0, 1.0)),
            stride_px=stride_px,
            sigmoid=bool(predictor.apply_sigmoid),
            clip=bool(predictor.clip_scores),
            locref_stdev_px=float(predictor.locref_std) if refined else None,
        )


def _require_simple(
    file: ModelFile, config: Mapping[str, Any], detector: object
) -> None:
    """Refuse what is not one network from the whole frame to one heat map a part."""
    head = config["model"]["heads"]["bodypart"]
    kind, predictor = head["type"], head["predictor"]["type"]
    got = None
    if config["method"] != "bu" or detector is not None:
        got = "a top-down model, which looks for animals first"
    elif (kind, predictor) != ("HeatmapHead", "HeatmapPredictor"):
        got = f"a model with a {kind} read by a {predictor}"
    elif config["data"]["inference"].get("auto_padding"):
        got = "a model that pads its pictures"
    if got is not None:
        msg = (
            f"Expected a single-animal bottom-up model in {file.path}, got {got}: "
            "run it with inference.engine dlclive, or train a bottom-up one"
        )
        raise ModelError(msg)


def _by_colour(values: tuple[float, float, float]) -> tuple[float, float, float]:
    red, green, blue = (_WHITE * value for value in values)
    return red, green, blue
