"""DeepLabCut's PyTorch exports (``.pt``): the network, traced by torch."""

from __future__ import annotations

import inspect
import io
from typing import TYPE_CHECKING, Any

from inference.convert.network import HEATMAP, LOCREF, OPSET, PICTURE, Network
from inference.runners.deeplabcut import quiet, readable
from inference.runners.pytorch_export import read_export

if TYPE_CHECKING:
    from inference.model_file import ModelFile
    from inference.runners.pytorch_export import PytorchExport

__all__ = ["read"]

_TRACED_PX = (128, 160)
"""Size of the picture with which the layers are followed; axes are free after."""


def read(file: ModelFile) -> Network:
    """Return the network of a ``.pt`` export.

    Raises
    ------
    ModelError
        If dlclive is not installed, the file is not an export, or of a kind that
        cannot be converted.
    """
    import onnx

    export = read_export(file)
    refined = export.locref_stdev_px is not None
    with quiet(), readable(file):
        model = onnx.load_from_string(_traced(export, refined=refined))
    return Network(
        model=model,
        bodyparts=export.bodyparts,
        mean=export.mean,
        scale=export.scale,
        stride_px=export.stride_px,
        locref_stdev_px=export.locref_stdev_px,
        clip=export.clip,
    )


def _traced(export: PytorchExport, *, refined: bool) -> bytes:
    import torch

    class Maps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = export.network

        def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, ...]:
            maps = self.network(picture)["bodypart"]
            heatmap = maps["heatmap"]
            if export.sigmoid:
                heatmap = torch.sigmoid(heatmap)
            return (heatmap, maps["locref"]) if refined else (heatmap,)

    names = [PICTURE, HEATMAP, *([LOCREF] if refined else [])]
    free = {name: {0: "n", 2: f"{name}_rows", 3: f"{name}_columns"} for name in names}
    # torch 2.9 and later default to another exporter, which needs more packages
    parameters = inspect.signature(torch.onnx.export).parameters
    old: dict[str, Any] = {"dynamo": False} if "dynamo" in parameters else {}
    buffer: Any = io.BytesIO()
    torch.onnx.export(
        Maps().eval(),
        (torch.zeros(1, 3, *_TRACED_PX),),
        buffer,
        input_names=names[:1],
        output_names=names[1:],
        opset_version=OPSET,
        dynamic_axes=free,
        **old,
    )
    return buffer.getvalue()
