"""What an export holds once its engine is left behind: a graph and a few facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["HEATMAP", "LOCREF", "OPSET", "PICTURE", "Network"]

OPSET = 17
"""Version of ONNX's operators, which ONNX Runtime 1.19 reads."""

PICTURE = "picture"
"""Input of the graph: float (n, 3, height, width), red first, normalised."""
HEATMAP = "heatmap"
"""Output: likelihoods (n, bodyparts, rows, columns)."""
LOCREF = "locref"
"""Output: offsets (n, 2 x bodyparts, rows, columns), x before y."""


@dataclass(frozen=True, slots=True)
class Network:
    """A pose network from a normalised picture to its maps."""

    model: ModelProto
    """Its graph: `PICTURE` in, `HEATMAP` and, unless `locref_stdev_px` is None,
    `LOCREF` out."""
    bodyparts: tuple[str, ...]
    mean: tuple[float, float, float]
    """Subtracted from red, green and blue, in grey levels (0 to 255)."""
    scale: tuple[float, float, float]
    """By which the difference is divided, in grey levels."""
    stride_px: float
    """Pixels per cell of the maps."""
    locref_stdev_px: float | None
    """Pixels per unit of `LOCREF`; None where the network refines nothing."""
    clip: bool
    """Whether likelihoods are cut to 0 to 1."""
